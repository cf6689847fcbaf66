//! What a migration destroys that can be kept: the effects that rows and values have, for the capsule.

use std::collections::{BTreeMap, BTreeSet};

use super::render;
use super::reverse::Scene;
use crate::catalog::{Catalog, ObjectName};
pub use crate::effects::Which;
use crate::effects::{self, Effect, What, retype};
use crate::rules::origins::Origins;
use crate::sql::tokens::tokens;
use crate::sql::{DataType, Expr, Script, SearchPath, quote_identifier};

/// Something a statement destroys. Names are those just before the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// Columns are dropped with their values.
    Columns { table: ObjectName, columns: Vec<String> },
    /// Columns change their type, and values may not survive it.
    Casts { table: ObjectName, casts: Vec<Cast> },
    /// A table is dropped with its rows.
    Table { table: ObjectName },
    /// Code drops a table, and may read it before.
    Whole { table: ObjectName },
    /// Rows are deleted.
    Deleted { table: ObjectName, which: Which },
    /// Values are overwritten; without columns, any column's.
    Updated { table: ObjectName, which: Which, columns: Vec<String> },
}

/// A change of type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cast {
    pub column: String,
    /// What becomes of the value, as SQL.
    pub value: String,
    /// Whether the new type is PostgreSQL's own.
    pub built_in: bool,
}

impl Loss {
    /// The table.
    pub fn table(&self) -> &ObjectName {
        match self {
            Self::Columns { table, .. }
            | Self::Casts { table, .. }
            | Self::Table { table }
            | Self::Whole { table }
            | Self::Deleted { table, .. }
            | Self::Updated { table, .. } => table,
        }
    }

    /// The columns, where not all of the table's; each once, however often it was found.
    pub fn columns(&self) -> Vec<String> {
        let mut columns = match self {
            Self::Columns { columns, .. } | Self::Updated { columns, .. } => columns.clone(),
            Self::Casts { casts, .. } => casts.iter().map(|cast| cast.column.clone()).collect(),
            Self::Table { .. } | Self::Whole { .. } | Self::Deleted { .. } => Vec::new(),
        };
        let mut seen = BTreeSet::new();
        columns.retain(|column| seen.insert(column.clone()));
        columns
    }
}

/// What a migration destroys: each loss with the number of its statement, from 1, and what could not be found out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Losses {
    pub losses: Vec<(usize, Loss)>,
    /// Code whose effect is not known, a sentence each.
    pub unknown: Vec<String>,
    /// Statements that destroy something in a table whose schema is not known, a sentence each.
    pub elsewhere: Vec<String>,
    /// What tables that the migration renames are called before it, by the number of a statement and their name then.
    pub(super) targets: BTreeMap<(usize, ObjectName), ObjectName>,
}

/// What a migration destroys of the database before it.
pub fn losses(before: &Catalog, script: &Script) -> Losses {
    let mut found = Losses::default();
    let mut end = before.clone();
    end.apply(script, "");
    let mut origins = Origins::default();
    let mut number = 0;
    before.clone().walk(script, "", |catalog, statement| {
        number += 1;
        let scene = effects::Scene::new(script, statement, catalog, &end);
        let effects = effects::of(&scene);
        let mut lost = read(catalog, &effects);
        // which of its schemas has the table is known where the target was asked
        let path = catalog.search_path();
        let known = matches!(path, SearchPath::Schemas(_)) && before.is_complete();
        if !known && path.leaves(&before.default_schema) {
            let bare = |loss: &Loss| loss.table().schema == before.default_schema && !written(scene.text, loss.table());
            if lost.iter().any(bare) {
                found
                    .elsewhere
                    .push(format!("statement {number}: the tables that it names are those of another search_path"));
            }
            // to keep the table of that name here would take what the statement never touches
            lost.retain(|loss| !bare(loss));
        }
        for loss in lost {
            // what this very migration has made is not lost
            let Some(target) = origins.table(loss.table()) else { continue };
            found.targets.insert((number, loss.table().clone()), target);
            found.losses.push((number, loss));
        }
        found.unknown.extend(effects.iter().filter_map(unknown).map(|why| format!("statement {number}: {why}")));
        origins.follow(&scene, &effects);
    });
    found
}

/// Whether a statement names a table with its schema.
fn written(text: &str, table: &ObjectName) -> bool {
    let tokens = tokens(text);
    tokens.windows(3).any(|name| {
        let [schema, dot, own] = name else { return false };
        dot.is_symbol(".")
            && schema.identifier().is_some_and(|schema| schema == table.schema)
            && own.identifier().is_some_and(|own| own == table.name)
    })
}

fn unknown(effect: &Effect) -> Option<String> {
    match &effect.what {
        What::UnknownCode { words } if words == "DO" => Some("a DO block may change rows".into()),
        What::UnknownCode { words } => Some(format!("`{words}` may change rows")),
        What::UnknownCall(call) => Some(format!("it {call}, which may change rows")),
        What::ReachesOutside { what } => Some(format!("what it does to {what} stays")),
        What::UnknownObject(reference) => Some(format!("{reference} is not known")),
        _ => None,
    }
}

/// What one statement destroys.
pub(super) fn of(scene: &Scene<'_>) -> Vec<Loss> {
    let scene = effects::Scene { statement: scene.statement, text: scene.text, before: scene.before, end: scene.after };
    read(scene.before, &effects::of(&scene))
}

/// The effects of one statement as losses: those of one table together.
fn read(before: &Catalog, effects: &[Effect]) -> Vec<Loss> {
    let mut losses: Vec<Loss> = Vec::new();
    for effect in effects {
        match &effect.what {
            What::TableGone { table, .. } => losses.push(Loss::Table { table: table.clone() }),
            What::RowsDeleted { table, which } => {
                losses.push(Loss::Deleted { table: table.clone(), which: which.clone() });
            }
            // they stay with the keys that they follow, which the reverse says
            What::ValuesOverwritten { which: Which::Following { .. }, .. } => {}
            What::ValuesOverwritten { table, which, columns } => {
                losses.push(Loss::Updated { table: table.clone(), which: which.clone(), columns: columns.clone() });
            }
            // a generated column's values come back by themselves
            What::ColumnGone { table, column, generated: false, .. } => {
                let own = |loss: &&mut Loss| matches!(loss, Loss::Columns { table: it, .. } if it == table);
                match losses.iter_mut().find(own) {
                    Some(Loss::Columns { columns, .. }) => columns.push(column.clone()),
                    _ => losses.push(Loss::Columns { table: table.clone(), columns: vec![column.clone()] }),
                }
            }
            What::Converted { table, column, to, how, using, .. } if !how.leads_back() => {
                let cast = cast(before, column, to, using.as_ref());
                let own = |loss: &&mut Loss| matches!(loss, Loss::Casts { table: it, .. } if it == table);
                match losses.iter_mut().find(own) {
                    Some(Loss::Casts { casts, .. }) => casts.push(cast),
                    _ => losses.push(Loss::Casts { table: table.clone(), casts: vec![cast] }),
                }
            }
            // definitions, rights and positions hold no rows; the definitions read before the deploy bring them back
            // a part of a value is not put back into it, which the reverse says
            What::AttributeGone { .. }
            | What::ColumnGone { .. }
            | What::Converted { .. }
            | What::LabelsGone { .. }
            | What::GuaranteeGone { .. }
            | What::KeyLed { .. }
            | What::DefaultChanged { .. }
            | What::IdentityChanged { .. }
            | What::ExpressionChanged { .. }
            | What::RowsDetached { .. }
            | What::RowsAdded { .. }
            | What::PartJoined { .. }
            | What::DefinitionGone { .. }
            | What::DefinitionReplaced { .. }
            | What::SequenceSet { .. }
            | What::AccessChanged { .. }
            | What::UnknownObject(_)
            | What::ReachesOutside { .. }
            | What::UnknownCode { .. }
            | What::UnknownCall(_) => {}
        }
    }
    losses
}

fn cast(before: &Catalog, column: &str, to: &DataType, using: Option<&Expr>) -> Cast {
    let target = render::data_type(before, to);
    let value = using.map_or_else(|| format!("{}::{target}", quote_identifier(column)), |own| own.text.clone());
    Cast { column: column.to_owned(), value, built_in: retype::built_in(to) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(before: &str, sql: &str) -> Vec<(usize, Loss)> {
        let before = Script::parse(before);
        losses(&Catalog::replay("public", [("1", &before)]), &Script::parse(sql)).losses
    }

    fn name(name: &str) -> ObjectName {
        ObjectName { schema: "public".into(), name: name.into() }
    }

    const BEFORE: &str = "CREATE TYPE r AS ENUM ('a', 'b'); CREATE TABLE a (id INT PRIMARY KEY, x TEXT, n BIGINT, r r); \
         CREATE TABLE b (id INT PRIMARY KEY, a INT REFERENCES a ON DELETE CASCADE, c INT REFERENCES a ON DELETE SET NULL);";

    #[test]
    fn columns_tables_and_lossy_types_are_lost() {
        let lost =
            found(BEFORE, "ALTER TABLE a DROP COLUMN x, ALTER COLUMN n TYPE INT; DROP TABLE b; DROP TABLE unknown;");
        assert_eq!(lost.len(), 4);
        assert_eq!(lost[0], (1, Loss::Columns { table: name("a"), columns: vec!["x".into()] }));
        assert!(matches!(&lost[1].1, Loss::Casts { casts, .. } if casts[0].value == "\"n\"::integer"));
        assert_eq!(lost[2], (2, Loss::Table { table: name("b") }));
        // no file makes it, and the database may have it all the same
        assert_eq!(lost[3], (3, Loss::Table { table: name("unknown") }));
    }

    /// Under another search_path a bare name is not the table of that name here; a whole name is.
    #[test]
    fn a_bare_name_under_another_path_is_not_this_schemas() {
        let before = Script::parse(BEFORE);
        let found = |sql: &str| {
            let found = losses(&Catalog::replay("public", [("1", &before)]), &Script::parse(sql));
            let tables = found.losses.iter().map(|(_, loss)| loss.table().schema.clone()).collect::<Vec<_>>();
            (tables.join(" "), found.elsewhere.join(" "))
        };
        let of = |schema: &str| (schema.to_owned(), String::new());
        assert_eq!(found("SET search_path TO other; DROP TABLE b;"), of("other"));
        assert_eq!(found("SELECT set_config('search_path', 'other', false); DELETE FROM b;"), of("other"));
        assert_eq!(found("SET search_path TO other; DROP TABLE public.b;"), of("public"));
        assert_eq!(found("SET search_path TO other; SET search_path TO public; DROP TABLE b;"), of("public"));
        // whether the other schema has one is not known here
        let named = "statement 2: the tables that it names are those of another search_path";
        for path in ["SET search_path TO other, public", "SELECT set_config('search_path', 'o' || 'ther', false)"] {
            assert_eq!(found(&format!("{path}; DROP TABLE b;")), (String::new(), named.to_owned()));
        }
    }

    /// What the session's own path is, the target tells.
    #[test]
    fn a_path_that_is_reset_is_the_sessions_own() {
        use crate::catalog::live::{Kind, Live};
        let mut live = Live::default();
        live.objects.insert(Kind::Table, ["public.b", "other.b"].map(|name| (name.to_owned(), BTreeMap::new())).into());
        for (own, schema) in [(&["public"][..], "public"), (&["other", "public"], "other"), (&[], "public")] {
            live.beside.path = Some(own.iter().map(|schema| (*schema).to_owned()).collect());
            let target = Catalog::of_target("public", &live);
            for reset in ["RESET search_path", "RESET ALL", "SET search_path TO DEFAULT"] {
                let sql = format!("SET search_path = pg_temp; {reset}; DROP TABLE b;");
                let found = losses(&target, &Script::parse(sql.as_str()));
                assert!(found.elsewhere.is_empty(), "{sql}");
                assert_eq!(found.losses[0].1.table().schema, schema, "{sql}");
            }
        }
    }

    /// A column of two keys is found twice.
    #[test]
    fn a_column_is_kept_once() {
        let columns = ["id", "score", "id"].map(str::to_owned).to_vec();
        let loss = Loss::Updated { table: name("a"), which: Which::All, columns };
        assert_eq!(loss.columns(), ["id", "score"]);
    }

    #[test]
    fn what_the_migration_makes_itself_is_no_loss() {
        assert_eq!(
            found(BEFORE, "CREATE TABLE t (x INT); UPDATE t SET x = 1; ALTER TABLE t RENAME TO u; DROP TABLE u;"),
            []
        );
        assert_eq!(found(BEFORE, "ALTER TABLE a ALTER x TYPE VARCHAR(9), ALTER n TYPE NUMERIC;").len(), 1);
        assert_eq!(found(BEFORE, "ALTER TABLE a ALTER r TYPE TEXT; ALTER TABLE a RENAME TO c;"), []);
    }

    #[test]
    fn a_deletion_reaches_what_refers_to_it() {
        let lost = found(BEFORE, "DELETE FROM a WHERE id = 1;");
        assert!(matches!(&lost[0].1, Loss::Deleted { which: Which::Where { .. }, .. }));
        let reached: Vec<String> =
            lost.iter().map(|(_, loss)| format!("{} {:?}", loss.table().name, loss.columns())).collect();
        assert_eq!(reached, ["a []", "b []", "b [\"c\"]"]);
        assert_eq!(found(BEFORE, "TRUNCATE a CASCADE").len(), 2);
        let heir = format!("{BEFORE} CREATE TABLE heir (z INT) INHERITS (a);");
        assert_eq!(found(&heir, "DROP TABLE heir, a CASCADE").len(), 2, "CASCADE names the heir again");
        assert_eq!(found(&heir, "TRUNCATE heir, a").len(), 2);
    }

    #[test]
    fn an_upsert_may_overwrite() {
        assert_eq!(found(BEFORE, "INSERT INTO a (id) VALUES (1)"), []);
        assert_eq!(found(BEFORE, "INSERT INTO a (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 'y'").len(), 1);
    }
}
