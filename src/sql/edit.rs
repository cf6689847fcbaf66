//! Edits by byte range: what is not named by an edit survives byte for byte.

use std::ops::Range;

/// Replaces `range` by `text`; an empty range inserts, an empty text deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub range: Range<usize>,
    /// What stands there instead.
    pub text: String,
}
