//! Proving a backup that was taken before: its bytes against the manifest, its rows against the count, and, if that is
//! asked for, once more by restoring it.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::archive::Archive;
use super::contents::{Contents, Cut, Defect, Reader};
use super::encryption::Keys;
use super::manifest::{Manifest, Proof, Sum};
use super::rows::{Digest, Summing};
use super::{names, prove};
use crate::atomic;
use crate::error::{Error, Explain as _, Result};
use crate::tools::pg_dump::PgDump;
use crate::tools::scratch::Search;
use crate::ui::Shell;
use crate::ui::interrupt::Guard;
use crate::ui::progress::{Position, Progress};

/// Bytes read at once.
const CHUNK: usize = 256 * 1024;

/// What was found.
#[derive(Debug, Clone)]
pub struct Report {
    pub path: PathBuf,
    pub manifest: Manifest,
    /// How far it is proved now; meaningless with problems.
    pub proof: Proof,
    /// What is wrong; empty for a good backup.
    pub problems: Vec<String>,
}

/// Reads a backup and compares it with its manifest: size, hashes, completeness, the rows of each table.
///
/// # Errors
/// If it cannot be read, or has no manifest that could be compared with. What differs is in the report.
pub fn verify(path: &Path, keys: &Keys, shell: &Shell) -> Result<Report> {
    let guard = Guard::new()?;
    report(path, &Archive::open_with(path, keys)?, &guard, shell)
}

/// [`verify`], and above [`Proof::Read`] also has a backup without problems restored into a scratch server; its manifest
/// then says so.
///
/// # Errors
/// Those of [`verify`]; if it cannot be restored.
pub fn verify_to(path: &Path, keys: &Keys, level: Proof, search: &Search<'_>, shell: &Shell) -> Result<Report> {
    let guard = Guard::new()?;
    let archive = Archive::open_with(path, keys)?;
    let mut report = report(path, &archive, &guard, shell)?;
    if level == Proof::Read || !report.problems.is_empty() || report.manifest.outside.is_some() {
        return Ok(report);
    }
    let manifest = &mut report.manifest;
    let pg_dump = PgDump::find(manifest.source.server_major, search.env, search.pg_bin)?;
    (report.proof, _) = prove::prove(&archive, level, &pg_dump, (None, search), &guard, shell)?;
    if report.proof >= manifest.proof {
        (manifest.proof, manifest.proved_at) = (report.proof, Timestamp::now());
        let beside = names::manifest_path(path);
        atomic::write(&beside, manifest.to_json()?).explain(|| format!("could not write {}", beside.display()))?;
    }
    Ok(report)
}

fn report(path: &Path, archive: &Archive, guard: &Guard, shell: &Shell) -> Result<Report> {
    let problems = problems(archive, guard, shell)?;
    Ok(Report { path: path.to_owned(), proof: Proof::Read, manifest: archive.manifest().clone(), problems })
}

/// What is wrong with the file itself.
pub(super) fn problems(archive: &Archive, guard: &Guard, shell: &Shell) -> Result<Vec<String>> {
    let manifest = archive.manifest();
    let mut problems = Vec::new();
    let file = hash(archive.file()?, |_| guard.check())?;
    if file.bytes != manifest.bytes {
        problems.push(format!("it has {} bytes instead of {}", file.bytes, manifest.bytes));
    }
    if file.sha256 != manifest.sha256 {
        problems.push("its SHA-256 is not the manifest's: it was changed after it was taken".into());
    }
    if manifest.outside.is_some() {
        return Ok(problems);
    }
    let mut progress = Progress::start(shell, "Verifying");
    let mut rows = Rows::default();
    let dump = archive.read_all().and_then(|dump| {
        let mut bytes = 0;
        hash(dump, |chunk| {
            rows.feed(chunk);
            bytes += chunk.len() as u64;
            #[expect(clippy::cast_precision_loss, reason = "for the eye")]
            let fraction = bytes as f64 / manifest.dump.bytes.max(1) as f64;
            let tables = Some((rows.reader.blocks().len(), manifest.tables.len()));
            progress.show(Position { fraction, bytes, tables, current: "" });
            guard.check()
        })
    });
    match dump {
        Ok(dump) if dump == manifest.dump => {}
        // the file's own hash has said so already
        Ok(_) if !problems.is_empty() => {}
        Ok(_) => problems.push("the dump in it is not the one that was taken".into()),
        Err(error) if error.exit() == Error::cancelled().exit() => return Err(error),
        Err(error) => problems.push(format!("it cannot be read to its end: {}", error.causes().join(": "))),
    }
    match rows.finish() {
        Err(defect) => problems.push(defect.to_string()),
        Ok((contents, digests)) => compare(manifest, &contents, &digests, &mut problems),
    }
    Ok(problems)
}

fn compare(manifest: &Manifest, contents: &Contents, digests: &[Digest], problems: &mut Vec<String>) {
    if manifest.tables.len() != contents.blocks.len() {
        problems.push(format!("it holds {} tables instead of {}", contents.blocks.len(), manifest.tables.len()));
    }
    for ((table, block), digest) in manifest.tables.iter().zip(&contents.blocks).zip(digests) {
        if table.name != block.table {
            problems.push(format!("table {} stands where {} should", block.table, table.name));
        } else if table.rows != block.rows {
            problems.push(format!("table {} holds {} rows instead of {}", table.name, block.rows, table.rows));
        } else if table.digest.as_ref().is_some_and(|expected| *expected != digest.to_string()) {
            problems.push(format!("table {} holds other rows than those that were taken", table.name));
        }
    }
}

/// The rows of a dump, counted and summed while it is read.
#[derive(Default)]
struct Rows {
    reader: Reader,
    /// The sum of the block that is being read.
    open: Option<Summing>,
    digests: Vec<Digest>,
}

impl Rows {
    fn feed(&mut self, chunk: &[u8]) {
        let start = self.reader.bytes();
        self.reader.feed(chunk);
        let mut done = 0;
        for cut in self.reader.cuts() {
            let (Cut::Begin(at) | Cut::End(at)) = cut;
            let end = usize::try_from(at - start).unwrap_or(chunk.len()).min(chunk.len());
            self.take(&chunk[done..end]);
            done = end;
            match cut {
                Cut::Begin(_) => self.open = Some(Summing::default()),
                Cut::End(_) => self.digests.extend(self.open.take().map(Summing::finish_block)),
            }
        }
        self.take(&chunk[done..]);
    }

    fn take(&mut self, rows: &[u8]) {
        if let Some(open) = &mut self.open {
            open.feed(rows);
        }
    }

    fn finish(self) -> Result<(Contents, Vec<Digest>), Defect> {
        Ok((self.reader.finish()?, self.digests))
    }
}

/// Reads all of something; gives its size and SHA-256. `each` sees every chunk and may stop.
///
/// # Errors
/// If it cannot be read, or `each` stops.
pub(super) fn hash(mut source: impl Read, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<Sum> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        let count = match source.read(&mut chunk) {
            Ok(0) => return Ok(Sum::new(bytes, &hash.finalize().into())),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).explain(|| "could not read the backup".into()),
        };
        bytes += count as u64;
        hash.update(&chunk[..count]);
        each(&chunk[..count])?;
    }
}
