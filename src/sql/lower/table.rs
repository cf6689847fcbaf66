//! `CREATE TABLE`, columns and constraints, `CREATE INDEX`.

use squawk_syntax::ast::{self, AstNode, Column, ColumnClause, ColumnConstraint, Constraint, TableArg};

use super::{tree, types};
use crate::sql::ast::{ColumnDef, ConstraintDef, ConstraintKind, CreateIndex, IndexKey, StatementKind};

/// `CREATE TABLE`.
pub(super) fn create(it: &ast::CreateTable) -> StatementKind {
    let args: Vec<TableArg> = it.table_arg_list().map(|list| list.args().collect()).unwrap_or_default();
    let mut columns = Vec::new();
    let mut constraints = Vec::new();
    let mut elsewhere = it.partition_of().is_some() || it.of_type().is_some();
    for arg in args {
        match arg {
            TableArg::Column(it) => columns.push(column(&it)),
            TableArg::LikeClause(_) => elsewhere = true,
            TableArg::TableConstraint(it) => {
                // `NOT NULL column` (PostgreSQL 18) is a property of the column to us, not a constraint
                match Constraint::cast(it.syntax().clone()).and_then(|it| constraint(&it, "")) {
                    Some(it) => constraints.push(it),
                    None => not_null(it.syntax(), &mut columns),
                }
            }
        }
    }
    StatementKind::CreateTable {
        table: tree::name_of(it.table_name()),
        if_not_exists: it.if_not_exists().is_some(),
        temporary: matches!(it.persistence(), Some(ast::Persistence::Temp(_))),
        columns,
        constraints,
        as_query: elsewhere,
        with_data: false,
        partition_by: it.partition_by().map(|it| partition_key(it.syntax())),
        inherits: it.inherits().map(|it| tree::names(it.table_name_refs())).unwrap_or_default(),
        partition_of: it.partition_of().map(|of| {
            let bound = it.partition_type().map(|it| tree::text(it.syntax())).unwrap_or_default();
            (tree::name_of(of.table_name_ref()), bound)
        }),
    }
}

/// What follows `PARTITION BY`.
fn partition_key(node: &squawk_syntax::SyntaxNode) -> String {
    let text = tree::text(node);
    // two words, whatever stands between them
    text.split_once(char::is_whitespace)
        .and_then(|(_, rest)| rest.trim_start().split_once(char::is_whitespace))
        .map_or_else(String::new, |(_, key)| key.trim_start().to_owned())
}

/// `CREATE TABLE … AS`.
pub(super) fn create_as(it: &ast::CreateTableAs) -> StatementKind {
    StatementKind::CreateTable {
        table: tree::name_of(it.table_name()),
        if_not_exists: it.if_not_exists().is_some(),
        temporary: matches!(it.persistence(), Some(ast::Persistence::Temp(_))),
        columns: Vec::new(),
        constraints: Vec::new(),
        as_query: true,
        with_data: !matches!(it.data_option(), Some(ast::DataOption::WithNoData(_))),
        partition_by: None,
        inherits: Vec::new(),
        partition_of: None,
    }
}

/// `SELECT … INTO table`.
pub(super) fn select_into(it: &ast::SelectInto) -> Option<StatementKind> {
    let into = it.into_clause()?;
    Some(StatementKind::CreateTable {
        table: tree::name_of(into.table_name()),
        if_not_exists: false,
        temporary: matches!(into.persistence(), Some(ast::Persistence::Temp(_))),
        columns: Vec::new(),
        constraints: Vec::new(),
        as_query: true,
        with_data: true,
        partition_by: None,
        inherits: Vec::new(),
        partition_of: None,
    })
}

fn not_null(constraint: &squawk_syntax::SyntaxNode, columns: &mut [ColumnDef]) {
    let name = tree::ident_of(tree::child::<ast::ColumnNameRef>(constraint));
    if let Some(column) = columns.iter_mut().find(|column| column.name == name) {
        column.not_null = true;
    }
}

fn column(it: &Column) -> ColumnDef {
    let constraints = it.clauses().filter_map(|clause| match clause {
        ColumnClause::ColumnConstraint(it) => Some(it),
        _ => None,
    });
    let constraints = constraints.filter_map(|it: ColumnConstraint| Constraint::cast(it.syntax().clone()));
    define(tree::ident_of(it.name()), it.ty(), constraints)
}

/// `ADD COLUMN`.
pub(super) fn added_column(it: &ast::AddColumn) -> ColumnDef {
    define(tree::ident_of(it.column_name()), it.ty(), it.constraints())
}

pub(super) fn define(name: String, ty: Option<ast::Type>, constraints: impl Iterator<Item = Constraint>) -> ColumnDef {
    let mut column = ColumnDef {
        name,
        data_type: types::lower(ty),
        not_null: false,
        default: None,
        identity: false,
        generated: None,
        stored: false,
        constraints: Vec::new(),
    };
    for it in constraints {
        match &it {
            Constraint::NotNullConstraint(_) => column.not_null = true,
            Constraint::DefaultConstraint(it) => column.default = tree::expr(it.expr()),
            Constraint::GeneratedConstraint(it) => match it.generated_as() {
                Some(ast::GeneratedAs::GeneratedStored(it)) => {
                    column.generated = tree::expr(it.expr());
                    column.stored = matches!(it.generated_kind(), Some(ast::GeneratedKind::Stored(_)));
                }
                _ => {
                    column.identity = true;
                    column.not_null = true;
                }
            },
            other => column.constraints.extend(constraint(other, &column.name)),
        }
        column.not_null |= matches!(it, Constraint::PrimaryKeyConstraint(_));
    }
    column
}

/// A table constraint; one written with a column stands on that column. None for what is a column's own property.
pub(super) fn constraint(it: &Constraint, column: &str) -> Option<ConstraintDef> {
    let on_column = |listed: Vec<String>| match (listed.is_empty(), column) {
        (true, "") | (false, _) => listed,
        (true, column) => vec![column.to_owned()],
    };
    let kind = match it {
        Constraint::PrimaryKeyConstraint(it) => {
            let using_index = using_index(it.using_index());
            let listed = tree::columns(it.index_parameters().and_then(|it| it.column_list()));
            ConstraintKind::PrimaryKey { columns: on_column(listed), using_index }
        }
        Constraint::UniqueConstraint(it) => {
            let using_index = using_index(it.using_index());
            let listed = tree::columns(it.index_parameters().and_then(|it| it.column_list()));
            ConstraintKind::Unique { columns: on_column(listed), using_index }
        }
        Constraint::ForeignKeyConstraint(it) => {
            let (on_delete, on_update) = actions(it);
            ConstraintKind::ForeignKey {
                columns: tree::columns(it.from_columns()),
                table: tree::name_of(it.table_name_ref()),
                referenced: tree::columns(it.to_columns()),
                on_delete,
                on_update,
            }
        }
        Constraint::ReferencesConstraint(it) => {
            let (on_delete, on_update) = actions(it);
            ConstraintKind::ForeignKey {
                columns: on_column(Vec::new()),
                table: tree::name_of(it.table()),
                referenced: it.column().into_iter().map(|column| tree::ident(column.syntax())).collect(),
                on_delete,
                on_update,
            }
        }
        Constraint::CheckConstraint(it) => ConstraintKind::Check { expr: tree::expr(it.expr())? },
        Constraint::ExcludeConstraint(it) => {
            let text = tree::text(it.syntax());
            let from = text.to_ascii_uppercase().find("EXCLUDE").unwrap_or_default();
            ConstraintKind::Exclude { text: text[from..].to_owned() }
        }
        Constraint::DefaultConstraint(_)
        | Constraint::GeneratedConstraint(_)
        | Constraint::NullConstraint(_)
        | Constraint::NotNullConstraint(_) => return None,
    };
    let name = it.constraint_name().map(|name| tree::ident(name.syntax()));
    Some(ConstraintDef { name, kind, not_valid: it.is_not_valid() })
}

fn using_index(it: Option<ast::UsingIndexName>) -> Option<String> {
    it.and_then(|it| it.index_ref()).map(|index| tree::name(index.syntax()).name)
}

/// `ON DELETE` and `ON UPDATE`, in upper case.
fn actions(it: &impl AstNode) -> (Option<String>, Option<String>) {
    let action = |action: Option<ast::RefAction>| action.map(|action| tree::words(action.syntax()));
    let delete = tree::child::<ast::OnDeleteAction>(it.syntax()).and_then(|it| action(it.ref_action()));
    let update = tree::child::<ast::OnUpdateAction>(it.syntax()).and_then(|it| action(it.ref_action()));
    (delete, update)
}

/// `CREATE INDEX`.
pub(super) fn create_index(it: &ast::CreateIndex) -> CreateIndex {
    let keys = it.partition_item_list().map(|list| list.partition_items().map(|item| key(&item)).collect());
    let method = it.using_method().and_then(|it| it.access_method_ref());
    let include = it.index_include_clause().and_then(|it| it.partition_item_list());
    CreateIndex {
        name: it.index().map(|index| tree::name(index.syntax()).name),
        table: tree::name_of(it.table_relation_name()),
        unique: it.unique_token().is_some(),
        concurrently: it.concurrently_token().is_some(),
        if_not_exists: it.if_not_exists().is_some(),
        method: method.map_or_else(|| "btree".to_owned(), |method| tree::ident(method.syntax())),
        keys: keys.unwrap_or_default(),
        include: include
            .into_iter()
            .flat_map(|list| list.partition_items())
            .filter_map(|item| key(&item).column)
            .collect(),
        predicate: it.where_clause().and_then(|it| tree::expr(it.expr())),
        nulls_not_distinct: matches!(it.nulls_distinct_option(), Some(ast::NullsDistinctOption::NullsNotDistinct(_))),
    }
}

fn key(it: &ast::PartitionItem) -> IndexKey {
    // `"c" COLLATE "x"`: the collation belongs to the key, not to the column
    let mut expr = it.expr();
    if let Some(ast::Expr::Collate(collate)) = &expr {
        expr = tree::child(collate.syntax());
    }
    let column = match expr {
        Some(ast::Expr::NameRef(name)) => Some(tree::ident(name.syntax())),
        _ => None,
    };
    IndexKey { column, text: tree::text(it.syntax()) }
}
