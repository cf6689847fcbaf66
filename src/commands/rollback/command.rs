//! The order of a rollback, once it is known what is rolled back.

use std::sync::atomic::AtomicBool;

use postgres::Client;

use super::Args;
use crate::backup;
use crate::catalog::live::{Live, Without};
use crate::config::Config;
use crate::consent;
use crate::context::Context;
use crate::database::usage::Usage;
use crate::database::{self, Identity};
use crate::deploy::back_up::{self, Before, Taken};
use crate::deploy::definitions::{self, Leaves, What};
use crate::deploy::turn::{Patience, exclude_others};
use crate::deploy::{self, Event, Journal, Turn};
use crate::digest::hash_of;
use crate::error::{Explain as _, Result};
use crate::guard::Pass;
use crate::project::Project;
use crate::report::rollback::Report;
use crate::rules::cost;
use crate::target::Target;
use crate::transaction::Runner;
use crate::ui::interrupt::Guard;
use crate::ui::moment;
use crate::undo::capture::Capture;
use crate::undo::way::{Way, irreversible};
use crate::undo::{Capsule, Request, RolledBack, Source, recover, roll_back};

/// What the stages share.
pub(super) struct Command<'a> {
    pub(super) args: &'a Args,
    pub(super) context: &'a Context,
    pub(super) project: &'a Project,
    pub(super) config: &'a Config,
    pub(super) target: &'a Target,
    /// The target, as its server names it; none where that is not known.
    pub(super) server: Option<&'a Identity>,
}

impl Command<'_> {
    pub(super) fn try_out(&self, ways: &mut [Way], report: &mut Report) -> Result<()> {
        let done = self.take_back(ways, true)?;
        for (way, done) in ways.iter().zip(&done) {
            report.push(way.name(), done, way.source(), &way.missing);
            self.say(way, done);
        }
        self.context.shell.note("this was a dry run, and nothing was changed: run it without --dry-run to roll back");
        Ok(())
    }

    pub(super) fn run(&self, mut client: Client, ways: &mut [Way], report: &mut Report) -> Result<()> {
        let names: Vec<String> = ways.iter().map(|way| way.name().to_owned()).collect();
        self.consent(ways)?;
        let settings = self.config.deploy.settings();
        // a signal ends us at once: what is not committed, the server undoes
        let interrupt = AtomicBool::new(false);
        let deploy::Settings { deploy_wait: time, show_queries, .. } = settings;
        let patience =
            Patience { time, interrupt: &interrupt, shell: &self.context.shell, show_queries, end_orphans: false };
        let _turn = Turn::take(self.project.root(), &patience)?;
        exclude_others(&mut client, &self.target.url, &patience)?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let (target, server) = (self.target.url.identity(), self.server.cloned());
        let started = Event::RollbackStarted { version, target, server, migrations: names };
        let mut journal = Journal::begin(self.project.root(), started)?;
        let result = self.all(ways, report, &mut journal);
        journal.record(match &result {
            Ok(()) => Event::Finished,
            Err(error) => Event::Failed { error: error.with_causes() },
        })?;
        result
    }

    fn all(&self, ways: &mut [Way], report: &mut Report, journal: &mut Journal) -> Result<()> {
        self.back_up(journal)?;
        let done = self.take_back(ways, false)?;
        for (way, done) in ways.iter().zip(&done) {
            let name = way.name();
            for session in &done.ended {
                journal.record(Event::SessionEnded { session: session.to_string() })?;
            }
            report.push(name, done, way.source(), &way.missing);
            journal.record(Event::RolledBack { name: name.to_owned(), report: report.last().unwrap_or_default() })?;
            self.say(way, done);
        }
        if let Err(error) = self.keep() {
            let error = error.with_causes();
            self.context.shell.warn(format_args!("verify will still compare with the deployment before: {error}"));
        }
        self.say_next(ways);
        Ok(())
    }

    /// From here on `verify` and `monitor` compare with what the rollback has left. It has happened: what cannot be kept is said, and is
    /// no failure of it.
    fn keep(&self) -> Result<()> {
        let (root, url) = (self.project.root(), &self.target.url);
        let mut client = database::connect(url, roll_back::APPLICATION_NAME)?;
        let earlier = definitions::read(root, url, self.server)?;
        let left = Leaves {
            definitions: Live::read(&mut client, &Without::default())
                .explain(|| "could not read the definitions".into())?,
            rows: Vec::new(),
            drift: earlier.map(|left| left.leaves.drift).unwrap_or_default(),
            usage: Usage::read(&mut client).ok(),
        };
        definitions::keep(root, url, self.server.cloned(), What::Rollback, left)
    }

    fn consent(&self, ways: &[Way]) -> Result<()> {
        if !self.target.production {
            return Ok(());
        }
        let names: Vec<&str> = ways.iter().map(Way::name).collect();
        let plan = self.plan(ways);
        let what = format!(
            "rolls back {} and discards everything written to the columns and tables that it removes",
            names.join(", ")
        );
        let consent = consent::ask(self.context, self.target, &what, &plan, self.args.gate.confirm.as_deref())?;
        self.context.shell.debug(format_args!("consent: {}", consent.word()));
        Ok(())
    }

    /// Names exactly these reverses on exactly this database.
    fn plan(&self, ways: &[Way]) -> String {
        let names = ways.iter().map(Way::name);
        let identity = Identity::name(&self.target.url, self.server);
        let texts = ways.iter().map(|way| way.down.text.as_bytes());
        hash_of(["prisma-safe rollback 1", &identity].into_iter().chain(names).map(str::as_bytes).chain(texts))
    }

    fn back_up(&self, journal: &mut Journal) -> Result<()> {
        let before = Before {
            target: self.target,
            root: self.project.root(),
            settings: &self.config.backup,
            gate: &self.args.gate,
            precedes: &[],
            schemas: &[],
        };
        let taken = back_up::before(&before, None, self.context)?;
        journal.record(match taken {
            Taken::Backup(backup, _) => Event::Backup { sha256: backup.manifest.sha256.clone(), file: backup.path },
            Taken::Skipped(reason) => Event::BackupSkipped { reason },
        })
    }

    /// Where the destroyed data was not saved, the newest backup before it has it.
    pub(super) fn find_backup(&self, way: &mut Way) -> Result<()> {
        if !way.lacks_values() {
            return Ok(());
        }
        let directory = self.project.root().join(&self.config.backup.directory);
        let keys = backup::encryption::keys(&self.config.backup, &self.context.env)?;
        way.backup = recover::find(&directory, &keys, &self.recovery(way))?;
        Ok(())
    }

    fn recovery<'w>(&'w self, way: &'w Way) -> recover::Request<'w> {
        let Way { chosen, before, .. } = way;
        recover::Request {
            url: &self.target.url,
            server: self.server,
            migration: &chosen.migration,
            row: &chosen.row,
            before,
        }
    }

    /// All of them in one transaction. What backups have is loaded beside the live tables before it, and goes again, whatever
    /// becomes of the rollback.
    fn take_back(&self, ways: &mut [Way], dry: bool) -> Result<Vec<RolledBack>> {
        // a signal cancels what runs on the server, so that it stops at once and not only when it next looks for us; and what is
        // loaded goes again after it too
        let guard = Guard::new()?;
        let mut loaded: Vec<Option<Capsule>> = Vec::new();
        let mut result = Ok(());
        for way in ways.iter_mut() {
            match self.load(way).and_then(|capsule| guard.check().map(|()| capsule)) {
                Ok(capsule) => loaded.push(capsule),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        let done = result.and_then(|()| self.take_back_with(ways, &loaded, &guard, dry));
        let captures: Vec<Capture> = loaded.into_iter().flatten().flat_map(|capsule| capsule.captures).collect();
        if captures.is_empty() {
            return done;
        }
        let mut client = database::connect(&self.target.url, roll_back::APPLICATION_NAME)?;
        let gone = recover::forget(&mut client, &captures);
        done.and_then(|done| gone.map(|()| done))
    }

    /// What its backup has of what it destroyed.
    fn load(&self, way: &mut Way) -> Result<Option<Capsule>> {
        let Some(found) = way.backup.clone() else { return Ok(None) };
        let shell = &self.context.shell;
        shell.status("Loading", format_args!("what was destroyed, from {}", found.path.display()));
        let mut client = database::connect(&self.target.url, roll_back::APPLICATION_NAME)?;
        let (captures, missing) = recover::load(&mut client, &self.recovery(way), &found)?;
        way.missing = way.down.impossible.iter().map(|what| irreversible(what, false)).collect();
        way.missing.extend(missing.iter().map(|what| format!("does not come back, as the backup lacks it: {what}")));
        way.missing.push(format!(
            "does not come back: what was written between the backup ({}) and the migration",
            moment(found.taken_at)
        ));
        for what in &way.missing {
            shell.warn(what);
        }
        let known = way.capsule.as_ref();
        let definitions = known.and_then(|capsule| capsule.definitions.clone());
        let measured = known.and_then(|capsule| capsule.measured.clone());
        let id = way.chosen.row.id.clone();
        Ok(Some(Capsule { id, source: Source::Backup, captures, definitions, measured }))
    }

    fn take_back_with(
        &self,
        ways: &[Way],
        loaded: &[Option<Capsule>],
        guard: &Guard,
        dry: bool,
    ) -> Result<Vec<RolledBack>> {
        let names: Vec<&str> = ways.iter().map(Way::name).collect();
        let verb = if dry { "Trying" } else { "Taking back" };
        self.context.shell.step(verb, format_args!("{} in one transaction", names.join(", ")));
        let schema = self.target.url.schema();
        let (fills, accept) = (&self.args.fill, self.args.accept_differences);
        let requests: Vec<Request<'_>> = ways
            .iter()
            .zip(loaded)
            .map(|(way, loaded)| way.request(&schema, loaded.as_ref().or(way.capsule.as_ref()), fills, accept, dry))
            .collect();
        let url = self.target.url.clone();
        let pass = Pass::take(&url, &self.plan(ways))?;
        let settings = self.config.deploy.settings();
        let runner = Runner::admitted(url.clone(), roll_back::APPLICATION_NAME, settings, guard.flag(), pass.clone())?;
        let done = roll_back::roll_back_all_on(&mut runner.speaking_to(&self.context.shell), &requests)?;
        if !dry && pass.is_some() {
            let mut client = database::connect(&url, roll_back::APPLICATION_NAME)?;
            pass.admit(&mut client)?;
            pass.cover(&mut client, &self.context.shell);
        }
        Ok(done)
    }

    /// What came back, and what did not.
    fn say(&self, way: &Way, done: &RolledBack) {
        let shell = &self.context.shell;
        for session in &done.ended {
            shell.warn(format!("ended {session}: it did nothing in an open transaction, and was in the way"));
        }
        for put_back in &done.put_back {
            shell.status("Put back", put_back);
        }
        for (column, rows) in &done.filled {
            shell.status("Filled", format_args!("{column} of {} with the value of --fill", cost::rows(*rows)));
        }
        for made in &done.recreated {
            shell.status("Recreated", made);
        }
        for lost in &done.lost {
            shell.warn(format_args!("does not come back: {lost}"));
        }
        for difference in &done.differences {
            shell.warn(format_args!("the database is not as before {}: {difference}", way.name()));
        }
        if done.differences.is_empty() {
            let rows: u64 = done.put_back.iter().map(|each| each.verified).sum();
            let values = match rows {
                0 => String::new(),
                rows => format!("; {} compared with what was kept", cost::rows(rows)),
            };
            shell.status("Verified", format_args!("{}{values}", done.compared));
        }
    }

    fn say_next(&self, ways: &[Way]) {
        let shell = &self.context.shell;
        let names: Vec<&str> = ways.iter().map(Way::name).collect();
        shell.status("Rolled back", names.join(", "));
        let pronoun = if names.len() == 1 { "it is" } else { "they are" };
        shell.note(format_args!(
            "{pronoun} pending again, and the next deploy applies what stands in the folder: correct the migration or delete \
             its directory, take the change out of schema.prisma, and run `prisma generate`"
        ));
    }
}
