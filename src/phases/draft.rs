//! What Prisma itself would do for the schema of the expand: the new columns' types and defaults, and their indexes, as Prisma writes
//! them. Anything else in it is a change that is not of the plan.

use std::collections::BTreeMap;

use super::plan::Plan;
use crate::error::{Error, Result};
use crate::sql::{ActionKind, Script, StatementKind, data_type};

/// The parts of Prisma's draft.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drafted {
    /// The new columns by their names: type and default.
    pub added: BTreeMap<String, (String, Option<String>)>,
    /// The default that an old column gets.
    pub old_default: Option<String>,
    /// `CREATE INDEX` statements, each with its index's name.
    pub indexes: Vec<(String, String)>,
}

impl Drafted {
    /// Reads a draft.
    ///
    /// # Errors
    /// Exit status 3 for what is not of the plan: schema.prisma has other changes that no migration makes yet.
    pub fn read(draft: &str, plan: &Plan) -> Result<Self> {
        let script = Script::parse(draft);
        let mut drafted = Self::default();
        let is_new = |column: &str| plan.new.iter().any(|new| new.column == column);
        let is_old = |column: &str| plan.old.iter().any(|old| old.column == column);
        for statement in script.statements() {
            let text = draft.get(statement.range.clone()).unwrap_or_default();
            let known = match &statement.kind {
                StatementKind::AlterTable { table, actions, .. } if table.name == plan.table => {
                    actions.iter().all(|action| match &action.kind {
                        ActionKind::AddColumn { column, .. } if is_new(&column.name) => {
                            let default = column.default.as_ref().map(|default| default.text.clone());
                            let of = data_type::spelled(&column.data_type);
                            drafted.added.insert(column.name.clone(), (of, default));
                            true
                        }
                        ActionKind::SetDefault { column, default } if is_old(column) => {
                            drafted.old_default = Some(default.text.clone());
                            true
                        }
                        ActionKind::DropNotNull { column } => is_old(column) && plan.kind.replaces(),
                        _ => false,
                    })
                }
                StatementKind::CreateIndex(index) if index.table.name == plan.table => {
                    let name = index.name.clone().unwrap_or_default();
                    let alone = text.trim().trim_end_matches(';').replacen("INDEX ", "INDEX CONCURRENTLY ", 1);
                    drafted.indexes.push((name, format!("{alone};")));
                    index.keys.iter().any(|key| key.column.as_deref().is_some_and(is_new))
                }
                _ => false,
            };
            if !known {
                return Err(Error::refused("schema.prisma holds other changes that no migration makes yet")
                    .because(text.trim().to_owned())
                    .help("draft and apply them first: prisma-safe migrate dev"));
            }
        }
        if let Some(missing) = plan.new.iter().find(|new| !drafted.added.contains_key(&new.column)) {
            return Err(Error::failed(format!("Prisma does not draft the new column {}", missing.column))
                .because(draft.trim().to_owned()));
        }
        Ok(drafted)
    }
}
