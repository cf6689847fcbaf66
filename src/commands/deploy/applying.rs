//! The stage in which the database changes: each migration by its way, and what is said of it.

use std::time::Instant;

use jiff::Timestamp;

use super::Deployment;
use crate::database::Session;
use crate::deploy::alone::Alone;
use crate::deploy::{Event, Journal, Route, Runner};
use crate::engine::Engine;
use crate::error::Result;
use crate::guard::Pass;
use crate::undo;

/// So many migrations are each named when they are applied.
const NAMED: usize = 3;

impl Deployment<'_> {
    /// Each migration whole or not at all, one after the other.
    pub(super) fn apply(
        &mut self,
        routes: Vec<Route>,
        plan: &str,
        plans: &[Option<undo::Plan>],
        engine: &mut Engine<'_>,
        journal: &mut Journal,
    ) -> Result<Vec<String>> {
        let settings = self.command.settings;
        let (url, pass) = (&self.target.url, Pass::with(&self.target.url, plan, &mut self.client)?);
        let mut runner = Runner::admitted(url.clone(), settings, engine.interrupt(), &pass)?.speaking_to(self.shell());
        let mut applied = Vec::new();
        self.run_steps(None, engine, journal)?;
        if self.pending.len() > NAMED {
            self.shell().status("Applying", format_args!("{} migrations, one after the other", self.pending.len()));
        }
        for ((migration, route), kept) in self.pending.iter().zip(routes).zip(plans) {
            let name = &migration.name;
            self.check_window(Timestamp::now()).inspect_err(|_| self.say_applied(&applied))?;
            journal.record(Event::Applying { name: name.clone(), checksum: migration.checksum() })?;
            let start = Instant::now();
            let done = match route {
                Route::Atomic(prepared) => {
                    self.say_applying(name, "in one transaction");
                    self.apply_keeping(&mut runner, &prepared, kept.as_ref(), journal)
                }
                Route::Sections(sections) => {
                    match sections.only_alone() {
                        Some((why, line)) => {
                            self.say_applying(name, &format!("outside of a transaction: {why} (line {line})"));
                        }
                        // several commits of one file are always said before
                        None => self.shell().status("Applying", format_args!("{name} in {} sections", sections.len())),
                    }
                    self.apply_sections_keeping(&mut runner, &sections, kept.as_ref(), journal)
                }
                Route::Alone { why, line } => {
                    self.say_applying(name, &format!("through Prisma's engine: {why} (line {line})"));
                    let (request, shell, script) = (self.request, &self.command.context.shell, migration.script());
                    let alone = Alone { url, settings: &settings, request, name, script, shell, pass: &pass };
                    alone.apply(&mut self.client, engine)
                }
            };
            let tries = done.inspect_err(|_| self.say_applied(&applied))?;
            let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            journal.record(Event::Applied { name: name.clone(), milliseconds, tries })?;
            applied.push(name.clone());
            self.run_steps(Some(name), engine, journal).inspect_err(|_| self.say_applied(&applied))?;
        }
        pass.cover(&mut self.client, &self.command.context.shell);
        Ok(applied)
    }

    /// Each of a few has a line of its own; of many, Prisma lists the names at the end.
    fn say_applying(&self, name: &str, how: &str) {
        let words = format!("{name} {how}");
        match self.pending.len() {
            ..=NAMED => self.shell().status("Applying", words),
            _ => self.shell().step("Applying", words),
        }
    }

    pub(super) fn say_ended(&self, ended: &[Session], journal: &mut Journal) -> Result<()> {
        for session in ended {
            self.shell().warn(format!("ended {session}: it did nothing in an open transaction, and was in the way"));
            journal.record(Event::SessionEnded { session: session.to_string() })?;
        }
        Ok(())
    }

    /// What was committed before a failure stays.
    fn say_applied(&self, applied: &[String]) {
        if !applied.is_empty() {
            self.shell().note(format!("applied before it, and kept: {}", applied.join(", ")));
        }
    }
}
