//! Code that a database holds and that a statement may run: the functions that it calls, and the defaults, rules of tables and
//! triggers that call some. What is not known to be harmless may do anything.

mod held;
mod hidden;
mod learn;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

pub(super) use self::held::Code;
use super::{Catalog, ObjectName, Table, UserType};
use crate::sql::calls;
use crate::sql::code::Reach;
use crate::sql::{ActionKind, Statement, StatementKind};

/// What happens to a table's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Insert,
    Update,
    Delete,
    Truncate,
}

impl Event {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Insert, "insert"), (Self::Update, "update"), (Self::Delete, "delete"), (Self::Truncate, "truncate")];
}

/// A call of a function that may do more than compute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// In lower case; none where a rule does something by itself.
    pub function: Option<String>,
    pub by: By,
    /// What it may do at most.
    pub reach: Reach,
}

/// Where the call stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// In the statement itself.
    Statement,
    /// In a default, a check, a generating expression or an index of the table.
    Expression(ObjectName),
    Trigger {
        name: String,
        table: ObjectName,
    },
    Rule {
        name: String,
        table: ObjectName,
    },
    /// In the query of a view that is read or refreshed.
    View(ObjectName),
    /// In a row security policy.
    Policy {
        name: String,
        table: ObjectName,
    },
    /// Behind an operator of the database's own.
    Operator(String),
    /// Behind a cast to this type.
    Cast(String),
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = self.function.as_deref().unwrap_or_default();
        match &self.by {
            By::Statement => write!(f, "calls `{function}()`"),
            By::Expression(table) => {
                write!(
                    f,
                    "calls `{function}()`, which a default, check, index or generated column of `{}` uses",
                    table.name
                )
            }
            By::Trigger { name, table } => {
                write!(f, "fires trigger `{name}` of `{}`, which calls `{function}()`", table.name)
            }
            By::Rule { name, table } => write!(f, "runs rule `{name}` of `{}`", table.name),
            By::View(view) => write!(f, "reads view `{}`, which calls `{function}()`", view.name),
            By::Policy { name, table } => {
                write!(f, "may run row security policy `{name}` of `{}`, which calls `{function}()`", table.name)
            }
            By::Operator(symbol) => write!(f, "uses operator `{symbol}`, which calls `{function}()`"),
            By::Cast(to) => write!(f, "may use a cast to `{to}`, which calls `{function}()`"),
        }
    }
}

impl Catalog {
    /// The first call of a function that may do more than compute, among those that the statement runs, by itself or by its table.
    pub fn runs(&self, statement: &Statement, text: &str) -> Option<Call> {
        self.direct(statement).or_else(|| self.hidden(statement, text)).or_else(|| match &statement.kind {
            StatementKind::Insert { table } => self.fired(&self.resolve(table), Event::Insert),
            StatementKind::Update { table, .. } => self.fired(&self.resolve(table), Event::Update),
            StatementKind::Delete { table, .. } => self.fired(&self.resolve(table), Event::Delete),
            StatementKind::AlterTable { table, actions, .. } => {
                let table = self.resolve(table);
                actions.iter().find_map(|action| self.validated(&table, &action.kind))
            }
            _ => None,
        })
    }

    fn direct(&self, statement: &Statement) -> Option<Call> {
        self.far(statement.calls.iter().cloned(), &By::Statement)
    }

    /// What the table runs by itself when this happens to its rows.
    pub fn fired(&self, table: &ObjectName, event: Event) -> Option<Call> {
        let own = self.parts(table).filter(|_| matches!(event, Event::Insert | Event::Update));
        let computed = own.and_then(|own| self.far_of(self.computed(own, event), table));
        computed.or_else(|| {
            let code = &self.sight.code;
            if code.triggers.is_empty() && code.rules.is_empty() {
                return None;
            }
            let parts = match event {
                Event::Insert => self.partitions(table),
                Event::Update | Event::Delete | Event::Truncate => [self.partitions(table), self.heirs(table)].concat(),
            };
            std::iter::once(table).chain(&parts).find_map(|table| self.triggered(table, event))
        })
    }

    fn triggered(&self, table: &ObjectName, event: Event) -> Option<Call> {
        let code = &self.sight.code;
        let rule = code.rules.get(table).and_then(BTreeSet::first);
        if let Some(name) = rule {
            let by = By::Rule { name: name.clone(), table: table.clone() };
            return Some(Call { function: None, by, reach: Reach::Rows });
        }
        code.triggers.get(table)?.iter().filter(|(_, trigger)| trigger.events.contains(&event)).find_map(
            |(name, trigger)| {
                let by = By::Trigger { name: name.clone(), table: table.clone() };
                self.far(std::iter::once(trigger.function.clone()), &by)
            },
        )
    }

    /// What a table computes for a new or changed row. Which columns a statement leaves to their defaults is not looked at.
    fn computed<'a>(&'a self, table: &'a Table, event: Event) -> impl Iterator<Item = &'a str> {
        let columns = table.columns.values();
        let defaults = columns.clone().filter_map(move |own| own.default.as_ref().filter(|_| event == Event::Insert));
        let generated = columns.clone().filter_map(|own| own.generated.as_ref());
        let domains = columns.filter_map(|own| match self.types.get(&self.type_name(&own.data_type)) {
            Some(UserType::Domain(domain)) => Some(domain.checks.values()),
            _ => None,
        });
        let expressions = defaults.chain(generated).chain(domains.flatten()).map(|expression| expression.text.as_str());
        let constraints = table.constraints.values().filter_map(|own| calls::of_constraint(&own.kind));
        let indexes = table.indexes.values().flat_map(|index| {
            let keys = index.keys.iter().filter(|key| key.column.is_none()).map(|key| key.text.as_str());
            keys.chain(index.predicate.as_ref().map(|predicate| predicate.text.as_str()))
        });
        expressions.chain(constraints).chain(indexes)
    }

    /// What an action runs that stands in the table's definition already: a check that is validated, what is computed anew from a
    /// column of another type.
    fn validated(&self, table: &ObjectName, action: &ActionKind) -> Option<Call> {
        let own = self.parts(table)?;
        let texts: Vec<&str> = match action {
            ActionKind::ValidateConstraint { name } => {
                own.constraints.get(name).and_then(|own| calls::of_constraint(&own.kind)).into_iter().collect()
            }
            ActionKind::SetType { .. } => self.computed(own, Event::Update).collect(),
            _ => return None,
        };
        self.far_of(texts.into_iter(), table)
    }

    /// The one that may do most among the functions that a table's own expressions call, also by operators and casts.
    fn far_of<'t>(&self, texts: impl Iterator<Item = &'t str>, table: &ObjectName) -> Option<Call> {
        let called = |text: &'t str| {
            let own = if text.contains('(') { calls::of_expression(text) } else { Vec::new() };
            let operated = self.sight.code.operated(text, &BTreeSet::new());
            own.into_iter().chain(operated.into_iter().map(|(_, function)| function))
        };
        self.far(texts.flat_map(called), &By::Expression(table.clone()))
    }

    /// The one of these functions that may do most, if one may do more than compute.
    fn far(&self, names: impl Iterator<Item = String>, by: &By) -> Option<Call> {
        let reaching = names.map(|name| (self.sight.code.reach(&name), name));
        let (reach, function) = reaching.filter(|(reach, _)| *reach > Reach::Reads).max_by_key(|(reach, _)| *reach)?;
        Some(Call { function: Some(function), by: by.clone(), reach })
    }
}
