//! Where the state of a project is kept: `.prisma-safe/` in its root, unless another place was chosen.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The directory in the project's root, unless another place was chosen.
pub const DIRECTORY: &str = ".prisma-safe";
/// Names another place; it beats `state.directory`.
pub const PLACE_VARIABLE: &str = "PRISMA_SAFE_STATE_DIR";

/// Where the state is kept instead: a project may be read-only, as in a container.
static CHOSEN: OnceLock<PathBuf> = OnceLock::new();

/// Keeps the state there from now on; the first choice counts.
pub fn choose(place: PathBuf) {
    // a second choice is a setting that a variable has beaten
    let _ = CHOSEN.set(place);
}

/// Where the state of the project with this root is kept.
pub fn place(root: &Path) -> PathBuf {
    CHOSEN.get().cloned().unwrap_or_else(|| root.join(DIRECTORY))
}
