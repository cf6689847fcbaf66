//! What of the replayed catalog stands on the target already, and under what name there: several pending migrations
//! may create a table, rename it and index it, and only what the target holds can lose data or block people. A table that they
//! create and fill is new, but not empty.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, ObjectName};
use crate::effects::{Effect, Rows, Scene, What};
use crate::sql::code::{self, Reach};
use crate::sql::tokens::{after, tokens};
use crate::sql::{ActionKind, StatementKind};

/// Follows names through the statements under review. What was never touched is as it is on the target.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    /// Tables that were created, renamed or altered, by their present name.
    tables: BTreeMap<ObjectName, Origin>,
    /// Target names of tables whose rows have been written.
    written: BTreeSet<ObjectName>,
    /// Code that could not be read has run: it may have written anything.
    opaque: bool,
    /// Tables that have become a part of another one, with it: rows that are put into one may lie in the other.
    joined: Vec<(ObjectName, ObjectName)>,
    code: Code,
}

#[derive(Debug, Clone, Default)]
struct Origin {
    /// The name on the target; none where these migrations created it.
    target: Option<ObjectName>,
    /// Columns that were added or renamed, by their present name, with the name on the target.
    columns: BTreeMap<String, Option<String>>,
    /// What was put into one that these migrations created.
    rows: Option<Rows>,
}

/// Unread code of the target that a statement of these migrations may run.
#[derive(Debug, Clone, Default)]
struct Code {
    /// A function that triggers may call already was replaced by one that may write.
    replaced: bool,
    /// Names that tables of the target have given up: its triggers find whatever has one of these now.
    freed: BTreeSet<ObjectName>,
}

impl Origins {
    /// The table's name on the target, or none if the migrations under review created it.
    pub fn table(&self, name: &ObjectName) -> Option<ObjectName> {
        self.tables.get(name).map_or_else(|| Some(name.clone()), |origin| origin.target.clone())
    }

    /// The column's name on the target, or none if the migrations under review added it.
    pub fn column(&self, table: &ObjectName, column: &str) -> Option<String> {
        match self.tables.get(table) {
            None => Some(column.to_owned()),
            Some(Origin { target: None, .. }) => None,
            Some(origin) => origin.columns.get(column).map_or_else(|| Some(column.to_owned()), Clone::clone),
        }
    }

    /// Whether a statement before this one changed the table's rows, so that what was measured no longer decides.
    pub fn written(&self, table: &ObjectName) -> bool {
        self.opaque || self.table(table).is_some_and(|target| self.written.contains(&target))
    }

    /// Whether the migrations under review created the table and put an unknown number of rows into it. Rows that are written
    /// down one by one do not count: they have run on the shadow database.
    pub fn filled(&self, table: &ObjectName) -> bool {
        self.tables.get(table).is_some_and(|origin| origin.target.is_none() && origin.rows == Some(Rows::Any))
    }

    /// Whether code that could not be followed has run.
    pub fn ran_code(&self) -> bool {
        self.opaque
    }

    /// Follows one statement with its effects.
    pub fn follow(&mut self, scene: &Scene<'_>, effects: &[Effect]) {
        let catalog = scene.before;
        match &scene.statement.kind {
            StatementKind::CreateTable { table, if_not_exists, .. } => {
                let table = catalog.made(table);
                // one that may find its table there proves nothing about its rows
                if !*if_not_exists || catalog.table(&table).is_absent() {
                    self.tables.insert(table, Origin::default());
                }
            }
            StatementKind::AlterTable { table, actions, .. } => {
                let mut table = catalog.resolve(table);
                for action in actions {
                    self.alter(&mut table, &action.kind, catalog);
                }
            }
            StatementKind::DropTable { tables, .. } => {
                let dropped = tables.iter().map(|table| catalog.resolve(table));
                let of_target: Vec<ObjectName> = dropped.filter(|table| self.table(table).is_some()).collect();
                self.code.freed.extend(of_target);
            }
            StatementKind::CreateFunction { .. } => self.code.define(scene.text),
            _ => {}
        }
        for effect in effects {
            self.happened(&effect.what);
        }
    }

    fn happened(&mut self, what: &What) {
        match what {
            What::RowsAdded { table, rows } => {
                self.add(table, *rows);
                self.write(table);
            }
            What::RowsDeleted { table, .. } | What::ValuesOverwritten { table, .. } => self.write(table),
            What::PartJoined { table, part, .. } => {
                self.joined.push((table.clone(), part.clone()));
                // whatever the one holds already
                for each in [table, part] {
                    if self.table(each).is_some() || self.filled(each) {
                        self.add(each, Rows::Any);
                    }
                }
            }
            What::UnknownCode { .. } | What::UnknownCall(_) => self.run(),
            _ => {}
        }
    }

    /// Code has run that may have written to any table.
    fn run(&mut self) {
        self.opaque = true;
        for origin in self.tables.values_mut().filter(|origin| origin.target.is_none()) {
            origin.rows = Some(Rows::Any);
        }
    }

    /// Rows are put into a table, and so into those that it is a part of, or that are parts of it.
    fn add(&mut self, table: &ObjectName, rows: Rows) {
        let mut reached = BTreeSet::from([table.clone()]);
        loop {
            let beside =
                self.joined.iter().filter_map(|(one, other)| match (reached.contains(one), reached.contains(other)) {
                    (true, false) => Some(other.clone()),
                    (false, true) => Some(one.clone()),
                    _ => None,
                });
            let more: Vec<ObjectName> = beside.collect();
            if more.is_empty() {
                break;
            }
            reached.extend(more);
        }
        for name in reached {
            if let Some(origin) = self.tables.get_mut(&name).filter(|origin| origin.target.is_none()) {
                origin.rows = origin.rows.max(Some(rows));
            }
        }
    }

    fn write(&mut self, table: &ObjectName) {
        let target = self.table(table);
        if self.code.replaced && target.is_some() {
            self.run();
        }
        if let Some(target) = target {
            self.written.insert(target);
            let reused =
                |(name, origin): &(&ObjectName, &Origin)| origin.target.is_none() && self.code.freed.contains(*name);
            let reused: Vec<ObjectName> = self.tables.iter().filter(reused).map(|(name, _)| name.clone()).collect();
            for name in reused {
                self.add(&name, Rows::Any);
            }
        }
    }

    fn alter(&mut self, table: &mut ObjectName, action: &ActionKind, catalog: &Catalog) {
        match action {
            ActionKind::AddColumn { column, if_not_exists }
                if !*if_not_exists || catalog.column(table, &column.name).is_absent() =>
            {
                self.entry(table).columns.insert(column.name.clone(), None);
            }
            ActionKind::RenameColumn { from, to } => {
                let target = self.column(table, from);
                let columns = &mut self.entry(table).columns;
                columns.remove(from);
                columns.insert(to.clone(), target);
            }
            kind => {
                if let Some(to) = kind.moved(table) {
                    self.rename(table, to);
                }
            }
        }
    }

    fn rename(&mut self, table: &mut ObjectName, to: ObjectName) {
        let _ = self.entry(table);
        if let Some(origin) = self.tables.remove(table) {
            if origin.target.is_some() {
                self.code.freed.insert(table.clone());
            }
            self.tables.insert(to.clone(), origin);
        }
        for name in self.joined.iter_mut().flat_map(|(one, other)| [one, other]).filter(|name| *name == table) {
            name.clone_from(&to);
        }
        *table = to;
    }

    fn entry(&mut self, table: &ObjectName) -> &mut Origin {
        self.tables.entry(table.clone()).or_insert_with(|| Origin { target: Some(table.clone()), ..Origin::default() })
    }
}

impl Code {
    /// `CREATE [OR REPLACE] FUNCTION`.
    fn define(&mut self, text: &str) {
        let tokens = tokens(text);
        self.replaced |= after(&tokens, "or replace").is_some()
            && after(&tokens, "returns trigger").is_some()
            && code::routine(text).reach > Reach::Reads;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects;
    use crate::sql::Script;

    /// What stands behind this script, on a target that has `fare` and `log`.
    fn behind(sql: &str) -> Origins {
        let base = Script::parse("CREATE TABLE fare (id int, day date); CREATE TABLE log (id int);");
        let before = Catalog::replay("public", [("1", &base)]);
        let script = Script::parse(sql);
        assert_eq!(script.errors(), [], "{sql}");
        let mut end = before.clone();
        end.apply(&script, "2");
        let mut origins = Origins::default();
        before.clone().walk(&script, "2", |catalog, statement| {
            let scene = Scene::new(&script, statement, catalog, &end);
            origins.follow(&scene, &effects::of(&scene));
        });
        origins
    }

    fn object(name: &str) -> ObjectName {
        ObjectName { schema: "public".into(), name: name.into() }
    }

    #[test]
    fn a_new_table_is_filled_by_whatever_puts_rows_into_it() {
        const NEW: &str = "CREATE TABLE n (id int, day date);";
        const WRITER: &str = "CREATE FUNCTION w() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO n VALUES (1); RETURN NEW; END $$;";
        const READER: &str =
            "CREATE FUNCTION r() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := 1; RETURN NEW; END $$;";
        for (sql, filled) in [
            ("", false),
            ("INSERT INTO n SELECT * FROM fare;", true),
            ("INSERT INTO n TABLE fare;", true),
            ("INSERT INTO n VALUES (1, now());", false),
            ("COPY n FROM '/tmp/x';", true),
            ("COPY n (id, day) FROM '/tmp/x';", true),
            ("COPY n TO '/tmp/x';", false),
            ("COPY (SELECT 1) TO '/tmp/x';", false),
            ("DROP TABLE n; CREATE TABLE n AS SELECT * FROM fare;", true),
            ("DROP TABLE n; CREATE TABLE n AS SELECT * FROM fare WITH NO DATA;", false),
            ("DROP TABLE n; SELECT * INTO n FROM fare;", true),
            ("SELECT fill();", true),
            ("DO $$ BEGIN INSERT INTO n VALUES (1); END $$;", true),
            (
                "WITH a AS (INSERT INTO n SELECT * FROM fare RETURNING id) DELETE FROM fare USING a WHERE fare.id = a.id;",
                true,
            ),
            ("MERGE INTO n USING fare f ON n.id = f.id WHEN NOT MATCHED THEN INSERT VALUES (f.id, f.day);", true),
            ("CALL fill();", true),
            // what it is made a part of, and what is made a part of it
            (
                "CREATE TABLE p (id int, day date) PARTITION BY RANGE (day); ALTER TABLE p ATTACH PARTITION n DEFAULT; INSERT INTO p SELECT * FROM fare;",
                true,
            ),
            ("ALTER TABLE n INHERIT log; INSERT INTO log SELECT 1;", true),
            ("ALTER TABLE log INHERIT n;", true),
            ("DROP TABLE n; CREATE TABLE n PARTITION OF fare DEFAULT; INSERT INTO fare SELECT * FROM log;", true),
            ("DROP TABLE n; CREATE TABLE n (x int) INHERITS (log, fare);", true),
            // code that is made and run here
            (
                &format!(
                    "{WRITER} CREATE TRIGGER t AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION w(); INSERT INTO log VALUES (1);"
                ),
                true,
            ),
            (
                &format!(
                    "{WRITER} CREATE TRIGGER t AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION w(); ALTER TABLE log RENAME TO old; INSERT INTO old VALUES (1);"
                ),
                true,
            ),
            (
                &format!(
                    "{READER} CREATE TRIGGER t BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION r(); INSERT INTO log VALUES (1);"
                ),
                false,
            ),
            (
                "CREATE TRIGGER t AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION of_the_target(); INSERT INTO log VALUES (1);",
                true,
            ),
            (
                "CREATE RULE r AS ON INSERT TO log DO ALSO INSERT INTO n VALUES (NEW.id); INSERT INTO log VALUES (1);",
                true,
            ),
            (&format!("{} UPDATE log SET id = 1;", WRITER.replace("CREATE", "CREATE OR REPLACE")), true),
            (&format!("{} UPDATE log SET id = 1;", READER.replace("CREATE", "CREATE OR REPLACE")), false),
            (
                "CREATE FUNCTION w() RETURNS int LANGUAGE sql AS 'INSERT INTO n VALUES (1) RETURNING id'; UPDATE log SET id = w();",
                true,
            ),
            ("CREATE FUNCTION w() RETURNS int LANGUAGE sql AS 'SELECT 1'; UPDATE log SET id = w();", false),
            // a trigger of the target finds the table by its name
            (
                "ALTER TABLE log RENAME TO old; ALTER TABLE n RENAME TO log; UPDATE fare SET id = 2; ALTER TABLE log RENAME TO n;",
                true,
            ),
            ("UPDATE fare SET id = 2;", false),
        ] {
            let sql = format!("{NEW} {sql}");
            assert_eq!(behind(&sql).filled(&object("n")), filled, "{sql}");
        }
    }

    #[test]
    fn only_what_may_be_new_is_new() {
        assert_eq!(behind("CREATE TABLE n (id int);").table(&object("n")), None);
        // offline it is not known whether it was there
        assert_eq!(behind("CREATE TABLE IF NOT EXISTS n (id int);").table(&object("n")), Some(object("n")));
        assert_eq!(behind("CREATE TABLE IF NOT EXISTS fare (id int);").table(&object("fare")), Some(object("fare")));
        let swapped = behind("ALTER TABLE fare RENAME TO old; CREATE TABLE fare AS SELECT * FROM old;");
        assert_eq!((swapped.table(&object("fare")), swapped.table(&object("old"))), (None, Some(object("fare"))));
        assert!(swapped.filled(&object("fare")) && !swapped.filled(&object("old")));
    }

    #[test]
    fn what_leaves_rows_alone_writes_nothing() {
        for harmless in ["GRANT SELECT ON log TO PUBLIC;", "ANALYZE fare;", "CREATE POLICY p ON fare;", "SELECT 1;"] {
            let origins = behind(harmless);
            assert!(!origins.written(&object("fare")) && !origins.ran_code(), "{harmless}");
        }
        for writing in
            ["DELETE FROM fare;", "UPDATE fare SET id = 1;", "INSERT INTO fare VALUES (1);", "TRUNCATE fare;"]
        {
            assert!(behind(writing).written(&object("fare")), "{writing}");
            assert!(!behind(writing).written(&object("log")), "{writing}");
        }
    }
}
