//! Several migrations that are deployed one after another, judged as what they come to together: each may be fine by itself.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::ObjectName;
use crate::rules::Step;
use crate::rules::locks::{Hold, KeepsOut, rewritten};
use crate::sql::{Action, ActionKind, CreateIndex, Name, StatementKind};

/// Two migrations on one table are what every release brings: worth a line where they are known to take a while, and where that is not
/// known, or they take a moment, only more of them.
const LONG: usize = 2;
const SHORT: usize = 3;

/// What migrations come to together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remark {
    pub kind: Kind,
    /// As findings name it: `Song`, `Song.artist`, an index's name.
    pub object: String,
    /// In the order in which they are applied.
    pub migrations: Vec<String>,
    /// A sentence, with what to do.
    pub message: String,
}

/// What was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A table is locked again and again.
    Locked,
    /// An index is built, and then written again with its table.
    Rebuilt,
    /// Something is made and dropped again.
    Undone,
}

/// Follows the statements of all of them.
#[derive(Debug, Default)]
pub(super) struct Together {
    remarks: Vec<Remark>,
    /// By the present name, as everything below.
    locked: BTreeMap<ObjectName, Locked>,
    /// What these migrations have made, with the migration that did.
    tables: BTreeMap<ObjectName, String>,
    columns: BTreeMap<(ObjectName, String), String>,
    indexes: BTreeMap<ObjectName, Index>,
    /// Of the migration at hand: tables that it holds locked.
    held: Vec<ObjectName>,
    migration: String,
}

#[derive(Debug)]
struct Index {
    table: ObjectName,
    migration: String,
}

/// A table that stands on the target, and is not small.
#[derive(Debug)]
struct Locked {
    label: String,
    /// Each with its strongest lock.
    migrations: Vec<(String, KeepsOut)>,
    /// Together; none where its size is not known.
    seconds: Option<u64>,
}

impl Together {
    /// One statement, with what it locks.
    pub(super) fn follow(&mut self, step: &Step<'_>, hold: &Hold) {
        if self.migration != step.subject.migration {
            step.subject.migration.clone_into(&mut self.migration);
            self.held.clear();
        }
        self.lock(hold);
        match &step.statement.kind {
            StatementKind::CreateTable { table, if_not_exists, temporary: false, .. } => {
                let table = step.catalog.made(table);
                if !if_not_exists || step.catalog.table(&table).is_absent() {
                    self.tables.insert(table, self.migration.clone());
                }
            }
            StatementKind::CreateIndex(index) => self.build(step, index),
            StatementKind::DropIndex { indexes, .. } => {
                for index in indexes {
                    self.drop_index(step, &step.catalog.resolve(index));
                }
            }
            StatementKind::RenameIndex { index, to } => {
                let index = step.catalog.resolve(index);
                if let Some(built) = self.indexes.remove(&index) {
                    self.indexes.insert(ObjectName { name: to.clone(), ..index }, built);
                }
            }
            StatementKind::DropTable { tables, .. } => {
                for table in tables {
                    self.drop_table(step, table);
                }
            }
            StatementKind::AlterTable { table, actions, .. } => {
                let mut table = step.catalog.resolve(table);
                for action in actions {
                    self.alter(step, &mut table, action);
                }
            }
            _ => {}
        }
    }

    fn lock(&mut self, hold: &Hold) {
        for (table, keeps_out, small) in &hold.taken {
            if *small || self.tables.contains_key(&table.name) {
                continue;
            }
            let locked = self.locked.entry(table.name.clone()).or_insert_with(|| Locked {
                label: table.label.clone(),
                migrations: Vec::new(),
                seconds: table.rows.map(|_| 0),
            });
            match locked.migrations.last_mut() {
                Some((migration, strongest)) if *migration == self.migration => {
                    *strongest = (*strongest).max(*keeps_out);
                }
                _ => locked.migrations.push((self.migration.clone(), *keeps_out)),
            }
            table.label.clone_into(&mut locked.label);
            if !self.held.contains(&table.name) {
                self.held.push(table.name.clone());
            }
        }
        // a lock is held until the transaction ends, whatever table the work is on
        for (_, seconds) in &hold.worked {
            for table in &self.held {
                let Some(locked) = self.locked.get_mut(table) else { continue };
                locked.seconds = locked.seconds.zip(*seconds).map(|(sum, more)| sum + more);
            }
        }
    }

    fn build(&mut self, step: &Step<'_>, index: &CreateIndex) {
        let Some(name) = &index.name else { return };
        let table = step.catalog.resolve(&index.table);
        let name = ObjectName { schema: table.schema.clone(), name: name.clone() };
        // on a new table it costs nothing
        if !self.tables.contains_key(&table) {
            self.indexes.insert(name, Index { table, migration: self.migration.clone() });
        }
    }

    fn drop_index(&mut self, step: &Step<'_>, name: &ObjectName) {
        let Some(index) = self.indexes.remove(name) else { return };
        let what = format!("index `{}` on `{}` is built", name.name, step.subject.label(&index.table));
        self.undone(name.name.clone(), &what, index.migration);
    }

    fn drop_table(&mut self, step: &Step<'_>, table: &Name) {
        let table = step.catalog.resolve(table);
        let label = step.subject.label(&table);
        let indexes: Vec<ObjectName> =
            self.indexes.iter().filter(|(_, index)| index.table == table).map(|(name, _)| name.clone()).collect();
        let columns: Vec<(ObjectName, String)> =
            self.columns.keys().filter(|(own, _)| *own == table).cloned().collect();
        let made = self.tables.remove(&table);
        let new = made.is_some();
        if let Some(migration) = made {
            self.undone(label.clone(), &format!("table `{label}` is created"), migration);
        }
        // what a table that was there before takes along was made in vain
        for name in indexes {
            self.drop_index(step, &name);
        }
        for key in columns {
            self.drop_column(step, key, new);
        }
    }

    fn drop_column(&mut self, step: &Step<'_>, key: (ObjectName, String), silent: bool) {
        let Some(migration) = self.columns.remove(&key).filter(|_| !silent) else { return };
        let label = step.subject.label(&key.0);
        self.undone(format!("{label}.{}", key.1), &format!("column `{}` of `{label}` is added", key.1), migration);
    }

    fn undone(&mut self, object: String, what: &str, made: String) {
        if made == self.migration {
            return;
        }
        let message = format!(
            "{what} in {made} and dropped again in {}: leave both out, unless something between them needs it",
            self.migration
        );
        self.remarks.push(Remark {
            kind: Kind::Undone,
            object,
            migrations: vec![made, self.migration.clone()],
            message,
        });
    }

    fn alter(&mut self, step: &Step<'_>, table: &mut ObjectName, action: &Action) {
        match &action.kind {
            ActionKind::AddColumn { column, if_not_exists }
                if !*if_not_exists || step.catalog.column(table, &column.name).is_absent() =>
            {
                self.columns.insert((table.clone(), column.name.clone()), self.migration.clone());
            }
            ActionKind::DropColumn { name, .. } => self.drop_column(step, (table.clone(), name.clone()), false),
            ActionKind::RenameColumn { from, to } => {
                if let Some(migration) = self.columns.remove(&(table.clone(), from.clone())) {
                    self.columns.insert((table.clone(), to.clone()), migration);
                }
            }
            kind if rewritten(step, table, kind) => self.rewrite(step, table),
            kind => {
                if let Some(to) = kind.moved(table) {
                    self.rename(table, to);
                }
            }
        }
    }

    /// A table that is written again has its indexes built again.
    fn rewrite(&mut self, step: &Step<'_>, table: &ObjectName) {
        for (name, index) in self.indexes.iter().filter(|(_, index)| index.table == *table) {
            let (made, again) = (&index.migration, &self.migration);
            let known = |remark: &Remark| remark.object == name.name && remark.migrations.last() == Some(again);
            if made == again || self.remarks.iter().any(known) {
                continue;
            }
            self.remarks.push(Remark {
                kind: Kind::Rebuilt,
                object: name.name.clone(),
                migrations: vec![made.clone(), again.clone()],
                message: format!(
                    "index `{}` is built in {made} and once more in {again}, which rewrites `{}`: build it after that",
                    name.name,
                    step.subject.label(table)
                ),
            });
        }
    }

    fn rename(&mut self, table: &mut ObjectName, to: ObjectName) {
        let from = std::mem::replace(table, to.clone());
        if let Some(migration) = self.tables.remove(&from) {
            self.tables.insert(to.clone(), migration);
        }
        if let Some(locked) = self.locked.remove(&from) {
            self.locked.insert(to.clone(), locked);
        }
        for held in self.held.iter_mut().filter(|held| **held == from) {
            held.clone_from(&to);
        }
        for index in self.indexes.values_mut().filter(|index| index.table == from) {
            index.table = to.clone();
        }
        let columns = std::mem::take(&mut self.columns).into_iter();
        let renamed = |((own, column), migration): ((ObjectName, String), String)| {
            ((if own == from { to.clone() } else { own }, column), migration)
        };
        self.columns = columns.map(renamed).collect();
    }

    /// What is to be said; nothing where nothing is.
    pub(super) fn remarks(self) -> Vec<Remark> {
        let often = |locked: &Locked| {
            locked.migrations.len() >= if locked.seconds.is_some_and(|seconds| seconds > 0) { LONG } else { SHORT }
        };
        let locks = self.locked.into_values().filter(often).map(|locked| {
            let time = match locked.seconds {
                Some(0) => "for a moment each".to_owned(),
                Some(seconds) => format!("about {seconds} s in all"),
                None => "for how long is not known".to_owned(),
            };
            let blocks = |whom| locked.migrations.iter().any(|(_, strongest)| *strongest == whom);
            let who = match (blocks(KeepsOut::Everybody), blocks(KeepsOut::Writers)) {
                (true, true) => "writes, and in part all access",
                (true, false) => "all access",
                (false, _) => "writes",
            };
            let migrations: Vec<String> = locked.migrations.into_iter().map(|(migration, _)| migration).collect();
            let message = format!(
                "`{}` is locked in {} migrations ({}), which blocks {who}, {time}: in one migration its lock is waited for once",
                locked.label,
                migrations.len(),
                migrations.join(", ")
            );
            Remark { kind: Kind::Locked, object: locked.label, migrations, message }
        });
        locks.chain(self.remarks).collect()
    }
}
