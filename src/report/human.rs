//! For a terminal: each finding with its place in the source, what is known, what to do, and one line at the end.

use std::collections::BTreeMap;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use console::Style;

use super::{Look, meaning, path, place, summary};
use crate::review::{OFFLINE, Review, Reviewed, Verdict};
use crate::rules::{Finding, Severity, cost};

pub(super) fn render(review: &Review, look: Look<'_>) -> String {
    let renderer = if look.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(look.width.clamp(60, 140)).decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    for migration in &review.migrations {
        let alike = Alike::of(migration);
        for finding in migration.findings.iter().filter(|finding| alike.shows(finding)) {
            text.push_str(&shown(finding, migration, &renderer, look));
            text.push_str("\n\n");
        }
        text.push_str(&alike.rest(migration, look));
    }
    text.push_str(&last_lines(review, look));
    text
}

/// From so many findings of one kind on, most of them share one line: a whole project that goes to snake_case renames a
/// thousand columns, each of them worth a warning.
const MANY: usize = 8;

/// So many of them are shown all the same.
const EXAMPLES: usize = 3;

/// So many objects are named in the one line.
const NAMED: usize = 10;

/// Findings of a migration by kind: warnings and notes of a rule with the same advice, of which the target has said nothing.
struct Alike<'a> {
    kinds: BTreeMap<(&'static str, &'a str), Vec<&'a Finding>>,
}

impl<'a> Alike<'a> {
    fn of(migration: &'a Reviewed) -> Self {
        let mut kinds: BTreeMap<_, Vec<&Finding>> = BTreeMap::new();
        for finding in &migration.findings {
            let plain = finding.severity != Severity::Error && finding.accepted.is_none();
            if plain && finding.evidence.is_empty() {
                kinds.entry((finding.rule, finding.help.as_str())).or_default().push(finding);
            }
        }
        kinds.retain(|_, findings| findings.len() >= MANY);
        kinds.values_mut().for_each(|findings| drop(findings.drain(..EXAMPLES)));
        Self { kinds }
    }

    /// Whether it gets lines of its own.
    fn shows(&self, finding: &Finding) -> bool {
        let kind = self.kinds.get(&(finding.rule, finding.help.as_str()));
        !kind.is_some_and(|findings| findings.iter().any(|other| std::ptr::eq(*other, finding)))
    }

    /// All others, a line for each kind.
    fn rest(&self, migration: &Reviewed, look: Look<'_>) -> String {
        let line = |((rule, _), findings): (&(&'static str, &str), &Vec<&Finding>)| {
            let word = if findings.iter().any(|it| it.severity == Severity::Warning) { "warning" } else { "note" };
            let count = cost::count(findings.len() as u64);
            let place = findings.first().map_or(1, |first| place(&migration.sql, first).line);
            let objects: Vec<&str> = findings.iter().take(NAMED).map(|finding| finding.object.as_str()).collect();
            let more = if findings.len() > NAMED { ", …" } else { "" };
            let objects = clean(&objects.join(", "));
            format!(
                "{word}[{rule}]: {count} more like the last of these, from line {place} of {} on: {objects}{more} (`--format json` has \
                 each)\n\n",
                path(migration, look.root)
            )
        };
        self.kinds.iter().map(line).collect()
    }
}

fn shown(finding: &Finding, migration: &Reviewed, renderer: &Renderer, look: Look<'_>) -> String {
    if let Some(accepted) = &finding.accepted {
        // accepted in code review: one line reminds of it
        let path = path(migration, look.root);
        let place = place(&migration.sql, finding);
        return format!(
            "accepted[{}]: {}\n --> {path}:{}:{}\n  = because: {} (line {})",
            finding.rule, finding.message, place.line, place.column, accepted.reason, accepted.line
        );
    }
    let path = path(migration, look.root);
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO.with_name("note"),
    };
    let title = level.primary_title(clean(&finding.message)).id(finding.rule);
    let notes = finding
        .evidence
        .iter()
        .map(|evidence| Level::NOTE.with_name(evidence.kind).message(clean(&evidence.text)))
        .chain(finding.help.lines().map(|line| Level::HELP.message(clean(line))))
        .chain(finding.fix.iter().map(|fix| {
            let how = format!("{} (`prisma-safe review --fix`)", fix.title);
            Level::HELP.with_name("fix").message(clean(&how))
        }));
    let group: Group<'_> = match &finding.range {
        Some(range) if !migration.sql.is_empty() => {
            let annotation = AnnotationKind::Primary.span(first_lines(&migration.sql, range.clone()));
            title.element(Snippet::source(migration.sql.as_str()).path(path).annotation(annotation)).elements(notes)
        }
        _ => title.element(Origin::path(path)).elements(notes),
    };
    renderer.render(&[group])
}

/// A long statement is shown by its first lines; ends are moved to characters, so that the renderer cannot stumble.
fn first_lines(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    const LINES: usize = 4;
    let start = text.floor_char_boundary(range.start);
    let end = text.ceil_char_boundary(range.end).max(start);
    let shown = text[start..end].match_indices('\n').nth(LINES - 1).map_or(end, |(newline, _)| start + newline);
    start..start + text[start..shown].trim_end().len()
}

/// Names come from the SQL: control characters in them must not reach the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn last_lines(review: &Review, look: Look<'_>) -> String {
    let paint = |text: &str, style: Style| style.force_styling(look.color).apply_to(text).to_string();
    let (word, style) = match review.verdict {
        Verdict::Pass => ("pass", Style::new().green().bold()),
        Verdict::Warn => ("warn", Style::new().yellow().bold()),
        Verdict::Fail => ("fail", Style::new().red().bold()),
    };
    let calm = review.findings().next().is_none() && review.unchecked.iter().all(|it| it.why == OFFLINE);
    let offline = if calm && !review.unchecked.is_empty() { " (offline: no data was looked at)" } else { "" };
    let mut lines = vec![format!("{}: {}; {}{offline}", paint(word, style), summary(review), meaning(review.verdict))];
    if !calm {
        let dim = paint("unchecked:", Style::new().dim());
        lines.extend(unchecked(review).into_iter().map(|line| format!("{dim} {line}")));
    }
    if let Some(hash) = &review.plan_hash {
        lines.push(format!("{} {hash}", paint("plan:", Style::new().dim())));
    }
    lines.join("\n") + "\n"
}

/// One line a reason, with what it concerns.
fn unchecked(review: &Review) -> Vec<String> {
    const SHOWN: usize = 6;
    let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
    for unchecked in &review.unchecked {
        match by_reason.iter_mut().find(|(why, _)| *why == unchecked.why) {
            Some((_, what)) => what.push(&unchecked.what),
            None => by_reason.push((&unchecked.why, vec![&unchecked.what])),
        }
    }
    by_reason
        .into_iter()
        .map(|(why, what)| {
            let more = what.len().saturating_sub(SHOWN);
            let shown = what[..what.len().min(SHOWN)].join(", ");
            let more = if more > 0 { format!(" and {} more", cost::count(more as u64)) } else { String::new() };
            clean(&format!("{shown}{more} ({why})"))
        })
        .collect()
}
