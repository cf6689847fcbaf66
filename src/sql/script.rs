//! A migration's text and its statements.

use super::ast::{Statement, SyntaxError};
use super::comments::Comment;
use super::lower;

/// A parsed migration. The text is kept as it is: CRLF, BOM, comments and all.
#[derive(Debug, Clone)]
pub struct Script {
    text: String,
    statements: Vec<Statement>,
    comments: Vec<Comment>,
    errors: Vec<SyntaxError>,
}

/// A place in a text, as editors count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1. A byte order mark is no character.
    pub column: usize,
}

impl Script {
    /// Reads a script. What PostgreSQL's grammar refuses, or the parser breaks on, is told in [`Script::errors`].
    pub fn parse(text: impl Into<String>) -> Self {
        let text = text.into();
        let lower::Lowered { statements, comments, errors } = lower::lower(&text);
        Self { text, statements, comments, errors }
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
        Position::of(&self.text, offset)
    }
}

impl Position {
    /// Where a byte of a text stands; an offset past the end is the end.
    pub fn of(text: &str, offset: usize) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before[line_start..].chars().filter(|c| *c != '\u{feff}').count() + 1;
        Self { line, column }
    }
}
