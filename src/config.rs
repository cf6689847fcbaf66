//! `prisma-safe.toml`. Each room knows its own settings with their defaults; `config/default.toml` is the reference for people,
//! and a test holds both together. What is wrong in a file is refused by every command that reads it, with its line.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::backup;
use crate::deploy::journal;
use crate::deploy::settings::{Deploy, State};
use crate::deploy::verify::settings::Verify;
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::phases;
use crate::rehearsal::restore::Restoring;
use crate::rehearsal::settings::Rehearsal;
use crate::rename::settings::Rename;
use crate::rules::settings::Review;
use crate::shadow;
use crate::target::{Environments, Target};
use crate::tools::scratch::Search;
use crate::undo;

/// The file that a project may have beside its package.json.
pub const FILE_NAME: &str = "prisma-safe.toml";

/// Every setting with its default, for people.
const DEFAULTS: &str = include_str!("config/default.toml");

/// Every setting: the project's file, and the defaults for what it leaves out.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Whose shadow database migrations are replayed in; by what this machine has, if it is not said.
    pub shadow: Option<shadow::Kind>,
    pub backup: backup::Settings,
    pub deploy: Deploy,
    pub rehearsal: Rehearsal,
    pub rename: Rename,
    pub review: Review,
    pub verify: Verify,
    pub undo: undo::Settings,
    pub contract: phases::settings::Contract,
    pub backfill: phases::settings::Backfill,
    pub environments: Environments,
    pub state: State,
    /// The file it was read from, if there is one.
    #[serde(skip)]
    pub path: Option<PathBuf>,
}

impl Config {
    /// Where a scratch server for proofs of renames is looked for; nowhere if none is wanted.
    pub fn scratch_proof<'a>(&'a self, env: &'a Env, project: &'a Path) -> Option<Search<'a>> {
        self.rename.scratch_proof.then_some(Search { env, pg_bin: self.backup.pg_bin.as_deref(), project })
    }

    /// Where a backup of the target is restored, or its host makes a copy, to rehearse on.
    pub fn restoring<'a>(&'a self, project: &'a Path, env: &'a Env, target: &'a Target) -> Restoring<'a> {
        Restoring {
            project,
            settings: &self.backup,
            mode: self.rehearsal.mode,
            env,
            url: &target.url,
            schemas: &[],
            clone: self.rehearsal.clone.as_ref(),
            production: target.production,
            environments: &self.environments,
        }
    }

    /// Reads the project's file, if it has one.
    ///
    /// # Errors
    /// Exit status 2 with the line and the key for whatever is wrong in it.
    pub fn load(root: &Path) -> Result<Self> {
        let path = find(root);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).explain(|| format!("could not read {}", path.display())),
        };
        let config = Self::parse(&text)
            .map_err(|cause| Error::usage(format!("{} is not understood", path.display())).because(cause))?;
        if let (Some(directory), Some(beside)) = (&config.state.directory, path.parent()) {
            journal::choose(beside.join(directory));
        }
        Ok(Self { path: Some(path), ..config })
    }

    /// Reads a file's text; an error shows its line, unless that may hold a secret.
    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let shown = error.to_string();
            if !may_hold_a_secret(&shown) {
                return shown.trim_end().to_owned();
            }
            let start = error.span().map_or(0, |span| span.start);
            let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
            match error.message() {
                message if holds_a_url_or_key(message) => format!("line {line}"),
                message => format!("line {line}: {message}"),
            }
        })
    }
}

/// A database URL, a password, or the secret key of age in the place of a public one.
fn may_hold_a_secret(text: &str) -> bool {
    text.to_ascii_lowercase().contains("password") || holds_a_url_or_key(text)
}

/// A message may speak of a password without holding one.
fn holds_a_url_or_key(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["postgres://", "postgresql://", "age-secret-key-1"].iter().any(|sign| text.contains(sign))
        || text
            .split("://")
            .skip(1)
            .any(|rest| rest.split(['"', '\'', '\n']).next().is_some_and(|url| url.contains('@')))
}

/// The text of a new file: every setting with what it means, commented out, so that later defaults apply.
pub fn commented() -> String {
    let settings = DEFAULTS.lines().skip(1).map(|line| match line {
        setting if setting.contains(" = ") && !setting.starts_with('#') => format!("# {setting}\n"),
        other => format!("{other}\n"),
    });
    let head = "# Settings of prisma-safe. What is commented out stands at its default.\n";
    std::iter::once(head.to_owned()).chain(settings).collect()
}

/// The nearest file from the project upwards, but not beyond the repository; the project's own place if there is none.
fn find(root: &Path) -> PathBuf {
    for directory in root.ancestors() {
        let path = directory.join(FILE_NAME);
        if path.is_file() {
            return path;
        }
        if directory.join(".git").exists() {
            break;
        }
    }
    root.join(FILE_NAME)
}

#[cfg(test)]
mod tests;
