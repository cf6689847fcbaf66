//! Rehearsals on a copy that the host makes; here a script does, by `CREATE DATABASE … TEMPLATE` of a mirror of the target.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::deploying::{deploy, start};
use crate::journey::songs;
use crate::support::{Database, Prisma, Project, soon};

const NEXT: &str = "20250102000000_next";
const ADD_YEAR: &str = "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n";

/// `create` and `remove`, each noting that it ran. psql gets its URL by the environment, as everything does.
const SCRIPT: &str = r#"#!/bin/sh
set -eu
echo "$1 $PRISMA_SAFE_CLONE" >> clone.log
run() { psql -qX -v ON_ERROR_STOP=1 -c "$1" "$ADMIN_URL" >&2; }
case $1 in
create)
	echo "making a copy of $PRISMA_SAFE_TARGET, see https://host.example/copies?token=1"
	run "CREATE DATABASE \"$PRISMA_SAFE_CLONE\" TEMPLATE \"$MIRROR\""
	echo "${ADMIN_URL%/*}/$PRISMA_SAFE_CLONE"
	;;
remove) run "DROP DATABASE IF EXISTS \"$PRISMA_SAFE_CLONE\" WITH (FORCE)" ;;
esac
"#;

/// A project with rows, and a mirror of its database that nobody is connected to.
struct Cloned {
    project: Project,
    mirror: Database,
}

impl Cloned {
    fn new() -> Self {
        let project = songs(Prisma::V7, 100);
        let mirror = project.database().copy();
        fs::write(project.path("copy.sh"), SCRIPT).unwrap();
        fs::set_permissions(project.path("copy.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        let admin = project.database().url().replace(project.database().name(), "postgres");
        let project = project.env("ADMIN_URL", &admin).env("MIRROR", mirror.name());
        let cloned = Self { project, mirror };
        cloned.clones("./copy.sh create", "./copy.sh remove", "");
        cloned
    }

    /// The settings; backups are another tool's, so that nothing is restored here.
    fn clones(&self, create: &str, remove: &str, more: &str) {
        let text = format!(
            "[backup]\nprovider = \"command\"\ncommand.create = [\"echo\", \"label\"]\ncommand.check = [\"true\"]\n\
             [rehearsal]\nclone = {{ create = '''{create}''', remove = '''{remove}'''{more} }}\n"
        );
        self.project.write("prisma-safe.toml", &text);
    }

    /// Copies on the server that this project has made.
    fn left(&self) -> Vec<String> {
        let log = fs::read_to_string(self.project.path("clone.log")).unwrap_or_default();
        let names: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix("create ")).collect();
        let all = self.project.database().rows("SELECT datname FROM pg_database");
        all.into_iter().filter(|database| names.iter().any(|name| database.starts_with(name))).collect()
    }
}

#[test]
fn a_deploy_is_rehearsed_on_the_hosts_copy() {
    let cloned = Cloned::new();
    let project = &cloned.project;
    project.add_migration(NEXT, ADD_YEAR);
    project.run(["rehearse"]).succeeds().says("Copying").says("100 rows, as before").says_nothing_of("token");
    project.run(["migrate", "deploy"]).succeeds().says("Rehearsed").says_nothing_of("Restoring");
    assert_eq!(project.database().count("Song"), 100);
    assert!(cloned.left().is_empty(), "{:?}", cloned.left());
    let log = project.read("clone.log");
    assert_eq!(log.matches("create ").count(), 2, "{log}");
    assert_eq!(log.matches("remove ").count(), 2, "{log}");

    // values are compared as on a restored backup
    let mirror = project.database().copy();
    let project = cloned.project.env("MIRROR", mirror.name());
    project.add_migration(
        "20250103000000_lost",
        "-- prisma-safe:allow opaque-code: a test\nDO $$ BEGIN DELETE FROM \"Song\" WHERE isrc = 'isrc 7'; END $$;\n",
    );
    project.run(["migrate", "deploy"]).exits(3).says("Song").says("nothing was deployed");
    assert_eq!(project.database().count("Song"), 100);
    drop(cloned.mirror);
}

/// What is printed has to be one URL of a copy. Nothing runs on anything else, nothing is removed then, and no URL is shown.
#[test]
fn only_a_copy_is_rehearsed_on() {
    let cloned = Cloned::new();
    let project = &cloned.project;
    project.add_migration(NEXT, ADD_YEAR);
    let before = project.database().contents();
    let remove = "echo removed >> clone.log";
    let removed = || fs::read_to_string(project.path("clone.log")).unwrap_or_default().contains("removed");
    for (create, says) in [
        ("echo \"$(cat .env | sed 's/DATABASE_URL=.//; s/.$//')\"", "the URL of the target itself"),
        ("echo \"$ADMIN_URL\"", "not a copy of the target as it is now"),
    ] {
        cloned.clones(create, remove, "");
        project.run(["migrate", "deploy"]).exits(3).says(says).says("it was not removed");
        assert!(!removed(), "{create}");
        assert!(project.files(".prisma-safe/clones").is_empty());
    }
    for (create, more, says) in [
        ("true", "", "printed no URL"),
        ("echo postgres://a/b; echo postgres://a/c", "", "printed 2 URLs"),
        ("echo postgres://127.0.0.1:1/x", "", "not shown to be another database"),
        ("echo \"$ADMIN_URL\"; echo \"for $ADMIN_URL: no more copies\" >&2; exit 7", "", "no more copies"),
        ("sleep 60", ", timeout-seconds = 0.5", "took longer than"),
    ] {
        cloned.clones(create, remove, more);
        let output = project.run(["migrate", "deploy"]);
        assert_ne!(output.status, 0, "{create}");
        output.says(says);
    }
    assert_eq!(project.database().contents(), before);
    project.write("prisma-safe.toml", "[rehearsal]\nclone = { create = \"\", remove = \"x\" }\n");
    project.run(["migrate", "deploy"]).exits(2).says("rehearsal.clone");
}

/// A copy of a run that was killed is removed by the next one, is never deployed to, and a removal that fails is said.
#[test]
fn a_copy_does_not_outlive_a_kill() {
    let cloned = Cloned::new();
    let project = &cloned.project;
    project.add_migration(NEXT, &format!("{ADD_YEAR}SELECT pg_sleep(60);\n"));
    let mut child = start(deploy(project));
    soon("the rehearsal has begun", || cloned.left().iter().any(|name| name.ends_with("_rehearsal")));
    child.kill().unwrap();
    child.wait().unwrap();
    let left = cloned.left();
    assert_eq!(left.len(), 2, "{left:?}");

    let copy = left.iter().find(|name| !name.ends_with("_rehearsal")).unwrap();
    let mut elsewhere = deploy(project);
    elsewhere.env("DATABASE_URL", project.database().url().replace(project.database().name(), copy));
    let output = crate::support::Output::of("migrate deploy".into(), elsewhere.output().unwrap());
    output.exits(3).says("this database is the copy");

    project.add_migration(NEXT, ADD_YEAR);
    cloned.clones("./copy.sh create", "echo not today >&2; exit 1", "");
    project.run(["rehearse"]).succeeds().says("Removing").says("was not removed").says("not today");
    assert!(!cloned.left().is_empty());
    cloned.clones("./copy.sh create", "./copy.sh remove", "");
    project.run(["migrate", "deploy"]).succeeds().says("which an earlier run has left");
    assert!(cloned.left().is_empty(), "{:?}", cloned.left());
    assert!(project.files(".prisma-safe/clones").is_empty());
}
