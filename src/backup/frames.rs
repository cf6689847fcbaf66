//! From a dump to the bytes of its file: frames that are compressed in parallel and written in order.
//!
//! A table's rows begin a frame and end one, so that each table is read alone; what stands between tables is in frames of
//! its own. Every frame is whole zstd with a checksum: `zstd -d` reads the file as one.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use sha2::{Digest as _, Sha256};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::manifest::{Format, Frame};
use super::rows::{self, Digest};
use crate::error::{Error, Explain as _, Result};

/// Bytes of the dump in a frame, about.
const FRAME: usize = 2 * 1024 * 1024;
/// Most threads that compress: a dump does not come faster than they take it, and each holds a frame.
const WORKERS: usize = 4;
/// Compression level: the fastest of zstd's is smaller than `pg_dump`'s own compression already.
const LEVEL: i32 = 1;

/// What was written.
#[derive(Debug)]
pub(super) struct Encoded {
    /// Bytes of the file.
    pub(super) bytes: u64,
    /// SHA-256 of the file.
    pub(super) sha256: [u8; 32],
    /// None in a plain file.
    pub(super) frames: Vec<Frame>,
    /// The rows of each block, in the order of the dump.
    pub(super) digests: Vec<Digest>,
}

/// A stretch of the dump on its way.
struct Job {
    text: Vec<u8>,
    /// Rows, beginning with this piece of one.
    rows: Option<u64>,
    /// The last stretch of a block.
    ends: bool,
    done: mpsc::SyncSender<io::Result<Done>>,
}

struct Done {
    length: u64,
    stored: Vec<u8>,
    digest: Option<Digest>,
    ends: bool,
}

/// Takes a dump, and hands its file's bytes to `sink`.
pub(super) struct Encoder<S> {
    sink: S,
    format: Format,
    jobs: Option<mpsc::Sender<Job>>,
    /// What was handed to the threads, in order.
    pending: VecDeque<mpsc::Receiver<io::Result<Done>>>,
    most_pending: usize,
    text: Vec<u8>,
    rows: Option<u64>,
    hash: Sha256,
    /// Bytes of the dump and of the file that are done.
    offset: u64,
    at: u64,
    frames: Vec<Frame>,
    digests: Vec<Digest>,
    block: Digest,
}

impl<S: FnMut(&[u8]) -> Result<()>> Encoder<S> {
    /// `sink` is given the file's bytes in order.
    pub(super) fn new(format: Format, sink: S) -> Self {
        let workers = thread::available_parallelism().map_or(1, usize::from).min(WORKERS);
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..workers {
            let queue = Arc::clone(&queue);
            thread::spawn(move || work(&queue, format));
        }
        Self {
            sink,
            format,
            jobs: Some(jobs),
            pending: VecDeque::new(),
            most_pending: workers + 1,
            text: Vec::with_capacity(FRAME + FRAME / 8),
            rows: None,
            hash: Sha256::new(),
            offset: 0,
            at: 0,
            frames: Vec::new(),
            digests: Vec::new(),
            block: Digest::default(),
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// The sink's.
    pub(super) fn write(&mut self, text: &[u8]) -> Result<()> {
        // cut before, not behind: the line that ends a block must not be taken for a row of it
        if self.text.len() >= FRAME {
            let (length, next) = match self.rows {
                Some(piece) => rows::whole(&self.text, piece),
                None => (self.text.len(), 0),
            };
            self.send(length, self.rows, false)?;
            self.rows = self.rows.map(|_| next);
        }
        self.text.extend_from_slice(text);
        Ok(())
    }

    /// Between what was taken and what follows a table's rows begin.
    pub(super) fn begin_rows(&mut self) -> Result<()> {
        self.send(self.text.len(), None, false)?;
        self.rows = Some(0);
        Ok(())
    }

    /// Between what was taken and what follows a table's rows end, after their `\.`.
    pub(super) fn end_rows(&mut self) -> Result<()> {
        let piece = self.rows.take();
        self.send(self.text.len(), piece.or(Some(0)), true)
    }

    /// All is taken.
    ///
    /// # Errors
    /// The sink's.
    pub(super) fn finish(mut self) -> Result<Encoded> {
        let rows = self.rows;
        self.send(self.text.len(), rows, false)?;
        self.jobs = None;
        while let Some(done) = self.pending.pop_front() {
            self.take(&done)?;
        }
        let sha256 = self.hash.finalize().into();
        Ok(Encoded { bytes: self.at, sha256, frames: self.frames, digests: self.digests })
    }

    /// Hands the first `length` bytes to a thread; waits for an earlier one if too many are under way.
    fn send(&mut self, length: usize, rows: Option<u64>, ends: bool) -> Result<()> {
        if length == 0 && !ends {
            return Ok(());
        }
        let rest = self.text.split_off(length);
        let mut next = Vec::with_capacity(FRAME + FRAME / 8);
        next.extend_from_slice(&rest);
        let text = std::mem::replace(&mut self.text, next);
        let (done, result) = mpsc::sync_channel(1);
        let jobs = self.jobs.as_ref().ok_or_else(ended)?;
        jobs.send(Job { text, rows, ends, done }).map_err(|_| ended())?;
        self.pending.push_back(result);
        while self.pending.len() > self.most_pending {
            if let Some(done) = self.pending.pop_front() {
                self.take(&done)?;
            }
        }
        Ok(())
    }

    /// Writes what a thread has made.
    fn take(&mut self, done: &mpsc::Receiver<io::Result<Done>>) -> Result<()> {
        let Done { length, stored, digest, ends } =
            done.recv().map_err(|_| ended())?.explain(|| "could not compress the dump".into())?;
        self.hash.update(&stored);
        (self.sink)(&stored)?;
        let bytes = stored.len() as u64;
        if self.format.compressed() && length > 0 {
            self.frames.push(Frame { at: self.at, stored: bytes, offset: self.offset, length });
        }
        self.offset += length;
        self.at += bytes;
        if let Some(digest) = digest {
            self.block.add(digest);
        }
        if ends {
            self.digests.push(std::mem::take(&mut self.block));
        }
        Ok(())
    }
}

/// What a thread does: hashes rows and compresses, one stretch after the other, until there are no more.
fn work(queue: &Mutex<mpsc::Receiver<Job>>, format: Format) {
    let mut compressor = compressor();
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { text, rows, ends, done }) = job else { return };
        let hashed = if ends { text.strip_suffix(rows::END).unwrap_or(&text) } else { &text };
        let digest = rows.map(|piece| rows::digest(hashed, piece));
        let length = text.len() as u64;
        let stored = match (format, &mut compressor) {
            _ if !format.compressed() => Ok(text),
            (_, Ok(compressor)) => compressor.compress(&text),
            (_, Err(error)) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        // the receiver is gone after a failure elsewhere
        let _ = done.send(stored.map(|stored| Done { length, stored, digest, ends }));
    }
}

fn compressor() -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    Ok(compressor)
}

fn ended() -> Error {
    Error::failed("compressing the dump ended unexpectedly")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames, and the sum of the rows of one block, of a dump that comes in chunks.
    fn encoded(rows: &[u8], chunk: usize) -> (Encoded, Vec<u8>) {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(Format::SqlZst, |bytes: &[u8]| {
            file.extend_from_slice(bytes);
            Ok(())
        });
        encoder.write(b"COPY t FROM stdin;\n").unwrap();
        encoder.begin_rows().unwrap();
        [rows, rows::END].concat().chunks(chunk).for_each(|chunk| encoder.write(chunk).unwrap());
        encoder.end_rows().unwrap();
        encoder.write(b"SELECT 1;\n").unwrap();
        (encoder.finish().unwrap(), file)
    }

    #[test]
    fn chunks_of_any_size_give_the_same_rows_in_frames_of_their_own() {
        let many = "a row of some length\n".repeat(2 * FRAME / 20);
        let long = [b"x".repeat(3 * FRAME), b"\ny\n".to_vec()].concat();
        for rows in [many.as_bytes(), &long, b"", b"\n\n"] {
            for chunk in [65_537, FRAME / 2, FRAME - 1, FRAME, 3 * FRAME] {
                let (encoded, file) = encoded(rows, chunk);
                assert_eq!(encoded.digests, [rows::digest(rows, 0)], "{} rows in chunks of {chunk}", rows.len());
                let whole = [b"COPY t FROM stdin;\n", rows, rows::END, b"SELECT 1;\n"].concat();
                assert!(zstd::decode_all(file.as_slice()).unwrap() == whole);
                let starts: Vec<u64> = encoded.frames.iter().map(|frame| frame.offset).collect();
                assert!(starts.contains(&19) && starts.contains(&(whole.len() as u64 - 10)), "{starts:?}");
                assert_eq!(encoded.bytes, file.len() as u64);
            }
        }
    }
}
