//! Extensions of the target that this machine's servers have to be started with, or do not have at all.

use crate::journey::songs;
use crate::support::servers::{Equipped, Server};
use crate::support::{Prisma, Project};

const NEXT: &str = "20250102000000_next";
const ADD_YEAR: &str = "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n";

/// Extensions that only a host has, as the catalog knows them: with a type that a table uses, and a function that a view calls.
const HOSTED: &str = "
CREATE SCHEMA graphql; CREATE SCHEMA vault;
CREATE FUNCTION graphql.resolve(q text) RETURNS text LANGUAGE sql AS 'SELECT q';
CREATE DOMAIN vault.secret AS text;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
SELECT 90000 + n, name, 10, space::regnamespace, false, '1.0'
FROM (VALUES (1, 'pg_graphql', 'graphql'), (2, 'supabase_vault', 'vault')) AS e (n, name, space);
INSERT INTO pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype) VALUES
('pg_proc'::regclass, 'graphql.resolve'::regproc, 0, 'pg_extension'::regclass, 90001, 0, 'e'),
('pg_type'::regclass, 'vault.secret'::regtype, 0, 'pg_extension'::regclass, 90002, 0, 'e');
CREATE TABLE \"Key\" (id int PRIMARY KEY, value vault.secret, song text REFERENCES \"Song\");
INSERT INTO \"Key\" VALUES (1, 'x', 'isrc 1');
CREATE VIEW answers AS SELECT graphql.resolve('q') AS answer;
CREATE TABLE \"Note\" (id int PRIMARY KEY, text text); INSERT INTO \"Note\" VALUES (1, 'a'), (2, 'b');
";

fn hosted() -> Project {
    let project = songs(Prisma::V7, 100);
    project.database().execute(HOSTED);
    project
}

/// What exists at the host alone is left out of the copy with what needs it, and said; the rest is restored and rehearsed.
#[test]
fn what_only_the_host_has_is_left_out_of_the_copy() {
    let project = hosted();
    project.add_migration(NEXT, "ALTER TABLE \"Note\" ADD COLUMN \"year\" INTEGER;\n");
    project
        .run(["migrate", "deploy", "--verbose"])
        .succeeds()
        .says("restored without the extensions pg_graphql, supabase_vault")
        .says("the copy is without the extensions pg_graphql, supabase_vault and what needs it: ")
        .says("table public.Key")
        .says("view public.answers");
    let listed = project.run(["backup", "list", "--format", "json"]).succeeds().json();
    assert_eq!(listed["backups"][0]["proof"], "restored", "{listed:#}");
    let manifest = project.files("backups").into_iter().find(|file| file.ends_with(".json")).unwrap();
    assert!(project.read(&manifest).contains("\"unrestored\""), "{}", project.read(&manifest));
    // the backup holds it all the same
    let dump = project.files("backups").into_iter().find(|file| file.ends_with(".sql")).unwrap();
    assert!(project.read(&dump).contains("COPY public.\"Key\""));

    // what touches them cannot be rehearsed: told before a backup, with the settings that go on
    for (name, sql) in [
        ("20250103000000_key", "ALTER TABLE \"Key\" ADD COLUMN \"year\" INTEGER;\n"),
        ("20250103000000_key", "CREATE VIEW more AS SELECT graphql.resolve('a') AS b;\n"),
        ("20250103000000_key", "UPDATE \"Song\" SET plays = 2 WHERE isrc = 'isrc 1';\n"),
    ] {
        let before = project.files("backups").len();
        project.add_migration(name, sql);
        project
            .run(["migrate", "deploy"])
            .exits(3)
            .says("cannot be rehearsed")
            .says("rehearsal.clone")
            .says("mode = \"off\"");
        assert_eq!(project.files("backups").len(), before, "found before a backup was taken");
    }
    project.write("prisma-safe.toml", "[rehearsal]\nmode = \"off\"\nreason = \"the host's own extension\"\n");
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().value("SELECT plays FROM \"Song\" WHERE isrc = 'isrc 1'"), "2");
}

/// `proof = "read"` and a rehearsal without rows go their way too; a round trip cannot, and says what can.
#[test]
fn each_level_has_a_way() {
    let project = hosted();
    project.add_migration(NEXT, "ALTER TABLE \"Note\" ADD COLUMN \"year\" INTEGER;\n");
    project.write("prisma-safe.toml", "[backup]\nproof = \"roundtrip\"\n");
    project.run(["migrate", "deploy"]).exits(3).says("pg_graphql, supabase_vault").says("proof = \"restored\"");
    assert!(project.files("backups").is_empty());
    project.write("prisma-safe.toml", "[backup]\nproof = \"read\"\n[rehearsal]\nmode = \"schema\"\n");
    project.run(["migrate", "deploy"]).succeeds().says("Rehearsed");
    project.add_migration("20250103000000_more", "ALTER TABLE \"Note\" ADD COLUMN \"more\" INTEGER;\n");
    project.run(["rehearse"]).succeeds().says("without the extensions");
    project.write("prisma-safe.toml", "[backup]\nproof = \"read\"\n");
    project.run(["migrate", "deploy"]).succeeds().says("without the extensions");
}

/// One that a package brings: the package by its name, several as several words, before a backup.
#[test]
fn what_a_package_brings_is_named() {
    let project = hosted();
    project.database().execute(
        "UPDATE pg_extension SET extname = 'vector' WHERE extname = 'pg_graphql';
         UPDATE pg_extension SET extname = 'pg_repack' WHERE extname = 'supabase_vault'",
    );
    project.add_migration(NEXT, "ALTER TABLE \"Note\" ADD COLUMN \"year\" INTEGER;\n");
    project.run(["migrate", "deploy"]).exits(3).says("-pgvector").says("-repack").says("proof = \"read\"");
    assert!(project.files("backups").is_empty());
    project.write("prisma-safe.toml", "[backup]\nproof = \"read\"\n");
    project.run(["migrate", "deploy"]).succeeds().says("without the extensions pg_repack, vector");
}

const AUDIT: &str = "
DO $$ BEGIN
  IF current_setting('shared_preload_libraries') !~ 'pgaudit' THEN
    RAISE EXCEPTION 'pgaudit must be loaded via shared_preload_libraries';
  END IF;
END $$;
CREATE FUNCTION pgaudit_done() RETURNS int LANGUAGE sql AS 'SELECT 1';
";

/// The scratch server is started with the library, for what the database has and for what a migration creates.
#[test]
fn what_must_be_loaded_at_the_start_is() {
    let equipped =
        Equipped::new(17, &[("pgaudit", AUDIT, true), ("vchord", &AUDIT.replace("pgaudit", "vchord"), true)]);
    let server = Server::with(equipped.programs(), "shared_preload_libraries = 'pgaudit,vchord'");
    let url = server.database("app");
    let project =
        Project::prisma7().on_server(&url, None).env("PRISMA_SAFE_PG_BIN", &equipped.programs().display().to_string());
    project.add_migration("20250101000000_init", "CREATE TABLE \"Song\" (\"id\" INT PRIMARY KEY);\n");
    project.run(["migrate", "deploy"]).succeeds();
    server
        .connect("app")
        .batch_execute("CREATE EXTENSION pgaudit; INSERT INTO \"Song\" SELECT generate_series(1, 50)")
        .unwrap();
    project.add_migration(NEXT, &format!("CREATE EXTENSION vchord;\n{ADD_YEAR}"));
    project.run(["migrate", "deploy"]).succeeds().says("restored").says_nothing_of("without the extension");
    let made = "SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension";
    let made: String = server.connect("app").query_one(made, &[]).unwrap().get(0);
    assert_eq!(made, "pgaudit plpgsql vchord");
}
