//! The loader by itself: parallel, into a database of any name, and one table beside the others.

use prisma_safe::backup::load::{self, Destination, Loaded, Options};
use prisma_safe::backup::scan::TableName;
use prisma_safe::backup::{Archive, Backup};
use prisma_safe::database::DatabaseUrl;
use prisma_safe::error::{Error, Result};

use super::{AWKWARD, Place};
use crate::support::{Database, soon};

/// Keys and indexes of every kind, and partitions: what must wait for what.
const KEYS: &str = "
CREATE TABLE a (id int PRIMARY KEY, b int, u int UNIQUE);
CREATE TABLE b (id int PRIMARY KEY, a int);
INSERT INTO a SELECT i, i, i FROM generate_series(1, 30000) i;
INSERT INTO b SELECT i, i FROM generate_series(1, 30000) i;
ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b; ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a (u);
CREATE INDEX a_b ON a (b); CREATE INDEX a_sum ON a ((b + u)); CREATE UNIQUE INDEX b_both ON b (a, id);
COMMENT ON INDEX a_b IS 'noted'; ALTER TABLE b CLUSTER ON b_both; ALTER TABLE a REPLICA IDENTITY USING INDEX a_pkey;
CREATE TABLE slice (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE slice_1 PARTITION OF slice FOR VALUES FROM (0) TO (100);
CREATE TABLE slice_2 PARTITION OF slice FOR VALUES FROM (100) TO (200);
CREATE INDEX slice_v ON slice (v);
INSERT INTO slice SELECT i, i::text FROM generate_series(0, 149) i;
ALTER TABLE slice ADD FOREIGN KEY (id) REFERENCES slice;
CREATE TABLE leaf (id int REFERENCES slice);
INSERT INTO leaf SELECT id FROM slice;
CREATE VIEW grouped AS SELECT * FROM a GROUP BY id;
CREATE MATERIALIZED VIEW kept AS SELECT count(*) AS rows FROM b;
CREATE UNIQUE INDEX kept_rows ON kept (rows);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'fired'; END $$;
CREATE TRIGGER told BEFORE INSERT ON b FOR EACH ROW EXECUTE FUNCTION tell();
CREATE SEQUENCE numbers; SELECT setval('numbers', 77);
";

fn loaded(archive: &Archive, into: &Database, options: &Options) -> Result<Loaded> {
    load::load(archive, &DatabaseUrl::parse(into.url()).unwrap(), options, &mut |_| Ok(()))
}

#[test]
fn whatever_depends_on_what_is_restored_in_parallel() {
    let place = Place::new(&[AWKWARD, KEYS].concat()).set("proof = 'read'");
    let archive = Archive::open(&place.backup().unwrap().path).unwrap();
    let other = Database::new();
    for workers in [1, 2, 7] {
        let other = Database::new();
        loaded(&archive, &other, &Options { workers, ..Options::scratch() }).unwrap();
        assert_eq!(place.database.contents(), other.contents(), "with {workers} workers");
    }
    loaded(&archive, &other, &Options::live()).unwrap();
    assert_eq!(place.database.contents(), other.contents());
}

#[test]
fn roles_that_are_missing_are_left_out_and_named() {
    let place = Place::new("CREATE TABLE t AS SELECT 1 AS id; CREATE TABLE u (id int)").set("proof = 'read'");
    let role = format!("gone_{}", place.database.name());
    place.database.execute(&format!("CREATE ROLE {role}; ALTER TABLE t OWNER TO {role}; GRANT SELECT ON u TO {role}"));
    let Backup { path, .. } = place.backup().unwrap();
    place.database.execute(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
    let other = Database::new();
    let url = DatabaseUrl::parse(other.url()).unwrap();
    let archive = Archive::open(&path).unwrap();
    let Loaded { left_out, .. } = load::load(&archive, &url, &Options::live(), &mut |_| Ok(())).unwrap();
    assert_eq!(left_out.len(), 2, "{left_out:?}");
    assert!(left_out[0].starts_with(&format!("ALTER TABLE public.t OWNER TO {role};: role ")), "{left_out:?}");
    assert_eq!(other.count("t"), 1);
    let bare = Options { owners: false, privileges: false, ..Options::live() };
    let third = Database::new();
    let url = DatabaseUrl::parse(third.url()).unwrap();
    assert!(load::load(&archive, &url, &bare, &mut |_| Ok(())).unwrap().left_out.is_empty());
}

#[test]
fn one_table_comes_beside_the_live_one() {
    let place = Place::new(AWKWARD).set("proof = 'read'");
    let archive = Archive::open(&place.backup().unwrap().path).unwrap();
    place.database.execute("UPDATE \"Song\" SET artist = 'lost'");
    let url = DatabaseUrl::parse(place.database.url()).unwrap();
    let name = |schema: &str, name: &str| TableName { schema: schema.into(), name: name.into() };
    let to = Destination { url: &url, schema: "ps \"side\"" };
    let rows = load::table(&archive, &name("public", "Song"), to, &mut |_| Ok(())).unwrap();
    assert_eq!(rows, 1002);
    let same = "SELECT count(*) FROM \"ps \"\"side\"\"\".\"Song\" old JOIN public.\"Song\" USING (id) WHERE old.artist <> 'lost'";
    assert_eq!(place.database.value(same), "1002");
    let odd = name("my \"schema\"", "a;b\nFROM stdin;");
    assert_eq!(load::table(&archive, &odd, to, &mut |_| Ok(())).unwrap(), 1);
    let again = load::table(&archive, &name("public", "Song"), to, &mut |_| Ok(())).unwrap_err();
    assert!(again.causes()[0].contains("already exists"), "{again:?}");
    let none = load::table(&archive, &name("public", "none"), to, &mut |_| Ok(())).unwrap_err();
    assert!(none.to_string().contains("holds no table none"), "{none}");
    let child = load::table(&archive, &name("public", "child"), to, &mut |_| Ok(())).unwrap_err();
    assert!(child.to_string().contains("inherits"), "{child}");
}

#[test]
fn the_caller_can_stop_it() {
    let place = Place::new("CREATE TABLE t AS SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) i")
        .set("proof = 'read'");
    let Backup { path, .. } = place.backup().unwrap();
    let other = Database::new();
    let url = DatabaseUrl::parse(other.url()).unwrap();
    let stopped =
        load::load(&Archive::open(&path).unwrap(), &url, &Options::scratch(), &mut |_| Err(Error::cancelled()));
    assert_eq!(stopped.unwrap_err().to_string(), "cancelled");
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'prisma-safe restore'";
    soon("the server has let go", || other.value(sessions) == "0");
}
