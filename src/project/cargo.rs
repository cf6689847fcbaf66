//! The Prisma project of a Cargo workspace, for `cargo prisma-safe`.

use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Explain as _, Result};

/// The table's name, under `[package.metadata]` or `[workspace.metadata]`.
const TABLE: &str = "prisma-safe";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    /// The directory of the Prisma project, relative to the manifest that says so.
    project: PathBuf,
}

/// The directory of the Prisma project that belongs to the Cargo package or workspace around a directory:
/// `project` of `[package.metadata.prisma-safe]` (of the package around it, else of the only one that has it), of
/// `[workspace.metadata.prisma-safe]`, else the nearest directory upwards whose package.json names Prisma.
///
/// # Errors
/// Exit status 2 if there is no Cargo package, its settings are wrong, or no Prisma project is found.
pub fn find(directory: &Path) -> Result<PathBuf> {
    let metadata = MetadataCommand::new().current_dir(directory).no_deps().exec().map_err(|error| {
        Error::usage("the Cargo workspace could not be read")
            .because(error)
            .help("run it inside of a Cargo package, or use `prisma-safe` itself")
    })?;
    let project = configured(&metadata, directory)?
        .or_else(|| nearest(directory, metadata.workspace_root.as_std_path()))
        .ok_or_else(|| {
            Error::usage("no Prisma project was found in this Cargo workspace").help(format!(
                "add to {}:\n[workspace.metadata.{TABLE}]\nproject = \"directory of its package.json\"",
                metadata.workspace_root.join("Cargo.toml")
            ))
        })?;
    if !project.is_dir() {
        return Err(Error::usage(format!("the Prisma project {} is not a directory", project.display()))
            .help(format!("correct `project` in [package.metadata.{TABLE}] or [workspace.metadata.{TABLE}]")));
    }
    Ok(project)
}

fn configured(metadata: &Metadata, directory: &Path) -> Result<Option<PathBuf>> {
    let directory = directory.canonicalize().explain(|| format!("could not find {}", directory.display()))?;
    let mut packages = Vec::new();
    for package in metadata.workspace_packages() {
        let manifest = package.manifest_path.as_std_path();
        if let Some(settings) = settings(&package.metadata, manifest)? {
            let root = manifest.parent().unwrap_or(manifest);
            packages.push((root.canonicalize().unwrap_or_else(|_| root.to_owned()), root.join(settings.project)));
        }
    }
    // the innermost package around the directory
    let around = packages
        .iter()
        .filter(|(root, _)| directory.starts_with(root))
        .max_by_key(|(root, _)| root.components().count());
    if let Some((_, project)) = around {
        return Ok(Some(project.clone()));
    }
    let root = metadata.workspace_root.as_std_path();
    if let Some(settings) = settings(&metadata.workspace_metadata, &root.join("Cargo.toml"))? {
        return Ok(Some(root.join(settings.project)));
    }
    match packages.as_slice() {
        [] => Ok(None),
        [(_, project)] => Ok(Some(project.clone())),
        several => Err(Error::usage("several packages of this Cargo workspace have a Prisma project").help(format!(
            "run it inside of one of them: {}",
            several.iter().map(|(root, _)| root.display().to_string()).collect::<Vec<_>>().join(", ")
        ))),
    }
}

fn settings(metadata: &Value, manifest: &Path) -> Result<Option<Settings>> {
    match &metadata[TABLE] {
        Value::Null => Ok(None),
        table => Settings::deserialize(table).map(Some).map_err(|error| {
            Error::usage(format!("[….metadata.{TABLE}] of {} is not understood", manifest.display()))
                .because(error)
                .help("its only key is `project`, a directory")
        }),
    }
}

/// Upwards from the directory, no further than the workspace's root.
fn nearest(directory: &Path, root: &Path) -> Option<PathBuf> {
    let directory = directory.canonicalize().ok()?;
    let root = root.canonicalize().ok()?;
    directory.ancestors().take_while(|each| each.starts_with(&root)).find(|each| names_prisma(each)).map(Path::to_owned)
}

fn names_prisma(directory: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(directory.join("package.json")) else { return false };
    let manifest: Value = serde_json::from_str(&text).unwrap_or_default();
    ["dependencies", "devDependencies"]
        .iter()
        .any(|key| super::install::PACKAGES.iter().any(|package| !manifest[key][package].is_null()))
        || super::install::PACKAGES.iter().any(|package| directory.join("node_modules").join(package).is_dir())
}

#[cfg(test)]
mod tests {
    use super::super::tests::tree;
    use super::*;

    const PACKAGE: &str = "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    const PRISMA: &str = r#"{"devDependencies":{"prisma":"7"}}"#;

    #[test]
    fn the_package_s_setting_beats_the_workspace_s() {
        let member = format!("{PACKAGE}[package.metadata.prisma-safe]\nproject = \"../web\"\n");
        let tree = tree(&[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"a\"]\nresolver = \"2\"\n[workspace.metadata.prisma-safe]\nproject = \"db\"\n",
            ),
            ("a/Cargo.toml", &member),
            ("a/src/lib.rs", ""),
            ("web/package.json", "{}"),
            ("db/package.json", "{}"),
        ]);
        let root = tree.path();
        assert_eq!(
            find(&root.join("a/src")).unwrap().canonicalize().unwrap(),
            root.join("web").canonicalize().unwrap()
        );
        assert_eq!(find(root).unwrap().canonicalize().unwrap(), root.join("db").canonicalize().unwrap());
    }

    #[test]
    fn without_a_setting_the_package_json_upwards_is_taken() {
        let tree = tree(&[("Cargo.toml", PACKAGE), ("src/lib.rs", ""), ("package.json", PRISMA)]);
        assert_eq!(find(&tree.path().join("src")).unwrap(), tree.path().canonicalize().unwrap());
    }

    #[test]
    fn what_is_wrong_is_said_with_status_2() {
        let unknown = format!("{PACKAGE}[package.metadata.prisma-safe]\nprojects = \"x\"\n");
        let tree_1 = tree(&[("Cargo.toml", &unknown), ("src/lib.rs", "")]);
        let error = find(tree_1.path()).unwrap_err();
        assert!(error.exit().code() == 2 && error.causes()[0].contains("projects"), "{error:?}");

        let missing = format!("{PACKAGE}[package.metadata.prisma-safe]\nproject = \"nowhere\"\n");
        let tree_2 = tree(&[("Cargo.toml", &missing), ("src/lib.rs", "")]);
        assert!(find(tree_2.path()).unwrap_err().to_string().contains("nowhere"));

        let tree_3 = tree(&[("Cargo.toml", PACKAGE), ("src/lib.rs", "")]);
        assert!(find(tree_3.path()).unwrap_err().help_text().unwrap().contains("[workspace.metadata.prisma-safe]"));
        let none = tempfile::tempdir().unwrap();
        assert_eq!(find(none.path()).unwrap_err().exit().code(), 2);
    }
}
