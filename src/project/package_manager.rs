//! Which package manager a project uses.

use std::fmt;
use std::path::Path;

use serde_json::Value;

use crate::env::Env;

/// A package manager for Node.js.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageManager {
    /// npm
    Npm,
    /// pnpm
    Pnpm,
    /// Yarn, any generation
    Yarn,
    /// Bun
    Bun,
}

/// Lock files, each with its package manager; npm's last, as others may keep one for it.
const LOCK_FILES: [(&str, PackageManager); 6] = [
    ("pnpm-lock.yaml", PackageManager::Pnpm),
    ("yarn.lock", PackageManager::Yarn),
    ("bun.lock", PackageManager::Bun),
    ("bun.lockb", PackageManager::Bun),
    ("package-lock.json", PackageManager::Npm),
    ("npm-shrinkwrap.json", PackageManager::Npm),
];

impl PackageManager {
    /// Each directory upwards is asked for `packageManager` in its package.json, then for a lock file; then the one that
    /// runs us (`npm_config_user_agent`); else npm.
    pub fn detect(directory: &Path, env: &Env) -> Self {
        directory
            .ancestors()
            .find_map(|each| Self::declared(each).or_else(|| Self::locked(each)))
            .or_else(|| Self::named(env.get("npm_config_user_agent")?))
            .unwrap_or(Self::Npm)
    }

    fn declared(directory: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(directory.join("package.json")).ok()?;
        let manifest: Value = serde_json::from_str(&text).ok()?;
        Self::named(manifest["packageManager"].as_str()?)
    }

    fn locked(directory: &Path) -> Option<Self> {
        LOCK_FILES.iter().find(|(file, _)| directory.join(file).is_file()).map(|(_, manager)| *manager)
    }

    /// Its lock file in this directory.
    pub fn lock_file(self, directory: &Path) -> Option<&'static str> {
        let own = LOCK_FILES.iter().filter(|(_, manager)| *manager == self);
        own.map(|(file, _)| *file).find(|file| directory.join(file).is_file())
    }

    /// From `pnpm@9.1.0+sha…` or `pnpm/9.1.0 npm/? node/…`.
    fn named(text: &str) -> Option<Self> {
        match text.split(['@', '/']).next()? {
            "npm" => Some(Self::Npm),
            "pnpm" => Some(Self::Pnpm),
            "yarn" => Some(Self::Yarn),
            "bun" => Some(Self::Bun),
            _ => None,
        }
    }

    /// The command that adds a package for development.
    pub fn add_command(self, package: &str) -> String {
        match self {
            Self::Npm => format!("npm install --save-dev {package}"),
            Self::Pnpm => format!("pnpm add -D {package}"),
            Self::Yarn => format!("yarn add -D {package}"),
            Self::Bun => format!("bun add -d {package}"),
        }
    }
}

impl fmt::Display for PackageManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
            Self::Bun => "bun",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::tree;
    use super::*;

    fn detect(files: &[(&str, &str)], directory: &str, agent: &str) -> PackageManager {
        let tree = tree(files);
        let env: Env = [("npm_config_user_agent".to_owned(), agent.to_owned())].into_iter().collect();
        PackageManager::detect(&tree.path().join(directory), &env)
    }

    #[test]
    fn what_is_declared_beats_what_is_locked_beats_who_runs_us() {
        let declared = ("package.json", r#"{"packageManager":"yarn@4.5.0"}"#);
        let locked = ("pnpm-lock.yaml", "");
        assert_eq!(detect(&[declared, locked], "", "bun/1.2"), PackageManager::Yarn);
        assert_eq!(detect(&[locked], "", "bun/1.2"), PackageManager::Pnpm);
        assert_eq!(detect(&[], "", "bun/1.2 node/22"), PackageManager::Bun);
        assert_eq!(detect(&[], "", ""), PackageManager::Npm);
    }

    #[test]
    fn a_workspace_s_lock_file_counts_for_its_members() {
        let files = [("yarn.lock", ""), ("packages/db/package.json", "{}")];
        assert_eq!(detect(&files, "packages/db", ""), PackageManager::Yarn);
    }
}
