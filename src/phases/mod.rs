//! Expand, backfill, contract: a change that would break the running release, in phases that each leave both releases running.
//!
//! | module | what it is |
//! |---|---|
//! | `plan`, `migrations`, `plans`, `written` | the plan's file: read, refused with a caret, written |
//! | `earlier` | plans as earlier versions wrote them |
//! | `asked` | what a person asks for |
//! | `begin`, `regroup`, `casts` | a new plan from that |
//! | `bundle` | several tables in one migration |
//! | `rows` | rows by their keys |
//! | `session` | a session in which expressions mean the same everywhere |
//! | `subject` | a column that is meant, and what stands in the way of phases |
//! | `table` | a table under two names |
//! | `fields` | schema.prisma for each phase |
//! | `words` | a plan in words |
//! | `names`, `lists`, `render` | each phase's SQL, from `templates/phases/` |
//! | `draft` | the types that Prisma gives the new columns |
//! | `obstacles` | what a database holds that a column in phases would break |
//! | `standing` | where a plan stands on a database |
//! | `gate` | the evidence that the contract needs |
//!
//! A plan never says that a phase is done: that is in each database's own history.

mod asked;
pub mod begin;
mod bundle;
mod casts;
mod draft;
mod earlier;
mod fields;
pub mod gate;
mod lists;
mod migrations;
mod names;
pub mod obstacles;
pub mod plan;
mod plans;
mod regroup;
mod render;
pub mod rows;
pub mod session;
pub mod settings;
pub mod standing;
mod subject;
mod table;
#[cfg(test)]
mod tests;
mod words;
mod written;

pub use self::bundle::Bundle;
pub use self::draft::Drafted;
pub use self::fields::{Edited, Phase};
pub use self::names::{Names, after, stamp};
pub use self::plan::{Kind, Plan, Side};
pub use self::plans::Plans;
pub use self::regroup::losing_indexes;
pub use self::render::Scripts;

pub use self::asked::{Asked, Back, NewColumn};
pub use self::subject::Subject;
pub use self::table::{AskedTable, plan as table_plan};
pub use self::written::check_expression;
