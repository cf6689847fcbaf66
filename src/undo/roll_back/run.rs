//! The reverse as it runs, statement by statement, with the values that come back between them.

use std::collections::BTreeSet;

use postgres::Client;

use super::super::capture::Capture;
use super::super::down::Item;
use super::super::fallen;
use super::super::put_back::{self, Section};
use super::{Broken, Request, RolledBack};
use crate::database::Failure;
use crate::error::Error;
use crate::sql::{ActionKind, Script, StatementKind, quote_identifier, quote_literal};

/// The reverse as it runs.
pub(super) struct Run<'a> {
    request: &'a Request<'a>,
    section: Section,
    done: RolledBack,
    /// The captures that are put back, by their place in the capsule, and their reports' places.
    placed: Vec<(usize, usize)>,
}

impl<'a> Run<'a> {
    pub(super) fn new(request: &'a Request<'a>) -> Self {
        Self { request, section: Section::default(), done: RolledBack::default(), placed: Vec::new() }
    }

    /// Takes back the statements up to `last`.
    pub(super) fn all(
        mut self,
        client: &mut Client,
        control: &BTreeSet<usize>,
        last: usize,
    ) -> Result<RolledBack, Broken> {
        let mut number = 0;
        for item in &self.request.down.items {
            match item {
                Item::Reverse(of) => {
                    number = *of;
                    self.section = Section::default();
                }
                _ if number > last => {}
                Item::PutBack(of) => self.put_back(client, *of)?,
                Item::Sql { line, .. } if control.contains(line) => {}
                Item::Sql { sql, line } => self.sql(client, sql, *line)?,
            }
        }
        // a mark that somebody has taken out
        let statements: BTreeSet<usize> = self.captures().map(|(_, capture)| capture.statement).collect();
        for statement in statements.into_iter().rev() {
            self.put_back(client, statement)?;
        }
        self.give_rights(client)?;
        Ok(self.done)
    }

    fn captures(&self) -> impl Iterator<Item = (usize, &'a Capture)> + use<'a> {
        self.request.capsule.into_iter().flat_map(|capsule| capsule.captures.iter().enumerate())
    }

    fn put_back(&mut self, client: &mut Client, statement: usize) -> Result<(), Broken> {
        let mut own: Vec<_> = self.captures().filter(|(_, capture)| capture.statement == statement).collect();
        own.reverse();
        for (at, capture) in own {
            if self.placed.iter().any(|(placed, _)| *placed == at) {
                continue;
            }
            let report = put_back::put_back(client, capture, &self.section)?;
            self.placed.push((at, self.done.put_back.len()));
            self.done.put_back.push(report);
        }
        Ok(())
    }

    /// A table that is made anew belongs to whom it belonged, and may be used by whom it was used. Last: afterwards we may have
    /// no say in it.
    fn give_rights(&mut self, client: &mut Client) -> Result<(), Failure> {
        let placed = self.captures().filter(|(at, _)| self.placed.iter().any(|(placed, _)| placed == at));
        let rights: Vec<&String> = placed.flat_map(|(_, capture)| &capture.rights).collect();
        for right in rights {
            if !fallen::attempt(client, right)? {
                self.done.lost.push(right.clone());
            }
        }
        Ok(())
    }

    fn sql(&mut self, client: &mut Client, sql: &str, line: usize) -> Result<(), Broken> {
        let script = Script::parse(sql);
        let kinds = script.statements().iter().map(|statement| &statement.kind);
        let actions: Vec<(String, &ActionKind)> = kinds
            .flat_map(|kind| match kind {
                StatementKind::AlterTable { table, actions, .. } => {
                    let name = table.quoted();
                    actions.iter().map(|action| (name.clone(), &action.kind)).collect::<Vec<_>>()
                }
                _ => Vec::new(),
            })
            .collect();
        for (table, action) in &actions {
            if let ActionKind::SetNotNull { column } = action {
                self.fill(client, table, column)?;
            }
        }
        let foreign = actions.iter().any(|(_, action)| matches!(action, ActionKind::AddConstraint(_)));
        if foreign {
            client.batch_execute("SAVEPOINT prisma_safe_key")?;
        }
        let mut result = client.batch_execute(sql).map_err(Failure::from);
        if foreign && result.as_ref().is_err_and(is_orphan) {
            client.batch_execute("ROLLBACK TO SAVEPOINT prisma_safe_key")?;
            self.release(client, sql)?;
            result = client.batch_execute(sql).map_err(Failure::from);
        }
        result.map_err(|failure| Broken::Server { failure, place: Some((line, shortened(sql))) })?;
        self.section.push(sql);
        self.done.statements += 1;
        Ok(())
    }

    /// Values whose partner is gone cannot stay.
    fn release(&mut self, client: &mut Client, sql: &str) -> Result<(), Broken> {
        let captures: Vec<_> = self.captures().collect();
        let placed: Vec<_> =
            self.placed.iter().filter_map(|(at, report)| Some((captures.get(*at)?.1, *report))).collect();
        let own: Vec<_> = placed.iter().map(|(capture, _)| *capture).collect();
        for (at, rows) in put_back::release_orphans(client, sql, self.request.schema, &own)? {
            if let Some(report) = placed.get(at).and_then(|(_, report)| self.done.put_back.get_mut(*report)) {
                report.orphaned += rows;
                report.restored = report.restored.saturating_sub(rows);
            }
        }
        Ok(())
    }

    /// Rows that were written since have no value for a column that is required again.
    fn fill(&mut self, client: &mut Client, table: &str, column: &str) -> Result<(), Broken> {
        let quoted = quote_identifier(column);
        let ask = format!("SELECT count(*) FROM {table} WHERE {quoted} IS NULL");
        let rows: i64 = client.query_typed_one(&ask, &[])?.try_get(0)?;
        if rows == 0 {
            return Ok(());
        }
        let plain = table.rsplit_once('.').map_or(table, |(_, name)| name).trim_matches('"').replace("\"\"", "\"");
        let given = self.request.fills.iter().find(|fill| fill.table == plain && fill.column == column);
        let Some(fill) = given else {
            let were = if rows == 1 { "row has" } else { "rows have" };
            let whose =
                if self.request.capsule.is_some() { "written since the migration" } else { "without a kept value" };
            return Err(Error::decision(format!(
                "{rows} {were} no value for {plain}.{column}, which is required again ({whose})"
            ))
            .help(format!("nothing has changed; give them one: --fill '{plain}.{column}=VALUE'"))
            .into());
        };
        // the literal takes the column's type
        let update = format!("UPDATE {table} SET {quoted} = {} WHERE {quoted} IS NULL", quote_literal(&fill.value));
        client.batch_execute(&update)?;
        self.done.filled.push((format!("{plain}.{column}"), rows.unsigned_abs()));
        Ok(())
    }
}

fn is_orphan(failure: &Failure) -> bool {
    failure.code.as_ref().is_some_and(|code| *code == postgres::error::SqlState::FOREIGN_KEY_VIOLATION)
}

fn shortened(sql: &str) -> String {
    const SHOWN: usize = 100;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    console::truncate_str(&line, SHOWN, "…").into_owned()
}
