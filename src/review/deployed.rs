//! The release that runs while a migration is deployed: its schema.prisma, from a file, a folder, or a git revision.

use std::path::{Path, PathBuf};

use crate::error::{Error, Explain as _, Result};
use crate::project::Project;
use crate::rename::schema::Schema;
use crate::rules::{Deployed, Settings, settings::Review};
use crate::tools::git;

/// What the rules know besides the SQL; `deployed` beats the setting.
///
/// # Errors
/// Exit status 2 if the deployed release's schema is not found.
pub fn settings(
    deployed: Option<&str>,
    config: &Review,
    project: &Project,
    schema_files: &[PathBuf],
) -> Result<Settings> {
    let deployed = release(deployed, config, (project.directory(), project.root()), schema_files)?;
    let plain_deploys = is_plain(project.root());
    Ok(Settings {
        deployed,
        plain_deploys,
        schema_files: schema_files.to_vec(),
        ..Settings::new(config, project.version())
    })
}

/// Whether nothing below a project's root shows that prisma-safe deploys it: no settings, and no script that runs it.
pub fn is_plain(root: &Path) -> bool {
    let scripts = std::fs::read_to_string(root.join("package.json")).unwrap_or_default();
    !root.join("prisma-safe.toml").is_file() && !scripts.contains("prisma-safe")
}

/// [`settings`] in a directory where Prisma is not installed.
///
/// # Errors
/// The same.
pub fn settings_in(
    deployed: Option<&str>,
    config: &Review,
    directory: &Path,
    schema_files: &[PathBuf],
) -> Result<Settings> {
    let deployed = release(deployed, config, (directory, directory), schema_files)?;
    let plain_deploys = is_plain(directory);
    Ok(Settings { deployed, plain_deploys, schema_files: schema_files.to_vec(), ..Settings::new(config, None) })
}

/// What is typed is relative to `directory`, what is set to the project's root.
fn release(
    typed: Option<&str>,
    config: &Review,
    (directory, root): (&Path, &Path),
    schema_files: &[PathBuf],
) -> Result<Option<Deployed>> {
    match (typed, config.deployed.as_deref()) {
        (Some(named), _) => find(named, directory, schema_files).map(Some),
        (None, Some(named)) => find(named, root, schema_files).map(Some),
        (None, None) => Ok(None),
    }
}

/// Reads the schema that `named` means, relative to `directory`: a file, a folder of `.prisma` files, else a git revision of
/// `schema_files`.
///
/// # Errors
/// Exit status 2 if it is none of these, or holds no model.
pub fn find(named: &str, directory: &Path, schema_files: &[PathBuf]) -> Result<Deployed> {
    let path = directory.join(named);
    let texts = if path.is_dir() {
        read_folder(&path)?
    } else if path.is_file() {
        vec![std::fs::read_to_string(&path).explain(|| format!("could not read {}", path.display()))?]
    } else {
        committed(named, schema_files)
    };
    let schema = Schema::read(&texts);
    if schema.models.is_empty() {
        return Err(Error::usage(format!("the deployed release `{named}` has no model that could be read")).help(
            "give a schema.prisma, its folder, or a git revision that has the schema where it is now (in CI, fetch it first)",
        ));
    }
    Ok(Deployed { schema, named: named.to_owned() })
}

/// The `.prisma` files below a folder.
fn read_folder(folder: &Path) -> Result<Vec<String>> {
    let problem = || format!("could not read {}", folder.display());
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).explain(problem)? {
        let path = entry.explain(problem)?.path();
        if path.is_dir() && !path.is_symlink() {
            texts.extend(read_folder(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "prisma") {
            texts.push(std::fs::read_to_string(&path).explain(|| format!("could not read {}", path.display()))?);
        }
    }
    Ok(texts)
}

/// What a revision held of the schema: each of today's files, and every other `.prisma` file beside one of several.
fn committed(revision: &str, schema_files: &[PathBuf]) -> Vec<String> {
    let mut texts: Vec<String> = schema_files.iter().filter_map(|file| git::at(revision, file)).collect();
    if schema_files.len() > 1 {
        let mut folders: Vec<&Path> = schema_files.iter().filter_map(|file| file.parent()).collect();
        folders.sort_unstable();
        folders.dedup();
        for file in folders.into_iter().flat_map(|folder| git::files_at(revision, folder)) {
            if !schema_files.contains(&file) && file.extension().is_some_and(|extension| extension == "prisma") {
                texts.extend(git::at(revision, &file));
            }
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_a_folder_or_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("schema/models");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("song.prisma"), "model Song {\n  id Int @id\n}\n").unwrap();
        std::fs::write(directory.path().join("old.prisma"), "model Old {\n  id Int @id\n}\n").unwrap();
        let model = |named: &str| find(named, directory.path(), &[]).map(|found| found.schema.models[0].name.clone());
        assert_eq!(model("schema").unwrap(), "Song");
        assert_eq!(model("old.prisma").unwrap(), "Old");
        let error = model("v1.0").unwrap_err();
        assert_eq!(error.exit(), crate::exit::Exit::Usage);
    }
}
