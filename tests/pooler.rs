//! A real PgBouncer before the database: what needs a session of its own is refused through one that mixes them.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::{Child, Command, Stdio};

use crate::deploying::{ADD_YEAR, YEAR};
use crate::journey::songs;
use crate::outside::nobody;
use crate::support::postgres::{PASSWORDS, USER};
use crate::support::{Prisma, Project, soon};

/// PgBouncer as Debian has it, on a port of its own; ended on drop.
pub(crate) struct Bouncer {
    process: Child,
    pub(crate) port: u16,
    _directory: tempfile::TempDir,
}

impl Bouncer {
    pub(crate) fn before(project: &Project, mode: &str) -> Self {
        let server = url::Url::parse(project.database().url()).expect("a URL").port().expect("a port");
        Self::before_port(server, mode)
    }

    /// Before another server, with the transactions of its clients mixed.
    pub(crate) fn before_server(server: u16) -> Self {
        Self::before_port(server, "transaction")
    }

    fn before_port(server: u16, mode: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("ps-bouncer-").tempdir_in("/tmp").expect("a directory");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let path = directory.path().display();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth_type = trust\nauth_file = {path}/users\npool_mode = {mode}\nunix_socket_dir =\n\
             ignore_startup_parameters = extra_float_digits\n"
        );
        fs::write(directory.path().join("settings"), settings).expect("settings");
        let users = format!("\"{USER}\" \"{}\"\n\"plain\" \"plain\"\n", PASSWORDS[0]);
        fs::write(directory.path().join("users"), users).expect("users");
        let mut command = if rustix::process::geteuid().is_root() {
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).expect("permissions");
            let (user, group) = nobody();
            chown(directory.path(), Some(user), Some(group)).expect("another owner");
            let mut command = Command::new("setpriv");
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "/usr/sbin/pgbouncer"]);
            command
        } else {
            Command::new("pgbouncer")
        };
        command.arg("-q").arg(directory.path().join("settings"));
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = process.expect("pgbouncer: run `make setup`");
        soon("PgBouncer", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { process, port, _directory: directory }
    }

    /// The project's database through it.
    pub(crate) fn url(&self, project: &Project) -> String {
        let mut url = url::Url::parse(project.database().url()).expect("a URL");
        url.set_port(Some(self.port)).expect("a port");
        url.into()
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn one_that_mixes_sessions_is_refused_with_the_way_out() {
    let project = songs(Prisma::V7, 10);
    project.add_migration(YEAR, ADD_YEAR);
    let before = project.database().contents();
    let bouncer = Bouncer::before(&project, "transaction");
    let (through, direct) = (bouncer.url(&project), project.database().url().to_owned());
    project.run(["backup", "--url", &through]).exits(3).says("shares connections between transactions").says("--url");
    let project = project.env("DATABASE_URL", &through);
    project.run(["migrate", "deploy"]).exits(3).says("DIRECT_URL");
    assert_eq!(project.database().contents(), before);
    assert!(
        !project.path("backups").exists() || project.files("backups").iter().all(|file| file.ends_with(".gitignore"))
    );
    let project = project.env("DATABASE_URL", &direct);
    project.run(["migrate", "deploy"]).succeeds();
}

#[test]
fn one_that_keeps_sessions_is_no_hindrance() {
    let project = songs(Prisma::V7, 10);
    project.add_migration(YEAR, ADD_YEAR);
    let bouncer = Bouncer::before(&project, "session");
    let through = bouncer.url(&project);
    project.run(["backup", "--url", &through]).succeeds();
    let project = project.env("DATABASE_URL", &through);
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().count("_prisma_migrations"), 2);
}
