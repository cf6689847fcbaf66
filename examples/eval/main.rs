//! Scores rename detection on labelled migrations: `cargo run --example eval [-- FILE.jsonl]`, or `RENAME_CORPUS=FILE.jsonl`;
//! without either, on the repository's own cases. `-v` lists the misses, `--fit` prints weights fitted on the file.
//!
//! One JSON object a line: `before_sql` and `migration_sql`; `schema_before` and `schema_after` where known; `pairs` of
//! `kind` (column, table, enum_type, enum_value), `table`, `old`, `new` and `label` (rename, not_rename, transform, unclear).
//!
//! Scored twice: with the weights that everybody gets, and, project by project, with weights fitted on all other projects.
//! The second number is the honest one for a project nobody has seen. Exit status 1 if anything wrong was taken for certain.
#![expect(clippy::print_stdout, reason = "its output is the score")]

mod fit;
mod score;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::process::ExitCode;

use fit::Sample;
use prisma_safe::catalog::Catalog;
use prisma_safe::rename::weights::{Sign, Weights};
use prisma_safe::rename::{Candidate, Draft, Hints, Rename, candidates_by, evidence};
use prisma_safe::sql::Script;
use score::Scores;
use serde::Deserialize;

/// A labelled migration.
#[derive(Deserialize)]
struct Case {
    id: String,
    repo: String,
    before_sql: String,
    migration_sql: String,
    #[serde(default)]
    schema_before: Vec<String>,
    #[serde(default)]
    schema_after: Vec<String>,
    pairs: Vec<Pair>,
}

/// A labelled pair of it.
#[derive(Deserialize)]
struct Pair {
    kind: String,
    table: Option<String>,
    old: String,
    new: String,
    label: String,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |option: &str| arguments.iter().any(|argument| argument == option);
    let path = arguments.iter().find(|argument| !argument.starts_with('-')).cloned();
    let path = path.or_else(|| std::env::var("RENAME_CORPUS").ok());
    let path = path.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rename/labelled.jsonl").to_owned());
    let text = fs::read_to_string(&path)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let cases: Vec<Case> = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;

    let standard = Scores::of(&cases, |_| Weights::standard());
    standard.print("As it is");
    if given("-v") {
        standard.misses().for_each(|miss| println!("{miss}"));
    }
    let samples: Vec<(&str, Sample)> =
        cases.iter().flat_map(|case| samples(case).into_iter().map(|sample| (case.repo.as_str(), sample))).collect();
    let projects: BTreeSet<&str> = cases.iter().map(|case| case.repo.as_str()).collect();
    let mut wrong = standard.wrong();
    if projects.len() > 1 {
        let without = |project: &str| {
            fit::fit(samples.iter().filter(move |(repo, _)| *repo != project).map(|(_, sample)| sample))
        };
        let unseen = Scores::of(&cases, without);
        unseen.print("Each project with weights fitted on the others");
        wrong += unseen.wrong();
    }
    if given("--fit") {
        let weights = fit::fit(samples.iter().map(|(_, sample)| sample));
        for (sign, prior, weight) in Sign::ALL {
            println!("{sign:?}: {prior} -> {:.1} (in use: {weight})", weights.of(*sign));
        }
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Calls back with the draft of a case.
fn with_draft<T>(case: &Case, look: impl FnOnce(&Draft<'_>) -> T) -> T {
    let before = Script::parse(case.before_sql.clone());
    let catalog = Catalog::replay("public", [("before", &before)]);
    let script = Script::parse(case.migration_sql.clone());
    let hints = Hints {
        schema_before: case.schema_before.clone(),
        schema_after: case.schema_after.clone(),
        ..Hints::default()
    };
    look(&Draft { migration: "eval", script: &script, before: &catalog, hints: &hints })
}

fn find(case: &Case, weights: &Weights) -> Vec<Candidate> {
    with_draft(case, |draft| candidates_by(draft, weights))
}

/// The labelled pairs with their evidence, as it is before any weight is fitted.
fn samples(case: &Case) -> Vec<Sample> {
    let compared = with_draft(case, |draft| evidence(draft, &Weights::prior()));
    let labelled = compared.into_iter().filter_map(|(rename, signs)| {
        let (kind, table, old, new) = match &rename {
            Rename::Column { table, from, to } => ("column", Some(&table.name), from, to),
            Rename::Table { from, to, .. } => ("table", None, &from.name, &to.name),
            Rename::Enum { .. } | Rename::EnumValue { .. } => return None,
        };
        let fits =
            |pair: &&Pair| pair.kind == kind && pair.table.as_ref() == table && pair.old == *old && pair.new == *new;
        let label = case.pairs.iter().find(fits)?.label.as_str();
        (label != "unclear").then_some(Sample { signs, rename: label == "rename" })
    });
    labelled.collect()
}
