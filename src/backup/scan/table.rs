//! Names of tables, read from the head of a `COPY` block.

use memchr::memchr;

use crate::sql::quote_qualified;

/// A table as the dump names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct TableName {
    pub schema: String,
    pub name: String,
}

impl TableName {
    /// From bytes in the server's encoding; what is no UTF-8 is replaced, the same way on every side of a comparison.
    pub fn from_bytes(schema: &[u8], name: &[u8]) -> Self {
        Self { schema: String::from_utf8_lossy(schema).into_owned(), name: String::from_utf8_lossy(name).into_owned() }
    }

    /// As SQL names it: both parts in quotes.
    pub fn quoted(&self) -> String {
        quote_qualified(&self.schema, &self.name)
    }
}

impl std::fmt::Display for TableName {
    /// `schema.name` on one line, without the schema where it is `public`; for people, not for SQL.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.schema != "public" {
            write!(f, "{}.", self.schema.escape_debug())?;
        }
        write!(f, "{}", self.name.escape_debug())
    }
}

/// The table of `public."User" (id, name)`.
pub(super) fn copied_table(text: &[u8]) -> Option<TableName> {
    let (first, rest) = identifier(text)?;
    match rest.strip_prefix(b".") {
        Some(rest) => identifier(rest).map(|(name, _)| TableName::from_bytes(&first, &name)),
        None => Some(TableName::from_bytes(b"", &first)),
    }
}

/// A name, quoted or not, and what follows it.
pub(in crate::backup) fn identifier(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || *byte >= 0x80;
        let end = text.iter().position(|byte| !inside(byte)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_vec(), &text[end..]));
    };
    let mut name = Vec::new();
    loop {
        let end = memchr(b'"', rest)?;
        name.extend_from_slice(&rest[..end]);
        rest = &rest[end + 1..];
        let Some(more) = rest.strip_prefix(b"\"") else { return Some((name, rest)) };
        name.push(b'"');
        rest = more;
    }
}
