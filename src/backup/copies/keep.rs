//! Thinning copies out by the same rules as the backups themselves.

use std::collections::BTreeSet;

use super::super::retention::{self, Clock, Fate, Item, Rules};
use super::super::{names, prune};
use super::{Copied, Place};
use crate::error::Result;
use crate::ui::interrupt::Guard;

/// What to thin out, and by which rules.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub rules: Rules,
    /// The file names, as they were taken, of the backups that deployments may still need.
    pub needed: &'a BTreeSet<String>,
    /// Identities of the pinned backups.
    pub pinned: &'a BTreeSet<String>,
    pub clock: Clock,
    /// Only to be looked at.
    pub dry_run: bool,
}

/// A copy and what becomes of it.
#[derive(Debug, Clone)]
pub struct Kept {
    pub copy: Copied,
    pub deleted: bool,
}

/// Deletes what no rule keeps; the newest proved one always stays.
///
/// # Errors
/// If the place is not reached; what is deleted by then is deleted as a whole.
pub fn thin_out(place: &Place, request: &Request<'_>) -> Result<Vec<Kept>> {
    let guard = Guard::new()?;
    let copies = place.list()?;
    let items: Vec<Item> = copies.iter().map(|copy| item(copy, request)).collect();
    let fates = retention::plan(&items, &request.rules, &request.clock);
    let store = place.open()?;
    let mut kept = Vec::new();
    for (copy, fate) in copies.into_iter().zip(fates) {
        let deleted = fate == Fate::Delete;
        if deleted && !request.dry_run {
            guard.check()?;
            store.delete(&format!("{}{}", copy.name.as_str(), names::MANIFEST))?;
            store.delete(copy.name.as_str())?;
        }
        kept.push(Kept { copy, deleted });
    }
    Ok(kept)
}

fn item(copy: &Copied, request: &Request<'_>) -> Item {
    Item {
        of: prune::database(&copy.manifest),
        time: copy.manifest.started_at,
        // a copy without the whole dump cannot replace another
        proof: copy.whole.then_some(copy.manifest.proof),
        pinned: request.pinned.contains(&copy.manifest.id),
        needed: request.needed.contains(&copy.manifest.file),
        compressed: true,
        archived: true,
    }
}
