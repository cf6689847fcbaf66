//! Objects by the names people use: the database's, or Prisma's where `@map` makes them differ.

use super::scene::Scene;
use super::schema::Schema;
use crate::catalog::{Catalog, ObjectName};

/// Tables by database name or model name, with or without a schema.
pub(super) fn tables_named(catalog: &Catalog, schema: &Schema, name: &[String]) -> Vec<ObjectName> {
    let (wanted_schema, name) = match name {
        [name] => (None, name),
        [schema, name] => (Some(schema), name),
        _ => return Vec::new(),
    };
    let fits = |table: &&ObjectName| wanted_schema.is_none_or(|schema| *schema == table.schema);
    let by_name: Vec<ObjectName> =
        catalog.tables.keys().filter(|table| table.name == *name).filter(fits).cloned().collect();
    if let Some(table) = by_name.iter().find(|table| wanted_schema.is_none() && table.schema == catalog.default_schema)
    {
        return vec![table.clone()];
    }
    if !by_name.is_empty() {
        return by_name;
    }
    let Some(model) = schema.model(name) else { return Vec::new() };
    let of_model = |table: &&ObjectName| {
        table.name == model.table && model.schema.as_ref().is_none_or(|schema| *schema == table.schema)
    };
    catalog.tables.keys().filter(of_model).filter(fits).cloned().collect()
}

/// Tables before the migration: by the database's name, by the model's at git HEAD, by that of now where the committed schema is
/// not known, or in another style.
pub(super) fn tables_before(scene: &Scene<'_>, name: &[String]) -> Vec<ObjectName> {
    for schema in [&scene.head, &scene.work] {
        let found = tables_named(scene.before, schema, name);
        if !found.is_empty() {
            return found;
        }
    }
    let [name] = name else { return Vec::new() };
    let alike = |table: &&ObjectName| scene.likeness(name, &table.name, &[]).style_only;
    scene.before.tables.keys().filter(alike).cloned().collect()
}

/// A column before the migration: as [`tables_before`].
pub(super) fn column_before(scene: &Scene<'_>, table: &ObjectName, name: &str) -> Option<String> {
    let named =
        [&scene.head, &scene.work].into_iter().find_map(|schema| column_named(scene.before, schema, table, name));
    named.or_else(|| {
        let columns = scene.before.tables.get(table)?.columns.keys();
        let mut alike = columns.filter(|own| scene.likeness(name, own, &[]).style_only);
        let one = alike.next().cloned();
        one.filter(|_| alike.next().is_none())
    })
}

pub(super) fn column_named(catalog: &Catalog, schema: &Schema, table: &ObjectName, name: &str) -> Option<String> {
    let columns = &catalog.tables.get(table)?.columns;
    if columns.contains_key(name) {
        return Some(name.to_owned());
    }
    let field = schema.model_of_table(&table.schema, &table.name)?.field(name)?;
    columns.contains_key(&field.column).then(|| field.column.clone())
}

pub(super) fn enum_named(catalog: &Catalog, schema: &Schema, name: &[String]) -> Vec<ObjectName> {
    let (wanted_schema, name) = match name {
        [name] => (None, name),
        [schema, name] => (Some(schema), name),
        _ => return Vec::new(),
    };
    let named = |wanted: &str| -> Vec<ObjectName> {
        let fits = |of: &&ObjectName| of.name == *wanted && wanted_schema.is_none_or(|schema| *schema == of.schema);
        catalog.enums.keys().filter(fits).cloned().collect()
    };
    let direct = named(name);
    if !direct.is_empty() {
        return direct;
    }
    schema.enums.iter().find(|of| of.name == *name).map(|of| named(&of.database)).unwrap_or_default()
}

pub(super) fn value_named(catalog: &Catalog, schema: &Schema, of: &ObjectName, name: &str) -> Option<String> {
    let values = catalog.enums.get(of)?;
    if values.iter().any(|value| value == name) {
        return Some(name.to_owned());
    }
    let declared = schema.enums.iter().find(|declared| declared.database == of.name)?;
    let (_, database) = declared.values.iter().find(|(prisma, _)| prisma == name)?;
    values.contains(database).then(|| database.clone())
}
