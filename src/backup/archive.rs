//! A backup as it is read: any stretch of its dump, however the file holds it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use zstd::stream::read::Decoder;

use super::encryption::Keys;
use super::manifest::Manifest;
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
    /// The file's contents, decrypted.
    open: Opener,
    /// The file as it is.
    file: Opener,
}

impl Archive {
    /// The backup at `path`, with its manifest beside it.
    ///
    /// # Errors
    /// If it has no manifest, or one that is not understood.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, &Keys::none())
    }

    /// The backup at `path`, decrypted with one of the keys where it is encrypted.
    ///
    /// # Errors
    /// If it has no manifest or one that is not understood, or no key fits.
    pub fn open_with(path: &Path, keys: &Keys) -> Result<Self> {
        let manifest = Manifest::read(path)?.ok_or_else(|| {
            Error::failed(format!("{} has no manifest, so nothing says what it should hold", path.display())).help(
                "it is a dump of another program, or prisma-safe was killed before it was proved: take a new backup",
            )
        })?;
        if manifest.format.encrypted() {
            let file = File::open(path).explain(|| format!("could not open {}", path.display()))?;
            keys.fit(file, &path.display().to_string())?;
        }
        Ok(Self::at(path, manifest, keys))
    }

    /// The file at `path`, which this manifest describes.
    pub fn at(path: &Path, manifest: Manifest, keys: &Keys) -> Self {
        let (path, keys) = (path.to_owned(), keys.clone());
        let file: Opener = Arc::new(move || Ok(Box::new(File::open(&path)?)));
        let open: Opener = if manifest.format.encrypted() {
            let file = Arc::clone(&file);
            Arc::new(move || Ok(Box::new(keys.open(file()?)?)))
        } else {
            Arc::clone(&file)
        };
        Self { manifest: Arc::new(manifest), open, file }
    }

    /// The file's own bytes.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn file(&self) -> Result<Box<dyn Stored>> {
        (self.file)().explain(|| format!("could not open {}", self.manifest.file))
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the file holds, decrypted where it is encrypted.
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
        if !self.manifest.format.compressed() {
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
