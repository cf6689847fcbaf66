//! The reverse as it runs, statement by statement, with the values that come back between them.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;
use postgres::types::Type;

use super::super::capture::Capture;
use super::super::down::Item;
use super::super::objects::{self, Objects};
use super::super::put_back::quiet::Quiet;
use super::super::put_back::{self, Converted, Section, verify};
use super::body::Broken;
use super::convert::{Conversion, Retyping};
use super::refusal::{TRIES, drops_code, execute, is_absent, is_null, is_orphan, unconverted};
use super::{Fill, Request, RolledBack};
use crate::database::Failure;
use crate::error::Error;
use crate::rules::cost;
use crate::sql::{ActionKind, Script, StatementKind, quote_identifier, quote_literal};
use crate::transaction::Place;

/// The reverse as it runs.
pub(super) struct Run<'a> {
    request: &'a Request<'a>,
    /// What the reverse does not name; none where the definitions were not read before the migration.
    objects: Option<Objects<'a>>,
    section: Section,
    done: RolledBack,
    /// The statement of the migration that is undone.
    number: usize,
    /// By the captures' places in the capsule.
    converted: BTreeMap<usize, Converted>,
    /// Of the statement that is undone: what is still to be compared with the kept rows.
    unverified: Vec<(usize, usize)>,
    /// The captures that are put back, by their place in the capsule, and their reports' places.
    placed: Vec<(usize, usize)>,
    quiet: Quiet,
}

impl<'a> Run<'a> {
    pub(super) fn new(request: &'a Request<'a>, objects: Option<Objects<'a>>) -> Self {
        Self {
            request,
            objects,
            section: Section::default(),
            done: RolledBack::default(),
            number: 0,
            converted: BTreeMap::new(),
            unverified: Vec::new(),
            placed: Vec::new(),
            quiet: Quiet::default(),
        }
    }

    /// Takes back the statements up to `last`.
    pub(super) fn all(
        mut self,
        client: &mut Client,
        control: &BTreeSet<usize>,
        last: usize,
    ) -> Result<RolledBack, Broken> {
        // times are read in the zone in which they were converted
        if let Some(zone) = self.captures().find_map(|(_, capture)| capture.zone.as_ref()) {
            client.query_typed("SELECT set_config('TimeZone', $1, true)", &[(zone, Type::TEXT)])?;
        }
        for item in &self.request.down.items {
            match item {
                Item::Reverse(of) => self.reverse(client, *of)?,
                _ if self.number > last => {}
                Item::PutBack(of) => self.put_back(client, *of)?,
                Item::Sql { line, .. } if control.contains(line) => {}
                Item::Sql { sql, line } => self.sql(client, sql, *line)?,
            }
        }
        self.reverse(client, 0)?;
        std::mem::take(&mut self.quiet).end(client)?;
        self.give_rights(client)?;
        if let Some(objects) = self.objects.take() {
            let objects = objects.finish(client)?;
            self.done.recreated = objects.made;
            self.done.lost.extend(objects.lost);
            self.done.differences.extend(objects.refused.iter().map(|what| format!("{what}, would be lost")));
        }
        Ok(self.done)
    }

    /// The statement `number` is next. Of those behind it everything comes back that has no mark: a person has removed it, or
    /// code did what no statement says.
    fn reverse(&mut self, client: &mut Client, number: usize) -> Result<(), Broken> {
        let own: BTreeSet<usize> = self.captures().map(|(_, capture)| capture.statement).collect();
        for statement in own.into_iter().rev().filter(|own| *own > number) {
            if statement != self.number
                && self.captures().any(|(at, own)| own.statement == statement && !self.is_placed(at))
            {
                self.verify(client)?;
                self.section = Section::default();
            }
            self.put_back(client, statement)?;
        }
        self.verify(client)?;
        self.number = number;
        self.section = Section::default();
        Ok(())
    }

    fn is_placed(&self, at: usize) -> bool {
        self.placed.iter().any(|(placed, _)| *placed == at)
    }

    fn captures(&self) -> impl Iterator<Item = (usize, &'a Capture)> + use<'a> {
        self.request.capsule.into_iter().flat_map(|capsule| capsule.captures.iter().enumerate())
    }

    fn put_back(&mut self, client: &mut Client, statement: usize) -> Result<(), Broken> {
        let mut own: Vec<_> = self.captures().filter(|(_, capture)| capture.statement == statement).collect();
        own.reverse();
        for (at, capture) in own {
            if self.is_placed(at) {
                continue;
            }
            let report = put_back::put_back(client, capture, &self.section, self.converted.get(&at), &mut self.quiet)?;
            self.placed.push((at, self.done.put_back.len()));
            if report.impossible.is_none() {
                self.unverified.push((at, self.done.put_back.len()));
            }
            self.done.put_back.push(report);
        }
        Ok(())
    }

    /// What was put back is what was kept, but for what was written since.
    fn verify(&mut self, client: &mut Client) -> Result<(), Broken> {
        for (at, report) in std::mem::take(&mut self.unverified) {
            // both places were noted when the capture was put back
            let Some((_, capture)) = self.captures().nth(at) else { continue };
            let Some(report) = self.done.put_back.get_mut(report) else { continue };
            let (same, other) = verify::compare(client, capture, &self.section, report)?;
            if other > 0 {
                return Err(Error::failed(format!(
                    "{} of {} differ from what was kept",
                    cost::rows(other),
                    report.what
                ))
                .because("they were not changed since the migration: a trigger may change them, or another rule of the database")
                .help("nothing has changed; correct down.sql, or restore the backup: prisma-safe restore")
                .into());
            }
            report.verified = same;
        }
        Ok(())
    }

    /// The conversion of a column back to the values that are kept of it.
    fn conversion<'r>(
        &self,
        client: &mut Client,
        retyping: &'r Retyping<'r>,
    ) -> Result<Option<(usize, Conversion<'r>)>, Failure>
    where
        'a: 'r,
    {
        let fill = self.given(retyping.table, retyping.column).map(|fill| fill.value.as_str());
        for (at, capture) in self.captures().filter(|(_, capture)| capture.statement == self.number) {
            if let Some(conversion) = Conversion::new(client, retyping, capture, fill)? {
                return Ok(Some((at, conversion)));
            }
        }
        Ok(None)
    }

    /// After a column was converted back to its kept values.
    fn took(
        &mut self,
        client: &mut Client,
        at: usize,
        retyping: &Retyping<'_>,
        conversion: &Conversion<'_>,
        newer: u64,
    ) -> Result<(), Failure> {
        let converted = self.converted.entry(at).or_default();
        converted.columns.insert(retyping.column.to_owned());
        converted.newer += newer;
        let without = conversion.finish(client)?;
        let name = format!("{}.{}", retyping.table, retyping.column);
        if without > 0 && self.given(retyping.table, retyping.column).is_some() {
            self.done.filled.push((name, without));
        } else if without > 0 {
            self.done.lost.push(format!(
                "{without} values of {name}, written since the migration, that are none of its type before: they are NULL now"
            ));
        }
        Ok(())
    }

    fn given(&self, table: &str, column: &str) -> Option<&'a Fill> {
        self.request.fills.iter().find(|fill| fill.table == table && fill.column == column)
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
        let retyping = Retyping::of(sql, &script);
        let conversion = match &retyping {
            Some(retyping) => self.conversion(client, retyping)?,
            None => None,
        };
        let (run, newer) = match &conversion {
            Some((_, conversion)) => (conversion.prepare(client)?, conversion.changed_since(client)?),
            None => (sql.to_owned(), 0),
        };
        let mut refused = execute(client, &run).map_err(broken)?;
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
            refused = execute(client, &run).map_err(broken)?;
        }
        match refused {
            // set aside already, or dropped since; the comparison of the definitions has the last word
            Some(failure) if self.objects.is_some() && is_absent(&failure) && drops_code(&script) => return Ok(()),
            Some(failure)
                if is_null(&failure)
                    && let (Some(retyping), Some((_, conversion))) = (&retyping, &conversion) =>
            {
                return Err(unconverted(conversion.unconverted(client)?, retyping).into());
            }
            Some(failure) => return Err(broken(failure)),
            None => {}
        }
        if let (Some(retyping), Some((at, conversion))) = (&retyping, &conversion) {
            self.took(client, *at, retyping, conversion, newer)?;
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
        let Some(fill) = self.given(&plain, column) else {
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
