//! Decisions: from options, from certainty, from a person. What stays undecided ends in exit status 4.

use std::fmt::Write as _;

use super::Draft;
use super::around::Around;
use super::asker::Asker;
use super::candidate::{Candidate, Decision, Rename};
use super::candidates;
use super::given::Given;
use super::options::{self, Options};
use super::phased;
use super::question::{Answer, Ask, Open, Question};
use super::regroup::{self, Dropped, Regroup};
use super::scene::Scene;
use super::sides;
use crate::error::{Error, Result};

/// Every candidate with what was decided about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decisions {
    /// Candidates, and renames that only a person knew of.
    pub candidates: Vec<Candidate>,
    /// What is not decided.
    pub open: Vec<Open>,
    /// What a person has answered, by what was asked: [`Options::answers`] of another draft of the same change.
    pub answers: Vec<(Rename, Answer)>,
    /// What phases can do with the columns that are dropped.
    pub dropped: Vec<Dropped>,
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
    let first = candidates::find(&scene, &given);
    let objects = given.clone();
    let around = around(&given, &first);
    options::members(&scene, options, &around.tables, &around.enums, &mut given)?;
    let mut decided = told(&scene, &given);
    let recorded = Given::recorded(&scene).deletes.into_iter().filter(|dropped| !given.settles(dropped));
    given.deletes.extend(recorded.collect::<Vec<_>>());
    let mut answers: Vec<(Rename, Answer)> = Vec::new();
    // what is found hangs on what is given alone
    let mut first = Some(first).filter(|_| given == objects);
    loop {
        sides::refuse_unknown(&scene, &given)?;
        let found = first.take().unwrap_or_else(|| candidates::find(&scene, &given));
        let (certain, asked) = next(&found, options, asker.is_some());
        if !certain.is_empty() {
            // what is taken answers no question
            given.renames.extend(certain.iter().map(|candidate| candidate.rename.clone()));
            decided.extend(certain.into_iter().cloned());
            continue;
        }
        match (&mut asker, asked) {
            (_, Some((candidate, Some(known)))) => {
                decided.extend(answer(&scene, &mut given, &found, candidate, known)?);
            }
            (Some(asker), Some((candidate, None))) => {
                let ask = Ask { scene: &scene, given: &given, around: &self::around(&given, &found), found: &found };
                let left = found.iter().filter(|other| other.decision == Decision::Open).count();
                let place = (answers.len() + 1, answers.len() + left);
                let chosen = asker.choose(&Question { place, ..ask.question(candidate, options.maps) })?;
                answers.push((candidate.rename.clone(), chosen.clone()));
                decided.extend(answer(&scene, &mut given, &found, candidate, chosen)?);
            }
            _ => {
                let finished = finish(&scene, &given, options, decided, found);
                return Ok(Decisions { answers, ..finished });
            }
        }
    }
}

/// What is certain up to the next question, whose answer may change what comes after; and that question, with its answer
/// where a person has given it before.
fn next<'f>(
    found: &'f [Candidate],
    options: &Options,
    asks: bool,
) -> (Vec<&'f Candidate>, Option<(&'f Candidate, Option<Answer>)>) {
    let mut certain = Vec::new();
    for candidate in found {
        if candidate.certain {
            certain.push(candidate);
        } else if candidate.decision == Decision::Open {
            let known = known(options, candidate);
            if asks || known.is_some() {
                return (certain, Some((candidate, known)));
            }
        }
    }
    (certain, None)
}

/// What a person has answered about this before.
fn known(options: &Options, candidate: &Candidate) -> Option<Answer> {
    let same = |(asked, _): &&(Rename, Answer)| asked.same_origin(&candidate.rename);
    options.answers.iter().find(same).map(|(_, answer)| answer.clone())
}

/// Takes a person's answer over. Cancelled ends everything.
fn answer(
    scene: &Scene<'_>,
    given: &mut Given,
    found: &[Candidate],
    asked: &Candidate,
    answer: Answer,
) -> Result<Vec<Candidate>> {
    let renamed = |rename: &Rename, decision: Decision| {
        let known = found.iter().find(|candidate| candidate.rename == *rename).cloned();
        let new = || Candidate::new(scene.before, rename.clone(), 0.0, false, vec!["answered".into()]);
        Candidate { decision, by_person: true, ..known.unwrap_or_else(new) }
    };
    match answer {
        Answer::Rename(rename) => {
            given.renames.push(rename.clone());
            Ok(vec![renamed(&rename, Decision::Rename)])
        }
        Answer::Map(rename) => {
            given.renames.push(rename.clone());
            Ok(vec![renamed(&rename, Decision::Map)])
        }
        Answer::RenameAll(all) => {
            given.renames.extend(all.iter().cloned());
            Ok(all.iter().map(|rename| renamed(rename, Decision::Rename)).collect())
        }
        Answer::Expand | Answer::Delete => {
            let decision = if answer == Answer::Delete { Decision::Delete } else { Decision::Expand };
            given.deletes.push(asked.rename.clone());
            Ok(vec![Candidate { decision, by_person: true, ..asked.clone() }])
        }
        Answer::Regroup(Regroup { command, .. }) => {
            Err(Error::cancelled().because("this draft would drop values at once, so it was not written").help(format!(
                "take the change out of schema.prisma again, for the plan makes it; then, with SQL of yours in each place of \
                 EXPR: {command}"
            )))
        }
        Answer::Cancel => Err(Error::cancelled()),
    }
}

/// The tables and enums taken to be renamed in the light of what is given, and of what was found by it.
fn around(given: &Given, found: &[Candidate]) -> Around {
    let mut around = Around::default();
    let likely = candidates::likely(found).map(|candidate| &candidate.rename);
    given.renames.iter().chain(likely).for_each(|rename| around.take(rename));
    around
}

/// What options said, with the evidence that was known without them.
fn told(scene: &Scene<'_>, given: &Given) -> Vec<Candidate> {
    if given.renames.is_empty() && given.deletes.is_empty() {
        return Vec::new();
    }
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
    let around = around(given, &found);
    let dropped = regroup::dropped(scene, given, &around);
    let ask = Ask { scene, given, around: &around, found: &found };
    let open = || found.iter().filter(|candidate| candidate.decision == Decision::Open);
    // asked about with their join table
    let along: Vec<Rename> = open().flat_map(|candidate| ask.along(&candidate.rename)).collect();
    let open = open().filter(|candidate| !along.contains(&candidate.rename));
    let open = open.map(|candidate| ask.question(candidate, options.maps).into()).collect();
    Decisions { candidates: [decided, found].concat(), open, answers: Vec::new(), dropped }
}

/// The error for open decisions: exit status 4, each with the options that answer it.
pub fn undecided(open: &[Open]) -> Error {
    let mut text = String::from(if open.len() == 1 { "a decision is needed:" } else { "decisions are needed:" });
    for (number, one) in open.iter().enumerate() {
        text.push_str("\n  ");
        if open.len() > 1 {
            let _ = write!(text, "{} of {}: ", number + 1, open.len()); // a String takes all
        }
        text.push_str(&one.question);
        for option in &one.options {
            text.push_str("\n    ");
            text.push_str(option);
        }
        let told = open.iter().take(number).any(|other| other.regroup == one.regroup);
        for line in phased::offered(one.phases.as_ref(), one.regroup.as_ref().filter(|_| !told)) {
            let _ = write!(text, "\n    {line}");
        }
    }
    if open.iter().any(|one| one.phases.is_some() || one.regroup.is_some()) {
        let _ = write!(text, "\n  {}", phased::BEGINS);
        if open.iter().any(|one| one.regroup.is_some()) {
            text.push_str("; each EXPR is SQL that you write");
        }
    }
    let error = Error::decision(text).help("add one of the options for each, or run it at a terminal to be asked");
    let proposed: Vec<&str> = open.iter().filter_map(|open| open.proposed.as_deref()).collect();
    match proposed.as_slice() {
        [_, _, ..] => error.help(format!("the likely renames in one line: {}", proposed.join(" "))),
        _ => error,
    }
}
