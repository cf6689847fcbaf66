//! What a fix would change, as lines before and after.

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::rules::Fix;
use crate::sql::edit;

/// A fix as the page shows it.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    title: String,
    /// Lines of the migration that change, with a line around them.
    lines: Vec<Line>,
    /// Migrations that follow.
    following: Vec<String>,
    /// `@@index` on these columns.
    index: Option<String>,
}

/// A line of a difference.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    sign: &'static str,
    text: String,
}

/// The lines that differ, with a line around them.
pub(super) fn lines(before: &str, after: &str) -> Vec<Line> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => "-",
                ChangeTag::Insert => "+",
                ChangeTag::Equal => " ",
            };
            lines.push(Line { sign, text: change.value().trim_end_matches(['\r', '\n']).to_owned() });
        }
    }
    lines
}

/// Lines that are gone.
pub(super) fn removed(text: &str) -> Vec<Line> {
    text.lines().map(|line| Line { sign: "-", text: line.to_owned() }).collect()
}

pub(super) fn of(fix: &Fix, sql: &str) -> Change {
    let after = edit::apply(sql, &fix.edits).unwrap_or_else(|_| sql.to_owned());
    Change {
        title: fix.title.clone(),
        lines: lines(sql, &after),
        following: fix.following.iter().map(|it| it.sql.clone()).collect(),
        index: fix.index.as_ref().map(|index| index.columns.join(", ")),
    }
}
