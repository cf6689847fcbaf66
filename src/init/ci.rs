//! A workflow that reviews pull requests: written where the service looks for it, with what brings prisma-safe there.

use std::path::{Path, PathBuf};

use minijinja::{Environment, UndefinedBehavior, context};

use super::dependency;
use crate::changes::{Change, read};
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::project::{PackageManager, repository};

/// A CI service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Ci {
    /// GitHub Actions: .github/workflows/prisma-safe.yml
    Github,
    /// GitLab CI: .gitlab-ci.yml, or .gitlab/prisma-safe.yml beside one that is there
    Gitlab,
}

/// What installs prisma-safe where package.json does not name it: it is on no registry.
const NO_WAY: &str = "prisma-safe is not on npm: say what installs it in CI";

/// The workflow of a project.
pub(super) struct Workflow<'a> {
    pub(super) ci: Ci,
    /// Where package.json is.
    pub(super) root: &'a Path,
    /// The command that installs prisma-safe in CI, where package.json does not.
    pub(super) install: Option<&'a str>,
    /// package.json will name it.
    pub(super) depends: bool,
    pub(super) env: &'a Env,
}

/// A change with the directory that its path is relative to, and what a person should know.
pub(super) struct Written {
    pub(super) change: Option<Change>,
    pub(super) note: Option<String>,
}

impl Workflow<'_> {
    /// The workflow's file.
    ///
    /// # Errors
    /// Exit status 2 if nothing is known that installs prisma-safe.
    pub(super) fn write(&self) -> Result<Written> {
        let top = repository(self.root);
        let (file, note) = match self.ci {
            Ci::Github => (".github/workflows/prisma-safe.yml", None),
            Ci::Gitlab if read(top, ".gitlab-ci.yml")?.is_none_or(|text| text.contains("\nprisma-safe:")) => {
                (".gitlab-ci.yml", None)
            }
            Ci::Gitlab => (
                ".gitlab/prisma-safe.yml",
                Some("include it in .gitlab-ci.yml: `include: [{ local: .gitlab/prisma-safe.yml }]`".to_owned()),
            ),
        };
        let text = self.text(top)?;
        // the change's path is relative to the project, the file is the repository's
        let path = relative(self.root, top).join(file);
        match read(top, file)? {
            None => Ok(Written { change: Change::of(&path.display().to_string(), None, text), note }),
            Some(there) if there == text => Ok(Written { change: None, note: None }),
            Some(_) => Ok(Written {
                change: None,
                note: Some(format!("{} is there already and stays as it is", path.display())),
            }),
        }
    }

    fn text(&self, top: &Path) -> Result<String> {
        let directory = self.root.strip_prefix(top).unwrap_or(Path::new("")).display().to_string();
        let manager = PackageManager::detect(self.root, self.env);
        let depends = self.depends || dependency::is_there(self.root, top)?;
        let (install, run, installed_in) = if depends {
            let place = locked(self.root, top, manager);
            let installed_in = place.strip_prefix(top).unwrap_or(Path::new("")).display().to_string();
            (commands(manager, &place), runner(manager), installed_in)
        } else {
            let install = self.install.ok_or_else(|| {
                Error::usage(NO_WAY).help(
                    "--dependency SPEC adds it to package.json (a tarball of npm/scripts/pack.mjs: file:vendor/prisma-safe.tgz), or \
                     --ci-install COMMAND is a step of its own: \"cargo install --locked --git URL prisma-safe\"; \
                     where the runner's image has it: --ci-install \"prisma-safe --version\"",
                )
            })?;
            (vec![install.to_owned()], "prisma-safe", String::new())
        };
        let image = match (depends, manager) {
            (true, PackageManager::Bun) => "oven/bun:1",
            (true, _) => "node:22",
            (false, _) => "rust:1",
        };
        let template = match self.ci {
            Ci::Github => include_str!("../../templates/ci/github.yml"),
            Ci::Gitlab => include_str!("../../templates/ci/gitlab.yml"),
        };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let manager = if depends { manager.to_string() } else { String::new() };
        let install: Vec<String> = install.iter().map(|command| scalar(command)).collect();
        let text = environment.render_str(template, context! { manager, install, run, directory, installed_in, image });
        text.map(|text| text + "\n").explain(|| "could not write the workflow".into())
    }
}

/// A command as a YAML value; within single quotes only these mean something.
fn scalar(command: &str) -> String {
    let plain = command.chars().all(|letter| letter.is_ascii_alphanumeric() || " -_./=@".contains(letter));
    if plain { command.to_owned() } else { format!("'{}'", command.replace('\'', "''")) }
}

/// Where CI services look for what they do; a directory holds one file a workflow.
const WORKFLOWS: &[&str] = &[
    ".github/workflows",
    ".gitlab-ci.yml",
    ".gitlab",
    ".circleci/config.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "Jenkinsfile",
];

/// The files of CI services that run prisma-safe, relative to the repository.
pub fn workflows(root: &Path) -> Vec<PathBuf> {
    let top = repository(root);
    let files = WORKFLOWS.iter().map(|place| top.join(place)).flat_map(|place| match std::fs::read_dir(&place) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => vec![place],
    });
    let runs = |file: &PathBuf| std::fs::read_to_string(file).is_ok_and(|text| text.contains("prisma-safe"));
    files.filter(runs).filter_map(|file| Some(file.strip_prefix(top).ok()?.to_owned())).collect()
}

/// How the repository's root is reached from the project.
pub(super) fn relative(root: &Path, top: &Path) -> PathBuf {
    let depth = root.strip_prefix(top).map_or(0, |below| below.components().count());
    std::iter::repeat_n("..", depth).collect()
}

/// Where the package manager installs: beside its lock file.
fn locked(root: &Path, top: &Path, manager: PackageManager) -> PathBuf {
    let mut places = root.ancestors().take_while(|each| each.starts_with(top));
    places.find(|each| manager.lock_file(each).is_some()).unwrap_or(root).to_owned()
}

/// The commands that install what the lock file says, as it says it.
fn commands(manager: PackageManager, place: &Path) -> Vec<String> {
    let locked = manager.lock_file(place).is_some();
    let commands: &[&str] = match (manager, locked) {
        (PackageManager::Npm, true) => &["npm ci"],
        (PackageManager::Npm, false) => &["npm install --no-package-lock"],
        (PackageManager::Pnpm, true) => &["corepack enable", "pnpm install --frozen-lockfile"],
        (PackageManager::Pnpm, false) => &["corepack enable", "pnpm install --no-frozen-lockfile"],
        (PackageManager::Yarn, true) if place.join(".yarnrc.yml").is_file() => {
            &["corepack enable", "yarn install --immutable"]
        }
        (PackageManager::Yarn, true) => &["corepack enable", "yarn install --frozen-lockfile"],
        (PackageManager::Yarn, false) => &["corepack enable", "yarn install"],
        (PackageManager::Bun, true) => &["bun install --frozen-lockfile"],
        (PackageManager::Bun, false) => &["bun install"],
    };
    commands.iter().map(|command| (*command).to_owned()).collect()
}

/// Runs what is installed, and downloads nothing: the name may be anybody's on the registry.
fn runner(manager: PackageManager) -> &'static str {
    match manager {
        PackageManager::Npm => "npx --no-install prisma-safe",
        PackageManager::Pnpm => "pnpm exec prisma-safe",
        PackageManager::Yarn => "yarn run prisma-safe",
        PackageManager::Bun => "bunx --no-install prisma-safe",
    }
}
