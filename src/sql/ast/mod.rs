//! What prisma-safe understands of PostgreSQL's DDL: plain values with byte ranges, lowered from the lossless tree.
//!
//! Everything outside `sql/` reads these types and never names the parser. What is not understood is
//! [`StatementKind::Other`] and stays visible as such: it is never taken for harmless.

use std::fmt;

use super::identifier::{quote_identifier, quote_qualified};

mod statement;
mod table;

pub use statement::*;
pub use table::*;

/// A possibly qualified name, with quotes removed and unquoted parts folded to lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The schema, where written.
    pub schema: Option<String>,
    /// The name itself.
    pub name: String,
}

impl Name {
    /// A name without a schema.
    pub fn bare(name: impl Into<String>) -> Self {
        Self { schema: None, name: name.into() }
    }

    /// As SQL names it: in quotes.
    pub fn quoted(&self) -> String {
        match &self.schema {
            Some(schema) => quote_qualified(schema, &self.name),
            None => quote_identifier(&self.name),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}

/// A type as `format_type` would print it: aliases resolved (`int4` and `INTEGER` are `integer`, `VARCHAR(9)` is
/// `character varying` with modifier 9, `TIMESTAMP(3)` is `timestamp without time zone` with modifier 3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DataType {
    /// The schema, where written.
    pub schema: Option<String>,
    /// Canonical name; `serial`, `bigserial` and `smallserial` stay as written.
    pub name: String,
    /// Length, precision, scale.
    pub modifiers: Vec<i64>,
    /// Whether it is an array (PostgreSQL ignores the number of dimensions).
    pub array: bool,
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        // `timestamp(3) without time zone`: the modifier stands after the first word
        let (head, tail) = match self.name.as_str() {
            name @ ("timestamp without time zone"
            | "timestamp with time zone"
            | "time without time zone"
            | "time with time zone") => name.split_once(' ').map_or((name, ""), |(head, tail)| (head, tail)),
            // without quotes it is `character(1)`
            "char" if self.schema.is_none() => ("\"char\"", ""),
            name => (name, ""),
        };
        f.write_str(head)?;
        if !self.modifiers.is_empty() {
            let modifiers: Vec<String> = self.modifiers.iter().map(ToString::to_string).collect();
            write!(f, "({})", modifiers.join(","))?;
        }
        if !tail.is_empty() {
            write!(f, " {tail}")?;
        }
        if self.array {
            f.write_str("[]")?;
        }
        Ok(())
    }
}

/// An expression, kept as text with white space collapsed and comments left out, outside quotes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Expr {
    /// Normalised text.
    pub text: String,
}
