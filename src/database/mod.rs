//! The target: its URL, a connection to it, Prisma's history table, locks and poolers.

pub mod activity;
mod cancelling;
mod connection;
pub mod dependents;
pub mod failure;
pub mod fingerprint;
pub mod health;
pub mod history;
pub mod identity;
pub mod libpq;
pub mod pooler;
pub mod sequences;
pub mod tls;
pub mod url;
pub mod usage;
pub mod victims;

pub use self::activity::Session;
pub use self::cancelling::Cancelling;
pub use self::connection::{cancel, connect};
pub use self::failure::Failure;
pub use self::fingerprint::Fingerprint;
pub use self::health::Health;
pub use self::history::{History, Standing};
pub use self::identity::{Identity, Sameness};
pub use self::pooler::{PoolMode, Pooler};
pub use self::url::{DatabaseUrl, Host};

/// SQL: whether the session's time zone is UTC all year. London is as far from it as UTC itself, but in winter only.
pub const SESSION_IN_UTC: &str = "upper(regexp_replace(current_setting('TimeZone'), '^Etc/', '', 'i')) IN
  ('UTC', 'UCT', 'UNIVERSAL', 'ZULU', 'GMT', 'GMT0', 'GMT+0', 'GMT-0', 'GREENWICH')";
