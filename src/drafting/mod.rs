//! From a draft to the migration that is written: renames decided, rewritten and proved, then reviewed and shown. Nothing
//! here writes a file.

mod accepted;
mod comments;
mod exchange;
mod in_prisma;
mod loss;
mod phased;
mod possible;
mod proofs;
mod values;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};

use crate::catalog::Catalog;
use crate::database::DatabaseUrl;
use crate::engine::DataLoss;
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::rename::schema::{self, Schema};
use crate::rename::{self, Begun, Decisions, Draft, Hints, Open, Options, Rename, Replay, Rewrite, Scratch, Terminal};
use crate::review::links::{self, Exchange};
use crate::review::{self, Review, Reviewed};
use crate::rules::{Settings, exchanged_columns};
use crate::sql::Sql;
use crate::ui::{Shell, diff};

pub use self::accepted::{Accepted, accept};
pub use self::comments::{no_reset, refuse_lost_folder, renew_checksums};
pub use self::exchange::refuse_exchange;
pub use self::in_prisma::InPrisma;
pub use self::phased::Phased;
pub use self::possible::{Possible, possible};
pub use self::proofs::Proofs;

/// What Prisma would still draft after this script; none where it cannot be asked.
pub type AskPrisma<'a> = dyn FnMut(&str) -> Result<Option<String>> + 'a;

/// A draft and what is known around it.
pub struct Drafting<'a> {
    migration: &'a Migration,
    earlier: &'a [Migration],
    default_schema: &'a str,
    before: Catalog,
    hints: Hints,
}

/// What becomes of a draft.
#[derive(Debug)]
pub struct Outcome {
    /// What is written: the rewrite if it is proved, else the draft.
    pub text: Sql,
    /// Every candidate with what was decided.
    pub decisions: Decisions,
    /// What was rewritten; none where nothing is renamed.
    pub rewrite: Option<(Rewrite, Proofs)>,
}

impl Outcome {
    /// Whether the text is another one than the draft's.
    pub fn rewritten(&self) -> bool {
        self.rewrite.as_ref().is_some_and(|(_, proofs)| proofs.hold())
    }

    /// Nobody has decided these.
    pub fn open(&self) -> &[Open] {
        &self.decisions.open
    }

    /// What options say is really dropped, by the database's names without their schema, as Prisma counts it. What was answered at the
    /// terminal is asked once more, with the counts: there the drop may be the first choice.
    fn dropped(&self, options: &Options) -> Vec<String> {
        let answers = || self.decisions.answers.iter().chain(&options.answers);
        let answered = |own: &Rename| answers().any(|(asked, _)| asked.same_origin(own));
        let decided = |own: &&rename::Candidate| {
            own.by_person && own.decision == rename::Decision::Delete && !answered(&own.rename)
        };
        let dropped = self.decisions.candidates.iter().filter(decided);
        dropped
            .filter_map(|own| match &own.rename {
                Rename::Column { table, from, .. } => Some(format!("{}.{from}", table.name)),
                Rename::Table { from, .. } => Some(from.name.clone()),
                Rename::Enum { .. } | Rename::EnumValue { .. } => None,
            })
            .collect()
    }

    /// # Errors
    /// Exit status 1 if there is a rewrite that could not be proved.
    pub fn demand_proof(&self) -> Result<()> {
        match &self.rewrite {
            Some((_, proofs)) if !proofs.hold() => {
                Err(Error::failed("the rewrite could not be proved, so it was not written")
                    .because(proofs.against())
                    .help(
                        "please report this with the draft; meanwhile rename by hand in a migration of its own: \
                         `ALTER TABLE … RENAME COLUMN … TO …`",
                    ))
            }
            _ => Ok(()),
        }
    }
}

impl<'a> Drafting<'a> {
    /// Parses the draft and replays what comes before it.
    pub fn new(migration: &'a Migration, earlier: &'a [Migration], default_schema: &'a str, hints: Hints) -> Self {
        let before = Catalog::of(default_schema, earlier);
        Self { migration, earlier, default_schema, before, hints }
    }

    /// Looks at the values of what is dropped, as evidence; a database that does not answer gives none.
    pub fn look_at_values(&mut self, url: &DatabaseUrl) {
        self.hints.profiles = values::profiles(&rename::wanted(&self.draft()), url);
    }

    /// What the schema said at git HEAD; none where no file of it is known there.
    pub fn schema_before(&self) -> Option<Schema> {
        (!self.hints.schema_before.is_empty()).then(|| Schema::read(&self.hints.schema_before))
    }

    /// The draft, as the renames look at it.
    pub fn draft(&self) -> Draft<'_> {
        Draft {
            migration: &self.migration.name,
            script: self.migration.script(),
            before: &self.before,
            hints: &self.hints,
        }
    }

    /// Renames decided, rewritten and proved; also on a scratch server, chosen by `scratch`, where that is given. Open
    /// decisions are in [`Outcome::open`]; then nothing is rewritten.
    ///
    /// # Errors
    /// Exit status 2 for wrong options, 3 for a rename that would lose values, 130 when the person cancels.
    pub fn settle(
        &self,
        options: &Options,
        shell: &Shell,
        remaining: &mut AskPrisma<'_>,
        scratch: Option<&Scratch<'_>>,
    ) -> Result<Outcome> {
        let (draft, given_up) = (self.draft(), AtomicBool::new(false));
        thread::scope(|scope| {
            // a server that runs already has time for the history and the draft while renames are decided
            let running = scratch.filter(|scratch| scratch.running.is_some());
            let ahead = running.map(|scratch| scope.spawn(|| self.begin_early(&draft, scratch, &given_up)));
            let decided = self.decide(&draft, options, shell);
            let (decisions, rewrite) = match decided {
                Ok((decisions, Some(rewrite))) => (decisions, rewrite),
                other => {
                    given_up.store(true, Ordering::Relaxed);
                    let (decisions, _) = other?;
                    return Ok(Outcome { text: self.migration.sql.clone(), decisions, rewrite: None });
                }
            };
            let prove = scratch.map(|scratch| {
                || {
                    if rewrite.renames.is_empty() {
                        return Replay::not_done("nothing is renamed");
                    }
                    let begun = match ahead.map(ScopedJoinHandle::join) {
                        Some(Ok(Some(begun))) => begun,
                        Some(Err(_)) => return proofs::ended_unexpectedly(),
                        Some(Ok(None)) | None => rename::begin(&draft, self.earlier, scratch, &given_up),
                    };
                    begun.map_or_else(|error| rename::unproved(&error), |begun| begun.finish(&draft, &rewrite))
                }
            });
            let proofs = Proofs::gather(&draft, &rewrite, remaining, prove)?;
            let text = if proofs.hold() { rewrite.text.clone() } else { self.migration.sql.clone() };
            Ok(Outcome { text, decisions, rewrite: Some((rewrite, proofs)) })
        })
    }

    /// Decides what is renamed. Without a rewrite there is nothing to rewrite, or something is still to be decided, or what is renamed in
    /// Prisma only is drafted anew.
    fn decide(&self, draft: &Draft<'_>, options: &Options, shell: &Shell) -> Result<(Decisions, Option<Rewrite>)> {
        let mut terminal = Terminal::new(shell);
        let asker = shell.interactive().then_some(&mut terminal as &mut dyn rename::Asker);
        let decisions = rename::settle(draft, options, asker)?;
        if !decisions.open.is_empty() || decisions.maps().next().is_some() {
            return Ok((decisions, None));
        }
        let rewrite = rename::rewrite(draft, &decisions)?;
        let changed = rewrite.text != self.migration.sql;
        Ok((decisions, Some(rewrite).filter(|_| changed)))
    }

    /// Begins the proof on a server where something could be renamed.
    fn begin_early<'s>(
        &self,
        draft: &Draft<'_>,
        scratch: &Scratch<'s>,
        given_up: &AtomicBool,
    ) -> Option<Result<Begun<'s>>> {
        rename::is_possible(draft).then(|| rename::begin(draft, self.earlier, scratch, given_up))
    }

    /// What is to be edited in schema.prisma; none where nothing is renamed in Prisma only.
    ///
    /// # Errors
    /// Exit status 2 if no file of the schema declares what is renamed.
    pub fn in_prisma(&self, outcome: &Outcome, schema_files: &[PathBuf]) -> Result<Option<InPrisma>> {
        InPrisma::plan(&outcome.decisions, &self.before, schema_files)
    }

    /// The plan that is to begin in the draft's place; none where nothing is to change in phases, and where it is not known what the
    /// schema said before.
    ///
    /// # Errors
    /// Exit status 2 for more than one.
    pub fn phased(&self, outcome: &Outcome, schema_files: &[PathBuf]) -> Result<Option<Phased>> {
        Phased::of(&outcome.decisions, &self.before, &self.hints.schema_before, schema_files)
    }

    /// The review of the outcome, offline.
    pub fn review(&self, outcome: &Outcome, settings: &Settings) -> Review {
        let migration = Migration { sql: outcome.text.clone(), ..self.migration.clone() };
        let on = settings.levels.on(&exchanged_columns::RULE);
        let standing = if on { self.exchanged(&migration) } else { Vec::new() };
        let standing = standing.into_iter().map(|own| Reviewed::standing(migration.clone(), own.finding)).collect();
        let mut review = review::review(review::Request {
            migrations: &[migration],
            world: None,
            earlier: self.earlier,
            default_schema: self.default_schema,
            live: None,
            identity: None,
            settings,
            standing,
        });
        for reviewed in review.migrations.iter_mut().filter(|_| outcome.rewritten()) {
            reviewed.draft = Some(self.migration.sql.to_string());
        }
        review
    }

    /// Whether fields of the schema have exchanged their columns, though Prisma drafts nothing for it.
    pub fn exchanges(&self) -> bool {
        !self.exchanged(self.migration).is_empty()
    }

    fn exchanged(&self, migration: &Migration) -> Vec<Exchange> {
        let [was, now] = [&self.hints.schema_before, &self.hints.schema_after].map(|texts| Schema::read(texts));
        links::of_draft(self.default_schema, self.earlier, migration, (&was, &now))
    }

    /// Before a development database is changed: what cannot run is refused, what loses data is asked about.
    ///
    /// # Errors
    /// Exit status 1 for what cannot run; 4 for losses without an answer, 130 for those refused at the terminal.
    pub fn admit(&self, outcome: &Outcome, data_loss: &DataLoss, options: &Options, shell: &Shell) -> Result<()> {
        loss::refuse_unexecutable(data_loss, &outcome.text)?;
        let lost = loss::lost(data_loss, &self.before, &outcome.text, &outcome.decisions.dropped);
        loss::consent(&lost, &outcome.dropped(options), shell)
    }

    /// Someone chose to rename in phases: this draft would drop the values at once, so it is not written.
    ///
    /// # Errors
    /// Exit status 130, after the phases are explained.
    pub fn refuse_expansions(&self, outcome: &Outcome, shell: &Shell) -> Result<()> {
        let mut expanded = outcome.decisions.candidates.iter().filter(|each| each.decision == rename::Decision::Expand);
        let Some(first) = expanded.next() else { return Ok(()) };
        let from = &first.from;
        let (what, map) = if first.parent.is_some() { ("column", "@map") } else { ("table", "@@map") };
        let Hints { schema_before, schema_after, .. } = &self.hints;
        let (was, now) = (Schema::read(schema_before), Schema::read(schema_after));
        let words = rename::in_phases(&self.before, &first.rename, (&was, &now), schema_after);
        shell.block(&format!(
            "\nExpand and contract, while both releases run:\n\
             1. Take the change of `{from}` out of schema.prisma again: the plan makes it.\n\
             2. {}\n\
             If only the name in Prisma is to change, keep the {what} with {map}(\"{from}\"); no migration is needed then.\n\n",
            rename::phases_command(&words.unwrap_or_default()),
        ));
        Err(Error::cancelled().because("this draft would drop the old values at once, so it was not written"))
    }

    /// The difference between draft and result, for people.
    pub fn diff(&self, outcome: &Outcome, shell: &Shell) -> String {
        diff::unified(
            shell,
            &format!("{}/migration.sql", self.migration.name),
            Some(&self.migration.sql),
            &outcome.text,
        )
    }
}

/// Tells what was proved of a rewrite, and what was not.
pub fn tell_proofs(outcome: &Outcome, shell: &Shell) {
    let Some((rewrite, proofs)) = outcome.rewrite.as_ref().filter(|_| outcome.rewritten()) else { return };
    shell.status("Proved", proofs.sentence());
    for note in rewrite.notes.iter().chain(&proofs.notes()) {
        shell.note(note);
    }
}

/// What the schema's files say now and at git HEAD, and what the migrations before have kept.
pub fn hints(schema_files: &[PathBuf], earlier: &[Migration], warnings: &DataLoss) -> Hints {
    let mut hints = Hints {
        sides: rename::sides::recorded(earlier),
        schema_before: schema::before(schema_files, earlier),
        ..Hints::default()
    };
    for file in schema_files {
        // an unreadable file is not evidence, and Prisma has said so
        hints.schema_after.extend(std::fs::read_to_string(file).ok());
    }
    hints.warnings = warnings.warnings.iter().map(|note| note.message.clone()).collect();
    hints
}
