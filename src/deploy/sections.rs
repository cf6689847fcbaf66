//! A migration that is applied in sections: each in one of our transactions, or by itself where PostgreSQL demands that. Its row in
//! the history says how far it came, so that the next deploy goes on behind it.

use std::ops::Range;

use super::Prepared;
use super::alone::leftovers::{self, Leftovers};
use super::apply::Runner;
use super::body::SectionBody;
use super::error::ApplyError;
use super::hook::Hook;
use crate::database::history::{Progress, Row};
use crate::database::{Failure, History};
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::sql::{Script, Section, StatementKind, Way};
use crate::transaction::{Failed, Place};

/// A migration in sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sectioned {
    /// All of it.
    whole: Prepared,
    parts: Vec<Part>,
}

/// One section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) way: Way,
    /// What is sent.
    pub(super) prepared: Prepared,
    /// Settings of the session that stand before it in the file.
    pub(super) settings: Vec<Range<usize>>,
    /// Its first and last line in the file.
    lines: (usize, usize),
}

impl Sectioned {
    pub(super) fn new(migration: &Migration, script: &Script, sections: &[Section]) -> Self {
        let all: Vec<usize> = (0..script.statements().len()).collect();
        let sets = |kind: &StatementKind| match kind {
            StatementKind::Set { local, .. } => !local,
            StatementKind::Other { words } => words.starts_with("RESET"),
            _ => false,
        };
        let setting = |range: &Range<usize>| {
            let sets = script.statements().iter().filter(|it| sets(&it.kind));
            sets.filter(|it| it.range.end <= range.start).map(|it| it.range.clone()).collect()
        };
        let line = |offset: usize| script.position(offset).line;
        let part = |section: &Section| Part {
            way: section.way.clone(),
            prepared: Prepared::of(migration, script, &section.statements),
            settings: setting(&section.range),
            lines: (line(section.range.start), line(section.range.end.saturating_sub(1))),
        };
        Self { whole: Prepared::of(migration, script, &all), parts: sections.iter().map(part).collect() }
    }

    /// The directory's name.
    pub fn name(&self) -> &str {
        &self.whole.name
    }

    /// How many sections.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Why its only section runs alone, and the line; none where there is more than one, or a transaction.
    pub fn only_alone(&self) -> Option<(&str, usize)> {
        match self.parts.as_slice() {
            [Part { way: Way::Alone { why }, lines, .. }] => Some((why, lines.0)),
            _ => None,
        }
    }

    /// What each section is, for people: `line 2 alone (…)`, `lines 3 to 9 in one transaction`.
    pub fn said(&self) -> Vec<String> {
        let said = |part: &Part| {
            let (first, last) = part.lines;
            let lines = if first == last { format!("line {first}") } else { format!("lines {first} to {last}") };
            match &part.way {
                Way::Transaction => format!("{lines} in one transaction"),
                Way::Alone { why } => format!("{lines} alone ({why})"),
            }
        };
        self.parts.iter().map(said).collect()
    }

    fn line(&self, section: usize) -> usize {
        self.parts.get(section).map_or(1, |part| part.lines.0)
    }
}

impl Runner {
    /// Applies a migration section by section, from where its row in the history says. Gives how many tries the slowest needed.
    ///
    /// # Errors
    /// See [`ApplyError`]. What was applied before the section that failed stays, and the row says so.
    pub fn apply_sections(&mut self, sectioned: &Sectioned, hook: &mut dyn Hook) -> Result<u32, Error> {
        let schema = self.0.url().schema();
        let history = History::read(self.0.client(), &schema)?.unwrap_or_default();
        let row = history.rows.iter().find(|row| row.name == sectioned.name() && row.progress().is_some());
        let start = row.and_then(Row::progress).unwrap_or(Progress { done: 0, of: sectioned.len(), begun: false });
        if start.of != sectioned.len() {
            return Err(Error::failed(format!("{} was applied in part, in other sections than now", sectioned.name()))
                .help(format!("undo that part, then deploy again: prisma-safe rollback {}", sectioned.name())));
        }
        let mut id = row.map(|row| row.id.clone());
        let mut tries = 1;
        for at in start.done..sectioned.len() {
            let begun = at == start.done && start.begun;
            match self.section(sectioned, at, begun, &mut id, hook) {
                Ok(needed) => tries = tries.max(needed),
                Err(error) => {
                    if let Some(id) = &id {
                        self.note_failure(&schema, id, sectioned, at);
                    }
                    return Err(explained(error, sectioned, at, id.is_some()));
                }
            }
        }
        Ok(tries)
    }

    fn section(
        &mut self,
        sectioned: &Sectioned,
        at: usize,
        begun: bool,
        id: &mut Option<String>,
        hook: &mut dyn Hook,
    ) -> Result<u32, ApplyError> {
        let schema = self.0.url().schema();
        let part = &sectioned.parts[at];
        let last = at + 1 == sectioned.len();
        let progress = |done: usize, begun: bool| Progress { done, of: sectioned.len(), begun };
        if part.way == Way::Transaction {
            let next = (!last).then(|| progress(at + 1, false));
            let mut body = SectionBody::new(&sectioned.whole, part, &schema, id.clone(), next, hook);
            let tries = self.run_section(&mut body, &sectioned.whole)?;
            *id = Some(body.id);
            return Ok(tries);
        }
        // its row is there before it, so that a kill leaves a trace
        let mark = Some(progress(at, true));
        let mut body = SectionBody::only_noting(&sectioned.whole, &schema, id.clone(), mark, hook);
        self.run_section(&mut body, &sectioned.whole)?;
        *id = Some(body.id);
        let tries = self.alone(sectioned, part, begun)?;
        let done = (!last).then(|| progress(at + 1, false));
        let mut body = SectionBody::only_noting(&sectioned.whole, &schema, id.clone(), done, hook);
        self.run_section(&mut body, &sectioned.whole)?;
        Ok(tries)
    }

    /// A statement outside of any transaction. One that was begun before and is done is not repeated.
    fn alone(&mut self, sectioned: &Sectioned, part: &Part, begun: bool) -> Result<u32, ApplyError> {
        let migration = sectioned.name().to_owned();
        let schema = self.0.url().schema();
        let Some(piece) = part.prepared.pieces().first().cloned() else { return Ok(1) };
        let script = Script::parse(part.prepared.sql(&piece));
        let left = Leftovers::of(&script, &schema);
        let settings = *self.0.settings();
        let shell = self.0.shell().cloned();
        let mut sweep = |client: &mut postgres::Client| -> Result<(), Error> {
            for index in left.find(client)? {
                if let Some(shell) = &shell {
                    shell.status("Dropping", format!("the invalid index {index}, left by an earlier try"));
                }
                leftovers::drop(client, &index, &settings)?;
            }
            Ok(())
        };
        sweep(self.0.client()).map_err(ApplyError::Unconnected)?;
        let refused = |failure| ApplyError::Refused { migration: migration.clone(), place: None, failure };
        if begun && is_done(self.0.client(), &script, &schema).map_err(refused)? {
            return Ok(1);
        }
        let place = Place::new(part.prepared.line(&piece, None), part.prepared.sql(&piece));
        let before: Vec<&str> = part.settings.iter().map(|range| sectioned.whole.sql(range)).collect();
        let outside = crate::transaction::Outside {
            before: &before,
            sql: part.prepared.sql(&piece),
            place,
            concurrently: script.works_concurrently(),
        };
        let ran = self.0.outside(&outside, &mut sweep);
        if matches!(ran, Err(Failed::Refused { .. })) {
            // a failed build leaves an index that every write pays for; the next try sweeps if this one cannot
            let _ = sweep(self.0.client());
        }
        ran.map_err(|failed| super::apply::outside(failed, &migration))
    }

    /// How it failed stands in the history beside how far it came. Without that the deploy has failed all the same.
    fn note_failure(&mut self, schema: &str, id: &str, sectioned: &Sectioned, at: usize) {
        let table = crate::database::history::table(schema);
        // nothing of it is in the database: its row says nothing either
        let forget =
            format!("DELETE FROM {table} WHERE id = $1 AND finished_at IS NULL AND logs LIKE 'prisma-safe: 0 of %'");
        let failed = Progress { done: at, of: sectioned.len(), begun: false }.note();
        let note = format!(
            "UPDATE {table} SET logs = $2 WHERE id = $1 AND finished_at IS NULL AND logs LIKE $2 || '; section %'"
        );
        let client = self.0.client();
        let text = postgres::types::Type::TEXT;
        let _ = client.query_typed(&note, &[(&id, text.clone()), (&failed, text.clone())]);
        let _ = client.query_typed(&forget, &[(&id, text)]);
    }
}

/// Whether a statement that was begun before a cut is done: its index is there, or gone.
fn is_done(client: &mut postgres::Client, script: &Script, schema: &str) -> Result<bool, Failure> {
    use postgres::types::Type;
    let there = |client: &mut postgres::Client, space: &Option<String>, name: &str| -> Result<bool, Failure> {
        const ASK: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                           WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('i', 'I'))";
        let space = space.as_deref().unwrap_or(schema);
        Ok(client.query_typed_one(ASK, &[(&space, Type::TEXT), (&name, Type::TEXT)])?.try_get(0)?)
    };
    match script.statements().first().map(|statement| &statement.kind) {
        Some(StatementKind::CreateIndex(index)) => match &index.name {
            // an invalid one has been swept away
            Some(name) => there(client, &index.table.schema, name),
            None => Ok(false),
        },
        Some(StatementKind::DropIndex { indexes, .. }) => {
            for index in indexes {
                if there(client, &index.schema, &index.name)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// What stays after a section has failed, and how to go on.
fn explained(error: ApplyError, sectioned: &Sectioned, at: usize, has_row: bool) -> Error {
    let (name, of) = (sectioned.name(), sectioned.len());
    let error = Error::from(error);
    if at == 0 || !has_row {
        return error;
    }
    let applied = if at == 1 { "section 1 is".to_owned() } else { format!("sections 1 to {at} are") };
    let line = sectioned.line(at);
    error.help(format!(
        "{applied} applied and stay ({at} of {of}). When what stood in the way is settled, deploy again: it goes on at line {line}. If the \
         file has to change, undo that part first: prisma-safe rollback {name}"
    ))
}
