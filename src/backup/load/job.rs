//! One session's task, and what all sessions share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::Options;
use crate::backup::archive::Archive;
use crate::database::DatabaseUrl;
use crate::error::{Error, Result};

/// One session's task.
#[derive(Debug)]
pub(super) enum Job {
    /// Statements, one after the other.
    Statements(Vec<String>),
    /// A statement that runs beside others, with the settings of its place in the dump.
    Task { statement: String, session: Arc<String> },
    /// The rows of a block of the archive.
    Copy { statement: String, block: usize, session: Arc<String> },
}

/// What all sessions have in common.
pub(super) struct Shared {
    pub(super) archive: Archive,
    pub(super) options: Options,
    pub(super) url: DatabaseUrl,
    /// Bytes of rows that are sent.
    pub(super) bytes: AtomicU64,
    pub(super) left_out: Mutex<Vec<String>>,
    /// Statements about what the server has not, where the options let it have less than the dump.
    pub(super) lacked: Mutex<Vec<String>>,
    pub(super) stop: AtomicBool,
}

impl Shared {
    pub(super) fn new(archive: &Archive, url: &DatabaseUrl, options: &Options) -> Self {
        let (bytes, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let (left_out, lacked) = (Mutex::default(), Mutex::default());
        // what a backup of some schemas refers to in the others is nowhere
        let lacking = options.lacking || archive.manifest().without.is_some();
        let options = Options { lacking, ..*options };
        Self { archive: archive.clone(), options, url: url.clone(), bytes, left_out, lacked, stop }
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// When the load was given up elsewhere.
    pub(super) fn check(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(Error::cancelled()) } else { Ok(()) }
    }
}
