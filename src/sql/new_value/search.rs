//! The search for one new value: whether a statement uses it, by the types of what it stands beside.

use std::collections::{BTreeMap, BTreeSet};

use super::super::ast::{ActionKind, ColumnDef, DataType, Name, Statement, StatementKind};
use super::super::code::literals;
use super::super::script::Script;
use super::super::tokens::{Kind, Token, after, calls, tokens};
use super::place::{cast, compared, inserted, tables};
use super::{BUILT_IN, Types};

/// Whether a statement uses a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    No,
    Perhaps,
    Certain,
}

/// The search for one value.
pub(super) struct Search<'a> {
    script: &'a Script,
    types: &'a dyn Types,
    value: &'a str,
    /// What the type is called, also after a rename.
    names: Vec<Name>,
    /// Columns that the script makes.
    tables: BTreeMap<Name, BTreeMap<String, DataType>>,
    /// Tables that the script makes whole.
    whole: BTreeSet<Name>,
    enums: BTreeSet<Name>,
    /// Functions whose body holds the value, and that run it when they are called.
    functions: BTreeSet<String>,
    /// A trigger calls one of them.
    triggered: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(script: &'a Script, types: &'a dyn Types, name: &Name, value: &'a str, added: usize) -> Self {
        let mut search = Self {
            script,
            types,
            value,
            names: vec![name.clone()],
            tables: BTreeMap::new(),
            whole: BTreeSet::new(),
            enums: BTreeSet::new(),
            functions: BTreeSet::new(),
            triggered: false,
        };
        script.statements()[..=added].iter().for_each(|statement| search.learn(&statement.kind));
        search
    }

    fn text(&self, at: usize) -> &'a str {
        self.script.statements().get(at).and_then(|it| self.script.text().get(it.range.clone())).unwrap_or_default()
    }

    /// What a statement makes.
    fn learn(&mut self, kind: &StatementKind) {
        match kind {
            StatementKind::CreateTable { table, columns, as_query, inherits, .. } => {
                let own = self.tables.entry(table.clone()).or_default();
                own.extend(columns.iter().map(|column| (column.name.clone(), column.data_type.clone())));
                if !as_query && inherits.is_empty() {
                    self.whole.insert(table.clone());
                }
            }
            StatementKind::AlterTable { table, actions, .. } => {
                for action in actions {
                    match &action.kind {
                        ActionKind::AddColumn { column: ColumnDef { name: column, data_type, .. }, .. }
                        | ActionKind::SetType { column, data_type, .. } => {
                            self.tables.entry(table.clone()).or_default().insert(column.clone(), data_type.clone());
                        }
                        _ => {}
                    }
                }
            }
            StatementKind::CreateEnum { name, .. } => {
                self.enums.insert(name.clone());
            }
            StatementKind::RenameType { name, to } if self.names.contains(name) => {
                self.names.push(Name { schema: name.schema.clone(), name: to.clone() });
            }
            _ => {}
        }
    }

    /// Whether the statement uses the value; learns from it.
    pub(super) fn used(&mut self, at: usize) -> Use {
        let Some(Statement { kind, .. }) = self.script.statements().get(at) else { return Use::No };
        let text = self.text(at);
        self.learn(kind);
        let by_call = if self.calls_one(kind, text) { Use::Perhaps } else { Use::No };
        let here = match kind {
            StatementKind::AddEnumValue { .. }
            | StatementKind::RenameEnumValue { .. }
            | StatementKind::CreateEnum { .. }
            | StatementKind::Comment
            | StatementKind::Set { .. }
            | StatementKind::Begin
            | StatementKind::Commit => Use::No,
            StatementKind::CreateFunction { name } => self.function(&name.name, text),
            StatementKind::CreateTrigger { .. } => self.trigger(text),
            StatementKind::Do { body } => self.code(body),
            StatementKind::CreateTable { columns, .. } => self.defaults(columns.iter(), text),
            StatementKind::AlterTable { table, actions, .. } => {
                let added = actions.iter().filter_map(|action| match &action.kind {
                    ActionKind::AddColumn { column, .. } => Some(column),
                    _ => None,
                });
                let set = actions.iter().filter_map(|action| match &action.kind {
                    ActionKind::SetDefault { column, default } => Some((column, &default.text)),
                    _ => None,
                });
                let set = set.map(|(column, text)| self.default(text, self.column(table, column).as_ref())).max();
                if set.is_some() && actions.len() == 1 {
                    set.unwrap_or(Use::No)
                } else {
                    set.max(Some(self.defaults(added, text))).unwrap_or(Use::No)
                }
            }
            _ => self.literals(text, &[]),
        };
        here.max(by_call)
    }

    /// Defaults by their column's type, everything else by what stands around it.
    fn defaults<'c>(&self, columns: impl Iterator<Item = &'c ColumnDef>, text: &str) -> Use {
        let mut worst = Use::No;
        let mut judged = 0;
        for column in columns {
            if let Some(default) = &column.default {
                let uses = self.default(&default.text, Some(&column.data_type));
                judged += tokens(&default.text).iter().filter(|token| self.is_value(token)).count();
                worst = worst.max(uses);
            }
        }
        let all = tokens(text).iter().filter(|token| self.is_value(token)).count();
        if all > judged { worst.max(self.literals(text, &["default"])) } else { worst }
    }

    fn default(&self, text: &str, column: Option<&DataType>) -> Use {
        let all = tokens(text);
        let uses = (0..all.len()).filter(|&at| self.is_value(&all[at])).map(|at| match cast(&all, at) {
            Some(name) => self.names_type(&name),
            None => column.map_or(Use::Perhaps, |column| self.is_type(column)),
        });
        uses.max().unwrap_or(Use::No)
    }

    /// `LANGUAGE sql` is read as it is created; everything else runs when it is called.
    fn function(&mut self, function: &str, text: &str) -> Use {
        let outer = tokens(text);
        let language = after(&outer, "language").and_then(<[Token<'_>]>::first);
        let bodies =
            literals(text).any(|body| tokens(body).iter().any(|token| self.is_value(token) || self.is_inside(token)));
        if bodies {
            match language {
                Some(language) if language.text.eq_ignore_ascii_case("sql") => return Use::Perhaps,
                _ => _ = self.functions.insert(function.to_lowercase()),
            }
        }
        // a default of an argument, a body without quotes
        self.literals(text, &[])
    }

    /// Only its condition is an expression; its arguments are texts.
    fn trigger(&mut self, text: &str) -> Use {
        let all = tokens(text);
        let called = after(&all, "execute").unwrap_or_default();
        let names = |token: &Token<'_>| self.functions.contains(&token.text.to_lowercase());
        self.triggered |= called.iter().any(names);
        let (Some(when), Some(execute)) =
            (all.iter().find(|token| token.is("when")), all.iter().find(|token| token.is("execute")))
        else {
            return Use::No;
        };
        // the table stands before the condition
        match all.iter().any(|token| self.is_value(token) && token.start > when.start && token.end < execute.start) {
            true => self.literals(text.get(..execute.start).unwrap_or_default(), &[]),
            false => Use::No,
        }
    }

    /// A body that runs now.
    fn code(&self, body: &str) -> Use {
        let holds = tokens(body).iter().any(|token| self.is_value(token) || self.is_inside(token));
        if holds { Use::Perhaps } else { Use::No }
    }

    /// Whether a statement runs a function whose body holds the value.
    fn calls_one(&self, kind: &StatementKind, text: &str) -> bool {
        let writes = matches!(
            kind,
            StatementKind::Insert { .. }
                | StatementKind::Update { .. }
                | StatementKind::Delete { .. }
                | StatementKind::Do { .. }
        );
        let called = || match kind {
            StatementKind::CreateFunction { .. } | StatementKind::CreateTrigger { .. } | StatementKind::Comment => {
                Vec::new()
            }
            StatementKind::Do { body } => calls(body),
            StatementKind::Other { words } if !matches!(words.as_str(), "CALL" | "MERGE" | "REFRESH") => Vec::new(),
            _ => calls(text),
        };
        self.triggered && writes
            || !self.functions.is_empty() && called().iter().any(|name| self.functions.contains(name))
    }

    /// Every literal of a statement that is the value.
    fn literals(&self, text: &str, but_behind: &[&str]) -> Use {
        let all = tokens(text);
        let tables = tables(&all);
        let behind = |at: usize| at > 0 && but_behind.iter().any(|word| all[at - 1].is(word));
        let values = (0..all.len()).filter(|&at| self.is_value(&all[at]) && !behind(at));
        values.map(|at| self.literal(&all, at, &tables)).max().unwrap_or(Use::No)
    }

    fn literal(&self, all: &[Token<'_>], at: usize, tables: &[Name]) -> Use {
        if let Some(name) = cast(all, at) {
            return self.names_type(&name);
        }
        if let Some(column) = compared(all, at).or_else(|| inserted(all, at)) {
            // the nearest table that has it decides; one of several unknown ones may
            let known: Vec<Option<DataType>> = tables.iter().map(|table| self.column(table, &column)).collect();
            let worst = known.iter().flatten().map(|data_type| self.is_type(data_type)).max();
            let unknown = || tables.iter().any(|table| !self.is_known(table)) && known.iter().all(Option::is_none);
            return match worst {
                Some(worst) => worst,
                None if unknown() || tables.is_empty() => Use::Perhaps,
                // no column of these tables: an alias, a parameter
                None => self.around(all, tables),
            };
        }
        self.around(all, tables)
    }

    /// Whether anything around it has the type, or may have.
    fn around(&self, all: &[Token<'_>], tables: &[Name]) -> Use {
        let named = |name: &Name| {
            all.iter().any(|token| token.kind != Kind::Literal && token.text.eq_ignore_ascii_case(&name.name))
        };
        let has_type = |table: &Name| self.columns(table).values().any(|data_type| self.is_type(data_type) > Use::No);
        let may = tables.is_empty() || tables.iter().any(|table| !self.is_known(table) || has_type(table));
        if may || self.names.iter().any(named) { Use::Perhaps } else { Use::No }
    }

    fn columns(&self, table: &Name) -> BTreeMap<String, DataType> {
        let mut columns = self.types.columns(table).filter(|_| !self.whole.contains(table)).unwrap_or_default();
        columns.extend(self.tables.get(table).cloned().unwrap_or_default());
        columns
    }

    fn column(&self, table: &Name, column: &str) -> Option<DataType> {
        self.columns(table).remove(column)
    }

    fn is_known(&self, table: &Name) -> bool {
        self.whole.contains(table) || self.types.columns(table).is_some()
    }

    fn is_type(&self, data_type: &DataType) -> Use {
        self.names_type(&Name { schema: data_type.schema.clone(), name: data_type.name.clone() })
    }

    /// An unknown type may be a domain over the enum.
    fn names_type(&self, written: &Name) -> Use {
        let same = |name: &Name| {
            name.name == written.name
                && (name.schema == written.schema || name.schema.is_none() || written.schema.is_none())
        };
        if self.names.iter().any(same) {
            Use::Certain
        } else if BUILT_IN.contains(&written.name.as_str())
            || self.enums.contains(written)
            || self.types.is_enum(written)
        {
            Use::No
        } else {
            Use::Perhaps
        }
    }

    /// `'value'`, or an array that holds it.
    fn is_value(&self, token: &Token<'_>) -> bool {
        let quoted = self.value.replace('\'', "''");
        let in_array = || {
            let inner = token.text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            inner.is_some_and(|inner| inner.split(',').any(|each| each.trim().trim_matches('"') == quoted))
        };
        token.kind == Kind::Literal && (token.text == quoted || in_array())
    }

    /// A text that is run as code inside of code.
    fn is_inside(&self, token: &Token<'_>) -> bool {
        token.kind == Kind::Literal && token.text.contains(char::is_whitespace) && token.text.contains(self.value)
    }
}
