//! Bringing pending migrations into a database: preflight, atomic apply, verification, journal.

pub mod alone;
pub mod apply;
pub mod back_up;
mod body;
pub mod definitions;
mod error;
pub mod hook;
pub mod journal;
pub mod orphan;
pub mod partial;
pub mod preflight;
pub mod prepare;
pub mod sections;
pub mod settings;
pub mod thin_out;
pub mod turn;
pub mod verify;
pub mod window;

pub use self::apply::{Applied, Runner};
pub use self::error::ApplyError;
pub use self::hook::{Hook, NoHook};
pub use self::journal::{Event, Journal, Stage};
pub use self::preflight::{Plan, Preflight};
pub use self::prepare::{Prepared, Route, refuse_unsendable, routes};
pub use self::sections::Sectioned;
pub use self::turn::Turn;
pub use self::verify::{Baseline, Verified};
pub use self::window::Window;
pub use crate::transaction::{Place, Settings};

/// What every session of a deploy calls itself, so that others can find it.
pub const APPLICATION_NAME: &str = "prisma-safe deploy";
