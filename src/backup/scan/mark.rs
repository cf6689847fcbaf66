//! What the scanner finds, and where.

use super::TableName;

/// Something that begins or ends at a place in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Bytes of the stream before it.
    pub at: u64,
    pub event: Event,
}

/// What a [`Mark`] stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A statement ended here, other than the head of a `COPY` block.
    Statement,
    /// The rows of this table begin here.
    Data(TableName),
    /// They ended here, with their `\.`.
    DataEnd { rows: u64 },
    /// A comment between statements, without its dashes.
    Comment(String),
    /// A command to psql, without its backslash.
    Command(String),
}

/// The text is not a plain dump.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    #[error("at byte {at}: a COPY statement that could not be read")]
    Copy { at: u64 },
}
