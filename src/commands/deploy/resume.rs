//! `--resume`: goes on where a deployment was cut short or failed. What it had of a person and of the disk counts only where it
//! still fits; everything about the database is looked at anew.

use jiff::{SignedDuration, Timestamp};

use super::Deploying;
use crate::agent::Agent;
use crate::backup::{self, Backup};
use crate::database::history::State;
use crate::deploy::journal::{End, Planned, Record};
use crate::deploy::{Journal, Preflight, Turn};
use crate::error::{Error, Result};
use crate::target::Target;

/// An older backup misses too much of what was written since.
const FRESH_BACKUP: SignedDuration = SignedDuration::from_mins(60);
/// An older word is asked for again.
const FRESH_CONSENT: SignedDuration = SignedDuration::from_hours(24);

/// The deployment that is gone on with.
#[derive(Debug)]
pub(super) struct Resumed {
    pub(super) record: Record,
    /// Nothing of it was applied: its backup is the database before the plan.
    untouched: bool,
}

impl Deploying<'_> {
    /// # Errors
    /// Exit status 2 if there is nothing to go on with, 3 if what is to be applied is not what it was then.
    pub(super) fn resume(
        &self,
        _turn: &Turn,
        target: &Target,
        planned: &[Planned],
        preflight: &Preflight,
    ) -> Result<Option<Resumed>> {
        if !self.args.resume {
            return Ok(None);
        }
        let identity = target.url.identity();
        let newest = Journal::last_deployment(self.project.root(), &identity, self.identity.as_ref())?;
        let Some(record) = newest.filter(|record| record.end != Some(End::Finished)) else {
            return Err(Error::usage(format!("no unfinished deployment to {identity} was found to resume"))
                .help("deploy without --resume; `prisma-safe status` tells where things stand"));
        };
        let history = preflight.history.clone().unwrap_or_default();
        let applied = |name: &str| history.state(name) == Some(State::Applied);
        let rest: Vec<&Planned> = record.pending.iter().filter(|each| !applied(&each.name)).collect();
        if !rest.iter().copied().eq(planned) {
            return Err(Error::refused("the migrations are not those that the deployment was to apply")
                .because(format!("then: {}\nnow: {}", names(rest.into_iter()), names(planned.iter())))
                .help("deploy without --resume: everything is reviewed and asked anew"));
        }
        let untouched = rest.len() == record.pending.len();
        self.context.shell.status("Resuming", format!("the deployment that was ended {}", record.last));
        Ok(Some(Resumed { record, untouched }))
    }

    /// What a killed deploy has left is reported once, by its record and by the database.
    pub(super) fn explain_interrupted(&self, turn: &Turn, preflight: &Preflight) -> Result<()> {
        for interrupted in Journal::unfinished(self.project.root(), turn)? {
            let explanation = interrupted.explain(preflight.history.as_ref());
            self.context.shell.note(&explanation);
            interrupted.close(&explanation)?;
        }
        Ok(())
    }
}

impl Resumed {
    fn is_younger(&self, than: SignedDuration) -> bool {
        self.record.started.is_some_and(|started| Timestamp::now().duration_since(started) < than)
    }

    /// How a person had consented to this very SQL, if that still counts: no agent makes use of it.
    pub(super) fn consent(&self, command: &Deploying<'_>) -> Option<String> {
        let counts = self.is_younger(FRESH_CONSENT) && Agent::detect(&command.context.env).is_none();
        self.record.consent.clone().filter(|_| counts)
    }

    /// The backup it had taken, read again, if nothing was applied since and it is not old.
    pub(super) fn backup(&self, command: &Deploying<'_>) -> Option<Backup> {
        if !self.untouched || !self.is_younger(FRESH_BACKUP) {
            return None;
        }
        let keys = backup::encryption::keys(&command.config.backup, &command.context.env).ok()?;
        let report = backup::verify(self.record.backup.as_ref()?, &keys, &command.context.shell).ok()?;
        let same = self.record.sha256.as_ref() == Some(&report.manifest.sha256) && report.problems.is_empty();
        same.then_some(Backup { path: report.path, manifest: report.manifest })
    }
}

fn names<'a>(planned: impl Iterator<Item = &'a Planned>) -> String {
    planned
        .map(|each| format!("{} ({})", each.name, each.checksum.get(..8).unwrap_or_default()))
        .collect::<Vec<_>>()
        .join(", ")
}
