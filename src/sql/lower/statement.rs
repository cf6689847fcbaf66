//! One statement of the tree to one of our statements.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode as _, Stmt};

use super::{alter, objects, table, tree};
use crate::sql::ast::StatementKind;
use crate::sql::options::is_on;

/// What a statement does. What is not followed keeps its first words.
pub(super) fn lower(statement: &Stmt) -> StatementKind {
    let kind = match statement {
        Stmt::CreateTable(it) => Some(table::create(it)),
        Stmt::CreateTableAs(it) => Some(table::create_as(it)),
        Stmt::SelectInto(it) => table::select_into(it),
        Stmt::AlterTable(it) => Some(alter::lower(it)),
        Stmt::CreateIndex(it) => Some(StatementKind::CreateIndex(table::create_index(it))),
        Stmt::AlterIndex(it) => rename_index(it),
        Stmt::CreateType(it) => objects::create_type(it),
        Stmt::CreateDomain(it) => Some(objects::create_domain(it)),
        Stmt::AlterType(it) => objects::alter_type(it),
        Stmt::CreateSequence(it) => Some(objects::create_sequence(it)),
        Stmt::AlterSequence(it) => Some(objects::alter_sequence(it)),
        Stmt::CreateSchema(it) => create_schema(it),
        Stmt::AlterView(it) => rename_view(tree::name_of(it.view_ref()), it.syntax()),
        Stmt::AlterMaterializedView(it) => rename_view(tree::name_of(it.view_ref()), it.syntax()),
        Stmt::Set(it) => Some(objects::set(it)),
        _ => creation(statement)
            .or_else(|| removal(statement))
            .or_else(|| rows(statement))
            .or_else(|| control(statement)),
    };
    kind.unwrap_or_else(|| StatementKind::Other { words: words(statement) })
}

fn rename_index(it: &ast::AlterIndex) -> Option<StatementKind> {
    let ast::AlterIndexAction::IndexRenameTo(action) = it.action()? else { return None };
    Some(StatementKind::RenameIndex { index: tree::name_of(it.index_ref()), to: tree::name_of(action.index()).name })
}

fn rename_view(name: crate::sql::Name, node: &SyntaxNode) -> Option<StatementKind> {
    let action = tree::child::<ast::ViewRenameTo>(node)?;
    Some(StatementKind::RenameView { name, to: tree::name(action.syntax()).name })
}

/// A schema with elements inside is left to [`StatementKind::Other`].
fn create_schema(it: &ast::CreateSchema) -> Option<StatementKind> {
    if it.schema_elements().next().is_some() {
        return None;
    }
    let name = it.schema_name().map(|node| tree::ident(&node))?;
    Some(StatementKind::CreateSchema { name, if_not_exists: it.if_not_exists().is_some() })
}

fn creation(statement: &Stmt) -> Option<StatementKind> {
    Some(match statement {
        Stmt::CreateView(it) => StatementKind::CreateView {
            name: tree::name_of(it.view()),
            materialized: false,
            or_replace: it.or_replace().is_some(),
        },
        Stmt::CreateMaterializedView(it) => {
            StatementKind::CreateView { name: tree::name_of(it.view()), materialized: true, or_replace: false }
        }
        Stmt::CreateExtension(it) => StatementKind::CreateExtension { name: tree::ident_of(it.extension()) },
        Stmt::CreateFunction(it) => StatementKind::CreateFunction { name: tree::name_of(it.name()) },
        Stmt::CreateProcedure(it) => StatementKind::CreateFunction { name: tree::name_of(it.name()) },
        Stmt::CreateTrigger(it) => {
            StatementKind::CreateTrigger { name: tree::ident_of(it.trigger()), table: tree::name_of(it.on_relation()) }
        }
        _ => return None,
    })
}

fn removal(statement: &Stmt) -> Option<StatementKind> {
    Some(match statement {
        Stmt::DropTable(it) => StatementKind::DropTable {
            tables: tree::names(it.table_name_refs()),
            if_exists: it.if_exists().is_some(),
            cascade: tree::cascade(it.drop_behavior().as_ref()),
        },
        Stmt::DropIndex(it) => StatementKind::DropIndex {
            indexes: tree::names(it.index_refs()),
            if_exists: it.if_exists().is_some(),
            concurrently: it.concurrently_token().is_some(),
            cascade: tree::cascade(it.drop_behavior().as_ref()),
        },
        Stmt::DropType(it) => StatementKind::DropType {
            names: tree::names(it.type_name_refs()),
            if_exists: it.if_exists().is_some(),
            cascade: tree::cascade(it.drop_behavior().as_ref()),
        },
        Stmt::DropSequence(it) => StatementKind::DropSequence {
            names: tree::names(it.sequence_refs()),
            cascade: tree::cascade(it.drop_behavior().as_ref()),
        },
        Stmt::DropSchema(it) => StatementKind::DropSchema {
            names: it.schema_refs().map(|schema| tree::ident(schema.syntax())).collect(),
            cascade: tree::cascade(it.drop_behavior().as_ref()),
        },
        Stmt::DropView(it) => StatementKind::DropView {
            names: tree::names(it.view_refs()),
            materialized: false,
            cascade: tree::cascade(it.drop_behavior().as_ref()),
        },
        Stmt::DropMaterializedView(it) => StatementKind::DropView {
            names: tree::names(it.view_refs()),
            materialized: true,
            cascade: tree::cascade(it.drop_behavior().as_ref()),
        },
        Stmt::DropExtension(it) => StatementKind::DropExtension {
            names: it.extension_refs().map(|extension| tree::ident(extension.syntax())).collect(),
            cascade: tree::cascade(it.drop_behavior().as_ref()),
        },
        _ => return None,
    })
}

fn rows(statement: &Stmt) -> Option<StatementKind> {
    Some(match statement {
        Stmt::Do(it) => StatementKind::Do { body: tree::string(it.body()) },
        Stmt::Insert(it) => StatementKind::Insert { table: tree::name_of(it.relation_name_ref()) },
        Stmt::Update(it) => StatementKind::Update {
            table: tree::name_of(it.relation_name()),
            has_where: it.where_clause_or_current_of().is_some(),
            columns: it.set_clause().map(|it| targets(it.syntax())).unwrap_or_default(),
        },
        Stmt::Delete(it) => StatementKind::Delete {
            table: tree::name_of(it.relation_name()),
            has_where: it.where_clause_or_current_of().is_some(),
        },
        Stmt::Truncate(it) => StatementKind::Truncate {
            tables: it.table_list().map(|list| tree::names(list.table_relation_names())).unwrap_or_default(),
            cascade: tree::cascade(it.drop_behavior().as_ref()),
        },
        Stmt::Select(_) | Stmt::CompoundSelect(_) | Stmt::ParenSelect(_) | Stmt::Values(_) | Stmt::Table(_) => {
            StatementKind::Select
        }
        _ => return None,
    })
}

/// The columns that `SET` assigns.
fn targets(set: &SyntaxNode) -> Vec<String> {
    let targets = set.descendants().filter_map(ast::ColumnTarget::cast);
    targets.map(|target| tree::ident_of(tree::child::<ast::ColumnNameRef>(target.syntax()))).collect()
}

/// Transaction control. `BEGIN` with modes, `COMMIT AND CHAIN`, two-phase commit and savepoints stay
/// [`StatementKind::Other`].
fn control(statement: &Stmt) -> Option<StatementKind> {
    Some(match statement {
        Stmt::Begin(it) if it.transaction_mode_list().is_none() => StatementKind::Begin,
        Stmt::Commit(ast::Commit::CommitTransaction(it)) if it.chain_clause().is_none() => StatementKind::Commit,
        Stmt::Rollback(ast::Rollback::RollbackTransaction(it)) if it.chain_clause().is_none() => {
            StatementKind::Rollback
        }
        Stmt::CommentOn(_) => StatementKind::Comment,
        _ => return None,
    })
}

fn words(statement: &Stmt) -> String {
    let words = tree::words(statement.syntax());
    let Stmt::Reindex(it) = statement else { return words };
    // its options stand before what it is about
    let target = it.reindex_target().map(|target| tree::words(target.syntax())).unwrap_or_default();
    let mut words = format!("REINDEX {target}");
    if !target.contains("CONCURRENTLY") && is_on(&it.syntax().to_string(), "concurrently") == Some(true) {
        words.push_str(" CONCURRENTLY");
    }
    words
}
