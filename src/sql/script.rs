//! A migration's text and its statements.

use std::ops::Range;
use std::sync::Arc;

use super::ast::{Statement, SyntaxError};
use super::comments::Comment;
use super::lower;

/// A parsed migration. The text is kept as it is: CRLF, BOM, comments and all.
#[derive(Debug, Clone)]
pub struct Script {
    text: Arc<str>,
    statements: Vec<Statement>,
    comments: Vec<Comment>,
    errors: Vec<SyntaxError>,
    lines: Lines,
}

/// Where the lines of a text end: a review asks for the place of every finding, and counting from the start of the text each
/// time takes the square of its length.
#[derive(Debug, Clone)]
pub struct Lines(Vec<usize>);

/// A place in a text, as editors count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1. A byte order mark does not count.
    pub column: usize,
}

impl Script {
    /// Reads a script. What PostgreSQL's grammar refuses, or the parser breaks on, is in [`Script::errors`].
    pub fn parse(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let lower::Lowered { statements, comments, errors } = lower::lower(&text);
        let lines = Lines::of(&text);
        Self { text, statements, comments, errors, lines }
    }

    /// The text, byte for byte as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The statements in order. Incomplete where [`Script::errors`] is not empty.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Every comment in order, outside and inside statements.
    pub fn comments(&self) -> &[Comment] {
        &self.comments
    }

    /// Why it could not be read in full; a panic of the parser is one of these.
    pub fn errors(&self) -> &[SyntaxError] {
        &self.errors
    }

    /// The line and column of a byte; an offset past the end is the end.
    pub fn position(&self, offset: usize) -> Position {
        self.lines.position(&self.text, offset)
    }
}

/// The line of a text, from 1, that a server's position in a piece of it means; the piece's first line without one.
pub fn line_at(text: &str, piece: &Range<usize>, position: Option<u32>) -> usize {
    let inside = position.and_then(|position| {
        // the server counts characters from 1
        text[piece.clone()].char_indices().nth(usize::try_from(position).ok()?.checked_sub(1)?)
    });
    let offset = piece.start + inside.map_or(0, |(offset, _)| offset);
    text[..offset].matches('\n').count() + 1
}

impl Lines {
    /// The lines of a text.
    pub fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// Where a byte of the same text stands; an offset past the end is the end.
    pub fn position(&self, text: &str, offset: usize) -> Position {
        let offset = text.floor_char_boundary(offset);
        let before = self.0.partition_point(|newline| *newline < offset);
        let start = before.checked_sub(1).and_then(|last| self.0.get(last)).map_or(0, |newline| newline + 1);
        let column = text[start..offset].chars().filter(|c| *c != '\u{feff}').count() + 1;
        Position { line: before + 1, column }
    }
}
