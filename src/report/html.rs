//! One self-contained page from `templates/review.html`: no script, no font, nothing fetched.

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use super::{Look, meaning, path, place, summary};
use crate::review::{Review, Reviewed, Target, Verdict};
use crate::rules::{Evidence, Finding, Unchecked};
use crate::sql::Script;

const TEMPLATE: &str = include_str!("../../templates/review.html");

/// What the template is given.
#[derive(Serialize)]
struct Page<'a> {
    verdict: Verdict,
    summary: String,
    meaning: &'static str,
    target: &'a Target,
    plan_hash: Option<&'a str>,
    migrations: Vec<Shape<'a>>,
    unchecked: &'a [Unchecked],
    version: &'static str,
}

/// A line of a migration with the findings that begin on it.
#[derive(Serialize)]
struct Line<'a> {
    number: usize,
    text: &'a str,
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
}

#[derive(Serialize)]
struct Shape<'a> {
    name: &'a str,
    path: String,
    checksum: &'a str,
    findings: usize,
    lines: Vec<Line<'a>>,
    /// Findings without a place.
    standing: Vec<Shown<'a>>,
}

pub(super) fn render(review: &Review, look: Look<'_>) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    // the name ends in .html: everything is escaped
    let page = environment.add_template("review.html", TEMPLATE).and_then(|()| {
        environment.get_template("review.html")?.render(Serde(Page {
            verdict: review.verdict,
            summary: summary(review),
            meaning: meaning(review.verdict),
            target: &review.target,
            plan_hash: review.plan_hash.as_deref(),
            migrations: review.migrations.iter().map(|migration| shape(migration, look)).collect(),
            unchecked: &review.unchecked,
            version: env!("CARGO_PKG_VERSION"),
        }))
    });
    // the template is part of the program, and a test renders it
    page.unwrap_or_else(|error| format!("<!doctype html><pre>{error:#}</pre>")) + "\n"
}

fn shape<'a>(migration: &'a Reviewed, look: Look<'_>) -> Shape<'a> {
    let script = Script::parse(migration.sql.as_str());
    let mut lines: Vec<Line<'_>> = migration
        .sql
        .lines()
        .enumerate()
        .map(|(at, text)| Line { number: at + 1, text, flagged: "", findings: Vec::new() })
        .collect();
    let mut standing = Vec::new();
    for finding in &migration.findings {
        let place = place(&script, finding);
        match lines.get_mut(place.line - 1).filter(|_| finding.range.is_some()) {
            Some(line) => line.findings.push(shown(finding)),
            None => standing.push(shown(finding)),
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
        findings: migration.findings.len(),
        lines,
        standing,
    }
}

fn shown(finding: &Finding) -> Shown<'_> {
    Shown {
        rule: finding.rule,
        severity: severity(finding),
        object: &finding.object,
        message: &finding.message,
        help: finding.help.lines().collect(),
        evidence: &finding.evidence,
        accepted: finding.accepted.as_ref().map(|accepted| accepted.reason.as_str()),
    }
}

fn severity(finding: &Finding) -> &'static str {
    if finding.accepted.is_some() { "accepted" } else { finding.severity.as_str() }
}

fn stronger(left: &'static str, right: &'static str) -> &'static str {
    let rank = |word: &str| ["", "info", "accepted", "warning", "error"].iter().position(|known| *known == word);
    if rank(left) >= rank(right) { left } else { right }
}
