//! Statements that `search_path` leads to another schema, with a table of the same name.

use super::super::model::World;
use super::super::random::Random;
use super::{Step, data, rare_rows, shape};

pub(super) fn elsewhere(random: &mut Random, world: &mut World) -> Option<Step> {
    let twin = world.twin.clone()?;
    let name = twin.name.clone();
    let of: &[fn(&mut Random, &mut World) -> Option<Step>] =
        &[shape::column, shape::table, data::rows, rare_rows::rare_rows];
    let mut side = World { tables: vec![twin], made_up: world.made_up, ..World::default() };
    let step = random.pick(of)(random, &mut side)?;
    world.made_up = side.made_up;
    world.twin = side.tables.into_iter().find(|table| table.name == name);
    let path = random.word(&[
        "SET search_path = side, public",
        "SET LOCAL search_path TO side, public",
        "SELECT set_config('search_path', 'side, public', false)",
        "SET search_path = 'side'",
        "SET search_path = public, side",
    ]);
    let back = random.maybe(";\nRESET search_path");
    Some(Step { sql: format!("{path};\n{}{back}", step.sql), ..step })
}
