//! SQL text: lossless, as statements with byte ranges, edits and directives. Only this folder and `rules/squawk.rs`
//! name the parser.

pub mod ast;
pub mod edit;
pub mod script;

pub use ast::*;
pub use edit::Edit;
pub use script::Script;
