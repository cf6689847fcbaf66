//! Edits by byte range: what is not named by an edit survives byte for byte.

use std::ops::Range;

use thiserror::Error;

/// Replaces `range` by `text`; an empty range inserts, an empty text deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub range: Range<usize>,
    /// What stands there instead.
    pub text: String,
}

/// Why edits cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Overlap {
    /// Two edits touch the same bytes.
    #[error("two edits overlap at bytes {}..{} and {}..{}", first.start, first.end, second.start, second.end)]
    Edits { first: Range<usize>, second: Range<usize> },
    /// An edit's range is not a range of the text, or cuts a character in two.
    #[error("bytes {}..{} are not a place in the text", range.start, range.end)]
    Outside { range: Range<usize> },
}

/// Applies the edits, in any order given. Insertions at the same place keep their order and come before a replacement
/// that starts there.
///
/// # Errors
/// [`Overlap`] when two edits overlap or one does not fit the text; nothing is applied then.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, Overlap> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.range.start, edit.range.end)); // stable: insertions keep their order
    let mut result = String::with_capacity(text.len());
    let mut done = 0..0;
    for edit in sorted {
        let range = &edit.range;
        if text.get(range.clone()).is_none() {
            return Err(Overlap::Outside { range: range.clone() });
        }
        if range.start < done.end {
            return Err(Overlap::Edits { first: done, second: range.clone() });
        }
        result.push_str(&text[done.end..range.start]);
        result.push_str(&edit.text);
        done = range.clone();
    }
    result.push_str(&text[done.end..]);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edit(range: Range<usize>, text: &str) -> Edit {
        Edit { range, text: text.to_owned() }
    }

    #[test]
    fn applies_in_any_order() {
        let edits = [edit(4..7, "cat"), edit(0..0, "> "), edit(4..4, "big "), edit(4..4, "fat ")];
        assert_eq!(apply("the dog", &edits), Ok("> the big fat cat".to_owned()));
    }

    #[test]
    fn refuses_what_does_not_fit() {
        assert!(matches!(apply("abc", &[edit(0..2, ""), edit(1..3, "")]), Err(Overlap::Edits { .. })));
        assert!(matches!(apply("abc", &[edit(0..3, ""), edit(2..2, "x")]), Err(Overlap::Edits { .. })));
        assert!(matches!(apply("abc", &[edit(2..4, "")]), Err(Overlap::Outside { .. })));
        assert!(matches!(apply("ä", &[edit(1..2, "")]), Err(Overlap::Outside { .. })));
        #[expect(clippy::reversed_empty_ranges, reason = "the wrong range is the test")]
        let reversed = edit(2..1, "");
        assert!(matches!(apply("abc", &[reversed]), Err(Overlap::Outside { .. })));
    }

    proptest! {
        #[test]
        fn keeps_everything_else(text in ".{0,40}", at in 0usize..40, length in 0usize..10, new in ".{0,5}") {
            let range = at..at + length;
            match apply(&text, &[edit(range.clone(), &new)]) {
                Ok(result) => {
                    prop_assert_eq!(&result[..at], &text[..at]);
                    prop_assert_eq!(&result[at + new.len()..], &text[range.end..]);
                }
                Err(_) => prop_assert!(text.get(range).is_none()),
            }
        }
    }
}
