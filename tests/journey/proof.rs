//! The proof on a scratch server: reported, gone afterwards, and no rewrite is written without it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::rewrite::{DRAFT, NAME, RENAME, drafted};
use crate::support::schema::assert_valid;
use crate::support::{Prisma, soon};

const REWRITE: [&str; 4] = ["rewrite", NAME, RENAME[0], RENAME[1]];

fn is_reported(prisma: Prisma) {
    let project = drafted(prisma);
    let json = project.run(REWRITE.into_iter().chain(["--dry-run", "--format", "json"])).succeeds().json();
    assert_valid("renames", &json);
    let proof = &json["proof"];
    for part in ["catalog", "replay", "values"] {
        assert_eq!(proof[part], "equal", "{proof:#}");
    }
    assert_eq!(proof["prismaDiff"], "empty");
    assert!(proof["rows"].as_u64().is_some_and(|rows| rows > 10), "{proof:#}");
    project.run(REWRITE.into_iter().chain(["--dry-run"])).succeeds().says("rows kept their values");

    project.write("prisma-safe.toml", "[rename]\nscratch-proof = false\n");
    let json = project.run(REWRITE.into_iter().chain(["--format", "json"])).succeeds().json();
    assert_valid("renames", &json);
    assert!(json["proof"]["replay"].as_str().is_some_and(|replay| replay.starts_with("not done: ")), "{json:#}");
    assert_eq!(json["rewritten"], true);
}

#[test]
fn is_reported_7() {
    is_reported(Prisma::V7);
}

#[test]
fn is_reported_6() {
    is_reported(Prisma::V6);
}

/// What a hand edit does by the number of columns is another thing after a rename than after a drop and an addition: no
/// reader of SQL sees that, nor does Prisma, which knows no checks. Only the server does.
#[test]
fn a_failing_proof_keeps_the_draft() {
    let project = drafted(Prisma::V7);
    let edited = format!(
        "{DRAFT}\nDO $$ BEGIN EXECUTE format('ALTER TABLE \"Song\" ADD CONSTRAINT c%s CHECK (true)', \
         (SELECT max(attnum) FROM pg_attribute WHERE attrelid = '\"Song\"'::regclass)); END $$;\n"
    );
    project.add_migration(NAME, &edited);
    let output = project.run(REWRITE).exits(1);
    output.says("could not be proved").says("c5 is missing");
    assert_eq!(project.newest_migration(), edited, "an unproved rewrite was written");
}

/// Where scratch servers of one test live.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        // the server's user must be able to enter every directory above
        let place = Self(PathBuf::from(format!("/tmp/prisma-safe-place-{}", std::process::id())));
        fs::create_dir(&place.0).expect("a directory");
        fs::set_permissions(&place.0, fs::Permissions::from_mode(0o755)).expect("permissions");
        place
    }

    fn servers(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.0).expect("a directory").flatten().map(|entry| entry.path()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn lives_in(directory: &Path) -> bool {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let mut directories = processes.filter_map(|process| fs::read_link(process.path().join("cwd")).ok());
    directories.any(|cwd| cwd.starts_with(directory))
}

#[test]
fn kill_9_in_the_proof_leaves_nothing() {
    let place = Place::new();
    let project = drafted(Prisma::V7).env("TMPDIR", &place.0.display().to_string());
    let mut command = project.command(env!("CARGO_BIN_EXE_prisma-safe"), REWRITE);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("prisma-safe");
    soon("a server runs", || place.servers().iter().any(|server| server.join("data/postmaster.pid").exists()));
    child.kill().expect("a kill");
    child.wait().expect("an end");
    soon("nothing is left", || !place.servers().iter().any(|path| path.join("data").exists()) && !lives_in(&place.0));
    assert_eq!(project.newest_migration(), DRAFT);
    project.run(REWRITE).succeeds();
    assert!(!place.servers().iter().any(|path| path.join("data").exists()), "{:?}", place.servers());
}
