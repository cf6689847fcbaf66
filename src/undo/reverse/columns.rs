//! Columns on the way back.

use super::{Hints, Step, conditional};
use crate::catalog::{Catalog, Column, ObjectName, Table};
use crate::sql::{DataType, quote_identifier, quote_literal};
use crate::undo::render::{self, object};

/// The columns of a table that is there before and after.
pub(super) fn change(
    step: &mut Step,
    now: &Catalog,
    then: &Catalog,
    name: &ObjectName,
    current: &Table,
    earlier: &Table,
    hints: &Hints,
) {
    let table = object(then, name);
    let handed = |own: &String| comes_down(now, then, earlier, own);
    for own in current.columns.keys().filter(|own| !earlier.columns.contains_key(*own) && !handed(own)) {
        if hints.doubtful.contains(&(name.clone(), own.clone())) {
            step.impossible.push(conditional::doubt(&format!("column {}.{own}", name.name)));
            continue;
        }
        step.room.push(format!("ALTER TABLE {table} DROP COLUMN {};", quote_identifier(own)));
    }
    for (own, column) in earlier.columns.iter().filter(|(own, _)| handed(own)) {
        step.rules.extend(own_default(then, name, earlier, own, column));
    }
    let mut earlier: Vec<(&String, &Column)> = earlier.columns.iter().filter(|(own, _)| !handed(own)).collect();
    earlier.sort_by_key(|(_, column)| column.position);
    for (own, column) in earlier {
        match current.columns.get(own) {
            None => add(step, then, name, own, column),
            // done with the type
            Some(_) if hints.enums.contains(&then.type_name(&column.data_type)) => {}
            Some(current) => alter(step, (now, then), name, own, (current, column), hints),
        }
    }
}

/// What gives a column the default that it had, where it is given that of the table above it.
pub(super) fn own_default(
    then: &Catalog,
    name: &ObjectName,
    table: &Table,
    own: &str,
    column: &Column,
) -> Option<String> {
    if column.generated.is_some() {
        return None;
    }
    let above = parents(table).find_map(|parent| then.tables.get(parent)?.columns.get(own))?;
    let default = match &column.default {
        _ if column.same_default(above) => return None,
        Some(default) => format!("SET DEFAULT {}", default.text),
        None => "DROP DEFAULT".to_owned(),
    };
    Some(format!("ALTER TABLE ONLY {} ALTER COLUMN {} {default};", object(then, name), quote_identifier(own)))
}

/// The tables that one inherits from, or is a partition of.
fn parents(table: &Table) -> impl Iterator<Item = &ObjectName> {
    table.inheritance.from.iter().chain(table.partition.of.iter().map(|(whole, _)| whole))
}

/// Whether what happens to a column happens to it with that of a table which this one inherits from, or is a partition of.
fn comes_down(now: &Catalog, then: &Catalog, table: &Table, own: &String) -> bool {
    let column = |catalog: &'_ Catalog, parent: &ObjectName| {
        catalog.tables.get(parent).and_then(|parent| parent.columns.get(own)).cloned()
    };
    parents(table).any(|parent| match (column(now, parent), column(then, parent)) {
        (Some(now), Some(then)) => Column { position: then.position, ..now } != then,
        (now, then) => now.is_some() != then.is_some(),
    })
}

/// A column comes back; required only once its values are back.
fn add(step: &mut Step, then: &Catalog, name: &ObjectName, own: &str, column: &Column) {
    let table = object(then, name);
    let fills_itself = column.default.is_some() || column.identity || column.generated.is_some();
    let definition = render::column(then, name, own, column, fills_itself);
    step.room.push(format!("ALTER TABLE {table} ADD COLUMN {definition};"));
    if column.not_null && !fills_itself {
        step.rules.push(format!("ALTER TABLE {table} ALTER COLUMN {} SET NOT NULL;", quote_identifier(own)));
    }
}

fn alter(
    step: &mut Step,
    (now, then): (&Catalog, &Catalog),
    name: &ObjectName,
    own: &str,
    (current, earlier): (&Column, &Column),
    hints: &Hints,
) {
    let column = quote_identifier(own);
    let prefix = format!("ALTER TABLE {} ALTER COLUMN {column}", object(then, name));
    let retyped = current.data_type != earlier.data_type;
    let mut default = current.default.clone();
    if retyped {
        // a default that the new type does not take would stop the change
        if default.take().is_some() {
            step.room.push(format!("{prefix} DROP DEFAULT;"));
        }
        let data_type = render::data_type(then, &earlier.data_type);
        let using = match hints.zones.get(&(name.clone(), own.to_owned())) {
            // read in the same zone it leads back
            Some(zone) => format!("{column} AT TIME ZONE {}", quote_literal(zone)),
            None => using(now, then, &column, &current.data_type, &earlier.data_type),
        };
        step.room.push(format!("{prefix} SET DATA TYPE {data_type} USING ({using});"));
    }
    if current.identity && !earlier.identity {
        step.room.push(format!("{prefix} DROP IDENTITY;"));
    }
    if current.generated != earlier.generated {
        match &earlier.generated {
            None => step.room.push(format!("{prefix} DROP EXPRESSION;")),
            Some(_) => step.impossible.push(format!("{}.{own} does not become a generated column again", name.name)),
        }
    }
    if current.not_null && !earlier.not_null {
        step.room.push(format!("{prefix} DROP NOT NULL;"));
    }
    let same_default = if retyped { default == earlier.default } else { current.same_default(earlier) };
    match &earlier.default {
        _ if same_default => {}
        Some(default) => {
            step.room.push(format!("{prefix} SET DEFAULT {};", default.text));
            step.rules.extend(counts_on(then, name, own, earlier));
        }
        None => step.room.push(format!("{prefix} DROP DEFAULT;")),
    }
    if earlier.not_null && !current.not_null {
        step.rules.push(format!("{prefix} SET NOT NULL;"));
    }
    if earlier.identity && !current.identity {
        step.rules.push(format!("{prefix} ADD GENERATED BY DEFAULT AS IDENTITY;"));
        // it counts from 1 otherwise, and the next insert meets a number that is taken
        let (table, number) = (object(then, name), quote_literal(own));
        step.rules.push(format!(
            "SELECT setval(pg_get_serial_sequence({}, {number}), max({column})) FROM {table} HAVING max({column}) > 0;",
            quote_literal(&table)
        ));
    }
}

/// What lets a sequence that numbers a column again count on behind the numbers that are taken: it may have been dropped, or the
/// column have got numbers from elsewhere.
fn counts_on(then: &Catalog, name: &ObjectName, own: &str, earlier: &Column) -> Option<String> {
    let sequence = object(then, &render::sequence(then, earlier)?);
    let number = matches!(earlier.data_type.name.as_str(), "smallint" | "integer" | "bigint");
    let (column, table) = (quote_identifier(own), object(then, name));
    number.then(|| {
        let literal = quote_literal(&sequence);
        format!(
            "SELECT setval({literal}, max({column})) FROM {table} HAVING max({column}) >= (SELECT last_value FROM {sequence});"
        )
    })
}

/// The value of a column of one type as another type. What has no cast of its own goes by its text.
fn using(now: &Catalog, then: &Catalog, column: &str, from: &DataType, to: &DataType) -> String {
    let target = render::data_type(then, to);
    let group = |catalog: &Catalog, data_type: &DataType| match data_type.name.as_str() {
        _ if catalog.enum_values(data_type).is_some() => 0,
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" => 1,
        "text" | "character varying" | "character" => 2,
        name if name.starts_with("timestamp") || name == "date" => 3,
        name if name.starts_with("time") => 4,
        "json" | "jsonb" => 5,
        _ => 0,
    };
    let (from_group, to_group) = (group(now, from), group(then, to));
    let number_of_truth =
        from.name == "boolean" && to.name == "integer" || from.name == "integer" && to.name == "boolean";
    let direct = from_group == 2 || to_group == 2 || from_group != 0 && from_group == to_group || number_of_truth;
    if direct && from.array == to.array {
        format!("{column}::{target}")
    } else {
        let array = if from.array && to.array { "[]" } else { "" };
        format!("{column}::text{array}::{target}")
    }
}

/// An enum without the values that were added: values cannot be taken out of a type, so it is made anew.
pub(super) fn recreate_enum(step: &mut Step, now: &Catalog, then: &Catalog, name: &ObjectName) {
    let Some(values) = then.enums.get(name) else { return };
    let aside = ObjectName { schema: name.schema.clone(), name: format!("{}_old", name.name) };
    let (old, new) = (object(then, &aside), object(then, name));
    step.room.push(format!("ALTER TYPE {new} RENAME TO {};", quote_identifier(&aside.name)));
    step.room.push(render::create_enum(then, name, values));
    let (mut types, mut defaults) = (Vec::new(), [Vec::new(), Vec::new()]);
    for (table, definition) in &now.tables {
        for (own, column) in &definition.columns {
            if now.type_name(&column.data_type) != *name || !then.tables.contains_key(table) {
                continue;
            }
            let quoted = quote_identifier(own);
            let prefix = format!("ALTER TABLE {} ALTER COLUMN {quoted}", object(then, table));
            let array = if column.data_type.array { "[]" } else { "" };
            if column.default.is_some() {
                step.room.push(format!("{prefix} DROP DEFAULT;"));
            }
            // a column of the table that it comes from changes with that one; its default does so too, and may be another one
            let comes = comes_from_above(now, definition, own);
            if !comes {
                types.push(format!("{prefix} TYPE {new}{array} USING ({quoted}::text{array}::{new}{array});"));
            }
            let earlier = then.tables.get(table).and_then(|table| table.columns.get(own));
            if let Some(default) = earlier.and_then(|column| column.default.as_ref()) {
                defaults[usize::from(comes)].push(format!("{prefix} SET DEFAULT {};", default.text));
            }
        }
    }
    step.room.extend(types.into_iter().chain(defaults.into_iter().flatten()));
    step.room.push(format!("DROP TYPE {old};"));
}

/// Whether a column is that of a table above: of the partitioned one, or of one that it inherits from.
fn comes_from_above(catalog: &Catalog, table: &Table, column: &str) -> bool {
    parents(table).filter_map(|above| catalog.tables.get(above)).any(|above| above.columns.contains_key(column))
}
