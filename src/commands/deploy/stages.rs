//! Each stage of a deploy: what it is given, what it says, and what it leaves in the journal.

use std::thread;

use jiff::Timestamp;

use super::Deployment;
use super::ahead::restoring;
use crate::backup;
use crate::catalog::live::{Live, Without};
use crate::consent::{self, Gate};
use crate::database::Identity;
use crate::database::usage::Usage;
use crate::deploy::back_up::Taken;
use crate::deploy::definitions::{self, Leaves, What};
use crate::deploy::verify::{self, verify};
use crate::deploy::verify::{Drift, Expected, Report};
use crate::deploy::{Baseline, Event, Journal, refuse_unsendable};
use crate::engine::{DeployRequest, Engine};
use crate::error::{Error, Explain as _, Result};
use crate::guard;
use crate::phases::Plans;
use crate::project::Migration;
use crate::rehearsal::pending::{Asked, Played, rehearse_pending};
use crate::rehearsal::steps::Steps;
use crate::rehearsal::{self, RehearsalMode};
use crate::rename::schema::Schema;
use crate::report;
use crate::review::against::{self, Folder, Holds};
use crate::review::{Review, Verdict, deployed};
use crate::steps::Starter;
use crate::target::BackupPolicy;
use crate::ui::Shell;
use crate::undo::grade::grade;

impl Deployment<'_> {
    pub(super) fn shell(&self) -> &Shell {
        &self.command.context.shell
    }

    /// All problems are reported at once; what no server would accept is refused before anything is done.
    pub(super) fn preflight(&mut self, journal: &mut Journal) -> Result<()> {
        guard::state::heed(&mut self.client, &self.command.context.shell)?;
        let mut preflight = self.preflight.clone();
        if preflight.check().is_ok() {
            let (problems, starting) = self.look_ahead()?;
            preflight.problems.extend(problems);
            self.starting = starting;
        }
        preflight.check()?;
        if self.command.args.skip_rehearsal || self.command.args.gate.skip_backup {
            Gate::refuse_agents(self.target, self.command.context)?;
        }
        self.check_window(self.command.not_before.unwrap_or_else(Timestamp::now))?;
        journal.record(Event::Preflight { server_version: self.preflight.server_version_text.clone() })?;
        self.pending.iter().try_for_each(refuse_unsendable)
    }

    pub(super) fn check_window(&self, moment: Timestamp) -> Result<()> {
        let now = Timestamp::now();
        self.command.window.as_ref().map_or(Ok(()), |window| window.check(moment.max(now)))
    }

    pub(super) fn review(&mut self, journal: &mut Journal) -> Result<Review> {
        let shell = &self.command.context.shell;
        shell.step("Reviewing", count(self.pending.len()));
        let DeployRequest { migrations, migrations_dir, .. } = self.request;
        let folder = Folder { migrations, directory: migrations_dir };
        let history = self.preflight.history.as_ref();
        let config = &self.command.config.review;
        let settings = deployed::settings(None, config, self.command.project, &self.request.target.schema_files)?;
        self.definitions = against::definitions_or_say(&mut self.client, shell);
        let definitions = self.definitions.clone();
        let holds = Holds { history, definitions: definitions.as_ref() };
        let (client, keys) = (&mut self.client, config.sample_keys);
        let (identity, schema) = (Identity::name_at(&self.target.url, client), self.target.url.schema());
        let place = (identity.as_str(), schema.as_str());
        let mut review = against::planned(place, &folder, self.pending, holds, client, &settings, keys)?;
        let found = self.definitions.as_ref().map(|read| against::found(&schema, read, history, migrations));
        grade(&mut review, migrations, &schema, found);
        review.consent = consent::needed(&review, self.target, self.command.context);
        let output = &self.command.args.report;
        match output.brief(&review, !self.preflight.has_tables).filter(|_| shell.verbose() == 0) {
            Some(brief) => shell.status("Reviewed", brief),
            None => output.deliver(&output.review(&review, self.command.project.root(), shell), shell)?,
        }
        output.summarize(&review, self.command.project.root(), self.command.context)?;
        if review.verdict == Verdict::Fail {
            return Err(Error::refused(
                "the review found errors: nothing was deployed, nothing has happened to the database",
            )
            .help(review.way_out()));
        }
        let document = report::document(&review, self.command.project.root());
        journal.record(Event::Review { plan_hash: review.plan_hash.clone().unwrap_or_default(), report: document })?;
        Ok(review)
    }

    /// What the review could not judge needs acceptance where no rehearsal with rows will measure it.
    pub(super) fn demand_judged(&mut self, review: &Review) -> Result<()> {
        let (args, mode) = (self.command.args, self.command.config.rehearsal.mode);
        let why = match () {
            () if args.skip_rehearsal => "--skip-rehearsal leaves the rehearsal out",
            () if self.command.config.rehearsal.by_host() => return rehearsal::demand_contained(self.pending),
            () if args.gate.skip_backup => "--skip-backup leaves nothing to rehearse on",
            () if mode == RehearsalMode::Off => "rehearsal.mode = \"off\" leaves the rehearsal out",
            () if mode == RehearsalMode::Schema => "rehearsal.mode = \"schema\" leaves the rows out of the rehearsal",
            () if self.target.backup == BackupPolicy::Never => "backup = \"never\" leaves nothing to rehearse on",
            () => return rehearsal::demand_contained(self.pending),
        };
        // in an empty database nothing can be lost
        if backup::needed(&mut self.client)? {
            rehearsal::demand_judged(&review.migrations, why)?;
        }
        Ok(())
    }

    /// Accepted data loss on production needs a person's word besides the line in the file.
    pub(super) fn consent(&self, review: &Review, journal: &mut Journal) -> Result<()> {
        let plan = review.plan_hash.as_deref().unwrap_or_default();
        let gate = &self.command.args.gate;
        consent::demand_same(plan, gate.confirm.as_deref())?;
        let Some(needed) = &review.consent else { return Ok(()) };
        let how = match self.resumed.as_ref().and_then(|resumed| resumed.consent(self.command)) {
            Some(before) => before,
            None => {
                let what = format!("destroys data ({})", needed.losses.join(", "));
                let consent = consent::ask(self.command.context, self.target, &what, plan, gate.confirm.as_deref())?;
                consent.word().to_owned()
            }
        };
        journal.record(Event::Consent { how, reason: gate.reason.clone() })
    }

    /// The same deploy on a copy of the backup.
    pub(super) fn rehearse(
        &mut self,
        review: &Review,
        taken: Taken,
        engine: &mut Engine<'_>,
        journal: &mut Journal,
    ) -> Result<Option<Played>> {
        let command = self.command;
        let (shell, args, config) = (&command.context.shell, command.args, command.config);
        let by_host = config.rehearsal.by_host() && backup::needed(&mut self.client)?;
        let skipped = match &taken {
            _ if args.skip_rehearsal => args.gate.reason.clone(),
            _ if config.rehearsal.mode == RehearsalMode::Off => config.rehearsal.reason.clone(),
            _ if by_host => None,
            Taken::Skipped(why) => Some(format!("without a backup there is nothing to rehearse on: {why}")),
            Taken::Backup(..) => None,
        };
        if let Some(reason) = skipped {
            shell.note(format_args!("nothing is rehearsed: {reason}"));
            if backup::needed(&mut self.client)? {
                shell.note("nothing has checked what the review says");
                if self.steps.iter().any(|due| !due.skipped) {
                    shell.warn("nothing has measured what the data steps change");
                }
            }
            journal.record(Event::RehearsalSkipped { reason })?;
            return Ok(None);
        }
        let project = self.command.project.root();
        let starting = self.starting.take();
        let restoring = restoring(command, self.target, &self.schemas);
        let mut original = match (&config.rehearsal.clone, taken) {
            (Some(clone), _) if by_host => restoring.by_host(clone, shell)?,
            (_, Taken::Backup(backup, proved)) => {
                restoring.original(&backup.path, (proved.map(|proved| *proved), starting), shell)?
            }
            (_, Taken::Skipped(_)) => return Ok(None),
        };
        let schema = self.target.url.schema();
        let env = self.step_env();
        let starter = Starter { root: project, env: &env, target: &self.target.url, interrupt: engine.interrupt() };
        let names = Schema::of_files(&self.request.target.schema_files);
        let plans = Plans::read(&self.request.migrations_dir)?;
        let asked = Asked {
            request: self.request,
            schema: &schema,
            settings: self.command.settings,
            traffic: args.probe_traffic,
            budget: config.rehearsal.budget(),
            undo: config.undo,
            rollback: false,
            reviewed: &|_, _| Ok(review.migrations.clone()),
            steps: Steps { due: &self.steps, starter: Some(&starter), declared: Some(&names), plans: &plans.all },
        };
        let Some(played) = rehearse_pending(&mut original, &asked, engine, shell)? else { return Ok(None) };
        let rehearsal = &played.rehearsal;
        rehearsal::say_in_brief(rehearsal, shell);
        journal.record(Event::Rehearsal { report: rehearsal::document(rehearsal) })?;
        rehearsal.check()?;
        Ok(Some(played))
    }

    /// What the database is to look like afterwards, by the rehearsal.
    pub(super) fn expected(&mut self, played: Option<&Played>) -> Result<Option<Live>> {
        let Some(Played { rehearsal, .. }) = played else { return Ok(None) };
        let live =
            Live::read(&mut self.client, &Without::default()).explain(|| "could not read the definitions".into())?;
        let (before, after) = &rehearsal.definitions;
        Ok(Some(live.changed_like(before, after)))
    }

    /// The database as the migrations find it.
    pub(super) fn baseline(&mut self) -> Result<Baseline> {
        // a role that may not read the statistics deploys all the same
        self.usage = Usage::read(&mut self.client).ok();
        let scripts = self.pending.iter().map(Migration::script);
        Baseline::take(&mut self.client, &self.target.url.schema(), scripts, &self.command.config.verify.query)
    }

    /// What the deploy has left. The definitions are kept, so that `verify` can report later what was changed since.
    pub(super) fn verify(
        &mut self,
        baseline: &Baseline,
        applied: &[String],
        rehearsed: Option<&Live>,
        engine: &mut Engine<'_>,
        journal: &mut Journal,
    ) -> Result<()> {
        self.shell().step("Verifying", "history, definitions, rows, indexes, constraints, sequences");
        let url = &self.target.url;
        let definitions = rehearsed.map(|definitions| (definitions, "the rehearsal"));
        let expected = Expected { applied, definitions, queries: &self.command.config.verify.query };
        let drift = self.command.config.verify.drift;
        let (client, request, schema) = (&mut self.client, self.request, url.schema());
        // Prisma's engine is asked beside our own session
        let (verified, left) = thread::scope(|scope| {
            let verified = scope.spawn(|| verify(client, &schema, baseline, &expected));
            let left = (drift != Drift::Off).then(|| request.difference(engine));
            (verified.join(), left)
        });
        let verified = verified.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let mut checks = verified.checks();
        let root = self.command.project.root();
        let earlier = definitions::read(root, url, self.command.identity.as_ref())?;
        let mut told = earlier.map(|left| left.leaves.drift).unwrap_or_default();
        if let Some(left) = left {
            let now = left.as_deref().map(verify::statements).ok();
            checks.push(drift.check(left, &told));
            told = now.unwrap_or(told);
        }
        let rollback = applied.last().map(|name| format!("prisma-safe rollback {name}"));
        let report = Report { target: url.identity(), checks, rollback };
        report.say(self.shell());
        journal.record(Event::Verified { sound: report.is_sound(), report: report.document() })?;
        report.check()?;
        let live =
            Live::read(&mut self.client, &Without::default()).explain(|| "could not read the definitions".into())?;
        let rows = verified.tables.into_iter().filter_map(|change| change.after).collect();
        let usage = self.usage.take().and_then(|before| before.after(&mut self.client).ok());
        let left = Leaves { definitions: live, rows, drift: told, usage };
        definitions::keep(root, url, self.command.identity.clone(), What::Deployment, left)
    }
}

fn count(migrations: usize) -> String {
    match migrations {
        1 => "1 pending migration".into(),
        many => format!("{many} pending migrations"),
    }
}
