//! How long a statement keeps others out, from the table's rows and bytes.
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

    /// Bytes of the table a second.
    fn bytes_rate(self) -> u64 {
        match self {
            Self::Scan => 400 << 20,
            Self::Index => 100 << 20,
            Self::Rewrite => 40 << 20,
        }
    }

    /// Whole seconds for so many rows of so many bytes together (where known), rounded up: whichever takes longer.
    pub fn seconds(self, rows: u64, bytes: Option<u64>) -> u64 {
        rows.div_ceil(self.rate()).max(bytes.map_or(0, |bytes| bytes.div_ceil(self.bytes_rate())))
    }
}

/// `1.2 GB`, as people read it.
pub fn bytes(number: u64) -> String {
    let (unit, name) = match number {
        0..1_000 => return format!("{number} bytes"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    format!("{}.{} {name}", number / unit, number % unit * 10 / unit)
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
        assert!(Work::Rewrite.seconds(1_000_000, None) > Work::Scan.seconds(1_000_000, None));
        assert_eq!(Work::Scan.seconds(1, None), 1);
        assert_eq!(Work::Scan.seconds(0, Some(0)), 0);
        // few rows, but wide ones
        assert_eq!(Work::Rewrite.seconds(50_000, Some(4 << 30)), 103);
    }
}
