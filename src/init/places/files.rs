//! The files of a repository: which are looked at, how each is written, and which package it belongs to.

use std::fs;
use std::path::{Path, PathBuf};

/// Directories are looked into so deep.
const DEPTH: usize = 8;
/// A repository with more files than this is not looked through to its end.
pub(super) const MOST: usize = 50_000;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A shell runs its lines, or strings in it: a word can be replaced.
    Commands,
    /// The same within JSON strings of package.json's `scripts`.
    Manifest,
    /// A program, or settings of an unknown tool: only listed.
    Other,
}

impl Form {
    /// How the file of this name is written; none for one that calls nothing.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let end = path.extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default();
        let in_workflows = path.starts_with(".github") || path.starts_with(".circleci") || path.starts_with(".gitlab");
        if name == "package.json" {
            return Some(Self::Manifest);
        }
        if matches!(name.as_str(), "package-lock.json" | "pnpm-lock.yaml" | "yarn.lock" | "bun.lock" | "composer.lock")
        {
            return None;
        }
        let commands = ["dockerfile", "containerfile", "procfile", "compose.", "docker-compose"]
            .iter()
            .any(|it| name.starts_with(it))
            || name.ends_with(".dockerfile")
            || matches!(end.as_str(), "sh" | "bash" | "zsh")
            || in_workflows && matches!(end.as_str(), "yml" | "yaml")
            || [
                "vercel.json",
                "fly.toml",
                "railway.json",
                "railway.toml",
                "render.yaml",
                "render.yml",
                "nixpacks.toml",
                "app.json",
                "heroku.yml",
                "netlify.toml",
                ".gitlab-ci.yml",
                "bitbucket-pipelines.yml",
                "azure-pipelines.yml",
                "cloudbuild.yaml",
                "buildspec.yml",
                "makefile",
                "justfile",
                "taskfile.yml",
                "turbo.json",
                "nx.json",
                "project.json",
                "lefthook.yml",
            ]
            .contains(&name.as_str());
        if commands {
            return Some(Self::Commands);
        }
        let program = matches!(
            end.as_str(),
            "js" | "mjs"
                | "cjs"
                | "ts"
                | "mts"
                | "cts"
                | "py"
                | "rb"
                | "go"
                | "rs"
                | "yml"
                | "yaml"
                | "toml"
                | "json"
                | "tf"
                | "nix"
        );
        (program || end.is_empty()).then_some(Self::Other)
    }
}

/// All of them below a directory, without what tools write.
pub(super) fn below(top: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    walk(top, DEPTH, &mut files);
    files
}

fn walk(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    const SKIPPED: &[&str] =
        &["node_modules", "target", "dist", "build", "out", "coverage", "vendor", "generated", "migrations", "backups"];
    let Some(entries) = fs::read_dir(directory).ok().filter(|_| depth > 0 && files.len() < MOST) else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        // a link leads elsewhere, or back up
        let Ok(kind) = entry.file_type() else { continue };
        let hidden =
            name.starts_with('.') && !matches!(name.as_str(), ".github" | ".circleci" | ".gitlab" | ".buildkite");
        if kind.is_dir() && !hidden && !SKIPPED.contains(&name.as_str()) {
            walk(&entry.path(), depth - 1, files);
        } else if kind.is_file() && files.len() < MOST {
            files.push(entry.path());
        }
    }
}

/// The package whose schema or configuration this file is: the nearest directory with a package.json, which may itself be called
/// `prisma`; else what is above `prisma` or `schema`.
pub(super) fn package_of(top: &Path, path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy();
    let above = path.parent().unwrap_or(Path::new(""));
    if name.starts_with("prisma.config.") || name.starts_with("prisma7.config.") {
        return Some(above.to_owned());
    }
    if path.extension().is_none_or(|end| end != "prisma") {
        return None;
    }
    if let Some(package) = above.ancestors().find(|each| top.join(each).join("package.json").is_file()) {
        return Some(package.to_owned());
    }
    let mut parts = above.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let kept: PathBuf = parts.by_ref().take_while(|part| part != "prisma" && part != "schema").collect();
    Some(kept)
}
