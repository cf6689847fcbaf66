//! How long a statement keeps others out, from the number of rows.
//!
//! The rates are deliberately low, round numbers for a modest cloud server with rows of ordinary width, so that an
//! estimate errs towards "too long". They decide between a warning and an error, never between silence and a warning.

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

/// `1,234,567`, as people read it.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`.
pub fn rows(number: u64) -> String {
    if number == 1 { "1 row".into() } else { format!("{} rows", count(number)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(rows(1), "1 row");
    }

    #[test]
    fn a_rewrite_takes_longer_than_a_scan() {
        assert!(Work::Rewrite.seconds(1_000_000) > Work::Scan.seconds(1_000_000));
        assert_eq!(Work::Scan.seconds(1), 1);
        assert_eq!(Work::Scan.seconds(0), 0);
    }
}
