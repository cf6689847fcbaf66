//! All candidates of a draft: tables and enums first, then columns and values in the light of them, each kind assigned
//! one-to-one with the best total.

use std::collections::{BTreeMap, BTreeSet};

use super::assign::assign;
use super::candidate::{Candidate, Rename};
use super::columns::{self, Around, Compared, Divided};
use super::names::change;
use super::scene::{Pair, Scene};
use super::score::{ASK, FLOOR, Scale};
use super::{directive, enums, joins, tables};
use crate::catalog::{Catalog, ObjectName};
use crate::sql::Script;

/// What people have decided already; candidates are looked for in its light.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// Renames that were decided.
    pub(crate) renames: Vec<Rename>,
    /// Objects that are really dropped, as the left side of any rename of them.
    pub(crate) deletes: Vec<Rename>,
}

impl Given {
    /// The drops that a person has decided in the file before.
    pub(crate) fn recorded(scene: &Scene<'_>) -> Self {
        Self::recorded_in(scene.draft.script, scene.before)
    }

    /// As [`Given::recorded`], for any script.
    pub(crate) fn recorded_in(script: &Script, before: &Catalog) -> Self {
        let comments = script.comments().iter();
        let deletes = comments.filter_map(|comment| directive::parse_delete(before, &comment.text)).collect();
        Self { renames: Vec::new(), deletes }
    }

    /// Whether the object on the left is settled, so that nothing is to be found for it.
    pub(crate) fn settles(&self, rename: &Rename) -> bool {
        self.renames.iter().chain(&self.deletes).any(|given| given.same_origin(rename))
    }

    /// Whether another object was decided to become this one.
    pub(crate) fn takes(&self, rename: &Rename) -> bool {
        self.renames.iter().any(|given| given.same_result(rename))
    }
}

/// One compared pair, before the assignment.
pub(crate) struct Compare {
    pub(crate) rename: Rename,
    pub(crate) scale: Scale,
    /// Certain if it has no rival.
    pub(crate) clear: bool,
    /// Only case and separators differ: no other pair is a rival unless the same is true of it.
    pub(crate) exact: bool,
    /// Certain in any case.
    pub(crate) proved: bool,
}

/// Candidates given what is decided, best first within each kind. Decided renames are not among them.
pub(crate) fn find(scene: &Scene<'_>, given: &Given) -> Vec<Candidate> {
    let mut around = Around::default();
    for rename in &given.renames {
        take(&mut around, rename);
    }
    let enums = enums::types(scene, given);
    for candidate in likely(&enums) {
        take(&mut around, &candidate.rename);
    }
    let tables = tables::find(scene, given, &around);
    for candidate in likely(&tables) {
        take(&mut around, &candidate.rename);
    }
    let joins = joins::find(scene, given, &around);
    for candidate in &joins {
        take(&mut around, &candidate.rename);
    }
    around.changes = changes(scene, &around);
    let columns = find_columns(scene, given, &around);
    let values = enums::values(scene, given, &around);
    [enums, tables, joins, columns, values].concat()
}

fn likely(candidates: &[Candidate]) -> impl Iterator<Item = &Candidate> {
    candidates.iter().filter(|candidate| candidate.score >= ASK)
}

fn take(around: &mut Around, rename: &Rename) {
    match rename {
        Rename::Table { from, to, .. } => {
            around.tables.insert(from.clone(), to.clone());
        }
        Rename::Enum { from, to } => {
            around.enums.insert(from.clone(), to.clone());
        }
        Rename::Column { .. } | Rename::EnumValue { .. } => {}
    }
}

/// Tables whose columns are compared: those that stay, and those taken to be renamed.
pub(crate) fn pairs(scene: &Scene<'_>, tables: &BTreeMap<ObjectName, ObjectName>) -> Vec<Pair> {
    let renamed = tables.iter().map(|(from, to)| Pair { from: from.clone(), to: to.clone() });
    let targets: BTreeSet<&ObjectName> = tables.values().collect();
    let kept = scene.kept_tables().filter(|pair| !tables.contains_key(&pair.from) && !targets.contains(&pair.to));
    kept.chain(renamed).collect()
}

/// Counts, for each way to make one name from another, the objects it fits: tables and enums taken to be renamed, and
/// dropped columns with an added one of the same type.
fn changes(scene: &Scene<'_>, around: &Around) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for (from, to) in around.tables.iter().chain(&around.enums) {
        *counts.entry(change(&from.name, &to.name)).or_default() += 1;
    }
    for pair in pairs(scene, &around.tables) {
        let (gone, come) = scene.columns(&pair);
        for from in &gone {
            let same_type = |to: &&String| scene.same_type(&pair, from, to);
            let found: BTreeSet<_> = come.iter().filter(same_type).map(|to| change(from, to)).collect();
            for change in found {
                *counts.entry(change).or_default() += 1;
            }
        }
    }
    counts.into_iter().filter_map(|(change, count)| change.map(|change| (change, count))).collect()
}

fn find_columns(scene: &Scene<'_>, given: &Given, around: &Around) -> Vec<Candidate> {
    let mut found = Vec::new();
    for pair in pairs(scene, &around.tables) {
        let join = pair.from != pair.to && pair.from.name.starts_with('_') && pair.to.name.starts_with('_');
        if join {
            continue;
        }
        let (gone, come) = scene.columns(&pair);
        let rename = |from: &String, to: &String| Rename::Column {
            table: pair.from.clone(),
            from: from.clone(),
            to: to.clone(),
        };
        let gone: Vec<String> = gone.into_iter().filter(|from| !given.settles(&rename(from, from))).collect();
        let come: Vec<String> = come.into_iter().filter(|to| !given.takes(&rename(to, to))).collect();
        let divided = Divided::new(scene, &pair);
        let compared = gone.iter().map(|from| {
            let row = come.iter().map(|to| {
                let Compared { mut scale, clear, exact, proved } =
                    columns::compare(scene, around, (&pair, &divided), from, to)?;
                alone(scene, &pair, (from, &gone), (to, &come), &mut scale);
                Some(Compare { rename: rename(from, to), scale, clear, exact, proved })
            });
            row.collect()
        });
        found.extend(settle(scene, compared.collect()));
    }
    found
}

/// Weighs how many other columns of the same type could be meant.
fn alone(
    scene: &Scene<'_>,
    pair: &Pair,
    (from, gone): (&str, &[String]),
    (to, come): (&str, &[String]),
    scale: &mut Scale,
) {
    if gone.len() == 1 && come.len() == 1 {
        scale.add(0.4, "the only dropped and the only added column of the table");
    }
    let same = scene.same_type(pair, from, to);
    let others = gone.iter().filter(|other| *other != from && scene.same_type(pair, other, to)).count()
        + come.iter().filter(|other| *other != to && scene.same_type(pair, from, other)).count();
    if same && others == 0 {
        let line = if gone.len() + come.len() > 2 { "no other dropped or added column has this type" } else { "" };
        scale.add(1.0, line);
    }
}

/// Counts rivals over the whole pool, then assigns. A pair that leaves no doubt in itself is certain only if no other pair
/// with one of its ends comes near it.
pub(crate) fn settle(scene: &Scene<'_>, mut compared: Vec<Vec<Option<Compare>>>) -> Vec<Candidate> {
    let score = |pair: &Option<Compare>| pair.as_ref().map_or(0.0, |pair| pair.scale.score());
    let raw: Vec<Vec<f64>> = compared.iter().map(|row| row.iter().map(score).collect()).collect();
    let rival = |i: usize, j: usize| -> f64 {
        let in_row = raw[i].iter().enumerate().filter(|(other, _)| *other != j).map(|(_, score)| *score);
        let in_column = raw.iter().enumerate().filter(|(other, _)| *other != i).map(|(_, row)| row[j]);
        in_row.chain(in_column).fold(0.0, f64::max)
    };
    let exact: Vec<(usize, usize)> = compared
        .iter()
        .enumerate()
        .flat_map(|(i, row)| row.iter().enumerate().map(move |(j, pair)| (i, j, pair)))
        .filter(|(_, _, pair)| pair.as_ref().is_some_and(|pair| pair.exact))
        .map(|(i, j, _)| (i, j))
        .collect();
    for (i, row) in compared.iter_mut().enumerate() {
        for (j, pair) in row.iter_mut().enumerate() {
            let Some(pair) = pair else { continue };
            let best = rival(i, j);
            let twin = exact.iter().filter(|(a, b)| (*a == i) != (*b == j)).count() > 0;
            if best >= FLOOR && !pair.proved {
                // only a rival as good as this one takes its likelihood away
                pair.scale.weigh(-0.8 * (best / raw[i][j].max(0.01)).min(1.2));
            }
            pair.clear &= (pair.exact && !twin) || (best < ASK && best < raw[i][j] - 0.3);
        }
    }
    let gain: Vec<Vec<f64>> = compared
        .iter()
        .map(|row| row.iter().map(|pair| Some(score(pair)).filter(|score| *score >= FLOOR).unwrap_or(0.0)).collect())
        .collect();
    let rivals: Vec<Vec<usize>> = (0..raw.len())
        .map(|i| {
            (0..raw[i].len())
                .map(|j| {
                    let row = gain[i].iter().enumerate().filter(|(other, gain)| *other != j && **gain > 0.0).count();
                    row + gain.iter().enumerate().filter(|(other, row)| *other != i && row[j] > 0.0).count()
                })
                .collect()
        })
        .collect();
    let mut found = Vec::new();
    for (i, (row, place)) in compared.into_iter().zip(assign(&gain)).enumerate() {
        let Some(j) = place else { continue };
        let Some(Compare { rename, mut scale, clear, proved, .. }) = row.into_iter().nth(j).flatten() else { continue };
        match rivals[i][j] {
            0 => {}
            1 => scale.add(0.0, "another pair is possible too"),
            count => scale.add(0.0, format!("{count} other pairs are possible too")),
        }
        let certain = proved || clear;
        let score = if certain { scale.score().max(0.97) } else { scale.score().min(0.96) };
        found.push(Candidate::new(scene.before, rename, score, certain, scale.into_lines()));
    }
    found
}
