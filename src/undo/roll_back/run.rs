//! The reverse as it runs, statement by statement, with the values that come back between them.

use std::collections::BTreeSet;

use postgres::Client;

use super::super::capture::Capture;
use super::super::down::Item;
use super::super::objects::{self, Objects};
use super::super::put_back::{self, Section};
use super::body::Broken;
use super::{Request, RolledBack};
use crate::database::Failure;
use crate::error::Error;
use crate::sql::{ActionKind, Script, StatementKind, quote_identifier, quote_literal};
use crate::transaction::Place;

/// The reverse as it runs.
pub(super) struct Run<'a> {
    request: &'a Request<'a>,
    /// What the reverse does not name; none where nobody has read the definitions before the migration.
    objects: Option<Objects<'a>>,
    section: Section,
    done: RolledBack,
    /// The captures that are put back, by their place in the capsule, and their reports' places.
    placed: Vec<(usize, usize)>,
}

impl<'a> Run<'a> {
    pub(super) fn new(request: &'a Request<'a>, objects: Option<Objects<'a>>) -> Self {
        Self { request, objects, section: Section::default(), done: RolledBack::default(), placed: Vec::new() }
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
        if let Some(objects) = self.objects.take() {
            let objects = objects.finish(client)?;
            self.done.recreated = objects.made;
            self.done.lost.extend(objects.lost);
            self.done.differences.extend(objects.refused.iter().map(|what| format!("{what}, would be lost")));
        }
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
            if !objects::attempt(client, right)? {
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
        let broken = |failure| Broken::Server { failure, place: Some(Place::new(line, sql)) };
        let mut refused = execute(client, sql).map_err(broken)?;
        for _ in 0..TRIES {
            let Some(failure) = &refused else { break };
            if is_orphan(failure) {
                self.release(client, sql)?;
            } else if let Some(objects) = &mut self.objects {
                if !objects.make_way(client, sql, failure)? {
                    break;
                }
            } else {
                break;
            }
            refused = execute(client, sql).map_err(broken)?;
        }
        match refused {
            // set aside already, or dropped by somebody since; the comparison of the definitions has the last word
            Some(failure) if self.objects.is_some() && is_absent(&failure) && drops_code(&script) => return Ok(()),
            Some(failure) => return Err(broken(failure)),
            None => {}
        }
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

/// How often a statement is tried again once something was done about its refusal.
const TRIES: usize = 3;

/// Runs a statement of which nothing stays if the server refuses it; gives the refusal. A lock that is not free, a lost
/// connection and a timeout are none.
fn execute(client: &mut Client, sql: &str) -> Result<Option<Failure>, Failure> {
    client.batch_execute("SAVEPOINT prisma_safe_statement")?;
    let refused = match client.batch_execute(sql).map_err(Failure::from) {
        Ok(()) => None,
        Err(failure) if !failure.is_refusal() => return Err(failure),
        Err(failure) => Some(failure),
    };
    if refused.is_some() {
        client.batch_execute("ROLLBACK TO SAVEPOINT prisma_safe_statement")?;
    }
    client.batch_execute("RELEASE SAVEPOINT prisma_safe_statement")?;
    Ok(refused)
}

/// Undefined table, object, function.
fn is_absent(failure: &Failure) -> bool {
    failure.code.as_ref().is_some_and(|code| matches!(code.code(), "42P01" | "42704" | "42883"))
}

/// Whether all it does is drop a view, a trigger or the like.
fn drops_code(script: &Script) -> bool {
    script.statements().iter().all(|statement| match &statement.kind {
        StatementKind::DropView { .. } => true,
        StatementKind::Other { words } => {
            ["DROP TRIGGER", "DROP FUNCTION", "DROP POLICY", "DROP RULE"].iter().any(|drop| words.starts_with(drop))
        }
        _ => false,
    })
}

fn is_orphan(failure: &Failure) -> bool {
    failure.code.as_ref().is_some_and(|code| *code == postgres::error::SqlState::FOREIGN_KEY_VIOLATION)
}
