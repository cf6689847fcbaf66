//! Rows and values.

use super::super::model::{World, quoted};
use super::super::oracle::Kind;
use super::super::random::Random;
use super::Step;

pub(super) fn rows(random: &mut Random, world: &mut World) -> Option<Step> {
    let (table, column) = world.column(random)?;
    let (own, on, t, name) = (table.sql(), quoted(&column.name), table.name.as_str(), column.name.as_str());
    let value = column.kind.literal(random);
    Some(match random.below(13) {
        0 => Step::new(format!("DELETE FROM {own} WHERE id = {}", 1 + random.below(3))).may(Kind::Rows, t, t),
        1 => Step::new(format!("DELETE FROM {own}")).may(Kind::Rows, t, t),
        2 => Step::new(format!("DELETE FROM ONLY {own} AS d USING {own} AS e WHERE d.id = e.id AND e.id > 1")).may(
            Kind::Rows,
            t,
            t,
        ),
        3 => {
            let (identity, cascade) = (random.maybe(" RESTART IDENTITY"), random.maybe(" CASCADE"));
            Step::new(format!("TRUNCATE {own}{identity}{cascade}")).may(Kind::Rows, t, t)
        }
        4 | 5 => Step::new(format!("UPDATE {own} SET {on} = {value} WHERE id <= {}", random.below(4))).may(
            Kind::Values,
            t,
            name,
        ),
        6 => Step::new(format!("UPDATE {own} SET {on} = {value}")).may(Kind::Values, t, name),
        7 => Step::new(format!("UPDATE {own} SET {on} = {value} WHERE {on} IS NULL")).may(Kind::Values, t, name),
        8 => Step::new(format!("INSERT INTO {own} (id, {on}) VALUES (90, {value})")),
        9 if table.keyed => Step::new(format!(
            "INSERT INTO {own} (id, {on}) VALUES (1, {value}) ON CONFLICT (id) DO UPDATE SET {on} = EXCLUDED.{on}"
        ))
        .may(Kind::Values, t, name),
        10 => {
            let archive = world.fresh("archive");
            Step::new(format!(
                "CREATE TABLE {archive} (id integer);\nWITH gone AS (DELETE FROM {own} WHERE id > 1 RETURNING id) INSERT INTO {archive} SELECT id FROM gone"
            ))
            .may(Kind::Rows, t, t)
        }
        11 => {
            let what = random.word(&["DELETE", "DO NOTHING"]);
            Step::new(format!(
                "MERGE INTO {own} AS m USING (VALUES (1), (2)) AS s (id) ON m.id = s.id WHEN MATCHED THEN {what}"
            ))
            .may(Kind::Rows, t, t)
        }
        _ => Step::new(format!("UPDATE {own} SET id = id + 1000")).may(Kind::Values, t, "id").may(Kind::Rows, t, t),
    })
}

/// Values that are led elsewhere, and sequences.
pub(super) fn moves(random: &mut Random, world: &mut World) -> Option<Step> {
    let sequence = (!world.sequences.is_empty()).then(|| random.pick(&world.sequences).clone());
    match (random.below(6), sequence) {
        (0, _) => {
            let (table, column) = world.column(random)?;
            let (own, on, fresh) = (table.sql(), quoted(&column.name), world.fresh("col"));
            let filter = random.maybe(" WHERE id > 1");
            world.forget_column(&table.name, &column.name);
            let sql = format!(
                "ALTER TABLE {own} ADD COLUMN {fresh} {};\nUPDATE {own} SET {fresh} = {on}{filter};\nALTER TABLE {own} DROP COLUMN {on}",
                column.kind.sql()
            );
            Some(Step::new(sql).may(Kind::Column, &table.name, &column.name))
        }
        (1, Some(sequence)) => Some(Step::new(format!("SELECT setval('{sequence}', {})", random.below(2000) + 1)).may(
            Kind::Position,
            "",
            &sequence,
        )),
        (2, Some(sequence)) => {
            let to = random.word(&["RESTART", "RESTART WITH 5", "INCREMENT BY 2", "MAXVALUE 100000", "OWNED BY NONE"]);
            Some(Step::new(format!("ALTER SEQUENCE IF EXISTS {sequence} {to}")).may(Kind::Position, "", &sequence))
        }
        (3, Some(sequence)) => {
            world.sequences.retain(|known| *known != sequence);
            let again = random.maybe(";\nCREATE SEQUENCE ");
            let again = if again.is_empty() { String::new() } else { format!("{again}{sequence}") };
            Some(Step::new(format!("DROP SEQUENCE {sequence}{again}")).may(Kind::Sequence, "", &sequence))
        }
        (4, Some(sequence)) => Some(Step::new(format!("CREATE SEQUENCE IF NOT EXISTS {sequence} START 7"))),
        _ => None,
    }
}
