//! The way out where a key gets a type that no cast leads to: a new column beside it, filled, the children led over by the old
//! values, and the switch, in one migration.

use super::render::{constraint, data_type, object};
use crate::catalog::{Catalog, Constraint, ObjectName};
use crate::effects::cast::{Cast, Change};
use crate::effects::conversion::Enums;
use crate::sql::{ConstraintKind, DataType, Expr, quote_identifier};

/// A column that leads to the key.
struct Child {
    table: ObjectName,
    column: String,
    /// The foreign key's name before and after, and its definition after; none where it does not come back.
    key: (String, Option<(String, ConstraintKind)>),
    not_null: bool,
}

/// The statements that take the place of the draft's own, with `…` where only a person knows the values. None where the column
/// does not keep its name, or its values can be cast.
pub fn steps(before: &Catalog, after: &Catalog, table: &ObjectName, column: &str) -> Option<Vec<String>> {
    let old = before.tables.get(table)?.columns.get(column)?;
    let new = after.tables.get(table)?.columns.get(column)?;
    let cast = Change::new(Enums { before, after }, &old.data_type, &new.data_type).cast(column);
    if cast != Cast::None {
        return None;
    }
    let aside = format!("{column}_new");
    let (own, name, fresh) = (object(before, table), quote_identifier(column), quote_identifier(&aside));
    let children = children(before, after, table, column);
    let mut lines = Vec::new();
    let kind = data_type(&new.data_type);
    let (value, drops_default) = fill(&new.data_type, new.default.as_ref());
    match &value {
        Some(value) => lines.push(format!("ALTER TABLE {own} ADD COLUMN {fresh} {kind} NOT NULL DEFAULT {value};")),
        None => {
            lines.push(format!("ALTER TABLE {own} ADD COLUMN {fresh} {kind};"));
            lines.push(format!("UPDATE {own} SET {fresh} = …;"));
        }
    }
    for child in &children {
        let (table, column) = (object(before, &child.table), quote_identifier(&child.column));
        let aside = quote_identifier(&format!("{}_new", child.column));
        lines.push(format!("ALTER TABLE {table} ADD COLUMN {aside} {kind};"));
        lines.push(format!("UPDATE {table} c SET {aside} = p.{fresh} FROM {own} p WHERE c.{column} = p.{name};"));
    }
    for child in &children {
        let table = object(before, &child.table);
        lines.push(format!("ALTER TABLE {table} DROP CONSTRAINT {};", quote_identifier(&child.key.0)));
    }
    for (table, column) in
        std::iter::once((table, column)).chain(children.iter().map(|own| (&own.table, own.column.as_str())))
    {
        let (own, name, aside) =
            (object(before, table), quote_identifier(column), quote_identifier(&format!("{column}_new")));
        lines.push(format!("ALTER TABLE {own} DROP COLUMN {name};"));
        lines.push(format!("ALTER TABLE {own} RENAME COLUMN {aside} TO {name};"));
    }
    if value.is_some() && drops_default {
        lines.push(format!("ALTER TABLE {own} ALTER COLUMN {name} DROP DEFAULT;"));
    }
    if value.is_none() && new.not_null {
        lines.push(format!("ALTER TABLE {own} ALTER COLUMN {name} SET NOT NULL;"));
    }
    for child in children.iter().filter(|child| child.not_null) {
        let (table, column) = (object(before, &child.table), quote_identifier(&child.column));
        lines.push(format!("ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;"));
    }
    lines.extend(keys(after, table, column));
    for child in &children {
        lines.extend(keys(after, &child.table, &child.column));
        if let Some((name, kind)) = &child.key.1 {
            let (table, name) = (object(after, &child.table), quote_identifier(name));
            lines.push(format!("ALTER TABLE {table} ADD CONSTRAINT {name} {};", constraint(after, kind)));
        }
    }
    Some(lines)
}

/// The value of new keys, where one can be made, and whether the column has another default, or none, afterwards.
fn fill(kind: &DataType, default: Option<&Expr>) -> (Option<String>, bool) {
    match default {
        Some(default) => (Some(default.text.clone()), false),
        None if kind.name == "uuid" && !kind.array => (Some("gen_random_uuid()".into()), true),
        None if kind.name == "text" && !kind.array => (Some("gen_random_uuid()::text".into()), true),
        None => (None, false),
    }
}

/// Foreign keys to the column alone.
fn children(before: &Catalog, after: &Catalog, table: &ObjectName, column: &str) -> Vec<Child> {
    let mut found = Vec::new();
    let leads = |catalog: &Catalog, kind: &ConstraintKind| match kind {
        ConstraintKind::ForeignKey { columns, table: target, referenced, .. }
            if catalog.resolve(target) == *table && referenced.as_slice() == [column] =>
        {
            columns.first().cloned()
        }
        _ => None,
    };
    for (own, of) in &before.tables {
        for (name, Constraint { kind, .. }) in &of.constraints {
            let Some(child) = leads(before, kind) else { continue };
            let now = after.tables.get(own);
            let again = now.into_iter().flat_map(|now| &now.constraints);
            let again = again
                .filter(|(_, constraint)| leads(after, &constraint.kind).as_deref() == Some(child.as_str()))
                .map(|(name, constraint)| (name.clone(), constraint.kind.clone()))
                .next();
            let not_null = now.and_then(|now| now.columns.get(&child)).is_some_and(|column| column.not_null);
            found.push(Child { table: own.clone(), column: child, key: (name.clone(), again), not_null });
        }
    }
    found
}

/// Keys and indexes over a column as they are afterwards, which went with the old column.
fn keys(after: &Catalog, table: &ObjectName, column: &str) -> Vec<String> {
    let Some(of) = after.tables.get(table) else { return Vec::new() };
    let own = object(after, table);
    let constraints = of.constraints.iter().filter(|(_, constraint)| {
        matches!(constraint.kind, ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. })
            && constraint.kind.involves(column)
    });
    let constraints = constraints.map(|(name, it)| {
        format!("ALTER TABLE {own} ADD CONSTRAINT {} {};", quote_identifier(name), constraint(after, &it.kind))
    });
    let indexes = of.indexes.iter().filter(|(_, index)| index.involves(column)).map(|(name, index)| {
        let unique = if index.unique { "UNIQUE " } else { "" };
        let keys = index.keys.iter().map(|key| key.text.clone()).collect::<Vec<_>>().join(", ");
        format!("CREATE {unique}INDEX {} ON {own}({keys});", quote_identifier(name))
    });
    constraints.chain(indexes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Script;

    const BEFORE: &str = "CREATE TABLE \"Parent\" (\"id\" SERIAL NOT NULL, CONSTRAINT \"Parent_pkey\" PRIMARY KEY (\"id\"));\nCREATE TABLE \"Child\" (\"id\" INTEGER NOT NULL, \"parentId\" INTEGER NOT NULL, CONSTRAINT \"Child_parentId_fkey\" FOREIGN KEY (\"parentId\") REFERENCES \"Parent\"(\"id\") ON DELETE CASCADE);";

    #[test]
    fn children_are_led_over() {
        let before = Catalog::replay("public", [("1", &Script::parse(BEFORE))]);
        let changed =
            BEFORE.replace("\"id\" SERIAL", "\"id\" UUID").replace("\"parentId\" INTEGER", "\"parentId\" UUID");
        let after = Catalog::replay("public", [("1", &Script::parse(changed))]);
        let parent = ObjectName { schema: "public".into(), name: "Parent".into() };
        let steps = steps(&before, &after, &parent, "id").unwrap().join("\n");
        let update =
            "UPDATE \"Child\" c SET \"parentId_new\" = p.\"id_new\" FROM \"Parent\" p WHERE c.\"parentId\" = p.\"id\";";
        assert!(steps.contains(update), "{steps}");
        assert!(steps.ends_with("REFERENCES \"Parent\"(\"id\") ON DELETE CASCADE;"), "{steps}");
        // the whole of it ends where the draft ends
        let mut reached = before.clone();
        reached.apply(&Script::parse(steps), "m");
        assert_eq!(after.differences(&reached), Vec::<String>::new());
        assert_eq!(super::steps(&before, &before, &parent, "id"), None);
    }
}
