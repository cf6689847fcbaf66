//! What PostgreSQL does with a plan's scripts, each by itself: nothing of Prisma is needed for that.

use postgres::Client;
use prisma_safe::phases::{Plan, Plans, Scripts};

use crate::support::Database;

const SONG: &str = "CREATE TABLE \"Song\" (id serial PRIMARY KEY, title text NOT NULL DEFAULT 't', artist text NOT NULL DEFAULT 'no body',
    plays integer NOT NULL DEFAULT 0, genre text, legacy text NOT NULL, _now integer);
    INSERT INTO \"Song\" (artist, plays, genre, legacy) SELECT 'A b' || n, n, CASE WHEN n % 2 = 0 THEN 'pop' END, 'l' FROM generate_series(1, 9) n;";

const ARTIST: &str = "field = 'artist'\ncolumn = 'artist'\ntype = 'TEXT'\ndefault = \"'no body'\"\nrequired = true\nbefore = 'artist String'\n";
const PLAYS: &str =
    "field = 'plays'\ncolumn = 'plays'\ntype = 'INTEGER'\ndefault = '0'\nrequired = true\nbefore = 'plays Int'\n";

fn rename() -> String {
    format!(
        "kind = 'rename'\n[[old]]\n{ARTIST}value = '\"singer\"'\n\
         [[new]]\nfield = 'singer'\ncolumn = 'singer'\ntype = 'TEXT'\ndefault = \"'no body'\"\nrequired = true\nvalue = '\"artist\"'\n"
    )
}

/// Either way loses something: 2.5 is 3, and n03 is 3.
fn retype() -> String {
    format!(
        "kind = 'retype'\nmay-fail = true\n[[old]]\n{PLAYS}value = \"round(substr(count, 2)::numeric)\"\n\
         [[new]]\nfield = 'count'\ncolumn = 'count'\ntype = 'TEXT'\ndefault = \"'0'\"\nrequired = true\nbecomes = 'String'\n\
         value = \"'n' || plays + coalesce(_now, 0) + 0 / (666 - plays)\"\n"
    )
}

fn split(lossy: bool) -> String {
    let value = |name: &str| {
        format!("[[new]]\nfield = '{name}'\ncolumn = '{name}'\ntype = 'TEXT'\nrequired = false\nbecomes = 'String'\n")
    };
    let upper = if lossy { "upper" } else { "" };
    format!(
        "kind = 'split'\nmay-fail = true\nlossy = {lossy}\n[[old]]\n{ARTIST}value = \"first || ' ' || coalesce(last, '-')\"\n\
         {}value = \"{upper}(split_part(artist, ' ', 1))\"\n{}value = \"nullif(split_part(artist, ' ', 2), '-')\"\n",
        value("first"),
        value("last")
    )
}

const REQUIRE: &str = "kind = 'require'\n[[old]]\nfield = 'genre'\ncolumn = 'genre'\ntype = 'TEXT'\nrequired = true\nvalue = \"'none'\"\n\
    before = 'genre String?'\n";
const DROP: &str = "kind = 'drop'\nleft-out = 'gone'\n[[old]]\nfield = 'legacy'\ncolumn = 'legacy'\ntype = 'TEXT'\n\
    default = \"'gone'\"\nrequired = true\nbefore = 'legacy String'\n";

/// A plan of the table, as its file says it.
fn plan(text: &str) -> Plan {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("phases")).unwrap();
    let (kind, rest) = text.split_once('\n').unwrap();
    let text = format!(
        "{kind}\nmodel = 'Song'\nschema = 'public'\ntable = 'Song'\n{rest}[migrations]\nexpand = '1_expand'\nbackfill = '2_backfill'\n\
         [contract]\nsql = 'SELECT 1'\n"
    );
    std::fs::write(folder.path().join("phases/p.toml"), text).unwrap();
    Plans::read(&folder.path().join("migrations")).unwrap().all.remove(0)
}

fn scripts(plan: &Plan) -> Scripts<'_> {
    Scripts { plan, default_schema: "public", shown: "p.toml" }
}

/// The table with the expand of a plan.
fn expanded(plan: &Plan) -> Database {
    let database = Database::new();
    database.execute(SONG);
    database.execute(&scripts(plan).expand().unwrap());
    database
}

/// What PostgreSQL says against a script, of which nothing stays.
fn refused(client: &mut Client, script: &str) -> String {
    let mut inside = client.transaction().unwrap();
    let error = inside.batch_execute(script).expect_err(script);
    error.as_db_error().unwrap().message().to_owned()
}

#[test]
fn what_the_old_release_writes_is_told_from_all_else() {
    let [rename, split, require, drop] = [rename(), split(false), REQUIRE.to_owned(), DROP.to_owned()];
    let either: [(&str, bool); 6] = [
        ("INSERT INTO \"Song\" (title, legacy) VALUES ('x', 'l')", false),
        ("INSERT INTO \"Song\" (artist, legacy) VALUES ('x y', 'l')", true),
        ("UPDATE \"Song\" SET title = 'y'", false),
        ("UPDATE \"Song\" SET artist = artist WHERE id = 1", false),
        ("UPDATE \"Song\" SET artist = 'y z' WHERE id = 2", true),
        ("UPDATE \"Song\" SET artist = 'no body' WHERE id = 3", true),
    ];
    let own: [(&str, &[(&str, bool)]); 4] = [
        (
            &rename,
            &[
                ("INSERT INTO \"Song\" (singer, legacy) VALUES ('x', 'l')", false),
                ("UPDATE \"Song\" SET singer = 'z'", false),
            ],
        ),
        (
            &split,
            &[
                ("INSERT INTO \"Song\" (first, legacy) VALUES ('x', 'l')", false),
                ("UPDATE \"Song\" SET last = 'z'", false),
            ],
        ),
        (
            &require,
            &[
                ("INSERT INTO \"Song\" (legacy) VALUES ('l')", true),
                ("INSERT INTO \"Song\" (genre, legacy) VALUES ('pop', 'l')", false),
                ("UPDATE \"Song\" SET title = 'y' WHERE id = 1", false),
                ("UPDATE \"Song\" SET genre = 'y' WHERE id = 3", false),
                ("UPDATE \"Song\" SET genre = NULL WHERE id = 2", true),
            ],
        ),
        (
            &drop,
            &[
                ("INSERT INTO \"Song\" (title) VALUES ('x')", false),
                ("INSERT INTO \"Song\" (legacy) VALUES ('l')", true),
                ("UPDATE \"Song\" SET title = 'y'", false),
                ("UPDATE \"Song\" SET legacy = 'y' WHERE id = 2", true),
            ],
        ),
    ];
    for (text, own) in own {
        let plan = plan(text);
        let database = expanded(&plan);
        let both = if plan.kind.replaces() { &either[..] } else { &[] };
        let fill =
            scripts(&plan).fills().into_iter().map(|(column, value)| format!("{column} = {value}")).collect::<Vec<_>>();
        let fill = format!("UPDATE \"Song\" SET {}", fill.join(", "));
        let filled = plan.kind.replaces().then_some((fill.as_str(), false));
        for (statement, counts) in both.iter().chain(own).copied().chain(filled) {
            database.execute("SELECT setval('phase_p_seen', 1, false)");
            database.execute(statement);
            let noted = database.value("SELECT is_called FROM phase_p_seen");
            assert_eq!(noted == "t", counts, "{}: {statement}", plan.kind.word());
        }
        // a clock that was ahead: the latest write counts
        database.execute("SELECT setval('phase_p_seen', 9000000000)");
        database.execute(own.iter().chain(both).find(|(_, counts)| *counts).unwrap().0);
        assert_eq!(database.value("SELECT last_value FROM phase_p_seen"), "9000000000");
    }
}

/// Where a way back or forth loses something, only what was written goes over it.
#[test]
fn what_is_written_stays_as_it_was_written() {
    let of = plan(&retype());
    let database = expanded(&of);
    let read = |columns: &str, id: u32| database.value(&format!("SELECT {columns} FROM \"Song\" WHERE id = {id}"));
    database.execute(
        "SET session_replication_role = replica; UPDATE \"Song\" SET _now = 2 WHERE id = 8; RESET session_replication_role;
         UPDATE \"Song\" SET count = 'n2.5' WHERE id = 2; UPDATE \"Song\" SET title = 'x' WHERE id IN (2, 3);
         UPDATE \"Song\" SET plays = 7, _now = 1 WHERE id = 4; UPDATE \"Song\" SET count = 'n1' WHERE id = 5;
         INSERT INTO \"Song\" (id, legacy) VALUES (20, 'l')",
    );
    database.execute(&scripts(&of).backfill().unwrap());
    let both: Vec<String> = [2, 3, 4, 5, 8, 20].map(|id| read("plays, count", id)).into();
    assert_eq!(both, ["3|n2.5", "3|n3", "7|n8", "1|n1", "8|n10", "0|n0"]);
    // rows that are there may not convert, and wait; none is written so
    database.execute(
        "ALTER TABLE \"Song\" DROP CONSTRAINT phase_p_new; SET session_replication_role = replica;
         UPDATE \"Song\" SET plays = 666, count = NULL WHERE id IN (7, 9); RESET session_replication_role;
         UPDATE \"Song\" SET title = 'y' WHERE id = 7; UPDATE \"Song\" SET count = 'n9' WHERE id = 9",
    );
    assert_eq!([7, 9].map(|id| read("plays, count", id)), ["666|", "9|n9"]);
    assert!(database.connect().batch_execute("UPDATE \"Song\" SET plays = 666 WHERE id = 1").is_err());

    // a lossy split: filling the new side does not write the old one
    let of = plan(&split(true));
    let database = expanded(&of);
    let read = |columns: &str, id: u32| database.value(&format!("SELECT {columns} FROM \"Song\" WHERE id = {id}"));
    database.execute(
        "SET session_replication_role = replica; UPDATE \"Song\" SET artist = 'q r' WHERE id = 4; RESET session_replication_role;
         UPDATE \"Song\" SET last = 'c' WHERE id = 1; UPDATE \"Song\" SET artist = 'x y' WHERE id = 2;
         INSERT INTO \"Song\" (id, first, legacy) VALUES (20, 'x', 'l')",
    );
    database.execute(&scripts(&of).backfill().unwrap());
    database.execute("UPDATE \"Song\" SET title = 'x'");
    let both: Vec<String> = [1, 2, 3, 4, 20].map(|id| read("artist, first, last", id)).into();
    assert_eq!(both, ["A c|A|c", "x y|X|y", "A b3|A|b3", "q r|Q|r", "x -|x|"]);

    // what the new side would not give back is refused, unless that was accepted
    let refused = |lossy: bool, statement: &str| {
        let plan = plan(&split(lossy));
        expanded(&plan)
            .connect()
            .batch_execute(statement)
            .err()
            .and_then(|error| Some(error.as_db_error()?.message().to_owned()))
    };
    for statement in [
        "UPDATE \"Song\" SET artist = 'a b c' WHERE id = 3",
        "INSERT INTO \"Song\" (artist, legacy) VALUES ('a b c', 'l')",
    ] {
        let message = "first and last would not give back what was written to Song.artist";
        assert_eq!((refused(false, statement).as_deref(), refused(true, statement)), (Some(message), None));
    }

    // a value that a release gives is kept where empty ones are filled
    let of = plan(REQUIRE);
    let database = expanded(&of);
    database.execute("UPDATE \"Song\" SET genre = 'jazz' WHERE id < 3; UPDATE \"Song\" SET title = 'x' WHERE id = 3");
    let genres = "SELECT string_agg(coalesce(genre, '-'), ' ' ORDER BY id) FROM \"Song\" WHERE id < 6";
    assert_eq!(database.value(genres), "jazz jazz none pop -");
}

/// The role that writes needs rights on the table alone, and names mean what they meant to the migration.
#[test]
fn a_role_with_rights_on_the_table_alone_writes() {
    for text in [rename(), split(false), REQUIRE.to_owned(), DROP.to_owned()] {
        let plan = plan(&text);
        let database = expanded(&plan);
        let role = format!("writing_{}", database.name());
        database.execute(&format!("CREATE ROLE {role}; GRANT SELECT, INSERT, UPDATE ON \"Song\" TO {role}; GRANT USAGE ON SEQUENCE \"Song_id_seq\" TO {role}"));
        database.execute(&format!(
            "SET ROLE {role}; SET search_path = ''; INSERT INTO public.\"Song\" (artist, legacy) VALUES ('x y', 'l');
             UPDATE public.\"Song\" SET artist = 'z z', genre = NULL, legacy = 'z' WHERE id = 2"
        ));
        assert_eq!(database.value("SELECT is_called FROM phase_p_seen"), "t", "{}", plan.kind.word());
        database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    }
}

/// What has come into a database since stops a migration that would lose it, also where a policy hides it.
#[test]
fn each_phase_looks_once_more() {
    let behind = |statement: &str| format!("SET session_replication_role = replica; {statement}");
    for (text, statement, backfill, contract, abort) in [
        (rename(), "UPDATE \"Song\" SET artist = 'behind' WHERE id = 3", false, true, true),
        (retype(), "UPDATE \"Song\" SET count = 'n33' WHERE id = 3", false, true, true),
        (split(false), "UPDATE \"Song\" SET artist = 'behind' WHERE id = 3", false, true, true),
        (split(true), "UPDATE \"Song\" SET artist = 'x', first = 'y' WHERE id = 3", false, true, true),
        (REQUIRE.to_owned(), "UPDATE \"Song\" SET genre = NULL WHERE id = 2", false, true, false),
        (
            rename(),
            "INSERT INTO \"Song\" (artist, singer, legacy) SELECT 'x', NULL, 'l' FROM generate_series(1, 10001)",
            true,
            true,
            false,
        ),
    ] {
        let plan = plan(&text);
        let database = expanded(&plan);
        database.execute(&scripts(&plan).backfill().unwrap());
        database.execute("ALTER TABLE \"Song\" DROP CONSTRAINT IF EXISTS phase_p_new");
        database.execute(&behind(statement));
        let role = format!("owning_{}", database.name());
        database.execute(&format!(
            "CREATE ROLE {role}; GRANT ALL ON SCHEMA public TO {role}; ALTER TABLE \"Song\" OWNER TO {role};
             ALTER FUNCTION phase_p() OWNER TO {role}; ALTER SEQUENCE phase_p_seen OWNER TO {role}"
        ));
        let mut client = database.connect();
        for hidden in [false, true] {
            if hidden {
                database.execute("ALTER TABLE \"Song\" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY");
                client.batch_execute(&format!("SET ROLE {role}")).unwrap();
            }
            let phases = [("backfill", backfill), ("contract", contract), ("abort", abort)];
            for (phase, _) in phases.iter().filter(|(_, stops)| *stops) {
                let sql = match *phase {
                    "backfill" => scripts(&plan).backfill(),
                    "contract" => scripts(&plan).contract(),
                    _ => scripts(&plan).abort(""),
                };
                let found = refused(&mut client, &sql.unwrap());
                let says = match *phase {
                    _ if hidden => "row-level security",
                    "backfill" => "more than 10000 rows",
                    "contract" if plan.keeps_all() => "whose values first and last would not give back",
                    "contract" => "not carried over yet",
                    _ => "whose new values Song.",
                };
                assert!(found.contains(says), "{} {phase}: {found}", plan.kind.word());
            }
        }
        database.execute(&format!("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}"));
    }
}

/// The checks read no row when they come, and nothing of a plan is left where it ends.
#[test]
fn nothing_is_left_of_a_plan() {
    const LEFT: &str = "SELECT conname FROM pg_constraint WHERE conname ~ 'phase_' UNION ALL SELECT proname FROM pg_proc WHERE proname ~ 'phase_'
        UNION ALL SELECT relname FROM pg_class WHERE relname ~ 'phase_' UNION ALL SELECT tgname FROM pg_trigger WHERE tgname ~ 'phase_'";
    let empty = Database::new();
    empty.execute(SONG);
    for text in [rename(), retype(), split(false), REQUIRE.to_owned(), DROP.to_owned()] {
        let plan = plan(&text);
        let (scripts, word) = (scripts(&plan), plan.kind.word());
        // back from where nothing is filled yet
        let database = expanded(&plan);
        database.execute(&scripts.abort("").unwrap());
        assert_eq!((database.rows(LEFT), database.catalog()), (Vec::new(), empty.catalog()), "{word}");
        let database = expanded(&plan);
        let validated = "SELECT count(*) FROM pg_constraint WHERE conname ~ 'phase_' AND convalidated";
        if plan.kind.fills() {
            database.execute(&scripts.backfill().unwrap());
            let empty = plan.targets().iter().filter(|side| side.required);
            for side in empty {
                let null = format!("UPDATE \"Song\" SET {} = NULL WHERE id = 1", side.quoted());
                let refused = database.connect().batch_execute(&null);
                assert_eq!(refused.is_err(), word != "require", "{word}: {null}");
            }
        }
        assert_eq!(database.value(validated), "0", "{word}");
        let backfilled = database.copy();
        database.execute(&scripts.abort("").unwrap());
        assert_eq!((database.rows(LEFT), database.catalog()), (Vec::new(), empty.catalog()), "{word}");
        backfilled.execute(&scripts.contract().unwrap());
        assert_eq!(backfilled.rows(LEFT), [""; 0], "{word}");
        let columns = "SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = '\"Song\"'::regclass AND attnum > 0
            AND NOT attisdropped AND attname NOT IN ('id', 'title', '_now')";
        let left = match word {
            "rename" => "genre legacy plays singer",
            "retype" => "artist count genre legacy",
            "split" => "first genre last legacy plays",
            "require" => "artist genre legacy plays",
            _ => "artist genre plays",
        };
        assert_eq!(backfilled.value(columns), left, "{word}");
    }
}

/// Where nobody could look at the server before, the migration itself finds out what its views can be.
#[test]
fn a_view_is_what_the_server_can_make_of_it() {
    let plan = plan("kind = 'table'\n[renamed]\nmodel = 'Track'\ntable = 'Track'\n");
    let scripts = scripts(&plan);
    for looked in [true, false] {
        let database = Database::new();
        database.execute(SONG);
        let before = database.catalog();
        let role = format!("reading_{}", database.name());
        database.execute(&format!(
            "CREATE ROLE {role}; GRANT SELECT, UPDATE ON \"Song\" TO {role}; ALTER TABLE \"Song\" ENABLE ROW LEVEL SECURITY;
             CREATE POLICY one ON \"Song\" USING (id = 1)"
        ));
        database.execute(&scripts.expand_table(&[], looked).unwrap());
        let view = "SELECT reloptions, relacl::text ~ '[{,]=arwd/' FROM pg_class WHERE relname = 'Song'";
        assert_eq!(database.rows(view), ["{security_invoker=true}|t"]);
        let as_reader = |statement: &str| {
            let mut client = database.connect();
            client.batch_execute(&format!("SET ROLE {role}")).unwrap();
            client.execute(statement, &[]).ok()
        };
        assert_eq!(as_reader("UPDATE \"Song\" SET plays = 5"), Some(1));
        assert_eq!(as_reader("DELETE FROM \"Song\""), None);
        database.execute(&scripts.abort_table(&[]).unwrap());
        database.execute(&format!(
            "DROP POLICY one ON \"Song\"; ALTER TABLE \"Song\" DISABLE ROW LEVEL SECURITY; DROP OWNED BY {role}; DROP ROLE {role}"
        ));
        assert_eq!(database.catalog(), before);
    }
}
