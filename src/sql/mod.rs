//! SQL text: lossless, as statements with byte ranges, edits and directives. Only this folder and `rules/squawk.rs`
//! name the parser.

mod ast;
mod atomicity;
pub mod calls;
pub mod code;
mod comments;
pub mod data_type;
pub mod edit;
pub(crate) mod expression;
pub(crate) mod guard;
mod identifier;
mod local;
mod lower;
pub(crate) mod naming;
mod new_value;
mod once;
pub mod options;
pub(crate) mod outside;
mod script;
mod search_path;
mod sections;
#[cfg(test)]
mod tests;
pub mod tokens;
mod unsendable;

pub use ast::*;
pub use atomicity::Atomicity;
pub use comments::Comment;
pub use edit::{Edit, Overlap};
pub use identifier::{ObjectName, identifier_is_cut, quote_identifier, quote_literal, quote_qualified};
pub(crate) use local::ends_with_transaction;
pub use naming::{DefaultName, default_name};
pub use new_value::{Types, Untold, UsedValue};
pub use once::Sql;
pub use script::{Lines, Position, Script, line_at};
pub(crate) use search_path::SearchPath;
pub use sections::{Section, Way, Whole};
pub use unsendable::{Unsendable, in_utf8};
