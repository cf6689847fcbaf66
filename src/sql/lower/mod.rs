//! From the parser's tree to plain values.

mod alter;
mod objects;
mod statement;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod types;

use squawk_syntax::ast::{AstNode as _, Stmt};
use squawk_syntax::{SourceFile, SyntaxKind};

use super::ast::{Statement, SyntaxError};
use super::calls;
use super::comments::Comment;
use super::guard;

/// What a text was lowered to.
#[derive(Default)]
pub(super) struct Lowered {
    pub(super) statements: Vec<Statement>,
    pub(super) comments: Vec<Comment>,
    pub(super) errors: Vec<SyntaxError>,
}

/// Parses and lowers; a panic of the parser is an error over the whole text.
pub(super) fn lower(text: &str) -> Lowered {
    if u32::try_from(text.len()).is_err() {
        return broken(text, "longer than 4 GiB");
    }
    guard::catch(text, || read(text))
        .unwrap_or_else(|reason| broken(text, &format!("it could not be parsed: {reason}")))
}

fn broken(text: &str, why: &str) -> Lowered {
    let error = SyntaxError { range: 0..text.len(), message: why.to_owned() };
    Lowered { errors: vec![error], ..Lowered::default() }
}

fn read(text: &str) -> Lowered {
    let parse = SourceFile::parse(text);
    let file = parse.tree();
    let tokens = file.syntax().descendants_with_tokens().filter_map(|element| element.into_token());
    let comments = tokens
        .filter(|token| token.kind() == SyntaxKind::COMMENT)
        .map(|token| {
            let text = token.text().trim_end_matches('\r').to_owned();
            let start = usize::from(token.text_range().start());
            Comment { range: start..start + text.len(), text }
        })
        .collect();
    let statements = file
        .stmts()
        .filter(|statement| !matches!(statement, Stmt::EmptyStmt(_)))
        .map(|statement| {
            let (range, kind) = (tree::range(statement.syntax()), statement::lower(&statement));
            let calls = calls::of(&kind, text.get(range.clone()).unwrap_or_default());
            Statement { range, kind, calls }
        })
        .collect();
    let errors = parse
        .errors()
        .iter()
        .map(|error| SyntaxError { range: error.range().into(), message: error.message().to_owned() })
        .collect();
    Lowered { statements, comments, errors }
}
