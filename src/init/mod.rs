//! What `init` changes in a project, as texts before and after; nothing is written here until all of it is agreed.

mod ci;
mod dependency;
mod door;
pub mod environments;
mod gitignore;
mod manifest;
mod places;
mod script;

use std::path::Path;

use crate::changes::{Change, read};
use crate::config::{self, Config};
use crate::engine::door::FILE;
use crate::env::Env;
use crate::error::Result;
use crate::project::repository;

use self::ci::Workflow;
pub use self::ci::{Ci, workflows};

/// What is asked of `init` beside the usual.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes<'a> {
    pub ci: Option<Ci>,
    /// The command that installs prisma-safe in CI.
    pub ci_install: Option<&'a str>,
    /// What package.json says of prisma-safe: a version, a tarball, a URL.
    pub dependency: Option<&'a str>,
}

/// Which ways into the database lead past prisma-safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doors {
    /// Scripts of package.json that run plain Prisma on a database.
    pub scripts: Vec<String>,
    /// The environment file that leads plain `prisma` to us, if one does.
    pub engine: Option<&'static str>,
}

impl Doors {
    /// # Errors
    /// Exit status 2 if package.json is no JSON; 1 if it cannot be read.
    pub fn of(root: &Path) -> Result<Self> {
        let scripts = read(root, "package.json")?.map(|text| manifest::open(&text)).transpose()?;
        let closed = door::closed_by(root).filter(|_| root.join(FILE).is_file());
        Ok(Self { scripts: scripts.unwrap_or_default(), engine: closed })
    }
}

/// Everything that changes, and what a person should know about what does not.
#[derive(Debug)]
pub struct Plan {
    pub changes: Vec<Change>,
    pub notes: Vec<String>,
    /// What else runs Prisma on a database.
    pub elsewhere: Elsewhere,
}

/// Calls of plain Prisma outside of this package.json.
#[derive(Debug, Default)]
pub struct Elsewhere {
    /// `ops/start.sh:1: npx prisma migrate deploy`
    pub lines: Vec<String>,
    /// The files whose calls can be rewired by one word each; paths are relative to the project.
    pub changes: Vec<Change>,
}

impl Plan {
    /// Reads the project and settles what to change; a project that is set up already needs no change.
    ///
    /// # Errors
    /// Exit status 2 if package.json is no JSON; 1 if a file cannot be read.
    pub fn new(root: &Path, config: &Config, env: &Env, wishes: Wishes<'_>) -> Result<Self> {
        let mut plan = Self { changes: Vec::new(), notes: Vec::new(), elsewhere: Elsewhere::default() };
        let top = repository(root);
        match read(root, "package.json")? {
            Some(text) => {
                let rewired = manifest::rewire(&text)?;
                plan.notes.extend(rewired.notes);
                plan.notes.extend(manifest::aliases(&text).into_iter().map(|(name, script)| {
                    format!(
                        "the script `{name}` ({script}) runs Prisma with whatever its caller adds, and stays as it is"
                    )
                }));
                let after = wishes.dependency.map(|spec| dependency::with(&rewired.text, spec));
                let after = after.unwrap_or(rewired.text);
                if wishes.dependency.is_none() && after.contains("prisma-safe ") && !dependency::is_there(root, top)? {
                    plan.notes.push(NOT_INSTALLED.into());
                }
                plan.change("package.json", Some(text), after);
            }
            None => plan.notes.push("no package.json was found here, so no scripts were rewired".into()),
        }
        if read(root, config::FILE_NAME)?.is_none() {
            let environments::Proposal { toml, notes } = environments::propose(root);
            plan.change(config::FILE_NAME, None, config::commented() + &toml);
            plan.notes.extend(notes);
        }
        let ignored = read(root, ".gitignore")?;
        let after = gitignore::with(ignored.as_deref(), &config.backup.directory);
        plan.change(".gitignore", ignored, after);
        plan.close_the_door(root)?;
        if let Some(ci) = wishes.ci {
            let depends = wishes.dependency.is_some();
            let written = Workflow { ci, root, install: wishes.ci_install, depends, env }.write()?;
            plan.changes.extend(written.change);
            plan.notes.extend(written.note);
        }
        plan.look_elsewhere(root, top);
        Ok(plan)
    }

    /// What this package.json does not show.
    fn look_elsewhere(&mut self, root: &Path, top: &Path) {
        let found = places::find(top, &root.join("package.json"));
        let here = root.strip_prefix(top).unwrap_or(Path::new(""));
        if !found.packages.is_empty() && !found.packages.iter().any(|package| package == here) {
            let packages: Vec<String> = found.packages.iter().map(|package| package.display().to_string()).collect();
            self.notes.push(format!(
                "the Prisma schema is in {}: `prisma-safe -C {} init` sets that package up",
                packages.join(", "),
                top.join(&found.packages[0]).display()
            ));
        }
        if found.cut {
            self.notes.push(
                "this repository is too large to be looked through: what else runs Prisma may be missing below".into(),
            );
        }
        let ours = |change: &Change| self.changes.iter().any(|other| root.join(&other.path) == top.join(&change.path));
        let back = ci::relative(root, top);
        let changes = found.changes.into_iter().filter(|change| !ours(change));
        self.elsewhere = Elsewhere {
            lines: found.places.iter().map(|it| format!("{}:{}: {}", it.file.display(), it.line, it.text)).collect(),
            changes: changes.map(|change| Change { path: back.join(&change.path), ..change }).collect(),
        };
    }

    /// Plain `prisma` is led to us by the environment file of the project, if it has one.
    fn close_the_door(&mut self, root: &Path) -> Result<()> {
        let mut found = None;
        for file in door::FILES {
            found = found.or(read(root, file)?.map(|text| (*file, text)));
        }
        let Some((file, text)) = found else {
            self.notes.push(format!(
                "plain `npx prisma` goes around prisma-safe: there is no .env here that could lead it to {FILE}"
            ));
            return Ok(());
        };
        let after = door::closed(&text);
        if text.trim_end() != after.trim_end() {
            let environment = Change::of(file, Some(text), after);
            self.changes.extend(environment.map(|change| Change { secret: true, ..change }));
        }
        if read(root, FILE)?.as_deref() != Some(door::SCRIPT) {
            let script = Change::of(FILE, None, door::SCRIPT.into());
            self.changes.extend(script.map(|change| Change { executable: true, ..change }));
        }
        Ok(())
    }

    fn change(&mut self, path: &str, before: Option<String>, after: String) {
        self.changes.extend(Change::of(path, before, after));
    }
}

/// What a person should know where scripts call what package.json does not bring.
const NOT_INSTALLED: &str = "package.json does not bring prisma-safe, which its scripts call: install it where they run, or name it with \
                             --dependency SPEC (a tarball, a URL). It is on no registry: do not let `npx` download that name";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::changes::write;

    const GITHUB: Wishes<'_> = Wishes { ci: Some(Ci::Github), ci_install: Some("true"), dependency: None };

    #[test]
    fn twice_changes_nothing() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("package.json"), "{\"scripts\": {\"migrate\": \"prisma migrate deploy\"}}").unwrap();
        let config = Config::load(root.path()).unwrap();
        let plan = Plan::new(root.path(), &config, &Env::default(), GITHUB).unwrap();
        let paths: Vec<_> = plan.changes.iter().map(|change| change.path.to_str().unwrap()).collect();
        assert_eq!(paths, ["package.json", "prisma-safe.toml", ".gitignore", ".github/workflows/prisma-safe.yml"]);
        write(root.path(), &plan.changes).unwrap();

        let config = Config::load(root.path()).unwrap();
        assert!(config.path.is_some(), "the written file is read");
        assert!(Plan::new(root.path(), &config, &Env::default(), GITHUB).unwrap().changes.is_empty());
    }

    #[test]
    fn a_workflow_of_the_projects_own_stays() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(".github/workflows")).unwrap();
        fs::write(root.path().join(".github/workflows/prisma-safe.yml"), "on: push\n").unwrap();
        let plan = Plan::new(root.path(), &Config::load(root.path()).unwrap(), &Env::default(), GITHUB).unwrap();
        assert!(plan.changes.iter().all(|change| !change.path.starts_with(".github")));
        assert!(plan.notes.iter().any(|note| note.contains("stays as it is")), "{:?}", plan.notes);
    }
}
