//! The guard inside the database: plain `prisma db push --force-reset` does not run through prisma-safe, so the database itself
//! asks for a deployment's token before its schema changes.
//!
//! | module | what it is |
//! |---|---|
//! | `settings` | what is guarded, and for whom |
//! | `install` | switching it on and off, each in one transaction |
//! | `pass` | tokens for the sessions of a deployment |
//! | `state` | whether it is on, whole, and awake |
//! | `opening` | letting everything pass for a while |
//! | `plan` | the same as SQL, and the second best without event triggers |
//! | `dump` | its own objects in a dump: a copy is not guarded |
//!
//! The SQL is in `templates/guard/`. It stops mistakes and agents, not a role that may switch it off.

pub mod dump;
pub mod install;
pub mod opening;
pub mod pass;
pub mod plan;
pub mod settings;
pub mod state;

pub use self::pass::Pass;
pub use self::settings::Settings;
pub use self::state::{Standing, State};

/// What the sessions of this room call themselves.
const APPLICATION: &str = "prisma-safe guard";
/// The SQLSTATE of a refusal.
pub const REFUSED: &str = "PSAFE";
/// Changing triggers waits this long for a lock.
const LOCK_TIMEOUT: &str = "5s";
