//! What Prisma itself would do for the schema of the expand: the new column's type and default, and its indexes, as Prisma writes
//! them. Anything else in it is a change that is not of the plan.

use super::plan::Plan;
use crate::error::{Error, Result};
use crate::sql::{ActionKind, Script, StatementKind, data_type};

/// The parts of Prisma's draft.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drafted {
    /// The new column's type.
    pub data_type: Option<String>,
    pub default: Option<String>,
    /// The default that the old column gets.
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
        let new = plan.new.as_ref().map(|new| new.column.as_str());
        for statement in script.statements() {
            let text = draft.get(statement.range.clone()).unwrap_or_default();
            let known = match &statement.kind {
                StatementKind::AlterTable { table, actions, .. } if table.name == plan.table => {
                    actions.iter().all(|action| match &action.kind {
                        ActionKind::AddColumn { column, .. } if Some(column.name.as_str()) == new => {
                            drafted.data_type = Some(data_type::spelled(&column.data_type));
                            drafted.default = column.default.as_ref().map(|default| default.text.clone());
                            true
                        }
                        ActionKind::SetDefault { column, default } if *column == plan.old.column => {
                            drafted.old_default = Some(default.text.clone());
                            true
                        }
                        ActionKind::DropNotNull { column } => *column == plan.old.column && new.is_some(),
                        _ => false,
                    })
                }
                StatementKind::CreateIndex(index) if index.table.name == plan.table && new.is_some() => {
                    let name = index.name.clone().unwrap_or_default();
                    let alone = text.trim().trim_end_matches(';').replacen("INDEX ", "INDEX CONCURRENTLY ", 1);
                    drafted.indexes.push((name, format!("{alone};")));
                    index.keys.iter().any(|key| key.column.as_deref() == new)
                }
                _ => false,
            };
            if !known {
                return Err(Error::refused("schema.prisma holds other changes that no migration makes yet")
                    .because(text.trim().to_owned())
                    .help("draft and apply them first: prisma-safe migrate dev"));
            }
        }
        if new.is_some() && drafted.data_type.is_none() {
            return Err(Error::failed("Prisma does not draft the new column").because(draft.trim().to_owned()));
        }
        Ok(drafted)
    }
}
