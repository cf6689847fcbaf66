//! A backup as it is read: any stretch of its dump, however the file holds it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use zstd::stream::read::Decoder;

use super::manifest::{Format, Manifest};
use crate::error::{Error, Explain as _, Result};

/// The bytes of a backup's file: on this disk, say.
pub trait Stored: Read + Seek + Send {}

impl<T: Read + Seek + Send> Stored for T {}

/// Opens the file once more: each reader has a place of its own in it.
pub type Opener = Arc<dyn Fn() -> io::Result<Box<dyn Stored>> + Send + Sync>;

/// A dump and what is known of it.
#[derive(Clone)]
pub struct Archive {
    manifest: Arc<Manifest>,
    open: Opener,
}

impl Archive {
    /// The backup at `path`, with its manifest beside it.
    ///
    /// # Errors
    /// If it has no manifest, or one that is not understood.
    pub fn open(path: &Path) -> Result<Self> {
        let manifest = Manifest::read(path)?.ok_or_else(|| {
            Error::failed(format!("{} has no manifest, so nothing says what it should hold", path.display())).help(
                "it is a dump of another program, or prisma-safe was killed before it was proved: take a new backup",
            )
        })?;
        Ok(Self::at(path, manifest))
    }

    /// The file at `path`, which this manifest describes.
    pub fn at(path: &Path, manifest: Manifest) -> Self {
        let path = path.to_owned();
        Self::new(manifest, Arc::new(move || Ok(Box::new(File::open(&path)?))))
    }

    /// A file that is opened in another way: decrypted on the fly, say.
    pub fn new(manifest: Manifest, open: Opener) -> Self {
        Self { manifest: Arc::new(manifest), open }
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The file's own bytes.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn stored(&self) -> Result<Box<dyn Stored>> {
        (self.open)().explain(|| format!("could not open {}", self.manifest.file))
    }

    /// The dump's bytes from `from` until before `to`.
    ///
    /// # Errors
    /// If the file cannot be opened, or holds no such bytes.
    pub fn read(&self, from: u64, to: u64) -> Result<Box<dyn Read + Send>> {
        let failed = || format!("could not read {}", self.manifest.file);
        let mut stored = self.stored()?;
        let length = to.saturating_sub(from);
        if self.manifest.format == Format::Sql {
            stored.seek(SeekFrom::Start(from)).explain(failed)?;
            return Ok(Box::new(stored.take(length)));
        }
        let frames = &self.manifest.frames;
        let first = frames.partition_point(|frame| frame.offset.saturating_add(frame.length) <= from);
        let Some(frame) = frames.get(first) else { return Ok(Box::new(io::empty())) };
        stored.seek(SeekFrom::Start(frame.at)).explain(failed)?;
        // frames follow each other in the file as they do in the dump
        let mut dump = Decoder::new(stored).explain(failed)?;
        io::copy(&mut dump.by_ref().take(from.saturating_sub(frame.offset)), &mut io::sink()).explain(failed)?;
        Ok(Box::new(dump.take(length)))
    }

    /// All of the dump.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn read_all(&self) -> Result<Box<dyn Read + Send>> {
        self.read(0, self.manifest.dump.bytes)
    }

    /// The dump without the rows of its tables: every block's rows are left out, its `\.` stays.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn read_script(&self) -> Result<impl Read + Send + use<>> {
        let mut ranges = Vec::new();
        let mut from = 0;
        for table in &self.manifest.tables {
            ranges.push(from..table.offset);
            from = table.offset.saturating_add(table.length);
        }
        ranges.push(from..self.manifest.dump.bytes);
        ranges.reverse();
        Ok(Script { archive: self.clone(), ranges, current: Box::new(io::empty()), first: true })
    }
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Archive({})", self.manifest.file)
    }
}

/// Reads what stands between blocks, one stretch after the other.
struct Script {
    archive: Archive,
    /// What is still to come, the next one last.
    ranges: Vec<std::ops::Range<u64>>,
    current: Box<dyn Read + Send>,
    first: bool,
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.current.read(buffer)? {
                0 if !buffer.is_empty() => {}
                count => return Ok(count),
            }
            let Some(range) = self.ranges.pop() else { return Ok(0) };
            let end: &[u8] = if std::mem::take(&mut self.first) { b"" } else { b"\\.\n" };
            let rest = self.archive.read(range.start, range.end).map_err(io::Error::other)?;
            self.current = Box::new(end.chain(rest));
        }
    }
}
