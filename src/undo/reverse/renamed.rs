//! Statements whose reverse is the same the other way round: renames and moves. Also views and triggers, which come and go.

use super::{Scene, Step};
use crate::catalog::{Catalog, ObjectName};
use crate::sql::tokens::{after, name, tokens};
use crate::sql::{ActionKind, Name, StatementKind, quote_identifier, quote_literal};
use crate::undo::render::object;

/// The step, if the statement is one of these.
pub(super) fn step(scene: &Scene<'_>) -> Option<Step> {
    let (catalog, quote) = (scene.before, quote_identifier);
    let of = |name: &Name, schema: Option<&str>, to: Option<&str>| {
        let mut found = catalog.resolve(name);
        schema.unwrap_or(&found.schema.clone()).clone_into(&mut found.schema);
        to.unwrap_or(&found.name.clone()).clone_into(&mut found.name);
        object(catalog, &found)
    };
    let bare = |name: &Name| quote(&name.name);
    let schema = |name: &Name| quote(&catalog.resolve(name).schema);
    let sql = match &scene.statement.kind {
        StatementKind::AlterTable { table, actions, .. } => alter(catalog, table, &actions.first()?.kind)?,
        StatementKind::RenameIndex { index, to } => {
            format!("ALTER INDEX {} RENAME TO {};", of(index, None, Some(to)), bare(index))
        }
        StatementKind::RenameType { name, to } => {
            format!("ALTER TYPE {} RENAME TO {};", of(name, None, Some(to)), bare(name))
        }
        StatementKind::SetTypeSchema { name, schema: to } => {
            format!("ALTER TYPE {} SET SCHEMA {};", of(name, Some(to), None), schema(name))
        }
        StatementKind::Other { words } if words.starts_with("ALTER DOMAIN") => domain(catalog, scene.text)?,
        StatementKind::RenameEnumValue { name, from, to } => format!(
            "ALTER TYPE {} RENAME VALUE {} TO {};",
            of(name, None, None),
            quote_literal(to),
            quote_literal(from)
        ),
        StatementKind::RenameView { name, to } => {
            // works for materialized ones too
            format!("ALTER TABLE {} RENAME TO {};", of(name, None, Some(to)), bare(name))
        }
        StatementKind::AlterSequence { name, rename_to: Some(to), .. } => {
            format!("ALTER SEQUENCE {} RENAME TO {};", of(name, None, Some(to)), bare(name))
        }
        StatementKind::AlterSequence { name, set_schema: Some(to), .. } => {
            format!("ALTER SEQUENCE {} SET SCHEMA {};", of(name, Some(to), None), schema(name))
        }
        StatementKind::CreateView { name, materialized, or_replace: false } => {
            if catalog.view(&catalog.made(name)).there().is_some() {
                // the statement found it there
                return Some(Step::default());
            }
            let materialized = if *materialized { "MATERIALIZED " } else { "" };
            format!("DROP {materialized}VIEW {};", object(catalog, &catalog.made(name)))
        }
        StatementKind::CreateTrigger { name, table } if after(&tokens(scene.text), "or replace").is_none() => {
            format!("DROP TRIGGER {} ON {};", quote(name), of(table, None, None))
        }
        _ => return None,
    };
    Some(Step { room: vec![sql], ..Step::default() })
}

/// `ALTER DOMAIN … RENAME TO` and `SET SCHEMA`.
fn domain(catalog: &Catalog, text: &str) -> Option<String> {
    let tokens = tokens(text);
    let (own, action) = name(after(&tokens, "alter domain")?)?;
    let was = catalog.resolve(&own);
    let ident = |words: &str| Some(name(after(action, words)?)?.0.name);
    if let Some(to) = ident("rename to") {
        let now = ObjectName { name: to, ..was.clone() };
        return Some(format!("ALTER DOMAIN {} RENAME TO {};", object(catalog, &now), quote_identifier(&was.name)));
    }
    let now = ObjectName { schema: ident("set schema")?, ..was.clone() };
    Some(format!("ALTER DOMAIN {} SET SCHEMA {};", object(catalog, &now), quote_identifier(&was.schema)))
}

/// Renames stand alone in their statement.
fn alter(catalog: &Catalog, table: &Name, action: &ActionKind) -> Option<String> {
    let own = catalog.resolve(table);
    let quote = quote_identifier;
    Some(match action {
        ActionKind::RenameColumn { from, to } => {
            format!("ALTER TABLE {} RENAME COLUMN {} TO {};", object(catalog, &own), quote(to), quote(from))
        }
        ActionKind::RenameConstraint { from, to } => {
            format!("ALTER TABLE {} RENAME CONSTRAINT {} TO {};", object(catalog, &own), quote(to), quote(from))
        }
        ActionKind::RenameTable { to } => {
            let now = ObjectName { schema: own.schema, name: to.clone() };
            format!("ALTER TABLE {} RENAME TO {};", object(catalog, &now), quote(&table.name))
        }
        ActionKind::SetSchema { schema } => {
            let now = ObjectName { schema: schema.clone(), name: own.name };
            format!("ALTER TABLE {} SET SCHEMA {};", object(catalog, &now), quote(&own.schema))
        }
        _ => return None,
    })
}
