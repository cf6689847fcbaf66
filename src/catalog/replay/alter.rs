//! `ALTER TABLE`, action by action.

use super::Replay;
use crate::catalog::{Certainty, Column, Constraint, Index, ObjectName, Table};
use crate::sql::tokens::{after, name, tokens};
use crate::sql::{Action, ActionKind, Name};

impl Replay<'_> {
    /// The actions come with the text that their ranges are about.
    pub(super) fn alter_table(
        &mut self,
        name: &Name,
        (actions, text): (&[Action], &str),
        (if_exists, only): (bool, bool),
    ) {
        let table = self.resolve(name);
        if self.catalog.sight.temporary.contains(&table.name) {
            return;
        }
        if self.catalog.tables.contains_key(&table) {
            for action in actions {
                if self.join_or_leave(&table, action, text) {
                    continue;
                }
                if only {
                    self.action(&table, &action.kind);
                } else {
                    self.act_through(&table, &action.kind);
                }
            }
        } else if self.is_relation(&table) {
            // `ALTER TABLE` also works on indexes, sequences and views
            for action in actions {
                if let ActionKind::RenameTable { to } = &action.kind {
                    self.rename_table(&table, to);
                }
            }
        } else if !if_exists {
            self.sketch(&table, actions);
            self.opaque(&format!("ALTER TABLE of the unknown table {name}"));
        }
    }

    /// What is added to an unknown table is known from then on.
    fn sketch(&mut self, table: &ObjectName, actions: &[Action]) {
        if !self.catalog.table(table).is_unknown() {
            return;
        }
        let unknown = || Table { certainty: Certainty::Partial, ..Table::default() };
        let sketch = self.catalog.sight.sketches.remove(table).unwrap_or_else(unknown);
        self.catalog.tables.insert(table.clone(), sketch);
        for action in actions {
            match &action.kind {
                ActionKind::AddColumn { .. }
                | ActionKind::DropColumn { .. }
                | ActionKind::AddConstraint(_)
                | ActionKind::DropConstraint { .. }
                | ActionKind::ValidateConstraint { .. }
                | ActionKind::RenameConstraint { .. }
                | ActionKind::SetNotNull { .. }
                | ActionKind::DropNotNull { .. }
                | ActionKind::SetType { .. } => self.action(table, &action.kind),
                _ => {}
            }
        }
        if let Some(sketch) = self.catalog.tables.remove(table) {
            self.catalog.sight.sketches.insert(table.clone(), sketch);
        }
    }

    pub(super) fn action(&mut self, table: &ObjectName, action: &ActionKind) {
        match action {
            ActionKind::AddColumn { column, if_not_exists } => {
                if *if_not_exists && self.column(table, &column.name).is_some() {
                    return;
                }
                self.add_column(table, column);
                for constraint in &column.constraints {
                    self.add_constraint(table, constraint);
                }
            }
            ActionKind::DropColumn { name, cascade, .. } => self.drop_column(table, name, *cascade),
            ActionKind::AddConstraint(constraint) => self.add_constraint(table, constraint),
            ActionKind::DropConstraint { name, cascade, .. } => self.drop_constraint(table, name, *cascade),
            ActionKind::ValidateConstraint { name } => {
                let table = self.catalog.tables.get_mut(table);
                if let Some(constraint) = table.and_then(|table| table.constraints.get_mut(name)) {
                    constraint.valid = true;
                }
            }
            ActionKind::RenameColumn { from, to } => self.rename_column(table, from, to),
            ActionKind::RenameTable { to } => self.rename_table(table, to),
            ActionKind::RenameConstraint { from, to } => {
                self.catalog.note_owner(table, to);
                let table = self.catalog.tables.get_mut(table);
                if let Some((table, constraint)) =
                    table.and_then(|table| table.constraints.remove(from).map(|it| (table, it)))
                {
                    table.constraints.insert(to.clone(), constraint);
                }
            }
            ActionKind::SetSchema { schema } => self.set_schema(table, schema),
            ActionKind::Other { words } => {
                if ["ATTACH", "DETACH", "OF", "NOT OF", "MERGE", "SPLIT", "ALTER COLUMN DROP EXPRESSION"]
                    .iter()
                    .any(|start| words.starts_with(start))
                {
                    self.opaque(&format!("ALTER TABLE {words}"));
                }
            }
            other => self.alter_column(table, other),
        }
    }

    fn alter_column(&mut self, table: &ObjectName, action: &ActionKind) {
        match action {
            ActionKind::SetType { column, data_type, .. } => {
                let data_type = self.bind_type(data_type);
                self.change(table, column, |column| column.data_type = data_type);
            }
            ActionKind::SetNotNull { column } => self.change(table, column, |column| column.not_null = true),
            ActionKind::DropNotNull { column } => self.change(table, column, |column| column.not_null = false),
            ActionKind::SetDefault { column, default } => {
                let default = self.bind_default(default);
                self.change(table, column, |column| column.default = default);
            }
            ActionKind::DropDefault { column } => self.change(table, column, |column| column.default = None),
            ActionKind::AddIdentity { column } => {
                self.own_sequence(table, column);
                self.change(table, column, |column| column.identity = true);
            }
            ActionKind::DropIdentity { column } => {
                self.drop_owned_sequences(table, Some(column));
                self.change(table, column, |column| column.identity = false);
            }
            _ => {}
        }
    }

    /// `ATTACH PARTITION name bound`, `DETACH PARTITION name`, `[NO] INHERIT name`; false where it is none of them, or does more
    /// than can be followed.
    fn join_or_leave(&mut self, whole: &ObjectName, action: &Action, text: &str) -> bool {
        let ActionKind::Other { words } = &action.kind else { return false };
        if words.starts_with("INHERIT") || words.starts_with("NO INHERIT") {
            let tokens = tokens(text.get(action.range.clone()).unwrap_or_default());
            if let Some((parent, _)) = after(&tokens, "inherit").and_then(name) {
                let parent = self.resolve(&parent);
                self.join_or_leave_parent(whole, parent, words.starts_with("INHERIT"));
                return true;
            }
        }
        let attach = words.starts_with("ATTACH PARTITION");
        if !attach && !words.starts_with("DETACH PARTITION") {
            return false;
        }
        let text = text.get(action.range.clone()).unwrap_or_default();
        let tokens = tokens(text);
        let Some((part, bound)) = after(&tokens, "partition").and_then(name) else { return false };
        let part = self.resolve(&part);
        let bound = bound.first().and_then(|token| text.get(token.start..)).unwrap_or_default();
        let given = attach && self.is_given_more(whole, &part);
        let Some(part) = self.catalog.tables.get_mut(&part) else { return false };
        part.partition.of = attach.then(|| (whole.clone(), bound.to_owned()));
        !given
    }

    /// Whether a partition lacks a constraint or an index that its whole has, and is given it under some name.
    fn is_given_more(&self, whole: &ObjectName, part: &ObjectName) -> bool {
        let (Some(whole), Some(part)) = (self.catalog.tables.get(whole), self.catalog.tables.get(part)) else {
            return true;
        };
        let has = |of: &Constraint| part.constraints.values().any(|own| own.same(of));
        let indexed = |of: &Index| part.indexes.values().any(|own| own.same(of));
        whole.certainty != Certainty::Whole
            || part.certainty != Certainty::Whole
            || !whole.constraints.values().all(has)
            || !whole.indexes.values().all(indexed)
    }

    fn column(&self, table: &ObjectName, column: &str) -> Option<&Column> {
        self.catalog.tables.get(table)?.columns.get(column)
    }

    fn change(&mut self, table: &ObjectName, column: &str, change: impl FnOnce(&mut Column)) {
        if let Some(column) = self.catalog.tables.get_mut(table).and_then(|table| table.columns.get_mut(column)) {
            change(column);
        }
    }
}
