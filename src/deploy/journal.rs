//! `.prisma-safe/`: what each deployment did, line by line and flushed, so that after a crash the next one knows where things
//! stand. No secrets: targets are named without user and password.

mod event;
mod needed;
mod record;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::{Timestamp, tz::TimeZone};

pub use self::event::{Entry, Event, Planned, Stage};
pub use self::record::{End, Record, Remainder, Timed};
use super::Turn;
use crate::database::Identity;
use crate::error::{Explain as _, Result};
pub use crate::project::state::{DIRECTORY, PLACE_VARIABLE, choose, place};
use crate::system::files;

const DEPLOYMENTS: &str = "deployments";

/// The record of one deployment.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Begins a record: `.prisma-safe/deployments/20250121T120000Z-<id>.jsonl`.
    ///
    /// # Errors
    /// Exit status 1 if the directory cannot be written.
    pub fn begin(root: &Path, started: Event) -> Result<Self> {
        let directory = directory(root)?.join(DEPLOYMENTS);
        let time = Timestamp::now().to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ");
        let id = getrandom::u32().explain(|| "the system gives no random numbers".into())?;
        let path = directory.join(format!("{time}-{id:08x}.jsonl"));
        let unwritable = || format!("could not write {}", path.display());
        let file = files::private().append(true).create_new(true).open(&path).explain(unwritable)?;
        // the name must survive a power cut, or the rest cannot be found
        files::sync_names(&directory).explain(unwritable)?;
        let mut journal = Self { path, file };
        journal.record(started)?;
        Ok(journal)
    }

    /// Goes on with a record that another process of the same deployment began.
    ///
    /// # Errors
    /// Exit status 1 if it is not there.
    pub fn join(path: &Path) -> Result<Self> {
        let open = || -> io::Result<File> {
            let mut file = OpenOptions::new().append(true).open(path)?;
            // a crash may have cut the last line
            if !fs::read(path)?.ends_with(b"\n") {
                file.write_all(b"\n")?;
            }
            Ok(file)
        };
        let file = open().explain(|| format!("could not open {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does a stage's work between its two lines.
    ///
    /// # Errors
    /// The work's own, and those of [`Journal::record`].
    pub fn stage<T>(&mut self, stage: Stage, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.record(Event::StageStarted { stage })?;
        let start = Instant::now();
        let value = work(self)?;
        let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.record(Event::StageEnded { stage, milliseconds })?;
        Ok(value)
    }

    /// Adds a line. It is on disk when this returns.
    ///
    /// # Errors
    /// Exit status 1 if it cannot be written: a deployment that leaves no record should not go on.
    pub fn record(&mut self, event: Event) -> Result<()> {
        let unwritable = || format!("could not write {}", self.path.display());
        let entry = Entry { at: Timestamp::now(), event };
        let mut line = serde_json::to_vec(&entry).explain(unwritable)?;
        line.push(b'\n');
        // one write: lines of two processes do not mix
        self.file.write_all(&line).and_then(|()| self.file.sync_data()).explain(unwritable)
    }

    /// The last deployment from a project to this target, rollbacks left out.
    ///
    /// # Errors
    /// Those of [`Self::records`].
    pub fn last_deployment(root: &Path, address: &str, server: Option<&Identity>) -> Result<Option<Record>> {
        let mut records = Self::records(root)?.into_iter();
        Ok(records.rfind(|record| !record.rollback && record.is_of(address, server)))
    }

    /// The last deployment from a project to this target, or the rollback that came after it.
    ///
    /// # Errors
    /// Those of [`Self::records`].
    pub fn last(root: &Path, address: &str, server: Option<&Identity>) -> Result<Option<Record>> {
        Ok(Self::records(root)?.into_iter().rfind(|record| record.is_of(address, server)))
    }

    /// Every record of the project, oldest first.
    ///
    /// # Errors
    /// Exit status 1 if the directory cannot be read.
    pub fn records(root: &Path) -> Result<Vec<Record>> {
        let directory = place(root).join(DEPLOYMENTS);
        let read = || -> io::Result<Vec<Record>> {
            let mut paths = fs::read_dir(&directory)?.map(|file| Ok(file?.path())).collect::<io::Result<Vec<_>>>()?;
            paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
            paths.sort();
            let record =
                |path: PathBuf| Ok(Record::of(path.clone(), parse(&String::from_utf8_lossy(&fs::read(path)?))));
            let mut records = paths.into_iter().map(record).collect::<io::Result<Vec<_>>>()?;
            // two of one second are not in order by name
            records.sort_by_key(|record| record.started);
            Ok(records)
        };
        match read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            result => result.explain(|| format!("could not read {}", directory.display())),
        }
    }

    /// The entries of a file.
    ///
    /// # Errors
    /// Exit status 1 if it cannot be read.
    pub fn entries(path: &Path) -> Result<Vec<Entry>> {
        let bytes = fs::read(path).explain(|| format!("could not read {}", path.display()))?;
        Ok(parse(&String::from_utf8_lossy(&bytes)))
    }

    /// What deployments that were killed have left, oldest first. Only with the [`Turn`]: a running one looks the same.
    ///
    /// # Errors
    /// Exit status 1 if the directory cannot be read.
    pub fn unfinished(root: &Path, _turn: &Turn) -> Result<Vec<Record>> {
        let mut records = Self::records(root)?;
        records.retain(|record| record.end.is_none());
        Ok(records)
    }
}

/// The lines that can be read: the last one may have been cut by a crash, and a later version may know more events.
fn parse(text: &str) -> Vec<Entry> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Makes the directory, for its owner alone, with everything in it kept out of version control.
pub(super) fn directory(root: &Path) -> Result<PathBuf> {
    let directory = place(root);
    let make = || -> io::Result<()> {
        files::private_directory(&directory.join(DEPLOYMENTS))?;
        let ignore = directory.join(".gitignore");
        if !ignore.exists() {
            crate::atomic::write(&ignore, "*\n")?;
        }
        Ok(())
    };
    make().explain(|| format!("could not make the directory {}", directory.display())).map_err(|error| {
        error.help(format!(
            "name one that can be written: `directory` below [state] in prisma-safe.toml, or the variable {PLACE_VARIABLE}"
        ))
    })?;
    Ok(directory)
}

#[cfg(test)]
mod tests;
