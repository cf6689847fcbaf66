//! `pg_dump`: the right one of several, started so that the password is never visible, killed with its group when we stop.
#![expect(clippy::disallowed_methods, reason = "tools/ is where programs are started")]

use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use super::postgres::{self, Package, Program};
use crate::database::DatabaseUrl;
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::sql::quote_identifier;
use crate::system::process::{Signal, killed_by, own_group, signal_group, widen};

/// What is kept of its messages, in bytes.
const MESSAGES: usize = 64 * 1024;
/// How far it may be ahead of its reader, in bytes: what Linux allows every user.
const AHEAD: usize = 1024 * 1024;

/// A `pg_dump` that can dump the server at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgDump {
    program: Program,
}

/// What is dumped: all but this.
#[derive(Debug, Clone, Copy, Default)]
pub struct What<'a> {
    /// An exported snapshot to dump in.
    pub snapshot: Option<&'a str>,
    /// How long it waits for a lock.
    pub lock_wait_seconds: u64,
    /// Tables, as SQL writes them, of which no row is dumped.
    pub without_rows: &'a [String],
    /// Schemas that are not dumped.
    pub without_schemas: &'a [String],
    pub without_large_objects: bool,
    /// A pattern of tables that are not dumped.
    pub without_tables: &'a str,
}

impl PgDump {
    /// The lowest major version that is at least the server's: `pg_dump` refuses newer servers, and a newer one than needed
    /// writes settings that the server does not know. A directory that the person named is preferred.
    ///
    /// # Errors
    /// Exit status 1, with the command that installs one and the versions that were found.
    pub fn find(server_major: u32, env: &Env, configured: Option<&Path>) -> Result<Self> {
        let found = postgres::installed("pg_dump", env, configured);
        match choose(server_major, &found) {
            Some(program) => Ok(Self { program: program.clone() }),
            None => Err(missing(server_major, &found).help(postgres::install(Package::Client, server_major, env))),
        }
    }

    /// `15.18`
    pub fn version(&self) -> &str {
        &self.program.version
    }

    /// Starts a plain dump; gives the process and the dump.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(&self, url: &DatabaseUrl, what: &What<'_>) -> Result<(Running, ChildStdout)> {
        let mut command = Command::new(&self.program.path);
        command
            .args(["--format=plain", "--no-password"])
            .args(what.snapshot.map(|snapshot| format!("--snapshot={snapshot}")))
            .arg(format!("--lock-wait-timeout={}s", what.lock_wait_seconds))
            .args(what.without_rows.iter().map(|table| format!("--exclude-table-data={table}")))
            .args(what.without_schemas.iter().map(|schema| format!("--exclude-schema={}", quote_identifier(schema))))
            .args(what.without_large_objects.then_some("-B"))
            .arg(format!("--exclude-table={}", what.without_tables));
        // a stray PGHOST or PGOPTIONS would redirect the dump; a password file would change who it is
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        command.envs(url.libpq_env()).env("PGPASSFILE", "/dev/null/none").env("PGAPPNAME", "prisma-safe backup");
        command.env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed = || format!("could not start {}", self.program.path.display());
        let mut child = own_group(&mut command).spawn().explain(failed)?;
        let stdout = child.stdout.take().inspect(|stdout| widen(stdout, AHEAD));
        let messages = child.stderr.take().map(|mut stderr| std::thread::spawn(move || last_of(&mut stderr)));
        let running = Running { child, messages, ended: false };
        Ok((running, stdout.ok_or_else(|| Error::failed(failed()))?))
    }
}

/// A `pg_dump` at work; killed on drop.
#[derive(Debug)]
pub struct Running {
    child: Child,
    messages: Option<JoinHandle<String>>,
    ended: bool,
}

impl Running {
    /// Waits for its end, after all of its output was read.
    ///
    /// # Errors
    /// If it failed, with its own messages.
    pub fn wait(mut self) -> Result<()> {
        let status = self.child.wait().explain(|| "could not wait for pg_dump".into())?;
        self.ended = true;
        let messages = self.messages.take().and_then(|messages| messages.join().ok()).unwrap_or_default();
        if status.success() { Ok(()) } else { Err(failure(status, messages.trim())) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // it may have ended by itself
        let _ = signal_group(self.child.id(), Signal::Kill);
        let _ = self.child.wait();
    }
}

/// The last bytes that a program says.
fn last_of(stream: &mut impl std::io::Read) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..count]);
        let excess = kept.len().saturating_sub(MESSAGES);
        kept.drain(..excess);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

fn choose(server_major: u32, found: &[Program]) -> Option<&Program> {
    found.iter().filter(|program| program.major >= server_major).min_by_key(|program| (!program.chosen, program.major))
}

fn missing(server_major: u32, found: &[Program]) -> Error {
    if found.is_empty() {
        return Error::failed("no pg_dump is installed, and a deploy needs a backup");
    }
    let versions: Vec<String> =
        found.iter().map(|found| format!("{} ({})", found.version, found.path.display())).collect();
    Error::failed(format!(
        "the server runs PostgreSQL {server_major}, and no pg_dump of that version or later is installed"
    ))
    .because(format!("found: {}", versions.join(", ")))
}

/// Its failure in a sentence, with what helps.
fn failure(status: ExitStatus, messages: &str) -> Error {
    let error = match killed_by(status) {
        Some(signal) => Error::failed(format!("pg_dump was killed by signal {signal}")),
        None => Error::failed("pg_dump failed"),
    };
    let error = if messages.is_empty() { error } else { error.because(messages.to_owned()) };
    let help = if messages.contains("LOCK TABLE") && messages.contains("timeout") {
        "another session holds a lock on a table: wait for it or end it, or raise backup.lock-wait-seconds"
    } else if messages.contains("row-level security") || messages.contains("permission denied") {
        "back up as the owner of the tables, or as a role with pg_read_all_data and BYPASSRLS"
    } else if messages.contains("invalid snapshot identifier") {
        "the connection that held the snapshot was lost; try again"
    } else {
        return error;
    };
    error.help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(major: u32, chosen: bool) -> Program {
        Program { path: format!("/opt/{major}/pg_dump").into(), version: format!("{major}.1"), major, chosen }
    }

    #[test]
    fn takes_the_lowest_version_that_is_new_enough() {
        let found = [program(18, false), program(14, false), program(16, false), program(17, false)];
        assert_eq!(choose(15, &found).unwrap().major, 16);
        assert_eq!(choose(18, &found).unwrap().major, 18);
        assert_eq!(choose(19, &found), None);
    }

    #[test]
    fn the_named_one_beats_others_if_it_is_new_enough() {
        let found = [program(18, true), program(15, false)];
        assert_eq!(choose(15, &found).unwrap().major, 18);
        assert_eq!(choose(15, &[program(14, true), program(15, false)]).unwrap().major, 15);
    }

    #[test]
    fn says_which_versions_are_there() {
        let error = missing(17, &[program(15, false), program(16, false)]);
        assert_eq!(error.causes(), ["found: 15.1 (/opt/15/pg_dump), 16.1 (/opt/16/pg_dump)"]);
    }

    #[test]
    fn keeps_the_end_of_long_messages() {
        let text = format!("{}the end", "x".repeat(3 * MESSAGES));
        let kept = last_of(&mut text.as_bytes());
        assert!(kept.len() == MESSAGES && kept.ends_with("the end"));
    }
}
