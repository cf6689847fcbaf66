//! Enum values that a script adds to a type and uses before anything is committed: PostgreSQL refuses that (55P04). The type
//! decides, not the word: the same word in another enum's column, in a text, in the body of a function that nobody calls or in
//! a trigger's arguments is no use of it.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{ActionKind, ColumnDef, DataType, Name, Statement, StatementKind};
use super::code::literals;
use super::script::Script;
use super::tokens::{Kind, Token, after, calls, name, tokens};

/// Where the types of columns that the script does not make can be asked for.
pub trait Types {
    /// The columns of a table; none where it is not known.
    fn columns(&self, table: &Name) -> Option<BTreeMap<String, DataType>>;

    /// Whether a type is known to be another enum.
    fn is_enum(&self, name: &Name) -> bool;
}

/// Nobody can be asked.
#[derive(Debug, Clone, Copy)]
pub struct Untold;

impl Types for Untold {
    fn columns(&self, _: &Name) -> Option<BTreeMap<String, DataType>> {
        None
    }

    fn is_enum(&self, _: &Name) -> bool {
        false
    }
}

/// A value that is added and used in one script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedValue {
    /// The enum.
    pub name: Name,
    /// The value.
    pub value: String,
    /// The statement that adds it, by its place in the script.
    pub added: usize,
    /// The first statement that uses it, or may.
    pub used: usize,
    /// Whether the types are known, so that PostgreSQL would refuse it in one transaction for certain.
    pub certain: bool,
}

/// Types that need no domain behind them to be anything but an enum.
const BUILT_IN: &[&str] = &[
    "text",
    "character varying",
    "character",
    "citext",
    "name",
    "integer",
    "bigint",
    "smallint",
    "numeric",
    "real",
    "double precision",
    "boolean",
    "uuid",
    "json",
    "jsonb",
    "bytea",
    "date",
    "interval",
    "xml",
    "inet",
    "cidr",
    "tsvector",
    "timestamp without time zone",
    "timestamp with time zone",
    "time without time zone",
    "time with time zone",
    "serial",
    "bigserial",
    "smallserial",
    "money",
    "bit",
    "bit varying",
    "varchar",
    "char",
    "int",
    "int4",
    "int8",
    "int2",
    "timestamptz",
    "timestamp",
    "float8",
    "float4",
    "decimal",
    "regclass",
    "oid",
];

/// Whether a statement uses a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    No,
    Perhaps,
    Certain,
}

impl Script {
    /// The values that are added to types of before and used by a later statement.
    pub fn used_new_values(&self, types: &dyn Types) -> Vec<UsedValue> {
        let statements = self.statements();
        let mut found = Vec::new();
        for (added, Statement { kind, .. }) in statements.iter().enumerate() {
            let StatementKind::AddEnumValue { name, value, .. } = kind else { continue };
            let own = |earlier: &Statement| matches!(&earlier.kind, StatementKind::CreateEnum { name: new, .. } if new == name);
            if statements[..added].iter().any(own) {
                continue; // a type of this very transaction
            }
            // a text without the word is no use of it
            if !statements[added + 1..].iter().any(|later| self.text()[later.range.clone()].contains(value.as_str())) {
                continue;
            }
            let mut search = Search::new(self, types, name, value, added);
            let used = (added + 1..statements.len()).map(|at| (at, search.used(at))).find(|(_, used)| *used > Use::No);
            if let Some((used, sure)) = used {
                let (name, value, certain) = (name.clone(), value.clone(), sure == Use::Certain);
                found.push(UsedValue { name, value, added, used, certain });
            }
        }
        found
    }
}

/// The search for one value.
struct Search<'a> {
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
    fn new(script: &'a Script, types: &'a dyn Types, name: &Name, value: &'a str, added: usize) -> Self {
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
            StatementKind::CreateTable { table, columns, as_query, .. } => {
                let own = self.tables.entry(table.clone()).or_default();
                own.extend(columns.iter().map(|column| (column.name.clone(), column.data_type.clone())));
                if !as_query {
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
    fn used(&mut self, at: usize) -> Use {
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
            // the nearest table that has it decides; one of several that nobody knows may
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

    /// A type that nobody knows may be a domain over the enum.
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

/// The type of `'value'::type` or `CAST('value' AS type)`.
fn cast(all: &[Token<'_>], at: usize) -> Option<Name> {
    let rest = all.get(at + 1..)?;
    let behind = match rest {
        [first, second, rest @ ..] if first.is_symbol(":") && second.is_symbol(":") => rest,
        [first, rest @ ..] if first.is("as") && at >= 2 && all[at - 2].is("cast") => rest,
        _ => return None,
    };
    name(behind).map(|(name, _)| name)
}

/// The column that a literal is compared with or assigned to: `state = 'A'`, `t.state IN ('B', 'A')`, `SET state = 'A'`.
fn compared(all: &[Token<'_>], at: usize) -> Option<String> {
    let mut before = at.checked_sub(1)?;
    // back over the list that it stands in
    if all[before].is_symbol("(") || all[before].is_symbol(",") {
        while all[before].is_symbol(",") || all[before].kind == Kind::Literal {
            before = before.checked_sub(1)?;
        }
        if !all[before].is_symbol("(") {
            return None;
        }
        before = before.checked_sub(1)?;
        if !all[before].is("in") {
            return None;
        }
        before = before.checked_sub(1)?;
        if all[before].is("not") {
            before = before.checked_sub(1)?;
        }
    } else {
        let operator = |token: &Token<'_>| token.kind == Kind::Symbol && matches!(token.text, "=" | "<" | ">" | "!");
        if !operator(&all[before]) {
            return None;
        }
        while operator(&all[before]) {
            before = before.checked_sub(1)?;
        }
    }
    // `column::text = …` is compared as text
    if before >= 3 && all[before - 1].is_symbol(":") {
        return None;
    }
    match all[before].kind {
        Kind::Quoted => Some(all[before].text.replace("\"\"", "\"")),
        Kind::Word => Some(all[before].text.to_lowercase()),
        _ => None,
    }
}

/// The column that a value of `INSERT INTO t (a, b) VALUES (…)` or `… SELECT …` goes to.
fn inserted(all: &[Token<'_>], at: usize) -> Option<String> {
    let insert = all.iter().position(|token| token.is("into"))?;
    let (_, rest) = name(&all[insert + 1..])?;
    if !rest.first()?.is_symbol("(") {
        return None;
    }
    let close = rest.iter().position(|token| token.is_symbol(")"))?;
    let columns: Vec<&Token<'_>> = rest[1..close].iter().filter(|token| token.kind != Kind::Symbol).collect();
    let body = all.len() - rest.len() + close + 1;
    let first = all.get(body)?;
    // the row that the value stands in, or the list of the SELECT
    let mut depth = 0_usize;
    let mut place = 0;
    for (index, token) in all.iter().enumerate().skip(body + 1) {
        let base = usize::from(first.is("values"));
        if index == at {
            return (depth == base).then(|| columns.get(place))?.map(|column| match column.kind {
                Kind::Quoted => column.text.replace("\"\"", "\""),
                _ => column.text.to_lowercase(),
            });
        }
        if token.is_symbol("(") {
            depth += 1;
            if depth == base {
                place = 0;
            }
        } else if token.is_symbol(")") {
            depth = depth.saturating_sub(1);
        } else if token.is_symbol(",") && depth == base {
            place += 1;
        } else if depth == 0 && base == 0 && token.is("from") {
            return None;
        }
    }
    None
}

/// The tables that a statement names.
fn tables(all: &[Token<'_>]) -> Vec<Name> {
    const BEFORE: &[&str] = &["from", "join", "update", "into", "table", "on", "only", "exists"];
    let mut found: Vec<Name> = Vec::new();
    for (at, token) in all.iter().enumerate() {
        let named = BEFORE.iter().any(|word| token.is(word));
        let follows = |at: usize| {
            all.get(at).filter(|token| !BEFORE.iter().any(|word| token.is(word)) && token.kind != Kind::Literal)
        };
        if named
            && follows(at + 1).is_some_and(|token| token.kind != Kind::Symbol && !matches!(token.text.to_ascii_lowercase().as_str(), "select" | "if" | "conflict" | "delete" | "set" | "not"))
            && let Some((name, rest)) = name(&all[at + 1..])
            // `ON a.id = b.id` names no table, `extract(… FROM now())` neither
            && !(token.is("on") && name.schema.is_some() && rest.first().is_some_and(|token| token.is_symbol("=")))
            && !(token.is("from") && rest.first().is_some_and(|token| token.is_symbol("(")))
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known;

    impl Types for Known {
        fn columns(&self, table: &Name) -> Option<BTreeMap<String, DataType>> {
            let columns: &[(&str, &str)] = match table.name.as_str() {
                "Queue" => &[("id", "integer"), ("task", "Task"), ("note", "text")],
                "Log" => &[("state", "State"), ("note", "text")],
                _ => return None,
            };
            let data_type =
                |name: &str| DataType { schema: None, name: name.into(), modifiers: Vec::new(), array: false };
            Some(columns.iter().map(|(column, name)| ((*column).to_owned(), data_type(name))).collect())
        }

        fn is_enum(&self, name: &Name) -> bool {
            name.name == "State"
        }
    }

    fn used(sql: &str, types: &dyn Types) -> Option<bool> {
        let script = Script::parse(format!("ALTER TYPE \"Task\" ADD VALUE 'C';\n{sql}"));
        assert!(script.errors().is_empty(), "{sql}: {:?}", script.errors());
        script.used_new_values(types).first().map(|used| used.certain)
    }

    #[test]
    fn the_type_decides() {
        for sql in [
            "CREATE TYPE \"R\" AS ENUM ('C'); CREATE TABLE \"Recall\" (id int, state \"R\" NOT NULL DEFAULT 'C');",
            "CREATE TABLE t (a text DEFAULT 'C', b varchar(3) DEFAULT 'C', CHECK (a <> 'C'));",
            "ALTER TABLE \"Log\" ALTER COLUMN state SET DEFAULT 'C';",
            "ALTER TABLE \"Log\" ADD COLUMN x text DEFAULT 'C';",
            "UPDATE \"Queue\" SET note = 'C' WHERE id = 1;",
            "UPDATE \"Log\" SET state = 'C' WHERE note IN ('A', 'C');",
            "INSERT INTO \"Queue\" (id, note) VALUES (1, 'x'), (2, 'C');",
            "INSERT INTO \"Log\" SELECT 'C', 'C';",
            "SELECT 'C'::text FROM \"Queue\";",
            "CREATE INDEX i ON \"Log\" (state) WHERE state = 'C';",
            "CREATE FUNCTION f() RETURNS trigger AS $$\nBEGIN\n NEW.task := 'C';\n RETURN NEW;\nEND $$ LANGUAGE plpgsql; \
             CREATE TRIGGER t BEFORE INSERT ON \"Queue\" FOR EACH ROW EXECUTE FUNCTION f();",
            "CREATE TRIGGER t BEFORE INSERT ON \"Queue\" FOR EACH ROW EXECUTE FUNCTION note('C');",
            "COMMENT ON TABLE \"Queue\" IS 'C';",
            "ALTER TYPE \"Task\" ADD VALUE 'D' AFTER 'C';",
        ] {
            assert_eq!(used(sql, &Known), None, "{sql}");
        }
        for sql in [
            "ALTER TABLE \"Queue\" ALTER COLUMN task SET DEFAULT 'C';",
            "CREATE TABLE t (a \"Task\" DEFAULT 'C');",
            "CREATE TABLE t (a public.\"Task\"[] DEFAULT '{A,C}');",
            "UPDATE \"Queue\" SET task = 'C' WHERE id = 1;",
            "DELETE FROM \"Queue\" WHERE task IN ('A', 'C');",
            "INSERT INTO \"Queue\" (id, task) VALUES (1, 'A'), (2, 'C');",
            "INSERT INTO \"Queue\" (\"task\") SELECT 'C' WHERE NOT EXISTS (SELECT FROM \"Log\");",
            "SELECT 'C'::\"Task\";",
            "SELECT CAST('C' AS \"Task\");",
            "ALTER TYPE \"Task\" RENAME TO \"Job\"; CREATE TABLE t (a \"Job\" DEFAULT 'C');",
            "CREATE INDEX i ON \"Queue\" (id) WHERE task = 'C';",
        ] {
            assert_eq!(used(sql, &Known), Some(true), "{sql}");
        }
    }

    #[test]
    fn what_is_not_known_is_no_certainty() {
        for sql in [
            "UPDATE unknown SET task = 'C';",
            "ALTER TABLE unknown ALTER COLUMN task SET DEFAULT 'C';",
            "DO $$ BEGIN UPDATE \"Queue\" SET task = 'C'; END $$;",
            "CREATE FUNCTION f() RETURNS \"Task\" LANGUAGE sql AS $$ SELECT 'C' $$;",
            "CREATE FUNCTION f() RETURNS text AS $$ BEGIN UPDATE \"Queue\" SET task = 'C'; END $$ LANGUAGE plpgsql; SELECT f();",
            "CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN NEW.task := 'C'; RETURN NEW; END $$ LANGUAGE plpgsql; \
             CREATE TRIGGER t BEFORE INSERT ON \"Queue\" FOR EACH ROW EXECUTE FUNCTION f(); INSERT INTO \"Queue\" (id) VALUES (1);",
            "CREATE TABLE t (a task_domain DEFAULT 'C');",
        ] {
            assert_eq!(used(sql, &Known), Some(false), "{sql}");
        }
        assert_eq!(used("UPDATE \"Queue\" SET task = 'C';", &Untold), Some(false));
    }
}
