//! From compared pairs to candidates: rivals counted over the whole pool, then the assignment with the best total.

use std::collections::BTreeSet;

use super::assign::assign;
use super::candidate::{Candidate, Decision, MOST, Rename};
use super::scene::Scene;
use super::score::{ASK, FLOOR, NAMED, Scale};

/// One compared pair, before the assignment.
pub(crate) struct Compare<'w> {
    pub(crate) rename: Rename,
    pub(crate) scale: Scale<'w>,
    /// Certain if it has no rival.
    pub(crate) clear: bool,
    /// Only case and separators differ: no other pair is a rival unless the same is true of it.
    pub(crate) exact: bool,
    /// Certain in any case.
    pub(crate) proved: bool,
    /// No rename at all: the object stays what it is, which others must beat.
    pub(crate) stays: bool,
    /// Nobody is asked about it alone: the old object is not dropped.
    pub(crate) quiet: bool,
    /// The new object could hold what the old one holds: a decision, however unlikely the rename is.
    pub(crate) asked: bool,
    /// Why values would not survive.
    pub(crate) lossy: Option<String>,
}

impl<'w> Compare<'w> {
    /// A pair that is a decision, and nothing is certain about it.
    pub(crate) fn decision(rename: Rename, scale: Scale<'w>) -> Self {
        Self {
            rename,
            scale,
            clear: false,
            exact: false,
            proved: false,
            stays: false,
            quiet: false,
            asked: true,
            lossy: None,
        }
    }
}

/// Pairs by what goes (rows) and what comes (columns).
pub(crate) type Table<'w> = Vec<Vec<Option<Compare<'w>>>>;

/// Counts rivals over the whole pool, then assigns. A pair that leaves no doubt in itself is certain only if no other pair
/// with one of its ends comes near it.
pub(crate) fn settle(scene: &Scene<'_>, mut compared: Table<'_>) -> Vec<Candidate> {
    let scores = |compared: &Table<'_>| -> Vec<Vec<f64>> {
        let score = |pair: &Option<Compare<'_>>| pair.as_ref().map_or(0.0, |pair| pair.scale.score());
        compared.iter().map(|row| row.iter().map(score).collect()).collect()
    };
    let raw = scores(&compared);
    let best = Best::of(&raw);
    let exact = Best::of(
        &compared
            .iter()
            .map(|row| row.iter().map(|pair| f64::from(pair.as_ref().is_some_and(|pair| pair.exact))).collect())
            .collect::<Vec<_>>(),
    );
    for (i, row) in compared.iter_mut().enumerate() {
        for (j, pair) in row.iter_mut().enumerate() {
            let Some(pair) = pair else { continue };
            let rival = best.beside(i, j);
            if rival >= FLOOR && !pair.proved {
                // only a rival as good as this one takes its likelihood away
                pair.scale.weigh(-0.8 * (rival / raw[i][j].max(0.01)).min(1.2));
            }
            let twin = exact.beside(i, j) > 0.0;
            pair.clear &= (pair.exact && !twin) || (rival < ASK && rival < raw[i][j] - 0.3);
        }
    }
    let gain = scores(&compared);
    let count = |row: usize, column: usize| -> usize {
        let in_row = gain[row].iter().enumerate().filter(|(other, gain)| *other != column && **gain >= FLOOR).count();
        in_row + gain.iter().enumerate().filter(|(other, of)| *other != row && of[column] >= FLOOR).count()
    };
    let mut places = assign(&gain);
    leave_none_unasked(&compared, &gain, &mut places);
    let mut found = Vec::new();
    for (i, (row, place)) in compared.into_iter().zip(places).enumerate() {
        let Some(j) = place else { continue };
        let Some(pair) = row.into_iter().nth(j).flatten() else { continue };
        let Compare { rename, mut scale, clear, proved, stays, quiet, asked, lossy, .. } = pair;
        if stays || (gain[i][j] < NAMED && !asked) {
            continue;
        }
        match count(i, j) {
            0 => {}
            1 => scale.line("another pair is possible too"),
            count => scale.line(format!("{count} other pairs are possible too")),
        }
        let certain = proved || clear;
        let score = if certain { scale.score().max(0.97) } else { scale.score().min(MOST) };
        let mut candidate = Candidate::new(scene.before, rename, score, certain, scale.into_lines());
        if quiet {
            candidate.decision = Decision::Delete;
        } else if asked && candidate.decision == Decision::Delete {
            candidate.decision = Decision::Open;
            candidate.score = candidate.score.max(LEAST);
        }
        candidate.lossy = lossy;
        found.push(candidate);
    }
    found
}

/// The least score of what is asked about, as people see it.
const LEAST: f64 = 0.01;

/// What was assigned nothing that could hold it gets the likeliest of what could, even beside another: whichever of them it
/// is, a person decides.
fn leave_none_unasked(compared: &Table<'_>, gain: &[Vec<f64>], places: &mut [Option<usize>]) {
    let pair = |i: usize, j: usize| compared.get(i).and_then(|row| row.get(j)).and_then(Option::as_ref);
    let certain = |i: usize, j: usize| pair(i, j).is_some_and(|pair| pair.proved || pair.clear || pair.stays);
    let settled: BTreeSet<usize> =
        places.iter().enumerate().filter_map(|(i, place)| place.filter(|j| certain(i, *j))).collect();
    for (i, place) in places.iter_mut().enumerate() {
        let fits = |j: &usize| pair(i, *j).is_some_and(|pair| pair.asked && !pair.quiet && !pair.stays);
        let likely = |j: usize| gain.get(i).and_then(|row| row.get(j)).is_some_and(|gain| *gain >= ASK);
        let kept =
            place.is_some_and(|j| fits(&j) || likely(j) || pair(i, j).is_some_and(|pair| pair.stays || pair.quiet));
        if kept {
            continue;
        }
        let columns = gain.get(i).map_or(0, Vec::len);
        let others = (0..columns).filter(|j| !settled.contains(j)).filter(fits);
        let best = others.max_by(|a, b| gain[i][*a].total_cmp(&gain[i][*b]));
        *place = best.or(*place);
    }
}

/// The two greatest values of each row and column.
struct Best {
    rows: Vec<[(usize, f64); 2]>,
    columns: Vec<[(usize, f64); 2]>,
}

impl Best {
    fn of(values: &[Vec<f64>]) -> Self {
        let none = [(usize::MAX, 0.0); 2];
        let mut best = Self { rows: vec![none; values.len()], columns: vec![none; values.first().map_or(0, Vec::len)] };
        for (i, row) in values.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                note(&mut best.rows[i], j, *value);
                note(&mut best.columns[j], i, *value);
            }
        }
        best
    }

    /// The greatest value that shares an end with this one.
    fn beside(&self, i: usize, j: usize) -> f64 {
        let other = |two: &[(usize, f64); 2], own: usize| if two[0].0 == own { two[1].1 } else { two[0].1 };
        other(&self.rows[i], j).max(other(&self.columns[j], i))
    }
}

fn note(two: &mut [(usize, f64); 2], at: usize, value: f64) {
    if value > two[0].1 {
        *two = [(at, value), two[0]];
    } else if value > two[1].1 {
        two[1] = (at, value);
    }
}
