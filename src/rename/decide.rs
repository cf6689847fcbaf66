//! Decisions: from options, from certainty, from a person. What stays undecided ends in exit status 4.

use super::Draft;
use super::around::Around;
use super::candidate::{Candidate, Decision, Rename};
use super::candidates;
use super::given::Given;
use super::options::{self, Options};
use super::question::{Answer, Asker, Open, question};
use super::scene::Scene;
use crate::error::{Error, Result};

/// Every candidate with what was decided about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decisions {
    /// Candidates, and renames that only a person knew of.
    pub candidates: Vec<Candidate>,
    /// What nobody has decided.
    pub open: Vec<Open>,
    /// What a person has answered, by what was asked: [`Options::answers`] of another draft of the same change.
    pub answers: Vec<(Rename, Answer)>,
}

impl Decisions {
    /// What is renamed.
    pub fn renames(&self) -> impl Iterator<Item = &Rename> {
        self.decided(Decision::Rename)
    }

    /// What is renamed in Prisma only.
    pub fn maps(&self) -> impl Iterator<Item = &Rename> {
        self.decided(Decision::Map)
    }

    fn decided(&self, decision: Decision) -> impl Iterator<Item = &Rename> {
        self.candidates
            .iter()
            .filter(move |candidate| candidate.decision == decision)
            .map(|candidate| &candidate.rename)
    }
}

/// Settles what options, certainty and `asker` settle.
///
/// # Errors
/// Exit status 2 for an option that is unknown, unused or contradicts another; 4, without an asker, for open decisions,
/// each listed with the options that answer it; 130 when the person cancels.
pub fn decide(draft: &Draft<'_>, options: &Options, asker: Option<&mut dyn Asker>) -> Result<Decisions> {
    let decisions = settle(draft, options, asker)?;
    if decisions.open.is_empty() { Ok(decisions) } else { Err(undecided(&decisions.open)) }
}

/// As [`decide`], but open decisions are given back in [`Decisions::open`] instead of an error.
///
/// # Errors
/// As [`decide`], but never exit status 4.
pub fn settle(draft: &Draft<'_>, options: &Options, mut asker: Option<&mut dyn Asker>) -> Result<Decisions> {
    let scene = Scene::new(draft);
    let mut given = options::objects(&scene, options)?;
    let around = around(&scene, &given);
    options::members(&scene, options, &around.tables, &around.enums, &mut given)?;
    let mut decided = told(&scene, &given);
    let recorded = Given::recorded(&scene).deletes.into_iter().filter(|dropped| !given.settles(dropped));
    given.deletes.extend(recorded.collect::<Vec<_>>());
    let mut answers = Vec::new();
    loop {
        let found = candidates::find(&scene, &given);
        let mut asked = None;
        // what is certain is taken up to the next question: its answer may change what comes after
        for candidate in &found {
            if candidate.certain {
                given.renames.push(candidate.rename.clone());
                decided.push(candidate.clone());
            } else if candidate.decision == Decision::Open && (asker.is_some() || known(options, candidate).is_some()) {
                asked = Some(candidate);
                break;
            }
        }
        match (&mut asker, asked) {
            (_, Some(candidate)) if known(options, candidate).is_some() => {
                let known = known(options, candidate).unwrap_or(Answer::Cancel);
                decided.push(answer(&scene, &mut given, candidate, known)?);
            }
            (Some(asker), Some(candidate)) => {
                let around = self::around(&scene, &given);
                let chosen = asker.choose(&question(&scene, &around, &found, candidate, options.maps))?;
                answers.push((candidate.rename.clone(), chosen.clone()));
                decided.push(answer(&scene, &mut given, candidate, chosen)?);
            }
            _ if !found.iter().any(|candidate| candidate.certain) => {
                let finished = finish(&scene, &given, options, decided, found);
                return Ok(Decisions { answers, ..finished });
            }
            _ => {}
        }
    }
}

/// What a person has answered about this before.
fn known(options: &Options, candidate: &Candidate) -> Option<Answer> {
    let same = |(asked, _): &&(Rename, Answer)| asked.same_origin(&candidate.rename);
    options.answers.iter().find(same).map(|(_, answer)| answer.clone())
}

/// Takes a person's answer over. Cancelled ends everything.
fn answer(scene: &Scene<'_>, given: &mut Given, asked: &Candidate, answer: Answer) -> Result<Candidate> {
    let mut candidate = asked.clone();
    match answer {
        Answer::Rename(ref rename) | Answer::Map(ref rename) => {
            if *rename != candidate.rename {
                candidate = Candidate::new(scene.before, rename.clone(), 0.0, false, vec!["answered".into()]);
            }
            let map = matches!(answer, Answer::Map(_));
            candidate.decision = if map { Decision::Map } else { Decision::Rename };
            given.renames.push(rename.clone());
        }
        Answer::Expand | Answer::Delete => {
            candidate.decision = if answer == Answer::Delete { Decision::Delete } else { Decision::Expand };
            given.deletes.push(candidate.rename.clone());
        }
        Answer::Cancel => return Err(Error::cancelled()),
    }
    candidate.by_person = true;
    Ok(candidate)
}

/// The tables and enums taken to be renamed in the light of what is given.
fn around(scene: &Scene<'_>, given: &Given) -> Around {
    let mut around = Around::default();
    let likely = candidates::find(scene, given).into_iter().filter(|candidate| candidate.decision != Decision::Delete);
    for rename in given.renames.iter().cloned().chain(likely.map(|candidate| candidate.rename)) {
        around.take(&rename);
    }
    around
}

/// What options said, with the evidence that was known without them.
fn told(scene: &Scene<'_>, given: &Given) -> Vec<Candidate> {
    let found = candidates::find(scene, &Given::default());
    let known = |rename: &Rename| found.iter().find(|candidate| candidate.rename == *rename).cloned();
    let new = |rename: &Rename| Candidate::new(scene.before, rename.clone(), 0.0, false, Vec::new());
    let mut decided = Vec::new();
    for rename in &given.renames {
        let mut candidate = known(rename).unwrap_or_else(|| new(rename));
        let map = given.maps.contains(rename);
        candidate.decision = if map { Decision::Map } else { Decision::Rename };
        candidate.by_person = true;
        candidate.evidence.push(format!("decided by {}", if map { "--map" } else { "--rename" }));
        decided.push(candidate);
    }
    for dropped in &given.deletes {
        let known = found.iter().find(|candidate| candidate.rename.same_origin(dropped)).cloned();
        let mut candidate = known.unwrap_or_else(|| new(dropped));
        candidate.decision = Decision::Delete;
        candidate.by_person = true;
        candidate.evidence.push("decided by --delete".into());
        decided.push(candidate);
    }
    decided
}

fn finish(
    scene: &Scene<'_>,
    given: &Given,
    options: &Options,
    decided: Vec<Candidate>,
    found: Vec<Candidate>,
) -> Decisions {
    let around = around(scene, given);
    let open = found
        .iter()
        .filter(|candidate| candidate.decision == Decision::Open)
        .map(|candidate| question(scene, &around, &found, candidate, options.maps).into())
        .collect();
    Decisions { candidates: [decided, found].concat(), open, answers: Vec::new() }
}

/// The error for decisions that nobody has taken: exit status 4, each with the options that answer it.
pub fn undecided(open: &[Open]) -> Error {
    let mut text = String::from("a decision is needed:");
    for open in open {
        text.push_str("\n  ");
        text.push_str(&open.question);
        for option in &open.options {
            text.push_str("\n    ");
            text.push_str(option);
        }
    }
    Error::decision(text).help("add one of the options for each, or run it at a terminal to be asked")
}
