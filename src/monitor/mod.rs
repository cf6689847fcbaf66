//! `monitor`: how the database does since the last deployment. What `verify` asks is asked again, and what the server's statistics
//! have counted since is compared with what the deployment kept. Only reads.

mod indexes;
mod report;
mod sessions;
mod statements;
mod tables;

use postgres::Client;

pub use self::report::{Look, Seen, Verdict, document, html, text, text_within};
use crate::database::usage::Usage;
use crate::database::{Health, Standing};
use crate::deploy::definitions::Left;
use crate::deploy::journal::{End, Record};
use crate::deploy::verify::{self, Check, Query, Status};
use crate::error::Result;
use crate::ui::moment;

/// What the database is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Since<'a> {
    /// The last deployment to it from this folder, or the rollback that came after it.
    pub record: Option<&'a Record>,
    /// What that has left.
    pub left: Option<&'a Left>,
}

impl Since<'_> {
    fn usage(&self) -> Option<&Usage> {
        self.left.and_then(|left| left.leaves.usage.as_ref())
    }
}

/// What is asked besides the statistics.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub schema: &'a str,
    pub standing: &'a Standing,
    /// `[[verify.query]]`
    pub queries: &'a [Query],
    /// Whether sessions are shown with what they run.
    pub show_queries: bool,
}

/// Looks once.
///
/// # Errors
/// Only if the connection is lost or a query of prisma-safe.toml is none: what one check may not read, it says itself.
pub fn look(client: &mut Client, asked: &Asked<'_>, since: &Since<'_>) -> Result<Vec<Check>> {
    let mut checks = vec![Check::history(asked.standing)];
    checks.extend(since.record.map(deployment));
    match Health::read(client) {
        Ok(health) => checks.extend([indexes::invalid(&health), tables::unvalidated(&health)]),
        Err(failure) => checks.extend(["invalid indexes", "constraints"].map(|name| unread(name, failure.to_string()))),
    }
    let usage = Usage::read(client);
    checks.extend(match &usage {
        Ok(usage) => vec![indexes::used(client, usage, since.usage()), statements::compared(usage, since.usage())],
        Err(failure) => ["index use", "statements"].map(|name| unread(name, failure.to_string())).into(),
    });
    checks
        .push(indexes::for_foreign_keys(client).unwrap_or_else(|failure| unread("foreign keys", failure.to_string())));
    checks.extend(sessions::checks(client, asked.show_queries));
    checks.push(tables::dead_rows(client).unwrap_or_else(|failure| unread("dead rows", failure.to_string())));
    checks.push(sessions::replication(client).unwrap_or_else(|failure| unread("replication", failure.to_string())));
    checks.extend(verify::answers(client, asked.schema, asked.queries)?);
    Ok(checks)
}

fn unread(name: &str, why: String) -> Check {
    Check::new(name, Status::Unchecked, [why])
}

/// How the last deployment or rollback ended.
fn deployment(record: &Record) -> Check {
    let when = record.started.map(moment).unwrap_or_default();
    let name = if record.rollback { "last rollback" } else { "last deployment" };
    match (&record.end, record.verified) {
        (_, Some(false)) => {
            Check::new(name, Status::Failed, [format!("of {when}: its verification found the database broken")])
                .with_cure(Some("prisma-safe verify"))
        }
        (Some(End::Finished), _) => Check::new(name, Status::Passed, [format!("of {when}: finished")]),
        (Some(End::Failed(error)), _) => {
            let error = error.lines().next().unwrap_or_default();
            Check::new(name, Status::Warned, [format!("of {when}: failed: {error}")])
                .with_cure(Some("prisma-safe status"))
        }
        (Some(End::Explained(_)) | None, _) => {
            Check::new(name, Status::Warned, [format!("of {when}: was cut short {}, or is running", record.last)])
                .with_cure(Some("prisma-safe status"))
        }
    }
}
