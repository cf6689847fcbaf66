//! The migrations folder against what Prisma has noted on the target. `prisma migrate deploy` and `status` compare no
//! checksum, so a changed file goes unnoticed until the next `migrate dev`.

use std::path::Path;

use super::Reviewed;
use super::plan_hash::checksum;
use crate::project::Migration;
use crate::rules::history;

/// A migration that Prisma's history table calls applied (finished and not rolled back).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The directory's name.
    pub name: String,
    /// The checksum Prisma noted.
    pub checksum: String,
}

/// Applied migrations whose file was edited or is gone from `folder`, which holds `migrations`.
pub fn standing(applied: &[Applied], migrations: &[Migration], folder: &Path) -> Vec<Reviewed> {
    applied
        .iter()
        .filter_map(|applied| match migrations.iter().find(|migration| migration.name == applied.name) {
            None => {
                let path = folder.join(&applied.name).join("migration.sql");
                let gone = Migration { name: applied.name.clone(), path, sql: String::new() };
                Some(Reviewed {
                    checksum: applied.checksum.clone(),
                    ..Reviewed::standing(gone, history::missing(&applied.name))
                })
            }
            Some(migration) if !is_checksum_of(&applied.checksum, &migration.sql) => {
                let finding = history::edited(&applied.name, &applied.checksum, &checksum(&migration.sql));
                Some(Reviewed::standing(migration.clone(), finding))
            }
            Some(_) => None,
        })
        .collect()
}

/// As Prisma compares: line ends may differ. Checksums of Prisma 1's time lack leading zeros of each byte.
fn is_checksum_of(noted: &str, sql: &str) -> bool {
    let unix = sql.replace("\r\n", "\n");
    let candidates = [sql.to_owned(), unix.replace('\n', "\r\n"), unix];
    candidates.iter().map(|text| checksum(text)).any(|found| found == noted || without_zeros(&found) == noted)
}

fn without_zeros(checksum: &str) -> String {
    let bytes = (0..checksum.len() / 2).filter_map(|at| checksum.get(2 * at..2 * at + 2));
    bytes.map(|byte| byte.strip_prefix('0').unwrap_or(byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edited_and_missing_are_told_apart() {
        let sql = "SELECT 1;\nSELECT 2;\n";
        let folder = Path::new("prisma/migrations");
        let migration =
            |sql: &str| Migration { name: "a".into(), path: folder.join("a/migration.sql"), sql: sql.into() };
        let applied = |sql: &str| [Applied { name: "a".into(), checksum: checksum(sql) }];
        assert_eq!(standing(&applied(sql), &[migration(sql)], folder), []);
        assert_eq!(standing(&applied(sql), &[migration("SELECT 1;\r\nSELECT 2;\r\n")], folder), []);
        assert_eq!(standing(&applied("SELECT 1;\r\n"), &[migration("SELECT 1;\n")], folder), []);
        let old = without_zeros(&checksum(sql));
        assert_ne!(old, checksum(sql));
        assert_eq!(standing(&[Applied { name: "a".into(), checksum: old }], &[migration(sql)], folder), []);
        let edited = standing(&applied(sql), &[migration("SELECT 1;\n")], folder);
        assert_eq!(edited[0].findings[0].rule, "edited-migration");
        let missing = standing(&applied(sql), &[], folder);
        assert_eq!(missing[0].findings[0].rule, "missing-migration");
        assert_eq!(missing[0].path, folder.join("a/migration.sql"));
    }
}
