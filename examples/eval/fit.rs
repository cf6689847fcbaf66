//! Weights from labelled pairs: logistic regression, drawn towards what reason says before any data.

use std::collections::BTreeMap;

use prisma_safe::rename::weights::{Sign, Weights};

/// How strongly weights are drawn towards their priors: as much as this many pairs would.
const PULL: f64 = 3.0;

/// A missed rename is worse than a question in vain.
const RENAMES_COUNT: f64 = 2.0;

/// One labelled pair.
pub(crate) struct Sample {
    pub(crate) signs: Vec<(Sign, f64)>,
    pub(crate) rename: bool,
}

/// The most likely weights, by Newton's method.
pub(crate) fn fit<'a>(samples: impl Iterator<Item = &'a Sample> + Clone) -> Weights {
    let mut weights = Weights::prior();
    let size = Sign::ALL.len();
    for _ in 0..20 {
        let mut slope: Vec<f64> = Sign::ALL.iter().map(|(sign, prior, _)| PULL * (weights.of(*sign) - prior)).collect();
        let mut bend = vec![vec![0.0; size]; size];
        for (at, row) in bend.iter_mut().enumerate() {
            row[at] = PULL;
        }
        for sample in samples.clone() {
            let row = summed(&sample.signs);
            let log_odds: f64 = row.iter().map(|(at, value)| weights.of(Sign::ALL[*at].0) * value).sum();
            let chance = 1.0 / (1.0 + (-log_odds).exp());
            let (truth, count) = if sample.rename { (1.0, RENAMES_COUNT) } else { (0.0, 1.0) };
            for (i, a) in &row {
                slope[*i] += count * (chance - truth) * a;
                for (j, b) in &row {
                    bend[*i][*j] += count * chance * (1.0 - chance) * a * b;
                }
            }
        }
        let step = solve(bend, slope);
        for ((sign, ..), step) in Sign::ALL.iter().zip(&step) {
            weights.set(*sign, weights.of(*sign) - step);
        }
        if step.iter().all(|step| step.abs() < 1e-6) {
            break;
        }
    }
    weights
}

/// Strengths by the sign's place in [`Sign::ALL`]; a sign may be noted twice.
fn summed(signs: &[(Sign, f64)]) -> BTreeMap<usize, f64> {
    let mut row = BTreeMap::new();
    for (sign, strength) in signs {
        if let Some(at) = Sign::ALL.iter().position(|(other, ..)| other == sign) {
            *row.entry(at).or_default() += strength;
        }
    }
    row
}

/// Solves a positive definite system by elimination.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for at in 0..size {
        let pivot = matrix[at].clone();
        for row in at + 1..size {
            let factor = matrix[row][at] / pivot[at];
            if factor != 0.0 {
                for (value, above) in matrix[row].iter_mut().zip(&pivot).skip(at) {
                    *value -= factor * above;
                }
                right[row] -= factor * right[at];
            }
        }
    }
    let mut solution = vec![0.0; size];
    for at in (0..size).rev() {
        let known: f64 = (at + 1..size).map(|other| matrix[at][other] * solution[other]).sum();
        solution[at] = (right[at] - known) / matrix[at][at];
    }
    solution
}
