//! Code: blocks and calls, whose statements the review does not follow.

use super::super::model::{World, quoted};
use super::super::random::Random;
use super::Step;

pub(super) fn code(random: &mut Random, world: &mut World) -> Option<Step> {
    if !world.writers.is_empty() && random.percent(40) {
        let name = random.pick(&world.writers);
        let call = random.word(&["SELECT", "DO"]);
        return Some(Step::new(match call {
            "DO" => format!("DO $c$ BEGIN PERFORM {name}(); END $c$"),
            _ => format!("SELECT {name}()"),
        }));
    }
    let (table, column) = world.column(random)?;
    let (own, on) = (table.sql(), quoted(&column.name));
    let work = match random.below(9) {
        0 => format!("DELETE FROM {own} WHERE id = 1;"),
        1 => format!("UPDATE {own} SET {on} = {};", column.kind.literal(random)),
        2 => {
            world.forget_column(&table.name, &column.name);
            format!("EXECUTE 'ALTER TABLE {own} DROP COLUMN {on}';")
        }
        3 => format!("EXECUTE format('TRUNCATE %I', '{}');", table.name),
        4 => format!("INSERT INTO {own} (id) VALUES (91);"),
        5 => "PERFORM 1;".to_owned(),
        7 if !world.materialized.is_empty() => {
            format!("EXECUTE 'REFRESH MATERIALIZED VIEW {}';", random.pick(&world.materialized).name)
        }
        6 => format!("IF EXISTS (SELECT FROM {own}) THEN UPDATE {own} SET {on} = {on}; END IF;"),
        _ => format!("EXECUTE 'REVOKE ALL ON {own} FROM PUBLIC, proof_reader';"),
    };
    Some(Step::new(format!("DO $c$ BEGIN {work} END $c$")))
}
