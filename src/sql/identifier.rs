//! Identifiers and string literals: how PostgreSQL reads them, and how Prisma writes them.

use std::fmt;

/// The longest name PostgreSQL keeps, in bytes (`NAMEDATALEN` - 1). Longer ones are cut with a notice.
pub(super) const MAX_BYTES: usize = 63;

/// A schema-qualified name; the default schema is filled in, so equal objects have equal keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// The schema, always known.
    pub schema: String,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

impl ObjectName {
    /// As SQL names it: both parts in quotes.
    pub fn quoted(&self) -> String {
        quote_qualified(&self.schema, &self.name)
    }
}

/// A name as Prisma writes it: always in quotes, inner quotes doubled.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name with its schema, both in quotes.
pub fn quote_qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_identifier(schema), quote_identifier(name))
}

/// A string literal. Backslashes are safe as they are: `standard_conforming_strings` is on since PostgreSQL 9.1.
pub fn quote_literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// Whether PostgreSQL would cut this name: it is longer than 63 bytes.
pub fn identifier_is_cut(name: &str) -> bool {
    name.len() > MAX_BYTES
}

/// The longest beginning of `text` that has at most `bytes` bytes and ends between characters.
pub(super) fn clip(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// A name as PostgreSQL stores it, from a token: quotes removed, else folded to lower case (ASCII only); cut to 63 bytes.
pub(super) fn fold(token: &str) -> String {
    let name = match token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => token.to_ascii_lowercase(),
    };
    cut(name)
}

/// Cuts to 63 bytes between characters.
pub(super) fn cut(mut name: String) -> String {
    name.truncate(clip(&name, MAX_BYTES).len());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_like_postgresql() {
        assert_eq!(fold("User"), "user");
        assert_eq!(fold("\"User\""), "User");
        assert_eq!(fold("\"a\"\"b\""), "a\"b");
        assert_eq!(fold("ÄPFEL"), "Äpfel");
        assert_eq!(fold(&format!("\"{}\"", "ä".repeat(40))), "ä".repeat(31));
    }

    #[test]
    fn quotes() {
        assert_eq!(quote_identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(quote_qualified("a.b", "c\"d"), "\"a.b\".\"c\"\"d\"");
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert!(!identifier_is_cut(&"x".repeat(63)));
        assert!(identifier_is_cut(&"ä".repeat(32)));
    }
}
