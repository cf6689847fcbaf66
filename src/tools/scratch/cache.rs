//! Where server programs that prisma-safe got itself are kept: a directory a major version, for every project of this user.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Search, account};
use crate::error::{Error, Result};
use crate::project::state;
use crate::system::user;

/// In the user's cache, and in the project's state where there is none.
const OWN: &str = "prisma-safe/servers";
/// Where root keeps what no user's home holds, which other accounts may not enter: the server runs as `nobody`.
const SYSTEM: &str = "/var/cache";

/// Directories that may hold them, the preferred one first; none needs to exist.
pub(super) fn places(search: &Search<'_>) -> Vec<PathBuf> {
    // the base directory specification: what is not absolute is as if it were not set
    let absolute = |name: &str| search.env.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    let mut caches: Vec<PathBuf> = absolute("XDG_CACHE_HOME").into_iter().collect();
    caches.extend(absolute("HOME").map(|path| path.join(home)));
    caches.extend(user::is_root().then(|| PathBuf::from(SYSTEM)));
    let mut places: Vec<PathBuf> = caches.into_iter().map(|cache| cache.join(OWN)).collect();
    places.push(state::place(search.project).join("servers"));
    places
}

/// The first of them that can be written, and that the server's account can enter; it exists then.
///
/// # Errors
/// Exit status 1 if there is none, with the variable that names one.
pub(super) fn writable(search: &Search<'_>) -> Result<PathBuf> {
    let places = places(search);
    places.iter().find(|place| usable(place)).cloned().ok_or_else(|| {
        let tried: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        Error::failed("no directory can hold the server programs")
            .because(format!("tried: {}", tried.join(", ")))
            .help("set XDG_CACHE_HOME to a directory that can be written, and that every user may enter")
    })
}

/// Makes it where it is not there, and would be of use.
fn usable(place: &Path) -> bool {
    let below = place.ancestors().find(|above| above.is_dir());
    below.is_some_and(account::enterable)
        && fs::create_dir_all(place).is_ok()
        && account::enterable(place)
        && tempfile::tempfile_in(place).is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::env::Env;

    fn env(pairs: &[(&str, &str)]) -> Env {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_cache_that_cannot_be_written_gives_way_to_the_next() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (cache, project) = (root.path().join("cache"), root.path().join("project"));
        let cache_name = cache.display().to_string();
        let chosen = env(&[("XDG_CACHE_HOME", &cache_name), ("HOME", "/dev/null")]);
        let search = |env| Search { env, pg_bin: None, project: &project };
        assert_eq!(writable(&search(&chosen)).unwrap(), cache.join(OWN));
        let unset = env(&[("XDG_CACHE_HOME", "relative")]);
        let last = project.join(state::DIRECTORY).join("servers");
        assert_eq!(places(&search(&unset)).last(), Some(&last));
        assert!(places(&search(&unset)).iter().all(|place| place.is_absolute()));
        if !user::is_root() {
            let readonly = env(&[("HOME", "/dev/null")]);
            assert_eq!(writable(&search(&readonly)).unwrap(), last);
        }
    }
}
