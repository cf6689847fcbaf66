//! The backup before anything that changes a database, copied and with the old ones thinned out.

use std::path::Path;

use super::thin_out::{Thinning, thin_out};
use crate::backup::{self, Backup, Request, Restored, Starting, copies};
use crate::consent::Gate;
use crate::context::Context;
use crate::database;
use crate::error::Result;
use crate::target::{BackupPolicy, Target};

/// What is about to happen to a database.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    pub target: &'a Target,
    /// The project's root.
    pub root: &'a Path,
    pub settings: &'a backup::Settings,
    pub gate: &'a Gate,
    /// The migrations that come next.
    pub precedes: &'a [String],
    /// Schemas that Prisma manages besides the URL's.
    pub schemas: &'a [String],
}

/// The backup, with the scratch server that proved it, or why there is none.
#[derive(Debug)]
pub enum Taken {
    Backup(Box<Backup>, Option<Box<Restored>>),
    Skipped(String),
}

/// The stage before anything that changes a database.
///
/// # Errors
/// Those of [`backup::create`]; then nothing may go on.
pub fn before(before: &Before<'_>, starting: Option<Starting>, context: &Context) -> Result<Taken> {
    let Before { target, settings, gate, .. } = *before;
    if gate.skip_backup {
        Gate::refuse_agents(target, context)?;
        let reason = gate.reason.clone().unwrap_or_default();
        context.shell.warn(format_args!("no backup is taken: {reason}"));
        return Ok(Taken::Skipped(reason));
    }
    if target.backup == BackupPolicy::Never {
        return Ok(Taken::Skipped(format!("{} says backup = \"never\"", target.because)));
    }
    if !backup::needed(&mut database::connect(&target.url, "prisma-safe backup")?)? {
        return Ok(Taken::Skipped("the database has no tables".into()));
    }
    let directory = before.root.join(&settings.directory);
    take(&before.request(&directory, context), starting, context)
        .map(|(backup, restored)| Taken::Backup(Box::new(backup), restored.map(Box::new)))
}

impl<'a> Before<'a> {
    /// The backup that comes before; `directory` is where backups go.
    pub fn request(&self, directory: &'a Path, context: &'a Context) -> Request<'a> {
        Request {
            url: &self.target.url,
            schemas: self.schemas,
            directory,
            project: self.root,
            production: self.target.production,
            environment: self.target.environment.as_deref(),
            precedes: self.precedes,
            definitions_only: false,
            settings: self.settings,
            env: &context.env,
        }
    }
}

/// Takes a backup, proves it, copies it, and thins the old ones out.
///
/// # Errors
/// Those of [`backup::create`], and where required copies are missing.
pub fn take(
    request: &Request<'_>,
    starting: Option<Starting>,
    context: &Context,
) -> Result<(Backup, Option<Restored>)> {
    let Request { settings, project: root, url, .. } = *request;
    // a mistake in the settings is better known before the dump than after it
    copies::places(settings, &context.env)?;
    context.shell.step("Backing up", url);
    let (backup, restored) = backup::create_and_keep(request, starting, &context.shell)?;
    context.shell.status("Backed up", &backup);
    copies::copy_new(&backup, settings, context)?;
    if settings.retention.after_backup {
        match thin_out(root, settings, Thinning::default(), context) {
            Ok(thinned) => thinned.say(&context.shell),
            // that makes the backup no worse
            Err(error) => {
                context.shell.warn(format_args!("the old backups were not thinned out: {}", error.with_causes()));
            }
        }
    }
    Ok((backup, restored))
}
