//! Backups that the site's own tool takes: a real pgBackRest on a server of its own, and a script.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use prisma_safe::env::Env;
use prisma_safe::tools::scratch::{ScratchServer, server_programs};

use crate::restore::backed_up;
use crate::support::Project;

/// A server whose write-ahead log goes to a pgBackRest repository.
struct Site {
    server: ScratchServer,
    directory: tempfile::TempDir,
    password: String,
}

impl Site {
    fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("ps-site-").tempdir_in("/tmp").expect("a directory");
        let path = directory.path().display().to_string();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
        for name in ["repo", "log", "lock", "spool", "socket", "restored"] {
            fs::create_dir(directory.path().join(name)).expect("a directory");
            fs::set_permissions(directory.path().join(name), fs::Permissions::from_mode(0o700)).expect("permissions");
            if rustix::process::geteuid().is_root() {
                let (user, group) = nobody();
                chown(directory.path().join(name), Some(user), Some(group)).expect("another owner");
            }
        }
        let config = format!("{path}/pgbackrest.conf");
        let push = format!("pgbackrest --config={config} --stanza=main archive-push %p");
        let settings = format!(
            "unix_socket_directories = '{path}/socket'\narchive_mode = on\narchive_command = '{push}'\nwal_level = replica\nmax_wal_senders = 3\n"
        );
        let programs = server_programs(&Env::read()).expect("PostgreSQL");
        let server = ScratchServer::start_with(&directory.path().join("pg"), std::process::id(), programs, &settings)
            .expect("a server");
        let url = url::Url::parse(server.url("postgres").expect("a URL").expose()).expect("a URL");
        let text = format!(
            "[global]\nrepo1-path={path}/repo\nlog-path={path}/log\nlock-path={path}/lock\nspool-path={path}/spool\nstart-fast=y\nprocess-max=1\n\
             compress-level=1\nlog-level-file=off\n[main]\npg1-path={path}/pg/data\npg1-port={}\npg1-socket-path={path}/socket\npg1-user=postgres\n",
            url.port().expect("a port")
        );
        fs::write(&config, text).expect("a configuration");
        let site = Self { server, directory, password: url.password().expect("a password").to_owned() };
        site.run(&["stanza-create"]);
        site
    }

    /// pgBackRest runs as the server's own user.
    fn program() -> Vec<&'static str> {
        let other = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "pgbackrest"];
        if rustix::process::geteuid().is_root() { other.to_vec() } else { vec!["pgbackrest"] }
    }

    fn run(&self, words: &[&str]) {
        let program = Self::program();
        let output = Command::new(program[0])
            .args(&program[1..])
            .arg(format!("--config={}/pgbackrest.conf", self.directory.path().display()))
            .arg("--stanza=main")
            .args(words)
            .env("PGPASSWORD", &self.password)
            .output()
            .expect("pgbackrest: run `make setup`");
        assert!(
            output.status.success(),
            "{} {}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn settings(&self, project: &Project) {
        let program = Self::program().iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        project.write(
            "prisma-safe.toml",
            &format!(
                "[backup]\nprovider = \"pgbackrest\"\n[backup.pgbackrest]\nstanza = \"main\"\nprogram = [{program}]\nconfig = \"{}/pgbackrest.conf\"\n",
                self.directory.path().display()
            ),
        );
    }
}

/// The user and group that servers of a root run as.
pub(crate) fn nobody() -> (u32, u32) {
    let accounts = fs::read_to_string("/etc/passwd").expect("accounts");
    let line = accounts.lines().find(|line| line.starts_with("nobody:")).expect("nobody");
    let ids: Vec<u32> = line.split(':').skip(2).take(2).map(|id| id.parse().expect("a number")).collect();
    (ids[0], ids[1])
}

#[test]
fn pgbackrest_takes_it_and_says_so_and_its_restore_is_printed() {
    let site = Site::start();
    let project = Project::prisma7().env("PGPASSWORD", &site.password);
    site.settings(&project);
    let url = site.server.url("postgres").expect("a URL");
    let mut client = postgres::Client::connect(url.expose(), postgres::NoTls).expect("a connection");
    client.batch_execute("CREATE TABLE song AS SELECT generate_series(1, 100) AS id").expect("a table");

    let document = project.run(["backup", "--url", url.expose(), "--format", "json"]).succeeds().json();
    let outside = &document["manifest"]["outside"];
    let label = outside["label"].as_str().expect("a label");
    assert!(label.ends_with('F') && outside["bytes"].as_u64() > Some(1_000_000), "{outside}");
    let name = Path::new(document["path"].as_str().expect("a path"))
        .file_name()
        .expect("a name")
        .to_str()
        .expect("text")
        .to_owned();
    project.run(["backup", "list"]).succeeds().says("pgBackRest").says(&name);
    project.run(["backup", "verify", &name]).succeeds().says(label);
    let restore = project.run(["restore", &name, "--url", url.expose()]).exits(3).says("holds the whole server");
    let line = restore.stderr.lines().find(|line| line.contains(&format!("--set={label}"))).expect("a command");

    // the command that it prints restores: here to another directory, as the server runs
    let words: Vec<&str> = line.split_whitespace().collect();
    let elsewhere = format!("--pg1-path={}/restored", site.directory.path().display());
    let (last, before) = words.split_last().expect("words");
    let output =
        Command::new(before[0]).args(&before[1..]).args([elsewhere.as_str(), last]).output().expect("pgbackrest");
    assert!(
        output.status.success(),
        "{} {}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(site.directory.path().join("restored/PG_VERSION").exists());

    // an incremental one follows, and another server's is none of this stanza
    let next = project.run(["backup", "--url", url.expose(), "--format", "json"]).succeeds().json();
    assert_ne!(next["manifest"]["outside"]["label"], label);
    project.run(["backup"]).exits(1).says("is of another server");
}

#[test]
fn a_tool_that_is_not_there_is_named_with_the_command_that_installs_it() {
    let project = Project::prisma7();
    project.write("prisma-safe.toml", "[backup]\nprovider = \"pgbackrest\"\n");
    project.run(["backup"]).exits(2).says("which stanza");
    project.write(
        "prisma-safe.toml",
        "[backup]\nprovider = \"pgbackrest\"\n[backup.pgbackrest]\nstanza = \"main\"\nprogram = [\"/nonexistent/pgbackrest\"]\n",
    );
    project
        .run(["backup"])
        .exits(1)
        .says("could not start /nonexistent/pgbackrest")
        .says("apt-get install -y pgbackrest");
    assert_eq!(project.files("backups").iter().filter(|file| file.contains("_backup_")).count(), 0);
}

/// A deploy whose backup nobody here can restore is rehearsed on the definitions alone.
fn rehearses_without_rows(project: &Project, settings: &str) {
    project.add_migration("20250201000000_more", "ALTER TABLE \"Song\" ADD COLUMN \"more\" TEXT;\n");
    project.run(["migrate", "deploy"]).exits(3).says("rehearsal.mode = \"schema\"");
    project.write("prisma-safe.toml", &format!("{settings}[rehearsal]\nmode = \"schema\"\n"));
    project
        .run(["migrate", "deploy"])
        .succeeds()
        .says("the tables were empty")
        .says("no rows were rehearsed")
        .says("Verified history, catalog");
    project.write("prisma-safe.toml", settings);
}

#[test]
fn any_command_does_if_it_can_be_checked() {
    let (project, _) = backed_up(5);
    fs::remove_dir_all(project.path("backups")).expect("the first backup");
    let script = project.path("our-backup");
    fs::write(
        &script,
        "#!/bin/sh\ncase \"$1\" in\ncreate) echo working; echo \"snap-$(basename \"$PRISMA_SAFE_TARGET\")\";;\n\
         check) [ -e broken ] && { echo no such snapshot >&2; exit 1; }; [ -n \"$PRISMA_SAFE_BACKUP\" ];;\n\
         restore) echo \"$PRISMA_SAFE_BACKUP\" > restored;;\nesac\n",
    )
    .expect("a script");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("permissions");
    let script = script.display();
    let head = format!("[backup]\nprovider = \"command\"\n[backup.command]\ncreate = [\"{script}\", \"create\"]\n");
    project.write("prisma-safe.toml", &head);
    project.run(["backup"]).exits(2).says("needs [backup.command] check");
    let whole = format!("{head}check = [\"{script}\", \"check\"]\nrestore = [\"{script}\", \"restore\"]\n");
    project.write("prisma-safe.toml", &whole);
    let document = project.run(["backup", "--format", "json"]).succeeds().json();
    let label = document["manifest"]["outside"]["label"].as_str().expect("a label").to_owned();
    assert_eq!(label, format!("snap-{}?schema=public", project.database().name()));
    let path = document["path"].as_str().expect("a path").to_owned();

    project.run(["restore", &path, "--table", "Song"]).exits(2);
    project.run(["restore", &path]).succeeds();
    assert_eq!(project.read("restored").trim(), label);
    rehearses_without_rows(&project, &whole);
    project.write("broken", "");
    project.run(["backup", "verify", &path]).exits(1).says("no such snapshot");
    // a deploy that has no backup does not go on
    project.add_migration("20250202000000_other", "ALTER TABLE \"Song\" ADD COLUMN \"other\" TEXT;\n");
    project.write("prisma-safe.toml", &format!("{whole}[rehearsal]\nmode = \"schema\"\n"));
    project.run(["migrate", "deploy"]).exits(1).says("no such snapshot");
    project.write(
        "prisma-safe.toml",
        &format!("{whole}[environments.production]\nhosts = [\"127.0.0.1\"]\nproduction = true\n"),
    );
    project.run(["restore", &path]).exits(3).says("--confirm ");
}
