//! Rows by the less common statements, and what changes how others work.

use super::super::model::{World, quoted};
use super::super::oracle::Kind;
use super::super::random::Random;
use super::Step;

pub(super) fn rare_rows(random: &mut Random, world: &mut World) -> Option<Step> {
    let (table, column) = world.column(random)?;
    let other = world.table(random);
    let (own, on, from) = (table.sql(), quoted(&column.name), other.sql());
    let (t, name) = (table.name.as_str(), column.name.as_str());
    let value = column.kind.literal(random);
    Some(match random.below(16) {
        0 => Step::new(format!("INSERT INTO {own} (id, {on}) SELECT id + 500, {on} FROM {own} WHERE id < 3")),
        1 => Step::new(format!("UPDATE {own} AS a SET {on} = {value} FROM {from} AS b WHERE a.id = b.id AND b.id < 3"))
            .may(Kind::Values, t, name),
        2 => Step::new(format!("DELETE FROM {own} WHERE id IN (SELECT id FROM {from} WHERE id > 2)")).may(Kind::Rows, t, t),
        3 => Step::new(format!("TRUNCATE TABLE {own}, {from}{}", random.maybe(" CASCADE")))
            .may(Kind::Rows, t, t)
            .may(Kind::Rows, &other.name, &other.name),
        4 => Step::new(format!("SET session_replication_role = replica;\nDELETE FROM {own} WHERE id = 1")).may(Kind::Rows, t, t),
        5 => Step::new(format!("UPDATE {own} SET {on} = (SELECT {value}), id = id WHERE id = 2")).may(Kind::Values, t, name),
        6 => Step::new(format!("EXPLAIN ANALYZE DELETE FROM {own} WHERE id = 2")).may(Kind::Rows, t, t),
        7 => Step::new(format!("PREPARE clean AS DELETE FROM {own} WHERE id = 2;\nEXECUTE clean")).may(Kind::Rows, t, t),
        8 => {
            let fresh = world.fresh("into");
            Step::new(format!("SELECT * INTO {fresh} FROM {own}"))
        }
        9 => {
            let fresh = world.fresh("moved");
            let sql = format!("CREATE TABLE {fresh} AS WITH d AS (DELETE FROM {own} WHERE id > 2 RETURNING id) SELECT id FROM d");
            Step::new(sql).may(Kind::Rows, t, t)
        }
        10 => {
            let sql = format!(
                "MERGE INTO {own} AS m USING (VALUES (1), (70)) AS s (id) ON m.id = s.id \
                 WHEN MATCHED THEN UPDATE SET {on} = {value} WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)"
            );
            Step::new(sql).may(Kind::Values, t, name)
        }
        11 if table.keyed => Step::new(format!("INSERT INTO {own} (id, {on}) VALUES (1, {value}) ON CONFLICT DO NOTHING")),
        12 => Step::new(format!("LOCK TABLE {own} IN SHARE MODE;\nUPDATE {own} SET {on} = {on} WHERE id = 1"))
            .may(Kind::Values, t, name),
        13 => Step::new(format!(
            "CREATE TEMP TABLE keep AS SELECT * FROM {own};\nDELETE FROM {own} WHERE id > 1;\nINSERT INTO {own} SELECT * FROM keep WHERE id > 1"
        ))
        .may(Kind::Rows, t, t),
        14 => {
            let name = world.fresh("proc");
            let work = random.word(&["DELETE FROM", "SELECT FROM"]);
            let sql = format!("CREATE PROCEDURE {name}() LANGUAGE sql AS 'UPDATE {from} SET id = id WHERE false; {work} {own} WHERE id = 1'");
            Step::new(format!("{sql};\nCALL {name}()"))
        }
        _ => {
            let (view, path) = (world.fresh("upd"), random.maybe("SET LOCAL search_path = public, side;\n"));
            let sql = format!("{path}CREATE VIEW {view} AS SELECT id, {on} FROM {own};\nDELETE FROM {view} WHERE id = 1");
            Step::new(sql).may(Kind::Rows, t, t)
        }
    })
}
