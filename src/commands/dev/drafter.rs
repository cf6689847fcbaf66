//! What happens to the draft while Prisma waits for its engine's answer.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::Aim;
use super::Args;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::context::Context;
use crate::database::DatabaseUrl;
use crate::drafting::{self, Drafting, InPrisma, Outcome, Phased};
use crate::engine::{self, DataLoss, Drafted, Drafter, Guard, MigrationsList, Remaining, ShadowUse};
use crate::error::{Error, Explain as _, Result};
use crate::project::{Migration, Project};
use crate::report::{Format, renames};
use crate::review::Review;
use crate::shadow::Shadow;
use crate::sql::Script;
use crate::{rename, rules};

/// How to fix a migration that would run before an existing one: only a name without a time sorts behind it.
fn runs_before_others(name: &str, earlier: &[Migration]) -> Option<String> {
    let last = earlier.iter().map(|migration| migration.name.as_str()).max().filter(|last| *last > name)?;
    rules::history::behind_times(last)
}

/// What happens to the draft while Prisma waits for its engine's answer.
pub(super) struct Developing<'a> {
    pub(super) args: &'a Args,
    pub(super) context: &'a Context,
    pub(super) project: &'a Project,
    pub(super) config: &'a Config,
    /// The target, once it is known.
    pub(super) aim: Aim,
    /// Where the migrations are replayed.
    pub(super) shadow: Shadow<'a>,
    pub(super) create_only: bool,
    /// What a person accepts of the new migration.
    pub(super) accepted: drafting::Accepted,
    /// Decisions from the command line, and answers from an earlier draft.
    pub(super) options: rename::Options,
    /// What was renamed in Prisma only before this draft.
    pub(super) mapped: Option<InPrisma>,
    /// What became of the draft, once that is known.
    pub(super) end: Option<End>,
}

/// What became of a draft.
pub(super) enum End {
    /// Something is renamed in Prisma only: it is given up for another.
    Again(InPrisma),
    /// After that, nothing was left to migrate.
    Vanished,
    /// Nothing is written: the change begins in phases.
    Phases(Phased),
    /// The migration as Prisma was told to write it, and those before it.
    Written(Migration, Vec<Migration>),
}

impl Drafter for Developing<'_> {
    fn target(&mut self, seen: &engine::Target) -> Result<Guard> {
        let (target, _) = self.aim.take(seen, self.config, self.context)?;
        self.shadow.begin(&target.url);
        Ok(target.guard(seen.url.as_ref()))
    }

    fn shadow(&mut self, used: &ShadowUse) -> Result<Option<DatabaseUrl>> {
        let target = self.aim.known().map(|target| target.url.clone());
        self.shadow.take(used, target.as_ref())
    }

    fn found(&mut self, list: &MigrationsList) -> Result<()> {
        let Some(target) = self.aim.known() else { return Ok(()) };
        drafting::refuse_lost_folder(target, list, self.project.root())?;
        if target.production {
            return Ok(());
        }
        for name in drafting::renew_checksums(&target.url, &list.migrations)? {
            let words = format!("the checksum of {name}: only its comments have changed since it was applied");
            self.context.shell.status("Renewed", words);
        }
        Ok(())
    }

    fn reset_wanted(&mut self, why: &str) -> Result<()> {
        let Some(target) = self.aim.known().filter(|target| target.production) else { return Ok(()) };
        Err(drafting::no_reset(target, why))
    }

    fn drafted(&mut self, drafted: Drafted, remaining: &mut Remaining<'_, '_>) -> Result<String> {
        let shell = &self.context.shell;
        let path = drafted.migrations_dir.join(&drafted.name).join("migration.sql");
        let migration = Migration { name: drafted.name, path, sql: drafted.script.into() };
        let url = self.database()?.clone();
        let schema = url.schema();
        if let Some(fix) = runs_before_others(&migration.name, &drafted.migrations) {
            shell.warn(format!("{} will not run last in a new database: {fix}", migration.name));
        }
        let hints = drafting::hints(&drafted.target.schema_files, &drafted.migrations, &drafted.data_loss);
        let mut drafting = Drafting::new(&migration, &drafted.migrations, &schema, hints);
        drafting.look_at_values(&url);
        let settings = rules::Settings {
            schema_before: drafting.schema_before(),
            ..rules::Settings::new(&self.config.review, self.project.version())
        };
        let asks = !self.create_only && shell.interactive() && self.accepted.is_empty();
        if shell.interactive() {
            drafting.ask_exchanges(&mut self.options, &mut self.accepted, &settings, shell)?;
        }
        let options = self.options.clone();
        let search = self.config.scratch_proof(&self.context.env, self.project.root());
        let scratch = search.map(|search| rename::Scratch { search, like: Some(&url), running: self.shadow.server() });
        let mut ask = |script: &str| {
            let left = remaining.after(script)?;
            // what Prisma drafts again and again although it can never run is not a remaining change
            let mut reached = drafting.draft().before.clone();
            reached.apply(&Script::parse(script), &migration.name);
            let left = drafting::possible(&left, &reached)?;
            Ok(Some(if left.is_empty() { String::new() } else { left.text }))
        };
        let mut outcome = drafting.settle(&options, shell, &mut ask, scratch.as_ref())?;
        if !outcome.open().is_empty() {
            self.report(&migration.name, &outcome, None)?;
            return Err(rename::undecided(outcome.open()));
        }
        // a plan of its own takes the draft's place; the URL of this command line is in no argument of another
        let phased = if self.context.global.url.is_none() {
            drafting.phased(&outcome, &drafted.target.schema_files)?
        } else {
            None
        };
        if let Some(phased) = phased {
            self.end = Some(End::Phases(phased));
            return Err(Error::cancelled().because("a plan in phases takes this draft's place"));
        }
        drafting.refuse_expansions(&outcome, shell)?;
        if let Some(again) = drafting.in_prisma(&outcome, &drafted.target.schema_files)? {
            self.end = Some(End::Again(again));
            return Err(Error::cancelled().because("another draft takes this one's place"));
        }
        if let Some(mapped) = &self.mapped {
            outcome.decisions.candidates.extend(mapped.candidates.iter().cloned());
            outcome.text = mapped.record(&outcome.text).into();
        }
        if let Err(error) = outcome.demand_proof() {
            // on the terminal it does no harm; in the folder it would be deployed
            shell.block(&format!("\nThe draft, which is not written:\n\n{}\n", migration.sql.trim_end()));
            return Err(error);
        }
        if !self.create_only {
            drafting.admit(&outcome, &drafted.data_loss, &options, shell)?;
        }
        if outcome.rewritten() {
            shell.block(&drafting.diff(&outcome, shell));
        }
        let mut review = drafting.review(&outcome, &settings);
        if asks {
            self.accepted.ask(&review, shell)?;
        }
        if !self.accepted.is_empty() {
            outcome.text = drafting::accept(&outcome.text, &self.accepted).into();
            review = drafting.review(&outcome, &settings);
            self.accepted.demand_use(&review)?;
        }
        drafting::refuse_exchange(&review)?;
        self.report(&migration.name, &outcome, Some(&review))?;
        let text = outcome.text.to_string();
        let migration = Migration { sql: outcome.text, ..migration };
        self.end = Some(End::Written(migration, drafted.migrations));
        Ok(text)
    }

    fn possible(&mut self, script: String, earlier: &[Migration]) -> Result<Option<String>> {
        let schema = self.database()?.schema();
        let before = Catalog::of(&schema, earlier);
        let possible = drafting::possible(&script, &before)?;
        for column in &possible.taken_out {
            self.context.shell.note(format!(
                "took `DROP DEFAULT` of {column} out of the draft: it is a generated column, whose expression Prisma takes for a default"
            ));
        }
        Ok((!possible.is_empty()).then_some(possible.text))
    }

    fn unseen(&mut self, earlier: &[Migration], target: &engine::Target) -> Option<String> {
        let nothing = Migration { name: String::new(), path: PathBuf::new(), sql: "".into() };
        let hints = drafting::hints(&target.schema_files, earlier, &DataLoss::default());
        let schema = self.database().ok()?.schema();
        let drafting = Drafting::new(&nothing, earlier, &schema, hints);
        for table in rename::unchecked_links(&drafting.draft()) {
            self.context.shell.note(format!(
                "whether the links in {} still mean the same was not checked: the committed schema does not know its relation",
                table.name
            ));
        }
        let name = self.args.name.as_ref().map(|name| name.to_string_lossy().to_lowercase());
        let (turned, exchanged) = (rename::turns_links(&drafting.draft()), drafting.exchanges());
        let name = name.unwrap_or_else(|| if turned { "turned_links" } else { "exchanged_columns" }.to_owned());
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        (turned || exchanged).then_some(name)
    }

    fn unchanged(&mut self) -> Result<()> {
        if let Some(option) = self.options.first() {
            return Err(Error::usage(format!("{option}: nothing has changed that needs a migration")));
        }
        if self.mapped.is_none() {
            return Ok(());
        }
        self.end = Some(End::Vanished);
        // Prisma would write an empty migration
        if self.create_only { Err(Error::cancelled()) } else { Ok(()) }
    }
}

impl Developing<'_> {
    pub(super) fn database(&self) -> Result<&DatabaseUrl> {
        self.aim.known().map(|target| &target.url).ok_or_else(super::super::no_url)
    }

    /// What was decided and what the review says: a document for machines, lines for people.
    pub(super) fn report(&self, migration: &str, outcome: &Outcome, review: Option<&Review>) -> Result<()> {
        let (report, shell) = (&self.args.report, &self.context.shell);
        let root = self.project.root();
        if report.format == Format::Json {
            let review = review.map(|review| serde_json::from_str::<Value>(&report.review(review, root, shell)));
            let review = review.transpose().explain(|| "the review is no JSON".into())?;
            let renames = renames::document(migration, outcome);
            let document = json!({ "schemaVersion": 1, "migration": migration, "renames": renames, "review": review });
            return report.deliver(&format!("{document:#}\n"), shell);
        }
        drafting::tell_proofs(outcome, shell);
        match review {
            Some(review) => report.deliver(&report.review(review, root, shell), shell),
            None => Ok(()),
        }
    }
}
