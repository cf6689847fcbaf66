//! Composite types on their way back. PostgreSQL adds an attribute behind the others only: where the order would be another one, the
//! type is made anew, and the columns that have it are converted.

use super::Step;
use crate::catalog::{Catalog, ObjectName, UserType};
use crate::sql::{DataType, quote_identifier};
use crate::undo::render::{self, object};

type Attributes = [(String, DataType)];

/// Composite types whose attributes are others: now, and then.
fn changed<'a>(
    now: &'a Catalog,
    then: &'a Catalog,
) -> impl Iterator<Item = (&'a ObjectName, &'a Attributes, &'a Attributes)> {
    then.types.iter().filter_map(|(name, own)| match (now.types.get(name)?, own) {
        (UserType::Composite(is), UserType::Composite(was)) if is != was => Some((name, is.as_slice(), was.as_slice())),
        _ => None,
    })
}

/// The attributes as they were.
pub(super) fn change(step: &mut Step, now: &Catalog, then: &Catalog) {
    for (name, is, was) in changed(now, then) {
        let own = object(then, name);
        if let Some((from, to)) = renamed(is, was) {
            let (from, to) = (quote_identifier(from), quote_identifier(to));
            step.room.push(format!("ALTER TYPE {own} RENAME ATTRIBUTE {from} TO {to};"));
            continue;
        }
        let has = |attributes: &Attributes, name: &str| attributes.iter().any(|(own, _)| own == name);
        let kept: Vec<&(String, DataType)> = is.iter().filter(|(own, _)| has(was, own)).collect();
        let in_order = kept.iter().zip(was).all(|(is, was)| is.0 == was.0);
        if !in_order {
            anew(step, now, then, name, (is, was));
            continue;
        }
        for (gone, _) in is.iter().filter(|(own, _)| !has(was, own)) {
            step.room.push(format!("ALTER TYPE {own} DROP ATTRIBUTE {};", quote_identifier(gone)));
        }
        for ((attribute, data_type), (_, old)) in kept.into_iter().zip(was).filter(|(is, was)| is.1 != was.1) {
            debug_assert_ne!(data_type, old);
            let (attribute, old) = (quote_identifier(attribute), render::data_type(then, old));
            step.room.push(format!("ALTER TYPE {own} ALTER ATTRIBUTE {attribute} TYPE {old};"));
        }
        for (attribute, data_type) in was.iter().filter(|(own, _)| !has(is, own)) {
            let (attribute, data_type) = (quote_identifier(attribute), render::data_type(then, data_type));
            step.room.push(format!("ALTER TYPE {own} ADD ATTRIBUTE {attribute} {data_type};"));
        }
    }
}

/// An attribute that has another name and all else alike.
fn renamed<'a>(is: &'a Attributes, was: &'a Attributes) -> Option<(&'a str, &'a str)> {
    let mut other = is.iter().zip(was).filter(|(is, was)| is != was);
    let ((from, kind), (to, same)) = other.next()?;
    (is.len() == was.len() && kind == same && other.next().is_none()).then_some((from, to))
}

fn anew(step: &mut Step, now: &Catalog, then: &Catalog, name: &ObjectName, (is, was): (&Attributes, &Attributes)) {
    let own = object(then, name);
    let aside = ObjectName { name: format!("{}_before", name.name), ..name.clone() };
    let attributes = was.iter().map(|(attribute, data_type)| {
        format!("{} {}", quote_identifier(attribute), render::data_type(then, data_type))
    });
    let attributes = attributes.collect::<Vec<_>>().join(", ");
    step.room.push(format!("ALTER TYPE {own} RENAME TO {};", quote_identifier(&aside.name)));
    step.room.push(format!("CREATE TYPE {own} AS ({attributes});"));
    for (table, column) in whole(now, name) {
        let quoted = quote_identifier(&column);
        let value = |(attribute, _): &(String, DataType)| match is.iter().any(|(own, _)| own == attribute) {
            true => format!("({quoted}).{}", quote_identifier(attribute)),
            false => "NULL".to_owned(),
        };
        let values = was.iter().map(value).collect::<Vec<_>>().join(", ");
        step.room.push(format!(
            "ALTER TABLE {} ALTER COLUMN {quoted} TYPE {own} USING CASE WHEN {quoted} IS NOT DISTINCT FROM NULL THEN NULL \
             ELSE ROW({values})::{own} END;",
            object(then, &table)
        ));
    }
    step.room.push(format!("DROP TYPE {};", object(then, &aside)));
}

/// The columns of just this type, no array of it.
fn whole(catalog: &Catalog, name: &ObjectName) -> Vec<(ObjectName, String)> {
    let mut columns = catalog.columns_made_of(name);
    columns.retain(|(table, column)| {
        let known = catalog.tables.get(table).and_then(|table| table.columns.get(column));
        known.is_some_and(|known| catalog.type_name(&known.data_type) == *name && !known.data_type.array)
    });
    columns
}

/// What the values had in an attribute that is dropped is gone for good.
pub(super) fn stays(now: &Catalog, then: &Catalog) -> Vec<String> {
    let lost = |(name, is, was): (&ObjectName, &Attributes, &Attributes)| {
        let gone = was.iter().any(|(own, _)| !is.iter().any(|(other, _)| other == own)) && renamed(is, was).is_none();
        let columns = if gone { then.columns_made_of(name) } else { Vec::new() };
        let say = |(table, column): (ObjectName, String)| {
            format!("what the values of {}.{column} had in the dropped attribute is not put back", table.name)
        };
        columns.into_iter().map(say).collect::<Vec<_>>()
    };
    changed(now, then).flat_map(lost).collect()
}
