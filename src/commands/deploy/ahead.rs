//! The backup of a deploy, and what it and the rehearsal will need, looked at before anything is done.

use postgres::Client;

use super::{Deploying, Deployment};
use crate::backup::{self, Ahead, Starting};
use crate::database::Failure;
use crate::deploy::back_up::{self, Before, Taken};
use crate::deploy::preflight::{Concern, Problem};
use crate::deploy::verify::Drift;
use crate::deploy::{Event, Journal};
use crate::engine::Engine;
use crate::error::{Explain as _, Result};
use crate::rehearsal::restore::{Restoring, definitions_settings};
use crate::rehearsal::{COPY_MARK, RehearsalMode};
use crate::target::{BackupPolicy, Target};
use crate::tools::scratch::Asking;

impl Deployment<'_> {
    /// What stands in the way of the backup and the rehearsal, all at once; the scratch server begins to start.
    pub(super) fn look_ahead(&mut self) -> Result<(Vec<Problem>, Option<Starting>)> {
        if let Some(copy) = copy_mark(&mut self.client)? {
            return Ok((vec![is_a_copy(&copy)], None));
        }
        let (args, config) = (self.command.args, self.command.config);
        let kept = self.resumed.as_ref().and_then(|resumed| resumed.backup(self.command)).is_some();
        let dumped = !args.gate.skip_backup && self.target.backup != BackupPolicy::Never && !kept;
        if !dumped || !backup::needed(&mut self.client)? {
            return Ok((Vec::new(), None));
        }
        // a copy by the host needs nothing here
        let rehearsed =
            !args.skip_rehearsal && config.rehearsal.mode != RehearsalMode::Off && !config.rehearsal.by_host();
        let directory = self.command.project.root().join(&config.backup.directory);
        let own = definitions_settings(&config.backup);
        let (command, target, schemas) = (self.command, self.target, self.schemas.clone());
        let restoring = restoring(command, target, &schemas);
        let request = match (config.backup.provider, config.rehearsal.mode) {
            (None, _) => Some(before(command, target, &schemas, &[]).request(&directory, command.context)),
            (Some(provider), RehearsalMode::Full) if rehearsed => {
                return Ok((vec![holds_no_rows(&provider.to_string())], None));
            }
            (Some(_), _) if rehearsed => Some(restoring.definitions_request(&directory, &own)),
            (Some(_), _) => None,
        };
        let ahead = Ahead { request, rehearsed, pending: self.pending, asking: Asking::May };
        let found = ahead.look(&mut self.client)?;
        let problem = |obstacle: backup::Obstacle| Problem {
            concern: Concern::Backup,
            blocking: true,
            message: obstacle.message,
            help: obstacle.help,
        };
        // one that would idle until a later time is started then
        let starting = found.starting.filter(|_| self.command.not_before.is_none());
        Ok((found.obstacles.into_iter().map(problem).collect(), starting))
    }

    /// Takes the backup, and lets Prisma's engine start beside it, which will be asked about drift.
    pub(super) fn back_up(&mut self, engine: &mut Engine<'_>, journal: &mut Journal) -> Result<Taken> {
        if self.command.config.verify.drift != Drift::Off {
            engine.warm();
        }
        let precedes: Vec<String> = self.pending.iter().map(|migration| migration.name.clone()).collect();
        let taken = match self.resumed.as_ref().and_then(|resumed| resumed.backup(self.command)) {
            Some(backup) => {
                self.command.context.shell.status("Reusing", &backup);
                Taken::Backup(Box::new(backup), None)
            }
            None => {
                let proved = self.command.config.backup.provider.is_none()
                    && self.command.config.backup.proof > backup::Proof::Read;
                let starting = if proved { self.starting.take() } else { None };
                let before = before(self.command, self.target, &self.schemas, &precedes);
                back_up::before(&before, starting, self.command.context)?
            }
        };
        journal.record(match &taken {
            Taken::Backup(backup, _) => {
                Event::Backup { sha256: backup.manifest.sha256.clone(), file: backup.path.clone() }
            }
            Taken::Skipped(reason) => Event::BackupSkipped { reason: reason.clone() },
        })?;
        Ok(taken)
    }
}

/// The backup that comes before `precedes`.
pub(super) fn before<'a>(
    command: &'a Deploying<'a>,
    target: &'a Target,
    schemas: &'a [String],
    precedes: &'a [String],
) -> Before<'a> {
    let (root, settings, gate) = (command.project.root(), &command.config.backup, &command.args.gate);
    Before { target, root, settings, gate, precedes, schemas }
}

/// Where a backup is restored for the rehearsal.
pub(super) fn restoring<'a>(command: &'a Deploying<'a>, target: &'a Target, schemas: &'a [String]) -> Restoring<'a> {
    Restoring { schemas, ..command.config.restoring(command.project.root(), &command.context.env, target) }
}

/// The name of the copy that this database is, if a rehearsal had its host make it.
fn copy_mark(client: &mut Client) -> Result<Option<String>> {
    let row = client.query_one("SELECT nullif(pg_catalog.current_setting($1, true), '')", &[&COPY_MARK]);
    let row = row.map_err(Failure::from).explain(|| "could not ask whether the database is a copy".into())?;
    Ok(row.get(0))
}

fn is_a_copy(copy: &str) -> Problem {
    Problem {
        concern: Concern::Server,
        blocking: true,
        message: format!("this database is the copy {copy}, which a rehearsal had its host make"),
        help: format!(
            "deploy to the original; if this copy is to be a database of its own: ALTER DATABASE … RESET {COPY_MARK}"
        ),
    }
}

/// What another tool backs up cannot be restored here, which is better known before it has run.
fn holds_no_rows(provider: &str) -> Problem {
    Problem {
        concern: Concern::Backup,
        blocking: true,
        message: format!("backups are taken by {provider}, so there is no copy with rows to rehearse on"),
        help: "rehearse on the definitions alone (rehearsal.mode = \"schema\" in prisma-safe.toml), on a copy that the host makes \
               (rehearsal.clone), or not at all (rehearsal.mode = \"off\" with a reason)"
            .into(),
    }
}
