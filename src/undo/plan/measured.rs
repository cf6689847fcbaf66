//! What the rehearsal has measured beside what the statements say: code that a trigger, a function or a foreign key runs takes rows
//! and values too, and these are kept like any other.

use std::collections::BTreeMap;

use postgres::Client;
use postgres::types::Type;

use super::keys::{changed_keys, rekeyed};
use super::{Capture, Kind, Loss, Plan, Which};
use crate::catalog::{Catalog, ObjectName};
use crate::conservation::Written;
use crate::database::Failure;
use crate::effects::{self, Effect, What};
use crate::error::{Explain as _, Result};
use crate::project::Migration;
use crate::rules::cost;
use crate::sql::{ConstraintKind, Script, Statement, StatementKind};

/// What a table is a part of: partitions and tables that inherit are written to through it.
const WHOLES: &str = "
WITH RECURSIVE whole(id) AS (
  SELECT i.inhparent FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2
  UNION SELECT i.inhparent FROM whole w JOIN pg_inherits i ON i.inhrelid = w.id)
SELECT n.nspname::text, c.relname::text FROM whole w JOIN pg_class c ON c.oid = w.id JOIN pg_namespace n ON n.oid = c.relnamespace";

/// What a migration did on a copy with all rows.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    pub written: &'a [Written],
    /// What was kept of it there.
    pub kept: &'a [Capture],
}

impl Plan {
    /// Adds what the migration took on the copy and the plan does not hold. `before` is the catalog before it.
    ///
    /// # Errors
    /// The server's own.
    pub fn extend(
        &mut self,
        client: &mut Client,
        migration: &Migration,
        before: &Catalog,
        measured: Measured<'_>,
    ) -> Result<()> {
        let explain = || format!("could not plan what to keep of {}", migration.name);
        let script = migration.script();
        let mut came = Vec::new();
        let effects = effects::of_script(before, script);
        for written in measured.written.iter().filter(|written| written.migration == migration.name) {
            // what is sent begins with a statement
            let begins = |(_, statement): &(usize, &Statement)| statement.range.start == written.statement.start;
            let Some((number, statement)) = (1..).zip(script.statements()).find(begins) else {
                came.extend(untold(written, script));
                continue;
            };
            if written.derived {
                came.extend(computed_by_code(written, statement, script));
                continue;
            }
            let mut tables = vec![written.table.clone()];
            tables.extend(wholes(client, &written.table).explain(explain)?);
            // they stay with the keys that they follow, which the reverse says
            if only_follows(written, effects.get(number - 1).map(Vec::as_slice).unwrap_or_default(), &tables) {
                continue;
            }
            let own = |capture: &&Capture| capture.statement == number && tables.contains(&capture.table());
            let kept = measured.kept.iter().filter(own).collect();
            let columns = changed_keys(before, script, written, &tables);
            let fires = hides(written) && fires(client, &written.table).explain(explain)?;
            self.add(&Taken { number, statement, written, tables: &tables, kept, columns, fires });
            let inserts =
                matches!(&statement.kind, StatementKind::Insert { table } if tables.contains(&before.resolve(table)));
            if written.inserted > 0 && written.lacks.came && !inserts {
                let line = script.position(statement.range.start).line;
                let rows = cost::rows(written.inserted);
                came.push(format!("{rows} that line {line} inserted into {}", written.table.name));
            }
        }
        let depths = depths(before);
        // parents first: what refers to them comes back after them
        self.losses
            .losses
            .sort_by_key(|(number, loss)| (*number, depths.get(loss.table()).copied().unwrap_or_default()));
        self.planned = super::sizes(client, &self.losses).explain(explain)?;
        self.measured = Some(came);
        Ok(())
    }

    fn add(&mut self, taken: &Taken<'_>) {
        let (number, table) = (taken.number, taken.written.table.clone());
        if taken.written.gone && !taken.kept(&[Kind::Table]) {
            self.losses.losses.push((number, Loss::Whole { table }));
            return;
        }
        let planned: Vec<&Loss> =
            self.losses.losses.iter().filter(|(own, _)| *own == number).map(|(_, loss)| loss).collect();
        let (rows, values) = (taken.rows(), taken.values(&planned));
        let mut widened = Vec::new();
        if rows {
            widened.push(Loss::Deleted { table: table.clone(), which: Which::All });
        }
        if values {
            widened.push(Loss::Updated { table, which: Which::All, columns: taken.columns.clone() });
        }
        for loss in widened {
            let narrower = |other: &Loss| match (&loss, other) {
                (Loss::Deleted { table, .. }, Loss::Deleted { table: other, .. })
                | (Loss::Updated { table, .. }, Loss::Updated { table: other, .. }) => table == other,
                _ => false,
            };
            self.losses.losses.retain(|(own, other)| *own != number || !narrower(other));
            self.losses.losses.push((number, loss));
        }
    }
}

/// Whether all that a statement did to a table is what its foreign keys do about keys that the statement changes.
fn only_follows(written: &Written, effects: &[Effect], tables: &[ObjectName]) -> bool {
    let follows = |effect: &Effect| match &effect.what {
        What::ValuesOverwritten { table, which: Which::Following { .. }, columns } if tables.contains(table) => {
            columns.clone()
        }
        _ => Vec::new(),
    };
    let following: Vec<String> = effects.iter().flat_map(follows).collect();
    let others = |values: &Vec<String>| values.iter().any(|column| !following.contains(column));
    let itself = |effect: &Effect| {
        let which = |which: &Which| !matches!(which, Which::Following { .. });
        matches!(&effect.what, What::ValuesOverwritten { table, which: of, .. } if tables.contains(table) && which(of))
    };
    !following.is_empty()
        && !effects.iter().any(itself)
        && written.deleted == 0
        && !written.anew
        && !written.gone
        && written.lacks.values.as_ref().is_some_and(|values| !others(values))
}

/// What a statement took from a table.
struct Taken<'a> {
    number: usize,
    statement: &'a Statement,
    written: &'a Written,
    /// The table, and what it is a part of.
    tables: &'a [ObjectName],
    /// What was kept of it on the copy.
    kept: Vec<&'a Capture>,
    /// The columns whose values are others, where keys are among them: these tell no row from another any more.
    columns: Vec<String>,
    /// Whether a trigger may have changed further columns of rows that are gone in the end.
    fires: bool,
}

impl Taken<'_> {
    fn kept(&self, kinds: &[Kind]) -> bool {
        self.kept.iter().any(|capture| kinds.contains(&capture.kind))
    }

    /// Emptied or replaced by code, or by `TRUNCATE`. A change of type writes a table anew too, and loses no row.
    fn anew(&self) -> bool {
        self.written.anew && !matches!(self.statement.kind, StatementKind::AlterTable { .. })
    }

    /// Whether the rows that went are among those kept.
    fn rows_kept(&self) -> bool {
        let rows = [Kind::Deleted, Kind::Table];
        let kept: u64 =
            self.kept.iter().filter(|capture| rows.contains(&capture.kind)).map(|capture| capture.rows).sum();
        kept >= self.written.deleted && (!self.anew() || self.kept(&rows))
    }

    fn rows(&self) -> bool {
        (self.written.deleted > 0 || self.anew()) && self.written.lacks.rows && !self.rows_kept()
    }

    fn values(&self, planned: &[&Loss]) -> bool {
        let Self { written, tables, .. } = self;
        if rekeyed(written) && !self.kept(&[Kind::Updated]) {
            return true;
        }
        if !written.lacks.values() && !hides(written) || written.updated + written.deleted == 0 && !self.anew() {
            return false;
        }
        if written.updated == 0 && self.rows_kept() && self.kept(&[Kind::Deleted, Kind::Table]) {
            return false;
        }
        let holds = |loss: &&Loss| match loss {
            Loss::Updated { table, columns, .. } if tables.contains(table) => {
                let other = written.lacks.values.as_ref();
                let all = |other: &Vec<String>| other.iter().all(|own| columns.contains(own));
                columns.is_empty() || other.is_some_and(all) && !self.fires
            }
            _ => false,
        };
        let updated = self.kept.iter().filter(|capture| capture.kind == Kind::Updated);
        let reached = updated.map(|capture| capture.reached).max().unwrap_or_default();
        !(planned.iter().any(holds) && reached >= written.updated)
    }
}

/// What was measured of no statement that is known: nothing of it is kept, which is said.
fn untold(written: &Written, script: &Script) -> Option<String> {
    let rows = written.inserted + written.updated + written.deleted;
    let line = script.position(written.statement.start).line;
    let table = &written.table.name;
    (rows > 0 || written.anew || written.gone)
        .then(|| format!("what line {line} did to {table} ({}): its statement was not made out", cost::rows(rows)))
}

/// A materialized view whose rows code has computed anew. The reverse refreshes those that a statement of the migration refreshes
/// itself, and the definitions bring those back that are dropped.
fn computed_by_code(written: &Written, statement: &Statement, script: &Script) -> Option<String> {
    let refreshes = matches!(&statement.kind, StatementKind::Other { words } if words.starts_with("REFRESH"));
    let line = script.position(statement.range.start).line;
    (!refreshes && !written.gone)
        .then(|| format!("the rows of materialized view {}, which line {line} has computed anew", written.table.name))
}

/// Whether rows were overwritten of which some are gone in the end: those show no more that they were.
fn hides(written: &Written) -> bool {
    written.updated > 0 && written.lacks.rows
}

/// Whether a table has triggers of its own.
fn fires(client: &mut Client, table: &ObjectName) -> Result<bool, Failure> {
    const TRIGGERS: &str = "
SELECT EXISTS (SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2 AND NOT t.tgisinternal)";
    let row = client.query_typed_one(TRIGGERS, &[(&table.schema, Type::TEXT), (&table.name, Type::TEXT)])?;
    Ok(row.try_get(0)?)
}

fn wholes(client: &mut Client, table: &ObjectName) -> Result<Vec<ObjectName>, Failure> {
    let rows = client.query_typed(WHOLES, &[(&table.schema, Type::TEXT), (&table.name, Type::TEXT)])?;
    let name = |row: &postgres::Row| Ok(ObjectName { schema: row.try_get(0)?, name: row.try_get(1)? });
    Ok(rows.iter().map(name).collect::<Result<_, postgres::Error>>()?)
}

/// How many foreign keys lead away from each table, one behind the other.
fn depths(catalog: &Catalog) -> BTreeMap<ObjectName, usize> {
    let mut keys = Vec::new();
    for (child, table) in &catalog.tables {
        for constraint in table.constraints.values() {
            if let ConstraintKind::ForeignKey { table: parent, .. } = &constraint.kind {
                keys.push((child.clone(), catalog.resolve(parent)));
            }
        }
    }
    let mut depths: BTreeMap<ObjectName, usize> = BTreeMap::new();
    // in a circle nothing is first
    for _ in 0..catalog.tables.len() {
        let mut settled = true;
        for (child, parent) in keys.iter().filter(|(child, parent)| child != parent) {
            let least = depths.get(parent).copied().unwrap_or_default() + 1;
            let depth = depths.entry(child.clone()).or_default();
            if *depth < least {
                (*depth, settled) = (least, false);
            }
        }
        if settled {
            break;
        }
    }
    depths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conservation::Lacks;

    const BEFORE: &str =
        "CREATE TABLE a (id INT PRIMARY KEY, x TEXT, y TEXT); CREATE TABLE b (id INT PRIMARY KEY, a INT REFERENCES a);";

    fn name(name: &str) -> ObjectName {
        ObjectName { schema: "public".into(), name: name.into() }
    }

    fn written(table: &str, [inserted, updated, deleted]: [u64; 3], values: &[&str]) -> Written {
        let values = Some(values.iter().map(|own| (*own).to_owned()).collect());
        let lacks = Lacks { rows: deleted > 0, values, came: inserted > 0 };
        let (anew, gone, derived) = (false, false, false);
        Written {
            migration: "2".into(),
            statement: 0..1,
            table: name(table),
            inserted,
            updated,
            deleted,
            anew,
            gone,
            derived,
            lacks,
        }
    }

    fn capture(kind: Kind, table: &str, rows: u64) -> Capture {
        let text = serde_json::json!({
            "statement": 1, "kind": kind, "schema": "public", "table": table, "key": ["id"], "columns": [], "storage": "s",
            "moved": false, "rows": rows,
        });
        Capture { reached: rows, ..serde_json::from_value(text).unwrap() }
    }

    /// What is planned for a statement that wrote this, after what was kept of it.
    fn planned(sql: &str, written: &Written, kept: &[Capture]) -> Vec<String> {
        let script = Script::parse(sql);
        let before = Catalog::replay("public", [("1", &Script::parse(BEFORE))]);
        let losses = super::super::losses(&before, &script);
        let mut plan = Plan { losses, ..Plan::default() };
        let tables = [written.table.clone()];
        let kept = kept.iter().filter(|own| own.table() == written.table).collect();
        let before = Catalog::replay("public", [("1", &Script::parse(BEFORE))]);
        let columns = changed_keys(&before, &script, written, &tables);
        let statement = &script.statements()[0];
        plan.add(&Taken { number: 1, statement, written, tables: &tables, kept, columns, fires: false });
        let of = |loss: &Loss| match loss {
            Loss::Deleted { table, which } => format!("rows of {} {which:?}", table.name),
            Loss::Updated { table, which, columns } => format!("values of {} {which:?} {columns:?}", table.name),
            Loss::Whole { table } => format!("whole {}", table.name),
            other => format!("{other:?}"),
        };
        plan.losses.losses.iter().map(|(_, loss)| of(loss)).collect()
    }

    #[test]
    fn what_a_migration_does_to_other_tables_hides_no_changed_key() {
        let before =
            Script::parse("CREATE TYPE mood AS ENUM ('a'); CREATE TABLE a (id INT, x TEXT, m mood, UNIQUE (id, x));");
        let before = Catalog::replay("public", [("1", &before)]);
        let of = |sql: &str| {
            let own = Written {
                lacks: Lacks { rows: true, ..written("a", [0, 4, 0], &["x"]).lacks },
                ..written("a", [0, 4, 0], &[])
            };
            !changed_keys(&before, &Script::parse(sql), &own, &[name("a")]).is_empty()
        };
        assert!(of("SELECT f(); ALTER TABLE b ADD COLUMN y INT; DROP TYPE other CASCADE;"));
        let indexed = Script::parse("CREATE TABLE a (id INT, x TEXT, m mood); CREATE UNIQUE INDEX k ON a (x, id);");
        let indexed = Catalog::replay("public", [("1", &indexed)]);
        let own = Written { lacks: written("a", [0; 3], &["x"]).lacks, ..written("a", [0, 4, 0], &[]) };
        assert_eq!(changed_keys(&indexed, &Script::parse("SELECT f();"), &own, &[name("a")]), ["x"]);
        for own in [
            "DROP TYPE mood CASCADE",
            "ALTER TABLE a ADD COLUMN y INT",
            "ALTER TABLE b RENAME TO c",
            "DROP SCHEMA s CASCADE",
        ] {
            assert!(!of(&format!("SELECT f(); {own};")), "{own}");
        }
    }

    #[test]
    fn a_materialized_view_that_code_has_computed_anew_is_named() {
        let of = |sql: &str, gone: bool| {
            let script = Script::parse(sql);
            let own = Written { anew: true, derived: true, gone, ..written("m", [0; 3], &[]) };
            computed_by_code(&own, &script.statements()[0], &script)
        };
        let code = "\nDO $$ BEGIN REFRESH MATERIALIZED VIEW m; END $$";
        assert_eq!(of(code, false), Some("the rows of materialized view m, which line 2 has computed anew".to_owned()));
        assert_eq!((of(code, true), of("REFRESH MATERIALIZED VIEW m", false)), (None, None));
    }

    #[test]
    fn what_the_statement_says_is_kept_as_planned() {
        let (update, own) =
            ("UPDATE a SET x = 'n' WHERE id < 3", "values of a Where { alias: None, condition: \"id < 3\" } [\"x\"]");
        let kept = [capture(Kind::Updated, "a", 2)];
        assert_eq!(planned(update, &written("a", [0, 2, 0], &["x"]), &kept), [own]);
        // a trigger has changed another column, or other rows
        let all = "values of a All []";
        assert_eq!(planned(update, &written("a", [0, 2, 0], &["x", "y"]), &kept), [all]);
        assert_eq!(planned(update, &written("a", [0, 9, 0], &["x"]), &kept), [all]);
        assert_eq!(planned(update, &written("b", [0, 0, 4], &[]), &kept), [own, "rows of b All"]);
        assert_eq!(planned(update, &written("b", [4, 0, 0], &[]), &kept), [own]);
    }

    #[test]
    fn what_code_does_is_kept_whole() {
        let call = "SELECT tidy()";
        assert_eq!(planned(call, &written("a", [0, 5, 0], &["x"]), &[]), ["values of a All []"]);
        // what a key is made of tells no row from another any more
        assert_eq!(planned(call, &written("a", [0, 5, 0], &["id", "x"]), &[]), ["values of a All [\"id\", \"x\"]"]);
        let other_keys = Lacks { rows: true, came: true, values: Some(Vec::new()) };
        let rekeyed = Written { lacks: other_keys, ..written("a", [0, 5, 0], &[]) };
        assert_eq!(planned(call, &rekeyed, &[]), ["values of a All [\"id\"]"]);
        // as before in the end
        let same = written("a", [0, 5, 0], &[]);
        assert_eq!(planned(call, &same, &[]), [""; 0]);
        // but for rows that a later statement deletes
        let lacks = Lacks { rows: true, ..same.lacks.clone() };
        assert_eq!(planned(call, &Written { lacks, ..same }, &[]), ["values of a All []"]);
        let emptied = Written { anew: true, lacks: Lacks::unknown(), ..written("a", [0; 3], &[]) };
        assert_eq!(planned(call, &emptied, &[]), ["rows of a All", "values of a All []"]);
        assert_eq!(planned(call, &Written { gone: true, ..emptied }, &[]), ["whole a"]);
        // rows that went and came again with other values
        assert_eq!(
            planned(call, &Written { lacks: written("a", [0; 3], &["x"]).lacks, ..written("a", [3, 0, 3], &[]) }, &[]),
            ["values of a All []"]
        );
    }

    #[test]
    fn what_others_refer_to_comes_first() {
        let script = Script::parse(BEFORE);
        let depths = depths(&Catalog::replay("public", [("1", &script)]));
        assert_eq!((depths.get(&name("a")), depths.get(&name("b"))), (None, Some(&1)));
    }
}
