//! Where Prisma lives: the project's root, its package manager, Prisma's version and entry point, the migrations folder.

pub mod cargo;
mod install;
mod layout;
pub mod migrations;
mod package_manager;
mod plug_n_play;
pub mod state;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use self::install::Version;
pub use self::layout::Layout;
pub use self::migrations::Migration;
pub use self::package_manager::PackageManager;

use self::install::Install;
use crate::env::Env;
use crate::error::{Error, Result};

/// How a program is started. Under Plug'n'Play only Node.js knows where Prisma is, and only `tools` starts programs.
pub type Start<'a> = &'a dyn Fn(&Path) -> Command;

/// A directory in which Prisma runs, and how it is started there.
#[derive(Debug, Clone)]
pub struct Project {
    directory: PathBuf,
    root: PathBuf,
    package_manager: PackageManager,
    install: Option<Install>,
    program: PathBuf,
    arguments: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
}

impl Project {
    /// Finds the project's own Prisma from a directory upwards, as Node.js would: `prisma`, or `@prisma/prisma7` where
    /// `prisma` is missing or is another product (8 and later).
    ///
    /// # Errors
    /// Exit status 2 for Prisma 8 and later without 7 beside it; 1 without Node.js, or without Prisma and `npx`.
    pub fn find(directory: &Path, env: &Env, start: Start<'_>) -> Result<Self> {
        let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        let root = package(&directory).to_owned();
        let package_manager = PackageManager::detect(&directory, env);
        let on_path = |name: &str| which::which_in(name, env.get("PATH"), &directory).ok();

        let mut variables = Vec::new();
        let mut install = Install::in_node_modules(&directory)?;
        if install.is_none()
            && let Some(pnp) = plug_n_play::find(&directory)
        {
            let node = on_path("node").ok_or_else(no_node)?;
            install = plug_n_play::resolve(&pnp, &directory, &node, start)?;
            variables.push(("NODE_OPTIONS", plug_n_play::node_options(&pnp, env)));
        }
        let (program, arguments) = match &install {
            Some(install) => {
                let node = on_path("node").or_else(|| on_path("bun")).ok_or_else(no_node)?;
                (node, vec![install.entry.clone().into_os_string()])
            }
            None => (on_path("npx").ok_or_else(no_prisma)?, vec!["prisma".into()]),
        };
        if let Some(path) = path_with_bin(&directory, env) {
            variables.push(("PATH", path));
        }
        Ok(Self { directory, root, package_manager, install, program, arguments, env: variables })
    }

    /// The directory Prisma runs in; it looks for its schema and configuration from here.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The nearest directory upwards with a package.json, else [`Project::directory`].
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The project's package manager.
    pub fn package_manager(&self) -> PackageManager {
        self.package_manager
    }

    /// Prisma's version; none when it is not installed and `npx` will bring one.
    pub fn version(&self) -> Option<&Version> {
        self.install.as_ref().map(|install| &install.version)
    }

    /// How Prisma is started, without a package manager between where possible: the program and its first arguments.
    pub fn command(&self) -> (&Path, &[OsString]) {
        (&self.program, &self.arguments)
    }

    /// Variables that Prisma needs beside those of our own environment.
    pub fn env(&self) -> &[(&'static str, OsString)] {
        &self.env
    }

    /// Something a person should know about how Prisma is started.
    pub fn note(&self) -> Option<String> {
        self.install.is_none().then(|| {
            let add = self.package_manager.add_command("prisma@7");
            format!("Prisma is not installed here: `npx prisma` brings one of its own choice; `{add}` installs it")
        })
    }

    /// The directories in which Prisma looks for its schema engine, first ones first; empty if it is not installed.
    pub(crate) fn engine_directories(&self) -> Vec<PathBuf> {
        self.install.as_ref().map(Install::engine_directories).unwrap_or_default()
    }
}

fn no_node() -> Error {
    Error::failed("Node.js was not found on PATH")
        .help("Prisma runs on Node.js: install it (https://nodejs.org), or add the directory of `node` to PATH")
}

fn no_prisma() -> Error {
    Error::failed("neither Prisma nor npx was found").help(
        "install Prisma in the project (`npm install --save-dev prisma@7`), or name its directory with `--project`; \
         both need Node.js (https://nodejs.org)",
    )
}

/// Where package.json is: here or above; else here.
pub fn package(directory: &Path) -> &Path {
    directory.ancestors().find(|each| each.join("package.json").is_file()).unwrap_or(directory)
}

/// The top of the repository that holds a directory; the directory itself outside of any.
pub fn repository(directory: &Path) -> &Path {
    directory.ancestors().find(|each| each.join(".git").exists()).unwrap_or(directory)
}

/// `PATH` with every `node_modules/.bin` from here upwards in front, as `npx` and `npm run` set it: Prisma's seed
/// commands count on it. None if there is nothing to add.
pub fn path_with_bin(directory: &Path, env: &Env) -> Option<OsString> {
    let path = env.get("PATH").unwrap_or_default();
    let known: Vec<PathBuf> = std::env::split_paths(path).collect();
    let bins: Vec<PathBuf> = directory
        .ancestors()
        .map(|each| each.join("node_modules/.bin"))
        .filter(|bin| bin.is_dir() && !known.contains(bin))
        .collect();
    if bins.is_empty() {
        return None;
    }
    std::env::join_paths(bins.into_iter().chain(known)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = tree.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            if path.parent().unwrap().ends_with("bin") {
                use std::os::unix::fs::PermissionsExt as _;
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        tree
    }

    const PRISMA: &str = r#"{"version":"6.19.3","bin":{"prisma":"build/index.js"}}"#;

    fn env(tree: &tempfile::TempDir) -> Env {
        [("PATH".to_owned(), tree.path().join("bin").to_str().unwrap().to_owned())].into_iter().collect()
    }

    fn find(directory: &Path, env: &Env) -> Result<Project> {
        Project::find(directory, env, &|program| panic!("{} was started", program.display()))
    }

    #[test]
    fn prisma_is_found_upwards_and_started_by_node_itself() {
        let tree = tree(&[
            ("bin/node", ""),
            ("package.json", "{}"),
            ("node_modules/prisma/package.json", PRISMA),
            ("node_modules/.bin/tsx", ""),
            ("apps/db/package.json", "{}"),
            ("apps/db/sql/x", ""),
        ]);
        let project = find(&tree.path().join("apps/db/sql"), &env(&tree)).unwrap();
        assert_eq!(project.root(), tree.path().join("apps/db"));
        assert_eq!(project.directory(), tree.path().join("apps/db/sql"));
        let (program, arguments) = project.command();
        assert_eq!(program, tree.path().join("bin/node"));
        assert_eq!(arguments, [tree.path().join("node_modules/prisma/build/index.js").into_os_string()]);
        let version = project.version().unwrap();
        assert_eq!((version.major(), version.minor(), version.to_string().as_str()), (6, 19, "6.19.3"));
        let (name, path) = &project.env()[0];
        assert_eq!(*name, "PATH");
        assert!(path.to_str().unwrap().starts_with(tree.path().join("node_modules/.bin:").to_str().unwrap()));
        assert_eq!(project.note(), None);
    }

    #[test]
    fn prisma_8_is_refused_unless_7_stands_beside_it() {
        let eight = r#"{"version":"8.0.0-rc.5","bin":"cli.js"}"#;
        let tree = tree(&[("bin/node", ""), ("node_modules/prisma/package.json", eight)]);
        let error = find(tree.path(), &env(&tree)).unwrap_err();
        assert_eq!(error.exit().code(), 2);
        assert!(error.help_text().unwrap().contains("prisma@7"), "{error:?}");

        let seven = tree.path().join("node_modules/@prisma/prisma7");
        std::fs::create_dir_all(&seven).unwrap();
        std::fs::write(seven.join("package.json"), r#"{"version":"7.10.1","bin":{"prisma7":"./build/index.js"}}"#)
            .unwrap();
        let project = find(tree.path(), &env(&tree)).unwrap();
        assert_eq!(project.version().map(Version::major), Some(7));
        assert_eq!(project.command().1, [seven.join("build/index.js").into_os_string()]);
    }

    #[test]
    fn without_prisma_npx_brings_it_and_a_note_says_so() {
        let tree = tree(&[("bin/npx", ""), ("pnpm-lock.yaml", "")]);
        let project = find(tree.path(), &env(&tree)).unwrap();
        assert_eq!(project.command(), (tree.path().join("bin/npx").as_path(), ["prisma".into()].as_slice()));
        assert!(project.note().unwrap().contains("pnpm add -D prisma@7"));
        assert!(project.engine_directories().is_empty());
    }

    #[test]
    fn what_is_missing_is_named() {
        let tree = tree(&[("node_modules/prisma/package.json", PRISMA)]);
        assert!(find(tree.path(), &env(&tree)).unwrap_err().to_string().contains("Node.js"));
        let empty = tempfile::tempdir().unwrap();
        assert!(find(empty.path(), &env(&tree)).unwrap_err().to_string().contains("npx"));
    }

    #[test]
    fn bun_serves_where_node_is_missing() {
        let tree = tree(&[("bin/bun", ""), ("bun.lock", ""), ("node_modules/prisma/package.json", PRISMA)]);
        let project = find(tree.path(), &env(&tree)).unwrap();
        assert_eq!(project.command().0, tree.path().join("bin/bun"));
        assert_eq!(project.package_manager(), PackageManager::Bun);
    }
}
