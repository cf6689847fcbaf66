//! pgBackRest: `backup`, then what `info --output=json` says of it.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::super::manifest::{Outside, Provider};
use super::super::request::Request;
use super::super::server::Server;
use super::super::settings::Pgbackrest;
use super::json;
use crate::error::{Error, Result};
use crate::tools::site::{self, Site};
use crate::ui::Shell;
use crate::ui::interrupt::Guard;

/// How to call it.
#[derive(Debug, Clone)]
pub struct Stanza {
    program: Vec<String>,
    stanza: String,
    config: Option<String>,
    kind: String,
}

/// A stanza, as `info` prints it.
#[derive(Debug, Clone, Deserialize)]
struct Info {
    name: String,
    #[serde(default)]
    backup: Vec<Value>,
    #[serde(default)]
    db: Vec<Database>,
    status: Status,
}

#[derive(Debug, Clone, Deserialize)]
struct Status {
    code: i64,
    message: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Database {
    id: u64,
    system_id: u64,
}

/// A backup, as `info` prints it.
#[derive(Debug, Clone, Deserialize)]
struct Entry {
    label: String,
    #[serde(default)]
    error: Option<bool>,
    timestamp: Times,
    database: Of,
    #[serde(default)]
    info: Sizes,
}

#[derive(Debug, Clone, Deserialize)]
struct Times {
    stop: i64,
}

#[derive(Debug, Clone, Deserialize)]
struct Of {
    id: u64,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Sizes {
    #[serde(default)]
    size: u64,
}

/// What there is in the repository.
#[derive(Debug)]
pub struct Found {
    info: Info,
}

impl Stanza {
    /// Reads the settings.
    ///
    /// # Errors
    /// Exit status 2 without a stanza.
    pub fn of(settings: &Pgbackrest) -> Result<Self> {
        let stanza = settings.stanza()?.to_owned();
        let program = match settings.program.as_slice() {
            [] => vec!["pgbackrest".to_owned()],
            program => program.to_vec(),
        };
        Ok(Self { program, stanza, config: settings.config.clone(), kind: settings.kind.to_string() })
    }

    /// A command of pgBackRest's with its options before it.
    fn words(&self, options: &[&str], command: &str) -> Vec<String> {
        let mut words = self.program.clone();
        words.push(format!("--stanza={}", self.stanza));
        words.extend(self.config.iter().map(|config| format!("--config={config}")));
        words.extend(options.iter().map(ToString::to_string));
        words.push(command.to_owned());
        words
    }

    /// What the repository holds.
    ///
    /// # Errors
    /// If pgBackRest fails or does not know the stanza.
    pub fn info(&self, directory: &Path, guard: &Guard) -> Result<Found> {
        let words = self.words(&["--output=json", "--log-level-console=off", "--log-level-stderr=warn"], "info");
        let said = run(&words, directory, guard, None)?;
        let stanzas: Vec<Info> = json(&said, "pgbackrest info")?;
        let info = stanzas.into_iter().find(|info| info.name == self.stanza);
        let info = info.ok_or_else(|| Error::failed(format!("pgBackRest knows no stanza {}", self.stanza)))?;
        Ok(Found { info })
    }
}

impl Found {
    fn entries(&self) -> Vec<(Entry, Value)> {
        let entries = self.info.backup.iter();
        entries.filter_map(|value| Some((serde_json::from_value(value.clone()).ok()?, value.clone()))).collect()
    }

    fn labels(&self) -> BTreeSet<String> {
        self.entries().into_iter().map(|(entry, _)| entry.label).collect()
    }

    /// The backup of this label, without an error.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn backup(&self, label: &str) -> Result<Value> {
        let found = self.entries().into_iter().find(|(entry, _)| entry.label == label);
        let (entry, value) = found.ok_or_else(|| {
            Error::failed(format!("pgBackRest has no backup {label} in the stanza {}", self.info.name))
                .help("it may have expired by pgBackRest's own rules")
        })?;
        if entry.error == Some(true) {
            return Err(Error::failed(format!("pgBackRest found errors in its backup {label}"))
                .because("page checksums do not fit")
                .help("look at pgbackrest info, and at the server's disk"));
        }
        Ok(value)
    }
}

/// Takes a backup.
pub(super) fn take(
    settings: &Pgbackrest,
    server: &Server,
    request: &Request<'_>,
    guard: &Guard,
    shell: &Shell,
) -> Result<Outside> {
    let stanza = Stanza::of(settings)?;
    let system = server.system_identifier.as_deref().ok_or_else(|| {
        Error::failed(
            "this role may not read the server's system identifier, so nothing says that pgBackRest backs up this one",
        )
        .help("let a superuser run: GRANT EXECUTE ON FUNCTION pg_control_system() TO the role")
    })?;
    let directory = request.project;
    let before = stanza.info(directory, guard)?;
    let started = Timestamp::now();
    let kind = format!("--type={}", stanza.kind);
    let words = stanza.words(&[&kind, "--log-level-console=off", "--log-level-stderr=warn"], "backup");
    shell.status("Backing up", format_args!("with pgBackRest ({}, stanza {})", stanza.kind, stanza.stanza));
    run(&words, directory, guard, Some(shell))?;
    let after = stanza.info(directory, guard)?;
    let (entry, says) = newest(&before, &after, started)?;
    after.backup(&entry.label)?;
    if after.info.status.code != 0 {
        return Err(Error::failed(format!(
            "pgBackRest says of the stanza {}: {}",
            stanza.stanza, after.info.status.message
        )));
    }
    let of = after.info.db.iter().find(|database| database.id == entry.database.id);
    let theirs = of.map(|database| database.system_id.to_string());
    if theirs.as_deref() != Some(system) {
        return Err(Error::failed(format!("pgBackRest's stanza {} is of another server", stanza.stanza))
            .because(format!(
                "its system identifier is {}, the target's {system}",
                theirs.as_deref().unwrap_or("unknown")
            ))
            .help("is backup.pgbackrest.stanza right?"));
    }
    let set = format!("--set={}", entry.label);
    let restore = stanza.words(&[&set, "--delta"], "restore");
    Ok(Outside { provider: Provider::Pgbackrest, label: entry.label, bytes: entry.info.size, restore, says })
}

/// The backup that was not there before, and ended after we began.
fn newest(before: &Found, after: &Found, started: Timestamp) -> Result<(Entry, Value)> {
    let known = before.labels();
    let new = after.entries().into_iter().filter(|(entry, _)| !known.contains(&entry.label));
    let newest = new.max_by_key(|(entry, _)| entry.timestamp.stop);
    // its times are in whole seconds
    newest.filter(|(entry, _)| entry.timestamp.stop >= started.as_second()).ok_or_else(|| {
        Error::failed("pgBackRest ended without an error, but there is no new backup")
            .because(
                "pgbackrest info names none that was not there before, or only one that ended before this one began",
            )
            .help("are the clocks of both machines right, and is it the same repository?")
    })
}

fn run(words: &[String], directory: &Path, guard: &Guard, shell: Option<&Shell>) -> Result<String> {
    site::run(&Site { words, directory, set: &[] }, guard, shell).map_err(|error| match site::is_missing(&error) {
        true => error.help(site::install("pgbackrest")),
        false => error.help("pgBackRest often runs as the server's own user: program = [\"sudo\", \"-u\", \"postgres\", \"pgbackrest\"] in [backup.pgbackrest]"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(backups: &str) -> Found {
        let text = format!(
            r#"{{"name":"main","status":{{"code":0,"message":"ok"}},"db":[{{"id":1,"system-id":7,"repo-key":1,"version":"15"}}],"backup":[{backups}]}}"#
        );
        Found { info: serde_json::from_str(&text).unwrap() }
    }

    fn backup(label: &str, stop: i64, error: &str) -> String {
        format!(
            r#"{{"label":"{label}","error":{error},"timestamp":{{"start":1,"stop":{stop}}},"database":{{"id":1,"repo-key":1}},"info":{{"size":42}}}}"#
        )
    }

    #[test]
    fn only_a_new_backup_that_ended_since_counts() {
        let (old, new) = (backup("a", 100, "false"), backup("b", 200, "false"));
        let (before, after) = (found(&old), found(&format!("{old},{new}")));
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(newest(&before, &after, at(150)).unwrap().0.label, "b");
        assert!(newest(&before, &after, at(201)).is_err());
        assert!(newest(&before, &before, at(50)).is_err());
    }

    #[test]
    fn one_with_errors_is_none() {
        assert!(found(&backup("a", 1, "true")).backup("a").is_err());
        assert!(found(&backup("a", 1, "null")).backup("a").is_ok());
        assert!(found("").backup("a").is_err());
    }
}
