//! Data steps: SQL or a program of the project that runs between two migrations, `prisma/phases/NAME.step.toml`.
//!
//! | module | what it is |
//! |---|---|
//! | `step` | the file |
//! | `state` | what was run on a database, in `_prisma_safe` |
//! | `start` | running one |
//! | `declared` | whether what it changed is what it says |

mod declared;
mod start;
mod state;
mod step;

pub use self::declared::Declared;
pub use self::start::{Ran, Starter};
pub use self::state::{Due, demand_a_word, due};
pub use self::step::{Fresh, Step, Steps};
