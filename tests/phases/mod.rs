//! Plans: expand, backfill, contract, abort, on real Prisma and a real PostgreSQL.

mod backfill;
mod bundle;
mod edges;
mod regroup;
mod releases;
mod scripts;
mod table;

use crate::journey::prisma_is_content;
use crate::support::schema::assert_valid;
use crate::support::{Output, Prisma, Project};

const SONG: &str = "/// a song
model Song {
  id       Int     @id @default(autoincrement())
  title    String
  /// who sings
  artist   String  @default(\"nobody\") @db.VarChar(90) // beside
  duration String
  genre    String?
  legacy   String
  plays    Int     @default(0)

  @@index([artist], map: \"by_artist\")
}
";

const SONG_SQL: &str = "CREATE TABLE \"Song\" (
  \"id\" SERIAL NOT NULL,
  \"title\" TEXT NOT NULL,
  \"artist\" VARCHAR(90) NOT NULL DEFAULT 'nobody',
  \"duration\" TEXT NOT NULL,
  \"genre\" TEXT,
  \"legacy\" TEXT NOT NULL,
  \"plays\" INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\")
);
CREATE INDEX \"by_artist\" ON \"Song\"(\"artist\");
";

const ROWS: &str = "INSERT INTO \"Song\" (title, artist, duration, genre, legacy) \
    SELECT 't' || n, 'a' || n, '0' || n, CASE WHEN n % 2 = 0 THEN 'pop' END, 'l' FROM generate_series(1, 500) n; ANALYZE \"Song\"";

/// A project with 500 songs; nothing but the evidence is needed for a contract.
fn songs() -> Project {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", SONG_SQL).applied();
    project.database().execute(ROWS);
    project.write("prisma-safe.toml", "[contract]\nafter = \"0s\"\n");
    project
}

fn deployed(project: &Project) {
    project.prisma(["migrate", "deploy"]).succeeds();
    prisma_is_content(Prisma::V7, project);
}

/// The hash that a refusal prints.
fn hash(output: &Output) -> String {
    let text = format!("{}{}", output.stdout, output.stderr);
    let rest = text.split_once("--confirm ").expect("a hash").1;
    rest.split_whitespace().next().expect("a hash").to_owned()
}

/// `phases next` for a contract, which a person confirms.
fn contract(project: &Project, plan: &str) {
    let refused = project.run(["phases", "next", plan]).exits(3).says("once a person has agreed");
    assert!(!project.migrations().iter().any(|name| name.contains("contract")) || plan != "song_artist");
    project.run(["phases", "next", plan, "--confirm", &hash(&refused)]).succeeds();
}

#[test]
fn a_rename_goes_through_its_phases() {
    let project = songs();
    let before = project.read("prisma/schema.prisma");
    project
        .run(["phases", "rename", "Song.artist:artist_name", "--dry-run"])
        .succeeds()
        .says("ADD COLUMN \"artist_name\" VARCHAR(90)");
    assert_eq!((project.read("prisma/schema.prisma"), project.migrations().len()), (before.clone(), 1));

    project.run(["phases", "rename", "Song.artist:artist_name"]).succeeds().says("+  artist   String? @default");
    let schema = project.read("prisma/schema.prisma");
    assert!(
        schema.contains("  /// who sings\n  artist_name String? @default(\"nobody\") @db.VarChar(90) // beside\n"),
        "{schema}"
    );
    assert!(
        schema.contains(
            "@@index([artist], map: \"by_artist\")\n  @@index([artist_name], map: \"by_artist_artist_name\")\n"
        ),
        "{schema}"
    );
    // it is an ordinary migration, and a review finds nothing in it
    project.run(["review", "--pending"]).succeeds().says("pass");
    deployed(&project);
    let database = project.database();
    assert_eq!(database.value("SELECT count(*) FROM \"Song\" WHERE artist_name IS NULL"), "500");

    // both sides write, in one transaction too; the defaults are no write
    database.execute(
        "BEGIN; INSERT INTO \"Song\" (title, artist, duration, legacy) VALUES ('x', 'old', '1', 'l');
         INSERT INTO \"Song\" (title, artist_name, duration, legacy) VALUES ('x', 'new', '1', 'l');
         INSERT INTO \"Song\" (title, duration, legacy) VALUES ('x', '1', 'l');
         UPDATE \"Song\" SET plays = 1 WHERE id = 1; UPDATE \"Song\" SET artist_name = 'by new' WHERE id = 2;
         UPDATE \"Song\" SET artist = 'by old' WHERE id IN (3, 502); UPDATE \"Song\" SET artist_name = 'again' WHERE id = 3; COMMIT",
    );
    let written = "SELECT id, artist, artist_name FROM \"Song\" WHERE id < 4 OR id > 500 ORDER BY id";
    let both = ["1|a1|a1", "2|by new|by new", "3|again|again", "501|old|old", "502|by old|by old", "503|nobody|nobody"];
    assert_eq!(database.rows(written), both);
    for null in ["artist = NULL", "artist_name = NULL"] {
        let refused = database.connect().batch_execute(&format!("UPDATE \"Song\" SET {null} WHERE id = 2"));
        assert!(refused.unwrap_err().as_db_error().unwrap().constraint().is_some(), "{null}");
    }

    // the contract is in no migration: a deploy cannot run it
    let document = project.run(["phases", "--format", "json"]).succeeds().json();
    assert_valid("phases", &document);
    assert_eq!(document["plans"][0]["environments"][0]["stage"], "expanded");
    assert!(!document["plans"][0]["environments"][0]["lastOldWrite"].is_null(), "{document:#}");
    // a data step behind the expand comes first; what the plan's trigger writes beside it is not the step's
    let expand = project.migrations().into_iter().find(|name| name.contains("expand")).unwrap();
    let step = format!(
        "after = \"{expand}\"\ntouches = [\"Song.genre\"]\nsql = \"UPDATE \\\"Song\\\" SET genre = 'jazz' WHERE id = 10\"\n"
    );
    project.write("prisma/phases/fill.step.toml", &step);
    project.run(["phases", "next"]).succeeds().says("Ran the data step fill").says("next: prisma-safe phases next");
    assert_eq!(database.value("SELECT genre || artist_name FROM \"Song\" WHERE id = 10"), "jazza10");
    project.run(["phases", "next"]).succeeds().says("backfill");
    project.run(["phases", "next"]).exits(3).says("expanded").says("backfilled is needed");
    project.run(["backfill"]).succeeds().says("filled 496 rows");
    deployed(&project);

    // the evidence: silence for contract.after, and every row
    project.write("prisma-safe.toml", "");
    project.run(["phases", "next"]).exits(3).says("yes no row differs").says("7 days is needed");
    project.write("prisma-safe.toml", "[contract]\nafter = \"0s\"\n");
    database.execute(
        "SET session_replication_role = replica; UPDATE \"Song\" SET artist = 'behind its back' WHERE id IN (7, 8)",
    );
    let refused = project.run(["phases", "next", "--format", "json"]).exits(3).says("rows differ: id = 7 · id = 8");
    assert_valid("contract", &refused.json());
    database.execute("UPDATE \"Song\" SET artist = 'a' || id WHERE id IN (7, 8); UPDATE \"Song\" SET artist_name = artist WHERE id IN (7, 8)");
    database.execute("CREATE VIEW singers AS SELECT artist FROM \"Song\"");
    project.run(["phases", "next"]).exits(3).says("the view public.singers names it");
    database.execute("DROP VIEW singers");
    contract(&project, "song_artist");
    assert!(project.newest_migration().contains("DROP COLUMN \"artist\""));
    let schema = project.read("prisma/schema.prisma");
    assert!(schema.contains("  artist_name String  @default(\"nobody\") @db.VarChar(90) // beside\n"), "{schema}");
    assert!(!schema.contains("@ignore") && !schema.contains("@@index([artist],"), "{schema}");

    // the whole journey of a deploy: reviewed, rehearsed, kept for a rollback
    project.run(["migrate", "deploy"]).succeeds();
    prisma_is_content(Prisma::V7, &project);
    assert_eq!(database.value("SELECT count(*) FROM \"Song\" WHERE artist_name IS NOT NULL"), "503");
    let left =
        "SELECT count(*) FROM pg_class c WHERE c.relname LIKE 'phase_%' AND c.relnamespace = 'public'::regnamespace";
    assert_eq!(database.value(left), "0");
    project.run(["phases"]).succeeds().says("contracted");
    project.run(["phases", "abort", "song_artist"]).exits(3).says("prisma-safe rollback");
    // the old column comes back with its values and the trigger
    project.run(["rollback"]).succeeds().says("column Song.artist");
    database.execute("UPDATE \"Song\" SET artist_name = 'after all' WHERE id = 6");
    assert_eq!(database.value("SELECT count(*) FROM \"Song\" WHERE artist = artist_name"), "503");
    project.run(["phases"]).succeeds().says("backfilled");
}

#[test]
fn an_abort_goes_back_to_the_start() {
    let project = songs();
    let before = project.read("prisma/schema.prisma");
    let database = project.database();
    // nobody has it: it goes as if it had never been
    project.run(["phases", "rename", "Song.artist:artist_name"]).succeeds();
    // its migration is gone, as after a careless clean-up
    let expand = project.migrations().pop().unwrap();
    std::fs::remove_dir_all(project.path(&format!("prisma/migrations/{expand}"))).unwrap();
    let back = format!("bring {expand} back into the migrations folder");
    project.run(["phases"]).succeeds().says(&back).says("phases abort song_artist");
    project.run(["phases", "next"]).exits(3).says(&back);
    project.run(["phases", "abort"]).succeeds();
    assert_eq!((project.read("prisma/schema.prisma"), project.migrations().len()), (before.clone(), 1));
    assert_eq!(project.files("prisma/phases"), [""; 0]);

    for command in [
        &["rename", "Song.artist:artist_name"][..],
        &["retype", "Song.duration", "Int"],
        &["require", "Song.genre", "--value", "none"],
        &["drop", "Song.legacy", "--value", "gone"],
    ] {
        let columns = "SELECT column_name, is_nullable, column_default FROM information_schema.columns WHERE table_name = 'Song' ORDER BY 1";
        let definition = database.rows(columns);
        project.run([&["phases"], command].concat()).succeeds();
        deployed(&project);
        if command[0] == "rename" {
            project.run(["phases", "next"]).succeeds();
            deployed(&project);
            database.execute("UPDATE \"Song\" SET artist_name = 'kept' WHERE id = 5");
        }
        project.run(["phases", "abort"]).succeeds();
        assert_eq!(project.read("prisma/schema.prisma"), before, "{command:?}");
        deployed(&project);
        assert_eq!(database.rows(columns), definition, "{command:?}");
    }
    assert_eq!(database.value("SELECT artist FROM \"Song\" WHERE id = 5"), "kept");
    assert_eq!(database.value("SELECT count(*) FROM \"Song\" WHERE duration LIKE '0%'"), "500");
    let left = "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal";
    assert_eq!(database.value(left), "0");
}

#[test]
fn a_type_a_requirement_and_a_drop_go_through_their_phases() {
    let project = songs();
    let database = project.database();
    database.execute("UPDATE \"Song\" SET duration = 'long' WHERE id IN (4, 5)");
    project.run(["phases", "retype", "Song.duration", "Int"]).exits(3).says("id = 4, id = 5");
    database.execute("UPDATE \"Song\" SET duration = '5' WHERE id IN (4, 5)");
    project
        .run(["phases", "retype", "Song.duration", "Int"])
        .succeeds()
        .says("durationOld")
        .says("@map(\"duration_int\")");
    project.run(["phases", "require", "Song.genre", "--from", "'of ' || \"artist\""]).succeeds();
    project.run(["phases", "drop", "Song.legacy", "--value", "gone"]).succeeds();
    project.run(["phases", "rename", "Song.duration:length"]).exits(2).says("phases abort song_duration");
    project.run(["phases", "drop", "Song.genre"]).exits(2).says("the plan song_genre is about Song.genre already");
    deployed(&project);

    // 007 is 7 for the new release, and stays 007 for the old one
    database.execute(
        "INSERT INTO \"Song\" (title, duration, legacy) VALUES ('old', '007', 'l'); INSERT INTO \"Song\" (title, duration_int) VALUES ('new', 8);
         UPDATE \"Song\" SET plays = 2 WHERE id = 1",
    );
    assert_eq!(
        database
            .rows("SELECT duration, duration_int, genre, legacy FROM \"Song\" WHERE id IN (1, 501, 502) ORDER BY id"),
        ["01|1|of a1|l", "007|7|of nobody|l", "8|8|of nobody|gone"]
    );
    assert!(database.connect().batch_execute("UPDATE \"Song\" SET duration = 'x' WHERE id = 9").is_err());
    for plan in ["song_duration", "song_genre"] {
        project.run(["backfill", plan]).succeeds();
        project.run(["phases", "next", plan]).succeeds();
    }
    deployed(&project);
    for plan in ["song_duration", "song_genre", "song_legacy"] {
        contract(&project, plan);
    }
    deployed(&project);
    assert_eq!(
        database.rows("SELECT duration_int, genre FROM \"Song\" WHERE id IN (2, 3, 501) ORDER BY id"),
        ["2|pop", "3|of a3", "7|of nobody"]
    );
    let columns = "SELECT string_agg(column_name || ' ' || is_nullable, ', ' ORDER BY column_name) FROM information_schema.columns WHERE table_name = 'Song'";
    assert_eq!(database.value(columns), "artist NO, duration_int NO, genre NO, id NO, plays NO, title NO");
    let schema = project.read("prisma/schema.prisma");
    assert!(
        schema.contains("duration Int  @map(\"duration_int\")") && schema.contains("genre    String\n"),
        "{schema}"
    );
}

/// Another database gets all phases at once: small tables are filled by the migration, large ones refused.
#[test]
fn the_migrations_stand_by_themselves() {
    let project = songs();
    project.run(["phases", "rename", "Song.artist:artist_name"]).succeeds();
    deployed(&project);
    project.run(["phases", "next"]).succeeds();
    deployed(&project);
    contract(&project, "song_artist");
    let other = Project::prisma7().schema(SONG).migration("20250101000000_init", SONG_SQL).applied();
    other.database().execute(&ROWS.replace("1, 500", "1, 10001"));
    for name in project.migrations() {
        other.add_migration(&name, &project.read(&format!("prisma/migrations/{name}/migration.sql")));
    }
    other.write("prisma/schema.prisma", &project.read("prisma/schema.prisma"));
    let both = format!("[environments.other]\nurl = \"{}\"\n", other.database().url());
    project.write("prisma-safe.toml", &both);
    project.run(["phases"]).succeeds().says("not begun").says("next: prisma-safe deploy --env other");
    other.prisma(["migrate", "deploy"]).exits(1).says("more than 10000 rows to fill");
    let failed = other.migrations().into_iter().find(|name| name.contains("backfill")).unwrap();
    other.prisma(["migrate", "resolve", "--rolled-back", &failed]).succeeds();
    other.database().execute("DELETE FROM \"Song\" WHERE id > 10000");
    deployed(&other);
    assert_eq!(other.database().value("SELECT count(*) FROM \"Song\" WHERE artist_name LIKE 'a%'"), "10000");
}
