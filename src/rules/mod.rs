//! The review's rules. One rule is a constant with its page (`x.md`) and a `check` (`x.rs`); [`RULES`] is the registry
//! that `explain`, SARIF, the README and the tests read.

use std::ops::Range;

use serde::Serialize;

use crate::catalog::Catalog;
use crate::sql::{Edit, Script};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Likely to hurt.
    Warning,
    /// Blocks a deploy until it is accepted in the migration file.
    Error,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Names the problem, in kebab-case: `drop-column`.
    pub id: &'static str,
    /// One line, lower case: what it flags.
    pub summary: &'static str,
    /// What a finding has unless the facts say otherwise.
    pub severity: Severity,
    /// Whether `-- prisma-safe:allow` may accept it.
    pub acceptable: bool,
    /// The page: what, why, bad, instead, version, source.
    pub page: &'static str,
    /// Looks at one migration.
    pub check: fn(&Subject<'_>, &mut Vec<Finding>),
}

/// What a rule looks at: one migration and what is known around it.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The migration's directory name.
    pub migration: &'a str,
    /// Its SQL.
    pub script: &'a Script,
    /// The catalog just before it.
    pub before: &'a Catalog,
    /// The catalog after it.
    pub after: &'a Catalog,
    /// What the target says, where it was asked.
    pub live: Option<&'a dyn Live>,
}

/// Questions to the target, read-only and bounded in time. `None` is "not known".
pub trait Live: std::fmt::Debug {
    /// `server_version_num`.
    fn server_version(&self) -> u32;
    /// Rows of a table: exact below some thousand, else estimated. `None` also where the table does not exist.
    fn rows(&self, table: &crate::catalog::ObjectName) -> Option<u64>;
    /// Rows whose column is not null.
    fn non_null(&self, table: &crate::catalog::ObjectName, column: &str) -> Option<u64>;
}

/// A fact behind a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// `measured` on the target, `replayed` from the migrations, `prisma` said it.
    pub kind: &'static str,
    /// One line.
    pub text: String,
}

/// A machine-applicable way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in a line.
    pub title: String,
    /// The edits.
    pub edits: Vec<Edit>,
}

/// Something the review has to say about a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// How bad it is here.
    pub severity: Severity,
    /// What it is about, as the acceptance names it: `Song.artist`, `Song`, `enum Role.USER`.
    pub object: String,
    /// Where in the migration's text; none for what has no place (a missing migration).
    pub range: Option<Range<usize>>,
    /// What happens, in a sentence.
    pub message: String,
    /// What to do instead.
    pub help: String,
    /// What is known about it.
    pub evidence: Vec<Evidence>,
    /// A way out that a machine can apply.
    pub fix: Option<Fix>,
    /// The line in the migration that accepts it.
    pub accepted: Option<Acceptance>,
}

/// `-- prisma-safe:allow RULE(OBJECT): REASON`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The rule's id.
    pub rule: String,
    /// The object.
    pub object: String,
    /// Why it is fine. Never empty.
    pub reason: String,
    /// The line in the file, from 1.
    pub line: usize,
}

/// Every rule, in the order of the README's table.
pub const RULES: &[&Rule] = &[];
