//! Self-contained pages from `templates/*.html`: no script, no font, nothing fetched.

mod change;
pub(super) mod deployment;
mod highlight;
pub(super) mod monitor;
mod pages;

use minijinja::HtmlEscape;
use minijinja::value::Value;
use serde::Serialize;

use self::change::Change;
use self::highlight::Span;
use super::{Look, meaning, path, place, summary};
use crate::review::together::Remark;
use crate::review::{Graded, Review, Reviewed, Target, Verdict};
use crate::rules::{Evidence, Finding, Unchecked};
use crate::sql::Script;
use crate::ui::counted;

/// A finding stands behind its statement, or, where that is long, behind so many lines of it.
const SHOWN_FIRST: usize = 8;

/// What the template is given.
#[derive(Serialize)]
struct Page<'a> {
    verdict: Verdict,
    summary: String,
    meaning: &'static str,
    target: &'a Target,
    plan_hash: Option<&'a str>,
    migrations: Vec<Shape<'a>>,
    together: &'a [Remark],
    unchecked: &'a [Unchecked],
    version: &'static str,
}

/// A line of a migration with the findings about what ends on it.
#[derive(Serialize)]
struct Line<'a> {
    number: usize,
    spans: Vec<Span<'a>>,
    flagged: &'static str,
    findings: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    rule: &'a str,
    severity: &'static str,
    object: &'a str,
    message: &'a str,
    help: Vec<&'a str>,
    evidence: &'a [Evidence],
    accepted: Option<&'a str>,
    fix: Option<Change>,
}

/// `2 errors`, with the colour's name.
#[derive(Serialize)]
struct Count {
    kind: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Shape<'a> {
    name: &'a str,
    path: String,
    checksum: &'a str,
    /// How far it can be rolled back.
    undo: Option<String>,
    findings: usize,
    counts: Vec<Count>,
    lines: Vec<Line<'a>>,
    /// From what Prisma drafted to what is written, where that is another text.
    rewrite: Vec<change::Line>,
    /// Findings without a place.
    standing: Vec<Shown<'a>>,
}

pub(super) fn render(review: &Review, look: Look<'_>) -> String {
    pages::render(
        "review.html",
        Page {
            verdict: review.verdict,
            summary: summary(review),
            meaning: meaning(review.verdict),
            target: &review.target,
            plan_hash: review.plan_hash.as_deref(),
            migrations: review
                .migrations
                .iter()
                .map(|migration| shape(migration, migration.sql.script(), look))
                .collect(),
            together: &review.together,
            unchecked: &review.unchecked,
            version: env!("CARGO_PKG_VERSION"),
        },
    )
}

fn shape<'a>(migration: &'a Reviewed, script: &'a Script, look: Look<'_>) -> Shape<'a> {
    let mut lines: Vec<Line<'_>> = highlight::lines(script)
        .into_iter()
        .enumerate()
        .map(|(at, spans)| Line { number: at + 1, spans, flagged: "", findings: Vec::new() })
        .collect();
    let mut standing = Vec::new();
    for finding in &migration.findings {
        let place = place(&migration.sql, finding);
        // below the statement, so that it is read as a whole first
        let last = place.end_line.min(place.line + SHOWN_FIRST).min(lines.len()).max(1);
        match lines.get_mut(last - 1).filter(|_| finding.range.is_some()) {
            Some(line) => line.findings.push(shown(finding, migration)),
            None => standing.push(shown(finding, migration)),
        }
        let end = place.end_line.min(lines.len());
        if finding.range.is_some() {
            for line in &mut lines[(place.line - 1).min(end)..end] {
                line.flagged = stronger(line.flagged, severity(finding));
            }
        }
    }
    Shape {
        name: &migration.name,
        path: path(migration, look.root),
        checksum: &migration.checksum,
        undo: migration.undo.as_ref().map(Graded::said),
        findings: migration.findings.len(),
        counts: counts(migration),
        lines,
        rewrite: migration.draft.as_ref().map(|draft| change::lines(draft, &migration.sql)).unwrap_or_default(),
        standing,
    }
}

/// One of our sentences: it begins with a capital letter, and what stands in backticks is code. Escaped.
fn prose(text: &str) -> Value {
    let mut html = String::new();
    let parts: Vec<&str> = text.split('`').collect();
    let paired = parts.len() % 2 == 1;
    for (at, part) in parts.iter().enumerate() {
        let escaped = HtmlEscape(part).to_string();
        match at % 2 {
            0 if at == 0 => html.extend(capital(&escaped)),
            1 if paired => html.extend(["<code>", &escaped, "</code>"]),
            0 if paired => html.push_str(&escaped),
            _ => html.extend(["`", &escaped]),
        }
    }
    Value::from_safe_string(html)
}

/// The text with its first letter in upper case, in two pieces.
fn capital(text: &str) -> [String; 2] {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    [first, letters.as_str().to_owned()]
}

fn counts(migration: &Reviewed) -> Vec<Count> {
    let words = [("error", "error"), ("warning", "warning"), ("info", "note"), ("accepted", "accepted")];
    let counted = words.into_iter().filter_map(|(kind, word)| {
        let number = migration.findings.iter().filter(|finding| severity(finding) == kind).count();
        let text = if kind == "accepted" { format!("{number} {word}") } else { counted(number as u64, word) };
        (number > 0).then_some(Count { kind, text })
    });
    let mut counts: Vec<Count> = counted.collect();
    if counts.is_empty() {
        counts.push(Count { kind: "pass", text: "no findings".into() });
    }
    counts
}

fn shown<'a>(finding: &'a Finding, migration: &Reviewed) -> Shown<'a> {
    Shown {
        rule: finding.rule,
        severity: severity(finding),
        object: &finding.object,
        message: &finding.message,
        help: finding.help.lines().collect(),
        evidence: &finding.evidence,
        accepted: finding.accepted.as_ref().map(|accepted| accepted.reason.as_str()),
        fix: finding.fix.as_ref().map(|fix| change::of(fix, &migration.sql)),
    }
}

fn severity(finding: &Finding) -> &'static str {
    if finding.accepted.is_some() { "accepted" } else { finding.severity.as_str() }
}

fn stronger(left: &'static str, right: &'static str) -> &'static str {
    let rank = |word: &str| ["", "info", "accepted", "warning", "error"].iter().position(|known| *known == word);
    if rank(left) >= rank(right) { left } else { right }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_escaped() {
        assert_eq!(prose("drops `a<b>` & more").to_string(), "Drops <code>a&lt;b&gt;</code> &amp; more");
        assert_eq!(prose("odd ` <i>").to_string(), "Odd ` &lt;i&gt;");
        assert_eq!(prose("").to_string(), "");
    }
}
