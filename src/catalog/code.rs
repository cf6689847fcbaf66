//! Code that a database holds and that a statement may run: the functions that it calls, and the defaults, rules of tables and
//! triggers that call some. What is not known to be harmless may do anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Catalog, ObjectName, Table, UserType};
use crate::sql::calls;
use crate::sql::code::{Reach, Routine, is_built_in, routine};
use crate::sql::tokens::{after, calls as called, name, tokens};
use crate::sql::{ActionKind, Statement, StatementKind};

/// What is known of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Code {
    /// By the name in lower case, whatever its schema, and by its parameters.
    routines: BTreeMap<String, BTreeMap<String, Routine>>,
    /// By table and name.
    triggers: BTreeMap<ObjectName, BTreeMap<String, Trigger>>,
    /// Names of rules, by table.
    rules: BTreeMap<ObjectName, BTreeSet<String>>,
}

#[derive(Debug, Clone)]
struct Trigger {
    /// In lower case.
    function: String,
    events: Vec<Event>,
}

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
        }
    }
}

impl Code {
    /// `CREATE [OR REPLACE] FUNCTION`.
    pub(super) fn define(&mut self, name: &str, definition: &str) {
        let parameters =
            definition.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(own, _)| own);
        let own = self.routines.entry(name.to_lowercase()).or_default();
        own.insert(parameters.split_whitespace().collect::<Vec<_>>().join(" "), routine(definition));
    }

    /// One that the target says only reads and computes.
    pub(super) fn trust(&mut self, name: &str) {
        let own = self.routines.entry(name.to_lowercase()).or_default();
        own.entry(String::new()).or_insert(Routine { reach: Reach::Reads, declared: true, calls: Vec::new() });
    }

    /// An aggregate does what its functions do.
    pub(super) fn aggregate(&mut self, name: &str, words: impl Iterator<Item = String>) {
        let calls =
            words.map(|word| word.to_lowercase()).filter(|word| !["from", "final", "-"].contains(&word.as_str()));
        let own = Routine { reach: Reach::Reads, declared: true, calls: calls.collect() };
        self.routines.entry(name.to_lowercase()).or_default().insert(String::new(), own);
    }

    /// `DROP FUNCTION`: what another one of this name does is not known any more.
    pub(super) fn forget(&mut self, name: &str) {
        self.routines.remove(&name.to_lowercase());
    }

    /// `CREATE TRIGGER`.
    pub(super) fn trigger(&mut self, table: ObjectName, own: &str, definition: &str) {
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
    pub(super) fn rule(&mut self, table: ObjectName, own: &str) {
        self.rules.entry(table).or_default().insert(own.to_owned());
    }

    /// `DROP TRIGGER name ON table`, `DROP RULE name ON table`.
    pub(super) fn drop_of_table(&mut self, table: &ObjectName, own: &str) {
        if let Some(triggers) = self.triggers.get_mut(table) {
            triggers.remove(own);
        }
        if let Some(rules) = self.rules.get_mut(table) {
            rules.remove(own);
        }
    }

    /// A table is renamed, moved or dropped.
    pub(super) fn moved(&mut self, from: &ObjectName, to: Option<&ObjectName>) {
        let (triggers, rules) = (self.triggers.remove(from), self.rules.remove(from));
        if let Some(to) = to {
            self.triggers.extend(triggers.map(|triggers| (to.clone(), triggers)));
            self.rules.extend(rules.map(|rules| (to.clone(), rules)));
        }
    }

    /// What a function may do, with those that it calls.
    fn reach(&self, name: &str) -> Reach {
        self.reach_beyond(name, &mut BTreeSet::new())
    }

    fn reach_beyond<'a>(&'a self, name: &'a str, seen: &mut BTreeSet<&'a str>) -> Reach {
        let Some(overloads) = self.routines.get(name) else {
            return if is_built_in(name) { Reach::Reads } else { Reach::Anything };
        };
        if !seen.insert(name) {
            return Reach::Reads;
        }
        let mut reach = Reach::Reads;
        for own in overloads.values() {
            let counts = |other: &&String| !own.declared || self.routines.contains_key(*other);
            let further = own.calls.iter().filter(counts).map(|other| self.reach_beyond(other, seen)).max();
            reach = reach.max(own.reach).max(further.unwrap_or(Reach::Reads));
        }
        reach
    }
}

impl Catalog {
    /// The first call of a function that may do more than compute, among those that the statement runs, by itself or by its table.
    pub fn runs(&self, statement: &Statement) -> Option<Call> {
        self.direct(statement).or_else(|| match &statement.kind {
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
        let computed = own.and_then(|own| {
            let names = self.computed(own, event).filter(|text| text.contains('(')).flat_map(calls::of_expression);
            self.far(names, &By::Expression(table.clone()))
        });
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
        let names = texts.into_iter().filter(|text| text.contains('(')).flat_map(calls::of_expression);
        self.far(names, &By::Expression(table.clone()))
    }

    /// The one of these functions that may do most, if one may do more than compute.
    fn far(&self, names: impl Iterator<Item = String>, by: &By) -> Option<Call> {
        let reaching = names.map(|name| (self.sight.code.reach(&name), name));
        let (reach, function) = reaching.filter(|(reach, _)| *reach > Reach::Reads).max_by_key(|(reach, _)| *reach)?;
        Some(Call { function: Some(function), by: by.clone(), reach })
    }

    /// Learns of code by a statement that makes or drops it.
    pub(super) fn learn_code(&mut self, statement: &Statement, text: &str) {
        let own = |text: &str, first: &str| {
            let tokens = tokens(text);
            let rest = after(&tokens, first)?;
            let rest = after(rest, "if exists").unwrap_or(rest);
            let (own, rest) = name(rest)?;
            Some((own.name, after(rest, "on").or_else(|| after(rest, "to")).and_then(name).map(|(table, _)| table)))
        };
        match &statement.kind {
            StatementKind::CreateFunction { name } => self.sight.code.define(&name.name, text),
            StatementKind::CreateTrigger { name, table } => {
                let table = self.resolve(table);
                self.sight.code.trigger(table, name, text);
            }
            StatementKind::Other { words } => match words {
                words if words.starts_with("CREATE") && words.ends_with(" RULE") => {
                    if let Some((name, Some(table))) = rule(text) {
                        let table = self.resolve(&table);
                        self.sight.code.rule(table, &name);
                    }
                }
                words if words.starts_with("DROP FUNCTION") || words.starts_with("DROP ROUTINE") => {
                    if let Some((name, _)) = own(text, "function").or_else(|| own(text, "routine")) {
                        self.sight.code.forget(&name);
                    }
                }
                words if words.starts_with("DROP TRIGGER") || words.starts_with("DROP RULE") => {
                    if let Some((name, Some(table))) = own(text, "trigger").or_else(|| own(text, "rule")) {
                        let table = self.resolve(&table);
                        self.sight.code.drop_of_table(&table, &name);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// The name and the table of `CREATE RULE name AS ON INSERT TO table …`.
pub(super) fn rule(text: &str) -> Option<(String, Option<crate::sql::Name>)> {
    let tokens = tokens(text);
    let (own, rest) = after(&tokens, "rule").and_then(name)?;
    Some((own.name, after(rest, "to").and_then(name).map(|(table, _)| table)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Script;

    /// What the last statement of a script runs.
    fn run(sql: &str) -> Option<String> {
        let script = Script::parse(sql);
        assert_eq!(script.errors(), [], "{sql}");
        let mut found = None;
        Catalog::new("public").walk(&script, "1", |catalog, statement| found = catalog.runs(statement));
        found.map(|call| call.to_string())
    }

    #[test]
    fn whatever_runs_an_unknown_function_is_known_for_it() {
        const TABLE: &str = "CREATE TABLE a (id int PRIMARY KEY, x text)";
        for (sql, named) in [
            ("SELECT unknown(1)", "calls `unknown()`"),
            ("CREATE TABLE b (id int DEFAULT unknown()); INSERT INTO b VALUES (1)", "generated column of `b`"),
            ("CREATE TABLE b (id int CHECK (unknown(id))); UPDATE b SET id = 1", "generated column of `b`"),
            ("CREATE TABLE b (id int CHECK (unknown(id)) NOT NULL); DELETE FROM b", ""),
            (
                "CREATE DOMAIN d AS int CHECK (unknown(VALUE)); CREATE TABLE b (id d); INSERT INTO b VALUES (1)",
                "of `b`",
            ),
            (
                "ALTER TABLE a ADD CONSTRAINT c CHECK (unknown(id)) NOT VALID; ALTER TABLE a VALIDATE CONSTRAINT c",
                "of `a`",
            ),
            ("CREATE INDEX i ON a (unknown(x)); INSERT INTO a VALUES (1)", "of `a`"),
            (
                "CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION unknown(); UPDATE a SET x = '1'",
                "fires trigger `t` of `a`, which calls `unknown()`",
            ),
            ("CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION unknown(); DELETE FROM a", ""),
            (
                "CREATE TRIGGER t AFTER DELETE ON a FOR EACH ROW EXECUTE FUNCTION unknown(); ALTER TABLE a RENAME TO z; DELETE FROM z",
                "of `z`",
            ),
            (
                "CREATE TRIGGER t AFTER DELETE ON a FOR EACH ROW EXECUTE FUNCTION unknown(); DROP TRIGGER t ON a; DELETE FROM a",
                "",
            ),
            ("CREATE RULE r AS ON DELETE TO a DO INSTEAD NOTHING; DELETE FROM a", "runs rule `r` of `a`"),
        ] {
            let found = run(&format!("{TABLE}; {sql};"));
            match named {
                "" => assert_eq!(found, None, "{sql}"),
                named => assert!(found.as_ref().is_some_and(|found| found.contains(named)), "{sql}: {found:?}"),
            }
        }
    }

    #[test]
    fn what_is_known_to_compute_is_none() {
        const GENERATOR: &str = "CREATE FUNCTION short_id(size int DEFAULT 21) RETURNS text LANGUAGE plpgsql VOLATILE AS $$ \
             DECLARE id text := ''; i int := 0; BEGIN WHILE (i < size) LOOP \
             id := id || substr('abc', (random() * 3)::int, 1); i := i + 1; END LOOP; RETURN id; END $$;";
        for sql in [
            "CREATE TABLE b (id text DEFAULT short_id()); INSERT INTO b DEFAULT VALUES;",
            "UPDATE t SET id = short_id(9) WHERE id = gen_random_uuid()::text;",
            "CREATE FUNCTION pair_of_ids() RETURNS text LANGUAGE sql AS 'SELECT short_id(1) || short_id(2)'; SELECT pair_of_ids();",
            "CREATE FUNCTION c_one(text) RETURNS text IMMUTABLE LANGUAGE c AS 'lib'; CREATE INDEX ON t (c_one(id));",
            "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := now(); RETURN NEW; END $$; \
             CREATE TRIGGER t BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch(); UPDATE t SET id = 'x';",
        ] {
            assert_eq!(run(&format!("CREATE TABLE t (id text); {GENERATOR} {sql}")), None, "{sql}");
        }
        let hidden = "CREATE FUNCTION far() RETURNS int LANGUAGE sql AS 'DELETE FROM t RETURNING 1'; \
             CREATE FUNCTION near() RETURNS int LANGUAGE sql STABLE AS 'SELECT far()'; UPDATE t SET id = near();";
        assert!(run(&format!("CREATE TABLE t (id text); {hidden}")).is_some());
        let replaced = "CREATE OR REPLACE FUNCTION short_id(size int DEFAULT 21) RETURNS text LANGUAGE sql AS 'DELETE FROM t RETURNING id'; SELECT short_id();";
        assert!(run(&format!("CREATE TABLE t (id text); {GENERATOR} {replaced}")).is_some());
    }
}
