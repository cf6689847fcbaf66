//! Any program: `[backup.command]` says how it takes, checks and restores a backup.
//!
//! `create` prints the backup's label as its last line; `check` and `restore` find it in `PRISMA_SAFE_BACKUP`. No program is
//! given a URL or a password by us.

use std::path::Path;

use serde_json::json;

use super::super::manifest::{Outside, Provider};
use super::super::request::Request;
use super::super::settings::{Command as Settings, Step};
use crate::error::{Error, Result};
use crate::tools::site::{self, Site};
use crate::ui::Shell;
use crate::ui::interrupt::Guard;

/// Names the backup for `check` and `restore`.
const LABEL: &str = "PRISMA_SAFE_BACKUP";
/// Names the database, without user and password.
const TARGET: &str = "PRISMA_SAFE_TARGET";

/// Takes a backup and has it checked.
pub(super) fn take(settings: &Settings, request: &Request<'_>, guard: &Guard, shell: &Shell) -> Result<Outside> {
    let create = settings.words(Step::Create)?;
    // asked before anything runs: an unchecked backup does not count
    settings.words(Step::Check)?;
    shell.status("Backing up", format_args!("with {}", create[0]));
    let target = request.url.identity();
    let said =
        site::run(&Site { words: create, directory: request.project, set: &[(TARGET, &target)] }, guard, Some(shell))?;
    let label = said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned();
    if label.is_empty() {
        return Err(Error::failed(format!("{} printed no label of the backup that it took", create[0]))
            .help("its last line of output must name the backup"));
    }
    check(settings, &label, request.project, guard, shell)?;
    let restore = settings.restore.clone();
    Ok(Outside { provider: Provider::Command, bytes: 0, restore, says: json!({ "label": label }), label })
}

/// Has a backup checked.
pub(super) fn check(settings: &Settings, label: &str, directory: &Path, guard: &Guard, shell: &Shell) -> Result<()> {
    let words = settings.words(Step::Check)?;
    site::run(&Site { words, directory, set: &[(LABEL, label)] }, guard, Some(shell)).map(drop)
}

/// Has a backup restored.
pub(super) fn restore(settings: &Settings, label: &str, directory: &Path, guard: &Guard, shell: &Shell) -> Result<()> {
    let words = settings.words(Step::Restore)?;
    shell.status("Restoring", format_args!("{label} with {}", words[0]));
    site::run(&Site { words, directory, set: &[(LABEL, label)] }, guard, Some(shell)).map(drop)
}
