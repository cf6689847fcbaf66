//! The effects of each action of `ALTER TABLE`.

use super::conversion::{self, Conversion, Enums};
use super::unknown::{self, Reference};
use super::{Guarantee, Scene, What, guarantees};
use crate::catalog::{Column, Known, ObjectName};
use crate::sql::{ActionKind, DataType, Expr};

/// `text` is the action as written.
pub(super) fn effects(scene: &Scene<'_>, table: &ObjectName, text: &str, action: &ActionKind) -> Vec<What> {
    match action {
        ActionKind::DropColumn { name, if_exists, cascade } => drop_column(scene, table, name, *if_exists, *cascade),
        ActionKind::SetType { column, data_type, using } => set_type(scene, table, column, data_type, using.as_ref()),
        ActionKind::DropNotNull { column } => drop_not_null(scene, table, column),
        ActionKind::SetDefault { column, .. } | ActionKind::DropDefault { column } => {
            let known = scene.before.column(table, column);
            // a column that had no default loses none
            if known.there().is_some_and(|known| known.default.is_none()) {
                Vec::new()
            } else {
                vec![What::DefaultChanged { table: table.clone(), column: column.clone() }]
            }
        }
        ActionKind::DropConstraint { name, .. } => guarantees::constraint(scene, table, name),
        ActionKind::DropIdentity { column } => {
            vec![What::IdentityChanged { table: table.clone(), column: column.clone() }]
        }
        ActionKind::Other { words } => super::words::action(scene, table, text, words),
        // what these add was not there, what they rename stays, and rows that a new rule refuses make them fail
        ActionKind::AddColumn { .. }
        | ActionKind::SetNotNull { .. }
        | ActionKind::AddConstraint(_)
        | ActionKind::ValidateConstraint { .. }
        | ActionKind::RenameColumn { .. }
        | ActionKind::RenameTable { .. }
        | ActionKind::RenameConstraint { .. }
        | ActionKind::SetSchema { .. }
        | ActionKind::AddIdentity { .. } => Vec::new(),
    }
}

fn drop_column(scene: &Scene<'_>, table: &ObjectName, name: &str, if_exists: bool, cascade: bool) -> Vec<What> {
    let known = scene.before.column(table, name);
    if if_exists && known.is_absent() {
        return Vec::new();
    }
    let generated = known.there().is_some_and(|known| known.generated.is_some());
    vec![What::ColumnGone { table: table.clone(), column: name.to_owned(), generated, cascade }]
}

fn drop_not_null(scene: &Scene<'_>, table: &ObjectName, column: &str) -> Vec<What> {
    if scene.before.column(table, column).there().is_some_and(|known| !known.not_null) {
        return Vec::new();
    }
    let guarantee = Guarantee::NotNull(column.to_owned());
    vec![What::GuaranteeGone { table: table.clone(), name: column.to_owned(), guarantee }]
}

fn set_type(scene: &Scene<'_>, table: &ObjectName, column: &str, to: &DataType, using: Option<&Expr>) -> Vec<What> {
    let old: &Column = match scene.before.column(table, column) {
        Known::There(old) => old,
        // the statement fails
        Known::Absent => return Vec::new(),
        Known::Unknown => {
            return vec![What::UnknownObject(Reference {
                kind: unknown::Kind::Column(column.to_owned()),
                name: table.clone(),
            })];
        }
    };
    let from = &old.data_type;
    let how = conversion::judge(Enums::of(scene.before), from, to, using, column);
    let mut found = Vec::new();
    let labels = conversion::labels_gone(scene.before, from, to);
    // each label has another one in its place
    if !labels.is_empty() && how != Conversion::Mapped {
        found.push(What::LabelsGone {
            enumeration: scene.before.type_name(from),
            labels,
            table: table.clone(),
            column: column.to_owned(),
        });
    }
    // a generated column's values are computed anew from the others
    if old.generated.is_none() && how != Conversion::Same {
        found.push(What::Converted {
            table: table.clone(),
            column: column.to_owned(),
            from: from.clone(),
            to: to.clone(),
            using: using.cloned(),
            how,
        });
    }
    found
}
