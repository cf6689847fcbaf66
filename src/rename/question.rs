//! Questions about renames, and the terminal that puts them.

use serde::Serialize;

use super::around::Around;
use super::candidate::{Candidate, Rename};
use super::columns;
use super::exchange::Exchange;
use super::render::data_type;
use super::scene::{Pair, Scene};
use crate::catalog::Catalog;
use crate::error::Result;
use crate::ui::{Shell, prompt};

/// What a person can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is renamed, to this.
    Rename(Rename),
    /// It is renamed in Prisma only, to this.
    Map(Rename),
    /// In phases: nothing is renamed by this migration.
    Expand,
    /// It is really dropped.
    Delete,
    /// Stop here.
    Cancel,
}

/// One question about one dropped object.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The likeliest rename, with its evidence.
    pub candidate: Candidate,
    /// The sentence.
    pub text: String,
    /// Possible answers with their words, the likeliest first.
    pub choices: Vec<(String, Answer)>,
    /// The options that would have answered, in the order of the choices that have one.
    pub options: Vec<String>,
}

/// A decision that nobody has taken, for machines: `"open"` in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Open {
    /// The question.
    pub question: String,
    /// The options that answer it.
    pub options: Vec<String>,
}

/// Somebody who answers.
pub trait Asker {
    /// Puts a question and waits for the answer.
    ///
    /// # Errors
    /// Cancelled, or the terminal is gone.
    fn choose(&mut self, question: &Question) -> Result<Answer>;
}

/// The person at the terminal.
#[derive(Debug)]
pub struct Terminal<'a> {
    shell: &'a Shell,
}

impl<'a> Terminal<'a> {
    /// Asks through this shell.
    pub fn new(shell: &'a Shell) -> Self {
        Self { shell }
    }
}

impl Asker for Terminal<'_> {
    fn choose(&mut self, question: &Question) -> Result<Answer> {
        self.shell.block("\n");
        for line in &question.candidate.evidence {
            self.shell.detail(format!("- {line}"));
        }
        let labels: Vec<&str> = question.choices.iter().map(|(label, _)| label.as_str()).collect();
        let chosen = prompt::select(self.shell, &question.text, &labels, 0)?;
        Ok(question.choices.get(chosen).map_or(Answer::Cancel, |(_, answer)| answer.clone()))
    }
}

/// Words a question about a candidate. `maps`: schema.prisma may be edited.
/// `found` are all candidates: one that takes the name of a column that stays must say what becomes of that.
pub(crate) fn question(
    scene: &Scene<'_>,
    around: &Around,
    found: &[Candidate],
    candidate: &Candidate,
    maps: bool,
) -> Question {
    let others = alternatives(scene, around, &candidate.rename);
    let renames: Vec<&Rename> = std::iter::once(&candidate.rename).chain(&others).collect();
    let mut choices: Vec<(String, Answer)> =
        renames.iter().map(|rename| (label(scene.before, rename), Answer::Rename((*rename).clone()))).collect();
    let in_prisma = candidate.rename.map_option(scene.before).filter(|_| maps);
    if in_prisma.is_some() {
        let label = format!("rename in Prisma only: the database keeps {} (@map), no downtime", candidate.from);
        choices.push((label, Answer::Map(candidate.rename.clone())));
    }
    if matches!(candidate.rename, Rename::Column { .. }) {
        choices.push(("expand and contract: keep both for a while, without downtime".into(), Answer::Expand));
    }
    choices.push((format!("really drop {}, with its values", name(candidate)), Answer::Delete));
    choices.push(("cancel: leave no migration behind".into(), Answer::Cancel));
    let mut options: Vec<String> = renames
        .iter()
        .map(|rename| {
            let all = std::iter::once(*rename).chain(followers(scene, found, rename));
            all.map(|rename| rename.options(scene.before).0).collect::<Vec<_>>().join(" ")
        })
        .collect();
    options.extend(in_prisma);
    options.push(candidate.rename.options(scene.before).1);
    Question { text: text(scene, found, candidate), candidate: candidate.clone(), choices, options }
}

impl From<Question> for Open {
    fn from(question: Question) -> Self {
        Self { question: question.text, options: question.options }
    }
}

fn name(candidate: &Candidate) -> String {
    match &candidate.parent {
        Some(parent) => format!("{parent}.{}", candidate.from),
        None => candidate.from.clone(),
    }
}

fn label(catalog: &Catalog, rename: &Rename) -> String {
    let (_, from, to) = rename.spoken(catalog);
    match rename {
        Rename::Column { from, to, .. } if from == to => {
            format!("keep the values of {from}, converted to the new type")
        }
        _ => format!("rename {from} to {to}, values kept"),
    }
}

/// What must be renamed as well, because a column that is not dropped has the name: the rest of a chain or a swap.
fn followers<'a>(scene: &Scene<'_>, found: &'a [Candidate], rename: &Rename) -> Vec<&'a Rename> {
    let mut all: Vec<&Rename> = Vec::new();
    let mut last = rename;
    while let Rename::Column { table, to, .. } = last
        && scene.before.tables.get(table).is_some_and(|table| table.columns.contains_key(to))
        && !scene.pool.dropped_columns.contains(&(table.clone(), to.clone()))
    {
        let taken = Rename::Column { table: table.clone(), from: to.clone(), to: to.clone() };
        let next = found.iter().map(|candidate| &candidate.rename).find(|other| other.same_origin(&taken));
        let Some(next) = next.filter(|next| !all.contains(next)) else { break };
        all.push(next);
        last = next;
    }
    all
}

fn text(scene: &Scene<'_>, found: &[Candidate], candidate: &Candidate) -> String {
    let of = name(candidate);
    let to = &candidate.to;
    match &candidate.rename {
        Rename::Column { table, from, to: target } => {
            let old = scene.before.tables.get(table).and_then(|table| table.columns.get(from));
            let old = old.map(|column| format!(" ({})", data_type(&column.data_type))).unwrap_or_default();
            if from == target {
                format!("{of}{old} is dropped and recreated with another type. What about its values?")
            } else if let Some(next) = followers(scene, found, &candidate.rename).first() {
                let (_, _, end) = next.spoken(scene.before);
                format!("{of}{old} goes, and {to} gets its type. Was it renamed to {to}, and {to} to {end}?")
            } else if scene.pool.retyped_columns.contains(&(table.clone(), from.clone())) {
                format!("{of}{old} gave its name away. Was it renamed to {to}?")
            } else {
                format!("{of}{old} is dropped and {to} is added. Was it renamed?")
            }
        }
        Rename::Table { join: true, .. } => format!("join table {of} is dropped and {to} is created. Was it renamed?"),
        Rename::Table { .. } => format!("table {of} is dropped and {to} is created. Was it renamed?"),
        Rename::Enum { .. } => format!("enum {of} is dropped and {to} is created. Was it renamed?"),
        Rename::EnumValue { .. } => format!("enum value {of} is removed and {to} is added. Was it renamed?"),
    }
}

/// Other renames of the same object that are possible, likeliest first.
fn alternatives(scene: &Scene<'_>, around: &Around, rename: &Rename) -> Vec<Rename> {
    let Rename::Column { table, from, to } = rename else { return Vec::new() };
    let target = around.tables.get(table).unwrap_or(table).clone();
    let pair = Pair { from: table.clone(), to: target };
    let Some(exchange) = Exchange::new(scene, &pair) else { return Vec::new() };
    let mut found: Vec<(f64, &String)> = exchange
        .come
        .iter()
        .filter(|other| *other != to && *other != from)
        .filter_map(|other| {
            columns::compare(scene, around, &exchange, from, other).map(|found| (found.scale.score(), other))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let rename = |(_, to): (f64, &String)| Rename::Column { table: table.clone(), from: from.clone(), to: to.clone() };
    found.into_iter().take(3).map(rename).collect()
}
