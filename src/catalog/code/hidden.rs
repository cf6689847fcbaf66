//! Code that runs though a statement calls nothing: functions behind the views that it reads, the policies of its tables, and the casts and
//! operators that are the database's own.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Catalog, ObjectName, Table};
use super::{By, Call, Code};
use crate::sql::calls;
use crate::sql::code::Reach;
use crate::sql::tokens::{Kind, Token, after, name, tokens};
use crate::sql::{Statement, StatementKind};

/// What is known of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Hidden {
    /// Views and materialized views.
    pub(super) views: BTreeMap<ObjectName, Query>,
    /// By table and name.
    pub(super) policies: BTreeMap<ObjectName, BTreeMap<String, Query>>,
    /// The functions of operators, by how these are written.
    operators: BTreeMap<String, BTreeSet<String>>,
    /// The functions of casts, by the type that they lead to: in lower case, without its schema.
    casts: BTreeMap<String, BTreeSet<String>>,
}

/// A query or a condition.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    /// The functions that it calls.
    pub(super) calls: Vec<String>,
    /// Every name in it, in lower case unless quoted: some are the relations that it reads.
    pub(super) names: BTreeSet<String>,
}

/// Where a walk through functions and views has been.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    pub(super) functions: BTreeSet<&'a str>,
    views: BTreeSet<&'a ObjectName>,
}

impl Query {
    /// Of `CREATE VIEW`, what stands behind `AS`: before it are names of columns.
    pub(super) fn of(text: &str) -> Self {
        let read = tokens(text);
        let behind = match read.first() {
            Some(first) if first.is("create") => after(&read, "as").and_then(|rest| text.get(rest.first()?.start..)),
            _ => Some(text),
        };
        let text = behind.unwrap_or_default();
        Self { calls: calls::of_expression(text), names: names(&tokens(text)) }
    }
}

impl Hidden {
    fn is_empty(&self) -> bool {
        let Self { views, policies, operators, casts } = self;
        let calls = |query: &Query| !query.calls.is_empty();
        operators.is_empty()
            && casts.is_empty()
            && !views.values().any(calls)
            && !policies.values().flat_map(BTreeMap::values).any(calls)
    }

    /// `CREATE CAST (a AS b) WITH FUNCTION f(a)`
    pub(super) fn cast(&mut self, text: &str) {
        let tokens = tokens(text);
        let function = after(&tokens, "with function").and_then(name);
        if let (Some(to), Some((function, _))) = (cast_to(&tokens), function) {
            self.casts.entry(to).or_default().insert(function.name.to_lowercase());
        }
    }

    /// `DROP CAST (a AS b)`: the other casts to this type are kept.
    pub(super) fn drop_cast(&mut self, text: &str) {
        // of several that lead to a type, it is not known which one goes
        if let Some(to) = cast_to(&tokens(text))
            && self.casts.get(&to).is_some_and(|functions| functions.len() == 1)
        {
            self.casts.remove(&to);
        }
    }

    /// `CREATE OPERATOR public.=== (FUNCTION = f, …)`
    pub(super) fn operator(&mut self, text: &str) {
        let tokens = tokens(text);
        let Some(rest) = after(&tokens, "operator") else { return };
        let Some(open) = rest.iter().position(|token| token.is_symbol("(")) else { return };
        let symbol = written(text, &rest[..open]).pop();
        let given = ["function", "procedure"].iter().find_map(|word| after(&rest[open..], word));
        let function = given.and_then(|given| name(given.get(1..)?));
        if let (Some(symbol), Some((function, _))) = (symbol, function) {
            self.operators.entry(symbol).or_default().insert(function.name.to_lowercase());
        }
    }
}

/// The type behind `AS` in the parentheses of a cast.
fn cast_to(tokens: &[Token<'_>]) -> Option<String> {
    let (to, _) = name(after(tokens, "as")?)?;
    Some(type_name(&to.name))
}

/// One word for a type that has several names.
fn type_name(name: &str) -> String {
    let name = name.to_lowercase();
    match name.as_str() {
        "int" | "int4" => "integer".to_owned(),
        "int8" => "bigint".to_owned(),
        "int2" => "smallint".to_owned(),
        "bool" => "boolean".to_owned(),
        "char" | "varchar" | "bpchar" => "character".to_owned(),
        "decimal" => "numeric".to_owned(),
        "float8" | "float" => "double".to_owned(),
        "float4" => "real".to_owned(),
        "timestamptz" => "timestamp".to_owned(),
        _ => name,
    }
}

fn names(tokens: &[Token<'_>]) -> BTreeSet<String> {
    tokens.iter().filter_map(Token::identifier).collect()
}

/// The operators in a text: symbols that stand side by side.
fn written(text: &str, tokens: &[Token<'_>]) -> Vec<String> {
    let operator =
        |token: &Token<'_>| token.kind == Kind::Symbol && token.text.chars().all(|c| "+-*/<>=~!@#%^&|`?".contains(c));
    let mut found: Vec<(usize, usize)> = Vec::new();
    for token in tokens.iter().filter(|token| operator(token)) {
        match found.last_mut().filter(|(_, end)| *end == token.start) {
            Some((_, end)) => *end = token.end,
            None => found.push((token.start, token.end)),
        }
    }
    found.into_iter().filter_map(|(start, end)| text.get(start..end).map(str::to_owned)).collect()
}

impl Code {
    /// The functions of the casts and operators that a text uses, and of casts to these types.
    pub(super) fn operated(&self, text: &str, types: &BTreeSet<String>) -> Vec<(By, String)> {
        let Hidden { operators, casts, .. } = &self.hidden;
        let mut found = Vec::new();
        if operators.is_empty() && casts.is_empty() {
            return found;
        }
        let tokens = tokens(text);
        let written = written(text, &tokens);
        // a sign may stand right behind one
        for (symbol, functions) in operators.iter().filter(|(own, _)| written.iter().any(|run| run.contains(*own))) {
            found.extend(functions.iter().map(|function| (By::Operator(symbol.clone()), function.clone())));
        }
        let named: BTreeSet<String> = names(&tokens).iter().map(|name| type_name(name)).collect();
        for (to, functions) in casts.iter().filter(|(to, _)| named.contains(*to) || types.contains(*to)) {
            found.extend(functions.iter().map(|function| (By::Cast(to.clone()), function.clone())));
        }
        found
    }

    /// What a query reaches through the views that it may read.
    pub(super) fn reach_of_query<'a>(
        &'a self,
        names: &BTreeSet<String>,
        seen: &mut Seen<'a>,
    ) -> Option<(&'a ObjectName, &'a str, Reach)> {
        let read = self.hidden.views.iter().filter(|(view, _)| names.contains(&view.name));
        let mut most: Option<(&ObjectName, &str, Reach)> = None;
        for (view, query) in read {
            if !seen.views.insert(view) {
                continue;
            }
            let called = query.calls.iter().map(|name| (name.as_str(), self.reach_beyond(name, seen)));
            let own = called.max_by_key(|(_, reach)| *reach).map(|(name, reach)| (view, name, reach));
            let further = self.reach_of_query(&query.names, seen);
            most = [most, own, further].into_iter().flatten().max_by_key(|(.., reach)| *reach);
        }
        most
    }
}

impl Catalog {
    /// The code that a statement runs without calling it.
    pub(super) fn hidden(&self, statement: &Statement, text: &str) -> Option<Call> {
        let code = &self.sight.code;
        if code.hidden.is_empty() || !runs_at_once(&statement.kind) {
            return None;
        }
        let names = names(&tokens(text));
        let through = code.reach_of_query(&names, &mut Seen::default()).map(|(view, function, reach)| Call {
            function: Some(function.to_owned()),
            by: By::View(view.clone()),
            reach,
        });
        let policies = code.hidden.policies.iter().filter(|(table, _)| names.contains(&table.name));
        let policed = policies.flat_map(|(table, own)| own.iter().map(move |(name, query)| (table, name, query)));
        let policed = policed.filter_map(|(table, name, query)| {
            let by = By::Policy { name: name.clone(), table: table.clone() };
            self.far(query.calls.iter().cloned(), &by)
        });
        let operated = code.operated(text, &self.types_of(&statement.kind));
        let operated = operated.into_iter().filter_map(|(by, function)| self.far(std::iter::once(function), &by));
        through
            .into_iter()
            .chain(policed)
            .chain(operated)
            .filter(|call| call.reach > Reach::Reads)
            .max_by_key(|call| call.reach)
    }

    /// The types of the columns that a statement fills, whose values may be cast without a word.
    fn types_of(&self, kind: &StatementKind) -> BTreeSet<String> {
        let (StatementKind::Insert { table } | StatementKind::Update { table, .. }) = kind else {
            return BTreeSet::new();
        };
        let columns = self.parts(&self.resolve(table)).into_iter().flat_map(|table: &Table| table.columns.values());
        columns.map(|column| type_name(&column.data_type.name)).collect()
    }
}

/// Whether a statement computes something when it runs, and does not only define what runs later.
fn runs_at_once(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Select
        | StatementKind::Insert { .. }
        | StatementKind::Update { .. }
        | StatementKind::Delete { .. }
        | StatementKind::AlterTable { .. }
        | StatementKind::CreateIndex(_)
        | StatementKind::CreateTable { with_data: true, .. }
        | StatementKind::CreateView { materialized: true, .. } => true,
        StatementKind::Other { words } => {
            const FIRST: [&str; 7] = ["COPY", "MERGE", "DECLARE", "EXPLAIN", "REFRESH", "VALUES", "WITH"];
            words.split(' ').next().is_some_and(|first| FIRST.contains(&first))
        }
        _ => false,
    }
}
