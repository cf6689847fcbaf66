//! The migrations folder: every directory in it is a migration, sorted by name.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

/// One migration as it stands on disk, or as Prisma sent it to its engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The directory's name.
    pub name: String,
    /// Its `migration.sql`.
    pub path: PathBuf,
    /// The text; bytes that are no UTF-8 make reading fail.
    pub sql: String,
}

/// The checksum Prisma keeps of a migration: SHA-256 of the text, in lower-case hex.
pub fn checksum(sql: &str) -> String {
    digest(sql).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `stored` is a checksum of this text. As Prisma: other line ends are the same text, and checksums of its first
/// versions lack the leading zero of each byte.
pub fn checksum_matches(sql: &str, stored: &str) -> bool {
    let unix = sql.replace("\r\n", "\n");
    let windows = unix.replace('\n', "\r\n");
    [sql, &unix, &windows].iter().any(|text| {
        let unpadded: String = digest(text).iter().map(|byte| format!("{byte:x}")).collect();
        checksum(text) == stored || unpadded == stored
    })
}

fn digest(sql: &str) -> [u8; 32] {
    Sha256::digest(sql.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_forgive_line_ends_only() {
        let stored = checksum("a\nb\n");
        assert!(checksum_matches("a\r\nb\r\n", &stored));
        assert!(checksum_matches("a\nb\n", &checksum("a\r\nb\r\n")));
        assert!(!checksum_matches("a\nc\n", &stored));
        assert!(!checksum_matches("\u{feff}a\nb\n", &stored), "a BOM is text");
    }

    #[test]
    fn a_checksum_is_sha256() {
        // sha256sum of the same bytes
        assert_eq!(checksum("SELECT 1;\n"), "b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd");
    }

    #[test]
    fn the_oldest_checksums_have_no_padding() {
        let text =
            (0..).map(|n| format!("SELECT {n}")).find(|text| digest(text).iter().any(|byte| *byte < 16)).unwrap();
        let unpadded: String = digest(&text).iter().map(|byte| format!("{byte:x}")).collect();
        assert_ne!(unpadded.len(), 64);
        assert!(checksum_matches(&text, &unpadded));
    }
}
