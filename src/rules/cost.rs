//! How long a statement keeps others out, from the number of rows.
//!
//! The rates are deliberately low, round numbers for a modest cloud server with rows of ordinary width, so that an
//! estimate errs towards "too long". They decide between a warning and an error, never between silence and a warning.

pub use crate::ui::{count, rows};

/// What a statement does with every row while it holds its lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Reads it: `SET NOT NULL`, a `CHECK`.
    Scan,
    /// Sorts it into an index, or looks its partner up.
    Index,
    /// Writes it again, with its index entries.
    Rewrite,
}

impl Work {
    /// Rows a second.
    pub fn rate(self) -> u64 {
        match self {
            Self::Scan => 2_000_000,
            Self::Index => 500_000,
            Self::Rewrite => 200_000,
        }
    }

    /// Megabytes a second: wide rows take longer than their number says.
    pub fn megabytes(self) -> u64 {
        match self {
            Self::Scan => 200,
            Self::Index => 100,
            Self::Rewrite => 50,
        }
    }

    /// Whole seconds for so many bytes.
    pub fn seconds_for(self, bytes: u64) -> u64 {
        bytes / (self.megabytes() * 1_000_000)
    }

    /// Whole seconds for so many rows, rounded up.
    pub fn seconds(self, rows: u64) -> u64 {
        rows.div_ceil(self.rate())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewrite_takes_longer_than_a_scan() {
        assert!(Work::Rewrite.seconds(1_000_000) > Work::Scan.seconds(1_000_000));
        assert_eq!(Work::Scan.seconds(1), 1);
        assert_eq!(Work::Scan.seconds(0), 0);
    }
}
