//! Unknown objects that a statement is about: no migration makes them, and the target was not
//! asked.

use std::fmt;

use crate::catalog::{Catalog, Known, ObjectName};
use crate::sql::{ActionKind, Name, Statement, StatementKind};

/// What kind of object is unknown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Table,
    /// Of the table that the reference names.
    Column(String),
    Index,
    /// A constraint of the table that the reference names.
    Constraint(String),
    Type,
    Schema,
}

/// An object that a statement names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    pub kind: Kind,
    pub name: ObjectName,
}

impl Reference {
    /// As an acceptance names it: `Song`, `Song.artist`; the default schema is left out.
    pub fn label(&self, default_schema: &str) -> String {
        let name = match &self.name {
            ObjectName { schema, name } if schema == default_schema || self.kind == Kind::Schema => name.clone(),
            qualified => qualified.to_string(),
        };
        match &self.kind {
            Kind::Column(part) | Kind::Constraint(part) => format!("{name}.{part}"),
            Kind::Table | Kind::Index | Kind::Type | Kind::Schema => name,
        }
    }

    /// `column`
    pub fn word(&self) -> &'static str {
        match self.kind {
            Kind::Table => "table",
            Kind::Column(_) => "column",
            Kind::Index => "index",
            Kind::Constraint(_) => "constraint",
            Kind::Type => "type",
            Kind::Schema => "schema",
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.word(), self.label(""))
    }
}

/// The objects that a statement needs, where it is not known whether they exist, or how they are defined.
pub fn named(statement: &Statement, before: &Catalog) -> Vec<Reference> {
    let table = |name: &Name| {
        let name = before.resolve(name);
        matches!(before.table(&name), Known::Unknown).then_some(Reference { kind: Kind::Table, name })
    };
    let of_type = |name: &Name| {
        let name = before.resolve(name);
        before.is_type_unknown(&name).then_some(Reference { kind: Kind::Type, name })
    };
    match &statement.kind {
        StatementKind::AlterTable { table: name, actions, .. } => match table(name) {
            Some(reference) => vec![reference],
            None => actions.iter().filter_map(|action| part(&action.kind, &before.resolve(name), before)).collect(),
        },
        StatementKind::DropTable { tables, .. } | StatementKind::Truncate { tables, .. } => {
            tables.iter().filter_map(table).collect()
        }
        StatementKind::Insert { table: name }
        | StatementKind::Update { table: name, .. }
        | StatementKind::Delete { table: name, .. } => table(name).into_iter().collect(),
        StatementKind::CreateIndex(index) => table(&index.table).into_iter().collect(),
        StatementKind::CreateTrigger { table: name, .. } => table(name).into_iter().collect(),
        StatementKind::AddEnumValue { name, .. }
        | StatementKind::RenameEnumValue { name, .. }
        | StatementKind::RenameType { name, .. }
        | StatementKind::SetTypeSchema { name, .. } => of_type(name).into_iter().collect(),
        StatementKind::DropType { names, .. } => names.iter().filter_map(of_type).collect(),
        StatementKind::DropIndex { indexes, .. } => {
            let unknown = |name: &Name| {
                let name = before.resolve(name);
                matches!(before.index_owner(&name), Known::Unknown).then_some(Reference { kind: Kind::Index, name })
            };
            indexes.iter().filter_map(unknown).collect()
        }
        // what a view, a function or a query reads is not changed by it; a schema is named with everything in it
        StatementKind::CreateSchema { .. }
        | StatementKind::DropSchema { .. }
        | StatementKind::CreateTable { .. }
        | StatementKind::RenameIndex { .. }
        | StatementKind::CreateEnum { .. }
        | StatementKind::CreateDomain { .. }
        | StatementKind::CreateComposite { .. }
        | StatementKind::CreateSequence { .. }
        | StatementKind::AlterSequence { .. }
        | StatementKind::DropSequence { .. }
        | StatementKind::CreateView { .. }
        | StatementKind::RenameView { .. }
        | StatementKind::DropView { .. }
        | StatementKind::CreateExtension { .. }
        | StatementKind::DropExtension { .. }
        | StatementKind::CreateFunction { .. }
        | StatementKind::Do { .. }
        | StatementKind::Select
        | StatementKind::Begin
        | StatementKind::Commit
        | StatementKind::Rollback
        | StatementKind::Set { .. }
        | StatementKind::Comment
        | StatementKind::Other { .. } => Vec::new(),
    }
}

/// The column that an action of a known table is about, where that is unknown.
fn part(action: &ActionKind, table: &ObjectName, before: &Catalog) -> Option<Reference> {
    let column = match action {
        ActionKind::SetType { column, .. }
        | ActionKind::SetNotNull { column }
        | ActionKind::DropNotNull { column }
        | ActionKind::SetDefault { column, .. }
        | ActionKind::DropDefault { column }
        | ActionKind::AddIdentity { column }
        | ActionKind::DropIdentity { column } => column,
        ActionKind::DropColumn { name, .. } => name,
        ActionKind::RenameColumn { from, .. } => from,
        ActionKind::AddColumn { .. }
        | ActionKind::AddConstraint(_)
        | ActionKind::DropConstraint { .. }
        | ActionKind::ValidateConstraint { .. }
        | ActionKind::RenameTable { .. }
        | ActionKind::RenameConstraint { .. }
        | ActionKind::SetSchema { .. }
        | ActionKind::Other { .. } => return None,
    };
    matches!(before.column(table, column), Known::Unknown)
        .then(|| Reference { kind: Kind::Column(column.clone()), name: table.clone() })
}
