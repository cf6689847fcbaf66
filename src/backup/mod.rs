//! Backups: a dump that was read while it was written, counted against its own snapshot, and a manifest that says so.

pub mod contents;
pub mod manifest;
pub mod names;
pub mod scan;

pub use self::contents::{Contents, Defect};
pub use self::manifest::{Manifest, Proof};
