//! Questions about renames.

use serde::Serialize;

use super::around::Around;
use super::candidate::{Candidate, Decision, Rename};
use super::candidates;
use super::columns::{self, Holds};
use super::exchange::Exchange;
use super::given::Given;
use super::joins;
use super::phased;
use super::regroup::{self, Regroup};
use super::render::data_type;
use super::scene::{Pair, Scene};
use super::score::ASK;
use crate::catalog::Catalog;

/// What a person can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is renamed, to this.
    Rename(Rename),
    /// All of these are renamed: it, and what is alike.
    RenameAll(Vec<Rename>),
    /// It is renamed in Prisma only, to this.
    Map(Rename),
    /// In phases: nothing is renamed by this migration.
    Expand,
    /// Several columns become one, or one several: a person writes how.
    Regroup(Regroup),
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
    /// Which question it is, and of how many.
    pub place: (usize, usize),
    /// The option for the rename, where it is likely.
    pub proposed: Option<String>,
    /// The command that makes the change in phases instead.
    pub phases: Option<String>,
    /// The command that splits or merges in phases instead, where that fits.
    pub regroup: Option<Regroup>,
}

/// An open decision, for machines: `"open"` in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Open {
    /// The question.
    pub question: String,
    /// The options that answer it.
    pub options: Vec<String>,
    /// The one of them for the rename, where that is likely.
    #[serde(skip)]
    pub proposed: Option<String>,
    /// The command that makes the change in phases instead, from the schema before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phases: Option<String>,
    /// The command that splits or merges in phases instead, where that fits what is dropped and added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regroup: Option<Regroup>,
}

/// What a question about a candidate is put from.
pub(crate) struct Ask<'a> {
    pub(crate) scene: &'a Scene<'a>,
    /// What is decided: its names are taken.
    pub(crate) given: &'a Given,
    pub(crate) around: &'a Around,
    /// All candidates: one that takes the name of a column that stays must say what becomes of that.
    pub(crate) found: &'a [Candidate],
}

impl Ask<'_> {
    /// Words a question about a candidate. `maps`: schema.prisma may be edited. Every choice can be taken: names that are
    /// given away and types that no value survives are not among them.
    pub(crate) fn question(&self, candidate: &Candidate, maps: bool) -> Question {
        let catalog = self.scene.before;
        let others = self.alternatives(&candidate.rename);
        let own = std::iter::once(&candidate.rename).filter(|_| candidate.lossy.is_none());
        let renames: Vec<&Rename> = own.chain(&others).collect();
        let likely = candidate.score >= ASK;
        let mut choices: Vec<(String, Answer)> = renames.iter().map(|rename| self.choice(rename)).collect();
        let alike = self.alike(candidate);
        if let [_, _, ..] = alike.as_slice() {
            let words = format!("rename all {} like this: {}", alike.len(), pattern(self.scene, candidate));
            choices.insert(1.min(choices.len()), (words, Answer::RenameAll(alike)));
        }
        let kept = candidate.lossy.is_none();
        let maps = maps && kept && !self.scene.becomes_implicit(&self.around.tables, &candidate.rename);
        let in_prisma = candidate.rename.map_option(catalog).filter(|_| maps);
        if in_prisma.is_some() {
            let label = format!("rename in Prisma only: the database keeps {} (@map), no downtime", candidate.from);
            choices.push((label, Answer::Map(candidate.rename.clone())));
        }
        let Scene { head, work, draft, .. } = self.scene;
        let phases = phased::words(catalog, &candidate.rename, (head, work), &draft.hints.schema_after);
        if phases.is_some() {
            choices.push(("expand and contract: keep both for a while, without downtime".into(), Answer::Expand));
        }
        let regroup = regroup::regroup(self.scene, self.given, self.around, candidate);
        if let Some(regroup) = &regroup {
            choices.push((format!("{}, in phases: tells how", regroup.what), Answer::Regroup(regroup.clone())));
        }
        let delete = (format!("really drop {}, with its values", name(candidate)), Answer::Delete);
        // a hasty Enter takes the first
        choices.insert(if likely { choices.len() } else { 0 }, delete);
        choices.push(("cancel: leave no migration behind".into(), Answer::Cancel));
        let with_followers = |rename: &Rename| {
            let along = self.along(rename);
            let all = std::iter::once(rename).chain(self.followers(rename)).chain(&along);
            all.map(|rename| rename.options(catalog).0).collect::<Vec<_>>().join(" ")
        };
        let mut options: Vec<String> = renames.iter().map(|rename| with_followers(rename)).collect();
        let proposed = options.first().filter(|_| likely && kept).cloned();
        options.extend(in_prisma);
        options.push(candidate.rename.options(catalog).1);
        Question {
            candidate: candidate.clone(),
            text: self.text(candidate),
            choices,
            options,
            place: (1, 1),
            proposed,
            phases: phases.map(|words| phased::command(&words)),
            regroup,
        }
    }

    /// The answer that renames, in words: a join table takes its columns along.
    fn choice(&self, rename: &Rename) -> (String, Answer) {
        let (catalog, along) = (self.scene.before, self.along(rename));
        if along.is_empty() {
            return (label(catalog, rename), Answer::Rename(rename.clone()));
        }
        let names = along.iter().map(|column| {
            let (_, from, to) = column.spoken(catalog);
            format!("{from} to {to}")
        });
        let words = format!("{}, with {}", label(catalog, rename), names.collect::<Vec<_>>().join(" and "));
        (words, Answer::RenameAll(std::iter::once(rename.clone()).chain(along).collect()))
    }

    /// The columns that a join table takes along, where no answer has settled them.
    pub(crate) fn along(&self, rename: &Rename) -> Vec<Rename> {
        let columns = joins::columns(self.scene, self.around, rename);
        columns.into_iter().filter(|column| !self.given.settles(column)).collect()
    }

    /// What must be renamed as well, because a column that is not dropped has the name: the rest of a chain or a swap.
    fn followers(&self, rename: &Rename) -> Vec<&Rename> {
        let mut all: Vec<&Rename> = Vec::new();
        let mut last = rename;
        while let Rename::Column { table, to, .. } = last
            && self.scene.before.tables.get(table).is_some_and(|table| table.columns.contains_key(to))
            && !self.scene.pool.dropped_columns.contains(&(table.clone(), to.clone()))
        {
            let taken = Rename::Column { table: table.clone(), from: to.clone(), to: to.clone() };
            let next = self.found.iter().map(|candidate| &candidate.rename).find(|other| other.same_origin(&taken));
            let Some(next) = next.filter(|next| !all.contains(next)) else { break };
            all.push(next);
            last = next;
        }
        all
    }

    /// The likely renames of the same pattern as this one, itself first.
    fn alike(&self, candidate: &Candidate) -> Vec<Rename> {
        let own = pattern(self.scene, candidate);
        let rest = candidates::likely(self.found).filter(|other| {
            other.decision == Decision::Open
                && other.lossy.is_none()
                && other.rename != candidate.rename
                && pattern(self.scene, other) == own
        });
        let first = Some(candidate).filter(|own| own.score >= ASK && own.lossy.is_none() && own.from != own.to);
        first.into_iter().chain(rest.filter(|_| first.is_some())).map(|candidate| candidate.rename.clone()).collect()
    }

    fn text(&self, candidate: &Candidate) -> String {
        let of = name(candidate);
        let to = &candidate.to;
        match &candidate.rename {
            Rename::Column { table, from, to: target } => {
                let old = self.scene.before.tables.get(table).and_then(|table| table.columns.get(from));
                let old = old.map(|column| format!(" ({})", data_type(&column.data_type))).unwrap_or_default();
                if let Some(reason) = &candidate.lossy {
                    let what = if from == target { "recreated".to_owned() } else { format!("{to} added") };
                    return format!(
                        "{of}{old} is dropped and {what} with another type: {reason}. To keep the values, rename it in a \
                         migration of its own and change the type in a later one"
                    );
                }
                if from == target {
                    format!("{of}{old} is dropped and recreated with another type. What about its values?")
                } else if let Some(next) = self.followers(&candidate.rename).first() {
                    let (_, _, end) = next.spoken(self.scene.before);
                    format!("{of}{old} goes, and {to} gets its type. Was it renamed to {to}, and {to} to {end}?")
                } else if self.scene.pool.retyped_columns.contains(&(table.clone(), from.clone())) {
                    format!("{of}{old} gave its name away. Was it renamed to {to}?")
                } else {
                    format!("{of}{old} is dropped and {to} is added. Was it renamed?")
                }
            }
            Rename::Table { join: true, .. } => {
                format!("join table {of} is dropped and {to} is created. Was it renamed?")
            }
            Rename::Table { .. } => format!("table {of} is dropped and {to} is created. Was it renamed?"),
            Rename::Enum { .. } => format!("enum {of} is dropped and {to} is created. Was it renamed?"),
            Rename::EnumValue { .. } => format!("enum value {of} is removed and {to} is added. Was it renamed?"),
        }
    }

    /// Other renames of the same column that are possible, likeliest first.
    fn alternatives(&self, rename: &Rename) -> Vec<Rename> {
        let Rename::Column { table, from, to } = rename else { return Vec::new() };
        let target = self.around.tables.get(table).unwrap_or(table).clone();
        let pair = Pair { from: table.clone(), to: target };
        let Some(exchange) = Exchange::new(self.scene, &pair) else { return Vec::new() };
        let rename = |to: &String| Rename::Column { table: table.clone(), from: from.clone(), to: to.clone() };
        let certain = |to: &String| {
            self.found.iter().any(|candidate| candidate.certain && candidate.rename.same_result(&rename(to)))
        };
        // what is recreated under its own name has an origin of its own
        let free = |other: &&String| {
            *other != to
                && *other != from
                && !self.given.takes(&rename(other))
                && !certain(other)
                && !exchange.gone.contains(other)
        };
        let mut found: Vec<(f64, &String)> = exchange
            .come
            .iter()
            .filter(free)
            .filter_map(|other| {
                let compared = columns::compare(self.scene, self.around, &exchange, from, other)?;
                matches!(compared.holds, Holds::Kind).then(|| (compared.scale.score(), other))
            })
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.into_iter().take(3).map(|(_, to)| rename(to)).collect()
    }
}

impl From<Question> for Open {
    fn from(question: Question) -> Self {
        let Question { text: question, options, proposed, phases, regroup, .. } = question;
        Self { question, options, proposed, phases, regroup }
    }
}

fn name(candidate: &Candidate) -> String {
    match &candidate.parent {
        Some(parent) => format!("{parent}.{}", candidate.from),
        None => candidate.from.clone(),
    }
}

/// How one name was made from the other, in words: what several renames have in common.
fn pattern(scene: &Scene<'_>, candidate: &Candidate) -> String {
    let (from, to) = (candidate.from.as_str(), candidate.to.as_str());
    match scene.change(from, to) {
        _ if scene.likeness(from, to, &[]).style_only => {
            let snake = to.chars().all(|c| c == '_' || c.is_lowercase() || c.is_numeric());
            if snake { "to snake_case".into() } else { "another case or separator".into() }
        }
        Some((gone, come)) if gone.is_empty() => format!("{come} is added"),
        Some((gone, come)) if come.is_empty() => format!("{gone} goes"),
        Some((gone, come)) => format!("{gone} becomes {come}"),
        None => "other separators".into(),
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
