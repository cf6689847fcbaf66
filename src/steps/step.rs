//! The file of a data step, which people write.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::error::{Error, Explain as _, Result};
use crate::project::Migration;
use crate::setting::span;
use crate::sql::{Script, StatementKind};

/// How its file's name ends.
const END: &str = ".step.toml";

/// What becomes of it on a database that had no tables before: every migration has just run on empty ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fresh {
    /// It is noted as done.
    #[default]
    Skip,
    Run,
}

/// A data step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    /// The file's name without its end.
    #[serde(skip)]
    pub name: String,
    #[serde(skip)]
    pub path: PathBuf,
    /// The migration that it follows, by its directory's name.
    pub after: String,
    /// A line of shell, run in the project's root.
    #[serde(default)]
    pub run: Option<String>,
    /// SQL, run in one transaction.
    #[serde(default)]
    pub sql: Option<String>,
    /// What it changes: `Song.genre`, or `Song` for its rows.
    pub touches: Vec<String>,
    /// It is ended when it takes longer.
    #[serde(default = "ten_minutes", deserialize_with = "span")]
    pub timeout: Duration,
    /// Running it again does no harm.
    #[serde(default)]
    pub repeatable: bool,
    #[serde(default)]
    pub fresh: Fresh,
}

fn ten_minutes() -> Duration {
    Duration::from_secs(600)
}

/// The data steps of a project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Steps {
    /// In the order of the migrations that they follow, then of their names.
    pub all: Vec<Step>,
}

impl Steps {
    /// Whether a file of `prisma/phases/` is a step.
    pub fn is_one(path: &Path) -> bool {
        path.to_str().is_some_and(|path| path.ends_with(END))
    }

    /// Reads the folder beside the migrations folder; one that is not there holds none.
    ///
    /// # Errors
    /// Exit status 2 for a file that is not understood, and for a step that follows no migration.
    pub fn read(migrations_dir: &Path, migrations: &[Migration]) -> Result<Self> {
        let folder = migrations_dir.parent().unwrap_or(migrations_dir).join("phases");
        let explain = || format!("could not read {}", folder.display());
        let mut files: Vec<PathBuf> = match std::fs::read_dir(&folder) {
            Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>().explain(explain)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).explain(explain),
        };
        files.retain(|file| Self::is_one(file));
        files.sort();
        let mut all = files.into_iter().map(|file| Step::read(file, migrations)).collect::<Result<Vec<_>>>()?;
        all.sort_by(|a, b| (&a.after, &a.name).cmp(&(&b.after, &b.name)));
        Ok(Self { all })
    }

    /// The step of this name.
    ///
    /// # Errors
    /// Exit status 2 where there is none.
    pub fn named(&self, name: &str) -> Result<&Step> {
        self.all.iter().find(|step| step.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.all.iter().map(|step| step.name.as_str()).collect();
            let error = Error::usage(format!("there is no data step {name} in prisma/phases"));
            if known.is_empty() { error } else { error.help(format!("known: {}", known.join(", "))) }
        })
    }
}

impl Step {
    /// Its file, as people call it: `prisma/phases/fill-genre.step.toml`.
    pub fn shown(&self) -> String {
        let mut parts: Vec<_> = self.path.iter().rev().take(3).collect();
        parts.reverse();
        parts.into_iter().collect::<PathBuf>().display().to_string()
    }

    fn read(path: PathBuf, migrations: &[Migration]) -> Result<Self> {
        let text = std::fs::read_to_string(&path).explain(|| format!("could not read {}", path.display()))?;
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let wrong = |why: String| Error::usage(format!("{} is not understood", path.display())).because(why);
        let step: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        let step = Self { name: file.trim_end_matches(END).to_owned(), path: path.clone(), ..step };
        step.check().map_err(wrong)?;
        if !migrations.iter().any(|migration| migration.name == step.after) {
            return Err(Error::usage(format!(
                "the data step {} follows {}, which is not a migration",
                step.name, step.after
            ))
            .help(format!("name one of the migrations folder as `after` in {}", path.display())));
        }
        Ok(step)
    }

    fn check(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if self.name.is_empty() || self.name.len() > 100 || !self.name.chars().all(plain) {
            return Err("its name is made of letters, digits, _ and -".into());
        }
        let sql = match (&self.run, &self.sql) {
            (Some(line), None) if !line.trim().is_empty() => return self.declares(),
            (None, Some(sql)) => sql,
            _ => return Err("it needs either `run`, a line of shell, or `sql`".into()),
        };
        let script = Script::parse(sql.as_str());
        if let Some(error) = script.errors().first() {
            let line = script.position(error.range.start).line;
            return Err(format!("its SQL cannot be read, line {line}: {}", error.message));
        }
        let ends = |kind: &StatementKind| {
            matches!(kind, StatementKind::Begin | StatementKind::Commit | StatementKind::Rollback)
        };
        if script.statements().is_empty() || script.statements().iter().any(|statement| ends(&statement.kind)) {
            return Err("its SQL runs in one transaction, without BEGIN and COMMIT of its own".into());
        }
        self.declares()
    }

    fn declares(&self) -> Result<(), String> {
        if self.touches.is_empty() || self.touches.iter().any(|name| name.trim().is_empty()) {
            return Err("`touches` names what it changes: [\"Song.genre\"], or [\"Song\"] where rows come or go".into());
        }
        if self.timeout.is_zero() {
            return Err("`timeout` is longer than nothing: \"10m\"".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Step> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fill-genre.step.toml");
        std::fs::write(&path, text).unwrap();
        let migration = Migration { name: "1_a".into(), path: "1_a/migration.sql".into(), sql: "SELECT 1".into() };
        Step::read(path, &[migration])
    }

    #[test]
    fn a_step_says_what_it_does() {
        let step =
            read("after = \"1_a\"\nrun = \"tsx fill.ts\"\ntouches = [\"Song.genre\"]\ntimeout = \"90s\"\n").unwrap();
        assert_eq!(
            (step.name.as_str(), step.timeout, step.fresh),
            ("fill-genre", Duration::from_secs(90), Fresh::Skip)
        );
        assert!(!step.repeatable);
        for (text, word) in [
            ("after = \"1_a\"\ntouches = [\"a\"]\n", "either `run`"),
            ("after = \"1_a\"\nrun = \"x\"\nsql = \"SELECT 1\"\ntouches = [\"a\"]\n", "either `run`"),
            ("after = \"1_a\"\nsql = \"BEGIN; SELECT 1; COMMIT\"\ntouches = [\"a\"]\n", "without BEGIN"),
            ("after = \"1_a\"\nsql = \"SELEC 1\"\ntouches = [\"a\"]\n", "cannot be read"),
            ("after = \"1_a\"\nrun = \"x\"\ntouches = []\n", "`touches` names"),
            ("after = \"1_a\"\nrun = \"x\"\ntouches = [\"a\"]\ntimeout = \"soon\"\n", "soon"),
            ("after = \"1_a\"\nrun = \"x\"\ntouches = [\"a\"]\nrepeat = true\n", "line 4"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.with_causes().contains(word), "{text}: {}", error.with_causes());
        }
        let error = read("after = \"2_b\"\nrun = \"x\"\ntouches = [\"a\"]\n").unwrap_err();
        assert!(error.to_string().contains("which is not a migration"), "{error}");
    }
}
