//! A Prisma project in a temporary directory, with real Prisma and a database of its own.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::{Database, Output};

/// A real Prisma, installed by `make setup` in `tests/fixtures`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prisma {
    V5,
    V6,
    V7,
}

impl Prisma {
    /// Where it is installed.
    pub(crate) fn fixture(self) -> PathBuf {
        let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"));
        let fixture = fixtures.join(match self {
            Self::V5 => "prisma5",
            Self::V6 => "prisma6",
            Self::V7 => "prisma7",
        });
        assert!(fixture.join("node_modules/prisma").is_dir(), "Prisma is not installed yet: run `make setup`");
        fixture
    }

    fn datasource(self) -> &'static str {
        match self {
            Self::V5 | Self::V6 => {
                "datasource db {\n  provider = \"postgresql\"\n  url      = env(\"DATABASE_URL\")\n}\n"
            }
            Self::V7 => "datasource db {\n  provider = \"postgresql\"\n}\n",
        }
    }
}

/// Prisma 7 reads no `.env` by itself.
const CONFIG: &str = r#"import { defineConfig } from "prisma/config";

process.loadEnvFile();

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  datasource: { url: process.env.DATABASE_URL! },
});
"#;

/// A project; removed with its database on drop.
pub(crate) struct Project {
    prisma: Prisma,
    database: Database,
    root: TempDir,
    env: Vec<(String, String)>,
}

impl Project {
    /// A project on Prisma 7.10.1.
    pub(crate) fn prisma7() -> Self {
        Self::on(Prisma::V7)
    }

    /// A project on Prisma 6.19.3.
    pub(crate) fn prisma6() -> Self {
        Self::on(Prisma::V6)
    }

    /// A project with an empty schema and an empty database.
    pub(crate) fn on(prisma: Prisma) -> Self {
        let root = TempDir::with_prefix("prisma-safe-project-").expect("a temporary directory");
        let project = Self { prisma, database: Database::new(), root, env: Vec::new() };
        fs::create_dir_all(project.root.path().join("home")).expect("a home");
        fs::create_dir_all(project.path("prisma")).expect("a project");
        symlink(prisma.fixture().join("node_modules"), project.path("node_modules")).expect("node_modules");
        project.write("package.json", "{\n  \"name\": \"music\",\n  \"private\": true\n}\n");
        project.write(".env", &format!("DATABASE_URL=\"{}\"\n", project.database.url()));
        if prisma == Prisma::V7 {
            project.write("prisma.config.ts", CONFIG);
        }
        project.schema("")
    }

    /// The models; the data source is added.
    pub(crate) fn schema(self, models: &str) -> Self {
        self.set_schema(models);
        self
    }

    /// Edits the schema of a project that stands already.
    pub(crate) fn set_schema(&self, models: &str) {
        self.write("prisma/schema.prisma", &format!("{}\n{models}", self.prisma.datasource()));
    }

    /// A migration in the folder, not applied.
    pub(crate) fn migration(self, name: &str, sql: &str) -> Self {
        self.add_migration(name, sql);
        self
    }

    /// The same for a project that stands already.
    pub(crate) fn add_migration(&self, name: &str, sql: &str) {
        self.write("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n");
        self.write(&format!("prisma/migrations/{name}/migration.sql"), sql);
    }

    /// Applies every migration that is pending, and writes Prisma's history as Prisma would; in milliseconds.
    pub(crate) fn applied(self) -> Self {
        let mut client = self.database.connect();
        client.batch_execute(HISTORY).expect("the history table");
        for name in self.migrations() {
            let sql = self.read(&format!("prisma/migrations/{name}/migration.sql"));
            let checksum: String = Sha256::digest(&sql).iter().map(|byte| format!("{byte:02x}")).collect();
            let new = client
                .execute(
                    "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count) \
                     SELECT gen_random_uuid(), $1, $2::varchar, now(), 1 \
                     WHERE NOT EXISTS (SELECT FROM _prisma_migrations WHERE migration_name = $2::varchar)",
                    &[&checksum, &name],
                )
                .expect("a history row");
            if new == 1 {
                client.batch_execute(&sql).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
        self
    }

    /// Applies what is pending, then fills a table: `artist 1`, `artist 2`, … in a text column `artist`.
    pub(crate) fn rows(self, table: &str, count: usize) -> Self {
        let project = self.applied();
        let columns = project.database.rows(&format!(
            "SELECT column_name, udt_name FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{table}' \
             AND is_identity = 'NO' AND column_default IS NULL AND is_generated = 'NEVER' ORDER BY ordinal_position"
        ));
        assert!(!columns.is_empty(), "no table {table}, or every column has a default");
        let (names, values): (Vec<_>, Vec<_>) = columns
            .iter()
            .map(|column| {
                let (name, udt) = column.split_once('|').expect("two values");
                (format!("\"{name}\""), sample(name, udt))
            })
            .unzip();
        project.database.execute(&format!(
            "INSERT INTO \"{table}\" ({}) SELECT {} FROM generate_series(1, {count}) AS n; ANALYZE \"{table}\"",
            names.join(", "),
            values.join(", ")
        ));
        project
    }

    /// Instead of real Prisma, a package of this name and version whose whole program is `script`.
    pub(crate) fn package(self, name: &str, version: &str, script: &str) -> Self {
        // the link to real Prisma goes, a directory of fakes stays
        let _ = fs::remove_file(self.path("node_modules"));
        let manifest = serde_json::json!({ "name": name, "version": version, "bin": { "prisma": "build/index.js" } });
        self.write(&format!("node_modules/{name}/package.json"), &manifest.to_string());
        self.write(&format!("node_modules/{name}/build/index.js"), script);
        self
    }

    /// Nothing is on PATH but these programs of this machine; a script stands for a program of its own.
    pub(crate) fn only_programs(self, programs: &[&str], scripts: &[(&str, &str)]) -> Self {
        let bin = self.root.path().join("bin");
        fs::create_dir_all(&bin).expect("a directory");
        for program in programs {
            symlink(which::which(program).expect(program), bin.join(program)).expect("a link");
        }
        for (name, script) in scripts {
            fs::write(bin.join(name), format!("#!/bin/sh\n{script}\n")).expect("a script");
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).expect("permissions");
        }
        let path = bin.display().to_string();
        self.env("PATH", &path)
    }

    /// The project's database counts as production.
    pub(crate) fn production(self) -> Self {
        self.write("prisma-safe.toml", "[environments.production]\nhosts = [\"127.0.0.1\"]\nproduction = true\n");
        self
    }

    /// An environment variable for everything that runs in the project.
    pub(crate) fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// Runs prisma-safe, without a terminal.
    #[track_caller]
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        output(self.command(env!("CARGO_BIN_EXE_prisma-safe"), arguments))
    }

    /// Runs plain Prisma.
    #[track_caller]
    pub(crate) fn prisma<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        output(self.command("node_modules/.bin/prisma", arguments))
    }

    /// Runs any program.
    #[track_caller]
    pub(crate) fn program<A: AsRef<OsStr>>(&self, program: &str, arguments: impl IntoIterator<Item = A>) -> Output {
        output(self.command(program, arguments))
    }

    /// A program in the project's directory that sees nothing of the developer's environment, to be started by the test.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, program: &str, arguments: impl IntoIterator<Item = A>) -> Command {
        let program = if program.starts_with("node_modules") { self.path(program) } else { program.into() };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.directory());
        scrub(&mut command, &self.root.path().join("home"));
        if !native() {
            let fixture = self.prisma.fixture();
            command.env("PRISMA_SCHEMA_ENGINE_BINARY", fixture.join("schema-engine.mjs"));
            // any file: Prisma 6 would download this one for commands that do not need it
            command.env("PRISMA_QUERY_ENGINE_LIBRARY", fixture.join("package.json"));
        }
        command.envs(self.env.iter().map(|(key, value)| (key, value)));
        command
    }

    /// Runs git as somebody who needs no configuration.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
        self.program("git", identity.iter().chain(arguments)).succeeds();
    }

    /// The database it belongs to.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// The project's root.
    pub(crate) fn directory(&self) -> PathBuf {
        self.root.path().join("project")
    }

    /// A path in the project.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory().join(path)
    }

    /// The names in its migrations folder, in order.
    pub(crate) fn migrations(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("prisma/migrations")) else { return Vec::new() };
        let directories = entries.map(|entry| entry.expect("an entry")).filter(|entry| entry.path().is_dir());
        let mut names: Vec<_> = directories.map(|entry| entry.file_name().into_string().expect("a name")).collect();
        names.sort();
        names
    }

    /// The text of the newest migration.
    #[track_caller]
    pub(crate) fn newest_migration(&self) -> String {
        let name = self.migrations().pop().expect("a migration");
        self.read(&format!("prisma/migrations/{name}/migration.sql"))
    }

    /// Writes a file, making its directory.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("the directory");
        fs::write(path, text).expect("a written file");
    }

    /// Reads a file.
    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The files below a directory, relative to the project and sorted; none if it is not there.
    pub(crate) fn files(&self, directory: &str) -> Vec<String> {
        let mut files = Vec::new();
        let mut directories = vec![self.path(directory)];
        while let Some(next) = directories.pop() {
            for entry in fs::read_dir(next).into_iter().flatten() {
                let path = entry.expect("an entry").path();
                if path.ends_with("node_modules") {
                    // of all tests at once, and Prisma's loader keeps its cache there
                } else if path.is_dir() {
                    directories.push(path);
                } else {
                    files.push(path.strip_prefix(self.directory()).expect("below").display().to_string());
                }
            }
        }
        files.sort();
        files
    }
}

/// Leaves a program only what it needs of the environment: DATABASE_URL, PG*, PRISMA_*, CI and the like would steer it.
pub(crate) fn scrub(command: &mut Command, home: &Path) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", home).env("LANG", "C.UTF-8").env("TERM", "xterm-256color");
    command.env("CHECKPOINT_DISABLE", "1").env("PRISMA_HIDE_UPDATE_MESSAGE", "1");
    // where the instrumented binary writes, if it is one
    command.envs(std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)));
}

/// Whether the tests run on Prisma's own engine, which `make setup` then downloads, and not on the stand-in.
pub(crate) fn native() -> bool {
    std::env::var_os("PRISMA_SAFE_TEST_NATIVE").is_some_and(|value| value == "1")
}

#[track_caller]
fn output(mut command: Command) -> Output {
    let line = std::iter::once(command.get_program()).chain(command.get_args());
    let line = line.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
    command.stdin(std::process::Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{line}: {error}"));
    Output::of(line, output)
}

/// An expression for the `n`th value of a column.
fn sample(name: &str, udt: &str) -> String {
    match udt {
        "text" | "varchar" | "bpchar" => format!("'{name} ' || n"),
        "bool" => "n % 2 = 0".into(),
        "uuid" => "gen_random_uuid()".into(),
        "json" | "jsonb" => "'{}'".into(),
        "date" | "timestamp" | "timestamptz" => "timestamp '2025-01-01' + n * interval '1 second'".into(),
        "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" => "n".into(),
        array if array.starts_with('_') => "'{}'".into(),
        other => format!("(enum_range(NULL::\"{other}\"))[1]"),
    }
}

/// The table as Prisma creates it.
const HISTORY: &str = "CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
)";
