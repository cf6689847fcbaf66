//! Backups: a dump that was read while it was written, counted against its own snapshot, and a manifest that says so.
//!
//! | module | what it is |
//! |---|---|
//! | `request` | what is asked for, and what a backup that exists is |
//! | `create`, `dump` | the order of steps, and the dump with its count |
//! | `ahead` | what a backup and its proof will need, looked at before anything runs |
//! | `scope`, `lacking` | what a backup, or a copy made of it, does not hold of its database |
//! | `snapshot`, `server` | the database's side: one moment, its tables and their rows |
//! | `stream`, `frames`, `rows` | from `pg_dump` to the file: read, hashed, compressed, watched |
//! | `scan`, `contents` | what a plain dump holds, and whether it is whole |
//! | `directory`, `aside`, `names` | the disk's side: nothing half is ever seen |
//! | `manifest`, `archive` | what is known of a backup, and any stretch of it |
//! | `load`, `pieces` | loading it into a database, in parallel |
//! | `prove`, `normal` | restoring into a scratch server, to see that it can be done |
//! | `verify`, `list`, `find`, `report` | looking back |
//! | `restore` | back into a database |
//! | `encryption` | for the holders of a key alone |
//! | `provider` | taken and kept by the site's own tool |
//! | `copies` | the same backups at other places |
//! | `retention`, `prune` | which are kept, and thinning out the others |

mod ahead;
pub mod archive;
pub mod aside;
pub mod contents;
pub mod copies;
mod create;
pub mod directory;
mod dump;
pub mod encryption;
mod find;
mod frames;
mod lacking;
mod list;
pub mod load;
pub mod manifest;
pub mod names;
mod normal;
mod pieces;
mod prove;
pub mod provider;
pub mod prune;
pub mod report;
mod request;
pub mod restore;
pub mod retention;
pub mod rows;
pub mod scan;
mod scope;
mod server;
pub mod settings;
mod snapshot;
mod stream;
mod verify;

pub use self::ahead::{Ahead, Found, Obstacle, Starting, demand_untouched};
pub use self::archive::Archive;
pub use self::contents::{Contents, Defect};
pub use self::create::{create, create_and_keep};
pub use self::find::{find, locate};
pub use self::lacking::Lacking;
pub use self::list::{Entry, State, list};
pub use self::manifest::{Manifest, Proof};
pub use self::prove::{Restored, restore};
pub use self::request::{Backup, Request};
pub use self::server::needed;
pub use self::settings::Settings;
pub use self::verify::{Report, verify, verify_to};

/// A number of bytes for people: `1.38 GB`.
pub fn size(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
