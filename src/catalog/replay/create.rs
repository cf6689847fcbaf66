//! Tables, indexes and sequences come into being.

use std::iter;

use super::Replay;
use crate::catalog::{Certainty, Index, ObjectName, Partition, Table, expressions};
use crate::sql::naming::chosen_name;
use crate::sql::{ColumnDef, ConstraintDef, CreateIndex, DefaultName, IndexKey, Name, SequenceOwner, StatementKind};

/// What the keys of an index are called in its name (`ChooseIndexColumnNames`): the column, the function, or `expr`;
/// with a number at the second of the same name.
fn key_names(keys: &[IndexKey]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for key in keys {
        let base = key.column.clone().or_else(|| expressions::called(&key.text)).unwrap_or_else(|| "expr".to_owned());
        let numbered = (1..).map(|number| format!("{base}{number}"));
        let name = iter::once(base.clone()).chain(numbered).find(|name| !names.contains(name));
        names.extend(name);
    }
    names
}

impl Replay<'_> {
    /// Follows a `CREATE TABLE` that is not temporary.
    pub(super) fn create_table(&mut self, statement: &StatementKind) {
        let StatementKind::CreateTable { table, if_not_exists, columns, constraints, as_query, inherits, .. } =
            statement
        else {
            return;
        };
        let name = self.catalog.made(table);
        if !(*if_not_exists && self.is_relation(&name)) {
            // where it is not known whether it was there, this definition may not be the table's
            let doubtful = *if_not_exists && self.catalog.table(&name).is_unknown();
            let certainty = if doubtful { Certainty::Doubtful } else { Certainty::Whole };
            let partition = self.partition(statement);
            self.catalog.tables.insert(name.clone(), Table { certainty, partition, ..Table::default() });
            self.inherit(&name, inherits);
            self.fill_table(&name, columns, constraints);
        }
        if *as_query {
            if let Some(known) = self.catalog.tables.get_mut(&name)
                && known.certainty == Certainty::Whole
            {
                known.certainty = Certainty::Partial;
            }
            self.opaque(&format!("columns of table {} from elsewhere", table.name));
        }
    }

    fn partition(&self, statement: &StatementKind) -> Partition {
        match statement {
            StatementKind::CreateTable { partition_by, partition_of, .. } => Partition {
                key: partition_by.clone(),
                of: partition_of.as_ref().map(|(whole, bound)| (self.resolve(whole), bound.clone())),
            },
            _ => Partition::default(),
        }
    }

    fn fill_table(&mut self, name: &ObjectName, columns: &[ColumnDef], constraints: &[ConstraintDef]) {
        for column in columns {
            self.add_column(name, column);
            // written here, it is the table's own, whatever it inherits
            if let Some(table) = self.catalog.tables.get_mut(name) {
                table.inheritance.columns.remove(&column.name);
            }
        }
        let of_columns = columns.iter().flat_map(|column| &column.constraints);
        for constraint in of_columns.chain(constraints) {
            // a new table is empty: PostgreSQL takes NOT VALID constraints for valid here
            self.add_constraint(name, &ConstraintDef { not_valid: false, ..constraint.clone() });
        }
    }

    pub(super) fn create_index(&mut self, index: &CreateIndex) {
        let table = self.resolve(&index.table);
        if self.catalog.sight.temporary.contains(&table.name) || self.catalog.views.contains(&table) {
            return;
        }
        if !self.catalog.tables.contains_key(&table) {
            self.opaque(&format!("CREATE INDEX on the unknown table {}", index.table));
            return;
        }
        let name = index.name.clone().unwrap_or_else(|| {
            let columns = key_names(&index.keys);
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            self.choose_relation(DefaultName::Index, &table, &columns)
        });
        let own = ObjectName { schema: table.schema.clone(), name };
        if index.if_not_exists && self.is_relation(&own) {
            return;
        }
        let value = Index {
            unique: index.unique,
            method: index.method.clone(),
            keys: index.keys.clone(),
            include: index.include.clone(),
            predicate: index.predicate.clone(),
            nulls_not_distinct: index.nulls_not_distinct,
        };
        self.catalog.note_owner(&table, &own.name);
        if let Some(table) = self.catalog.tables.get_mut(&table) {
            table.indexes.insert(own.name, value);
        }
    }

    pub(super) fn create_sequence(&mut self, name: &Name, owner: Option<&SequenceOwner>) {
        let name = self.catalog.made(name);
        let owner = self.owner(owner).flatten();
        // IF NOT EXISTS keeps what is there; without it PostgreSQL would have refused
        self.catalog.sequences.entry(name).or_insert(owner);
    }

    pub(super) fn alter_sequence(
        &mut self,
        name: &Name,
        rename_to: Option<&str>,
        set_schema: Option<&str>,
        owner: Option<&SequenceOwner>,
    ) {
        let name = self.resolve(name);
        if let (Some(new), Some(owner)) = (self.owner(owner), self.catalog.sequences.get_mut(&name)) {
            *owner = new;
        }
        if rename_to.is_some() || set_schema.is_some() {
            let to = ObjectName {
                schema: set_schema.unwrap_or(&name.schema).to_owned(),
                name: rename_to.unwrap_or(&name.name).to_owned(),
            };
            self.move_sequence(&name, to);
        }
    }

    fn owner(&self, owner: Option<&SequenceOwner>) -> Option<Option<(ObjectName, String)>> {
        owner.map(|owner| match owner {
            SequenceOwner::Nobody => None,
            SequenceOwner::Column(table, column) => Some((self.resolve(table), column.clone())),
        })
    }

    /// A sequence for a `SERIAL` or identity column.
    pub(super) fn own_sequence(&mut self, table: &ObjectName, column: &str) -> ObjectName {
        let name = self.choose_relation(DefaultName::Sequence, table, &[column]);
        let sequence = ObjectName { schema: table.schema.clone(), name };
        self.catalog.sequences.insert(sequence.clone(), Some((table.clone(), column.to_owned())));
        sequence
    }

    /// A free relation name, as `ChooseRelationName` takes it.
    pub(super) fn choose_relation(&self, kind: DefaultName, table: &ObjectName, columns: &[&str]) -> String {
        chosen_name(kind, &table.name, columns, |name| {
            self.is_relation(&ObjectName { schema: table.schema.clone(), name: name.to_owned() })
        })
    }

    /// A free constraint name, as `ChooseConstraintName` takes it.
    pub(super) fn choose_constraint(&self, kind: DefaultName, table: &ObjectName, columns: &[&str]) -> String {
        chosen_name(kind, &table.name, columns, |name| {
            if !self.catalog.may_own(&ObjectName { schema: table.schema.clone(), name: name.to_owned() }) {
                return false;
            }
            let tables = self.catalog.tables.iter().filter(|(other, _)| other.schema == table.schema);
            tables.map(|(_, table)| table).any(|table| table.constraints.contains_key(name))
        })
    }

    /// Whether a table, index, sequence or view has this name: they share one name space.
    pub(super) fn is_relation(&self, name: &ObjectName) -> bool {
        self.catalog.tables.contains_key(name)
            || self.catalog.sequences.contains_key(name)
            || self.catalog.views.contains(name)
            || self.catalog.table_of_index(name).is_some()
    }

    /// The columns of a table that a text mentions.
    pub(super) fn mentioned(&self, table: &ObjectName, text: &str) -> Vec<String> {
        let columns = self.catalog.tables.get(table).into_iter().flat_map(|table| table.columns.keys());
        columns.filter(|column| expressions::mentions(text, column)).cloned().collect()
    }
}
