//! One database, several applications: what this role may not read is left out where the settings say so, and never touched.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Prisma, Project};

const NEXT: &str = "20250102000000_next";
const PASSWORD: &str = "tenant";

/// A role that owns and migrates `public`, beside a neighbour that keeps its tables to itself.
struct Tenant {
    project: Project,
    role: String,
    other: String,
}

impl Tenant {
    fn new() -> Self {
        let project = Project::on(Prisma::V7).migration(
            "20250101000000_init",
            "CREATE TABLE \"Song\" (\"isrc\" TEXT PRIMARY KEY, \"title\" TEXT NOT NULL);\n",
        );
        let database = project.database();
        let (role, other) = (format!("{}_tenant", database.name()), format!("{}_other", database.name()));
        database.execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE {other};
             CREATE SCHEMA neighbour AUTHORIZATION {other};
             CREATE TABLE neighbour.ledger (id int PRIMARY KEY); INSERT INTO neighbour.ledger SELECT generate_series(1, 7);
             ALTER TABLE neighbour.ledger OWNER TO {other};
             ALTER SCHEMA public OWNER TO {role}; GRANT CREATE ON DATABASE {} TO {role}",
            database.name()
        ));
        let mut url = url::Url::parse(database.url()).unwrap();
        url.set_username(&role).unwrap();
        url.set_password(Some(PASSWORD)).unwrap();
        let project = project.env("DATABASE_URL", url.as_str());
        project.run(["migrate", "deploy", "--skip-backup", "--reason", "empty"]).succeeds();
        project
            .database()
            .execute("INSERT INTO \"Song\" SELECT 'isrc ' || n, 'title ' || n FROM generate_series(1, 40) n");
        project.add_migration(NEXT, "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n");
        Self { project, role, other }
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        // roles are the server's, and outlive the database
        self.project.database().execute(&format!(
            "DROP OWNED BY {0} CASCADE; DROP OWNED BY {1} CASCADE; REASSIGN OWNED BY {0} TO CURRENT_USER;
             DROP OWNED BY {0}; DROP ROLE {0}; DROP ROLE {1}",
            self.role, self.other
        ));
    }
}

#[test]
fn a_backup_is_limited_to_what_prisma_manages() {
    let tenant = Tenant::new();
    let project = &tenant.project;
    let database = project.database();
    // by default nothing is left out: refused before anything runs, with the setting that goes on
    project
        .run(["migrate", "deploy"])
        .exits(3)
        .says("may not read neighbour.ledger")
        .says("schemas = [\"public\"]")
        .says("GRANT pg_read_all_data");
    assert!(project.files("backups").is_empty());
    project.write("prisma-safe.toml", "[backup]\nschemas = [\"neighbour\"]\n");
    project.run(["migrate", "deploy"]).exits(2).says("leaves out public, which Prisma manages");

    project.write("prisma-safe.toml", "[backup]\nschemas = [\"public\"]\n");
    project.add_migration(
        "20250103000000_drop",
        "-- prisma-safe:allow drop-column(Song.title): a test\nALTER TABLE \"Song\" DROP COLUMN \"title\";\n",
    );
    project
        .run(["migrate", "deploy"])
        .succeeds()
        .says("without the schema neighbour")
        .says("unlike production: the copy is without the schema neighbour");
    let manifest = project.files("backups").into_iter().find(|file| file.ends_with(".json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&project.read(&manifest)).unwrap();
    assert_eq!(manifest["without"]["schemas"], serde_json::json!(["neighbour"]));

    // the undo goes its way
    project.run(["rollback"]).succeeds();
    assert_eq!(database.value("SELECT title FROM \"Song\" WHERE isrc = 'isrc 7'"), "title 7");

    // a restore says what it does not hold, and leaves it alone
    database.execute("DELETE FROM \"Song\"; INSERT INTO neighbour.ledger VALUES (8)");
    let backup = project.files("backups").into_iter().filter(|file| file.ends_with(".sql")).max().unwrap();
    let file = backup.trim_start_matches("backups/");
    project.run(["restore", file, "--swap", "database"]).exits(3).says("would lose the schema neighbour");
    project
        .run(["restore", file])
        .succeeds()
        .says("the backup is without the schema neighbour: that stays as it is now");
    assert_eq!(database.count("Song"), 40);
    assert_eq!(database.value("SELECT count(*) FROM neighbour.ledger"), "8");

    // what the copy does not hold is not rehearsed
    project.add_migration("20250104000000_other", "DELETE FROM neighbour.ledger;\n");
    let refused = project.run(["migrate", "deploy"]).exits(3);
    assert!(
        refused.stderr.contains("names the schema neighbour") || refused.stderr.contains("has no right"),
        "{}",
        refused.stderr
    );
}

/// Definitions alone ask about nobody's rows: another tool's backup, and a rehearsal without them.
#[test]
fn definitions_alone_need_no_rights_on_rows() {
    let tenant = Tenant::new();
    let project = &tenant.project;
    project.database().execute(
        "CREATE TABLE \"Private\" (id int); ALTER TABLE \"Private\" ENABLE ROW LEVEL SECURITY; ALTER TABLE \"Private\" FORCE ROW LEVEL SECURITY",
    );
    project.database().execute(&format!("ALTER TABLE \"Private\" OWNER TO {}", tenant.role));
    let script = project.path("our-backup");
    fs::write(&script, "#!/bin/sh\necho \"$1\" >> backup.log\necho backup-1\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let command = "[backup]\nprovider = \"command\"\ncommand.create = [\"./our-backup\", \"create\"]\ncommand.check = [\"./our-backup\", \"check\"]\n";
    // without rows of its own a rehearsal with rows cannot be: told before the tool has run
    project.write("prisma-safe.toml", command);
    project.run(["migrate", "deploy"]).exits(3).says("no copy with rows").says("mode = \"schema\"");
    assert!(!project.path("backup.log").exists(), "the outside backup has run");
    project.write("prisma-safe.toml", &format!("{command}[rehearsal]\nmode = \"schema\"\n"));
    project.run(["migrate", "deploy"]).succeeds().says("the copy is without the schema neighbour").says("Rehearsed");
    assert_eq!(project.read("backup.log"), "create\ncheck\n");

    // with rows, row-level security that is forced on the owner is told with its ways out
    project.write("prisma-safe.toml", "[backup]\nschemas = [\"public\"]\n");
    project.add_migration("20250103000000_more", "ALTER TABLE \"Song\" ADD COLUMN \"more\" INTEGER;\n");
    project.run(["migrate", "deploy"]).exits(3).says("row-level security hides rows").says("BYPASSRLS");
    project.database().execute(&format!("ALTER ROLE {} BYPASSRLS", tenant.role));
    project.run(["migrate", "deploy"]).succeeds();
}

/// Large objects belong to no schema: where one may not be read, a limited backup has none, and says so.
#[test]
fn large_objects_of_others_are_left_out_with_a_word() {
    let tenant = Tenant::new();
    let project = &tenant.project;
    project.database().execute("SELECT lo_from_bytea(4242, 'secret')");
    project.write("prisma-safe.toml", "[backup]\nschemas = [\"public\"]\n");
    project.run(["migrate", "deploy"]).succeeds().says("without the schema neighbour; the large objects");
    project.database().execute("SELECT lo_unlink(4242)");
}
