//! The actions of `ALTER TABLE`.

use squawk_syntax::ast::{self, AlterColumnOption, AlterTableAction, AstNode as _};

use super::{table, tree, types};
use crate::sql::ast::{Action, ActionKind, ConstraintDef, ConstraintKind, Expr, StatementKind};
use crate::sql::identifier::quote_identifier;

/// `ALTER TABLE`; `ALL IN TABLESPACE` is not lowered.
pub(super) fn lower(it: &ast::AlterTable) -> StatementKind {
    let Some(relation) = it.table_relation_name() else {
        return StatementKind::Other { words: tree::words(it.syntax()) };
    };
    let actions = it.actions().map(|it| Action { range: tree::range(it.syntax()), kind: action(&it) });
    StatementKind::AlterTable {
        table: tree::name(relation.syntax()),
        if_exists: it.if_exists().is_some(),
        only: tree::only(relation.syntax()),
        actions: actions.collect(),
    }
}

fn action(it: &AlterTableAction) -> ActionKind {
    let other = || ActionKind::Other { words: words(it) };
    match it {
        AlterTableAction::AddColumn(it) => {
            ActionKind::AddColumn { column: table::added_column(it), if_not_exists: it.if_not_exists().is_some() }
        }
        AlterTableAction::DropColumn(it) => ActionKind::DropColumn {
            name: tree::ident_of(it.column_name_ref()),
            if_exists: it.if_exists().is_some(),
            cascade: tree::cascade(it.drop_behavior().as_ref()),
        },
        AlterTableAction::AlterColumn(it) => {
            let column = tree::ident_of(it.column_name_ref());
            it.option().and_then(|option| alter_column(column, &option)).unwrap_or_else(other)
        }
        AlterTableAction::AddConstraint(it) => match it.constraint() {
            Some(ast::Constraint::NotNullConstraint(it)) => not_null(&it),
            Some(it) => table::constraint(&it, "").map_or_else(other, ActionKind::AddConstraint),
            None => other(),
        },
        AlterTableAction::DropConstraint(it) => ActionKind::DropConstraint {
            name: tree::name_of(it.constraint_name_ref()).name,
            if_exists: it.if_exists().is_some(),
            cascade: tree::cascade(it.drop_behavior().as_ref()),
        },
        AlterTableAction::ValidateConstraint(it) => {
            ActionKind::ValidateConstraint { name: tree::name_of(it.constraint_name_ref()).name }
        }
        AlterTableAction::RenameColumn(it) => ActionKind::RenameColumn {
            from: tree::ident_of(it.column_name_ref()),
            to: tree::ident_of(it.column_name()),
        },
        AlterTableAction::TableRenameTo(it) => ActionKind::RenameTable { to: tree::name_of(it.table_name()).name },
        AlterTableAction::RenameConstraint(it) => ActionKind::RenameConstraint {
            from: tree::name_of(it.constraint_name_ref()).name,
            to: tree::ident_of(it.constraint_name()),
        },
        AlterTableAction::SetSchema(it) => ActionKind::SetSchema { schema: tree::ident_of(it.schema_ref()) },
        _ => other(),
    }
}

/// `ADD CONSTRAINT … NOT NULL column`, from PostgreSQL 18 on. With NOT VALID it is what a check of the same meaning is: it reads
/// nothing, holds for new rows, and VALIDATE CONSTRAINT proves it.
fn not_null(it: &ast::NotNullConstraint) -> ActionKind {
    let column = tree::ident_of(it.column_name_ref());
    let constraint = ast::Constraint::NotNullConstraint(it.clone());
    if !constraint.is_not_valid() {
        return ActionKind::SetNotNull { column };
    }
    let name = constraint.constraint_name().map(|name| tree::ident(name.syntax()));
    let expr = Expr { text: format!("{} IS NOT NULL", quote_identifier(&column)) };
    ActionKind::AddConstraint(ConstraintDef { name, kind: ConstraintKind::Check { expr }, not_valid: true })
}

fn alter_column(column: String, option: &AlterColumnOption) -> Option<ActionKind> {
    Some(match option {
        AlterColumnOption::SetType(it) => ActionKind::SetType {
            column,
            data_type: types::lower(it.ty()),
            using: it.using_expr().and_then(|it| tree::expr(it.expr())),
        },
        AlterColumnOption::SetNotNull(_) => ActionKind::SetNotNull { column },
        AlterColumnOption::DropNotNull(_) => ActionKind::DropNotNull { column },
        AlterColumnOption::SetDefault(it) => ActionKind::SetDefault { column, default: tree::expr(it.expr())? },
        AlterColumnOption::DropDefault(_) => ActionKind::DropDefault { column },
        AlterColumnOption::AddGenerated(_) => ActionKind::AddIdentity { column },
        AlterColumnOption::DropIdentity(_) => ActionKind::DropIdentity { column },
        _ => return None,
    })
}

/// The action's leading keywords, for `ALTER COLUMN` with what follows the name.
fn words(it: &AlterTableAction) -> String {
    match it {
        AlterTableAction::AlterColumn(it) => {
            let option = it.option().map(|option| tree::words(option.syntax())).unwrap_or_default();
            format!("ALTER COLUMN {option}").trim_end().to_owned()
        }
        AlterTableAction::DetachPartition(it) if tree::below::<ast::DetachConcurrently>(it.syntax()).is_some() => {
            "DETACH PARTITION CONCURRENTLY".to_owned()
        }
        it => tree::words(it.syntax()),
    }
}
