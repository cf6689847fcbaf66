//! What Prisma's own draft does where a migration renames. The draft is kept nowhere once it is rewritten, but the lines that keep the
//! decisions say what was dropped and added in it.

use super::candidate::Rename;
use super::directive;
use super::render::{column, constraint, object};
use crate::catalog::{Catalog, Column, ObjectName};
use crate::sql::{ConstraintKind, DataType, Script, quote_identifier, quote_literal};

/// The draft's statements for every rename that the file keeps; nothing where it keeps none. `before` and `after` are the catalogs
/// around the migration.
pub fn drafted(before: &Catalog, after: &Catalog, script: &Script) -> Vec<String> {
    let kept = |text: &str| directive::parse(before, text).or_else(|| directive::parse_map(before, text));
    let renames: Vec<Rename> = script.comments().iter().filter_map(|comment| kept(&comment.text)).collect();
    let moved = |table: &ObjectName| renames.iter().any(|it| matches!(it, Rename::Table { from, .. } if from == table));
    let mut statements = Vec::new();
    for rename in &renames {
        match rename {
            // the whole table goes
            Rename::Column { table, .. } if moved(table) => {}
            Rename::Column { table, from, to } => {
                let found = |catalog: &Catalog, name: &String| catalog.tables.get(table)?.columns.get(name).cloned();
                // one that is renamed in Prisma only keeps its name
                let Some(new) = found(after, to).or_else(|| found(before, from)) else { continue };
                let old = quote_identifier(from);
                let new = column(to, &new, None);
                statements
                    .push(format!("ALTER TABLE {} DROP COLUMN {old},\nADD COLUMN     {new};", object(before, table)));
            }
            Rename::Table { from, to, .. } => {
                statements.push(format!("DROP TABLE {};", object(before, from)));
                // one that is renamed in Prisma only stays as it is
                let shape = [(after, to), (before, from)];
                statements.extend(shape.into_iter().find_map(|(catalog, name)| created(catalog, name, to)));
            }
            Rename::Enum { from, to } => {
                let values = after.enums.get(to).or_else(|| before.enums.get(from));
                statements.push(enumerated(&object(before, to), values.map_or(&[], Vec::as_slice)));
                for (table, name) in before.columns_of_type(from) {
                    let (Some(old), false) =
                        (before.tables.get(&table).and_then(|it| it.columns.get(&name)), moved(&table))
                    else {
                        continue;
                    };
                    let (own, quoted) = (object(before, &table), quote_identifier(&name));
                    let kind =
                        DataType { schema: before.short(to).schema, name: to.name.clone(), ..old.data_type.clone() };
                    let new = column(&name, &Column { data_type: kind, ..old.clone() }, None);
                    statements.push(format!("ALTER TABLE {own} DROP COLUMN {quoted},\nADD COLUMN     {new};"));
                }
                statements.push(format!("DROP TYPE {};", object(before, from)));
            }
            Rename::EnumValue { of, from, to } => statements.extend(without(before, of, from, to)),
        }
    }
    statements
}

fn created(catalog: &Catalog, name: &ObjectName, to: &ObjectName) -> Option<String> {
    let table = catalog.tables.get(name)?;
    let mut columns: Vec<_> = table.columns.iter().collect();
    columns.sort_by_key(|(_, column)| column.position);
    let mut lines: Vec<String> =
        columns.into_iter().map(|(name, own)| format!("    {}", column(name, own, serial(own)))).collect();
    let key = table.constraints.iter().find(|(_, own)| matches!(own.kind, ConstraintKind::PrimaryKey { .. }));
    lines.extend(
        key.map(|(name, key)| {
            format!("\n    CONSTRAINT {} {}", quote_identifier(name), constraint(catalog, &key.kind))
        }),
    );
    Some(format!("CREATE TABLE {} (\n{}\n);", object(catalog, to), lines.join(",\n")))
}

/// As the column was written where its values come from a sequence.
fn serial(column: &Column) -> Option<&'static str> {
    column.default.as_ref().filter(|default| default.text.starts_with("nextval("))?;
    match column.data_type.name.as_str() {
        "smallint" => Some("SMALLSERIAL"),
        "integer" => Some("SERIAL"),
        "bigint" => Some("BIGSERIAL"),
        _ => None,
    }
}

fn enumerated(name: &str, values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| quote_literal(value)).collect();
    format!("CREATE TYPE {name} AS ENUM ({});", values.join(", "))
}

/// An enum without a value is made anew, and its columns are cast: rows that hold the value make that fail.
fn without(before: &Catalog, of: &ObjectName, from: &str, to: &str) -> Vec<String> {
    let fresh = ObjectName { name: format!("{}_new", of.name), ..of.clone() };
    let fresh = object(before, &fresh);
    let values = before.enums.get(of).map_or(&[][..], Vec::as_slice).iter();
    let values: Vec<String> = values.map(|value| if value == from { to.to_owned() } else { value.clone() }).collect();
    let mut statements = vec![enumerated(&fresh, &values)];
    for (table, name) in before.columns_of_type(of) {
        let Some(own) = before.tables.get(&table).and_then(|table| table.columns.get(&name)) else { continue };
        let (table, name) = (object(before, &table), quote_identifier(&name));
        let array = if own.data_type.array { "[]" } else { "" };
        statements.push(format!(
            "ALTER TABLE {table} ALTER COLUMN {name} TYPE {fresh}{array} USING ({name}::text{array}::{fresh}{array});"
        ));
    }
    statements.push(format!("DROP TYPE {};", object(before, of)));
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    const INIT: &str = "CREATE TYPE \"Role\" AS ENUM ('USER', 'ADMIN');\n\
        CREATE TABLE \"Song\" (\"id\" SERIAL NOT NULL, \"artist\" TEXT NOT NULL, \"role\" \"Role\" NOT NULL DEFAULT 'USER', \
        CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\"));";

    fn of(sql: &str) -> String {
        let mut before = Catalog::new("public");
        before.apply(&Script::parse(INIT), "1");
        let script = Script::parse(sql);
        let mut after = before.clone();
        after.apply(&script, "2");
        let statements = drafted(&before, &after, &script);
        // what is shown is SQL
        assert_eq!(Script::parse(statements.join("\n")).errors(), []);
        statements.join("\n")
    }

    #[test]
    fn a_rename_was_a_drop_and_an_addition() {
        let all = [
            "-- prisma-safe:rename column Song.artist -> artist_name\nALTER TABLE \"Song\" RENAME COLUMN \"artist\" TO \"artist_name\";",
            "-- prisma-safe:rename table Song -> Track\n-- prisma-safe:rename column Song.artist -> singer\n\
             ALTER TABLE \"Song\" RENAME TO \"Track\";\nALTER TABLE \"Track\" RENAME COLUMN \"artist\" TO \"singer\";",
            "-- prisma-safe:rename enum Role -> UserRole\nALTER TYPE \"Role\" RENAME TO \"UserRole\";",
            "-- prisma-safe:rename value Role.USER -> MEMBER\nALTER TYPE \"Role\" RENAME VALUE 'USER' TO 'MEMBER';",
            "-- prisma-safe:map column Song.artist -> singer\n",
        ];
        insta::assert_snapshot!(all.map(of).join("\n\n"), @r#"
        ALTER TABLE "Song" DROP COLUMN "artist",
        ADD COLUMN     "artist_name" TEXT NOT NULL;

        DROP TABLE "Song";
        CREATE TABLE "Track" (
            "id" SERIAL NOT NULL,
            "singer" TEXT NOT NULL,
            "role" "Role" NOT NULL DEFAULT 'USER',

            CONSTRAINT "Song_pkey" PRIMARY KEY ("id")
        );

        CREATE TYPE "UserRole" AS ENUM ('USER', 'ADMIN');
        ALTER TABLE "Song" DROP COLUMN "role",
        ADD COLUMN     "role" "UserRole" NOT NULL DEFAULT 'USER';
        DROP TYPE "Role";

        CREATE TYPE "Role_new" AS ENUM ('MEMBER', 'ADMIN');
        ALTER TABLE "Song" ALTER COLUMN "role" TYPE "Role_new" USING ("role"::text::"Role_new");
        DROP TYPE "Role";

        ALTER TABLE "Song" DROP COLUMN "artist",
        ADD COLUMN     "singer" TEXT NOT NULL;
        "#);
        assert_eq!(of("ALTER TABLE \"Song\" DROP COLUMN \"artist\";"), "");
    }
}
