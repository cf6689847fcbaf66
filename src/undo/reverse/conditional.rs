//! `IF NOT EXISTS` is a question: the reverse drops what the statement made, and nothing that was there before it.

use std::collections::BTreeSet;

use super::{Scene, Step};
use crate::catalog::ObjectName;
use crate::sql::tokens::{after, tokens};
use crate::sql::{ActionKind, StatementKind};

/// The step of a statement that may have found its object there, where it is not known whether it did. What is known to have been
/// there leaves no trace between the catalogs.
pub(super) fn step(scene: &Scene<'_>) -> Option<Step> {
    let before = scene.before;
    let asks = || after(&tokens(scene.text), "if not exists").is_some();
    let unlisted = |known: bool| !known && !before.is_complete();
    let what = match &scene.statement.kind {
        StatementKind::CreateTable { table, if_not_exists: true, .. } => {
            before.table(&before.made(table)).is_unknown().then(|| format!("table {table}"))
        }
        StatementKind::CreateIndex(index) if index.if_not_exists => {
            let schema = before.resolve(&index.table).schema;
            let name = index.name.as_ref()?;
            let own = ObjectName { schema, name: name.clone() };
            before.index_owner(&own).is_unknown().then(|| format!("index {name}"))
        }
        StatementKind::CreateSchema { name, if_not_exists: true } => {
            unlisted(before.schemas.contains(name)).then(|| format!("schema {name}"))
        }
        StatementKind::CreateSequence { name, .. } if asks() => {
            unlisted(before.sequences.contains_key(&before.made(name))).then(|| format!("sequence {name}"))
        }
        StatementKind::CreateView { name, or_replace: false, .. } if asks() => {
            // a plain view has no such words
            before.view(&before.made(name)).is_unknown().then(|| format!("materialized view {name}"))
        }
        _ => None,
    };
    what.map(|what| Step { impossible: vec![doubt(&what)], ..Step::default() })
}

/// Columns that `ADD COLUMN IF NOT EXISTS` may have found there.
pub(super) fn columns(scene: &Scene<'_>) -> BTreeSet<(ObjectName, String)> {
    let StatementKind::AlterTable { table, actions, .. } = &scene.statement.kind else { return BTreeSet::new() };
    let table = scene.before.resolve(table);
    let column = |kind: &ActionKind| match kind {
        ActionKind::AddColumn { column, if_not_exists: true } => Some(column.name.clone()),
        _ => None,
    };
    let added = actions.iter().filter_map(|action| column(&action.kind));
    let unknown = added.filter(|column| scene.before.column(&table, column).is_unknown());
    unknown.map(|column| (table.clone(), column)).collect()
}

pub(super) fn doubt(what: &str) -> String {
    format!("{what} stays: whether it was there before is not known")
}
