//! One PostgreSQL for a whole test run, a database of its own for each test.
//!
//! cargo-nextest runs each test in a process of its own: the first one starts the server, the others find it by the run's id,
//! and it ends with the runner. Under `cargo test` all tests are one process, which owns it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::UNIX_EPOCH;

use postgres::{Client, NoTls, SimpleQueryMessage};
use prisma_safe::env::Env;
use prisma_safe::tools::scratch::{ScratchServer, server_programs};
use url::Url;

/// The user's password, as it is and as it stands in a URL: with every character that somebody forgets to encode.
pub(crate) const PASSWORDS: [&str; 2] = ["p@ss/w:rd%?#", "p%40ss%2Fw%3Ard%25%3F%23"];

/// The user that tests and projects connect as.
pub(crate) const USER: &str = "music";

/// A database of one test; dropped with it.
pub(crate) struct Database {
    name: String,
    url: String,
}

impl Database {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self::from_template("template0")
    }

    /// One with the same contents. Nobody may be connected to the original meanwhile.
    pub(crate) fn copy(&self) -> Self {
        Self::from_template(&self.name)
    }

    fn from_template(template: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // a process number comes again in a long run
        let now = UNIX_EPOCH.elapsed().expect("a time after 1970").as_micros();
        let name = format!("music_{}_{now}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        connect(server())
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .expect("a new database");
        let mut url = Url::parse(server()).expect("a URL");
        url.set_path(&name);
        Self { name, url: url.into() }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its URL, with the password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A connection of the test's own: to hold a lock, say.
    pub(crate) fn connect(&self) -> Client {
        connect(&self.url)
    }

    /// Runs a script.
    #[track_caller]
    pub(crate) fn execute(&self, sql: &str) {
        self.connect().batch_execute(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// Every row's values as text, joined by `|`, NULL as nothing.
    #[track_caller]
    pub(crate) fn rows(&self, query: &str) -> Vec<String> {
        let messages = self.connect().simple_query(query).unwrap_or_else(|error| panic!("{error}: {query}"));
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|column| row.get(column).unwrap_or_default()).collect::<Vec<_>>().join("|"))
            }
            _ => None,
        });
        rows.collect()
    }

    /// The first value of the first row.
    #[track_caller]
    pub(crate) fn value(&self, query: &str) -> String {
        self.rows(query).first().cloned().unwrap_or_else(|| panic!("no row: {query}"))
    }

    /// How many rows a table has.
    #[track_caller]
    pub(crate) fn count(&self, table: &str) -> usize {
        self.value(&format!("SELECT count(*) FROM \"{table}\"")).parse().expect("a number")
    }

    /// Everything that is not data, as text: equal for equal catalogs.
    pub(crate) fn catalog(&self) -> String {
        self.dump(&["--schema-only"])
    }

    /// Schema and data as text: equal when nothing at all has changed.
    pub(crate) fn contents(&self) -> String {
        self.dump(&["--rows-per-insert=1000"])
    }

    /// The application's rows and definitions, line by line and sorted: no order says anything.
    pub(crate) fn application(&self) -> Vec<String> {
        let own = ["--rows-per-insert=1000", "--exclude-schema=_prisma_safe", "--exclude-table=_prisma_migrations"];
        let text = self.dump(&own);
        let said = text.lines().filter(|line| !line.starts_with("--") && !line.trim().is_empty());
        let mut lines: Vec<String> = said.map(|line| line.trim_end_matches([',', ';']).to_owned()).collect();
        lines.sort();
        lines
    }

    fn dump(&self, arguments: &[&str]) -> String {
        let url = Url::parse(&self.url).expect("a URL");
        let output = Command::new(server_programs(&Env::read()).expect("PostgreSQL").join("pg_dump"))
            .args(arguments)
            .args(["--no-owner", "--host=127.0.0.1", "--username", USER, "--dbname", &self.name])
            .arg(format!("--port={}", url.port().expect("a port")))
            .env("PGPASSWORD", PASSWORDS[0])
            .output()
            .expect("pg_dump beside the server");
        assert!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("a dump in UTF-8");
        // newer minor versions put a random key here
        text.lines()
            .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // the server goes anyway: this only spares its disk
        if let Ok(mut client) = Client::connect(server(), NoTls) {
            let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        }
    }
}

fn connect(url: &str) -> Client {
    Client::connect(url, NoTls).expect("a connection to the tests' own server")
}

/// The URL of the run's server.
fn server() -> &'static str {
    static SERVER: OnceLock<String> = OnceLock::new();
    SERVER.get_or_init(|| {
        let (run, owner) = match std::env::var("NEXTEST_RUN_ID") {
            Ok(run) => (run, std::os::unix::process::parent_id()),
            Err(_) => (std::process::id().to_string(), std::process::id()),
        };
        join(&format!("prisma-safe-tests-{run}"), owner)
    })
}

/// Where Linux keeps files in memory: a database is made there in a tenth of the time.
const IN_MEMORY: &str = "/dev/shm";

/// Free bytes that all tests' databases fit in.
const ROOM: u64 = 6_000_000_000;

fn free(path: &str) -> u64 {
    rustix::fs::statvfs(path).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Finds the run's server, or starts it; the lock lets one process at a time look.
fn join(name: &str, owner: u32) -> String {
    let lock = fs::File::create(concat!(env!("CARGO_TARGET_TMPDIR"), "/postgres.lock")).expect("a lock file");
    lock.lock().expect("the lock");
    // not below TMPDIR: the server's user must be able to enter every directory above
    let places = [IN_MEMORY, "/tmp"].map(|place| Path::new(place).join(name));
    if let Some(url) = places.iter().find_map(|place| fs::read_to_string(place.join("url")).ok()) {
        return url;
    }
    let [memory, disk] = places;
    let directory = if free(IN_MEMORY) >= ROOM { memory } else { disk };
    let found = directory.join("url");
    let server = ScratchServer::start(&directory, owner, &Env::read()).unwrap_or_else(|error| {
        panic!("{error:?}\n{}", error.help_text().unwrap_or_default());
    });
    let mut url = Url::parse(server.url("postgres").expect("a URL").expose()).expect("a URL");
    let role = format!("CREATE ROLE {USER} SUPERUSER LOGIN PASSWORD '{}'", PASSWORDS[0]);
    connect(url.as_str()).batch_execute(&role).expect("the role");
    url.set_username(USER).expect("a user");
    url.set_password(Some(PASSWORDS[1])).expect("a password");
    fs::write(&found, url.as_str()).expect("the URL");
    // it ends with the runner, whatever becomes of this process
    std::mem::forget(server);
    url.into()
}
