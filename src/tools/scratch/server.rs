//! A PostgreSQL server of our own, in a private directory.
//!
//! It listens on 127.0.0.1 only, asks for a password, and is gone when its owner is gone: a small watcher outlives a panic,
//! Ctrl-C and `kill -9`, stops the server and removes the directory. What survives even the watcher, the next run removes.
#![expect(clippy::disallowed_methods, reason = "tools/ is where programs are started")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use postgres::Client;

use super::account::unprivileged;
use super::postmaster::Postmaster;
use super::{account, place, server_programs};
use crate::database::{self, DatabaseUrl};
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::system::process::{Signal, own_group};
use crate::system::{self, files, user};

/// The name that the server shows for our own sessions.
const APPLICATION: &str = "prisma-safe scratch";

/// What it says goes into this file of its directory.
const LOG: &str = "log";

/// What a system has to be able to do: without `/bin/sh` nothing would end a server whose owner was killed.
pub(super) const SERVER: &str = "a scratch server";

/// How often another port is tried when another process took the free one first.
const PORT_TRIES: u32 = 5;

/// Settings of a server whose data is thrown away. Shared memory in files of its directory goes with that directory; in the
/// system's memory it would outlive a server that is killed.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
full_page_writes = off
synchronous_commit = off
dynamic_shared_memory_type = mmap
timezone = 'UTC'
";

/// Ends what its owner could not: `$1` is the server's directory, `$2` the owner's process id. The id of a server that
/// initdb runs has a minus sign: to `kill` that would be a group of processes.
const WATCHER: &str = r#"
while kill -0 "$2" 2>/dev/null && [ -d "$1" ]; do sleep 0.2; done
server=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && server=${server#-} && kill -QUIT "$server"
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
    /// None while it does not run.
    postmaster: Option<Postmaster>,
    /// Locked as long as the server is needed; the watcher has it too.
    #[cfg_attr(not(test), expect(dead_code, reason = "held, not used"))]
    lock: File,
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
        system::demand(SERVER)?;
        let lock = place::claim(directory)?;
        let watcher = watch(directory, owner, &lock)?;
        let owned = owner == std::process::id();
        let (password, directory) = (random_hex(32)?, directory.to_owned());
        let mut server = Self { programs, directory, port: 0, password, watcher, postmaster: None, lock, owned };
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

    /// A session of the superuser's.
    ///
    /// # Errors
    /// If the database does not exist, say.
    pub fn connect(&self, database: &str) -> Result<Client> {
        database::connect(&self.url(database)?, APPLICATION)
    }

    /// The directory of its programs.
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// Starts it anew with further settings, as lines of postgresql.conf; later ones count. Its port may change.
    ///
    /// # Errors
    /// If it does not start with them, with its own words; then it does not run.
    pub fn restart(&mut self, settings: &str) -> Result<()> {
        if !self.stop(Signal::Interrupt) {
            return Err(Error::failed("the scratch server does not stop"));
        }
        self.configure(settings)?;
        self.launch()
    }

    /// Whether it does not run any more.
    fn stop(&mut self, signal: Signal) -> bool {
        self.postmaster.take().is_none_or(|postmaster| postmaster.stop(signal))
    }

    /// Starts one that does not run since [`ScratchServer::restart`] failed, with settings that take the wrong ones back.
    ///
    /// # Errors
    /// If it does not start with them either.
    pub(super) fn revive(&mut self, settings: &str) -> Result<()> {
        self.configure(settings)?;
        self.launch()
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
        files::private()
            .write(true)
            .create_new(true)
            .open(&secret)
            .and_then(|mut file| file.write_all(self.password.as_bytes()))
            .explain(|| format!("could not write {}", secret.display()))?;
        if let Some(account) = account {
            for path in [&self.directory, &secret] {
                user::give_away(path, account).explain(|| format!("could not give {} away", path.display()))?;
            }
        }
        self.initdb()?;
        // the server keeps only a hash
        let _ = fs::remove_file(&secret);
        self.configure(SETTINGS)?;
        self.configure(settings)
    }

    /// `initdb` asks for the name of the user that runs it. One without a name, as containers have them, borrows one.
    fn initdb(&self) -> Result<()> {
        let arguments = |initdb: &mut Command| {
            initdb.args(["--pgdata=data", "--username=postgres", "--auth=scram-sha-256", "--pwfile=password"]);
            initdb.args(["--encoding=UTF8", "--locale=C", "--no-sync"]);
        };
        let Err(error) = self.run("initdb", arguments) else { return Ok(()) };
        let nameless = error.causes().iter().any(|cause| cause.contains("could not look up effective user ID"));
        let Some(named) = account::named().filter(|_| nameless) else { return Err(error) };
        let mut command = self.command(Path::new("unshare"))?;
        command.args(named).arg(self.programs.join("initdb"));
        arguments(&mut command);
        if command.output().is_ok_and(|output| output.status.success()) {
            return Ok(());
        }
        let uid = user::id().unwrap_or_default();
        Err(error.help(format!(
            "this user has no name here: add one where the container's image is built, \
             echo 'app:x:{uid}:0::/:/bin/sh' >> /etc/passwd, or allow user namespaces (unshare)"
        )))
    }

    /// Adds lines to postgresql.conf.
    fn configure(&self, settings: &str) -> Result<()> {
        let file = self.directory.join("data/postgresql.conf");
        fs::OpenOptions::new()
            .append(true)
            .open(&file)
            .and_then(|mut file| file.write_all(format!("\n{settings}\n").as_bytes()))
            .explain(|| format!("could not write {}", file.display()))
    }

    /// Starts the server on a free port. Between finding the port and taking it another process may take it: then the next one is tried.
    fn launch(&mut self) -> Result<()> {
        // the whole path: it tells whose server a process is
        let data = self.directory.join("data");
        let mut tries = 0;
        loop {
            tries += 1;
            self.port = TcpListener::bind(("127.0.0.1", 0))
                .and_then(|listener| listener.local_addr())
                .explain(|| "could not find a free port on 127.0.0.1".into())?
                .port();
            let started = self.postgres(&data).and_then(|postgres| Postmaster::start(postgres, &data));
            match started {
                Ok(postmaster) => {
                    self.postmaster = Some(postmaster);
                    return Ok(());
                }
                Err(error) if tries == PORT_TRIES => {
                    let log = fs::read_to_string(self.directory.join(LOG)).unwrap_or_default();
                    let cause = [&error.causes().join("\n"), log.trim()].join("\n");
                    return Err(error.because(cause));
                }
                Err(_) => {}
            }
        }
    }

    /// The server itself. It writes its log where its superuser may read it.
    fn postgres(&self, data: &Path) -> Result<Command> {
        let file = self.directory.join(LOG);
        let open = || -> std::io::Result<(File, File)> {
            let log = files::private().append(true).create(true).open(&file)?;
            Ok((log.try_clone()?, log))
        };
        let (out, errors) = open().explain(|| format!("could not write {}", file.display()))?;
        let mut command = self.command(&self.programs.join("postgres"))?;
        command.arg("-D").arg(data).arg("-p").arg(self.port.to_string()).stdout(out).stderr(errors);
        Ok(command)
    }

    /// Runs one of PostgreSQL's programs in the directory, as a user that PostgreSQL accepts, and waits for it.
    fn run(&self, program: &str, arguments: impl FnOnce(&mut Command)) -> Result<()> {
        let mut command = self.command(&self.programs.join(program))?;
        arguments(&mut command);
        let output = command.output().explain(|| format!("could not start {program}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        Err(Error::failed(format!("{program} failed")).because(String::from_utf8_lossy(&said).trim().to_owned()))
    }

    /// A program in the directory, as a user that PostgreSQL accepts.
    fn command(&self, program: &Path) -> Result<Command> {
        let mut command = Command::new(program);
        // nothing of the caller's environment: PGPORT, PGDATA and the like would steer the programs
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir(&self.directory);
        command.stdin(Stdio::null());
        if let Some(account) = unprivileged()? {
            user::run_as(&mut command, account).explain(|| format!("could not start {}", program.display()))?;
        }
        Ok(command)
    }
}

impl Drop for ScratchServer {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        // the watcher does the same once more if any of this fails
        self.stop(Signal::Quit);
        if place::remove(&self.directory).is_ok() {
            let _ = self.watcher.kill();
        }
        let _ = self.watcher.wait();
    }
}

/// Starts the watcher in a process group of its own, where no Ctrl-C reaches it. Its input is the lock.
fn watch(directory: &Path, owner: u32, lock: &File) -> Result<Child> {
    let lock = lock.try_clone().explain(|| "could not share the lock of the scratch server".into())?;
    let mut command = Command::new("/bin/sh");
    command.args([OsStr::new("-c"), OsStr::new(WATCHER), OsStr::new("watcher"), directory.as_os_str()]);
    own_group(command.arg(owner.to_string()).current_dir("/"))
        .stdin(lock)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .explain(|| "could not start /bin/sh".into())
}

/// This many random hexadecimal digits.
pub(super) fn random_hex(digits: usize) -> Result<String> {
    let mut bytes = vec![0; digits / 2];
    getrandom::fill(&mut bytes).map_err(|error| Error::failed(format!("no random bytes: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests;
