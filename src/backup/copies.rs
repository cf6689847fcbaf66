//! Copies of backups at other places: `s3://bucket/prefix`, `gs://bucket/prefix`, `file:///mnt/backups`.
//!
//! A copy exists only if its manifest does. So the dump goes first, is read back and compared, and the manifest follows; on
//! deletion the manifest goes first. Nothing is ever replaced.

#[cfg(feature = "remote")]
mod bucket;
mod directory;
mod fetch;
mod keep;
mod place;
mod send;
mod upload;

use jiff::Timestamp;

pub use self::fetch::fetch;
pub use self::keep::{Kept, Request, thin_out};
pub use self::place::Place;
pub use self::send::{copy_new, elsewhere, send};
pub use self::upload::upload;
use super::manifest::Manifest;
use super::names;
use super::names::Name;
use crate::env::Env;
use crate::error::Result;
use crate::ui::interrupt::Guard;

/// Bytes that are held at once on their way.
const PART: usize = 8 * 1024 * 1024;

/// What became of something that is only ever created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    Done,
    /// Something of the name is there, and stays.
    Exists,
}

/// A place that holds objects by name.
trait Store {
    /// Creates an object of `bytes` bytes from `source`; never replaces one. Nothing of it remains after an error.
    fn put_new(&self, name: &str, source: &mut dyn std::io::Read, bytes: u64, guard: &Guard) -> Result<Put>;
    /// Hands an object to `each`, piece by piece; `false` if there is none.
    fn read(&self, name: &str, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool>;
    /// The objects' names and sizes.
    fn list(&self) -> Result<Vec<(String, u64)>>;
    /// Deletes an object; one that is not there is none.
    fn delete(&self, name: &str) -> Result<()>;
}

/// A copy at a place.
#[derive(Debug, Clone)]
pub struct Copied {
    pub name: Name,
    pub manifest: Manifest,
    /// Whether the dump is there in its full size.
    pub whole: bool,
}

impl Copied {
    /// When the backup was taken.
    pub fn time(&self) -> Timestamp {
        self.manifest.started_at
    }
}

/// The places that the settings name.
///
/// # Errors
/// Exit status 2 for one that is not understood.
pub fn places(settings: &super::Settings, env: &Env) -> Result<Vec<Place>> {
    settings.copies.iter().map(|text| Place::parse(text, env)).collect()
}

impl Place {
    /// The copies there, newest first; what has no manifest that can be read is none.
    ///
    /// # Errors
    /// If the place is not reached.
    pub fn list(&self) -> Result<Vec<Copied>> {
        let store = self.open()?;
        let objects = store.list()?;
        let mut copies = Vec::new();
        for (object, _) in &objects {
            let Some(name) = names::of_manifest(object) else { continue };
            let mut text = Vec::new();
            store.read(object, &mut |piece| {
                text.extend_from_slice(piece);
                Ok(())
            })?;
            let Ok(manifest) = Manifest::parse(&text) else { continue };
            let bytes = objects.iter().find(|(other, _)| other == name.as_str()).map(|(_, bytes)| *bytes);
            copies.push(Copied { whole: bytes == Some(manifest.bytes), name, manifest });
        }
        copies.sort_by(|one, other| other.time().cmp(&one.time()).then_with(|| other.name.cmp(&one.name)));
        Ok(copies)
    }
}
