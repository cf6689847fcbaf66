//! Scores the review: `cargo run --example review_eval [-- FILE.jsonl]`. Precision and recall of every rule on the labelled
//! cases in `tests/rules` and `tests/review`; then, on a file of other projects' migrations where one is given (an object a
//! line, with `before_sql` and `migration_sql`), what must hold on any SQL: no panic, no file over a second, places inside the
//! file, and no error on a migration that only adds.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "its output is the score, and a broken case ends it")]

#[path = "../tests/rules/cases.rs"]
mod cases;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cases::reviewed;
use prisma_safe::rules::{RULES, Severity};
use prisma_safe::sql::{ActionKind, ConstraintKind, Script, Statement, StatementKind};
use serde::Deserialize;

/// No migration may take longer.
const LONGEST: Duration = Duration::from_secs(1);

/// What a rule said and should have said.
#[derive(Default)]
struct Score {
    positive: usize,
    negative: usize,
    right: usize,
    wrong: Vec<String>,
    missed: Vec<String>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut good = labelled()?;
    if let Some(file) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) {
        good &= elsewhere(&fs::read_to_string(file)?)?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The repository's own cases.
fn labelled() -> Result<bool, Box<dyn Error>> {
    let mut scores: BTreeMap<String, Score> = RULES.iter().map(|rule| (rule.id.to_owned(), Score::default())).collect();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut count = 0;
    for entry in fs::read_dir(tests.join("rules"))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_none_or(|extension| extension != "sql") || !scores.contains_key(&name) {
            continue;
        }
        for case in cases::read(&fs::read_to_string(&path)?) {
            count += 1;
            add(&mut scores, Some(&name), &format!("{name}: {}", case.name), &case.expected, &case.found());
        }
    }
    for entry in fs::read_dir(tests.join("review"))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let expected: Vec<String> =
            text.lines().filter_map(|line| line.strip_prefix("-- expect: ")).map(str::to_owned).collect();
        let expected: Vec<String> = expected.into_iter().filter(|line| line != "pass").collect();
        let (earlier, sql) = text.split_once("-- migration\n").unwrap_or(("", &text));
        let found: Vec<String> = reviewed(earlier, sql).findings().map(described).collect();
        count += 1;
        add(&mut scores, None, &path.display().to_string(), &expected, &found);
    }
    println!("The review on {count} labelled cases\n");
    println!("{:30} {:>4} {:>4} {:>9} {:>6}", "rule", "pos.", "neg.", "precision", "recall");
    let percent = |part: usize, whole: usize| match whole {
        0 => "-".to_owned(),
        whole => format!("{:.1} %", 100.0 * part as f64 / whole as f64),
    };
    let (mut right, mut wrong, mut missed) = (0, 0, 0);
    for (rule, score) in &scores {
        let Score { positive, negative, .. } = score;
        let precision = percent(score.right, score.right + score.wrong.len());
        let recall = percent(score.right, score.right + score.missed.len());
        println!("{rule:30} {positive:4} {negative:4} {precision:>9} {recall:>6}");
        right += score.right;
        wrong += score.wrong.len();
        missed += score.missed.len();
    }
    let (precision, recall) = (percent(right, right + wrong), percent(right, right + missed));
    println!("{:30} {:4} {:4} {precision:>9} {recall:>6}\n", "all", "", "");
    for score in scores.values() {
        score.wrong.iter().for_each(|line| println!("found, not expected: {line}"));
        score.missed.iter().for_each(|line| println!("expected, not found: {line}"));
    }
    let bare: Vec<&String> =
        scores.iter().filter(|(_, score)| score.positive == 0 || score.negative == 0).map(|(rule, _)| rule).collect();
    bare.iter().for_each(|rule| println!("without a positive or a negative case: {rule}"));
    Ok(wrong + missed == 0 && bare.is_empty())
}

/// `severity rule(object)`
fn described(finding: &prisma_safe::rules::Finding) -> String {
    format!("{} {}({})", finding.severity.as_str(), finding.rule, finding.object)
}

/// The rule in `severity rule(object)`.
fn rule_of(line: &str) -> &str {
    line.split_once(' ').and_then(|(_, rest)| rest.split_once('(')).map_or("", |(rule, _)| rule)
}

fn add(scores: &mut BTreeMap<String, Score>, own: Option<&str>, case: &str, expected: &[String], found: &[String]) {
    for (rule, score) in scores.iter_mut() {
        let of = |lines: &[String]| lines.iter().filter(|line| rule_of(line) == rule).cloned().collect::<Vec<_>>();
        let (mut expected, found) = (of(expected), of(found));
        if !expected.is_empty() {
            score.positive += 1;
        } else if own == Some(rule) {
            score.negative += 1;
        }
        for line in found {
            match expected.iter().position(|wanted| *wanted == line) {
                Some(at) => {
                    expected.remove(at);
                    score.right += 1;
                }
                None => score.wrong.push(format!("{case}: {line}")),
            }
        }
        score.missed.extend(expected.iter().map(|line| format!("{case}: {line}")));
    }
}

/// A migration of another project.
#[derive(Deserialize)]
struct Other {
    id: String,
    before_sql: String,
    migration_sql: String,
}

/// What must hold on SQL that nobody labelled for the review.
fn elsewhere(text: &str) -> Result<bool, Box<dyn Error>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let others: Vec<Other> = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;
    let mut longest = (Duration::ZERO, String::new());
    let (mut panics, mut outside, mut adding, mut errors) = (0, 0, 0, Vec::new());
    for other in &others {
        // as it is; the tables it starts from, which only adds; and what of it only adds
        let added = only_adding(&other.migration_sql);
        let texts = [
            (other.before_sql.as_str(), other.migration_sql.as_str(), false),
            ("", other.before_sql.as_str(), true),
            (other.before_sql.as_str(), added.as_str(), true),
        ];
        for (earlier, sql, adds) in texts.into_iter().filter(|(_, sql, _)| !sql.trim().is_empty()) {
            let started = Instant::now();
            let Ok(review) = catch_unwind(AssertUnwindSafe(|| reviewed(earlier, sql))) else {
                panics += 1;
                continue;
            };
            longest = longest.max((started.elapsed(), other.id.clone()));
            let places = review.findings().filter_map(|finding| finding.range.clone());
            outside += places.filter(|range| sql.get(range.clone()).is_none()).count();
            if adds {
                adding += 1;
                let found = review.findings().filter(|finding| finding.severity == Severity::Error);
                errors.extend(found.map(|finding| format!("{}: {}", other.id, described(finding))));
            }
        }
    }
    println!("\nThe review on {} migrations of other projects\n", others.len());
    println!("panics                                  {panics}");
    println!("longest                                 {:.0} ms ({})", longest.0.as_secs_f64() * 1e3, longest.1);
    println!("places outside the file                 {outside}");
    println!("errors on {adding:4} migrations that only add  {}", errors.len());
    errors.iter().for_each(|line| println!("  {line}"));
    Ok(panics == 0 && outside == 0 && errors.is_empty() && longest.0 < LONGEST)
}

/// The statements that only add: nothing in them can lose data or be refused by rows.
fn only_adding(sql: &str) -> String {
    let script = Script::parse(sql);
    if !script.errors().is_empty() {
        return String::new();
    }
    // a foreign key may rest on what else the migration does
    let whole = script.statements().iter().all(adds);
    let kept =
        script.statements().iter().filter(|statement| adds(statement) && (whole || !adds_foreign_key(statement)));
    kept.map(|statement| format!("{};\n", sql[statement.range.clone()].trim_end_matches(';'))).collect()
}

fn adds(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::CreateTable { .. } | StatementKind::CreateEnum { .. } | StatementKind::AddEnumValue { .. } => {
            true
        }
        StatementKind::CreateIndex(index) => !index.concurrently,
        StatementKind::AlterTable { actions, .. } => actions.iter().all(|action| match &action.kind {
            ActionKind::AddColumn { column, .. } => !column.not_null || column.default.is_some(),
            ActionKind::AddConstraint(constraint) => matches!(constraint.kind, ConstraintKind::ForeignKey { .. }),
            ActionKind::DropNotNull { .. } | ActionKind::SetDefault { .. } => true,
            _ => false,
        }),
        _ => false,
    }
}

fn adds_foreign_key(statement: &Statement) -> bool {
    let StatementKind::AlterTable { actions, .. } = &statement.kind else { return false };
    actions.iter().any(|action| matches!(&action.kind, ActionKind::AddConstraint(_)))
}
