//! Scores rename detection on labelled migrations: `cargo run --example eval [-- FILE.jsonl]`, or `RENAME_CORPUS=FILE.jsonl`;
//! without either, on the repository's own cases. `-v` lists the misses.
//!
//! One JSON object a line: `before_sql` and `migration_sql`; `schema_before` and `schema_after` where known; `pairs` of
//! `kind` (column, table, enum_type, enum_value), `table`, `old`, `new` and `label` (rename, not_rename, transform, unclear).
//! Exit status 1 if anything wrong was taken for certain.
#![expect(clippy::print_stdout, reason = "its output is the score")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::process::ExitCode;

use prisma_safe::catalog::Catalog;
use prisma_safe::rename::{Candidate, Decision, Draft, Hints, Rename, candidates};
use prisma_safe::sql::Script;
use serde::Deserialize;

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

#[derive(Deserialize)]
struct Pair {
    kind: String,
    table: Option<String>,
    old: String,
    new: String,
    label: String,
}

/// Counts of one kind of object.
#[derive(Default, Clone, Copy)]
struct Score {
    renames: usize,
    /// True renames that are the first suggestion for the old name.
    first: usize,
    others: usize,
    /// Pairs that are no renames and are asked about as the likeliest, or taken.
    asked: usize,
    asked_right: usize,
    certain_right: usize,
    certain_wrong: usize,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let verbose = arguments.iter().any(|argument| argument == "-v");
    let path = arguments.into_iter().find(|argument| argument != "-v").or_else(|| std::env::var("RENAME_CORPUS").ok());
    let path = path.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rename/labelled.jsonl").to_owned());
    let mut total: BTreeMap<String, Score> = BTreeMap::new();
    let mut by_repo: BTreeMap<(String, String), Score> = BTreeMap::new();
    let mut misses = Vec::new();
    for line in fs::read_to_string(&path)?.lines().filter(|line| !line.trim().is_empty()) {
        let case: Case = serde_json::from_str(line)?;
        let found = find(&case);
        for pair in &case.pairs {
            for score in [
                total.entry(pair.kind.clone()).or_default(),
                by_repo.entry((pair.kind.clone(), case.repo.clone())).or_default(),
            ] {
                judge(pair, &found, score);
            }
            misses.extend(miss(&case, pair, &found));
        }
    }
    for (kind, score) in &total {
        let repos: Vec<&Score> = by_repo.iter().filter(|((of, _), _)| of == kind).map(|(_, score)| score).collect();
        print(kind, score, &repos);
    }
    if verbose {
        misses.iter().for_each(|miss| println!("{miss}"));
    }
    let wrong: usize = total.values().map(|score| score.certain_wrong).sum();
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn find(case: &Case) -> Vec<Candidate> {
    let before = Script::parse(case.before_sql.clone());
    let catalog = Catalog::replay("public", [("before", &before)]);
    let script = Script::parse(case.migration_sql.clone());
    let hints = Hints {
        schema_before: case.schema_before.clone(),
        schema_after: case.schema_after.clone(),
        warnings: Vec::new(),
    };
    candidates(&Draft { migration: "eval", script: &script, before: &catalog, hints: &hints })
}

fn kind(candidate: &Candidate) -> &'static str {
    match candidate.rename {
        Rename::Column { .. } => "column",
        Rename::Table { .. } => "table",
        Rename::Enum { .. } => "enum_type",
        Rename::EnumValue { .. } => "enum_value",
    }
}

/// The candidate for the pair's old name, whatever its new one.
fn suggestion<'a>(pair: &Pair, found: &'a [Candidate]) -> Option<&'a Candidate> {
    let same_table = |candidate: &Candidate| pair.kind != "column" || candidate.parent == pair.table;
    found.iter().find(|candidate| kind(candidate) == pair.kind && candidate.from == pair.old && same_table(candidate))
}

fn judge(pair: &Pair, found: &[Candidate], score: &mut Score) {
    let suggested = suggestion(pair, found).filter(|candidate| candidate.to == pair.new);
    let asked = suggested.is_some_and(|candidate| candidate.decision != Decision::Delete);
    let certain = suggested.is_some_and(|candidate| candidate.certain);
    match pair.label.as_str() {
        "rename" => {
            score.renames += 1;
            score.first += usize::from(suggested.is_some());
            score.asked_right += usize::from(asked);
            score.certain_right += usize::from(certain);
        }
        "not_rename" | "transform" => {
            score.others += 1;
            score.asked += usize::from(asked);
            score.certain_wrong += usize::from(certain);
        }
        _ => {}
    }
}

fn miss(case: &Case, pair: &Pair, found: &[Candidate]) -> Option<String> {
    let suggested = suggestion(pair, found);
    let hit = suggested.filter(|candidate| candidate.to == pair.new);
    let asked = hit.is_some_and(|candidate| candidate.decision != Decision::Delete);
    let what = match (pair.label.as_str(), asked) {
        ("rename", false) => "missed",
        ("not_rename" | "transform", true) => "asked in vain",
        _ => return None,
    };
    let table = pair.table.as_ref().map(|table| format!("{table}.")).unwrap_or_default();
    let instead = suggested.map(|candidate| format!(" (first: {} at {:.2})", candidate.to, candidate.score));
    Some(format!(
        "{what}: {} {} {table}{} -> {}{}",
        case.repo,
        case.id,
        pair.old,
        pair.new,
        instead.unwrap_or_default()
    ))
}

fn share(part: usize, whole: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if whole == 0 { 1.0 } else { number(part) / number(whole) }
}

fn print(kind: &str, score: &Score, repos: &[&Score]) {
    let certain = score.certain_right + score.certain_wrong;
    let mean = |of: &dyn Fn(&Score) -> Option<f64>| {
        let all: Vec<f64> = repos.iter().filter_map(|score| of(score)).collect();
        all.iter().sum::<f64>() / f64::from(u32::try_from(all.len().max(1)).unwrap_or(1))
    };
    println!("{kind}");
    println!("  certain and right       {:>4} of {certain}", score.certain_right);
    println!(
        "  first suggestion right  {:>4} of {} renames  {:.3}  by repository {:.3}",
        score.first,
        score.renames,
        share(score.first, score.renames),
        mean(&|score| (score.renames > 0).then(|| share(score.first, score.renames)))
    );
    let asked = score.asked_right + score.asked;
    println!(
        "  asked and right         {:>4} of {asked} asked    {:.3}  by repository {:.3}",
        score.asked_right,
        share(score.asked_right, asked),
        mean(&|score| {
            let asked = score.asked_right + score.asked;
            (asked > 0).then(|| share(score.asked_right, asked))
        })
    );
    println!(
        "  asked in vain           {:>4} of {} others   {:.3}",
        score.asked,
        score.others,
        share(score.asked, score.others)
    );
}
