//! Taking a migration back: its reverse, and what it destroyed.
//!
//! | module | what it is |
//! |---|---|
//! | [`reverse`] | the reverse of a migration, worked out statement by statement |
//! | [`grade`] | how far it can be rolled back, in a word |
//! | [`down`] | the same as the file `down.sql` |
//! | [`losses`] | what a migration destroys |
//! | [`plan`] | what is kept of that, and of what the rehearsal has measured beside it |
//! | [`keep`], [`capture`] | keeping it inside the migration's own transaction |
//! | [`chosen`], [`way`] | which migrations go back, and what is known of each way |
//! | [`held`] | what a rollback would drop in turn |
//! | [`capsule`] | where it is kept, and for how long |
//! | [`code`] | triggers and rules that a migration sets off |
//! | [`definitions`] | what the database was around a migration that destroys nothing |
//! | [`recover`] | without a capsule: from the backup before the migration |
//! | `objects` | views, functions, triggers, policies and rights, by the definitions read before |
//! | [`roll_back`], [`put_back`] | one migration rolled back in one transaction |

pub mod capsule;
pub mod capture;
pub mod chosen;
pub mod code;
pub mod definitions;
pub mod down;
mod facts;
pub mod grade;
pub mod held;
pub mod keep;
pub mod losses;
mod names;
mod objects;
pub mod plan;
pub mod put_back;
pub mod recover;
mod render;
pub mod reverse;
pub mod roll_back;
pub mod settings;
pub mod way;

pub use self::capsule::{Capsule, Rights, Source, prune, prune_old, rights};
pub use self::capture::Capture;
pub use self::down::{Down, needs_no_definitions};
pub use self::keep::{Keeper, Watch};
pub use self::plan::{Measured, Plan, Planned};
pub use self::put_back::PutBack;
pub use self::roll_back::{Compared, Fill, Request, RolledBack, roll_back_all_on, roll_back_on};
pub use self::settings::{Otherwise, Settings};
