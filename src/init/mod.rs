//! What `init` changes in a project, as texts before and after; nothing is written here until all of it is agreed.

mod door;
mod gitignore;
mod manifest;
mod script;

use std::path::Path;

use crate::changes::{Change, read};
use crate::config::{self, Config};
use crate::engine::door::FILE;
use crate::error::Result;

/// A workflow for a CI service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Ci {
    /// GitHub Actions: .github/workflows/prisma-safe.yml
    Github,
}

impl Ci {
    fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Github => (".github/workflows/prisma-safe.yml", include_str!("../../templates/ci/github.yml")),
        }
    }
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
}

impl Plan {
    /// Reads the project and settles what to change; a project that is set up already needs no change.
    ///
    /// # Errors
    /// Exit status 2 if package.json is no JSON; 1 if a file cannot be read.
    pub fn new(root: &Path, config: &Config, ci: Option<Ci>) -> Result<Self> {
        let mut plan = Self { changes: Vec::new(), notes: Vec::new() };
        match read(root, "package.json")? {
            Some(text) => {
                let rewired = manifest::rewire(&text)?;
                plan.notes.extend(rewired.notes);
                plan.change("package.json", Some(text), rewired.text);
            }
            None => plan.notes.push("no package.json was found here, so no scripts were rewired".into()),
        }
        if read(root, config::FILE_NAME)?.is_none() {
            plan.change(config::FILE_NAME, None, config::commented());
        }
        let ignored = read(root, ".gitignore")?;
        let after = gitignore::with(ignored.as_deref(), &config.backup.directory);
        plan.change(".gitignore", ignored, after);
        plan.close_the_door(root)?;
        if let Some((path, text)) = ci.map(Ci::file) {
            match read(root, path)? {
                None => plan.change(path, None, text.into()),
                Some(there) if there == text => {}
                Some(_) => plan.notes.push(format!("{path} is there already and stays as it is")),
            }
        }
        Ok(plan)
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::changes::write;

    #[test]
    fn twice_changes_nothing() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("package.json"), "{\"scripts\": {\"migrate\": \"prisma migrate deploy\"}}").unwrap();
        let config = Config::load(root.path()).unwrap();
        let plan = Plan::new(root.path(), &config, Some(Ci::Github)).unwrap();
        let paths: Vec<_> = plan.changes.iter().map(|change| change.path.to_str().unwrap()).collect();
        assert_eq!(paths, ["package.json", "prisma-safe.toml", ".gitignore", ".github/workflows/prisma-safe.yml"]);
        write(root.path(), &plan.changes).unwrap();

        let config = Config::load(root.path()).unwrap();
        assert!(config.path.is_some(), "the written file is read");
        assert!(Plan::new(root.path(), &config, Some(Ci::Github)).unwrap().changes.is_empty());
    }

    #[test]
    fn a_workflow_of_the_projects_own_stays() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(".github/workflows")).unwrap();
        fs::write(root.path().join(".github/workflows/prisma-safe.yml"), "on: push\n").unwrap();
        let plan = Plan::new(root.path(), &Config::load(root.path()).unwrap(), Some(Ci::Github)).unwrap();
        assert!(plan.changes.iter().all(|change| !change.path.starts_with(".github")));
        assert!(plan.notes.iter().any(|note| note.contains("stays as it is")), "{:?}", plan.notes);
    }
}
