//! How many candidates are right, by kind, over all pairs and by project.

use std::collections::BTreeMap;

use prisma_safe::rename::weights::Weights;
use prisma_safe::rename::{Candidate, Decision, Rename};

use super::{Case, Pair, find};

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

/// The scores of a file.
pub(crate) struct Scores {
    total: BTreeMap<String, Score>,
    by_project: BTreeMap<(String, String), Score>,
    misses: Vec<String>,
}

impl Scores {
    /// Scores every case, with the weights that its project gets.
    pub(crate) fn of(cases: &[Case], weights: impl Fn(&str) -> Weights) -> Self {
        let mut scores = Self { total: BTreeMap::new(), by_project: BTreeMap::new(), misses: Vec::new() };
        let mut known: BTreeMap<&str, Weights> = BTreeMap::new();
        for case in cases {
            let weights = known.entry(case.repo.as_str()).or_insert_with(|| weights(&case.repo));
            let found = find(case, weights);
            for pair in &case.pairs {
                let by_project = (pair.kind.clone(), case.repo.clone());
                judge(pair, &found, scores.total.entry(pair.kind.clone()).or_default());
                judge(pair, &found, scores.by_project.entry(by_project).or_default());
                scores.misses.extend(miss(case, pair, &found));
            }
        }
        scores
    }

    /// How much wrong was taken for certain.
    pub(crate) fn wrong(&self) -> usize {
        self.total.values().map(|score| score.certain_wrong).sum()
    }

    /// What was missed or asked in vain, a line each.
    pub(crate) fn misses(&self) -> impl Iterator<Item = &String> {
        self.misses.iter()
    }

    pub(crate) fn print(&self, title: &str) {
        println!("{title}");
        for (kind, score) in &self.total {
            let own = self.by_project.iter().filter(|((of, _), _)| of == kind);
            print(kind, score, &own.map(|(_, score)| score).collect::<Vec<_>>());
        }
        println!();
    }
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
    let what = match (pair.label.as_str(), asked, hit.is_some()) {
        ("rename", false, true) => "not asked",
        ("rename", false, false) => "missed",
        ("not_rename" | "transform", true, _) => "asked in vain",
        _ => return None,
    };
    let table = pair.table.as_ref().map(|table| format!("{table}.")).unwrap_or_default();
    let first = suggested.map(|candidate| format!(" (first: {} at {:.2})", candidate.to, candidate.score));
    let (repo, id, old, new) = (&case.repo, &case.id, &pair.old, &pair.new);
    Some(format!("{what}: {repo} {id} {table}{old} -> {new}{}", first.unwrap_or_default()))
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { number(part) / number(whole) }
}

/// The mean over the projects that have something to count.
fn mean(projects: &[&Score], of: impl Fn(&Score) -> (usize, usize)) -> f64 {
    let counted = projects.iter().map(|score| of(score)).filter(|(_, whole)| *whole > 0);
    let shares: Vec<f64> = counted.map(|(part, whole)| share(part, whole)).collect();
    if shares.is_empty() { 1.0 } else { shares.iter().sum::<f64>() / number(shares.len()) }
}

fn print(kind: &str, score: &Score, projects: &[&Score]) {
    let line = |words: &str, (part, whole): (usize, usize), mean: f64| {
        println!("    {words:<34} {part:>4} of {whole:<4} {:.3}  by project {mean:.3}", share(part, whole));
    };
    println!("  {kind}");
    let certain = |score: &Score| (score.certain_right, score.certain_right + score.certain_wrong);
    let recall = |score: &Score| (score.first, score.renames);
    let precision = |score: &Score| (score.asked_right, score.asked_right + score.asked);
    let asked = |score: &Score| (score.asked_right, score.renames);
    let vain = |score: &Score| (score.asked, score.others);
    line("certain, and right", certain(score), mean(projects, certain));
    line("renames suggested first", recall(score), mean(projects, recall));
    line("renames asked about", asked(score), mean(projects, asked));
    line("questions that are right", precision(score), mean(projects, precision));
    line("other pairs asked about", vain(score), mean(projects, vain));
}
