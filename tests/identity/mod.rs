//! Which database it is: by the server's own word, wherever one URL takes another's place.

mod direct;
mod door;
mod lock;
mod name;
mod shadow;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use postgres::{Client, NoTls};
use prisma_safe::env::Env;
use prisma_safe::tools::scratch::{ScratchServer, server_programs};
use tempfile::TempDir;

use crate::support::Project;
use crate::support::postgres::{PASSWORDS, USER};

/// Another cluster, with a database of the same name and contents as the project's: only the server tells them apart.
struct Twin {
    url: String,
    server: Option<ScratchServer>,
    directory: TempDir,
}

impl Twin {
    fn of(project: &Project) -> Self {
        let directory = tempfile::Builder::new().prefix("ps-twin-").tempdir_in("/dev/shm").expect("a directory");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        let place = directory.path().join("server");
        let server = ScratchServer::start(&place, std::process::id(), &Env::read()).expect("a server");
        let name = project.database().name();
        let run = |database: &str, sql: &str| {
            let url = server.url(database).expect("a URL");
            Client::connect(url.expose(), NoTls).expect("a session").batch_execute(sql).expect(sql);
        };
        run("postgres", &format!("CREATE ROLE {USER} SUPERUSER LOGIN PASSWORD '{}'; ", PASSWORDS[0]));
        run("postgres", &format!("CREATE DATABASE \"{name}\""));
        run(name, &project.database().contents());
        let mut url = url::Url::parse(server.url(name).expect("a URL").expose()).expect("a URL");
        url.set_username(USER).expect("a user");
        url.set_password(Some(PASSWORDS[1])).expect("a password");
        Self { url: url.into(), server: Some(server), directory }
    }

    /// The same cluster once more, file by file, as a snapshot of a disk gives it.
    fn copy(&self) -> Self {
        self.connect().batch_execute("CHECKPOINT").expect("a checkpoint");
        let directory = tempfile::Builder::new().prefix("ps-copy-").tempdir_in("/dev/shm").expect("a directory");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        let data = directory.path().join("data");
        let copied = Command::new("cp").arg("-a").arg(self.directory.path().join("server/data")).arg(&data).status();
        assert!(copied.expect("cp").success());
        fs::remove_file(data.join("postmaster.pid")).expect("the original runs");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        pg_ctl(&data, &["start", "-w", "-l", "/dev/null", "-o", &format!("-p {port}")]);
        let mut url = url::Url::parse(&self.url).expect("a URL");
        url.set_port(Some(port)).expect("a port");
        Self { url: url.into(), server: None, directory }
    }

    fn connect(&self) -> Client {
        Client::connect(&self.url, NoTls).expect("a session")
    }

    /// The first value of the first row, as text.
    fn value(&self, query: &str) -> String {
        self.connect().query_one(&format!("SELECT ({query})::text"), &[]).expect(query).get(0)
    }

    fn port(&self) -> u16 {
        url::Url::parse(&self.url).expect("a URL").port().expect("a port")
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        if self.server.is_none() {
            pg_ctl(&self.directory.path().join("data"), &["stop", "-w", "-m", "immediate"]);
        }
    }
}

/// As a user that PostgreSQL accepts.
fn pg_ctl(data: &Path, arguments: &[&str]) {
    let program = server_programs(&Env::read()).expect("PostgreSQL").join("pg_ctl");
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    let status = command.args(arguments).arg("-D").arg(data).current_dir("/").stdout(Stdio::null()).status();
    assert!(status.expect("pg_ctl").success());
}
