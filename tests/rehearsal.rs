//! The same deploy on a copy of production first: what it reports, what it refuses, what it leaves alone.

use serde_json::Value;

use crate::support::{Prisma, Project, schema};

const INIT: &str = "CREATE TABLE \"Song\" (\"id\" SERIAL NOT NULL, \"artist\" TEXT NOT NULL, \"plays\" INTEGER NOT NULL, \
                    \"note\" TEXT, CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\"));\n";
const NEXT: &str = "20250102000000_next";

/// Songs in a database that counts as production, with a backup of it, and a migration that is pending.
fn rehearsing(prisma: Prisma, migration: &str) -> Project {
    let project = Project::on(prisma).migration("20250101000000_init", INIT).rows("Song", 1_000).production();
    project.run(["backup"]).succeeds();
    project.add_migration(NEXT, migration);
    project
}

fn report(project: &Project) -> Value {
    valid(project.run(["rehearse", "--format", "json"]).succeeds().json())
}

fn valid(report: Value) -> Value {
    schema::assert_valid("rehearse", &report);
    report
}

fn fate<'a>(report: &'a Value, table: &str, column: &str) -> &'a Value {
    let table = report["tables"].as_array().unwrap().iter().find(|found| found["table"] == table).unwrap();
    table["columns"].as_array().unwrap().iter().find(|found| found["column"] == column).unwrap()
}

/// Every kind of fate, told by the values themselves; the target is left alone.
fn every_column_has_its_fate(prisma: Prisma) {
    let project = rehearsing(
        prisma,
        "ALTER TABLE \"Song\" RENAME COLUMN \"artist\" TO \"artist_name\";\n\
         ALTER TABLE \"Song\" ALTER COLUMN \"plays\" TYPE BIGINT;\n\
         ALTER TABLE \"Song\" ADD COLUMN \"remark\" TEXT;\n\
         UPDATE \"Song\" SET \"remark\" = \"note\";\n\
         ALTER TABLE \"Song\" DROP COLUMN \"note\";\n\
         UPDATE \"Song\" SET \"plays\" = 0 WHERE \"id\" <= 10;\n\
         DELETE FROM \"Song\" WHERE \"id\" > 995;\n\
         CREATE INDEX \"Song_plays_idx\" ON \"Song\"(\"plays\");\n",
    );
    let before = project.database().contents();
    let report = report(&project);
    assert_eq!(project.database().contents(), before);
    assert_eq!(report["verdict"], "pass", "{report:#}");
    assert_eq!(fate(&report, "Song", "id")["fate"], "preserved");
    let artist = fate(&report, "Song", "artist");
    assert_eq!((&artist["fate"], &artist["to"]), (&"renamed".into(), &"artist_name".into()));
    let note = fate(&report, "Song", "note");
    assert_eq!((&note["fate"], &note["to"]), (&"moved".into(), &"Song.remark".into()));
    let plays = fate(&report, "Song", "plays");
    assert_eq!((&plays["fate"], &plays["rows"]), (&"changed".into(), &10.into()));
    let song = &report["tables"][0];
    assert_eq!((&song["rowsBefore"], &song["rowsAfter"]), (&1000.into(), &995.into()));
    assert_eq!((&song["deleted"], &song["inserted"]), (&5.into(), &0.into()));

    let migration = &report["migrations"][0];
    assert_eq!((&migration["name"], &migration["atomic"]), (&NEXT.into(), &true.into()));
    assert_eq!(migration["statements"].as_array().unwrap().len(), 8);
    assert_eq!(migration["statements"][1]["line"], 2);
    assert_eq!(migration["rewrites"][0]["name"], "Song");
    assert_eq!(migration["indexes"].as_array().unwrap().last().unwrap()["name"], "Song_plays_idx");
    assert_eq!(
        (&report["locks"][0]["table"], &report["locks"][0]["mode"]),
        (&"Song".into(), &"AccessExclusive".into())
    );
}

#[test]
fn every_column_has_its_fate_7() {
    every_column_has_its_fate(Prisma::V7);
}

#[test]
fn every_column_has_its_fate_6() {
    every_column_has_its_fate(Prisma::V6);
}

#[test]
fn a_plain_change_of_type_keeps_every_value() {
    let project = rehearsing(
        Prisma::V7,
        "ALTER TABLE \"Song\" ALTER COLUMN \"plays\" TYPE TEXT, ALTER COLUMN \"note\" TYPE VARCHAR(3);\n",
    );
    project.database().execute("UPDATE \"Song\" SET note = 'ab'");
    project.run(["backup"]).succeeds();
    let report = report(&project);
    for column in ["plays", "note"] {
        assert_eq!(fate(&report, "Song", column)["fate"], "converted", "{report:#}");
    }
}

#[test]
fn a_value_that_is_cut_is_a_changed_value() {
    let project = rehearsing(
        Prisma::V7,
        "-- prisma-safe:allow narrow-type(Song.artist): the first letters are enough\n\
         ALTER TABLE \"Song\" ALTER COLUMN \"artist\" TYPE VARCHAR(8) USING left(\"artist\", 8);\n",
    );
    let report = report(&project);
    let artist = fate(&report, "Song", "artist");
    // `artist 1` fits, `artist 10` does not
    assert_eq!((&artist["fate"], &artist["rows"]), (&"changed".into(), &991.into()), "{report:#}");
}

#[test]
fn a_loss_that_no_line_accepts_is_refused() {
    let drop = "ALTER TABLE \"Song\" DROP COLUMN \"artist\";\n";
    let project = rehearsing(Prisma::V7, drop);
    project.run(["rehearse"]).exits(3).says("Song.artist is lost with 1,000 values");
    project.add_migration(NEXT, &format!("-- prisma-safe:allow drop-column(Song.artist): unused since 2.3\n{drop}"));
    project.run(["rehearse"]).succeeds().says("artist is lost with 1,000 values");
}

#[test]
fn what_fails_on_the_copy_has_not_happened_to_the_database() {
    let project = rehearsing(Prisma::V7, "ALTER TABLE \"Song\" ALTER COLUMN \"note\" SET NOT NULL;\n");
    project.database().execute("UPDATE \"Song\" SET note = NULL WHERE id = 7");
    project.run(["backup"]).succeeds();
    project.run(["rehearse"]).exits(1).says("contains null values").says("nothing has happened to the database");
    // outside of a transaction, where a deploy would have to be repaired
    project.add_migration(NEXT, "ALTER TABLE \"Song\" ADD COLUMN \"x\" INTEGER;\nCOMMIT;\nALTER TABLE \"Song\" ALTER COLUMN \"note\" SET NOT NULL;\n");
    let output = project.run(["rehearse"]).exits(1).says("nothing has happened to the database");
    output.says("correct the migration and try again").says_nothing_of("parts of it may be in the database");
}

/// `CONCURRENTLY` runs outside of a transaction on the copy too.
fn a_file_that_runs_alone_is_rehearsed(prisma: Prisma) {
    let project = rehearsing(prisma, "CREATE INDEX CONCURRENTLY \"Song_artist_idx\" ON \"Song\"(\"artist\");\n");
    let report = report(&project);
    let migration = &report["migrations"][0];
    assert_eq!(migration["atomic"], false);
    assert_eq!(migration["indexes"][0]["name"], "Song_artist_idx");
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().value("SELECT count(*) FROM pg_indexes WHERE indexname = 'Song_artist_idx'"), "1");
}

#[test]
fn a_file_that_runs_alone_is_rehearsed_7() {
    a_file_that_runs_alone_is_rehearsed(Prisma::V7);
}

#[test]
fn a_file_that_runs_alone_is_rehearsed_6() {
    a_file_that_runs_alone_is_rehearsed(Prisma::V6);
}

/// The deploy is refused after its rehearsal, and the database is as it was.
#[test]
fn a_lock_over_the_budget_stops_the_deploy() {
    let project = rehearsing(Prisma::V7, "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\nSELECT pg_sleep(1);\n");
    let config = project.read("prisma-safe.toml");
    project.write("prisma-safe.toml", &format!("{config}[rehearsal]\nmax-lock-seconds = 0.5\n"));
    let before = project.database().contents();
    project.run(["migrate", "deploy"]).exits(3).says("blocks all access to Song").says("the limit is 500 ms");
    assert_eq!(project.database().contents(), before);

    project.run(["migrate", "deploy", "--skip-rehearsal"]).exits(2).says("--reason");
    project.run(["migrate", "deploy", "--skip-rehearsal", "--reason", "announced"]).succeeds().says("announced");
    assert_eq!(project.database().count("Song"), 1_000);
}

#[test]
fn readers_and_writers_feel_it() {
    let project = rehearsing(Prisma::V7, "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\nSELECT pg_sleep(1);\n");
    let report = valid(project.run(["rehearse", "--probe-traffic", "--format", "json"]).succeeds().json());
    let stalls = report["stalls"].as_array().unwrap();
    assert_eq!(stalls.len(), 2, "{report:#}");
    for stall in stalls {
        assert!(stall["milliseconds"].as_u64().unwrap() >= 900, "{stall}");
    }
    // what they wrote is not in the copy that was compared
    assert_eq!(fate(&report, "Song", "plays")["fate"], "preserved");
}

/// Every touched table has its reader and its writer, as far as the server has sessions for them; who has none is said.
#[test]
fn many_tables_feel_it_too() {
    let names: Vec<String> = (0..26).map(|number| format!("many_{number}")).collect();
    let altered: String = names.iter().map(|name| format!("ALTER TABLE {name} ADD COLUMN x INTEGER;\n")).collect();
    let project = rehearsing(Prisma::V7, &altered);
    let created: String = names.iter().map(|name| format!("CREATE TABLE {name} AS SELECT 1 AS id;\n")).collect();
    project.database().execute(&created);
    project.run(["backup", "--proof", "read"]).succeeds();
    let report = valid(project.run(["rehearse", "--probe-traffic", "--format", "json"]).succeeds().json());
    assert_eq!(report["stalls"].as_array().unwrap().len(), 48, "{report:#}");
    assert!(report["unlike"].to_string().contains("2 more touched tables had no traffic"), "{report:#}");
}

/// A column that goes with its values comes back from what was kept of it.
fn there_and_back_again(prisma: Prisma) {
    let project = rehearsing(
        prisma,
        "-- prisma-safe:rename column Song.artist -> artist_name\n\
         ALTER TABLE \"Song\" RENAME COLUMN \"artist\" TO \"artist_name\";\n\
         -- prisma-safe:allow drop-column(Song.note): unused since 2.3\n\
         ALTER TABLE \"Song\" DROP COLUMN \"note\";\n\
         CREATE INDEX \"Song_plays_idx\" ON \"Song\"(\"plays\");\n",
    );
    let report = valid(project.run(["rehearse", "--rollback", "--format", "json"]).succeeds().json());
    let back = &report["rollback"];
    assert_eq!(back["migrations"][0]["name"], NEXT);
    assert!(back["migrations"][0]["putBack"][0].as_str().unwrap().contains("1,000"), "{back:#}");
    assert_eq!((&back["differences"], &back["values"]), (&Value::Array(Vec::new()), &Value::Array(Vec::new())));
}

#[test]
fn there_and_back_again_7() {
    there_and_back_again(Prisma::V7);
}

#[test]
fn there_and_back_again_6() {
    there_and_back_again(Prisma::V6);
}

/// What code takes shows in the comparison only; a deploy keeps it by that, and so does the rehearsal of the way back.
#[test]
fn the_way_back_gives_back_what_code_took() {
    let project = rehearsing(
        Prisma::V7,
        "-- prisma-safe:allow rehearsed-loss(rows of Song): tidied\n\
         -- prisma-safe:allow rehearsed-loss(values of Song.note): tidied\n\
         DO $$ BEGIN UPDATE \"Song\" SET \"note\" = 'none'; DELETE FROM \"Song\" WHERE id > 900; END $$;\n",
    );
    let report = valid(project.run(["rehearse", "--rollback", "--format", "json"]).succeeds().json());
    let back = report["rollback"]["migrations"][0]["putBack"].to_string();
    assert!(back.contains("rows deleted from Song: 100 of 100"), "{back}");
    assert!(back.contains("values of Song that are overwritten"), "{back}");
}

/// What the rehearsal calls whole is whole on the target, for what the definitions alone hold.
#[test]
fn the_way_back_of_a_number_and_its_sequence_is_whole() {
    let project = rehearsing(
        Prisma::V7,
        "ALTER TABLE \"Song\" DROP CONSTRAINT \"Song_pkey\", ALTER COLUMN \"id\" SET DATA TYPE BIGINT,\n\
           ADD CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\");\n\
         ALTER SEQUENCE \"Song_id_seq\" AS BIGINT;\n\
         ALTER TABLE \"Song\" ALTER COLUMN \"note\" SET STATISTICS 500, ALTER COLUMN \"note\" SET STORAGE EXTERNAL;\n",
    );
    let report = valid(project.run(["rehearse", "--rollback", "--format", "json"]).succeeds().json());
    assert_eq!(report["rollback"]["differences"], Value::Array(Vec::new()));
}

#[test]
fn a_way_back_that_is_not_whole_is_refused() {
    let project = rehearsing(Prisma::V7, "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n");
    project.write(
        &format!("prisma/migrations/{NEXT}/down.sql"),
        "UPDATE \"Song\" SET \"plays\" = 0;\nALTER TABLE \"Song\" DROP COLUMN \"year\";\n",
    );
    project.run(["rehearse", "--rollback"]).exits(3).says("Song.plays").says("not what it was");
}

/// What the copy creates belongs to the one who deploys, as on the target.
#[test]
fn new_objects_have_the_same_owner_as_old_ones() {
    let project = rehearsing(
        Prisma::V7,
        "CREATE SEQUENCE \"song_plays_seq\";\n\
         ALTER TABLE \"Song\" ALTER COLUMN \"plays\" SET DEFAULT nextval('song_plays_seq');\n\
         ALTER SEQUENCE \"song_plays_seq\" OWNED BY \"Song\".\"plays\";\n",
    );
    project.run(["rehearse"]).succeeds();
}

#[test]
fn without_a_backup_or_anything_pending_it_says_so() {
    let project = Project::prisma7().migration("20250101000000_init", INIT).rows("Song", 10);
    project.run(["rehearse"]).exits(1).says("no backup of").says("prisma-safe backup");
    project.run(["backup"]).succeeds();
    project.run(["rehearse"]).succeeds().says("nothing to rehearse");
}

#[test]
fn with_the_rows_left_out_only_prisma_s_history_is_there() {
    let project = rehearsing(Prisma::V7, "ALTER TABLE \"Song\" ALTER COLUMN \"note\" SET NOT NULL;\n");
    project.database().execute("UPDATE \"Song\" SET note = NULL");
    project.run(["backup"]).succeeds();
    project.run(["rehearse", "--schema-only"]).succeeds().says("neither times nor values are rehearsed");
}

#[test]
fn off_needs_a_reason() {
    let project = rehearsing(Prisma::V7, "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n");
    let config = project.read("prisma-safe.toml");
    project.write("prisma-safe.toml", &format!("{config}[rehearsal]\nmode = \"off\"\n"));
    project.run(["migrate", "deploy"]).exits(2).says("needs a reason");
    project.write("prisma-safe.toml", &format!("{config}[rehearsal]\nmode = \"off\"\nreason = \"a toy\"\n"));
    project.add_migration("20250103000000_code", "DO $$ BEGIN PERFORM 1; END $$;\n");
    let refusal = project.run(["migrate", "deploy"]).exits(3).says("the review could not judge everything");
    refusal.says("-- prisma-safe:allow opaque-code(DO 1): why");
    project.add_migration(
        "20250103000000_code",
        "-- prisma-safe:allow opaque-code(DO 1): why\nDO $$ BEGIN PERFORM 1; END $$;\n",
    );
    let deployed = project.run(["migrate", "deploy"]).succeeds().says("nothing is rehearsed: a toy");
    deployed.says("nothing has checked what the review says");
}
