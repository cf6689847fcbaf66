//! Rows that are deleted and values that are overwritten, with what foreign keys do about it.

use std::collections::BTreeSet;

use super::reach::{says_only, which};
use super::{Rows, Scene, What, Which, statement};
use crate::catalog::{Catalog, ObjectName};
use crate::sql::code::{self, hides_writing};
use crate::sql::tokens::{Kind, Token, after, tokens};
use crate::sql::{ConstraintKind, Name, Statement, StatementKind};

/// The table of a statement, unless it is known not to be there: then the statement fails.
fn table(scene: &Scene<'_>, name: &Name) -> Option<ObjectName> {
    let name = scene.before.resolve(name);
    (!scene.before.table(&name).is_absent()).then_some(name)
}

/// A foreign key as it stands in the table that has it.
struct Referrer<'a> {
    table: &'a ObjectName,
    columns: &'a [String],
    referenced: &'a [String],
    on_delete: Option<&'a str>,
    on_update: Option<&'a str>,
}

/// `INSERT`: what is there stays, unless a conflict overwrites it.
pub(super) fn inserted(scene: &Scene<'_>, name: &Name) -> Vec<What> {
    let words = tokens(scene.text);
    let table = table(scene, name);
    let overwritten = table.clone().zip(upserted(&words));
    let overwritten =
        overwritten.into_iter().flat_map(|(table, columns)| with_following(scene.before, table, Which::All, columns));
    let queries = words.iter().any(|token| token.is("select") || token.is("table"));
    let rows = if queries { Rows::Any } else { Rows::Listed };
    let added = table.map(|table| What::RowsAdded { table, rows });
    overwritten.chain(added).chain(hidden(scene)).collect()
}

/// `CREATE TABLE`: what a query brings along, and the table that it is made a part of.
pub(super) fn created(scene: &Scene<'_>, name: &Name, with_data: bool) -> Vec<What> {
    let table = scene.before.made(name);
    if with_data {
        let rows = What::RowsAdded { table, rows: Rows::Any };
        return std::iter::once(rows).chain(hidden(scene)).collect();
    }
    let joined = |(whole, partition)| What::PartJoined { table: whole, part: table.clone(), partition };
    wholes(scene).into_iter().map(joined).collect()
}

/// The tables of `PARTITION OF a` (`true`) and `INHERITS (a, b)`.
fn wholes(scene: &Scene<'_>) -> Vec<(ObjectName, bool)> {
    let StatementKind::CreateTable { partition_of, inherits, .. } = &scene.statement.kind else { return Vec::new() };
    let of = partition_of.iter().map(|(whole, _)| (whole, true));
    let all = of.chain(inherits.iter().map(|parent| (parent, false)));
    all.map(|(name, partition)| (scene.before.resolve(name), partition)).collect()
}

/// `COPY table FROM …`; one that writes a file out changes nothing here.
pub(super) fn copied(scene: &Scene<'_>) -> Vec<What> {
    let tokens = tokens(scene.text);
    let into = after(&tokens, "copy").and_then(crate::sql::tokens::name).and_then(|(name, rest)| {
        let columns = rest.iter().take_while(|token| !token.is_symbol(")")).count();
        let behind =
            if rest.first().is_some_and(|token| token.is_symbol("(")) { rest.get(columns + 1..)? } else { rest };
        behind.first()?.is("from").then(|| table(scene, &name)).flatten()
    });
    into.map(|table| What::RowsAdded { table, rows: Rows::Any }).into_iter().collect()
}

pub(super) fn updated(scene: &Scene<'_>, name: &Name, columns: &[String]) -> Vec<What> {
    reached(scene, name)
        .into_iter()
        .flat_map(|(table, which)| with_following(scene.before, table, which, columns.to_vec()))
        .chain(hidden(scene))
        .collect()
}

/// The table of an `UPDATE` or `DELETE`, and those that inherit from it, unless it says `ONLY`.
fn reached(scene: &Scene<'_>, name: &Name) -> Vec<(ObjectName, Which)> {
    let Some(first) = table(scene, name) else { return Vec::new() };
    let which = which(scene.text);
    let heirs = if says_only(scene.text) { Vec::new() } else { scene.before.heirs(&first) };
    // the condition names them as it names the first
    let theirs = match &which {
        Which::Where { alias: None, condition } => {
            Which::Where { alias: Some(first.name.clone()), condition: condition.clone() }
        }
        other => other.clone(),
    };
    let mut found = vec![(first, which)];
    found.extend(heirs.into_iter().map(|heir| (heir, theirs.clone())));
    found
}

pub(super) fn deleted(scene: &Scene<'_>, name: &Name) -> Vec<What> {
    reached(scene, name)
        .into_iter()
        .flat_map(|(table, which)| with_referring(scene.before, table, which))
        .chain(hidden(scene))
        .collect()
}

pub(super) fn truncated(scene: &Scene<'_>, names: &[Name], cascade: bool) -> Vec<What> {
    let mut emptied: Vec<ObjectName> = Vec::new();
    let only = says_only(scene.text);
    for table in names.iter().filter_map(|name| table(scene, name)) {
        let heirs = if only { Vec::new() } else { scene.before.heirs(&table) };
        for table in std::iter::once(table).chain(heirs) {
            // PostgreSQL takes a table named twice for one
            if !emptied.contains(&table) {
                emptied.push(table);
            }
        }
    }
    let mut at = 0;
    while cascade && at < emptied.len() {
        let more: BTreeSet<ObjectName> = referring(scene.before, &emptied[at])
            .map(|key| key.table.clone())
            .filter(|table| !emptied.contains(table))
            .collect();
        emptied.extend(more);
        at += 1;
    }
    emptied.into_iter().map(|table| What::RowsDeleted { table, which: Which::Emptied }).collect()
}

/// A query: only what it calls may write.
pub(super) fn selected(scene: &Scene<'_>) -> Vec<What> {
    if let Some(name) = sequence_set(scene) {
        return vec![What::SequenceSet { name }];
    }
    hidden(scene)
}

/// `WITH gone AS (DELETE …)` in front of another statement, or a view that leads on to its table.
fn hidden(scene: &Scene<'_>) -> Vec<What> {
    let written = match &scene.statement.kind {
        StatementKind::Insert { table } | StatementKind::Update { table, .. } | StatementKind::Delete { table, .. } => {
            Some(scene.before.resolve(table))
        }
        _ => None,
    };
    if written.is_some_and(|name| scene.before.views.contains(&name)) {
        return vec![What::UnknownCode { words: "through a view".into() }];
    }
    let unread = hides_writing(scene.text).then(|| What::UnknownCode { words: "WITH".into() });
    inner(scene).chain(unread).collect()
}

/// What the statements inside a `WITH` do.
fn inner<'a>(scene: &Scene<'a>) -> impl Iterator<Item = What> + use<'a> {
    let (text, before, end) = (scene.text, scene.before, scene.end);
    code::inner(text).into_iter().flat_map(move |code::Inner { range, kind }| {
        let statement = Statement { range: range.clone(), kind, calls: Vec::new() };
        let scene = Scene { statement: &statement, text: &text[range], before, end };
        let what: Vec<What> = statement::effects(&scene).into_iter().map(|effect| effect.what).collect();
        what.into_iter().map(move |what| beside_others(what, text))
    })
}

/// A condition may read what another query of the `WITH` gives: it means nothing by itself.
fn beside_others(what: What, text: &str) -> What {
    let names = code::with_names(text);
    let reads_one = |which: &Which| match which {
        Which::Where { condition, .. } => {
            tokens(condition).iter().any(|token| names.contains(&token.text.to_lowercase()))
        }
        _ => false,
    };
    match what {
        What::RowsDeleted { table, which } if reads_one(&which) => What::RowsDeleted { table, which: Which::All },
        What::ValuesOverwritten { table, which, columns } if reads_one(&which) => {
            What::ValuesOverwritten { table, which: Which::All, columns }
        }
        other => other,
    }
}

/// The sequence of `setval('name', …)` or `setval(pg_get_serial_sequence('table', 'column'), …)`.
fn sequence_set(scene: &Scene<'_>) -> Option<ObjectName> {
    let tokens = tokens(scene.text);
    let at = tokens.iter().position(|token| token.is("setval"))?;
    let literals: Vec<&str> =
        tokens[at..].iter().filter(|token| token.kind == Kind::Literal).map(|token| token.text).take(2).collect();
    let serial = tokens.get(at + 2).is_some_and(|token| token.is("pg_get_serial_sequence"));
    match literals.as_slice() {
        [table, column, ..] if serial => {
            let table = scene.before.resolve(&written_name(table)?);
            let owned = |owner: &Option<(ObjectName, String)>| {
                owner.as_ref().is_some_and(|(own, it)| *own == table && it == column)
            };
            scene.before.sequences.iter().find(|(_, owner)| owned(owner)).map(|(name, _)| name.clone())
        }
        [name, ..] => Some(scene.before.resolve(&written_name(name)?)),
        [] => None,
    }
}

/// A name inside a literal: `"Song"`, `public.song`.
fn written_name(text: &str) -> Option<Name> {
    let tokens = tokens(text);
    crate::sql::tokens::name(&tokens).map(|(name, _)| name)
}

/// The foreign keys to a table.
fn referring<'a>(catalog: &'a Catalog, to: &ObjectName) -> impl Iterator<Item = Referrer<'a>> {
    let target = catalog.short(to);
    catalog.tables.iter().flat_map(move |(name, table)| {
        let target = target.clone();
        table.constraints.values().filter_map(move |constraint| match &constraint.kind {
            ConstraintKind::ForeignKey { columns, table, referenced, on_delete, on_update } if *table == target => {
                let (on_delete, on_update) = (on_delete.as_deref(), on_update.as_deref());
                Some(Referrer { table: name, columns, referenced, on_delete, on_update })
            }
            _ => None,
        })
    })
}

/// A deletion with what foreign keys do about it.
fn with_referring(catalog: &Catalog, table: ObjectName, which: Which) -> Vec<What> {
    let mut seen = BTreeSet::from([table.clone()]);
    let mut found = vec![What::RowsDeleted { table, which }];
    let mut at = 0;
    while at < found.len() {
        if let What::RowsDeleted { table, .. } = found[at].clone() {
            for Referrer { table: child, columns, referenced, on_delete, .. } in referring(catalog, &table) {
                let which =
                    Which::Referring { to: table.clone(), columns: columns.into(), referenced: referenced.into() };
                match on_delete {
                    Some("CASCADE") if seen.insert(child.clone()) => {
                        found.push(What::RowsDeleted { table: child.clone(), which });
                    }
                    Some("SET NULL" | "SET DEFAULT") => {
                        found.push(What::ValuesOverwritten { table: child.clone(), which, columns: columns.into() });
                    }
                    _ => {}
                }
            }
        }
        at += 1;
    }
    found
}

/// New values with what foreign keys do about those that are keys.
fn with_following(catalog: &Catalog, table: ObjectName, which: Which, columns: Vec<String>) -> Vec<What> {
    let mut found = vec![(table, which, columns)];
    let mut at = 0;
    while let Some((table, _, changed)) = found.get(at).cloned() {
        for key in referring(catalog, &table) {
            // without columns it is any of them
            let changes = changed.is_empty() || key.referenced.iter().any(|column| changed.contains(column));
            let follows = matches!(key.on_update, Some("CASCADE" | "SET NULL" | "SET DEFAULT"));
            let told =
                |(own, _, columns): &(ObjectName, Which, Vec<String>)| own == key.table && columns == key.columns;
            if changes && follows && !found.iter().any(told) {
                found.push((key.table.clone(), Which::Following { to: table.clone() }, key.columns.into()));
            }
        }
        at += 1;
    }
    found.into_iter().map(|(table, which, columns)| What::ValuesOverwritten { table, which, columns }).collect()
}

/// The columns that `ON CONFLICT … DO UPDATE SET` assigns; none of them where they cannot be made out.
fn upserted(words: &[Token<'_>]) -> Option<Vec<String>> {
    let mut rest = after(words, "do update")?;
    rest = after(rest, "set").unwrap_or_default();
    let mut columns = Vec::new();
    let mut depth = 0_usize;
    let mut expected = true;
    for (at, token) in rest.iter().enumerate() {
        if token.is_symbol("(") {
            // `(a, b) = …` is not taken apart
            if expected {
                return Some(Vec::new());
            }
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && (token.is("where") || token.is("returning")) {
            break;
        } else if expected {
            columns.extend(crate::sql::tokens::name(&rest[at..at + 1]).map(|(name, _)| name.name));
        }
        expected = depth == 0 && token.is_symbol(",");
    }
    Some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_with_does_what_its_statements_do() {
        let before = "CREATE TABLE a (id INT, b INT); CREATE TABLE c (id INT);";
        let before = Catalog::replay("public", [("1", &crate::sql::Script::parse(before))]);
        let what = |sql: &str| -> Vec<What> {
            let effects = super::super::of_script(&before, &crate::sql::Script::parse(sql));
            effects[0].iter().map(|effect| effect.what.clone()).collect()
        };
        let both = what("WITH g AS (DELETE FROM a WHERE b = 1) UPDATE c SET id = 2 WHERE id IN (SELECT id FROM g)");
        let [What::ValuesOverwritten { which: Which::All, .. }, What::RowsDeleted { which: Which::Where { .. }, .. }] =
            both.as_slice()
        else {
            panic!("{both:?}")
        };
        let chained = what("WITH g AS (SELECT 1 AS id), d AS (DELETE FROM a WHERE id IN (SELECT id FROM g)) SELECT 1");
        assert!(matches!(chained.as_slice(), [What::RowsDeleted { which: Which::All, .. }]), "{chained:?}");
        let merged = what("WITH m AS (MERGE INTO a USING c ON a.id = c.id WHEN MATCHED THEN DELETE) SELECT 1");
        assert!(matches!(merged.as_slice(), [What::UnknownCode { .. }]), "{merged:?}");
    }

    #[test]
    fn what_is_written_through_a_view_is_not_known() {
        let before = "CREATE TABLE a (id INT); CREATE VIEW v AS SELECT id FROM a;";
        let before = Catalog::replay("public", [("1", &crate::sql::Script::parse(before))]);
        for sql in ["DELETE FROM v WHERE id = 1", "UPDATE v SET id = 2", "INSERT INTO v VALUES (1)"] {
            let effects = super::super::of_script(&before, &crate::sql::Script::parse(sql));
            let code = effects[0].iter().any(|effect| matches!(effect.what, What::UnknownCode { .. }));
            assert!(code, "{sql}: {effects:?}");
        }
    }

    #[test]
    fn foreign_keys_follow_a_key_that_changes() {
        const INIT: &str = "CREATE TABLE a (id INT PRIMARY KEY, code TEXT UNIQUE, n INT);
            CREATE TABLE b (code TEXT PRIMARY KEY REFERENCES a (code) ON UPDATE CASCADE, a INT REFERENCES a ON DELETE CASCADE);
            CREATE TABLE c (b TEXT REFERENCES b ON UPDATE SET NULL, a INT REFERENCES a (id) ON UPDATE NO ACTION);";
        let before = Catalog::replay("public", [("1", &crate::sql::Script::parse(INIT))]);
        for (sql, followed) in [
            ("UPDATE a SET code = 'x' WHERE code = 'y';", &["a.code", "b.code", "c.b"][..]),
            ("UPDATE a SET n = 1;", &["a.n"]),
            ("UPDATE a SET id = 2;", &["a.id"]),
            ("UPDATE b SET code = 'x';", &["b.code", "c.b"]),
            ("INSERT INTO b VALUES ('x') ON CONFLICT (code) DO UPDATE SET code = 'y';", &["b.code", "c.b"]),
        ] {
            let effects = super::super::of_script(&before, &crate::sql::Script::parse(sql));
            let overwritten = |what: &What| match what {
                What::ValuesOverwritten { table, columns, .. } => Some(format!("{}.{}", table.name, columns.join(","))),
                _ => None,
            };
            let found: Vec<String> = effects[0].iter().filter_map(|effect| overwritten(&effect.what)).collect();
            assert_eq!(found, followed, "{sql}");
        }
    }

    #[test]
    fn a_table_that_is_named_twice_is_emptied_or_dropped_once() {
        let before = Catalog::replay("public", [("1", &crate::sql::Script::parse("CREATE TABLE a (id INT);"))]);
        for sql in ["TRUNCATE a, public.a CASCADE;", "DROP TABLE a, public.a;"] {
            let effects = super::super::of_script(&before, &crate::sql::Script::parse(sql));
            assert_eq!(effects[0].len(), 1, "{effects:?}");
        }
    }

    #[test]
    fn effects_reach_the_tables_that_inherit() {
        const INIT: &str = "CREATE TABLE a (id INT, x TEXT, y INT); CREATE TABLE b (y INT, z INT) INHERITS (a); \
                            CREATE TABLE c () INHERITS (b);";
        let before = Catalog::replay("public", [("1", &crate::sql::Script::parse(INIT))]);
        for (sql, reached) in [
            ("DELETE FROM a WHERE id = 1;", &["a", "b", "c"][..]),
            ("DELETE FROM ONLY a;", &["a"]),
            ("TRUNCATE TABLE b;", &["b", "c"]),
            ("UPDATE a SET x = '';", &["a", "b", "c"]),
            ("ALTER TABLE a DROP COLUMN x;", &["a", "b", "c"]),
            ("ALTER TABLE a DROP COLUMN y;", &["a"]),
            ("ALTER TABLE ONLY a ALTER COLUMN x TYPE VARCHAR(2);", &["a"]),
            ("ALTER TABLE a ALTER COLUMN x TYPE VARCHAR(2);", &["a", "b", "c"]),
            ("DROP TABLE a CASCADE;", &["a", "b", "c"]),
            ("INSERT INTO a VALUES (1);", &["a"]),
        ] {
            let effects = super::super::of_script(&before, &crate::sql::Script::parse(sql));
            let found: Vec<&str> =
                effects[0].iter().filter_map(|effect| Some(effect.what.table()?.name.as_str())).collect();
            assert_eq!(found, reached, "{sql}");
        }
    }
}
