//! `prisma-safe.toml`: the defaults stand in `config/default.toml`, which is also the reference. Unknown keys are refused.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::backup;
use crate::deploy::settings::Deploy;
use crate::deploy::verify::settings::Verify;
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::rehearsal::settings::Rehearsal;
use crate::rename::settings::Rename;
use crate::rules::settings::Review;
use crate::target::Environments;
use crate::tools::scratch::Search;
use crate::undo::Undo;

/// The file that a project may have beside its package.json.
pub const FILE_NAME: &str = "prisma-safe.toml";

const DEFAULTS: &str = include_str!("config/default.toml");

/// Every setting, as meant: defaults, overlaid by the project's file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    pub backup: backup::Settings,
    pub deploy: Deploy,
    pub rehearsal: Rehearsal,
    pub rename: Rename,
    pub review: Review,
    pub verify: Verify,
    pub undo: Undo,
    #[serde(default)]
    pub environments: Environments,
    /// The file it was read from, if there is one.
    #[serde(skip)]
    pub path: Option<PathBuf>,
}

impl Config {
    /// Where a scratch server for proofs of renames is looked for; nowhere if none is wanted.
    pub fn scratch_proof<'a>(&'a self, env: &'a Env, project: &'a Path) -> Option<Search<'a>> {
        self.rename.scratch_proof.then_some(Search { env, pg_bin: self.backup.pg_bin.as_deref(), project })
    }

    /// Reads the project's file, if it has one, over the defaults.
    ///
    /// # Errors
    /// Exit status 2 with the line and the key if the file is no TOML or has unknown keys.
    pub fn load(root: &Path) -> Result<Self> {
        let path = find(root);
        let mut table: toml::Table = DEFAULTS.parse().explain(|| "the built-in defaults are broken".into())?;
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).explain(|| format!("could not read {}", path.display())),
        };
        let found = text.is_some();
        if let Some(text) = text {
            let wrong = |error: toml::de::Error| {
                Error::usage(format!("{} is not understood", path.display()))
                    .because(error.to_string().trim_end().to_owned())
            };
            // parsed on its own first: the error then shows the line in the person's own file
            let _: Partial = toml::from_str(&text).map_err(wrong)?;
            overlay(&mut table, text.parse().map_err(wrong)?);
        }
        let mut config: Self = table
            .try_into()
            .map_err(|error| Error::usage(format!("{} is not understood", path.display())).because(error))?;
        config.backup.retention.check()?;
        config.path = found.then_some(path);
        Ok(config)
    }
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

/// The file's shape with every key optional; only used to refuse unknown keys with their place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "only the keys matter")]
struct Partial {
    backup: Option<toml::Table>,
    deploy: Option<toml::Table>,
    rehearsal: Option<toml::Table>,
    rename: Option<toml::Table>,
    review: Option<toml::Table>,
    verify: Option<toml::Table>,
    undo: Option<toml::Table>,
    environments: Option<Environments>,
}

fn overlay(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => overlay(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
