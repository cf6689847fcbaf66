//! A migration's text and its statements.

use super::ast::{Statement, SyntaxError};

/// A parsed migration. The text is kept as it is: CRLF, BOM, comments and all.
#[derive(Debug, Clone)]
pub struct Script {
    text: String,
    statements: Vec<Statement>,
    errors: Vec<SyntaxError>,
}

impl Script {
    /// The text, byte for byte as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The statements in order. Incomplete where [`Script::errors`] is not empty.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Why it could not be read in full; a panic of the parser is one of these.
    pub fn errors(&self) -> &[SyntaxError] {
        &self.errors
    }
}
