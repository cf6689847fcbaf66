//! Words and literals of a piece of SQL, for what no syntax tree is at hand: the bodies of `DO` blocks, default
//! expressions, statements the lowering leaves as text. Never fails: what is not closed ends with the text.

use crate::sql::Name;
use crate::sql::expression::block_comment;

/// A token and what it is. White space and comments are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// A literal or quoted identifier without its quotes (doubled quotes stay doubled), else as written.
    pub text: &'a str,
    /// Where it begins, quotes included.
    pub start: usize,
    /// Where it ends, quotes included.
    pub end: usize,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A keyword, a number, or an unquoted identifier.
    Word,
    /// `"identifier"`.
    Quoted,
    /// `'literal'` or `$$literal$$`.
    Literal,
    /// Any other single character.
    Symbol,
}

impl Token<'_> {
    /// Whether it is this keyword.
    pub fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// The name that it stands for as an identifier: folded to lower case unless it is quoted. None for what names nothing.
    pub fn identifier(&self) -> Option<String> {
        match self.kind {
            Kind::Quoted => Some(self.text.replace("\"\"", "\"")),
            Kind::Word => Some(self.text.to_lowercase()),
            Kind::Literal | Kind::Symbol => None,
        }
    }

    /// Whether it is this character.
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }
}

/// The tokens of a text.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (length, token) = if first.is_whitespace() {
            (first.len_utf8(), None)
        } else if rest.starts_with("--") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") {
            (block_comment(rest), None)
        } else if first == '\'' {
            let escapes = tokens.last().is_some_and(|last: &Token<'_>| last.is("e") && last.start + 1 == at);
            delimited(rest, b'\'', escapes, Kind::Literal)
        } else if first == '"' {
            delimited(rest, b'"', false, Kind::Quoted)
        } else if let Some(tag) = dollar_tag(rest) {
            let body = &rest[tag.len()..];
            let end = body.find(tag).unwrap_or(body.len());
            ((end + 2 * tag.len()).min(rest.len()), Some((Kind::Literal, &body[..end])))
        } else if is_word(first) {
            let end = rest.find(|c| !is_word(c) && c != '$').unwrap_or(rest.len());
            (end, Some((Kind::Word, &rest[..end])))
        } else {
            (first.len_utf8(), Some((Kind::Symbol, &rest[..first.len_utf8()])))
        };
        tokens.extend(token.map(|(kind, text)| Token { kind, text, start: at, end: at + length }));
        at += length;
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What stands between two quotes, a doubled quote being part of it.
fn delimited(text: &str, quote: u8, escapes: bool, kind: Kind) -> (usize, Option<(Kind, &str)>) {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        if escapes && bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at] != quote {
            at += 1;
        } else if bytes.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return (at + 1, Some((kind, &text[1..at])));
        }
    }
    (text.len(), Some((kind, &text[1..])))
}

/// `$$` or `$tag$` at the beginning.
fn dollar_tag(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('$')?;
    let end = rest.find('$')?;
    let tag = &rest[..end];
    let named = tag.chars().all(is_word) && !tag.starts_with(|c: char| c.is_ascii_digit());
    named.then(|| &text[..end + 2])
}

/// Whether these keywords stand one after the other; gives what follows them.
pub fn after<'t, 'a>(tokens: &'t [Token<'a>], phrase: &str) -> Option<&'t [Token<'a>]> {
    let words: Vec<&str> = phrase.split(' ').collect();
    let stands =
        |at: usize| words.iter().zip(&tokens[at..]).filter(|(word, token)| token.is(word)).count() == words.len();
    let at = (0..tokens.len()).find(|at| stands(*at))?;
    Some(&tokens[at + words.len()..])
}

/// The possibly qualified name at the beginning, folded as PostgreSQL does, and what follows it.
pub fn name<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<(Name, &'t [Token<'a>])> {
    let part = |at: usize| tokens.get(at)?.identifier();
    let first = part(0)?;
    if tokens.get(1).is_some_and(|token| token.is_symbol("."))
        && let Some(second) = part(2)
    {
        return Some((Name { schema: Some(first), name: second }, &tokens[3..]));
    }
    Some((Name::bare(first), &tokens[1..]))
}

/// Whether a statement's last `WHERE` lets every row through: `WHERE true`, `WHERE 1 = 1`.
pub fn where_is_trivial(text: &str) -> bool {
    let tokens = tokens(text);
    let Some(at) = tokens.iter().rposition(|token| token.is("where")) else { return true };
    let rest: Vec<&Token<'_>> = tokens[at + 1..]
        .iter()
        .take_while(|token| !token.is("returning"))
        .filter(|token| token.kind != Kind::Symbol || !matches!(token.text, "(" | ")" | ";"))
        .collect();
    match rest.as_slice() {
        [] => true,
        [only] => only.is("true") || only.kind == Kind::Literal,
        [left, equal, right] => equal.is_symbol("=") && left.kind == right.kind && left.text == right.text,
        _ => false,
    }
}

/// Words that stand before a parenthesis without being a function.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "as",
    "between",
    "by",
    "case",
    "conflict",
    "copy",
    "distinct",
    "else",
    "exists",
    "filter",
    "from",
    "group",
    "having",
    "ilike",
    "in",
    "is",
    "like",
    "not",
    "null",
    "on",
    "or",
    "over",
    "returning",
    "select",
    "set",
    "some",
    "then",
    "using",
    "values",
    "when",
    "where",
    "with",
];

/// Names of the functions a piece of SQL calls, in lower case. A type with a modifier, as in `::varchar(9)`, is not a call.
pub fn calls(text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let after_cast = |at: usize| at > 0 && (tokens[at - 1].is_symbol(":") || tokens[at - 1].is("as"));
    // `(VALUES (1)) v (x)` names columns
    let alias = |at: usize| at > 0 && tokens[at - 1].is_symbol(")");
    // `INSERT INTO a.b (c)` lists columns
    let listed = |at: usize| {
        let name = if at >= 2 && tokens[at - 1].is_symbol(".") { at - 2 } else { at };
        name > 0 && tokens[name - 1].is("into")
    };
    (0..tokens.len().saturating_sub(1))
        .filter(|&at| matches!(tokens[at].kind, Kind::Word | Kind::Quoted) && tokens[at + 1].is_symbol("("))
        .filter(|&at| !after_cast(at) && !alias(at) && !listed(at))
        .map(|at| tokens[at].text.to_lowercase())
        .filter(|name| !KEYWORDS.contains(&name.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(sql: &str) -> Vec<(Kind, &str)> {
        tokens(sql).into_iter().map(|token| (token.kind, token.text)).collect()
    }

    #[test]
    fn strings_and_comments_hide_words() {
        let sql = "DROP -- TABLE\n /* a /* b */ TRUNCATE */ 'DELETE''s' \"T\" $x$ UPDATE $$ $x$ E'\\'x' ;";
        assert_eq!(
            texts(sql),
            [
                (Kind::Word, "DROP"),
                (Kind::Literal, "DELETE''s"),
                (Kind::Quoted, "T"),
                (Kind::Literal, " UPDATE $$ "),
                (Kind::Word, "E"),
                (Kind::Literal, "\\'x"),
                (Kind::Symbol, ";"),
            ]
        );
    }

    #[test]
    fn calls_are_not_types() {
        assert_eq!(calls("gen_random_uuid()"), ["gen_random_uuid"]);
        assert_eq!(calls("'x'::character varying(9)"), ["varying"]);
        assert_eq!(calls("'now()'::varchar(9)"), Vec::<String>::new());
        assert_eq!(calls("cast(a as numeric(3, 1))"), ["cast"]);
        assert_eq!(calls("INSERT INTO a.\"b\" (c) SELECT f(1)"), ["f"]);
        assert_eq!(calls("CASE WHEN (a IN (1)) THEN (2) END"), Vec::<String>::new());
    }

    #[test]
    fn a_condition_that_says_nothing_is_none() {
        for text in [
            "DELETE FROM a",
            "DELETE FROM a WHERE true;",
            "DELETE FROM a WHERE (1 = 1)",
            "DELETE FROM a WHERE true RETURNING b",
            "DELETE FROM a WHERE b=b",
        ] {
            assert!(where_is_trivial(text), "{text}");
        }
        for text in ["DELETE FROM a WHERE b = 1", "DELETE FROM a WHERE b IS NULL", "DELETE FROM a WHERE b"] {
            assert!(!where_is_trivial(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_stays_inside(sql in "[a-z'\"$/*\\-\\\\E ä\n();:]{0,60}") {
            for token in tokens(&sql) {
                prop_assert!(sql[token.start..token.end].contains(token.text));
            }
        }
    }
}
