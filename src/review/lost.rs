//! A migrations folder that holds nothing of what was applied: lost, or moved. Reported while it can still be fixed: Prisma would want
//! a development database reset, and a deploy would begin anew in a full one.

use std::path::{Path, PathBuf};

use crate::database::Standing;
use crate::tools::git;

/// Folders are looked for so deep below the project.
const DEPTH: usize = 5;

/// What has happened to the folder, and the command that fixes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub message: String,
    pub help: String,
}

/// None where the folder holds some of the applied migrations, or none is applied.
pub fn folder(standing: &Standing, folder: &Path, root: &Path) -> Option<Lost> {
    let last = standing.missing.last()?;
    if standing.missing.len() < standing.applied.len() {
        return None;
    }
    let shown = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let count = standing.missing.len();
    let of =
        if count == 1 { format!("{last}, which is applied") } else { format!("any of the {count} applied migrations") };
    let here = shown(folder);
    let message = format!("the migrations folder {here} does not hold {of}: it is lost, or was moved");
    let help = match (elsewhere(root, folder, last, DEPTH), git::holding(folder, last)) {
        (Some(place), _) => {
            let place = shown(&place);
            let back = if folder.exists() { String::new() } else { format!("mv {place} {here}, or ") };
            format!("they are in {place}: {back}set `migrations.path` in prisma.config.ts to {place}")
        }
        (None, commit) => {
            let back = match commit {
                Some(commit) => format!("git has it: git checkout {commit} -- {here}"),
                None => "bring the folder back from version control or a backup".to_owned(),
            };
            let squashed = standing.pending.first().map_or("NAME", String::as_str);
            format!(
                "{back}; if the migrations were squashed into one, say that it is applied: \
                 prisma-safe migrate resolve --applied {squashed}"
            )
        }
    };
    Some(Lost { message, help })
}

/// Another folder below `directory` that holds this migration.
fn elsewhere(directory: &Path, known: &Path, name: &str, depth: usize) -> Option<PathBuf> {
    if directory != known && directory.join(name).join("migration.sql").is_file() {
        return Some(directory.to_owned());
    }
    let skipped = |path: &Path| {
        path.file_name()
            .is_none_or(|name| name == "node_modules" || name == "target" || name.to_string_lossy().starts_with('.'))
    };
    let entries = std::fs::read_dir(directory).ok().filter(|_| depth > 0)?;
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        // no link: it may lead back up
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .filter(|path| !skipped(path))
        .collect();
    folders.sort();
    folders.iter().find_map(|folder| elsewhere(folder, known, name, depth - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_holds_some_is_not_lost() {
        let root = tempfile::tempdir().unwrap();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let standing = |missing: &[&str]| Standing {
            applied: names(&["1_a", "2_b"]),
            missing: names(missing),
            pending: names(&["0_squashed"]),
            ..Standing::default()
        };
        let here = root.path().join("prisma/migrations");
        let lost = |missing: &[&str]| folder(&standing(missing), &here, root.path());
        assert_eq!(lost(&[]), None);
        assert_eq!(lost(&["1_a"]), None);
        let help = lost(&["1_a", "2_b"]).unwrap().help;
        assert!(help.contains("version control") && help.ends_with("--applied 0_squashed"), "{help}");
        let moved = root.path().join("db/migrations/2_b");
        std::fs::create_dir_all(&moved).unwrap();
        std::fs::write(moved.join("migration.sql"), "").unwrap();
        let help = lost(&["1_a", "2_b"]).unwrap().help;
        assert!(help.contains("mv db/migrations prisma/migrations") && help.contains("migrations.path"), "{help}");
    }
}
