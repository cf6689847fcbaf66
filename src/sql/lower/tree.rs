//! Reading nodes of the parser's tree.

use std::ops::Range;

use squawk_syntax::ast::{self, AstNode, DropBehavior};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::sql::ast::{Expr, Name};
use crate::sql::identifier;

/// A node's bytes. Space and comments never stand at a node's ends.
pub(super) fn range(node: &SyntaxNode) -> Range<usize> {
    node.text_range().into()
}

/// The first child of a type.
pub(super) fn child<N: AstNode>(node: &SyntaxNode) -> Option<N> {
    node.children().find_map(N::cast)
}

/// The first node of a type below.
pub(super) fn below<N: AstNode>(node: &SyntaxNode) -> Option<N> {
    node.descendants().find_map(N::cast)
}

/// An identifier as PostgreSQL stores it.
pub(super) fn ident(node: &SyntaxNode) -> String {
    let token = node.first_token();
    let text = token.as_ref().map_or("", |token| token.text());
    if text.starts_with(['u', 'U']) && text[1..].starts_with("&\"") {
        return identifier::cut(ast::normalize_name_node(node));
    }
    identifier::fold(text)
}

/// [`ident`] of a node that should be there.
pub(super) fn ident_of<N: AstNode>(node: Option<N>) -> String {
    node.map(|node| ident(node.syntax())).unwrap_or_default()
}

/// The parts of a dotted name.
pub(super) fn path(node: &SyntaxNode) -> Vec<String> {
    let segments = node
        .descendants()
        .filter(|node| matches!(node.kind(), SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF));
    segments.map(|segment| ident(&segment)).collect()
}

/// A possibly qualified name; a database before the schema is left out.
pub(super) fn name(node: &SyntaxNode) -> Name {
    let mut parts = path(node);
    let name = parts.pop().unwrap_or_default();
    Name { schema: parts.pop(), name }
}

/// [`name`] of a node that should be there.
pub(super) fn name_of<N: AstNode>(node: Option<N>) -> Name {
    node.map_or_else(|| Name::bare(""), |node| name(node.syntax()))
}

/// Whether `ONLY` stands before a table's name.
pub(super) fn only(node: &SyntaxNode) -> bool {
    let tokens = node.descendants_with_tokens().filter_map(|element| element.into_token());
    tokens.into_iter().any(|token| token.kind() == SyntaxKind::ONLY_KW)
}

/// The names of nodes in a row.
pub(super) fn names<N: AstNode>(nodes: impl Iterator<Item = N>) -> Vec<Name> {
    nodes.map(|node| name(node.syntax())).collect()
}

/// The column names anywhere below a list.
pub(super) fn columns<N: AstNode>(list: Option<N>) -> Vec<String> {
    let Some(list) = list else { return Vec::new() };
    list.syntax().descendants().filter_map(ast::ColumnNameRef::cast).map(|column| ident(column.syntax())).collect()
}

/// A string literal's value.
pub(super) fn string(literal: Option<ast::Literal>) -> String {
    literal.and_then(|literal| literal.string_value()).unwrap_or_default()
}

/// A node's text on one line, without comments.
pub(super) fn text(node: &SyntaxNode) -> String {
    let mut text = String::new();
    let mut gap = false;
    for token in node.descendants_with_tokens().filter_map(|element| element.into_token()) {
        if token.kind().is_trivia() {
            gap = true;
            continue;
        }
        let glued = text.is_empty() || text.ends_with(['(', '[']) || matches!(token.text(), ")" | "]" | ",");
        if gap && !glued {
            text.push(' ');
        }
        gap = false;
        text.push_str(token.text());
    }
    text
}

/// An expression.
pub(super) fn expr(node: Option<ast::Expr>) -> Option<Expr> {
    node.map(|node| Expr { text: text(node.syntax()) })
}

/// The keywords a node begins with, in upper case, up to the first name, literal or punctuation.
pub(super) fn words(node: &SyntaxNode) -> String {
    let mut words = String::new();
    let tokens = node.descendants_with_tokens().filter_map(|element| element.into_token());
    for token in tokens.filter(|token| !token.kind().is_trivia()) {
        if !token.kind().is_keyword() {
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(&token.text().to_ascii_uppercase());
    }
    words
}

/// Whether `CASCADE` is written.
pub(super) fn cascade(behavior: Option<&DropBehavior>) -> bool {
    matches!(behavior, Some(DropBehavior::Cascade(_)))
}
