//! For a terminal: each finding with its place in the source, what is known, what to do, and one line at the end.

use std::collections::BTreeMap;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use console::Style;

use super::alike::Alike;
use super::{Look, meaning, path, place, summary};
use crate::review::{Grade, Graded, OFFLINE, Review, Reviewed, Verdict};
use crate::rules::{Finding, Severity, cost};

pub(super) fn render(review: &Review, look: Look<'_>) -> String {
    let renderer = if look.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(look.width.clamp(60, 140)).decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    let alike = Alike::of(review);
    for migration in &review.migrations {
        for finding in migration.findings.iter().filter(|finding| alike.shows(finding)) {
            text.push_str(&shown(finding, migration, &renderer, look));
            text.push_str("\n\n");
        }
    }
    text.push_str(&alike.rest(look));
    text.push_str(&by_rule(review));
    text.push_str(&last_lines(review, look));
    text
}

/// The review in one line: none where there are findings, or anything that was not looked at. An empty database (`first`) has nothing
/// to lose and nobody who waits for a lock: there the findings of a whole history are only counted, unless one is an error.
pub(super) fn brief(review: &Review, first: bool) -> Option<String> {
    let calm = review.verdict == Verdict::Pass
        && review.findings().next().is_none()
        && review.unchecked.is_empty()
        && review.together.is_empty();
    let plan = review.plan_hash.as_ref().map(|hash| format!(" (plan {hash})")).unwrap_or_default();
    if first && !calm && review.verdict != Verdict::Fail {
        return Some(format!(
            "{} for an empty database{plan}; `prisma-safe review --all` prints them",
            summary(review)
        ));
    }
    let what = match review.migrations.as_slice() {
        [only] => only.name.clone(),
        several => format!("{} migrations", several.len()),
    };
    calm.then(|| format!("{what}: pass, no findings{plan}"))
}

/// From so many findings on, those of several migrations are counted by rule at the end.
const WORTH_A_TABLE: usize = 4;

/// How often each rule was met, the most severe first.
fn by_rule(review: &Review) -> String {
    let mut rules: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for finding in review.findings() {
        let column = match finding.severity {
            _ if finding.accepted.is_some() => 3,
            Severity::Error => 0,
            Severity::Warning => 1,
            Severity::Info => 2,
        };
        rules.entry(finding.rule).or_default()[column] += 1;
    }
    if review.migrations.len() < 2 || review.findings().count() < WORTH_A_TABLE {
        return String::new();
    }
    let mut rules: Vec<_> = rules.into_iter().collect();
    rules.sort_by_key(|(rule, counts)| (std::cmp::Reverse(*counts), *rule));
    let width = rules.iter().map(|(rule, _)| rule.len()).max().unwrap_or_default();
    let row = |head: &str, cells: [String; 4]| {
        let [errors, warnings, notes, accepted] = cells;
        format!("{head:<width$}  {errors:>7}  {warnings:>8}  {notes:>6}  {accepted:>8}\n")
    };
    let mut text = row("by rule", ["errors", "warnings", "notes", "accepted"].map(String::from));
    for (rule, counts) in rules {
        let cell = |count| if count == 0 { "-".to_owned() } else { cost::count(count as u64) };
        text.push_str(&row(rule, counts.map(cell)));
    }
    text + "\n"
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
pub(super) fn clean(text: &str) -> String {
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
    let dim = paint("together:", Style::new().dim());
    lines.extend(review.together.iter().map(|remark| format!("{dim} {}", clean(&remark.message))));
    let dim = paint("undo:", Style::new().dim());
    lines.extend(undo(review).into_iter().map(|line| format!("{dim} {line}")));
    if let Some(hash) = &review.plan_hash {
        lines.push(format!("{} {hash}", paint("plan:", Style::new().dim())));
    }
    lines.join("\n") + "\n"
}

/// How far each can be rolled back, the worst first; of many, those that come back without loss are counted.
fn undo(review: &Review) -> Vec<String> {
    const NAMED: usize = 5;
    let mut graded: Vec<(&Graded, &str)> =
        review.migrations.iter().filter_map(|it| Some((it.undo.as_ref()?, it.name.as_str()))).collect();
    graded.sort_by_key(|(undo, name)| (std::cmp::Reverse(undo.grade), *name));
    let few = graded.len() <= NAMED;
    let fine = graded.iter().filter(|(undo, _)| undo.grade == Grade::Reversible).count();
    let named = graded.iter().filter(|(undo, _)| few || undo.grade > Grade::Reversible);
    let mut lines: Vec<String> = match graded.as_slice() {
        [(undo, _)] => vec![clean(&undo.said())],
        _ => named.map(|(undo, name)| clean(&format!("{name}: {}", undo.said()))).collect(),
    };
    if !few && fine > 0 {
        lines.push(format!("{} migrations: {}", cost::count(fine as u64), Grade::Reversible.words()));
    }
    lines
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
