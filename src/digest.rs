//! Short hashes that name things: a plan, a restore, a target.

use sha2::{Digest as _, Sha256};

/// The hash of these parts, in this order, 16 hexadecimal digits.
pub fn hash_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // each part carries its length: no two plans have the same bytes
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
