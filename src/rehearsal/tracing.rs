//! Looking on from inside a migration's own transaction, beside whatever else runs in it.

use std::collections::BTreeSet;
use std::ops::Range;

use postgres::Client;

use super::locks::Hold;
use super::trace::{Statement, Trace};
use crate::database::Failure;
use crate::deploy::{Hook, Prepared};

/// Traces each statement; what the inner hook does is part of the deploy, and of its time.
pub(super) struct Tracing<'a> {
    schema: &'a str,
    inner: &'a mut dyn Hook,
    running: Option<(Prepared, Trace)>,
}

/// What was traced.
#[derive(Debug, Default)]
pub(super) struct Traced {
    pub(super) statements: Vec<Statement>,
    pub(super) holds: Vec<Hold>,
    pub(super) touched: BTreeSet<u32>,
}

impl<'a> Tracing<'a> {
    pub(super) fn new(schema: &'a str, inner: &'a mut dyn Hook) -> Self {
        Self { schema, inner, running: None }
    }

    /// At the end of the transaction, when its locks are free again.
    pub(super) fn finish(self) -> Traced {
        self.running.map_or_else(Traced::default, |(_, trace)| Traced {
            holds: trace.holds(),
            touched: trace.touched(),
            statements: trace.statements,
        })
    }
}

impl Hook for Tracing<'_> {
    fn before(&mut self, client: &mut Client, migration: &Prepared) -> Result<(), Failure> {
        let mut trace = Trace::begin(client, self.schema)?;
        self.inner.before(client, migration)?;
        // what is captured first takes its locks, and its time
        trace.prelude(client)?;
        self.running = Some((migration.clone(), trace));
        Ok(())
    }

    fn instead(&mut self, client: &mut Client, statement: &Range<usize>) -> Result<bool, Failure> {
        self.inner.instead(client, statement)
    }

    fn sent(&mut self, client: &mut Client, statement: &Range<usize>) -> Result<(), Failure> {
        self.inner.sent(client, statement)?;
        match &mut self.running {
            Some((migration, trace)) => {
                let text = (migration.line(statement, None), migration.sql(statement));
                trace.after(client, statement, text)
            }
            None => Ok(()),
        }
    }

    fn after(&mut self, client: &mut Client) -> Result<(), Failure> {
        self.inner.after(client)
    }
}
