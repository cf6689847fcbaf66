//! The functions that a statement calls while it runs, by its text. What it only defines (a default, a view, another function)
//! runs later and is not a call of its own.

use super::ast::{Action, ActionKind, ColumnDef, ConstraintKind, CreateIndex, Expr, StatementKind};
use super::code::{is_built_in, with_names};
use super::tokens::{Token, after, calls, tokens};

/// Their names in lower case, each once; those that PostgreSQL brings are among them.
pub(super) fn of(kind: &StatementKind, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    match kind {
        StatementKind::Select
        | StatementKind::Insert { .. }
        | StatementKind::Update { .. }
        | StatementKind::Delete { .. } => {
            collect(text, &mut found);
        }
        StatementKind::CreateTable { with_data: true, .. } | StatementKind::CreateView { materialized: true, .. } => {
            collect(query(text), &mut found);
        }
        StatementKind::AlterTable { actions, .. } => {
            actions.iter().flat_map(expressions).for_each(|text| collect(text, &mut found));
        }
        StatementKind::CreateIndex(index) => keys(index).for_each(|text| collect(text, &mut found)),
        StatementKind::Other { words } => other(words, text).into_iter().for_each(|text| collect(text, &mut found)),
        _ => {}
    }
    found
}

/// The functions that an expression calls.
pub fn of_expression(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect(text, &mut found);
    found
}

fn collect(text: &str, found: &mut Vec<String>) {
    // most expressions call nothing
    if !text.contains('(') {
        return;
    }
    let mut called = calls(text);
    if called.iter().any(|name| !is_built_in(name)) {
        // `WITH fresh (id) AS …` names columns
        let names = with_names(text);
        called.retain(|name| !names.contains(name));
    }
    for name in called {
        if !found.contains(&name) {
            found.push(name);
        }
    }
}

/// The query of `CREATE TABLE … AS` and `CREATE MATERIALIZED VIEW … AS`; a `SELECT INTO` is one altogether.
fn query(text: &str) -> &str {
    let tokens = tokens(text);
    match tokens.first() {
        Some(first) if first.is("create") => {
            let rest = after(&tokens, "as").and_then(<[Token<'_>]>::first);
            rest.and_then(|token| text.get(token.start..)).unwrap_or_default()
        }
        _ => text,
    }
}

/// What an action computes for the rows that are there.
fn expressions(action: &Action) -> Vec<&str> {
    match &action.kind {
        ActionKind::AddColumn { column, .. } => of_column(column),
        ActionKind::SetType { using, .. } => using.iter().map(text).collect(),
        ActionKind::AddConstraint(constraint) if !constraint.not_valid => {
            of_constraint(&constraint.kind).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn of_column(column: &ColumnDef) -> Vec<&str> {
    let own = column.default.iter().chain(&column.generated).map(text);
    own.chain(column.constraints.iter().filter_map(|constraint| of_constraint(&constraint.kind))).collect()
}

/// What a constraint computes for each row.
pub fn of_constraint(kind: &ConstraintKind) -> Option<&str> {
    match kind {
        ConstraintKind::Check { expr } => Some(&expr.text),
        // `USING gist (f(a) WITH &&)`: the first parenthesis is not a call
        ConstraintKind::Exclude { text } => text.split_once('(').map(|(_, keys)| keys),
        ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } | ConstraintKind::ForeignKey { .. } => None,
    }
}

fn keys(index: &CreateIndex) -> impl Iterator<Item = &str> {
    let computed = index.keys.iter().filter(|key| key.column.is_none()).map(|key| key.text.as_str());
    computed.chain(index.predicate.as_ref().map(text))
}

fn text(expression: &Expr) -> &str {
    &expression.text
}

/// What of a statement that is known by its first words runs at once.
fn other<'a>(words: &str, text: &'a str) -> Option<&'a str> {
    let tokens = tokens(text);
    let behind =
        |phrase: &str| after(&tokens, phrase).and_then(<[Token<'_>]>::first).and_then(|token| text.get(token.start..));
    match words.split(' ').next()? {
        // `COPY a (b) FROM … WHERE f(b)`, `COPY (SELECT f(a) …) TO …`
        "COPY" => match tokens.get(1) {
            Some(open) if open.is_symbol("(") => Some(text),
            _ => behind("where"),
        },
        "DECLARE" => Some(text),
        "ALTER" if words.starts_with("ALTER DOMAIN") && after(&tokens, "not valid").is_none() => behind("check"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::sql::Script;

    fn called(sql: &str) -> Vec<String> {
        let script = Script::parse(sql);
        assert_eq!(script.errors(), [], "{sql}");
        let [only] = script.statements() else { panic!("{sql}") };
        only.calls.clone()
    }

    #[test]
    fn what_runs_at_once_is_found_wherever_it_stands() {
        for running in [
            "SELECT f(1)",
            "INSERT INTO a (x) VALUES (f(1))",
            "INSERT INTO a (x) SELECT f(x) FROM b",
            "UPDATE a SET x = public.f(x)",
            "DELETE FROM a WHERE \"f\"(x)",
            "CREATE TABLE a (x, y) AS SELECT f(1), 2",
            "CREATE MATERIALIZED VIEW m (x) AS SELECT f(1)",
            "ALTER TABLE a ADD COLUMN x int DEFAULT f()",
            "ALTER TABLE a ADD COLUMN x int GENERATED ALWAYS AS (f(y)) STORED",
            "ALTER TABLE a ADD COLUMN x int CHECK (f(x))",
            "ALTER TABLE a ADD CONSTRAINT c CHECK (f(x))",
            "ALTER TABLE a ADD CONSTRAINT c EXCLUDE USING gist (f(x) WITH &&)",
            "ALTER TABLE a ALTER COLUMN x TYPE int USING f(x)",
            "CREATE INDEX ON a (f(x))",
            "CREATE INDEX ON a (x) WHERE f(x)",
            "COPY a (x) FROM '/tmp/x' WHERE f(x)",
            "COPY (SELECT f(x) FROM a) TO STDOUT",
            "ALTER DOMAIN d ADD CHECK (f(VALUE))",
            "DECLARE c CURSOR FOR SELECT f(1)",
        ] {
            assert_eq!(called(running), ["f"], "{running}");
        }
    }

    #[test]
    fn what_runs_later_or_looks_like_a_call_is_none() {
        for silent in [
            "CREATE TABLE a (x varchar(9) DEFAULT f(), CHECK (f(x)))",
            "ALTER TABLE a ALTER COLUMN x SET DEFAULT f()",
            "ALTER TABLE a ADD CONSTRAINT c CHECK (f(x)) NOT VALID",
            "ALTER DOMAIN d ADD CHECK (f(VALUE)) NOT VALID",
            "CREATE VIEW v AS SELECT f(1)",
            "INSERT INTO a (x, y) VALUES (1, 2) ON CONFLICT (x) DO UPDATE SET (x, y) = (1, 2)",
            "INSERT INTO a AS b (x) SELECT c.x FROM (VALUES (1)) c (x) WHERE c.x IN (1)",
            "WITH fresh (id) AS (SELECT 1) UPDATE a SET x = id FROM fresh",
            "COPY a (x) FROM STDIN",
            "CREATE INDEX ON a (x varchar_pattern_ops)",
        ] {
            assert_eq!(called(silent), Vec::<String>::new(), "{silent}");
        }
        assert_eq!(called("UPDATE a SET x = lower(x), y = lower(y)"), ["lower"]);
    }
}
