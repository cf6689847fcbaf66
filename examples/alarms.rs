//! Reviews every migration of a file of cases, offline and with every rule on: `cargo run --example alarms [-- FILE.jsonl]`,
//! or on the repository's own cases (`tests/rename/labelled.jsonl`, which are Prisma's everyday output). `-v` lists the
//! findings. One JSON object a line with `before_sql` and `migration_sql`.
//!
//! Exit status 1 if a finding lies outside of its file, a file takes longer than a second, or a migration that only adds
//! has an error.
#![expect(clippy::print_stdout, reason = "its output is the count")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use prisma_safe::project::Migration;
use prisma_safe::review::{Request, Review, review};
use prisma_safe::rules::{Level, Levels, RULES, Settings, Severity};
use prisma_safe::sql::{ActionKind, Script, StatementKind};
use serde::Deserialize;

/// The most a migration may take.
const LIMIT: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Case {
    id: String,
    before_sql: String,
    migration_sql: String,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let verbose = arguments.iter().any(|argument| argument == "-v");
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rename/labelled.jsonl").to_owned();
    let path = arguments.into_iter().find(|argument| argument != "-v").unwrap_or(own);
    let settings = settings()?;
    let (mut files, mut adding, mut wrong) = (0_usize, 0_usize, 0_usize);
    let mut slowest = Duration::ZERO;
    let mut counts: BTreeMap<(&str, Severity), usize> = BTreeMap::new();
    for line in fs::read_to_string(&path)?.lines().filter(|line| !line.trim().is_empty()) {
        let case: Case = serde_json::from_str(line)?;
        let begin = Instant::now();
        let review = reviewed(&case, &settings);
        let took = begin.elapsed();
        files += 1;
        slowest = slowest.max(took);
        let adds = only_adds(&case.migration_sql);
        adding += usize::from(adds);
        if took > LIMIT {
            wrong += 1;
            println!("{}: took {} ms", case.id, took.as_millis());
        }
        for finding in review.findings() {
            *counts.entry((finding.rule, finding.severity)).or_default() += 1;
            let inside = finding.range.as_ref().is_none_or(|range| case.migration_sql.get(range.clone()).is_some());
            let alarm = adds && finding.severity == Severity::Error;
            wrong += usize::from(!inside) + usize::from(alarm);
            if verbose || !inside || alarm {
                let why = if alarm { " (only adds)" } else { "" };
                let severity = finding.severity.as_str();
                println!("{}: {severity} {}({}){why}: {}", case.id, finding.rule, finding.object, finding.message);
            }
        }
    }
    for ((rule, severity), count) in &counts {
        println!("{count:6} {:7} {rule}", severity.as_str());
    }
    println!("{files} files, {adding} only add, slowest {} ms, {wrong} wrong", slowest.as_millis());
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every rule on, and the newest Prisma.
fn settings() -> Result<Settings, String> {
    let on = RULES.iter().filter(|rule| rule.optional).map(|rule| (rule.id.to_owned(), Level::On));
    Ok(Settings {
        small_table_rows: 10_000,
        lock_budget_seconds: 5,
        levels: Levels::try_from(on.collect::<BTreeMap<_, _>>())?,
        prisma: Some((7, 10)),
        deployed: None,
    })
}

fn reviewed(case: &Case, settings: &Settings) -> Review {
    let migration = |name: &str, sql: &str| Migration { name: name.into(), path: name.into(), sql: sql.into() };
    review(Request {
        migrations: &[migration("2", &case.migration_sql)],
        earlier: &[migration("1", &case.before_sql)],
        default_schema: "public",
        live: None,
        identity: None,
        settings,
        standing: Vec::new(),
    })
}

/// Whether a migration only creates, and adds columns that may be empty or have a default, keys and indexes.
fn only_adds(sql: &str) -> bool {
    let script = Script::parse(sql);
    let adds = |kind: &StatementKind| match kind {
        StatementKind::AlterTable { actions, .. } => actions.iter().all(|action| match &action.kind {
            ActionKind::AddColumn { column, .. } => !column.not_null || column.default.is_some(),
            ActionKind::AddConstraint(_) | ActionKind::SetDefault { .. } => true,
            _ => false,
        }),
        StatementKind::CreateSchema { .. }
        | StatementKind::CreateTable { .. }
        | StatementKind::CreateIndex(_)
        | StatementKind::CreateEnum { .. }
        | StatementKind::CreateSequence { .. }
        | StatementKind::CreateView { .. }
        | StatementKind::CreateExtension { .. }
        | StatementKind::AddEnumValue { .. } => true,
        _ => false,
    };
    script.errors().is_empty() && script.statements().iter().all(|statement| adds(&statement.kind))
}
