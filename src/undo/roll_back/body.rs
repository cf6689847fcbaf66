//! The way back as the body of its transaction.

use std::collections::BTreeSet;

use postgres::Client;
use postgres::types::Type;

use super::super::down::{Down, Item};
use super::super::objects::Objects;
use super::comparison::{self, Known};
use super::run::Run;
use super::{Request, RolledBack, row};
use crate::database::Failure;
use crate::database::history::{self, State};
use crate::error::{Error, Result};
use crate::sql::{Atomicity, Script};
use crate::transaction::{self, Body};

/// Why it stops although the server refuses nothing.
pub(super) struct Stop(pub(super) Error);

pub(super) type Broken = transaction::Broken<Stop>;

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Stopped(Stop(error))
    }
}

/// The lines of down.sql whose statements control transactions: they are left out.
///
/// # Errors
/// Exit status 2 where a statement runs in no transaction.
pub(super) fn script_control(down: &Down) -> Result<BTreeSet<usize>> {
    let script = Script::parse(down.text.as_str());
    let control = match script.atomicity() {
        Atomicity::Transaction => Vec::new(),
        Atomicity::OwnTransaction { control } => control,
        Atomicity::Alone { why, range } => {
            let line = script.position(range.start).line;
            return Err(Error::usage(format!("down.sql line {line}: {why}"))
                .help("a rollback is one transaction: leave CONCURRENTLY and the like out of down.sql"));
        }
    };
    Ok(control.iter().map(|range| script.position(range.start).line).collect())
}

/// Migrations that are rolled back together, newest first: all of them or none.
pub(super) struct RollingBack<'a> {
    pub(super) requests: &'a [Request<'a>],
    pub(super) controls: &'a [BTreeSet<usize>],
    /// Which one is being rolled back.
    pub(super) at: usize,
}

impl Body for RollingBack<'_> {
    type Done = Vec<RolledBack>;
    type Stop = Stop;

    fn run(&mut self, client: &mut Client) -> Result<Vec<RolledBack>, Broken> {
        let mut all = Vec::new();
        for (at, (request, control)) in self.requests.iter().zip(self.controls).enumerate() {
            self.at = at;
            if at > 0 {
                // no table may be altered while a check of its rows is still to come
                client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE")?;
            }
            all.push(one(client, request, control)?);
        }
        Ok(all)
    }

    /// Its rows are gone from the history.
    fn is_committed(&self, client: &mut Client) -> Result<bool, Failure> {
        let Some(request) = self.requests.first() else { return Ok(true) };
        let query = format!("SELECT FROM {} WHERE id = $1", history::table(request.schema));
        Ok(client.query_typed_opt(&query, &[(&request.row.0, Type::TEXT)])?.is_none())
    }

    fn keeps(&self) -> bool {
        self.requests.iter().all(|request| !request.dry)
    }
}

fn one(client: &mut Client, request: &Request<'_>, control: &BTreeSet<usize>) -> Result<RolledBack, Broken> {
    row::check(client, request)?;
    let (known, start) = Known::before(client, request)?;
    let mut done = match (request.row.1, comparison::definitions(request)) {
        (State::Failed, _) => prefix(client, request, control)?,
        (_, definitions) => {
            let objects = definitions.map(|definitions| Objects::new(start, definitions));
            Run::new(request, objects).all(client, control, usize::MAX)?
        }
    };
    row::forget(client, request)?;
    done.differences.extend(known.differences(client)?);
    done.compared = known.compared;
    if !done.differences.is_empty() && !request.accept_differences {
        return Err(Error::failed(format!("without {} the database would not be as before", request.migration))
            .because(done.differences.join("\n"))
            .help("nothing has changed; correct down.sql, or take it so: --accept-differences")
            .into());
    }
    Ok(done)
}

/// A migration that failed outside of a transaction has run up to some statement. The longest reverse that the server takes is
/// the right one: what was not made cannot be dropped.
fn prefix(client: &mut Client, request: &Request<'_>, control: &BTreeSet<usize>) -> Result<RolledBack, Broken> {
    let mut numbers: Vec<usize> = request
        .down
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Reverse(number) => Some(*number),
            _ => None,
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    for last in numbers.into_iter().rev() {
        client.batch_execute("SAVEPOINT prisma_safe_prefix")?;
        match Run::new(request, None).all(client, control, last) {
            Ok(done) => return Ok(done),
            Err(Broken::Server { failure, .. }) if failure.is_refusal() => {
                client.batch_execute("ROLLBACK TO SAVEPOINT prisma_safe_prefix")?;
            }
            Err(broken) => return Err(broken),
        }
    }
    Ok(RolledBack::default())
}
