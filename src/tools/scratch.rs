//! A PostgreSQL server of our own, in a private directory: for `demo` and for this crate's tests.
//!
//! It listens on 127.0.0.1 only, asks for a password, and is gone when its owner is gone: a small watcher outlives a panic,
//! Ctrl-C and `kill -9`, stops the server and removes the directory.
#![expect(clippy::disallowed_methods, reason = "tools/ is where programs are started")]

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::postgres::installed;
use crate::context::Env;
use crate::database::DatabaseUrl;
use crate::error::{Error, Explain as _, Result};

/// How often another port is tried when somebody took the free one first.
const PORT_TRIES: u32 = 5;

/// Settings of a server whose data nobody will miss.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
full_page_writes = off
synchronous_commit = off
timezone = 'UTC'
";

/// Ends what its owner could not: `$1` is the server's directory, `$2` the owner's process id.
const WATCHER: &str = r#"
while kill -0 "$2" 2>/dev/null && [ -d "$1" ]; do sleep 0.2; done
server=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$server"
while [ -n "$server" ] && kill -0 "$server"; do sleep 0.1; done
rm -rf "$1"
"#;

/// A running server; stopped and removed on drop, unless it belongs to another process.
#[derive(Debug)]
pub struct ScratchServer {
    programs: PathBuf,
    directory: PathBuf,
    port: u16,
    password: String,
    watcher: Child,
    owned: bool,
}

impl ScratchServer {
    /// Creates `directory` and starts a server in it, which lives as long as the process `owner`. As root the server runs as
    /// `nobody`, who must be able to enter the directories above.
    ///
    /// # Errors
    /// Exit status 1 if no PostgreSQL server is installed (with how to get one), or if it does not start.
    pub fn start(directory: &Path, owner: u32, env: &Env) -> Result<Self> {
        Self::start_with(directory, owner, server_programs(env)?, "")
    }

    /// [`ScratchServer::start`] with the programs in a given directory and further settings, as in postgresql.conf.
    ///
    /// # Errors
    /// Exit status 1 if it does not start.
    pub fn start_with(directory: &Path, owner: u32, programs: PathBuf, settings: &str) -> Result<Self> {
        fs::create_dir(directory).explain(|| format!("could not create {}", directory.display()))?;
        let watcher = watch(directory, owner)?;
        let owned = owner == std::process::id();
        let password = random_password()?;
        let mut server = Self { programs, directory: directory.to_owned(), port: 0, password, watcher, owned };
        server.create(settings)?;
        server.launch()?;
        Ok(server)
    }

    /// The URL of one of its databases, as the superuser.
    ///
    /// # Errors
    /// Exit status 2 if the name makes no URL.
    pub fn url(&self, database: &str) -> Result<DatabaseUrl> {
        DatabaseUrl::parse(&format!("postgresql://postgres:{}@127.0.0.1:{}/{database}", self.password, self.port))
    }

    /// Leaves the server running when its owner ends. Gives the command that stops and removes it.
    pub fn keep(mut self) -> String {
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
        self.owned = false;
        let directory = self.directory.display();
        format!("kill -INT $(head -n 1 '{directory}/data/postmaster.pid')")
    }

    /// Makes the data directory.
    fn create(&self, settings: &str) -> Result<()> {
        let account = unprivileged()?;
        let secret = self.directory.join("password");
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&secret)
            .and_then(|mut file| file.write_all(self.password.as_bytes()))
            .explain(|| format!("could not write {}", secret.display()))?;
        if let Some((uid, gid)) = account {
            for path in [&self.directory, &secret] {
                chown(path, Some(uid), Some(gid)).explain(|| format!("could not give {} away", path.display()))?;
            }
        }
        self.run("initdb", |initdb| {
            initdb.args(["--pgdata=data", "--username=postgres", "--auth=scram-sha-256", "--pwfile=password"]);
            initdb.args(["--encoding=UTF8", "--locale=C", "--no-sync"]);
        })?;
        let file = self.directory.join("data/postgresql.conf");
        fs::OpenOptions::new()
            .append(true)
            .open(&file)
            .and_then(|mut file| file.write_all([SETTINGS, settings].concat().as_bytes()))
            .explain(|| format!("could not write {}", file.display()))
    }

    /// Starts the server on a free port. Between finding the port and taking it somebody else may take it: then another.
    fn launch(&mut self) -> Result<()> {
        let mut tries = 0;
        loop {
            tries += 1;
            self.port = TcpListener::bind(("127.0.0.1", 0))
                .and_then(|listener| listener.local_addr())
                .explain(|| "could not find a free port on 127.0.0.1".into())?
                .port();
            let port = format!("-p {}", self.port);
            let started = self.run("pg_ctl", |pg_ctl| {
                pg_ctl.args(["start", "-w", "-t", "60", "-D", "data", "-l", "log", "-o", &port]);
            });
            match started {
                Ok(()) => return Ok(()),
                Err(error) if tries == PORT_TRIES => {
                    let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
                    return Err(Error::failed("PostgreSQL did not start").because(format!("{error:?}\n{}", log.trim())));
                }
                Err(_) => {}
            }
        }
    }

    /// Runs one of PostgreSQL's programs in the directory, as a user that PostgreSQL accepts, and waits for it.
    fn run(&self, program: &str, arguments: impl FnOnce(&mut Command)) -> Result<()> {
        let mut command = Command::new(self.programs.join(program));
        // nothing of the caller's environment: PGPORT, PGDATA and the like would steer the programs
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir(&self.directory);
        command.stdin(Stdio::null());
        if let Some((uid, gid)) = unprivileged()? {
            command.uid(uid).gid(gid);
        }
        arguments(&mut command);
        let output = command.output().explain(|| format!("could not start {program}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        Err(Error::failed(format!("{program} failed")).because(String::from_utf8_lossy(&said).trim().to_owned()))
    }
}

impl Drop for ScratchServer {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        // the watcher does the same once more if any of this fails
        let _ = self.run("pg_ctl", |pg_ctl| {
            pg_ctl.args(["stop", "-w", "-m", "immediate", "-D", "data"]);
        });
        let _ = fs::remove_dir_all(&self.directory);
        let _ = self.watcher.wait();
    }
}

/// Starts the watcher in a process group of its own, where no Ctrl-C reaches it.
fn watch(directory: &Path, owner: u32) -> Result<Child> {
    Command::new("/bin/sh")
        .args([OsStr::new("-c"), OsStr::new(WATCHER), OsStr::new("watcher"), directory.as_os_str()])
        .arg(owner.to_string())
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .explain(|| "could not start /bin/sh".into())
}

/// The directory with `initdb`, `pg_ctl` and `postgres`, of the newest version that is installed.
///
/// # Errors
/// Exit status 1 with the command that installs a server if there is none.
pub fn server_programs(env: &Env) -> Result<PathBuf> {
    let newest = installed("initdb", env, None).into_iter().max_by_key(|program| (program.chosen, program.major));
    newest.and_then(|program| Some(program.path.parent()?.to_owned())).ok_or_else(|| {
        Error::failed("no PostgreSQL server is installed on this machine").help(
            "install one: `apt-get install postgresql` (Debian, Ubuntu), `dnf install postgresql-server` (Fedora), \
             `brew install postgresql@17` (macOS)",
        )
    })
}

/// The directory with `initdb`, `pg_ctl` and `postgres` of one major version; `None` if it is not installed.
pub fn server_programs_of(major: u32, env: &Env, configured: Option<&Path>) -> Option<PathBuf> {
    let found = installed("initdb", env, configured).into_iter().find(|program| program.major == major);
    found.and_then(|program| Some(program.path.parent()?.to_owned()))
}

/// Whether a server's user can enter the directory: as root, the server runs as somebody else.
pub fn is_enterable(path: &Path) -> bool {
    let open = |path: &Path| path.metadata().is_ok_and(|found| found.permissions().mode() & 0o001 != 0);
    path.is_dir() && (!rustix::process::geteuid().is_root() || path.ancestors().all(open))
}

/// PostgreSQL refuses to run as root: then the ids of `nobody`.
fn unprivileged() -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd").explain(|| "could not read /etc/passwd".into())?;
    nobody(&accounts).map(Some).ok_or_else(|| {
        Error::failed("PostgreSQL does not run as root, and there is no user `nobody`").help("run this as another user")
    })
}

/// The ids of `nobody` in the text of /etc/passwd.
fn nobody(accounts: &str) -> Option<(u32, u32)> {
    let line = accounts.lines().find(|line| line.starts_with("nobody:"))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn random_password() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::failed(format!("no random bytes: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_found_by_name() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";
        assert_eq!(nobody(accounts), Some((65534, 65533)));
        assert_eq!(nobody("root:x:0:0::/:/bin/sh\n"), None);
    }

    #[test]
    fn a_server_is_gone_after_its_owner() {
        let parent = tempfile::Builder::new().prefix("ps-scratch-").tempdir().unwrap();
        fs::set_permissions(parent.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let directory = parent.path().join("server");
        let mut owner = Command::new("sleep").arg("60").spawn().unwrap();
        let server = ScratchServer::start(&directory, owner.id(), &Env::read()).unwrap();
        let url = server.url("postgres").unwrap();
        let mut client = postgres::Client::connect(url.expose(), postgres::NoTls).unwrap();
        assert_eq!(client.query_one("SELECT 1", &[]).unwrap().get::<_, i32>(0), 1);

        owner.kill().unwrap();
        owner.wait().unwrap();
        let mut server = server;
        server.watcher.wait().unwrap();
        assert!(!directory.exists());
        assert!(postgres::Client::connect(url.expose(), postgres::NoTls).is_err());
    }
}
