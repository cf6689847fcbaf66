//! The manifest beside a backup: what the dump holds, where it comes from, and how far it was proved. A backup exists only
//! with its manifest.

mod lines;
mod outside;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::outside::{Outside, Provider};
use super::names;
pub use super::names::Format;
use super::scan::TableName;
use super::scope::Without;
use crate::database::Identity;
use crate::error::{Error, Explain as _, Result};

/// The version of the format that this program writes and the newest that it reads.
pub const SCHEMA_VERSION: u32 = 2;
/// The oldest one that it reads.
const OLDEST: u32 = 1;

/// The manifest's last field: its own checksum, as a flipped bit in it must be noticed too.
const CHECKSUM: &str = "checksum";

/// How far a backup was proved; each level includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
pub enum Proof {
    /// Complete, with the rows of its snapshot, and read back from the disk with the same hash.
    Read,
    /// Also loaded into a scratch server and counted there.
    Restored,
    /// Also dumped again from there, and the same.
    Roundtrip,
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Restored => "restored",
            Self::Roundtrip => "roundtrip",
        })
    }
}

/// The size of something, and its SHA-256 in hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sum {
    pub bytes: u64,
    pub sha256: String,
}

impl Sum {
    pub(super) fn new(bytes: u64, sha256: &[u8; 32]) -> Self {
        Self { bytes, sha256: super::hex(sha256) }
    }
}

/// A stretch of the dump that the file holds as one zstd frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Frame {
    /// Bytes of the file before it.
    pub at: u64,
    /// Its bytes in the file.
    pub stored: u64,
    /// Bytes of the dump before it.
    pub offset: u64,
    /// Its bytes of the dump.
    pub length: u64,
}

impl Source {
    /// Whether a backup is of the database at `address` (`host:port/database`), as that answers now. A database that was
    /// restored in its place has another oid and is the same one all the same; another server is not.
    pub fn is_of(&self, address: &str, now: Option<&Identity>) -> bool {
        let now = now.and_then(|now| now.system_identifier.as_ref());
        let other = matches!((now, &self.system_identifier), (Some(now), Some(then)) if now != then);
        self.address == address && !other
    }
}

/// A backup's manifest, format 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub schema_version: u32,
    /// A UUID of version 7.
    pub id: String,
    /// The backup's file name when it was taken.
    pub file: String,
    /// When the snapshot was taken: later writes are not in the backup.
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// How the file holds the dump.
    pub format: Format,
    /// The dump itself: plain SQL.
    pub dump: Sum,
    pub source: Source,
    /// The version of `pg_dump` that wrote it.
    pub pg_dump_version: String,
    /// The snapshot that the dump and the counts were taken in, as PostgreSQL names it.
    pub snapshot: String,
    /// In the order of the dump.
    pub tables: Vec<Table>,
    /// The file's frames, in order; none in a plain file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Frame>,
    /// The age recipients that the file is encrypted to; none of a plain one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encrypted_to: Vec<String>,
    /// The backup that another tool keeps, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
    /// What the backup does not hold of the database, where the settings leave something out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<Without>,
    /// Extensions that the server of the proof did not have: what needs them was read back, but not restored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unrestored: Vec<String>,
    /// Applied migrations by name, oldest first; empty if the database has no history of Prisma's.
    pub migrations: Vec<String>,
    /// The migrations that were to be deployed next.
    pub precedes: Vec<String>,
    pub proof: Proof,
    pub proved_at: Timestamp,
}

/// The database that was dumped. No user, no password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// `prod` and the like: the part of the name before `_backup_`.
    pub environment: String,
    /// Host, port and database, as `host:port/database`.
    pub address: String,
    pub database: String,
    /// The database's oid: another one means that it was created anew.
    pub oid: u32,
    /// The cluster's identifier; absent where the host does not let us read it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub system_identifier: Option<String>,
    pub server_version: String,
    /// `17`
    pub server_major: u32,
    /// The database's size on the server's disk, in bytes.
    pub size: u64,
    /// `UTF8`
    pub encoding: String,
    pub collate: String,
    pub ctype: String,
    /// Names of its extensions: a server without them cannot take the backup.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// The time zone that times with one were written in; absent in older manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// One table's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    #[serde(flatten)]
    pub name: TableName,
    /// Rows counted by the server in the snapshot; the dump holds as many rows, or the backup fails.
    pub rows: u64,
    /// Bytes of the dump before the first row.
    pub offset: u64,
    /// Bytes of the rows, with the closing `\.` line.
    pub length: u64,
    /// The rows as one number that does not depend on their order ([`super::rows`]); absent in format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// A new identity: a UUID of version 7, which begins with the time.
///
/// # Errors
/// If the operating system has no random bytes.
pub fn new_id(time: Timestamp) -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::failed(format!("no random bytes: {error}")))?;
    let milliseconds = u64::try_from(time.as_millisecond()).unwrap_or_default();
    bytes[..6].copy_from_slice(&milliseconds.to_be_bytes()[2..]);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = super::hex(&bytes);
    Ok([&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-"))
}

impl Manifest {
    /// All rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// The rows of each table; a table may have several blocks.
    pub fn rows_by_table(&self) -> BTreeMap<&TableName, u64> {
        let mut rows = BTreeMap::new();
        for table in &self.tables {
            *rows.entry(&table.name).or_default() += table.rows;
        }
        rows
    }

    /// The text that stands in the file: a line for each table and each frame, and a checksum of the whole.
    ///
    /// # Errors
    /// Never in practice: every value has a form in JSON.
    pub fn to_json(&self) -> Result<String> {
        let failed = || "could not write the manifest".to_owned();
        let mut value = serde_json::to_value(self).explain(failed)?;
        value[CHECKSUM] = checksum(&value).into();
        let mut text = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, lines::Lines::default());
        value.serialize(&mut serializer).explain(failed)?;
        text.push(b'\n');
        String::from_utf8(text).explain(failed)
    }

    /// Reads the manifest of the backup at `backup`; `None` if it has none.
    ///
    /// # Errors
    /// If it cannot be read, is broken, or was written by a newer version.
    pub fn read(backup: &Path) -> Result<Option<Self>> {
        let path = names::manifest_path(backup);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).explain(|| format!("could not read {}", path.display())),
        };
        Self::parse(&text).map(Some).map_err(|error| {
            Error::failed(format!("the manifest {} is not understood", path.display()))
                .because(error)
                .help("take a new backup: without its manifest a dump cannot be checked")
        })
    }

    /// Reads a manifest's text.
    ///
    /// # Errors
    /// If it is broken, or was written by a newer version.
    pub(super) fn parse(text: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            schema_version: u32,
        }
        let Version { schema_version } =
            serde_json::from_slice(text).explain(|| "it is not a manifest of prisma-safe".into())?;
        if !(OLDEST..=SCHEMA_VERSION).contains(&schema_version) {
            return Err(Error::failed(format!(
                "it has format {schema_version}; this version of prisma-safe reads formats {OLDEST} to {SCHEMA_VERSION}"
            )));
        }
        let no_form = || "it does not have the form of a manifest".to_owned();
        let mut value: serde_json::Value = serde_json::from_slice(text).explain(no_form)?;
        if schema_version == 1 {
            upgrade(&mut value);
        } else {
            let written = value.as_object_mut().and_then(|fields| fields.remove(CHECKSUM));
            if written.is_none_or(|written| written != checksum(&value)) {
                return Err(Error::failed("it was changed after it was written"));
            }
        }
        serde_json::from_value(value).explain(no_form)
    }
}

/// SHA-256 of everything else in the manifest.
fn checksum(manifest: &serde_json::Value) -> String {
    super::hex(&Sha256::digest(manifest.to_string()))
}

/// Format 1 knew plain files only: the file is the dump.
fn upgrade(manifest: &mut serde_json::Value) {
    manifest["dump"] = serde_json::json!({ "bytes": manifest["bytes"], "sha256": manifest["sha256"] });
    manifest["format"] = serde_json::json!(Format::Sql);
    manifest["schemaVersion"] = SCHEMA_VERSION.into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_begins_with_its_time() {
        let id = new_id(Timestamp::from_millisecond(0x0123_4567_89ab).unwrap()).unwrap();
        assert_eq!((&id[..13], &id[14..15], id.len()), ("01234567-89ab", "7", 36), "{id}");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
    }

    #[test]
    fn a_newer_format_is_refused_by_its_number() {
        let error = Manifest::parse(br#"{"schemaVersion":3,"id":7}"#).unwrap_err();
        assert_eq!(error.to_string(), "it has format 3; this version of prisma-safe reads formats 1 to 2");
        assert!(Manifest::parse(b"{}").is_err());
        assert!(Manifest::parse(b"").is_err());
    }
}
