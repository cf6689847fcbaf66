//! What is known of the code that a database holds.

use std::collections::{BTreeMap, BTreeSet};

use super::super::ObjectName;
use super::Event;
use super::hidden::{Hidden, Query, Seen};
use crate::sql::code::{Reach, Routine, is_built_in, routine};
use crate::sql::tokens::{after, calls as called, tokens};

/// What is known of it.
#[derive(Debug, Clone, Default)]
pub(in crate::catalog) struct Code {
    /// By the name in lower case, whatever its schema, and by its parameters.
    routines: BTreeMap<String, BTreeMap<String, Routine>>,
    /// By table and name.
    pub(super) triggers: BTreeMap<ObjectName, BTreeMap<String, Trigger>>,
    /// Names of rules, by table.
    pub(super) rules: BTreeMap<ObjectName, BTreeSet<String>>,
    pub(super) hidden: Hidden,
}

#[derive(Debug, Clone)]
pub(super) struct Trigger {
    /// In lower case.
    pub(super) function: String,
    pub(super) events: Vec<Event>,
}

impl Code {
    /// `CREATE [OR REPLACE] FUNCTION`.
    pub(in crate::catalog) fn define(&mut self, name: &str, definition: &str) {
        let parameters =
            definition.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(own, _)| own);
        let own = self.routines.entry(name.to_lowercase()).or_default();
        own.insert(parameters.split_whitespace().collect::<Vec<_>>().join(" "), routine(definition));
    }

    /// One that the target says only reads and computes.
    pub(in crate::catalog) fn trust(&mut self, name: &str) {
        let own = self.routines.entry(name.to_lowercase()).or_default();
        own.entry(String::new()).or_insert(Routine::harmless(Vec::new()));
    }

    /// An aggregate does what its functions do.
    pub(in crate::catalog) fn aggregate(&mut self, name: &str, words: impl Iterator<Item = String>) {
        let calls =
            words.map(|word| word.to_lowercase()).filter(|word| !["from", "final", "-"].contains(&word.as_str()));
        let own = Routine::harmless(calls.collect());
        self.routines.entry(name.to_lowercase()).or_default().insert(String::new(), own);
    }

    /// `DROP FUNCTION`: what another one of this name does is not known any more.
    pub(in crate::catalog) fn forget(&mut self, name: &str) {
        self.routines.remove(&name.to_lowercase());
    }

    /// `CREATE TRIGGER`.
    pub(in crate::catalog) fn trigger(&mut self, table: ObjectName, own: &str, definition: &str) {
        let tokens = tokens(definition);
        let head = after(&tokens, "trigger").unwrap_or(&tokens);
        let head = head.iter().take_while(|token| !token.is("on"));
        let said: Vec<_> = head.collect();
        let events = Event::ALL.iter().filter(|(_, word)| said.iter().any(|token| token.is(word)));
        let Some(function) = called(definition).pop() else { return };
        let trigger = Trigger { function, events: events.map(|(event, _)| *event).collect() };
        self.triggers.entry(table).or_default().insert(own.to_owned(), trigger);
    }

    /// `CREATE RULE name AS ON INSERT TO table …`.
    pub(in crate::catalog) fn rule(&mut self, table: ObjectName, own: &str) {
        self.rules.entry(table).or_default().insert(own.to_owned());
    }

    /// `DROP TRIGGER name ON table`, `DROP RULE name ON table`.
    pub(in crate::catalog) fn drop_of_table(&mut self, table: &ObjectName, own: &str) {
        if let Some(triggers) = self.triggers.get_mut(table) {
            triggers.remove(own);
        }
        if let Some(rules) = self.rules.get_mut(table) {
            rules.remove(own);
        }
        if let Some(policies) = self.hidden.policies.get_mut(table) {
            policies.remove(own);
        }
    }

    /// What a view or materialized view runs when it is read or refreshed.
    pub(in crate::catalog) fn view(&mut self, view: ObjectName, definition: &str) {
        self.hidden.views.insert(view, Query::of(definition));
    }

    /// `CREATE POLICY`, by its conditions; `ALTER POLICY` may leave one of them as it was.
    pub(in crate::catalog) fn policy(&mut self, table: ObjectName, own: &str, conditions: &str) {
        let policy = self.hidden.policies.entry(table).or_default().entry(own.to_owned()).or_default();
        policy.calls.extend(Query::of(conditions).calls);
    }

    /// `CREATE CAST` and `CREATE OPERATOR` with functions of the database's own.
    pub(in crate::catalog) fn operator_or_cast(&mut self, statement: &str) {
        if statement.trim_start().get(..11).is_some_and(|words| words.eq_ignore_ascii_case("CREATE CAST")) {
            self.hidden.cast(statement);
        } else {
            self.hidden.operator(statement);
        }
    }

    /// A table or view is renamed, moved or dropped.
    pub(in crate::catalog) fn moved(&mut self, from: &ObjectName, to: Option<&ObjectName>) {
        let (triggers, rules) = (self.triggers.remove(from), self.rules.remove(from));
        let (view, policies) = (self.hidden.views.remove(from), self.hidden.policies.remove(from));
        if let Some(to) = to {
            self.triggers.extend(triggers.map(|triggers| (to.clone(), triggers)));
            self.rules.extend(rules.map(|rules| (to.clone(), rules)));
            self.hidden.views.extend(view.map(|view| (to.clone(), view)));
            // what reads it reads it under its new name
            for names in self.hidden.views.values_mut().map(|query| &mut query.names) {
                if names.remove(&from.name) {
                    names.insert(to.name.clone());
                }
            }
            self.hidden.policies.extend(policies.map(|policies| (to.clone(), policies)));
        }
    }

    /// What a function may do, with those that it calls.
    pub(super) fn reach(&self, name: &str) -> Reach {
        self.reach_beyond(name, &mut Seen::default())
    }

    pub(super) fn reach_beyond<'a>(&'a self, name: &'a str, seen: &mut Seen<'a>) -> Reach {
        let Some(overloads) = self.routines.get(name) else {
            return if is_built_in(name) { Reach::Reads } else { Reach::Anything };
        };
        if !seen.functions.insert(name) {
            return Reach::Reads;
        }
        let mut reach = Reach::Reads;
        for own in overloads.values() {
            let counts = |other: &&String| !own.declared || self.routines.contains_key(*other);
            let further = own.calls.iter().filter(counts).map(|other| self.reach_beyond(other, seen)).max();
            reach = reach.max(own.reach).max(further.unwrap_or(Reach::Reads));
            reach = reach.max(self.reach_of_query(&own.names, seen).map_or(Reach::Reads, |(.., reach)| reach));
        }
        reach
    }
}
