//! A split or a merge: the expressions are a person's, each column's by its name.

use super::asked::{Asked, Back, NewColumn};
use super::plan::{Plan, Side};
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::rename::schema::lines;

/// Gives every old column its way back, and makes the new columns.
///
/// # Errors
/// Exit status 2 for a column that is named twice, or without an expression.
pub(super) fn columns(plan: &mut Plan, asked: &Asked) -> Result<()> {
    (plan.may_fail, plan.lossy) = (true, asked.lossy);
    let model = plan.model.clone();
    let alone = plan.old.len() == 1;
    for (at, old) in plan.old.iter().enumerate() {
        if plan.old[..at].iter().any(|other| other.column == old.column) {
            return Err(Error::usage(format!("{model}.{} is named twice", old.column)));
        }
    }
    for back in &asked.back {
        let meant = |old: &Side| match &back.column {
            Some(column) => old.column == *column || old.field == *column,
            None => alone,
        };
        let Some(old) = plan.old.iter_mut().find(|old| meant(old)) else {
            let Back { column, value } = back;
            let name = column.as_ref().unwrap_or(value);
            return Err(Error::usage(format!("--back names {name}, which is not one of the columns of the plan")));
        };
        if old.value.replace(back.value.clone()).is_some() {
            return Err(Error::usage(format!("{model}.{} has two ways back", old.column)));
        }
    }
    if let Some(old) = plan.old.iter().find(|old| old.value.is_none()) {
        let column = &old.column;
        return Err(Error::usage(format!("nothing says what {model}.{column} holds where the new release writes"))
            .help(format!("give it with --back '{column}: …', an expression of SQL over the new columns")));
    }
    plan.new = asked.into.iter().map(|new| side(plan, new)).collect::<Result<_>>()?;
    let least = if alone { 2 } else { 1 };
    if plan.new.len() < least {
        return Err(Error::usage("a split has two new columns or more: give --into for each"));
    }
    Ok(())
}

/// The indexes that go with the old columns, for people: which of the new ones they are wanted on is not known.
pub fn losing_indexes(plan: &Plan, catalog: &Catalog) -> Vec<String> {
    let Some(table) = catalog.tables.get(&plan.object()).filter(|_| plan.kind.regroups()) else { return Vec::new() };
    let gone = table.indexes.iter().filter(|(_, index)| plan.old.iter().any(|old| index.involves(&old.column)));
    let said = |(name, _): (&String, _)| {
        format!(
            "the index {name} goes with {}: build one on {} after the expand",
            plan.old_columns(),
            plan.new_columns()
        )
    };
    gone.map(said).collect()
}

/// A new column, like the first old one where nothing else is said.
fn side(plan: &Plan, asked: &NewColumn) -> Result<Side> {
    let unknown = || Error::usage("the type of the new column is not known").help("write it like: minutes Int: EXPR");
    let like = plan.old.first().and_then(|old| lines::type_of(old.before.as_deref()?));
    let becomes = asked.kind.clone().or(like).ok_or_else(unknown)?;
    Ok(Side {
        field: asked.field.clone().unwrap_or_default(),
        column: asked.column.clone().unwrap_or_default(),
        // Prisma says it in SQL's words
        data_type: plan.old.first().map_or_else(String::new, |old| old.data_type.clone()),
        default: None,
        required: asked.optional.map_or_else(|| plan.old.iter().all(|old| old.required), |optional| !optional),
        value: asked.value.clone(),
        becomes: Some(becomes),
        before: None,
    })
}
