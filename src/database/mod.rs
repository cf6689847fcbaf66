//! The target: its URL, a connection to it, Prisma's history table, locks and poolers.

pub mod url;

pub use self::url::DatabaseUrl;
