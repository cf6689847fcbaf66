//! What every command about plans needs: the project, its plans, and the target.

use std::path::{Path, PathBuf};

use crate::catalog::Catalog;
use crate::changes::{self, Change};
use crate::commands;
use crate::config::Config;
use crate::context::Context;
use crate::database::DatabaseUrl;
use crate::engine::{self, Discovered, ShadowUse};
use crate::error::{Error, Explain as _, Result};
use crate::phases::{Edited, Plan, Plans, Scripts};
use crate::project::Project;
use crate::shadow::Shadow;
use crate::target::Target;
use crate::tools::prisma;
use crate::ui::prompt;

/// How files are written.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
#[group(skip)]
pub(super) struct Write {
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// The project and its plans.
pub(super) struct Scene<'a> {
    pub(super) project: Project,
    pub(super) config: Config,
    pub(super) target: Target,
    pub(super) discovered: Discovered,
    pub(super) plans: Plans,
    pub(super) context: &'a Context,
}

impl<'a> Scene<'a> {
    pub(super) fn find(context: &'a Context) -> Result<Self> {
        let project = prisma::find(&context.directory, &context.env)?;
        let config = Config::load(project.root())?;
        let (target, discovered) = commands::target(&project, &config, context)?;
        let plans = Plans::read(&discovered.migrations_dir)?;
        Ok(Self { project, config, target, discovered, plans, context })
    }

    /// The schema that goes without saying.
    pub(super) fn schema(&self) -> String {
        self.target.url.schema()
    }

    pub(super) fn catalog(&self) -> Catalog {
        Catalog::of(&self.schema(), &self.discovered.migrations)
    }

    /// What the schema's files say.
    pub(super) fn schema_texts(&self) -> Result<Vec<String>> {
        let read =
            |path: &PathBuf| std::fs::read_to_string(path).explain(|| format!("could not read {}", path.display()));
        self.discovered.schema_files.iter().map(read).collect()
    }

    /// A migration of a plan that the folder does not have.
    pub(super) fn missing(&self, plan: &Plan) -> Option<String> {
        let there = |name: &&String| self.discovered.migrations.iter().any(|migration| migration.name == **name);
        plan.migrations.all().find(|name| !there(name)).cloned()
    }

    /// The plan's file, relative to the project.
    pub(super) fn shown(&self, plan: &str) -> String {
        self.relative(&self.plans.path(plan)).display().to_string()
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.project.root()).unwrap_or(path).to_owned()
    }

    pub(super) fn shadow<'s>(&'s self) -> Shadow<'s>
    where
        'a: 's,
    {
        commands::shadow(&self.project, &self.config, self.context)
    }

    /// What Prisma would still draft for the edited schema after a migration; empty where that leads to it.
    pub(super) fn remaining(
        &self,
        edited: &[Edited],
        name: &str,
        script: &str,
        shadow: &mut Shadow<'_>,
    ) -> Result<String> {
        let folder = tempfile::tempdir().explain(|| "could not make a temporary directory".into())?;
        let mut files = Vec::new();
        for (number, file) in edited.iter().enumerate() {
            let path = folder.path().join(format!("{number}.prisma"));
            std::fs::write(&path, &file.new).explain(|| "could not write a temporary file".into())?;
            files.push(path);
        }
        let target: &DatabaseUrl = &self.target.url;
        let mut take = |used: &ShadowUse| shadow.take(used, Some(target));
        engine::prove(&self.project, self.context, &files, name, script, &mut take)
    }

    /// That the migration leads to the edited schema, by Prisma's own word.
    pub(super) fn prove(&self, edited: &[Edited], name: &str, script: &str, shadow: &mut Shadow<'_>) -> Result<()> {
        let left = self.remaining(edited, name, script, shadow)?;
        if left.is_empty() {
            return Ok(());
        }
        Err(Error::failed(format!("{name} does not lead to the schema, so nothing was written"))
            .because(left)
            .help("does schema.prisma hold other changes? Draft and apply them first: prisma-safe migrate dev"))
    }

    /// The names of keys and indexes that follow a table's, as Prisma gives them.
    pub(super) fn names(
        &self,
        scripts: &Scripts<'_>,
        edited: &[Edited],
        name: &str,
        back: bool,
        shadow: &mut Shadow<'_>,
    ) -> Result<Vec<String>> {
        let view = if back { format!("DROP VIEW {};\n", scripts.table()) } else { String::new() };
        let draft = self.remaining(edited, name, &format!("{view}{}\n", scripts.rename_table(back)), shadow)?;
        scripts.names_that_follow(&draft)
    }

    /// A file that changes.
    pub(super) fn change(&self, path: &Path, before: Option<String>, after: String) -> Option<Change> {
        Change::of(&self.relative(path).display().to_string(), before, after)
    }

    /// A migration that is new.
    pub(super) fn migration(&self, name: &str, sql: String) -> Option<Change> {
        self.change(&self.discovered.migrations_dir.join(name).join("migration.sql"), None, sql)
    }

    /// The plan's own file.
    pub(super) fn plan(&self, plan: &Plan) -> Result<Option<Change>> {
        let path = self.plans.path(&plan.name);
        let before = crate::atomic::read(&path).explain(|| format!("could not read {}", path.display()))?;
        Ok(self.change(&path, before, plan.text()?))
    }

    pub(super) fn schema_changes(&self, edited: &[Edited]) -> Vec<Change> {
        edited.iter().filter_map(|file| self.change(&file.path, Some(file.old.clone()), file.new.clone())).collect()
    }

    pub(super) fn scripts<'p>(&self, plan: &'p Plan, schema: &'p str, shown: &'p str) -> Scripts<'p> {
        Scripts { plan, default_schema: schema, shown }
    }

    /// Shows the changes; writes them, after a question at a terminal. `false` where nothing was written.
    pub(super) fn offer(&self, changes: &[Change], notes: &[String], write: Write) -> Result<bool> {
        let context = self.context;
        changes::show(changes, notes, context);
        if write.dry_run {
            return Ok(false);
        }
        let asks = context.shell.interactive() && !context.global.yes;
        if asks && !prompt::confirm(&context.shell, "Make these changes?", true)? {
            return Err(Error::cancelled());
        }
        changes::write(self.project.root(), changes)?;
        for change in changes {
            context.shell.status("Wrote", change.path.display());
        }
        Ok(true)
    }
}
