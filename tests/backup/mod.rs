//! Backups of a real database by a real `pg_dump`, and by some that fail.

mod compressed;
mod full;
mod load;
mod lost;
mod signals;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use prisma_safe::backup::encryption::Keys;
use prisma_safe::backup::{self, Backup, Proof, Request, State};
use prisma_safe::config::Config;
use prisma_safe::database::DatabaseUrl;
use prisma_safe::env::Env;
use prisma_safe::error::{Error, Result};
use prisma_safe::exit::Exit;
use prisma_safe::tools::scratch::server_programs;
use prisma_safe::ui::Shell;
use prisma_safe::ui::shell::ColorChoice;

use crate::support::{Database, Project};

/// Everything that `pg_dump` treats in a way of its own.
const AWKWARD: &str = r#"
CREATE TABLE "Song" (id serial PRIMARY KEY, artist text NOT NULL, note text);
INSERT INTO "Song" (artist, note) SELECT 'artist ' || i, E'line\nbreak\ttab\\. \r\n' FROM generate_series(1, 1000) i;
INSERT INTO "Song" (artist, note) VALUES ('-- PostgreSQL database dump complete', '\.'), ('\N', NULL);
CREATE TABLE footer (line text);
INSERT INTO footer VALUES ('-- PostgreSQL database dump complete'), ('\.'), (''), (NULL), ('COPY footer (line) FROM stdin;');
CREATE SCHEMA "my ""schema""";
CREATE TABLE "my ""schema"""."été" (id int);
CREATE TABLE "my ""schema"""."a;b
FROM stdin;" ("x)" int, "COPY" bytea);
INSERT INTO "my ""schema"""."a;b
FROM stdin;" VALUES (1, '\x00ff5c2e0a');
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;
INSERT INTO nothing DEFAULT VALUES;
CREATE TABLE part (id int, v text) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (100);
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (100) TO (200);
INSERT INTO part SELECT i, i::text FROM generate_series(0, 149) i;
CREATE TABLE parent (id int);
CREATE TABLE child (more text) INHERITS (parent);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (2, 'x'), (3, 'y');
CREATE TABLE generated (id int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (1 + 1) STORED);
INSERT INTO generated DEFAULT VALUES;
CREATE UNLOGGED TABLE unlogged AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW seen AS SELECT count(*) FROM "Song";
CREATE VIEW look AS SELECT E'COPY x FROM stdin;\n\\.' AS t;
CREATE FUNCTION copier() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN
COPY "Song" FROM stdin;
-- PostgreSQL database dump complete
END $f$;
CREATE FUNCTION pick(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a > 0 THEN 1 ELSE 2 END; SELECT 3; END;
COMMENT ON TABLE footer IS E'it''s \\ \nCOPY footer FROM stdin;\n';
CREATE RULE silent AS ON DELETE TO footer DO ALSO (SELECT 1; SELECT 2);
SELECT lo_from_bytea(0, decode(repeat('436f7079', 5000), 'hex'));
"#;

/// A place for backups of one database.
struct Place {
    database: Database,
    directory: tempfile::TempDir,
    env: Env,
}

impl Place {
    fn new(sql: &str) -> Self {
        let database = Database::new();
        database.execute(sql);
        Self { database, directory: tempfile::tempdir().expect("a directory"), env: Env::read() }
    }

    fn backup(&self) -> Result<Backup> {
        self.backup_as(self.database.url())
    }

    fn backup_as(&self, url: &str) -> Result<Backup> {
        let config = Config::load(self.directory.path()).expect("a configuration");
        let request = Request {
            url: &DatabaseUrl::parse(url).expect("a URL"),
            schemas: &[],
            directory: &self.path(),
            project: self.directory.path(),
            production: true,
            environment: None,
            precedes: &["20250121103000_rename".to_owned()],
            definitions_only: false,
            settings: &config.backup,
            env: &self.env,
        };
        backup::create(&request, &shell())
    }

    fn verified(&self, path: &Path) -> Result<backup::Report> {
        backup::verify(path, &Keys::none(), &shell())
    }

    /// With a line in `[backup]` of prisma-safe.toml.
    fn set(self, line: &str) -> Self {
        fs::write(self.directory.path().join("prisma-safe.toml"), format!("[backup]\n{line}\n")).expect("a file");
        self
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("backups")
    }

    /// A `pg_dump` whose output goes through a shell command, `pg_dump` being the real one.
    fn with_pg_dump(mut self, dump: &str) -> Self {
        let bin = self.directory.path().join("bin");
        fs::create_dir(&bin).expect("a directory");
        let real = server_programs(&Env::read()).expect("PostgreSQL").join("pg_dump").display().to_string();
        let script = format!(
            "#!/bin/sh\npg_dump() {{ {real} \"$@\"; }}\ncase \"$1\" in --version) pg_dump --version; exit;; esac\n{dump}\n"
        );
        fs::write(bin.join("pg_dump"), script).expect("a script");
        fs::set_permissions(bin.join("pg_dump"), fs::Permissions::from_mode(0o755)).expect("a program");
        let vars = std::env::vars().chain([("PRISMA_SAFE_PG_BIN".to_owned(), bin.display().to_string())]);
        self.env = vars.collect();
        self
    }

    /// Fails, with nothing left over.
    #[track_caller]
    fn fails(&self, url: &str) -> Error {
        let error = self.backup_as(url).map(|backup| backup.path).expect_err("a failure");
        let left: Vec<_> = files(&self.path()).into_iter().filter(|name| name != ".gitignore").collect();
        assert_eq!(left, Vec::<String>::new());
        let said = format!("{error:?} {:?}", error.help_text());
        assert!(!said.contains("p@ss") && !said.contains("p%40ss"), "{said}");
        error
    }
}

fn shell() -> Shell {
    Shell::new(true, 0, ColorChoice::Never, true, &|_| None)
}

fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().into_string().expect("a name in UTF-8")).collect();
    names.sort();
    names
}

#[test]
fn a_backup_holds_every_row_and_says_so() {
    let place = Place::new(AWKWARD);
    place
        .database
        .execute("CREATE EXTENSION IF NOT EXISTS citext; CREATE TABLE c (v citext); INSERT INTO c VALUES ('X')");
    let Backup { path, manifest } = place.backup().unwrap();

    let rows: Vec<(String, u64)> = manifest.tables.iter().map(|table| (table.name.to_string(), table.rows)).collect();
    for (table, count) in [
        ("Song", 1002),
        ("footer", 5),
        ("nothing", 2),
        ("part_1", 100),
        ("part_2", 50),
        ("parent", 1),
        ("child", 2),
        ("c", 1),
    ] {
        assert!(rows.contains(&(table.into(), count)), "{table}: {rows:?}");
    }
    assert!(rows.contains(&(r#"my \"schema\".a;b\nFROM stdin;"#.into(), 1)), "{rows:?}");
    assert_eq!(manifest.proof, Proof::Restored);
    assert_eq!(manifest.precedes, ["20250121103000_rename"]);
    assert!(manifest.source.system_identifier.is_some());
    assert_eq!(manifest.bytes, fs::metadata(&path).unwrap().len());

    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("prod_backup_") && name.ends_with(".sql"), "{name}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&place.path())), (0o600, 0o700));
    assert_eq!(files(&place.path()), [".gitignore".to_owned(), name.to_owned(), format!("{name}.json")]);
    let text = fs::read_to_string(format!("{}.json", path.display())).unwrap();
    assert!(!text.contains("p@ss") && !text.contains("music:"), "{text}");

    assert_eq!(place.verified(&path).unwrap().problems, Vec::<String>::new());
    let entries = backup::list(&place.path()).unwrap();
    assert_eq!((entries.len(), &entries[0].state), (1, &State::Good));
}

/// What the file holds goes back into a database as it was.
#[test]
fn a_backup_can_be_restored_with_psql() {
    let place = Place::new(AWKWARD);
    let backup = place.backup().unwrap();
    let other = Database::new();
    let output = std::process::Command::new(server_programs(&Env::read()).unwrap().join("psql"))
        .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file"])
        .arg(&backup.path)
        .arg(other.url())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(place.database.contents(), other.contents());
}

#[test]
fn a_backup_is_proved_by_restoring_it_and_dumping_it_again() {
    let place = Place::new(AWKWARD).set("proof = 'roundtrip'");
    let role = format!("owner_{}", place.database.name());
    place.database.execute(&format!(
        "CREATE ROLE {role}; ALTER TABLE \"Song\" OWNER TO {role}; GRANT SELECT ON footer TO {role};
         CREATE EXTENSION IF NOT EXISTS citext; CREATE TABLE c (v citext UNIQUE); INSERT INTO c VALUES ('X');
         CREATE TABLE parents (id int PRIMARY KEY); CREATE TABLE children (id int REFERENCES parents);
         INSERT INTO parents VALUES (1); INSERT INTO children VALUES (1);
         CREATE TABLE large AS SELECT i, repeat('x', 500) AS pad FROM generate_series(1, 5000) i"
    ));
    let manifest = place.backup().unwrap().manifest;
    assert_eq!(manifest.proof, Proof::Roundtrip);
    place.database.execute(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
    let left = |name: &String| name.starts_with("prisma-safe-proof") && name.contains(&manifest.id[..13]);
    assert!(!files(Path::new("/tmp")).iter().any(left));
}

/// `pg_dump` succeeds, psql would say nothing, and yet it is no way back: its search path is empty where the function runs.
/// Minor versions of `pg_dump` before 2025 write no `\restrict` lines, and later ones a random key.
#[test]
fn a_dump_with_and_one_without_restrict_lines_are_the_same() {
    for line in ["-e '/^.restrict /d' -e '/^.unrestrict /d'", "-e 's/^\\(.restrict\\|.unrestrict\\) .*/\\1 other/'"] {
        let place = Place::new(AWKWARD).set("proof = 'roundtrip'").with_pg_dump(&format!(
            "if mkdir \"$0.first\" 2>/dev/null; then pg_dump \"$@\" | sed {line}; else pg_dump \"$@\"; fi"
        ));
        let backup = place.backup().unwrap();
        assert_eq!(backup.manifest.proof, Proof::Roundtrip, "{line}");
        assert_eq!(place.verified(&backup.path).unwrap().problems, Vec::<String>::new());
    }
}

#[test]
fn a_dump_that_cannot_be_restored_is_no_backup() {
    let place = Place::new(
        "CREATE TABLE limits (most int); INSERT INTO limits VALUES (10);
         CREATE FUNCTION most() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT max(most) FROM limits); END $$;
         CREATE TABLE plays (count int CHECK (count < most())); INSERT INTO plays VALUES (5)",
    );
    let place = place.set("proof = 'read'");
    assert!(place.backup().is_ok());
    fs::remove_dir_all(place.path()).unwrap();
    let place = place.set("proof = 'restored'");
    let error = place.fails(place.database.url());
    assert_eq!(error.to_string(), "could not restore the rows of table plays");
    assert!(error.causes()[0].contains("relation \"limits\" does not exist"), "{:?}", error.causes());
}

#[test]
fn rows_written_meanwhile_belong_to_no_backup() {
    let place = Place::new("CREATE TABLE t AS SELECT i, repeat('x', 500) AS pad FROM generate_series(1, 20000) i");
    let stop = AtomicBool::new(false);
    let manifest = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = place.database.connect();
            while !stop.load(Ordering::SeqCst) {
                client
                    .batch_execute(
                        "INSERT INTO t VALUES (0, 'new'), (-1, 'stays'); DELETE FROM t WHERE i = 0 AND random() < 0.3",
                    )
                    .unwrap();
            }
        });
        let backups: Vec<_> = (0..3).map(|_| place.backup()).collect();
        stop.store(true, Ordering::SeqCst);
        backups.into_iter().map(|backup| backup.unwrap().manifest).next_back().unwrap()
    });
    assert!(manifest.rows() > 20000);
    assert_eq!(backup::list(&place.path()).unwrap().len(), 3);
}

#[test]
fn two_backups_at_once_do_not_meet() {
    let place = Place::new("CREATE TABLE t AS SELECT i FROM generate_series(1, 1000) i");
    let paths: Vec<PathBuf> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| place.backup().unwrap().path)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for path in &paths {
        assert!(place.verified(path).unwrap().problems.is_empty());
    }
    assert_eq!(backup::list(&place.path()).unwrap().len(), 4);
}

#[test]
fn a_killed_pg_dump_leaves_nothing() {
    let place = Place::new(AWKWARD).with_pg_dump("pg_dump \"$@\" | head -c 30000; kill -9 $$");
    let error = place.fails(place.database.url());
    assert_eq!(error.to_string(), "pg_dump was killed by signal 9");
}

#[test]
fn a_dump_cut_at_a_line_is_refused_although_pg_dump_succeeds() {
    let place = Place::new(AWKWARD).with_pg_dump("pg_dump \"$@\" | sed '/^500\t/q'");
    let error = place.fails(place.database.url());
    assert_eq!(error.to_string(), "the dump is not whole");
    assert!(error.causes()[0].starts_with("it ends within the rows of Song"), "{:?}", error.causes());
}

#[test]
fn a_lost_row_is_noticed_although_the_dump_is_complete() {
    let place = Place::new(AWKWARD).with_pg_dump("pg_dump \"$@\" | sed '/^500\tartist/d'");
    let error = place.fails(place.database.url());
    assert!(error.to_string().ends_with("1001 instead of 1002 rows of table Song"), "{error}");
}

#[test]
fn a_dump_without_its_last_line_is_refused() {
    let place = Place::new(AWKWARD)
        .with_pg_dump("pg_dump \"$@\" | sed '/^-- PostgreSQL database dump complete/d' | sed '/^.unrestrict/d'");
    assert_eq!(place.fails(place.database.url()).to_string(), "the dump is not whole");
}

#[test]
fn psql_commands_in_a_dump_are_refused() {
    let place = Place::new(AWKWARD).with_pg_dump("echo '\\! touch evil'; pg_dump \"$@\"");
    assert!(place.fails(place.database.url()).causes()[0].contains("psql command"));
}

#[test]
fn a_failing_pg_dump_says_why() {
    let place = Place::new(AWKWARD).with_pg_dump("echo 'pg_dump: error: the moon' >&2; exit 1");
    let error = place.fails(place.database.url());
    assert_eq!(
        (error.to_string().as_str(), error.causes()),
        ("pg_dump failed", vec!["pg_dump: error: the moon".into()])
    );
    assert_eq!(error.exit(), Exit::Failed);
}

#[test]
fn too_old_a_pg_dump_is_refused_by_its_version() {
    let place = Place::new("").with_pg_dump("");
    let bin = place.directory.path().join("bin");
    fs::write(bin.join("pg_dump"), "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n").unwrap();
    let env = [("PATH".to_owned(), bin.display().to_string())].into_iter().collect();
    let error = prisma_safe::tools::pg_dump::PgDump::find(99, &env, None).unwrap_err();
    assert!(error.to_string().starts_with("the server runs PostgreSQL 99"), "{error}");
    assert!(error.causes()[0].contains("9.6.24"), "{:?}", error.causes());
    assert!(error.help_text().is_some());
}

#[test]
fn a_wrong_password_and_a_missing_database_are_named() {
    let place = Place::new("");
    let wrong = place.database.url().replace("p%40ss", "other");
    assert!(place.fails(&wrong).to_string().contains("refused the login of music"));
    let gone = place.database.url().replace(place.database.name(), "gone");
    assert!(place.fails(&gone).to_string().contains("does not exist"));
}

#[test]
fn what_a_role_cannot_see_is_named() {
    let place = Place::new(
        "CREATE TABLE secret (id int); CREATE TABLE shared (id int); ALTER TABLE shared ENABLE ROW LEVEL SECURITY;
         CREATE POLICY p ON shared USING (id > 5);",
    );
    let role = format!("reader_{}", place.database.name());
    place.database.execute(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT SELECT ON shared TO {role}; GRANT USAGE ON SCHEMA public TO {role}"
    ));
    let mut url = url::Url::parse(place.database.url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("x")).unwrap();
    assert_eq!(place.fails(url.as_str()).to_string(), "this role may not read public.secret");
    place.database.execute(&format!("GRANT SELECT ON secret TO {role}"));
    let error = place.fails(url.as_str());
    assert_eq!(error.to_string(), "row-level security hides rows of public.shared from this role");
    place.database.execute(&format!("ALTER ROLE {role} BYPASSRLS"));
    assert!(place.backup_as(url.as_str()).is_ok());
    place.database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_locked_table_is_waited_for_only_so_long() {
    let place = Place::new("CREATE TABLE t (id int)").set("lock-wait-seconds = 1");
    let mut other = place.database.connect();
    let mut holding = other.transaction().unwrap();
    holding.batch_execute("LOCK TABLE t").unwrap();
    let error = place.fails(place.database.url());
    assert!(error.help_text().unwrap_or_default().contains("another session holds a lock"), "{error:?}");
}

#[test]
fn a_disk_without_room_is_refused_before_anything_is_written() {
    let place = Place::new("CREATE TABLE t AS SELECT 1 AS id").set("space-factor = 1e12");
    assert!(place.fails(place.database.url()).to_string().contains("free; the backup may need"));
}

#[test]
fn a_pooled_url_is_refused_with_the_direct_one() {
    let place = Place::new("");
    let error = place.fails("postgresql://u:p%40ss@ep-x-1-pooler.eu.aws.neon.tech/music?pgbouncer=true");
    assert_eq!(error.exit(), Exit::Refused);
    assert!(error.help_text().unwrap().contains("ep-x-1.eu.aws.neon.tech"), "{error:?}");
}

#[test]
fn a_database_without_tables_needs_no_backup() {
    let database = Database::new();
    let needed = || backup::needed(&mut database.connect()).unwrap();
    database.execute("CREATE VIEW v AS SELECT 1; CREATE SEQUENCE s; CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
    assert!(!needed());
    database.execute("CREATE SCHEMA other; CREATE TABLE other.t (id int)");
    assert!(needed());
    database.execute("DROP TABLE other.t; SELECT lo_create(0)");
    assert!(needed());
}

#[test]
fn whatever_is_changed_later_is_noticed() {
    let place = Place::new("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 100) i");
    let path = place.backup().unwrap().path;
    let text = fs::read_to_string(&path).unwrap();
    let problems = || place.verified(&path).unwrap().problems;
    let listed = || backup::list(&place.path()).unwrap().remove(0).state;

    fs::write(&path, text.replace("\n50\n", "\n51\n")).unwrap();
    let others = "table t holds other rows than those that were taken";
    assert_eq!(problems(), ["its SHA-256 is not the manifest's: it was changed after it was taken", others]);
    fs::write(&path, text.replace("\n50\n", "\n")).unwrap();
    assert!(problems().contains(&"table t holds 99 rows instead of 100".to_owned()), "{:?}", problems());
    assert!(matches!(listed(), State::WrongSize { .. }));
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    assert_eq!(problems().len(), 3);

    let manifest = format!("{}.json", path.display());
    let json = fs::read_to_string(&manifest).unwrap();
    fs::write(&path, &text).unwrap();
    fs::write(&manifest, json.replace("\"rows\":100", "\"rows\":99")).unwrap();
    let error = place.verified(&path).unwrap_err();
    assert_eq!(error.causes(), ["it was changed after it was written"]);
    fs::write(&manifest, &json[..json.len() / 2]).unwrap();
    assert!(place.verified(&path).is_err());
    assert!(matches!(listed(), State::BrokenManifest(_)));
    fs::remove_file(&manifest).unwrap();
    assert!(place.verified(&path).is_err());
    assert_eq!(listed(), State::NoManifest);
}

/// A backup can be taken beside a Prisma that does not run.
#[test]
fn where_the_command_line_names_the_target_prisma_is_not_asked() {
    let project = Project::prisma7();
    let sql = "CREATE TABLE \"Song\" (id INT);\n";
    project.add_migration("20250101000000_init", sql);
    project.database().execute(sql);
    let url = project.database().url();
    project.write("prisma.config.ts", "throw new Error('out of order');\n");
    project.run(["backup", "--proof", "read"]).exits(1).says("out of order");
    project.run(["backup", "--proof", "read", "--url", url]).succeeds().says("Backed up");
    let file = "prisma/migrations/20250101000000_init/migration.sql";
    project.run(["test", file, "--url", url]).exits(1).says("already exists");
}
