//! What Prisma drafts though PostgreSQL can never run it: it takes the expression of a generated column for a default, and drafts
//! its removal in every migration. The action has no effect, so it is taken out.

use crate::catalog::{Catalog, ObjectName};
use crate::error::Result;
use crate::review::fixes::removal_of;
use crate::sql::{Action, ActionKind, Script, Statement, StatementKind, edit};

/// A draft without what cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Possible {
    pub text: String,
    /// The generated columns whose `DROP DEFAULT` was taken out, as `Notice.search`.
    pub taken_out: Vec<String>,
}

impl Possible {
    /// Whether nothing is left of the draft.
    pub fn is_empty(&self) -> bool {
        !self.taken_out.is_empty() && Script::parse(self.text.as_str()).statements().is_empty()
    }
}

/// Takes `DROP DEFAULT` of generated columns out of a draft on top of `before`.
///
/// # Errors
/// If the text cannot be edited, which is a fault of prisma-safe.
pub fn possible(draft: &str, before: &Catalog) -> Result<Possible> {
    let mut possible = Possible { text: draft.to_owned(), taken_out: Vec::new() };
    // one at a time: an action takes the comma beside it along
    loop {
        let script = Script::parse(possible.text.as_str());
        let Some((statement, action, column)) = first(&script, before) else { return Ok(possible) };
        let removal = removal_of(&script, statement, action);
        possible.text = edit::apply(&possible.text, &[removal]).map_err(|error| {
            crate::error::Error::failed("could not take DROP DEFAULT out of the draft").because(error)
        })?;
        possible.taken_out.push(column);
    }
}

/// The first such action, with its column.
fn first<'s>(script: &'s Script, before: &Catalog) -> Option<(&'s Statement, &'s Action, String)> {
    script.statements().iter().find_map(|statement| {
        let StatementKind::AlterTable { table, actions, .. } = &statement.kind else { return None };
        let name = before.resolve(table);
        let action = actions.iter().find(|action| drops_expression(&action.kind, &name, before))?;
        let ActionKind::DropDefault { column } = &action.kind else { return None };
        Some((statement, action, format!("{table}.{column}")))
    })
}

fn drops_expression(action: &ActionKind, table: &ObjectName, before: &Catalog) -> bool {
    let ActionKind::DropDefault { column } = action else { return false };
    before.column(table, column).there().is_some_and(|known| known.generated.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_default_of_a_generated_column_goes() {
        let init = Script::parse(
            "CREATE TABLE \"N\" (\"id\" TEXT, \"body\" TEXT DEFAULT 'x', \"search\" tsvector GENERATED ALWAYS AS (to_tsvector('english', \"body\")) STORED);",
        );
        let before = Catalog::replay("public", [("1", &init)]);
        let text = "-- AlterTable\nALTER TABLE \"N\" ADD COLUMN     \"extra\" INTEGER,\nALTER COLUMN \"search\" DROP DEFAULT,\nALTER COLUMN \"body\" DROP DEFAULT;\n";
        let found = possible(text, &before).unwrap();
        assert_eq!(
            found.text,
            "-- AlterTable\nALTER TABLE \"N\" ADD COLUMN     \"extra\" INTEGER,\nALTER COLUMN \"body\" DROP DEFAULT;\n"
        );
        assert_eq!(found.taken_out, ["N.search"]);
        assert!(!found.is_empty());
        let alone =
            possible("-- AlterTable\nALTER TABLE \"N\" ALTER COLUMN \"search\" DROP DEFAULT;\n", &before).unwrap();
        assert!(alone.is_empty(), "{}", alone.text);
        assert_eq!(
            possible("ALTER TABLE \"N\" ALTER \"body\" DROP DEFAULT;", &before).unwrap().taken_out,
            Vec::<String>::new()
        );
    }
}
