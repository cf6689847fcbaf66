//! PostgreSQL's programs on this machine: where they are, which version each has, and how to install one that is missing.
#![expect(clippy::disallowed_methods, reason = "tools/ is where programs are started")]

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::env::Env;
use crate::system::user;

/// The variable that names the directory of PostgreSQL's programs.
pub const BIN_VARIABLE: &str = "PRISMA_SAFE_PG_BIN";

/// Where packages put them: the directory, what the names of its version directories begin with, what follows.
const PLACES: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/opt/homebrew/opt", "libpq", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/usr/local/opt", "libpq", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "libpq", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    #[cfg(windows)]
    (r"C:\Program Files\PostgreSQL", "", "bin"),
];

/// A program of PostgreSQL's and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub path: PathBuf,
    /// `15.18`
    pub version: String,
    /// `15`
    pub major: u32,
    /// The person named its directory.
    pub chosen: bool,
}

/// Every `name` that is installed and tells its version, the chosen directory's first.
pub fn installed(name: &str, env: &Env, configured: Option<&Path>) -> Vec<Program> {
    let chosen = env.get(BIN_VARIABLE).map(PathBuf::from).or_else(|| configured.map(Path::to_owned));
    let name = format!("{name}{EXE_SUFFIX}");
    let mut seen = BTreeSet::new();
    let directories = chosen.into_iter().map(|directory| (directory, true));
    directories
        .chain(std::iter::once_with(|| directories_of(env)).flatten().map(|directory| (directory, false)))
        .filter_map(|(directory, chosen)| Some((fs::canonicalize(directory.join(&name)).ok()?, chosen)))
        // Debian's wrapper picks a version by clusters and variables of its own
        .filter(|(path, _)| path.file_name() != Some(OsStr::new("pg_wrapper")) && seen.insert(path.clone()))
        .filter_map(|(path, chosen)| {
            let (version, major) = version(&path)?;
            Some(Program { path, version, major, chosen })
        })
        .collect()
}

/// The version of one of the programs, `15.18` and `15`.
pub(super) fn version(program: &Path) -> Option<(String, u32)> {
    parse_version(&output(program, "--version")?)
}

/// Every other directory that may hold them.
fn directories_of(env: &Env) -> Vec<PathBuf> {
    let path = env.get("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = which::which_in("pg_config", Some(path), "/")
        .ok()
        .and_then(|pg_config| output(&pg_config, "--bindir"))
        .map(|directory| PathBuf::from(directory.trim()))
        .into_iter()
        .collect();
    found.extend(std::env::split_paths(path));
    for (parent, prefix, bin) in PLACES {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let matching = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        found.extend(matching.map(|entry| entry.path().join(bin)));
    }
    found
}

/// What a program prints when asked something harmless.
fn output(program: &Path, option: &str) -> Option<String> {
    let output = Command::new(program).arg(option).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `15.18` and `15` of `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, and of `17beta1`.
fn parse_version(text: &str) -> Option<(String, u32)> {
    let version = text.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
    let digits = version.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(version.len());
    Some((version.to_owned(), version[..digits].parse().ok()?))
}

/// Which of PostgreSQL's packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Package {
    /// `pg_dump` and the like.
    Client,
    /// `initdb`, `postgres`.
    Server,
}

/// The command that installs PostgreSQL's programs of this major version on this system.
pub fn install(package: Package, major: u32, env: &Env) -> String {
    let path = env.get("PATH").unwrap_or_default();
    let has = |program: &str| which::which_in(program, Some(path), "/").is_ok();
    let sudo = if user::is_root() || !has("sudo") { "" } else { "sudo " };
    let either = |client: String, server: String| match package {
        Package::Client => client,
        Package::Server => server,
    };
    if has("apt-get") {
        let package = either(format!("postgresql-client-{major}"), format!("postgresql-{major}"));
        if apt_knows(&package) {
            return format!("{sudo}apt-get install -y {package}");
        }
        // Debian has one version; PostgreSQL's own repository has all, and Debian packages the script that adds it
        return format!(
            "{sudo}apt-get update && {sudo}apt-get install -y postgresql-common && \
             {sudo}/usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y && {sudo}apt-get install -y {package}"
        );
    }
    if has("dnf") {
        let package = either(format!("postgresql{major}"), format!("postgresql{major}-server"));
        return format!("{sudo}dnf install -y {package}");
    }
    if has("apk") {
        let package = either(format!("postgresql{major}-client"), format!("postgresql{major}"));
        return format!("{sudo}apk add {package}");
    }
    if has("zypper") {
        let package = either(format!("postgresql{major}"), format!("postgresql{major}-server"));
        return format!("{sudo}zypper install -y {package}");
    }
    if has("pacman") {
        return format!("{sudo}pacman -S {}", either("postgresql-libs".into(), "postgresql".into()));
    }
    if has("brew") {
        return format!("brew install postgresql@{major}");
    }
    format!("install PostgreSQL {major} and put its programs on PATH, or name their directory in {BIN_VARIABLE}")
}

/// Whether apt's own sources have the package.
fn apt_knows(package: &str) -> bool {
    let shown = Command::new("apt-cache").args(["show", package]).stdin(Stdio::null()).stderr(Stdio::null()).output();
    shown.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn reads_versions_of_every_kind() {
        let read = |text| parse_version(text).map(|(version, major)| format!("{version} {major}"));
        assert_eq!(read("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n").unwrap(), "15.18 15");
        assert_eq!(read("pg_dump (PostgreSQL) 19beta1\n").unwrap(), "19beta1 19");
        assert_eq!(read("pg_dump (EnterpriseDB) x\n"), None);
    }

    #[test]
    fn the_named_directory_comes_first_and_broken_programs_are_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str, script: &str| {
            let bin = directory.path().join(name);
            fs::create_dir(&bin).unwrap();
            fs::write(bin.join("pg_fake"), format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(bin.join("pg_fake"), fs::Permissions::from_mode(0o755)).unwrap();
            bin.display().to_string()
        };
        let path = [place("broken", "exit 1"), place("new", "echo 'pg_fake (PostgreSQL) 17.2'")].join(":");
        let chosen = place("mine", "echo 'pg_fake (PostgreSQL) 16.1'");
        let env = Env::from_iter([("PATH".into(), path), (BIN_VARIABLE.into(), chosen)]);
        let found: Vec<_> =
            installed("pg_fake", &env, None).into_iter().map(|found| (found.major, found.chosen)).collect();
        assert_eq!(found, [(16, true), (17, false)]);
    }
}
