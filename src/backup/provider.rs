//! Backups that the site's own tool takes: prisma-safe runs it, waits, checks what it says of itself afterwards, and keeps a
//! receipt with a manifest where its own backups would be.

mod command;
mod pgbackrest;
mod receipt;

use std::path::Path;

use jiff::Timestamp;

pub use self::pgbackrest::Stanza;
use super::Backup;
use super::manifest::{Manifest, Outside, Provider};
use super::request::{APPLICATION, Request};
use super::server::Server;
use super::settings::Settings;
use crate::database::history::History;
use crate::database::{self, pooler};
use crate::error::{Error, Explain as _, Result};
use crate::ui::interrupt::Guard;
use crate::ui::{Shell, moment};

/// Has the site's tool take a backup.
///
/// # Errors
/// Exit status 2 if the settings do not say how, 1 if the tool fails or its backup is not there, new, and of this server.
pub fn create(provider: Provider, request: &Request<'_>, shell: &Shell) -> Result<Backup> {
    let guard = Guard::new()?;
    pooler::refuse(request.url, APPLICATION)?;
    let mut client = database::connect(request.url, "prisma-safe backup")?;
    let server = Server::read(&mut client)?;
    let history = History::read(&mut client, &request.url.schema())?.unwrap_or_default();
    let migrations = history.compare(&[]).applied;
    drop(client);
    let started_at = Timestamp::now();
    let outside = match provider {
        Provider::Pgbackrest => pgbackrest::take(&request.settings.pgbackrest, &server, request, &guard, shell)?,
        Provider::Command => command::take(&request.settings.command, request, &guard, shell)?,
    };
    receipt::keep(outside, server, started_at, migrations, request)
}

/// Whether the tool still has the backup.
///
/// # Errors
/// If it does not say so.
pub fn check(outside: &Outside, settings: &Settings, directory: &Path, shell: &Shell) -> Result<()> {
    let guard = Guard::new()?;
    match outside.provider {
        Provider::Pgbackrest => {
            let found = Stanza::of(&settings.pgbackrest)?.info(directory, &guard)?;
            found.backup(&outside.label).map(drop)
        }
        Provider::Command => command::check(&settings.command, &outside.label, directory, &guard, shell),
    }
}

/// Runs the tool's own restore where that can be done beside a running server.
///
/// # Errors
/// Exit status 3 with the commands to run by hand where it cannot.
pub fn restore(manifest: &Manifest, settings: &Settings, directory: &Path, shell: &Shell) -> Result<()> {
    let Some(outside) = &manifest.outside else {
        return Err(Error::failed("this backup is none of another tool's"));
    };
    match outside.provider {
        Provider::Pgbackrest => Err(Error::refused(format!(
            "{} holds the whole server, with all of its databases, and is restored while the server is stopped",
            outside.label
        ))
        .help(format!(
            "on the server's machine: stop PostgreSQL, run\n  {}\nand start it again; everything written since {} is then gone",
            outside.restore.join(" "),
            moment(manifest.started_at)
        ))),
        Provider::Command => {
            let guard = Guard::new()?;
            command::restore(&settings.command, &outside.label, directory, &guard, shell)
        }
    }
}

/// What the tool says, read as JSON.
fn json<T: serde::de::DeserializeOwned>(text: &str, program: &str) -> Result<T> {
    serde_json::from_str(text).explain(|| format!("what {program} says is not understood"))
}
