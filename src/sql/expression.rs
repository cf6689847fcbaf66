//! Expressions as tokens: enough of SQL's lexical rules to rename in them and to compare them.

use super::ast::Expr;
use super::identifier::{fold, quote_identifier};

/// A piece of an expression's text. All pieces together are the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// White space or a comment.
    Space(&'a str),
    /// A keyword or an unquoted identifier.
    Word(&'a str),
    /// `"…"`
    Quoted(&'a str),
    /// A string literal with its quotes and prefix.
    Text(&'a str),
    Number(&'a str),
    /// A whole operator, `::`, or one other character.
    Symbol(&'a str),
}

/// Makes a piece of its text.
type Kind<'a> = fn(&'a str) -> Piece<'a>;

impl<'a> Piece<'a> {
    pub(crate) fn text(self) -> &'a str {
        match self {
            Self::Space(text)
            | Self::Word(text)
            | Self::Quoted(text)
            | Self::Text(text)
            | Self::Number(text)
            | Self::Symbol(text) => text,
        }
    }

    /// The name, if this may be an identifier.
    pub(crate) fn name(self) -> Option<String> {
        match self {
            Self::Word(text) | Self::Quoted(text) => Some(fold(text)),
            _ => None,
        }
    }

    /// What a plain string literal (`'…'` without a prefix) says.
    pub(crate) fn string(self) -> Option<String> {
        match self {
            Self::Text(text) => text.strip_prefix('\'')?.strip_suffix('\'').map(|inner| inner.replace("''", "'")),
            _ => None,
        }
    }
}

/// Splits an expression's text.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, kind): (usize, Kind<'_>) = match first {
            c if c.is_whitespace() => (run(rest, char::is_whitespace), Piece::Space),
            '\'' => (quoted(rest, 0, '\'', false), Piece::Text),
            '"' => (quoted(rest, 0, '"', false), Piece::Quoted),
            '$' => dollar(rest).map_or((1, Piece::Symbol), |length| (length, Piece::Text)),
            c if c.is_ascii_digit() => {
                (run(rest, |c| c.is_ascii_alphanumeric() || c == '.' || c == '_'), Piece::Number)
            }
            c if is_word_start(c) => word(rest),
            '-' if rest.starts_with("--") => (run(rest, |c| c != '\n'), Piece::Space),
            '/' if rest.starts_with("/*") => (block_comment(rest), Piece::Space),
            ':' if rest.starts_with("::") => (2, Piece::Symbol),
            c if OPERATOR.contains(c) => (operator(rest), Piece::Symbol),
            c => (c.len_utf8(), Piece::Symbol),
        };
        let (head, tail) = rest.split_at(length);
        pieces.push(kind(head));
        rest = tail;
    }
    pieces
}

/// What operators consist of.
const OPERATOR: &str = "+-*/<>=~!@#%^&|`?";

/// The length of an operator; a comment ends it.
fn operator(text: &str) -> usize {
    let end = run(text, |c| OPERATOR.contains(c));
    let comment = [text.find("--"), text.find("/*")].into_iter().flatten().min();
    end.min(comment.unwrap_or(end))
}

/// The length of a block comment; they nest.
pub(crate) fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(next) = text[at..].find(['/', '*']) {
        at += next;
        match text.get(at..at + 2) {
            Some("/*") => depth += 1,
            Some("*/") => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// A word, or a literal with a prefix: `E'…'`, `B'…'`, `X'…'`, `N'…'`, `U&'…'`, `U&"…"`.
fn word<'a>(text: &'a str) -> (usize, Kind<'a>) {
    let bytes = text.as_bytes();
    match (bytes[0].to_ascii_lowercase(), bytes.get(1), bytes.get(2)) {
        (b'e', Some(b'\''), _) => (quoted(text, 1, '\'', true), Piece::Text),
        (b'b' | b'x' | b'n', Some(b'\''), _) => (quoted(text, 1, '\'', false), Piece::Text),
        (b'u', Some(b'&'), Some(b'\'')) => (quoted(text, 2, '\'', false), Piece::Text),
        (b'u', Some(b'&'), Some(b'"')) => (quoted(text, 2, '"', false), Piece::Quoted),
        _ => (run(text, |c| is_word_start(c) || c.is_ascii_digit() || c == '$'), Piece::Word),
    }
}

/// The length of what stands in quotes from byte `open` on; doubled quotes, and after backslashes any, belong to it.
fn quoted(text: &str, open: usize, quote: char, backslashes: bool) -> usize {
    let mut chars = text.char_indices().skip(open + 1).peekable();
    while let Some((at, c)) = chars.next() {
        if backslashes && c == '\\' {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    text.len()
}

/// The length of `$tag$…$tag$`.
fn dollar(text: &str) -> Option<usize> {
    let tag = run(&text[1..], |c| is_word_start(c) || c.is_ascii_digit()) + 2;
    let delimiter = text.get(..tag).filter(|delimiter| delimiter.ends_with('$'))?;
    Some(text[tag..].find(delimiter).map_or(text.len(), |end| tag + end + tag))
}

impl Expr {
    /// Whether a column of this name is used. A word before `(` is a function and one after `::` a type.
    pub(crate) fn mentions(&self, column: &str) -> bool {
        mentions(&self.text, column)
    }
}

/// Whether a column of this name is used in an expression's text.
pub(crate) fn mentions(text: &str, column: &str) -> bool {
    let pieces = pieces(text);
    (0..pieces.len()).any(|at| is_column(&pieces, at, column))
}

/// The text with a column renamed; none if it does not mention the column.
pub(crate) fn rename_column(text: &str, from: &str, to: &str) -> Option<String> {
    replace(text, |pieces, at| is_column(pieces, at, from).then(|| quote_identifier(to)))
}

/// The text with some pieces replaced; none if nothing was.
pub(crate) fn replace(text: &str, mut by: impl FnMut(&[Piece<'_>], usize) -> Option<String>) -> Option<String> {
    let pieces = pieces(text);
    let mut changed = false;
    let mut result = String::with_capacity(text.len());
    for at in 0..pieces.len() {
        match by(&pieces, at) {
            Some(new) => {
                changed = true;
                result.push_str(&new);
            }
            None => result.push_str(pieces[at].text()),
        }
    }
    changed.then_some(result)
}

/// Whether the piece is a column of this name: no function, and no type.
pub(crate) fn is_column(pieces: &[Piece<'_>], at: usize, column: &str) -> bool {
    let is = |at: Option<usize>, symbol: &str| at.and_then(|at| pieces.get(at)) == Some(&Piece::Symbol(symbol));
    pieces[at].name().is_some_and(|name| name == column)
        && !is(beside(pieces, at, true), "(")
        && !is(beside(pieces, at, false), "::")
        && !is(beside(pieces, at, true), ".")
}

/// The next piece (or the one before) that is not space.
pub(crate) fn beside(pieces: &[Piece<'_>], at: usize, after: bool) -> Option<usize> {
    let solid = |at: &usize| !matches!(pieces[*at], Piece::Space(_));
    if after { (at + 1..pieces.len()).find(solid) } else { (0..at).rev().find(solid) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_are_the_text(text in "[a-zA-Z0-9_ ä$'\"&:.()/*\n\\\\-]{0,40}") {
            let all: String = pieces(&text).into_iter().map(Piece::text).collect();
            prop_assert_eq!(all, text);
        }
    }

    #[test]
    fn renames_columns_only() {
        let rename = |text: &str| rename_column(text, "lower", "b");
        assert_eq!(rename("lower(lower) = 'lower'::lower"), Some("lower(\"b\") = 'lower'::lower".to_owned()));
        assert_eq!(rename("\"LOWER\" || E'a\\'lower' || $x$lower$x$"), None);
        assert_eq!(rename("t.LOWER"), Some("t.\"b\"".to_owned()));
    }
}
