//! Which migrations are reviewed: by name, by file, by revision, or what is pending.

use std::path::{Path, PathBuf};

use super::fixes::plan::Plan;
use super::online::Online;
use crate::context::Context;
use crate::database::history::State;
use crate::engine::Discovered;
use crate::error::{Error, Explain as _, Result};
use crate::project::{Migration, migrations};
use crate::tools::git;

/// Names SQL that is read from stdin: a migration that is not written yet.
pub const STDIN: &str = "-";

/// What is reviewed.
#[derive(Debug)]
pub struct Chosen {
    pub migrations: Vec<Migration>,
    /// Whether it is exactly what a deploy would apply.
    pub plan: bool,
    /// Whether `--all` named them.
    whole_folder: bool,
}

impl Chosen {
    /// Leaves out what the database has applied, which is never touched: Prisma compares checksums.
    ///
    /// # Errors
    /// Exit status 3 for one that was named and is applied; 2 where that is not known of several.
    pub fn leave_applied(&mut self, online: Option<&Online>, context: &Context) -> Result<()> {
        let Some(online) = online else {
            if self.migrations.len() > 1 {
                return Err(Error::usage("which of these migrations are applied is not known without the database")
                    .help("name the one to fix, or run it where the database is reachable"));
            }
            context.shell.note("whether the migration is applied was not checked: an applied one must not be changed");
            return Ok(());
        };
        let applied = |migration: &Migration| {
            let state = online.history.as_ref().and_then(|history| history.state(&migration.name));
            matches!(state, Some(State::Applied | State::Failed))
        };
        if let Some(applied) = self.migrations.iter().find(|each| !self.whole_folder && applied(each)) {
            return Err(Error::refused(format!("{} is applied already", applied.name))
                .help("write a new migration: a changed file would make `prisma migrate dev` ask for a reset"));
        }
        self.migrations.retain(|each| !applied(each));
        Ok(())
    }

    /// The same migrations as a plan would leave them, and those it adds.
    pub fn after(&self, plan: &Plan) -> Vec<Migration> {
        plan.folder(&self.migrations)
    }
}

/// What the command line names.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Every migration of the folder.
    pub all: bool,
    /// By name, or SQL files.
    pub what: &'a [String],
    /// What is new or changed since this revision.
    pub since: Option<&'a str>,
}

impl Named<'_> {
    /// Finds them; where nothing is named, what is pending, and offline the newest.
    ///
    /// # Errors
    /// Exit status 2 for a migration that is not there.
    pub fn choose(self, discovered: &Discovered, online: Option<&Online>, directory: &Path) -> Result<Chosen> {
        let all = &discovered.migrations;
        if self.all {
            return Ok(Chosen { migrations: all.clone(), plan: false, whole_folder: true });
        }
        if !self.what.is_empty() {
            let one = |what: &String| if what == STDIN { stdin() } else { find(what, all, directory) };
            let migrations = self.what.iter().map(one).collect::<Result<_>>()?;
            return Ok(Chosen { migrations, plan: false, whole_folder: false });
        }
        if let Some(revision) = self.since {
            let changed = git::changed_since(revision, &discovered.migrations_dir)?;
            let migrations = all.iter().filter(|migration| changed.contains(&migration.path)).cloned().collect();
            return Ok(Chosen { migrations, plan: false, whole_folder: true });
        }
        Ok(match online {
            Some(online) => {
                let standing = online.history.clone().unwrap_or_default().compare(all);
                let pending = all.iter().filter(|migration| standing.pending.contains(&migration.name));
                Chosen { migrations: pending.cloned().collect(), plan: true, whole_folder: false }
            }
            None => Chosen { migrations: all.last().cloned().into_iter().collect(), plan: false, whole_folder: false },
        })
    }
}

/// A migration by its name, by the part of it behind the time, by its directory; or any SQL file.
///
/// # Errors
/// Exit status 2 if there is none.
pub fn find(what: &str, all: &[Migration], directory: &Path) -> Result<Migration> {
    let name = Path::new(what).file_name().and_then(|name| name.to_str()).unwrap_or(what);
    let named = |migration: &&Migration| {
        migration.name == name || migration.name.split_once('_').is_some_and(|(_, rest)| rest == name)
    };
    if let Some(migration) = all.iter().rev().find(named) {
        return Ok(migration.clone());
    }
    let path: PathBuf = directory.join(what);
    if let Some(migration) = all.iter().find(|migration| migration.path == path) {
        return Ok(migration.clone());
    }
    if is_sql(&path) {
        return file(what, path);
    }
    let newest: Vec<&str> = all.iter().rev().take(3).map(|migration| migration.name.as_str()).collect();
    Err(Error::usage(format!("no migration or SQL file `{what}` was found")).help(if newest.is_empty() {
        "the migrations folder is empty".to_owned()
    } else {
        format!("the newest are: {}", newest.join(", "))
    }))
}

/// SQL files by themselves, with what the disk tells of them: no Prisma was asked.
#[derive(Debug)]
pub struct Alone {
    /// Those of the folder that the first file stands in; empty if it is not a migrations folder.
    pub migrations: Vec<Migration>,
    pub directory: PathBuf,
    pub chosen: Vec<Migration>,
}

impl Alone {
    /// The files, where all that is named are SQL files.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn find(what: &[String], directory: &Path) -> Result<Option<Self>> {
        if what == [STDIN] {
            return Ok(Some(Self { migrations: Vec::new(), directory: directory.to_owned(), chosen: vec![stdin()?] }));
        }
        let paths: Vec<PathBuf> = what.iter().map(|what| directory.join(what)).collect();
        if paths.is_empty() || !paths.iter().all(|path| is_sql(path)) {
            return Ok(None);
        }
        let files: Vec<Migration> =
            paths.into_iter().zip(what).map(|(path, what)| file(what, path)).collect::<Result<_>>()?;
        let folder = files.first().and_then(|first| first.path.parent()?.parent());
        let migrations = match folder.filter(|folder| folder.join("migration_lock.toml").is_file()) {
            Some(folder) => migrations::read(folder)?,
            None => Vec::new(),
        };
        // a file of the folder goes by its migration's name
        let known =
            |file: &Migration| migrations.iter().find(|migration| migration.path == file.path).unwrap_or(file).clone();
        let chosen: Vec<Migration> = files.iter().map(known).collect();
        let directory = folder.unwrap_or(directory).to_owned();
        let migrations =
            if migrations.iter().any(|each| each.name == chosen[0].name) { migrations } else { Vec::new() };
        Ok(Some(Self { migrations, directory, chosen }))
    }
}

fn stdin() -> Result<Migration> {
    let sql = std::io::read_to_string(std::io::stdin()).explain(|| "could not read the SQL from stdin".into())?;
    Ok(Migration { name: "stdin".into(), path: "stdin".into(), sql: sql.into() })
}

fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sql") && path.is_file()
}

fn file(name: &str, path: PathBuf) -> Result<Migration> {
    let sql = migrations::text_of(&path)?.into();
    Ok(Migration { name: name.to_owned(), path, sql })
}
