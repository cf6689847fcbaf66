//! Names that are not written down: PostgreSQL's own choice (`makeObjectName`, src/backend/commands/indexcmds.c) and Prisma's.

use super::identifier::{MAX_BYTES, clip};

/// What a name is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultName {
    PrimaryKey,
    Unique,
    Index,
    ForeignKey,
    Check,
    Exclude,
    /// The sequence behind `SERIAL` and identity columns.
    Sequence,
}

impl DefaultName {
    fn suffix(self) -> &'static str {
        match self {
            Self::PrimaryKey => "pkey",
            Self::Unique => "key",
            Self::Index => "idx",
            Self::ForeignKey => "fkey",
            Self::Check => "check",
            Self::Exclude => "excl",
            Self::Sequence => "seq",
        }
    }
}

/// The name that Prisma gives: `{table}_{columns}_{suffix}`, the part before the suffix cut to fit 63 bytes. A primary
/// key's has no columns. PostgreSQL's choice is the same as long as nothing is cut.
pub fn default_name(kind: DefaultName, table: &str, columns: &[&str]) -> String {
    let suffix = kind.suffix();
    let mut stem = table.to_owned();
    if kind != DefaultName::PrimaryKey {
        for column in columns {
            stem.push('_');
            stem.push_str(column);
        }
    }
    format!("{}_{suffix}", clip(&stem, MAX_BYTES - suffix.len() - 1))
}

/// The name that PostgreSQL gives, and after `taken` refused it the same with 1, 2, … at its end.
pub(crate) fn chosen_name(kind: DefaultName, table: &str, columns: &[&str], taken: impl Fn(&str) -> bool) -> String {
    let mut joined = String::new();
    for column in columns.iter().filter(|_| kind != DefaultName::PrimaryKey) {
        if !joined.is_empty() {
            joined.push('_');
        }
        joined.push_str(column);
        if joined.len() > MAX_BYTES {
            break;
        }
    }
    let suffix = kind.suffix();
    let mut name = object_name(table, &joined, suffix);
    let mut pass = 0;
    while taken(&name) {
        pass += 1;
        name = object_name(table, &joined, &format!("{suffix}{pass}"));
    }
    name
}

/// `makeObjectName`: the longer of both names gives way, byte by byte, then each is clipped between characters.
fn object_name(first: &str, second: &str, label: &str) -> String {
    let overhead = label.len() + 1 + usize::from(!second.is_empty());
    let available = MAX_BYTES - overhead;
    let (mut left, mut right) = (first.len(), second.len());
    while left + right > available {
        if left > right {
            left -= 1;
        } else {
            right -= 1;
        }
    }
    let (first, second) = (clip(first, left), clip(second, right));
    if second.is_empty() { format!("{first}_{label}") } else { format!("{first}_{second}_{label}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgresql_cuts_the_longer_name() {
        let cut = |table: usize, column: usize| object_name(&"t".repeat(table), &"c".repeat(column), "seq");
        assert_eq!(cut(10, 80), format!("{}_{}_seq", "t".repeat(10), "c".repeat(48)));
        assert_eq!(cut(80, 10), format!("{}_{}_seq", "t".repeat(48), "c".repeat(10)));
        assert_eq!(cut(80, 70), format!("{}_{}_seq", "t".repeat(29), "c".repeat(29)));
        let odd = object_name(&"t".repeat(80), &"c".repeat(70), "seq1");
        assert_eq!(odd, format!("{}_{}_seq1", "t".repeat(29), "c".repeat(28)));
        assert_eq!(object_name(&"ä".repeat(40), "", "pkey"), format!("{}_pkey", "ä".repeat(29)));
    }

    #[test]
    fn prisma_cuts_the_stem() {
        assert_eq!(default_name(DefaultName::Unique, "Track", &["artist", "title"]), "Track_artist_title_key");
        assert_eq!(default_name(DefaultName::PrimaryKey, "User", &["id"]), "User_pkey");
        let long = default_name(DefaultName::ForeignKey, &"t".repeat(40), &[&"c".repeat(40)]);
        assert_eq!(long, format!("{}_{}_fkey", "t".repeat(40), "c".repeat(17)));
        assert_eq!(default_name(DefaultName::Index, &"ä".repeat(40), &[]), format!("{}_idx", "ä".repeat(29)));
    }

    #[test]
    fn chooses_a_free_name() {
        let name = chosen_name(DefaultName::Sequence, "u", &["id"], |name| name == "u_id_seq");
        assert_eq!(name, "u_id_seq1");
        assert_eq!(chosen_name(DefaultName::PrimaryKey, "u", &["id"], |_| false), "u_pkey");
    }
}
