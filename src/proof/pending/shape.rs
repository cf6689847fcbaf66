//! Columns, tables, and what belongs to them.

use super::super::model::{Column, Part, Table, Type, World, quoted};
use super::super::oracle::Kind;
use super::super::random::Random;
use super::Step;

pub(super) fn column(random: &mut Random, world: &mut World) -> Option<Step> {
    let (table, column) = world.column(random)?;
    let (own, on, name) = (table.sql(), quoted(&column.name), column.name.as_str());
    let alter = format!("ALTER TABLE {own}");
    let t = table.name.as_str();
    Some(match random.below(12) {
        0 => {
            let kind = *random.pick(&Type::ALL);
            let fresh = world.fresh("col");
            let literal = kind.literal(random);
            let default = if random.percent(40) { format!(" DEFAULT {literal}") } else { String::new() };
            let exists = random.maybe("IF NOT EXISTS ");
            let added =
                Column { name: fresh.clone(), kind, default: !default.is_empty(), not_null: false, by_hand: false };
            world.tables.iter_mut().filter(|known| known.name == t).for_each(|known| known.columns.push(added.clone()));
            Step::new(format!("{alter} ADD COLUMN {exists}{fresh} {}{default}", kind.sql()))
        }
        1 => Step::new(format!("{alter} ADD COLUMN IF NOT EXISTS {on} {}", column.kind.sql())),
        2 => {
            world.forget_column(t, name);
            let (exists, cascade) = (random.maybe("IF EXISTS "), if random.percent(25) { " CASCADE" } else { "" });
            Step::new(format!("{alter} DROP COLUMN {exists}{on}{cascade}")).may(Kind::Column, t, name)
        }
        3..=6 => {
            let (to, using) = random.pick(column.kind.retypes());
            let using = if using.is_empty() { String::new() } else { format!(" USING {}", using.replace("{}", &on)) };
            let dropped = if column.default && random.percent(60) {
                format!("{alter} ALTER COLUMN {on} DROP DEFAULT;\n")
            } else {
                String::new()
            };
            // what follows takes it for what it was, unless it keeps away
            world.forget_column(t, name);
            let data = random.maybe("SET DATA ");
            let step = Step::new(format!("{dropped}{alter} ALTER COLUMN {on} {data}TYPE {to}{using}"));
            // true and false are 1 and 0: the same in other words
            let same = column.kind == Type::Bool && using.ends_with("::integer");
            let step = if same { step.may(Kind::Values, t, name) } else { step };
            step.may(Kind::Type, t, name).may(Kind::Default, t, name).may(Kind::Retyped, t, name)
        }
        7 => Step::new(format!("{alter} ALTER COLUMN {on} SET DEFAULT {}", column.kind.literal(random))).may(
            Kind::Default,
            t,
            name,
        ),
        8 => Step::new(format!("{alter} ALTER COLUMN {on} DROP DEFAULT")).may(Kind::Default, t, name),
        9 => Step::new(format!("{alter} ALTER COLUMN {on} DROP NOT NULL")).may(Kind::NotNull, t, name),
        10 => Step::new(format!("{alter} ALTER COLUMN {on} SET NOT NULL")),
        _ => {
            let fresh = world.fresh("col");
            world.forget_column(t, name);
            Step::new(format!("{alter} RENAME COLUMN {on} TO {fresh}")).may(Kind::Name, t, name)
        }
    })
}

pub(super) fn table(random: &mut Random, world: &mut World) -> Option<Step> {
    let table = world.table(random);
    let (own, t) = (table.sql(), table.name.as_str());
    Some(match random.below(8) {
        0 => {
            let fresh = world.fresh("tab");
            let made = Table { name: fresh.clone(), columns: Vec::new(), keyed: true, by_hand: false, rows: 0 };
            world.tables.push(made);
            Step::new(format!(
                "CREATE TABLE {}{fresh} (id integer PRIMARY KEY, word text)",
                random.maybe("IF NOT EXISTS ")
            ))
        }
        1 => {
            let after = match random.below(3) {
                0 => format!(";\nTRUNCATE {own}"),
                1 => format!(";\nDELETE FROM {own}"),
                _ => String::new(),
            };
            Step::new(format!("CREATE TABLE IF NOT EXISTS {own} (id integer PRIMARY KEY){after}")).may(Kind::Rows, t, t)
        }
        2 => {
            world.forget_table(t);
            let (exists, cascade) = (random.maybe("IF EXISTS "), if random.percent(40) { " CASCADE" } else { "" });
            Step::new(format!("DROP TABLE {exists}{own}{cascade}")).may(Kind::Table, t, t)
        }
        3 => {
            let fresh = world.fresh("tab");
            world.forget_table(t);
            Step::new(format!("ALTER TABLE {}{own} RENAME TO {fresh}", random.maybe("IF EXISTS "))).may(
                Kind::Name,
                t,
                t,
            )
        }
        4 => {
            let fresh = world.fresh("copy");
            Step::new(format!("CREATE TABLE {fresh} AS SELECT * FROM {own}"))
        }
        5 => {
            let fresh = world.fresh("like");
            Step::new(format!("CREATE TABLE {fresh} (LIKE {own} INCLUDING ALL)"))
        }
        6 => {
            // a table made anew in place of another, with its rows
            let fresh = world.fresh("new");
            let filter = random.maybe(" WHERE id > 1");
            world.forget_table(t);
            Step::new(format!(
                "CREATE TABLE {fresh} AS SELECT * FROM {own}{filter};\nDROP TABLE {own};\nALTER TABLE {fresh} RENAME TO {own}"
            ))
            .may(Kind::Table, t, t)
        }
        _ => {
            world.forget_table(t);
            Step::new(format!("CREATE SCHEMA IF NOT EXISTS side;\nALTER TABLE {own} SET SCHEMA side")).may(
                Kind::Name,
                t,
                t,
            )
        }
    })
}

pub(super) fn part(random: &mut Random, world: &mut World) -> Option<Step> {
    let (table, column) = world.column(random)?;
    let (own, on, t) = (table.sql(), quoted(&column.name), table.name.as_str());
    let known = |parts: &[Part], random: &mut Random| (!parts.is_empty()).then(|| random.pick(parts).clone());
    let exists = random.maybe("IF EXISTS ");
    Some(match random.below(10) {
        0 => Step::new(format!("CREATE INDEX {} ON {own} ({on})", world.fresh("idx"))),
        1 => Step::new(format!("CREATE UNIQUE INDEX IF NOT EXISTS {} ON {own} ({on})", world.fresh("key"))),
        2 => {
            let index = known(&world.indexes, random)?;
            world.indexes.retain(|known| known.name != index.name);
            let cascade = random.maybe(" CASCADE");
            Step::new(format!("DROP INDEX {exists}{}{cascade}", quoted(&index.name))).may(
                Kind::Index,
                &index.table,
                &index.name,
            )
        }
        3 | 4 => {
            let constraint = known(&world.constraints, random)?;
            world.constraints.retain(|known| known.name != constraint.name);
            let sql = format!(
                "ALTER TABLE {} DROP CONSTRAINT {exists}{}",
                quoted(&constraint.table),
                quoted(&constraint.name)
            );
            Step::new(sql).may(Kind::Constraint, &constraint.table, &constraint.name)
        }
        5 => Step::new(format!("ALTER TABLE {own} ADD CONSTRAINT {} CHECK (id > -1000)", world.fresh("chk"))),
        6 if table.keyed => {
            let name = format!("{t}_pkey");
            let sql =
                format!("ALTER TABLE {own} DROP CONSTRAINT {exists}{}{}", quoted(&name), random.maybe(" CASCADE"));
            Step::new(sql).may(Kind::Constraint, t, &name).may(Kind::NotNull, t, "id")
        }
        7 => {
            let index = known(&world.indexes, random)?;
            world.indexes.retain(|known| known.name != index.name);
            let sql = format!("ALTER INDEX {exists}{} RENAME TO {}", quoted(&index.name), world.fresh("idx"));
            Step::new(sql).may(Kind::Name, &index.table, &index.name)
        }
        8 => {
            Step::new(format!("ALTER TABLE {own} ALTER COLUMN id DROP IDENTITY IF EXISTS")).may(Kind::Default, t, "id")
        }
        _ => {
            let constraint = known(&world.constraints, random)?;
            world.constraints.retain(|known| known.name != constraint.name);
            let (of, name) = (quoted(&constraint.table), quoted(&constraint.name));
            let fresh = world.fresh("con");
            Step::new(format!("ALTER TABLE {of} RENAME CONSTRAINT {name} TO {fresh}")).may(
                Kind::Name,
                &constraint.table,
                &constraint.name,
            )
        }
    })
}
