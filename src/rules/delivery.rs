//! How a migration reaches the target: as one transaction, whose locks are held until its end, or statement by statement.

use crate::sql::{Atomicity, Script};

/// From this version of Prisma on, its engine sends a file statement by statement, and each commits by itself.
const SPLITS: (u64, u64) = (7, 4);

/// How a migration reaches the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// As one transaction: prisma-safe's own way, and what Prisma before 7.4 does with any file.
    Whole,
    /// Statement by statement: a file that no transaction takes, with Prisma 7.4 or later.
    Statements,
}

impl Delivery {
    /// Of a script, deployed by prisma-safe with this Prisma.
    pub fn of(script: &Script, prisma: Option<(u64, u64)>) -> Self {
        match script.atomicity() {
            Atomicity::Alone { .. } if splits(prisma) => Self::Statements,
            _ => Self::Whole,
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

    #[test]
    fn only_what_no_transaction_takes_is_split() {
        let of = |sql, prisma| Delivery::of(&Script::parse(sql), prisma);
        let alone = "SET lock_timeout = '9s'; CREATE INDEX CONCURRENTLY a ON b (c)";
        assert_eq!(of(alone, Some((7, 4))), Delivery::Statements);
        assert_eq!(of(alone, Some((7, 3))), Delivery::Whole);
        assert_eq!(of(alone, None), Delivery::Whole);
        assert_eq!(of("CREATE TABLE a (b INT); CREATE INDEX a_b ON a (b)", Some((7, 10))), Delivery::Whole);
    }
}
