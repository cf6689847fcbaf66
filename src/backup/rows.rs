//! A table's rows as one number that does not depend on their order: a restored table may hold them in another one.
//!
//! The number is the sum, modulo 2¹²⁸, of the XXH3 of every row's text as `COPY` writes it, without its line end. A long row
//! counts as several pieces, each seeded with its place in the row, so that no row need ever be held whole.

use memchr::memchr;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// Longest piece of a row that is hashed at once, in bytes.
pub(super) const PIECE: usize = 256 * 1024;
/// The line that ends a table's rows in a dump.
pub(super) const END: &[u8] = b"\\.\n";

/// The sum of some rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Digest(u128);

impl Digest {
    /// Reads what [`Display`](std::fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        u128::from_str_radix(text, 16).ok().map(Self)
    }

    /// Adds other rows.
    pub fn add(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

/// 32 hexadecimal digits.
impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Whole rows and pieces of them, beginning with piece `piece` of a row. What ends within a row must hold whole pieces.
pub(super) fn digest(mut text: &[u8], mut piece: u64) -> Digest {
    let mut sum = 0_u128;
    while !text.is_empty() {
        let end = memchr(b'\n', text).unwrap_or(text.len());
        let mut row = &text[..end];
        while row.len() > PIECE {
            sum = sum.wrapping_add(xxh3_128_with_seed(&row[..PIECE], piece));
            piece += 1;
            row = &row[PIECE..];
        }
        // an empty end of a row that was cut before counts on neither side
        if !row.is_empty() || piece == 0 {
            sum = sum.wrapping_add(xxh3_128_with_seed(row, piece));
        }
        if end == text.len() {
            break;
        }
        piece = 0;
        text = &text[end + 1..];
    }
    Digest(sum)
}

/// Sums rows that come in chunks of any size, such as those of `COPY … TO STDOUT`.
#[derive(Debug, Default)]
pub struct Summing {
    sum: Digest,
    /// What is left of the last row, less than a piece.
    rest: Vec<u8>,
    /// The place of the rest in its row.
    piece: u64,
}

impl Summing {
    /// Takes the next bytes.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.rest.extend_from_slice(chunk);
        let (length, next) = whole(&self.rest, self.piece);
        self.sum.add(digest(&self.rest[..length], self.piece));
        self.piece = next;
        self.rest.drain(..length);
    }

    /// The sum of the rows of a block, whose closing `\.` line was fed too.
    pub(super) fn finish_block(mut self) -> Digest {
        let rows = self.sum;
        let end = digest(END, 0);
        // the line counts as a row until it is known to be none
        self.sum = Digest(rows.0.wrapping_sub(end.0));
        self.finish()
    }

    /// The sum of all rows.
    pub fn finish(mut self) -> Digest {
        if !self.rest.is_empty() {
            self.sum.add(digest(&self.rest, self.piece));
        }
        self.sum
    }
}

/// How much of a text can be hashed by itself, and the place in its row of what follows.
pub(super) fn whole(text: &[u8], piece: u64) -> (usize, u64) {
    match memchr::memrchr(b'\n', text) {
        Some(end) if text.len() - end <= PIECE => (end + 1, 0),
        line_end => {
            let row = line_end.map_or(0, |end| end + 1);
            // a whole piece waits for the next byte: it may be the row's last
            let pieces = (text.len() - row).saturating_sub(1) / PIECE;
            (row + pieces * PIECE, if row > 0 { 0 } else { piece } + pieces as u64)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn summed(text: &[u8], chunk: usize) -> Digest {
        let mut summing = Summing::default();
        text.chunks(chunk).for_each(|chunk| summing.feed(chunk));
        summing.finish()
    }

    #[test]
    fn the_order_of_rows_makes_no_difference_and_everything_else_does() {
        let of = |text: &str| digest(text.as_bytes(), 0);
        assert_eq!(of("1\ta\n2\tb\n\n"), of("\n2\tb\n1\ta\n"));
        for other in ["1\tb\n2\ta\n\n", "1\ta\n2\tb\n", "1\ta\n2\tb\n\n\n", "1\ta\n1\ta\n2\tb\n\n"] {
            assert_ne!(of("1\ta\n2\tb\n\n"), of(other), "{other:?}");
        }
    }

    #[test]
    fn long_rows_are_the_same_however_they_come() {
        for length in [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 1, 5 * PIECE + 7] {
            let text = [b"x".repeat(length), b"\ny\n\n".to_vec(), b"z".repeat(length), b"\n".to_vec()].concat();
            for chunk in [1000, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, text.len()] {
                assert_eq!(summed(&text, chunk), digest(&text, 0), "{length} in chunks of {chunk}");
            }
        }
    }

    proptest! {
        #[test]
        fn chunks_make_no_difference(text in "[ab\n]{0,200}", chunk in 1_usize..50) {
            let text = format!("{text}\n");
            prop_assert_eq!(summed(text.as_bytes(), chunk), digest(text.as_bytes(), 0));
        }
    }
}
