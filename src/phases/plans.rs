//! The plans of a project: `prisma/phases/`.

use std::path::{Path, PathBuf};

use super::plan::Plan;
use crate::error::{Error, Explain as _, Result};
use crate::steps::Steps;

/// The plans of a project.
#[derive(Debug, Clone)]
pub struct Plans {
    /// The folder, which may not exist.
    pub folder: PathBuf,
    /// In order of name.
    pub all: Vec<Plan>,
}

impl Plans {
    /// Reads the folder beside the migrations folder.
    ///
    /// # Errors
    /// Exit status 2 for a plan that is not understood, with its line and a caret, and for two open plans on one column.
    pub fn read(migrations_dir: &Path) -> Result<Self> {
        let folder = migrations_dir.parent().unwrap_or(migrations_dir).join("phases");
        let explain = || format!("could not read {}", folder.display());
        let mut files: Vec<PathBuf> = match std::fs::read_dir(&folder) {
            Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>().explain(explain)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).explain(explain),
        };
        files.retain(|file| file.extension().is_some_and(|end| end == "toml") && !Steps::is_one(file));
        files.sort();
        let mut all = Vec::new();
        for file in files {
            let text = std::fs::read_to_string(&file).explain(|| format!("could not read {}", file.display()))?;
            let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
            let plan = Plan::parse(&name, &text)
                .map_err(|cause| Error::usage(format!("{} is not understood", file.display())).because(cause))?;
            all.push(plan);
        }
        let plans = Self { folder, all };
        for (at, plan) in plans.all.iter().enumerate() {
            if let Some(other) =
                plans.all[..at].iter().find(|other| other.is_open() && plan.is_open() && other.meets(plan))
            {
                return Err(two_plans(plan, other));
            }
        }
        Ok(plans)
    }

    /// Refuses a new plan that meets one that is open.
    ///
    /// # Errors
    /// Exit status 2.
    pub fn admit(&self, new: &Plan) -> Result<()> {
        match self.all.iter().find(|plan| plan.is_open() && plan.meets(new)) {
            Some(other) => Err(two_plans(new, other)),
            None => Ok(()),
        }
    }

    /// Refuses a column that an open plan is about: `Song.artist`, by its names in schema.prisma or the database.
    ///
    /// # Errors
    /// Exit status 2.
    pub fn admit_column(&self, table: &str, column: &str) -> Result<()> {
        let meant = |plan: &&Plan| {
            let own = [&plan.model, &plan.table].iter().any(|name| *name == table);
            own && plan.is_open() && plan.sides().any(|side| side.column == column || side.field == column)
        };
        match self.all.iter().find(meant) {
            Some(plan) => Err(finish_first(format!("the plan {} is about {table}.{column} already", plan.name), plan)),
            None => Ok(()),
        }
    }

    /// A plan's file.
    pub fn path(&self, plan: &str) -> PathBuf {
        self.folder.join(format!("{plan}.toml"))
    }

    /// The plan that is meant: by its name, or the only one that is open.
    ///
    /// # Errors
    /// Exit status 2 where there is none, or more than one.
    pub fn chosen(&self, name: Option<&str>) -> Result<&Plan> {
        self.chosen_among(name, |_| true)
    }

    /// As [`Plans::chosen`], for a backfill: a plan that has none is meant by its name only, or where there is no other.
    ///
    /// # Errors
    /// As there.
    pub fn to_fill(&self, name: Option<&str>) -> Result<&Plan> {
        let some = self.all.iter().any(|plan| plan.is_open() && plan.kind.fills());
        self.chosen_among(name, |plan| plan.kind.fills() || !some)
    }

    fn chosen_among(&self, name: Option<&str>, among: impl Fn(&Plan) -> bool) -> Result<&Plan> {
        let names = |plans: &[&Plan]| plans.iter().map(|plan| plan.name.as_str()).collect::<Vec<_>>().join(", ");
        if let Some(name) = name {
            let all: Vec<&Plan> = self.all.iter().collect();
            return self.all.iter().find(|plan| plan.name == name).ok_or_else(|| {
                let error = Error::usage(format!("there is no plan {name} in {}", self.folder.display()));
                if all.is_empty() { error } else { error.help(format!("known: {}", names(&all))) }
            });
        }
        let open: Vec<&Plan> = self.all.iter().filter(|plan| plan.is_open() && among(plan)).collect();
        match open.as_slice() {
            [one] => Ok(one),
            [] => Err(Error::usage(format!("no open plan in {}", self.folder.display()))
                .help("prisma-safe phases rename|retype|split|merge|require|drop|table begins one")),
            several => Err(Error::usage("several plans are open").help(format!("name one of {}", names(several)))),
        }
    }

    /// A name for a new plan that is free.
    pub fn free_name(&self, table: &str, column: &str) -> String {
        let plain = |text: &str| -> String {
            let chars = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
            chars.take(20).collect()
        };
        let base = format!("{}_{}", plain(table), plain(column));
        let taken = |name: &str| self.all.iter().any(|plan| plan.name == name) || self.path(name).exists();
        std::iter::once(base.clone())
            .chain((2_u32..).map(|number| format!("{base}_{number}")))
            .find(|name| !taken(name))
            .unwrap_or(base)
    }
}

fn two_plans(plan: &Plan, other: &Plan) -> Error {
    let shared = plan.sides().find(|side| other.sides().any(|theirs| theirs.column == side.column));
    let column = shared.map_or_else(String::new, |side| format!(".{}", side.column));
    finish_first(format!("two plans are about {}{column}: {} and {}", plan.model, other.name, plan.name), other)
}

fn finish_first(why: String, other: &Plan) -> Error {
    let name = &other.name;
    Error::usage(why).help(format!("finish {name} first, or take it back: prisma-safe phases abort {name}"))
}
