//! Thinning out a directory of backups by the rules of [`retention`]: what is old is compressed in place, the newest of each
//! month moves to the archive, and what no rule keeps is deleted. A run that is killed leaves nothing half done that the next
//! one does not finish.

mod clock;
mod compress;
mod files;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::aside::{Held, hold};
use super::list::{self, Entry, State};
use super::manifest::{Format, Manifest};
use super::names;
use super::retention::{self, Clock, Fate, Item, Reason, Rules};
use super::size;
use crate::error::{Error, Explain as _, Result};
use crate::system::files::private;
use crate::ui::Shell;
use crate::ui::interrupt::Guard;

/// The lock of the run that prunes.
const LOCK: &str = ".prune.lock";

/// What to thin out, and by which rules.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub directory: &'a Path,
    pub rules: Rules,
    /// The file names, as they were taken, of the backups that deployments may still need.
    pub needed: &'a BTreeSet<String>,
    /// The person says that the clock is right, though it was set.
    pub trust_clock: bool,
    pub now: Timestamp,
}

/// One backup and what becomes of it.
#[derive(Debug, Clone)]
pub struct Step {
    pub entry: Entry,
    pub fate: Fate,
}

/// What a run will do.
#[derive(Debug)]
pub struct Plan {
    /// Newest first.
    pub steps: Vec<Step>,
    /// Why nothing may be deleted or moved.
    pub clock: Option<&'static str>,
    directory: PathBuf,
    _turn: Option<File>,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    pub deleted: usize,
    pub compressed: usize,
    pub archived: usize,
    /// Bytes that are free again.
    pub freed: u64,
}

/// Decides, and changes nothing.
///
/// # Errors
/// If the directory cannot be read.
pub fn preview(request: &Request<'_>) -> Result<Plan> {
    decide(request, clock::jumped(request.directory, request.now))
}

/// Decides what [`Plan::carry_out`] will do, after finishing what a killed run began.
///
/// # Errors
/// If the directory cannot be read, or another run is pruning it.
pub fn plan(request: &Request<'_>, shell: &Shell) -> Result<Plan> {
    let turn = take_turn(request.directory)?;
    files::finish(request.directory, shell)?;
    let jumped = clock::look(request.directory, request.now, request.trust_clock);
    Ok(Plan { _turn: turn, ..decide(request, jumped)? })
}

fn decide(request: &Request<'_>, jumped: bool) -> Result<Plan> {
    let entries = list::list(request.directory)?;
    let items: Vec<Item> = entries.iter().map(|entry| item(entry, request.needed)).collect();
    let clock = Clock { now: request.now, jumped: jumped && !request.trust_clock };
    let fates = retention::plan(&items, &request.rules, &clock);
    let steps = entries.into_iter().zip(fates).map(|(entry, fate)| Step { entry, fate }).collect();
    Ok(Plan { steps, clock: clock.wrong(&items), directory: request.directory.to_owned(), _turn: None })
}

/// One run at a time; none without a directory.
fn take_turn(directory: &Path) -> Result<Option<File>> {
    if !directory.exists() {
        return Ok(None);
    }
    let path = directory.join(LOCK);
    let file = private().write(true).create(true).truncate(false).open(&path);
    let file = file.explain(|| format!("could not write in {}", directory.display()))?;
    match hold(&file) {
        Held::Elsewhere => Err(Error::failed(format!("another run is pruning {}", directory.display()))
            .help("wait for it to end; it follows the same rules")),
        Held::Now | Held::Unknown => Ok(Some(file)),
    }
}

/// A backup as the rules see it.
pub(super) fn item(entry: &Entry, needed: &BTreeSet<String>) -> Item {
    let manifest = entry.manifest.as_ref().filter(|_| entry.state == State::Good);
    Item {
        of: manifest.map(database).unwrap_or_default(),
        time: entry.time,
        proof: manifest.map(|manifest| manifest.proof),
        pinned: entry.pinned,
        needed: manifest.is_some_and(|manifest| needed.contains(&manifest.file)),
        // what is encrypted cannot be compressed any more, and a receipt holds no dump
        compressed: manifest.is_none_or(|manifest| manifest.format != Format::Sql),
        archived: entry.archived,
    }
}

/// The database that a backup is of: environment and place.
pub(super) fn database(manifest: &Manifest) -> String {
    format!("{} {}", manifest.source.environment, manifest.source.address)
}

impl Plan {
    /// Identities of the pinned backups.
    pub fn pinned(&self) -> BTreeSet<String> {
        let pinned = self.steps.iter().filter(|step| step.entry.pinned);
        pinned.filter_map(|step| Some(step.entry.manifest.as_ref()?.id.clone())).collect()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| matches!(step.fate, Fate::Keep { compress: false, archive: None, .. }))
    }

    /// Does it. What cannot be done to one backup is said, and does not keep the others from theirs.
    ///
    /// # Errors
    /// The first one, after all was tried; exit status 130 after Ctrl-C.
    pub fn carry_out(&self, shell: &Shell) -> Result<Done> {
        let guard = Guard::new()?;
        let mut done = Done::default();
        let mut failed = None;
        for step in &self.steps {
            guard.check()?;
            if let Err(error) = self.carry_out_one(step, &guard, shell, &mut done) {
                if error.exit() == crate::exit::Exit::Cancelled {
                    return Err(error);
                }
                shell.warn(format_args!("{}: {}", step.entry.file(), error.with_causes()));
                failed = failed.or(Some(error));
            }
        }
        failed.map_or(Ok(done), Err)
    }

    fn carry_out_one(&self, step: &Step, guard: &Guard, shell: &Shell, done: &mut Done) -> Result<()> {
        let entry = &step.entry;
        match &step.fate {
            Fate::Delete => {
                let Some(_held) = files::hold_unused(entry, shell)? else { return Ok(()) };
                files::delete(&entry.path)?;
                shell.status("Deleted", entry.file());
                done.deleted += 1;
                done.freed += entry.bytes;
            }
            Fate::Keep { compress, archive, .. } => {
                let mut path = entry.path.clone();
                if *compress {
                    let Some(held) = files::hold_unused(entry, shell)? else { return Ok(()) };
                    let (compressed, saved) = compress::compress(entry, guard, shell)?;
                    drop(held);
                    shell.status("Compressed", format_args!("{}, {} less", entry.file(), size(saved)));
                    done.compressed += 1;
                    done.freed += saved;
                    path = compressed;
                }
                if let Some(month) = archive {
                    let to = files::archive(&self.directory, &path, *month)?;
                    shell.status("Archived", to.strip_prefix(&self.directory).unwrap_or(&to).display());
                    done.archived += 1;
                }
            }
        }
        Ok(())
    }
}

/// Says that a backup stays, or that the rules decide again.
///
/// # Errors
/// If the file beside it cannot be written.
pub fn pin(backup: &Path, pinned: bool) -> Result<()> {
    let path = names::pin_path(backup);
    let done = if pinned { crate::atomic::write(&path, "") } else { std::fs::remove_file(&path) };
    match done {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done.explain(|| format!("could not write {}", path.display())),
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { deleted, compressed, archived, freed } = *self;
        write!(f, "{deleted} deleted, {compressed} compressed, {archived} archived, {} freed", size(freed))
    }
}

impl Step {
    /// What becomes of it, for people: `delete`, `keep: young`.
    pub fn describe(&self) -> String {
        match &self.fate {
            Fate::Delete => "delete".into(),
            Fate::Keep { because, compress, archive } => {
                let mut what = vec![String::from("keep")];
                what.extend(compress.then(|| "compress".into()));
                what.extend(archive.map(|month| format!("archive in {}/{month}", list::ARCHIVE)));
                let because: Vec<String> = because.iter().map(Reason::to_string).collect();
                format!("{}: {}", what.join(", "), because.join(", "))
            }
        }
    }
}
