//! The migrations that are to be deployed: a few statements of every kind, each with what it says itself that it takes away.

mod code;
mod data;
mod elsewhere;
mod objects;
mod rare_objects;
mod rare_rows;
mod rare_shape;
mod rights;
mod shape;

use super::model::World;
use super::oracle::{Kind, May};
use super::random::Random;

/// A statement, or a few that belong together.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) sql: String,
    pub(super) may: Vec<May>,
}

impl Step {
    fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), may: Vec::new() }
    }

    /// It says that this goes, or becomes another.
    fn may(mut self, kind: Kind, table: &str, name: &str) -> Self {
        self.may.push(May { kind, table: table.to_owned(), name: name.to_owned() });
        self
    }
}

/// One to three of them; none for what there is nothing to write about.
pub(super) fn steps(random: &mut Random, world: &mut World) -> Vec<Step> {
    let count = [1, 1, 1, 2, 2, 3][random.below(6)];
    let mut steps = Vec::new();
    for _ in 0..count * 20 {
        let of: &[fn(&mut Random, &mut World) -> Option<Step>] = &[
            shape::column,
            shape::table,
            shape::part,
            data::rows,
            data::moves,
            objects::objects,
            rights::rights,
            code::code,
            rare_rows::rare_rows,
            rare_shape::rare_shape,
            rare_objects::rare_objects,
            elsewhere::elsewhere,
        ];
        if world.tables.is_empty() || steps.len() == count {
            break;
        }
        let make = *random.pick(of);
        steps.extend(make(random, world));
    }
    steps
}
