//! For a comment on a pull request: the verdict, a table of findings, and each one with its SQL, folded.

use super::{Look, meaning, path, place, summary};
use crate::review::{Review, Reviewed, Verdict};
use crate::rules::{Finding, Severity};

/// Longer statements are cut: a comment holds at most 65,536 characters.
const SHOWN: usize = 600;

pub(super) fn render(review: &Review, look: Look<'_>) -> String {
    let sign = match review.verdict {
        Verdict::Pass => "✅ Pass",
        Verdict::Warn => "⚠️ Warn",
        Verdict::Fail => "❌ Fail",
    };
    let mut blocks =
        vec![format!("## {sign}: {}", summary(review)), format!("Review by prisma-safe: {}.", meaning(review.verdict))];
    for migration in review.migrations.iter().filter(|migration| !migration.findings.is_empty()) {
        blocks.push(format!("### {}", code(&path(migration, look.root))));
        blocks.push(table(migration));
        blocks.extend(migration.findings.iter().map(|finding| details(finding, migration)));
    }
    if !review.unchecked.is_empty() {
        let unchecked = review.unchecked.iter().map(|it| format!("- {} ({})", cell(&it.what), cell(&it.why)));
        blocks.push("**Unchecked**".into());
        blocks.push(unchecked.collect::<Vec<_>>().join("\n"));
    }
    if !review.together.is_empty() {
        let together = review.together.iter().map(|remark| format!("- {}", cell(&remark.message)));
        blocks.push("**Together**".into());
        blocks.push(together.collect::<Vec<_>>().join("\n"));
    }
    let undo = review
        .migrations
        .iter()
        .filter_map(|it| Some(format!("- {}: {}", code(&it.name), cell(&it.undo.as_ref()?.said()))));
    let undo: Vec<String> = undo.collect();
    if !undo.is_empty() {
        blocks.push("**Taking it back**".into());
        blocks.push(undo.join("\n"));
    }
    blocks.extend(review.plan_hash.as_ref().map(|hash| format!("Plan {}", code(hash))));
    blocks.join("\n\n") + "\n"
}

fn table(migration: &Reviewed) -> String {
    let head = ["| line | | rule | object | |".to_owned(), "|---:|---|---|---|---|".to_owned()];
    let rows = migration.findings.iter().map(|finding| {
        let line = place(&migration.sql, finding).line;
        let (rule, object, message) = (code(finding.rule), code(&finding.object), cell(&finding.message));
        format!("| {line} | {} | {rule} | {object} | {message} |", mark(finding))
    });
    head.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

fn mark(finding: &Finding) -> &'static str {
    match (finding.severity, &finding.accepted) {
        (_, Some(_)) => "accepted",
        (Severity::Error, None) => "**error**",
        (Severity::Warning, None) => "warning",
        (Severity::Info, None) => "note",
    }
}

fn details(finding: &Finding, migration: &Reviewed) -> String {
    let line = place(&migration.sql, finding).line;
    let (rule, message) = (html(finding.rule), html(&finding.message));
    let mut blocks = vec![format!("<details><summary>{rule} on line {line}: {message}</summary>")];
    if let Some(range) = &finding.range {
        let sql = migration.sql.get(range.clone()).unwrap_or_default();
        let shown = &sql[..sql.floor_char_boundary(SHOWN)];
        let more = if shown.len() < sql.len() { "\n…" } else { "" };
        let fence = "`".repeat(longest_ticks(shown).max(2) + 1);
        blocks.push(format!("{fence}sql\n{shown}{more}\n{fence}"));
    }
    let facts = finding.evidence.iter().map(|evidence| format!("- {}: {}", evidence.kind, cell(&evidence.text)));
    let help = finding.help.lines().map(|line| format!("- help: {}", cell(line)));
    let accepted = finding.accepted.iter().map(|it| format!("- accepted on line {}: {}", it.line, cell(&it.reason)));
    blocks.push(facts.chain(help).chain(accepted).collect::<Vec<_>>().join("\n"));
    blocks.push("</details>".into());
    blocks.join("\n\n")
}

/// The longest run of backticks: a fence of one more cannot be closed by the text.
fn longest_ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Code in a line or a table's cell.
fn code(text: &str) -> String {
    let ticks = longest_ticks(text);
    let text = one_line(text).replace('|', "\\|");
    let fence = "`".repeat(ticks + 1);
    if ticks > 0 { format!("{fence} {text} {fence}") } else { format!("`{text}`") }
}

/// Text in a line or a table's cell: code stays code, nothing else is markup.
fn cell(text: &str) -> String {
    let escaped = |part: &str| {
        let mut escaped = String::new();
        for c in part.chars() {
            if "\\*_{}[]<>#|~!&@".contains(c) {
                escaped.push('\\');
            }
            escaped.push(c);
        }
        escaped
    };
    let text = one_line(text);
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped(&text).replace('`', "\\`");
    }
    let shown = parts.iter().enumerate().map(|(at, part)| match (at % 2, part.is_empty()) {
        (0, _) => escaped(part),
        (_, true) => String::new(),
        (_, false) => format!("`{}`", part.replace('|', "\\|")),
    });
    shown.collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn html(text: &str) -> String {
    one_line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(cell("a|b `c|d` <img>"), "a\\|b `c\\|d` \\<img\\>");
        assert_eq!(cell("odd ` tick"), "odd \\` tick");
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(longest_ticks("a ``` b ``"), 3);
        assert_eq!(html("<b>&"), "&lt;b&gt;&amp;");
    }
}
