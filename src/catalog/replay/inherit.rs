//! Tables that inherit from others, and partitions: what they get from them, and what happens to them with them.

use std::collections::BTreeMap;

use super::Replay;
use crate::catalog::{Certainty, Column, Constraint, ObjectName, Table};
use crate::sql::{ActionKind, ConstraintKind, Name};

impl Replay<'_> {
    /// `INHERITS (…)` of a new table: columns with what belongs to them, and checks. Keys and indexes are not inherited.
    pub(super) fn inherit(&mut self, name: &ObjectName, parents: &[Name]) {
        let mut whole = true;
        for parent in parents {
            let parent = self.resolve(parent);
            let Some(known) = self.catalog.tables.get(&parent).cloned() else {
                whole = false;
                self.opaque(&format!("columns of table {} from elsewhere", name.name));
                continue;
            };
            whole &= known.certainty == Certainty::Whole;
            let Some(own) = self.catalog.tables.get_mut(name) else { return };
            let mut columns: Vec<(&String, &Column)> = known.columns.iter().collect();
            columns.sort_by_key(|(_, column)| column.position);
            for (column, definition) in columns {
                own.inheritance.columns.insert(column.clone());
                let position = own.columns.len();
                own.columns.entry(column.clone()).or_insert_with(|| Column {
                    position: u32::try_from(position).unwrap_or(u32::MAX),
                    // it does not count by itself
                    identity: false,
                    ..definition.clone()
                });
            }
            own.constraints.extend(checks(&known.constraints));
            own.inheritance.from.push(parent);
            self.catalog.sight.inherits = true;
        }
        if let (false, Some(own)) = (whole, self.catalog.tables.get_mut(name))
            && own.certainty == Certainty::Whole
        {
            own.certainty = Certainty::Partial;
        }
    }

    /// `INHERIT parent`, `NO INHERIT parent`: the columns stay, as the table's own.
    pub(super) fn join_or_leave_parent(&mut self, table: &ObjectName, parent: ObjectName, joins: bool) {
        let Some(own) = self.catalog.tables.get_mut(table) else { return };
        own.inheritance.from.retain(|other| *other != parent);
        if joins {
            own.inheritance.from.push(parent);
            self.catalog.sight.inherits = true;
            return;
        }
        let from = own.inheritance.from.clone();
        let left = |column: &String| {
            from.iter()
                .any(|other| self.catalog.tables.get(other).is_some_and(|other| other.columns.contains_key(column)))
        };
        let kept =
            self.catalog.tables.get(table).map(|own| own.inheritance.columns.iter().filter(|own| left(own)).cloned());
        let kept = kept.map(Iterator::collect);
        if let (Some(kept), Some(own)) = (kept, self.catalog.tables.get_mut(table)) {
            own.inheritance.columns = kept;
        }
    }

    /// An action on a table, and what it does to those that inherit from it and to its partitions.
    pub(super) fn act_through(&mut self, table: &ObjectName, action: &ActionKind) {
        let heirs = self.catalog.reached_by(table, action);
        let partitions = self.catalog.partitions_reached_by(table, action);
        if heirs.is_empty() && partitions.is_empty() {
            return self.action(table, action);
        }
        if !matches!(action, ActionKind::AddColumn { .. } | ActionKind::AddConstraint(_)) {
            // before its own are gone
            for heir in &heirs {
                self.action(heir, action);
                self.forget_inherited(heir, action);
            }
            for partition in &partitions {
                self.action(partition, action);
            }
            return self.action(table, action);
        }
        let before = self.catalog.tables.get(table).cloned().unwrap_or_default();
        self.action(table, action);
        for below in heirs.iter().chain(&partitions) {
            self.add_below(table, &before, below);
        }
        if let ActionKind::AddColumn { column, .. } = action {
            for heir in &heirs {
                if let Some(own) = self.catalog.tables.get_mut(heir) {
                    own.inheritance.columns.insert(column.name.clone());
                }
            }
        }
    }

    /// Gives a table below another what that one has more than `before`: columns, and checks under the same names. Keys and sequences
    /// are its alone.
    fn add_below(&mut self, table: &ObjectName, before: &Table, below: &ObjectName) {
        let Some(now) = self.catalog.tables.get(table) else { return };
        let columns = now.columns.iter().filter(|(name, _)| !before.columns.contains_key(*name));
        let columns: Vec<(String, Column)> =
            columns.map(|(name, own)| (name.clone(), Column { identity: false, ..own.clone() })).collect();
        let checks = checks(&now.constraints).filter(|(name, _)| !before.constraints.contains_key(name));
        let checks: Vec<(String, Constraint)> = checks.collect();
        for (name, _) in &checks {
            self.catalog.note_owner(below, name);
        }
        let Some(below) = self.catalog.tables.get_mut(below) else { return };
        for (name, column) in columns {
            let position = below.columns.values().map(|column| column.position + 1).max().unwrap_or(0);
            below.columns.entry(name).or_insert(Column { position, ..column });
        }
        for (name, check) in checks {
            below.constraints.entry(name).or_insert(check);
        }
    }

    fn forget_inherited(&mut self, heir: &ObjectName, action: &ActionKind) {
        let Some(own) = self.catalog.tables.get_mut(heir) else { return };
        match action {
            ActionKind::DropColumn { name, .. } => {
                own.inheritance.columns.remove(name);
            }
            ActionKind::RenameColumn { from, to } if own.inheritance.columns.remove(from) => {
                own.inheritance.columns.insert(to.clone());
            }
            _ => {}
        }
    }
}

fn checks(constraints: &BTreeMap<String, Constraint>) -> impl Iterator<Item = (String, Constraint)> {
    let checks = constraints.iter().filter(|(_, own)| matches!(own.kind, ConstraintKind::Check { .. }));
    checks.map(|(name, own)| (name.clone(), own.clone()))
}

impl crate::catalog::Catalog {
    /// The tables that inherit from a table and to which an action on it happens too, from one to the next.
    pub fn reached_by(&self, table: &ObjectName, action: &ActionKind) -> Vec<ObjectName> {
        let mut found: Vec<ObjectName> = Vec::new();
        if !self.sight.inherits {
            return found;
        }
        let mut waiting = vec![table.clone()];
        while let Some(parent) = waiting.pop() {
            let own = self.tables.iter().filter(|(_, own)| own.inheritance.from.contains(&parent));
            let new = own.map(|(name, _)| name).filter(|name| !found.contains(name) && self.passes_to(name, action));
            let new: Vec<ObjectName> = new.cloned().collect();
            waiting.extend(new.iter().cloned());
            found.extend(new);
        }
        found
    }

    /// The partitions of a table to which an action on it happens too. All their columns are the table's.
    fn partitions_reached_by(&self, table: &ObjectName, action: &ActionKind) -> Vec<ObjectName> {
        if self.tables.get(table).is_none_or(|own| own.partition.key.is_none()) {
            return Vec::new();
        }
        let mut partitions = self.partitions(table);
        let goes = |partition: &ObjectName, column: &String| {
            self.tables.get(partition).is_some_and(|own| own.columns.contains_key(column))
        };
        partitions.retain(|partition| match action {
            ActionKind::DropColumn { name, .. } => goes(partition, name),
            _ => self.passes_to(partition, action),
        });
        partitions
    }

    /// Whether an action on a table happens to one that inherits from it, too.
    fn passes_to(&self, heir: &ObjectName, action: &ActionKind) -> bool {
        let Some(own) = self.tables.get(heir) else { return false };
        let parents = || own.inheritance.from.iter().filter_map(|parent| self.tables.get(parent));
        match action {
            // there already, it is merged
            ActionKind::AddColumn { column, .. } => !own.columns.contains_key(&column.name),
            // one that it has by itself, or from another table too, stays
            ActionKind::DropColumn { name, .. } => {
                own.inheritance.columns.contains(name)
                    && parents().filter(|parent| parent.columns.contains_key(name)).count() < 2
            }
            ActionKind::AddConstraint(constraint) => matches!(constraint.kind, ConstraintKind::Check { .. }),
            ActionKind::DropConstraint { name, .. } | ActionKind::ValidateConstraint { name } => {
                own.constraints.get(name).is_some_and(|own| matches!(own.kind, ConstraintKind::Check { .. }))
            }
            ActionKind::SetType { column, .. }
            | ActionKind::SetNotNull { column }
            | ActionKind::DropNotNull { column }
            | ActionKind::SetDefault { column, .. }
            | ActionKind::DropDefault { column } => own.columns.contains_key(column),
            ActionKind::RenameColumn { from, .. } => own.columns.contains_key(from),
            ActionKind::RenameTable { .. }
            | ActionKind::RenameConstraint { .. }
            | ActionKind::SetSchema { .. }
            | ActionKind::AddIdentity { .. }
            | ActionKind::DropIdentity { .. }
            | ActionKind::Other { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::{Catalog, Certainty, ObjectName};
    use crate::sql::Script;

    const INIT: &str = "CREATE TABLE a (id INT, x TEXT, y INT CHECK (y > 0)); CREATE TABLE b (y INT, z INT) INHERITS (a); \
                        CREATE TABLE c () INHERITS (b);";

    fn object(name: &str) -> ObjectName {
        ObjectName { schema: "public".into(), name: name.into() }
    }

    fn after(sql: &str) -> Catalog {
        let script = Script::parse(format!("{INIT} {sql}"));
        assert_eq!(script.errors(), [], "{sql}");
        Catalog::replay("public", [("1", &script)])
    }

    fn columns(catalog: &Catalog, table: &str) -> Vec<String> {
        catalog.tables.get(&object(table)).unwrap().columns.keys().cloned().collect()
    }

    #[test]
    fn a_table_has_the_columns_of_those_it_inherits_from() {
        let catalog = after("");
        assert_eq!(columns(&catalog, "c"), ["id", "x", "y", "z"]);
        assert_eq!(catalog.tables.get(&object("c")).unwrap().certainty, Certainty::Whole);
        assert!(catalog.opaque.is_empty(), "{:?}", catalog.opaque);
        assert_eq!(catalog.heirs(&object("a")), [object("b"), object("c")]);
        assert_eq!(columns(&after("ALTER TABLE a DROP COLUMN x;"), "c"), ["id", "y", "z"]);
        // its own stay
        assert_eq!(columns(&after("ALTER TABLE a DROP COLUMN y;"), "b"), ["id", "x", "y", "z"]);
        assert_eq!(columns(&after("ALTER TABLE ONLY a DROP COLUMN x;"), "b"), ["id", "x", "y", "z"]);
        assert_eq!(
            columns(&after("ALTER TABLE a RENAME x TO w; ALTER TABLE a ADD v INT;"), "c"),
            ["id", "v", "w", "y", "z"]
        );
        let left = after("ALTER TABLE b NO INHERIT a; ALTER TABLE a DROP COLUMN x;");
        assert_eq!(
            (columns(&left, "b"), left.heirs(&object("a"))),
            (vec!["id".into(), "x".into(), "y".into(), "z".into()], vec![])
        );
        let joined =
            after("CREATE TABLE d (id INT, x TEXT, y INT); ALTER TABLE d INHERIT a; ALTER TABLE a RENAME TO e;");
        assert!(joined.heirs(&object("e")).contains(&object("d")));
        assert!(!after("DROP TABLE a CASCADE;").tables.contains_key(&object("c")));
    }
}
