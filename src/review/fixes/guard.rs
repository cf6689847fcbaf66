//! Whether something may move behind the rest of its migration. The replayed catalogs prove that the end is the same; here
//! stands what a replay cannot see on the way there.

use crate::sql::tokens::{Kind, tokens};
use crate::sql::{ActionKind, ConstraintKind, CreateIndex, Name, Script, Statement, StatementKind};

/// The statements behind one.
fn later<'a>(script: &'a Script, statement: &Statement) -> impl Iterator<Item = &'a Statement> + use<'a> {
    let end = statement.range.end;
    script.statements().iter().filter(move |other| other.range.start >= end)
}

/// Whether the table keeps its name and columns, and nothing that cannot be followed runs, behind the statement.
pub(super) fn may_move(script: &Script, statement: &Statement, table: &Name) -> bool {
    let same = |other: &Name| {
        other.name == table.name && (other.schema == table.schema || other.schema.is_none() || table.schema.is_none())
    };
    let beside = std::iter::once(statement).chain(later(script, statement));
    beside.into_iter().all(|other| match &other.kind {
        StatementKind::AlterTable { table: altered, actions, .. } if same(altered) => actions.iter().all(|action| {
            !matches!(
                action.kind,
                ActionKind::RenameTable { .. }
                    | ActionKind::RenameColumn { .. }
                    | ActionKind::RenameConstraint { .. }
                    | ActionKind::DropColumn { .. }
                    | ActionKind::SetSchema { .. }
            )
        }),
        StatementKind::DropTable { tables, .. } => !tables.iter().any(same),
        StatementKind::DropSchema { .. } | StatementKind::Do { .. } | StatementKind::Rollback => false,
        StatementKind::Set { name, .. } => name != "search_path",
        _ => true,
    })
}

/// Whether a later statement names the object, in code or in a text.
pub(super) fn named_later(script: &Script, statement: &Statement, name: &str) -> bool {
    later(script, statement).any(|other| {
        let text = script.text().get(other.range.clone()).unwrap_or_default();
        tokens(text).iter().any(|token| match token.kind {
            Kind::Literal => token.text.contains(name),
            _ => token.identifier().is_some_and(|own| own == name),
        })
    })
}

/// Whether nothing behind the statement relies on the index: neither by its name, nor, where it is unique, by a foreign key
/// to its columns or an `ON CONFLICT`.
pub(super) fn nobody_needs(script: &Script, statement: &Statement, index: &CreateIndex) -> bool {
    if index.name.as_ref().is_some_and(|name| named_later(script, statement, name)) {
        return false;
    }
    if !index.unique {
        return true;
    }
    let keys: Vec<&str> = index.keys.iter().filter_map(|key| key.column.as_deref()).collect();
    let refers = |kind: &ConstraintKind| match kind {
        ConstraintKind::ForeignKey { table, referenced, .. } => {
            table.name == index.table.name
                && (referenced.is_empty() || referenced.iter().all(|column| keys.contains(&column.as_str())))
        }
        _ => false,
    };
    std::iter::once(statement).chain(later(script, statement)).all(|other| match &other.kind {
        StatementKind::AlterTable { actions, .. } => actions.iter().all(|action| match &action.kind {
            ActionKind::AddConstraint(constraint) => !refers(&constraint.kind),
            ActionKind::AddColumn { column, .. } => !column.constraints.iter().any(|each| refers(&each.kind)),
            _ => true,
        }),
        StatementKind::CreateTable { columns, constraints, .. } => {
            let inner = columns.iter().flat_map(|column| &column.constraints);
            !constraints.iter().chain(inner).any(|each| refers(&each.kind))
        }
        StatementKind::Insert { .. } | StatementKind::Select | StatementKind::Other { .. } => {
            let text = script.text().get(other.range.clone()).unwrap_or_default();
            !tokens(text).iter().any(|token| token.is("conflict"))
        }
        _ => true,
    })
}

/// Whether something from the statement on demands a required column at once: a primary key, an identity.
pub(super) fn needs_not_null(script: &Script, statement: &Statement, table: &Name) -> bool {
    std::iter::once(statement).chain(later(script, statement)).any(|other| match &other.kind {
        StatementKind::AlterTable { table: altered, actions, .. } if altered.name == table.name => {
            actions.iter().any(|action| match &action.kind {
                ActionKind::AddConstraint(constraint) => matches!(constraint.kind, ConstraintKind::PrimaryKey { .. }),
                ActionKind::AddIdentity { .. } | ActionKind::DropNotNull { .. } => true,
                _ => false,
            })
        }
        _ => false,
    })
}
