//! The migrations folder: every directory in it is a migration, sorted by name.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Explain as _, Result};
use crate::sql::{Script, Sql};

/// The file of a migration's directory that is run.
const SCRIPT: &str = "migration.sql";

/// One migration as it stands on disk, or as Prisma sent it to its engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The directory's name.
    pub name: String,
    /// Its `migration.sql`.
    pub path: PathBuf,
    /// The text, parsed at most once; bytes that are no UTF-8 make reading fail.
    pub sql: Sql,
}

impl Migration {
    /// Its statements.
    pub fn script(&self) -> &Script {
        self.sql.script()
    }

    /// What `_prisma_migrations.checksum` holds for this text.
    pub fn checksum(&self) -> String {
        checksum(&self.sql)
    }
}

/// The name under which a migration runs before every one that Prisma names by its time, where `name` is none by time and sorts
/// behind them all: `init` runs after `20260101000000_add_year` in every new database, and in Prisma's shadow database.
pub fn name_before_times(name: &str) -> Option<String> {
    // the years that begin with a 1 or a 2
    (name >= "3").then(|| format!("0_{name}"))
}

/// Reads a folder as Prisma does: directories only, files beside them and inside them ignored. A folder that does not
/// exist holds no migrations.
///
/// # Errors
/// A directory without `migration.sql` (Prisma's P3015), a script that is no UTF-8, a folder that cannot be read.
pub fn read(folder: &Path) -> Result<Vec<Migration>> {
    let explain = || format!("could not read the migrations folder {}", folder.display());
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).explain(explain),
    };
    let mut migrations = Vec::new();
    for entry in entries {
        let entry = entry.explain(explain)?;
        // a link to a directory is none for Prisma either: it asks the entry, not what it points to
        if !entry.file_type().explain(explain)?.is_dir() {
            continue;
        }
        let name = entry.file_name().into_string().map_err(|name| {
            Error::failed(format!("the migration {} has a name that is no UTF-8", Path::new(&name).display()))
        })?;
        let path = entry.path().join(SCRIPT);
        let sql = text_of(&path)?.into();
        migrations.push(Migration { name, path, sql });
    }
    migrations.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(migrations)
}

/// The text of a script. One in UTF-16 is read as Prisma reads it, so that the review can tell what is wrong with it.
///
/// # Errors
/// If it cannot be read, or is not text.
pub fn text_of(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, error))?;
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    match String::from_utf8(bytes) {
        Err(error) if utf16 => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        text => text.map_err(|error| unreadable(path, error)),
    }
}

/// The error for a script that cannot be read.
pub(crate) fn unreadable(path: &Path, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let directory = path.parent().unwrap_or(path);
    Error::failed(format!("could not read the migration {}", path.display())).because(cause).help(format!(
        "every directory in the migrations folder is a migration to Prisma (P3015): \
         restore its {SCRIPT}, or delete {}",
        directory.display()
    ))
}

/// Prisma's checksum of a script: lower-case hex of its SHA-256.
pub fn checksum(sql: &str) -> String {
    Sha256::digest(sql.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a stored checksum belongs to this script, as Prisma compares: line ends may have become CRLF or LF, and old
/// versions wrote bytes below 16 with one digit (prisma-engines issue 1887, schema-connector/src/checksum.rs).
pub fn checksum_matches(stored: &str, sql: &str) -> bool {
    let unpadded =
        |text: &str| Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:x}")).collect::<String>();
    let matches = |text: &str| if stored.len() == 64 { checksum(text) == stored } else { unpadded(text) == stored };
    matches(sql) || matches(&sql.replace("\r\n", "\n")) || matches(&sql.replace('\n', "\r\n"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        folder
    }

    #[test]
    fn a_name_without_a_time_sorts_behind_every_time() {
        assert_eq!(name_before_times("init").as_deref(), Some("0_init"));
        assert_eq!(name_before_times("9_init").as_deref(), Some("0_9_init"));
        assert_eq!(["0_init", "000_init", "20260101000000_init"].map(name_before_times), [None, None, None]);
    }

    #[test]
    fn directories_are_migrations_in_order_and_files_are_not() {
        let folder = folder(&[
            ("20250102_b/migration.sql", b"B"),
            ("20250101_a/migration.sql", b"A"),
            ("20250101_a/down.sql", b"no"),
            ("migration_lock.toml", b"provider = \"postgresql\""),
        ]);
        let names: Vec<_> = read(folder.path()).unwrap().into_iter().map(|each| (each.name, each.sql)).collect();
        assert_eq!(names, [("20250101_a".into(), "A".into()), ("20250102_b".into(), "B".into())]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty() {
        assert_eq!(read(Path::new("/does/not/exist")).unwrap(), []);
    }

    #[test]
    fn a_directory_without_a_script_says_what_to_do() {
        let folder = folder(&[("20250101_a/down.sql", b"no")]);
        let error = read(folder.path()).unwrap_err();
        assert!(error.help_text().unwrap().contains("P3015"), "{error:?}");
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error() {
        let folder = folder(&[("20250101_a/migration.sql", b"SELECT '\xff'")]);
        assert!(read(folder.path()).is_err());
    }

    #[test]
    fn checksums_are_prisma_s() {
        // printf 'SELECT 1;\n' | sha256sum
        let stored = "b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd";
        assert_eq!(checksum("SELECT 1;\n"), stored);
        assert!(checksum_matches(stored, "SELECT 1;\r\n"));
        assert!(!checksum_matches(stored, "SELECT 2;\n"));
        // the same with bytes 04, 0a, 0b, 0b, 06 and 08 as one digit
        let unpadded = "b4e049784e46eabb8c31975b62152d551bac49c3c2e80932567b485dcd";
        assert!(checksum_matches(unpadded, "SELECT 1;\n"));
        assert!(!checksum_matches("", "SELECT 1;\n"));
    }

    proptest! {
        #[test]
        fn line_ends_never_matter(lines in proptest::collection::vec("[a-z ]{0,8}", 1..6)) {
            let (unix, dos) = (lines.join("\n"), lines.join("\r\n"));
            prop_assert!(checksum_matches(&checksum(&unix), &dos));
            prop_assert!(checksum_matches(&checksum(&dos), &unix));
        }
    }
}
