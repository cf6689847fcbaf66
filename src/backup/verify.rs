//! Proving a backup that was taken before: its bytes against the manifest, its rows against the count.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::contents::{Contents, Reader};
use super::hex;
use super::manifest::Manifest;
use crate::error::{Error, Explain as _, Result};
use crate::ui::Shell;
use crate::ui::progress::{Position, Progress};

/// Bytes read at once.
const CHUNK: usize = 256 * 1024;

/// What was found.
#[derive(Debug, Clone)]
pub struct Report {
    pub path: PathBuf,
    pub manifest: Manifest,
    /// What is wrong; empty for a good backup.
    pub problems: Vec<String>,
}

/// Reads a backup and compares it with its manifest: size, hash, completeness, the rows of each table.
///
/// # Errors
/// If it cannot be read, or has no manifest that could be compared with. What differs is in the report.
pub fn verify(path: &Path, shell: &Shell) -> Result<Report> {
    let manifest = Manifest::read(path)?;
    let mut reader = Reader::default();
    let expected = manifest.as_ref().map_or(1, |manifest| manifest.bytes.max(1));
    let mut progress = Progress::start(shell, "Verifying");
    let mut read = 0_u64;
    let (bytes, sha256) = hash(path, |chunk| {
        read += chunk.len() as u64;
        reader.feed(chunk);
        #[expect(clippy::cast_precision_loss, reason = "for the eye")]
        progress.show(Position { fraction: read as f64 / expected as f64, bytes: read, tables: None, current: "" });
        Ok(())
    })?;
    let manifest = manifest.ok_or_else(|| {
        Error::failed(format!("{} has no manifest, so nothing says what it should hold", path.display()))
            .help("it is a dump of another program, or prisma-safe was killed before it was proved: take a new backup")
    })?;
    let mut problems = Vec::new();
    if bytes != manifest.bytes {
        problems.push(format!("it has {bytes} bytes instead of {}", manifest.bytes));
    }
    if hex(&sha256) != manifest.sha256 {
        problems.push("its SHA-256 is not the manifest's: it was changed after it was taken".into());
    }
    match reader.finish() {
        Err(defect) => problems.push(defect.to_string()),
        Ok(contents) => compare(&manifest, &contents, &mut problems),
    }
    Ok(Report { path: path.to_owned(), manifest, problems })
}

fn compare(manifest: &Manifest, contents: &Contents, problems: &mut Vec<String>) {
    if manifest.tables.len() != contents.blocks.len() {
        problems.push(format!("it holds {} tables instead of {}", contents.blocks.len(), manifest.tables.len()));
    }
    for (table, block) in manifest.tables.iter().zip(&contents.blocks) {
        if table.name != block.table {
            problems.push(format!("table {} stands where {} should", block.table, table.name));
        } else if table.rows != block.rows {
            problems.push(format!("table {} holds {} rows instead of {}", table.name, block.rows, table.rows));
        }
    }
}

/// Reads a file; gives its size and SHA-256. `each` sees every chunk and may stop.
///
/// # Errors
/// If it cannot be read, or `each` stops.
pub(super) fn hash(path: &Path, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<(u64, [u8; 32])> {
    let unreadable = || format!("could not read {}", path.display());
    let mut file = File::open(path).explain(unreadable)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        let count = match file.read(&mut chunk) {
            Ok(0) => return Ok((bytes, hash.finalize().into())),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).explain(unreadable),
        };
        bytes += count as u64;
        hash.update(&chunk[..count]);
        each(&chunk[..count])?;
    }
}
