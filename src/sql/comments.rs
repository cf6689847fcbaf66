//! Comments: where directives stand (`-- prisma-safe:allow …`) and where Prisma writes its warnings.

use std::ops::Range;

use super::Script;

/// A line or block comment, inside or outside a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its bytes in the script, without the end of the line.
    pub range: Range<usize>,
    /// Its text with `--` or `/* */`.
    pub text: String,
}

impl Script {
    /// Prisma's block of warnings on top of a draft (`/* Warnings: … */`), where there is one before the first statement.
    pub fn warnings_header(&self) -> Option<Range<usize>> {
        let first = self.statements().first().map_or(usize::MAX, |statement| statement.range.start);
        self.comments()
            .iter()
            .take_while(|comment| comment.range.start < first)
            .find(|comment| {
                let inner = comment.text.strip_prefix("/*");
                inner.is_some_and(|inner| inner.trim_start().starts_with("Warnings:"))
            })
            .map(|comment| comment.range.clone())
    }
}
