//! Prisma's warnings on top of a draft: lines about what no longer happens go, all others stay byte for byte.

use std::collections::BTreeSet;

use super::plan::Plan;
use crate::sql::Edit;

/// The edit of the header, where there is one to make.
pub(crate) fn edit(plan: &Plan<'_>) -> Option<Edit> {
    let script = plan.scene.draft.script;
    let range = script.warnings_header()?;
    let text = &script.text()[range.clone()];
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_warning = |line: &str| line.trim_start().starts_with("- ");
    let holds = |line: &&&str| !is_warning(line) || still_holds(plan, line.trim().trim_start_matches("- "));
    let kept: String = lines.iter().filter(holds).copied().collect();
    if kept == text {
        return None;
    }
    if !kept.lines().any(is_warning) {
        let rest = &script.text()[range.end..];
        let blank = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        return Some(Edit { range: range.start..range.end + blank, text: String::new() });
    }
    Some(Edit { range, text: kept })
}

/// Whether the migration still does what a warning says. Warnings name tables without their schema.
fn still_holds(plan: &Plan<'_>, warning: &str) -> bool {
    let quoted: Vec<&str> = warning.split('`').skip(1).step_by(2).collect();
    let touched = |table: &str| plan.touched.iter().find(move |touched| touched.from.name == table);
    let keeps = |column: &str, table: &str| touched(table).is_some_and(|touched| touched.sources.contains(column));
    let gives = |column: &str, table: &str| touched(table).is_some_and(|touched| touched.columns.contains(column));
    match quoted.as_slice() {
        [column, table] if warning.starts_with("You are about to drop the column") => !keeps(column, table),
        [column, table] if warning.starts_with("The `") && warning.contains("would be dropped and recreated") => {
            !gives(column, table)
        }
        [column, table] if warning.starts_with("Changed the type of") => !gives(column, table),
        [column, table]
            if warning.starts_with("Added the required column") || warning.starts_with("The required column") =>
        {
            !gives(column, table)
        }
        [table] if warning.starts_with("You are about to drop the `") => {
            !touched(table).is_some_and(|touched| touched.whole)
        }
        [table] if warning.starts_with("The primary key for the") => {
            let key = |(of, _): &(crate::catalog::ObjectName, String)| of.name == *table;
            let left = |at: &&super::atoms::At| !plan.cuts.contains(at);
            let constraints = plan.atoms.add_constraint.iter().chain(&plan.atoms.drop_constraint);
            touched(table).is_none() || constraints.filter(|(of, _)| key(of)).map(|(_, at)| at).any(|at| left(&at))
        }
        [columns, table] if warning.starts_with("A unique constraint covering the columns") => {
            let columns: Vec<&str> = columns.trim_matches(['[', ']']).split(',').collect();
            still_unique(plan, table, &columns)
        }
        [values, of] if warning.starts_with("The values [") || warning.contains("on the enum") => {
            let all = values.trim_matches(['[', ']']);
            removed(plan, of, all)
        }
        [of] if warning.starts_with("The values [") => {
            let all = warning.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(all, _)| all);
            removed(plan, of, all)
        }
        _ => true,
    }
}

/// Whether any of the values is still removed.
fn removed(plan: &Plan<'_>, of: &str, values: &str) -> bool {
    let renamed: BTreeSet<&String> =
        plan.moves.values.iter().filter(|(name, _)| name.name == of).flat_map(|(_, values)| values.keys()).collect();
    values.split(',').any(|value| !renamed.iter().any(|renamed| renamed.as_str() == value))
}

/// Whether a unique index on these columns is still created.
fn still_unique(plan: &Plan<'_>, table: &str, columns: &[&str]) -> bool {
    let after = plan.scene.after.tables.iter().filter(|(name, _)| name.name == table);
    let mut created =
        after.flat_map(|(name, table)| table.indexes.iter().map(move |(index, value)| (name, index, value)));
    created.any(|(table, name, index)| {
        let same = index.unique
            && index.keys.iter().map(|key| key.column.as_deref()).eq(columns.iter().map(|column| Some(*column)));
        let own = crate::catalog::ObjectName { schema: table.schema.clone(), name: name.clone() };
        same && plan.atoms.create_index.get(&own).is_some_and(|at| !plan.cuts.contains(at))
    })
}
