//! One pass from `pg_dump` to the file: read, counted and hashed on the way, with an eye on the disk.

use std::collections::HashMap;
use std::io::Read;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::contents::{Contents, Cut, Defect, Reader};
use super::directory::Directory;
use super::frames::{Encoded, Encoder};
use super::manifest::{Format, Sum};
use super::scan::TableName;
use super::snapshot::Relation;
use crate::error::{Explain as _, Result};
use crate::ui::progress::{Position, Progress};

/// Bytes read at once, at most.
const CHUNK: usize = 128 * 1024;
/// Chunks that wait between reading and writing.
const CHUNKS: usize = 16;
/// How often Ctrl-C is looked for while `pg_dump` is silent.
const TICK: Duration = Duration::from_millis(100);
/// Free space is asked for after so many bytes.
const WATCH: u64 = 32 * 1024 * 1024;

/// A dump as it arrived.
#[derive(Debug)]
pub(super) struct Written {
    /// What it holds, if it is whole.
    pub(super) contents: Result<Contents, Defect>,
    /// The dump itself.
    pub(super) dump: Sum,
    /// The file.
    pub(super) file: Encoded,
}

/// Where a dump goes.
pub(super) struct Destination<'a, S> {
    pub(super) format: Format,
    /// Is given the file's bytes in order.
    pub(super) sink: S,
    /// The directory of the file, whose free space is watched.
    pub(super) directory: &'a Directory,
}

/// Writes all of `source` to its destination. An incomplete dump is not an error here: first its writer is asked what
/// happened.
///
/// `check` is asked all the time whether to go on.
///
/// # Errors
/// If reading or writing fails, the disk gets full, or `check` says so.
pub(super) fn write(
    source: impl Read + Send + 'static,
    to: Destination<'_, impl FnMut(&[u8]) -> Result<()>>,
    mut check: impl FnMut() -> Result<()>,
    mut show: impl FnMut(&Reader),
) -> Result<Written> {
    let chunks = read_aside(source);
    let mut reader = Reader::default();
    let mut encoder = Encoder::new(to.format, to.sink);
    let mut hash = Sha256::new();
    let (mut bytes, mut watched) = (0_u64, 0_u64);
    loop {
        let chunk = match chunks.recv_timeout(TICK) {
            Ok(chunk) => chunk.explain(|| "could not read from pg_dump".into())?,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => Vec::new(),
        };
        check()?;
        if to.format.compressed() {
            hash.update(&chunk);
        }
        reader.feed(&chunk);
        encode(&mut encoder, &chunk, bytes, reader.cuts())?;
        bytes += chunk.len() as u64;
        if bytes - watched >= WATCH {
            watched = bytes;
            to.directory.watch()?;
        }
        show(&reader);
    }
    let file = encoder.finish()?;
    // a plain file is the dump
    let sha256 = if !to.format.compressed() { file.sha256 } else { hash.finalize().into() };
    Ok(Written { contents: reader.finish(), dump: Sum::new(bytes, &sha256), file })
}

/// Hands a chunk on that begins at byte `start` of the dump.
fn encode(
    encoder: &mut Encoder<impl FnMut(&[u8]) -> Result<()>>,
    chunk: &[u8],
    start: u64,
    cuts: Vec<Cut>,
) -> Result<()> {
    let mut done = 0;
    for cut in cuts {
        let (Cut::Begin(at) | Cut::End(at)) = cut;
        let end = usize::try_from(at - start).unwrap_or(chunk.len()).min(chunk.len());
        encoder.write(&chunk[done..end])?;
        done = end;
        match cut {
            Cut::Begin(_) => encoder.begin_rows()?,
            Cut::End(_) => encoder.end_rows()?,
        }
    }
    encoder.write(&chunk[done..])
}

/// Reads in a thread of its own, so that reading and writing overlap and Ctrl-C is noticed.
fn read_aside(mut source: impl Read + Send + 'static) -> mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::sync_channel(CHUNKS);
    thread::spawn(move || {
        loop {
            // whole chunks, into memory that was not written before
            let mut chunk = Vec::with_capacity(CHUNK);
            let message = source.by_ref().take(CHUNK as u64).read_to_end(&mut chunk).map(|_| chunk);
            let ended = message.as_ref().is_ok_and(Vec::is_empty);
            if ended || sender.send(message).is_err() {
                return;
            }
        }
    });
    receiver
}

/// How far a dump is, by the sizes of its tables on the server.
#[derive(Debug)]
pub(super) struct Estimate {
    sizes: HashMap<TableName, u64>,
    total: u64,
    /// Sizes of the tables that are done.
    done: u64,
    blocks: usize,
}

impl Estimate {
    pub(super) fn new(relations: &[Relation]) -> Self {
        let sizes: HashMap<_, _> = relations.iter().map(|relation| (relation.name.clone(), relation.bytes)).collect();
        Self { total: sizes.values().sum::<u64>().max(1), sizes, done: 0, blocks: 0 }
    }

    /// Shows it.
    pub(super) fn show(&mut self, reader: &Reader, progress: &mut Progress) {
        let current = reader.current().map(|(table, _)| table.to_string()).unwrap_or_default();
        let tables = Some((reader.blocks().len(), self.sizes.len()));
        progress.show(Position { fraction: self.fraction(reader), bytes: reader.bytes(), tables, current: &current });
    }

    fn fraction(&mut self, reader: &Reader) -> f64 {
        for block in &reader.blocks()[self.blocks..] {
            self.done += self.sizes.get(&block.table).copied().unwrap_or_default();
        }
        self.blocks = reader.blocks().len();
        let current =
            reader.current().map_or(0, |(table, bytes)| bytes.min(self.sizes.get(table).copied().unwrap_or_default()));
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let fraction = (self.done + current) as f64 / self.total as f64;
        fraction
    }
}
