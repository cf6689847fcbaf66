//! How a migration reaches the target: as one transaction, whose locks are held until its end, or statement by statement.

use crate::sql::{Script, Section, Types, Way};

/// From this version of Prisma on, its engine sends a file statement by statement, and each commits by itself.
const SPLITS: (u64, u64) = (7, 4);

/// How a migration reaches the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// As one transaction: prisma-safe's own way, and what Prisma before 7.4 does with any file.
    Whole,
    /// By prisma-safe in sections, each whole or not at all.
    Sections(Vec<Section>),
    /// By Prisma 7.4 or later, statement by statement: a file that cannot be taken apart.
    Statements,
}

impl Delivery {
    /// Of a script, deployed by prisma-safe with this Prisma.
    pub fn of(script: &Script, types: &dyn Types, prisma: Option<(u64, u64)>) -> Self {
        match script.sections(types) {
            Ok(sections) if sections.iter().all(|section| section.way == Way::Transaction) && sections.len() < 2 => {
                Self::Whole
            }
            Ok(sections) => Self::Sections(sections),
            Err(_) if splits(prisma) => Self::Statements,
            Err(_) => Self::Whole,
        }
    }

    /// Which section a place of the script belongs to, counted from 0.
    pub fn section(&self, at: usize) -> usize {
        match self {
            Self::Sections(sections) => sections.partition_point(|section| section.range.end <= at),
            Self::Whole | Self::Statements => 0,
        }
    }
}

/// Whether this Prisma, deploying by itself, sends statements one by one.
pub fn splits(prisma: Option<(u64, u64)>) -> bool {
    prisma.is_some_and(|version| version >= SPLITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Untold;

    #[test]
    fn only_what_no_transaction_takes_is_split() {
        let of = |sql, prisma| Delivery::of(&Script::parse(sql), &Untold, prisma);
        let alone = "SET lock_timeout = '9s'; CREATE INDEX CONCURRENTLY a ON b (c); DROP TABLE d";
        let Delivery::Sections(sections) = of(alone, None) else { panic!() };
        assert_eq!(sections.len(), 2);
        assert_eq!(of("BEGIN; VACUUM; COMMIT", Some((7, 4))), Delivery::Statements);
        assert_eq!(of("BEGIN; VACUUM; COMMIT", Some((7, 3))), Delivery::Whole);
        assert_eq!(of("CREATE TABLE b (c INT); CREATE INDEX b_c ON b (c)", Some((7, 10))), Delivery::Whole);
        assert_eq!(of(alone, None).section(alone.find("DROP").unwrap()), 1);
    }
}
