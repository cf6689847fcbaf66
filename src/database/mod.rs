//! The target: its URL, a connection to it, Prisma's history table, locks and poolers.

mod connection;
pub mod libpq;
pub mod pooler;
pub mod tls;
pub mod url;

pub use self::connection::connect;
pub use self::pooler::{PoolMode, Pooler};
pub use self::url::{DatabaseUrl, Host};
