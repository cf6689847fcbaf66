//! A review as people and machines read it: one format a file.

mod alike;
mod args;
pub mod backfill;
pub mod failure;
mod github;
pub mod guard;
mod html;
mod human;
mod json;
mod markdown;
mod page;
pub mod phases;
pub mod renames;
pub mod rollback;
mod sarif;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use self::args::Args;
pub use self::html::deployment::Deployment;
pub use self::html::monitor::{MonitorPage, monitor};
pub use self::page::Page;
use crate::review::{Review, Reviewed, Verdict};
use crate::rules::{Finding, Severity};
use crate::sql::Lines;
use crate::ui::counted;

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For a terminal, in rustc's look.
    #[default]
    Human,
    /// One document; `schemas/review.schema.json` describes it.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands that become annotations on GitHub.
    Github,
    /// For a comment on a pull request.
    Markdown,
    /// One self-contained page.
    Html,
}

/// What a report needs to know besides the review.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Colours are on; only the human format has any.
    pub color: bool,
    /// The terminal's width in columns.
    pub width: usize,
    /// Paths are printed relative to this directory.
    pub root: &'a Path,
}

/// The review in this format, with a line end at its end.
pub fn render(review: &Review, format: Format, look: Look<'_>) -> String {
    match format {
        Format::Human => human::render(review, look),
        Format::Json => json::render(review, look),
        Format::Sarif => sarif::render(review, look),
        Format::Github => github::render(review, look),
        Format::Markdown => markdown::render(review, look),
        Format::Html => html::render(review, look),
    }
}

/// The review as the JSON format has it; none if it is no JSON, which a test excludes.
pub fn document(review: &Review, root: &Path) -> Option<serde_json::Value> {
    serde_json::from_str(&render(review, Format::Json, Look { color: false, width: 100, root })).ok()
}

/// Where a finding stands, from 1 in lines and characters; a finding without a place stands at the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

fn place(sql: &str, finding: &Finding) -> Place {
    place_of(sql, &Lines::of(sql), &finding.range.clone().unwrap_or(0..0))
}

fn place_of(sql: &str, lines: &Lines, range: &std::ops::Range<usize>) -> Place {
    let (start, end) = (lines.position(sql, range.start), lines.position(sql, range.end));
    Place { line: start.line, column: start.column, end_line: end.line, end_column: end.column }
}

/// A migration's path for reports: relative, with slashes.
fn path(migration: &Reviewed, root: &Path) -> String {
    let path = migration.path.strip_prefix(root).unwrap_or(&migration.path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The line everybody reads: `2 errors, 1 warning in 3 migrations`.
fn summary(review: &Review) -> String {
    let many = |number: usize, what: &str| counted(number as u64, what);
    let migrations = many(review.migrations.len(), "migration");
    let parts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "note")]
        .into_iter()
        .map(|(severity, what)| (review.count(severity), what))
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| many(number, what))
        .collect();
    let accepted = review.findings().filter(|finding| finding.accepted.is_some()).count();
    match (parts.is_empty(), accepted) {
        (true, 0) => format!("no findings in {migrations}"),
        (true, accepted) => format!("{} in {migrations}", many(accepted, "accepted finding")),
        (false, 0) => format!("{} in {migrations}", parts.join(", ")),
        (false, accepted) => format!("{} in {migrations}, {accepted} accepted in the file", parts.join(", ")),
    }
}

/// What the verdict means for a deploy.
fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "nothing blocks a deploy",
        Verdict::Warn => "can be deployed; read the warnings first",
        Verdict::Fail => "will not be deployed until each error is resolved or accepted",
    }
}
