//! Names of backups: `prod_backup_20250121_103000.sql.zst`, in UTC, with a manifest beside each.

use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use serde::{Deserialize, Serialize};

/// What a manifest's name adds to its backup's.
pub(super) const MANIFEST: &str = ".json";
const PARTIAL: &str = ".partial";
/// What the name of a manifest becomes when its backup is being deleted.
const DOOMED: &str = ".deleted";
/// What the name of the file adds that says that a backup stays.
const PIN: &str = ".pin";
/// All formats: one second has one backup, in one of them.
pub(super) const FORMATS: [Format; 5] =
    [Format::Sql, Format::SqlZst, Format::SqlAge, Format::SqlZstAge, Format::Receipt];
const STAMP: &str = "%Y%m%d_%H%M%S";

/// How a backup's file holds the dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// As it is.
    #[serde(rename = "sql")]
    Sql,
    /// Compressed with zstd.
    #[serde(rename = "sql.zst")]
    SqlZst,
    /// As it is, encrypted with age.
    #[serde(rename = "sql.age")]
    SqlAge,
    /// Compressed, then encrypted.
    #[serde(rename = "sql.zst.age")]
    SqlZstAge,
    /// Another tool keeps the backup; the file is what it said of it.
    #[serde(rename = "receipt")]
    Receipt,
}

impl Format {
    /// What the file's name ends with.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Sql => ".sql",
            Self::SqlZst => ".sql.zst",
            Self::SqlAge => ".sql.age",
            Self::SqlZstAge => ".sql.zst.age",
            Self::Receipt => ".receipt",
        }
    }

    /// Whether the dump is in zstd frames.
    pub fn compressed(self) -> bool {
        matches!(self, Self::SqlZst | Self::SqlZstAge)
    }

    /// Whether a key is needed to read it.
    pub fn encrypted(self) -> bool {
        matches!(self, Self::SqlAge | Self::SqlZstAge)
    }

    /// The same, encrypted.
    #[must_use]
    pub fn sealed(self) -> Self {
        match self {
            Self::Sql => Self::SqlAge,
            Self::SqlZst => Self::SqlZstAge,
            other => other,
        }
    }
}

/// The name of a backup, without its directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// The name for a dump that began at `time`.
    pub fn new(prefix: &str, time: Timestamp, format: Format) -> Self {
        Self(format!("{prefix}_backup_{}{}", time.strftime(STAMP), format.ending()))
    }

    /// A file name that is a backup's.
    pub fn parse(name: &str) -> Option<Self> {
        parts(name).map(|_| Self(name.to_owned()))
    }

    /// The name the next second gives.
    #[must_use]
    pub fn next(&self, prefix: &str) -> Option<Self> {
        Some(Self::new(prefix, self.time()?.checked_add(1.second()).ok()?, self.format()?))
    }

    /// When the dump began, to the second.
    pub fn time(&self) -> Option<Timestamp> {
        parts(&self.0).map(|(time, _)| time)
    }

    /// How the file holds the dump.
    pub fn format(&self) -> Option<Format> {
        parts(&self.0).map(|(_, format)| format)
    }

    /// The same backup in another format.
    #[must_use]
    pub fn in_format(&self, format: Format) -> Self {
        let stem = self.format().and_then(|ours| self.0.strip_suffix(ours.ending())).unwrap_or(&self.0);
        Self(format!("{stem}{}", format.ending()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the dump is written until it is whole.
    pub fn partial(&self) -> String {
        format!(".{}{PARTIAL}", self.0)
    }
}

/// The manifest of a backup.
pub fn manifest_path(backup: &Path) -> PathBuf {
    let mut path = backup.as_os_str().to_owned();
    path.push(MANIFEST);
    path.into()
}

/// The backup that a manifest's file name belongs to.
pub fn of_manifest(name: &str) -> Option<Name> {
    Name::parse(name.strip_suffix(MANIFEST)?)
}

/// The name that a backup's manifest gets first when it is deleted.
pub fn doomed(backup: &Path) -> PathBuf {
    let name = backup.file_name().unwrap_or_default().to_string_lossy();
    backup.with_file_name(format!(".{name}{MANIFEST}{DOOMED}"))
}

/// The backup that was being deleted, by the name of what is left of its manifest.
pub fn of_doomed(name: &str) -> Option<Name> {
    of_manifest(name.strip_prefix('.')?.strip_suffix(DOOMED)?)
}

/// The file whose existence says that a backup stays.
pub fn pin_path(backup: &Path) -> PathBuf {
    let mut path = backup.as_os_str().to_owned();
    path.push(PIN);
    path.into()
}

/// Where a manifest is written until it is whole.
pub fn manifest_partial(name: &Name) -> String {
    format!(".{}{MANIFEST}{PARTIAL}", name.0)
}

/// Whether a file name is that of one of our backups or manifests while it is being written.
pub fn is_partial(name: &str) -> bool {
    name.strip_prefix('.')
        .and_then(|name| name.strip_suffix(PARTIAL))
        .is_some_and(|name| Name::parse(name.strip_suffix(MANIFEST).unwrap_or(name)).is_some())
}

/// The environment's name where prisma-safe.toml says that it is not production; else `prod`, as everybody's procedure
/// names it.
pub fn prefix(production: bool, environment: Option<&str>) -> String {
    if production {
        return "prod".into();
    }
    let name: String = environment
        .unwrap_or_default()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '-' { letter.to_ascii_lowercase() } else { '-' })
        .collect();
    match name.trim_matches('-') {
        "" | "prod" => "prod".into(),
        name => name.into(),
    }
}

/// When the dump began, and how the file holds it.
fn parts(name: &str) -> Option<(Timestamp, Format)> {
    let format = FORMATS.into_iter().find(|format| name.ends_with(format.ending()))?;
    let (prefix, stamp) = name.strip_suffix(format.ending())?.rsplit_once("_backup_")?;
    if prefix.is_empty() || prefix.starts_with('.') || stamp.len() != "YYYYMMDD_HHMMSS".len() {
        return None;
    }
    let time = DateTime::strptime(STAMP, stamp).ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some((time.timestamp(), format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_the_time_in_utc() {
        let time: Timestamp = "2025-01-21T10:30:00Z".parse().unwrap();
        let name = Name::new("prod", time, Format::Sql);
        assert_eq!(name.as_str(), "prod_backup_20250121_103000.sql");
        assert_eq!(name.time(), Some(time));
        assert_eq!(name.partial(), ".prod_backup_20250121_103000.sql.partial");
        let zst = name.in_format(Format::SqlZst);
        assert_eq!((zst.as_str(), zst.time()), ("prod_backup_20250121_103000.sql.zst", Some(time)));
        assert_eq!(zst.in_format(Format::Sql), name);
    }

    #[test]
    fn the_next_second_crosses_midnight() {
        let name = Name::parse("prod_backup_20241231_235959.sql").unwrap();
        assert_eq!(name.next("prod").unwrap().as_str(), "prod_backup_20250101_000000.sql");
    }

    #[test]
    fn knows_only_its_own_names() {
        for name in
            ["dump.sql", "prod_backup_20251301_000000.sql", "prod_backup_2025.sql", "_backup_20250101_000000.sql"]
        {
            assert_eq!(Name::parse(name), None, "{name}");
        }
        assert!(is_partial(".prod_backup_20250101_000000.sql.zst.json.partial"));
        assert!(is_partial(".ci-2_backup_20250101_000000.sql.partial"));
        assert!(is_partial(".prod_backup_20250101_000000.sql.json.partial"));
        assert!(!is_partial(".notes.sql.partial"));
        assert!(!is_partial("prod_backup_20250101_000000.sql.partial"));
    }

    #[test]
    fn an_environment_names_its_backups_but_never_as_production() {
        assert_eq!(prefix(true, Some("live")), "prod");
        assert_eq!(prefix(false, Some("Staging EU/1")), "staging-eu-1");
        assert_eq!(prefix(false, Some("../..")), "prod");
        assert_eq!(prefix(false, Some("prod")), "prod");
        assert_eq!(prefix(false, None), "prod");
    }
}
