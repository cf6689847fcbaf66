//! One session with the target: runs statements, and settles what the target does not have.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use postgres::Client;
use postgres::error::SqlState;

use super::MissingRole;
use super::job::Shared;
use super::statement::{Kind, kind};
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::sql::quote_identifier;

/// Longest part of a statement that an error shows, in characters.
const SHOWN: usize = 120;
/// How often a statement is tried again that the server ended because of a deadlock with another of our sessions.
const DEADLOCKS: u32 = 5;

/// A session and its settings.
pub(super) struct Session {
    client: Client,
    shared: Arc<Shared>,
    settings: Arc<String>,
    /// Roles that were created.
    roles: BTreeSet<String>,
}

impl Session {
    pub(super) fn new(client: Client, shared: Arc<Shared>) -> Self {
        Self { client, shared, settings: Arc::default(), roles: BTreeSet::new() }
    }

    pub(super) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Takes over the settings of a place in the dump, statements on a line each.
    pub(super) fn set(&mut self, settings: &Arc<String>) -> Result<()> {
        if *self.settings != **settings {
            let statements: Vec<String> = settings.lines().map(ToOwned::to_owned).collect();
            self.run(&statements)?;
            self.settings = Arc::clone(settings);
        }
        Ok(())
    }

    /// Runs statements. Sent together, nothing of them remains if one fails: then each is sent by itself.
    pub(super) fn run(&mut self, statements: &[String]) -> Result<()> {
        if let [_, _, ..] = statements
            && self.client.batch_execute(&statements.join("\n")).is_ok()
        {
            return Ok(());
        }
        statements.iter().try_for_each(|statement| self.run_one(statement))
    }

    fn run_one(&mut self, statement: &str) -> Result<()> {
        let mut deadlocks = 0;
        loop {
            let Err(error) = self.client.batch_execute(statement) else { return Ok(()) };
            let code = error.code().cloned();
            if code == Some(SqlState::T_R_DEADLOCK_DETECTED) && deadlocks < DEADLOCKS {
                deadlocks += 1;
                continue;
            }
            let failure = Failure::from(error);
            let undefined = code == Some(SqlState::UNDEFINED_OBJECT);
            // a newer pg_dump sets what an older server does not know
            if undefined && statement.starts_with("SET ") {
                return Ok(());
            }
            let role = missing_role(&failure.message).filter(|_| undefined).map(ToOwned::to_owned);
            if self.shared.options.lacking && role.is_none() && is_lack(statement, code.as_ref()) {
                self.shared.lacked.lock().unwrap_or_else(PoisonError::into_inner).push(statement.to_owned());
                return Ok(());
            }
            match (role, self.shared.options.missing_role) {
                (Some(role), MissingRole::Create) if self.roles.insert(role.clone()) => self.create_role(&role)?,
                (Some(_), MissingRole::LeaveOut) if matches!(kind(statement), Kind::Owner | Kind::Privilege) => {
                    self.leave_out(statement, &failure.message);
                    return Ok(());
                }
                // on a host's server extensions belong to the host
                _ if code == Some(SqlState::INSUFFICIENT_PRIVILEGE)
                    && statement.starts_with("COMMENT ON EXTENSION ") =>
                {
                    self.leave_out(statement, &failure.message);
                    return Ok(());
                }
                _ => return Err(refused(statement, failure)),
            }
        }
    }

    /// A superuser: the original's own rights are not in the dump, and a refresh runs as the view's owner.
    fn create_role(&mut self, role: &str) -> Result<()> {
        match self.client.batch_execute(&format!("CREATE ROLE {} SUPERUSER", quote_identifier(role))) {
            // another session was quicker
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_OBJECT) => Ok(()),
            created => created.map_err(Failure::from).explain(|| format!("could not create the role {role}")),
        }
    }

    fn leave_out(&self, statement: &str, why: &str) {
        let mut left_out = self.shared.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        left_out.push(format!("{}: {why}", shortened(statement)));
    }
}

/// Whether the server refuses a statement because something that it names is not there.
fn is_lack(statement: &str, code: Option<&SqlState>) -> bool {
    let Some(code) = code else { return false };
    match code.code() {
        // undefined object, table, function, column; no such schema
        "42704" | "42P01" | "42883" | "42703" | "3F000" => true,
        // a file that is not there, or "is not available"
        "58P01" | "0A000" => statement.starts_with("CREATE EXTENSION"),
        _ => false,
    }
}

/// The server's refusal, with the statement.
fn refused(statement: &str, failure: Failure) -> Error {
    let error = Error::failed(format!("the backup cannot be restored: {}", shortened(statement))).because(failure);
    if statement.starts_with("CREATE EXTENSION") {
        return error.help("install the package that brings this extension to the server");
    }
    error
}

/// The role of `role "music" does not exist`.
fn missing_role(message: &str) -> Option<&str> {
    message.strip_prefix("role \"")?.strip_suffix("\" does not exist")
}

/// The beginning of a statement, on one line.
fn shortened(statement: &str) -> String {
    let line = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    console::truncate_str(&line, SHOWN, "…").into_owned()
}
