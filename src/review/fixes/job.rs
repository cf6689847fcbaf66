//! Fixing the migrations of a review: plan → proof → review again → show → ask → write.

use std::path::{Path, PathBuf};

use super::plan::Plan;
use super::schema::{self, File};
use super::wrap::Timeouts;
use crate::atomic;
use crate::context::Context;
use crate::engine::Discovered;
use crate::error::{Error, Explain as _, Result};
use crate::review::Review;
use crate::rules::Finding;
use crate::sql::edit;
use crate::ui::{Shell, diff, prompt};

/// What is fixed, and what is known around it.
#[derive(Debug)]
pub struct Job<'a> {
    /// Show the fixes, write nothing.
    pub dry_run: bool,
    /// Also put each migration in BEGIN and COMMIT with these.
    pub wrap: Option<Timeouts>,
    pub context: &'a Context,
    pub discovered: &'a Discovered,
    pub default_schema: &'a str,
}

impl Job<'_> {
    /// Fixes what the review found; gives the migrations that stand afterwards, where something was written. `again` reviews
    /// a folder as it would stand.
    ///
    /// # Errors
    /// 1 where the result is not proved or brings new errors, 2 without a terminal and without `--yes`, 130 if the person says
    /// no; nothing is written then.
    pub fn run(&self, review: &Review, again: &mut dyn FnMut(&Plan) -> Result<Review>) -> Result<Option<Plan>> {
        let shell = &self.context.shell;
        let all = &self.discovered.migrations;
        let plan = Plan::new(review, all, self.default_schema, self.wrap)?;
        for left in &plan.left {
            shell.note(format!("not fixed: {left}"));
        }
        if plan.is_empty() {
            shell.status("Unchanged", "nothing here can be fixed by a machine");
            return Ok(None);
        }
        let files = self.schema_files()?;
        let declared = self.declare(&plan, &files);
        self.demand_nothing_new(review, &again(&plan)?)?;
        for done in &plan.done {
            shell.status("Fixing", done);
        }
        shell.status("Proved", "the replayed catalogs are equal");
        self.show(&plan, &files, &declared);
        if self.dry_run {
            return Ok(None);
        }
        if !self.context.global.yes {
            if !shell.interactive() {
                return Err(Error::usage("cannot ask for confirmation without a terminal; nothing was written")
                    .help("`--yes` writes them without asking, `--dry-run` only shows them"));
            }
            if !prompt::confirm(shell, "Write these changes?", true)? {
                return Err(Error::cancelled());
            }
        }
        write(&plan, &declared)?;
        for migration in plan.added.iter().chain(&plan.edited) {
            shell.status("Wrote", relative(&migration.path, &self.context.directory).display());
        }
        for (path, _) in &declared {
            shell.status("Wrote", relative(path, &self.context.directory).display());
        }
        Ok(Some(plan))
    }

    fn schema_files(&self) -> Result<Vec<File>> {
        let read = |path: &PathBuf| -> Result<File> {
            let text = std::fs::read_to_string(path).explain(|| format!("could not read {}", path.display()))?;
            Ok((path.clone(), text))
        };
        self.discovered.schema_files.iter().map(read).collect()
    }

    /// The schema's files that change, with their new text. A model that is not found is reported.
    fn declare(&self, plan: &Plan, files: &[File]) -> Vec<File> {
        let mut changed: Vec<File> = files.to_vec();
        for index in &plan.indexes {
            let text = schema::declare(&changed, index, self.default_schema)
                .and_then(|(at, edit)| Some((at, edit::apply(&changed.get(at)?.1, &[edit]).ok()?)));
            match text {
                Some((at, text)) => changed[at].1 = text,
                None => self.context.shell.warn(format!(
                    "add `@@index` on {} ({}) to the schema by hand: its model was not found, and Prisma would drop the index again",
                    index.table,
                    index.columns.join(", ")
                )),
            }
        }
        changed.retain(|file| !files.contains(file));
        changed
    }

    /// A fix may not bring an error of its own.
    fn demand_nothing_new(&self, before: &Review, after: &Review) -> Result<()> {
        let known: Vec<_> = before.findings().map(|finding| (finding.rule, finding.object.as_str())).collect();
        let new: Vec<String> = after
            .findings()
            .filter(|finding: &&Finding| finding.blocks() && !known.contains(&(finding.rule, finding.object.as_str())))
            .map(|finding| format!("{}({}): {}", finding.rule, finding.object, finding.message))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        Err(Error::failed("the fixed migrations would bring new errors, so nothing was written")
            .because(new.join("\n"))
            .help("this is a fault of prisma-safe: please report it with the migration"))
    }

    fn show(&self, plan: &Plan, files: &[File], declared: &[File]) {
        let shell: &Shell = &self.context.shell;
        let name = |path: &Path| relative(path, &self.context.directory).display().to_string();
        for migration in &plan.edited {
            let before = self.discovered.migrations.iter().find(|each| each.name == migration.name);
            let before = before.map(|before| before.sql.as_str());
            shell.block(&diff::unified(shell, &name(&migration.path), before, &migration.sql));
        }
        for migration in &plan.added {
            shell.block(&diff::unified(shell, &name(&migration.path), None, &migration.sql));
        }
        for (path, text) in declared {
            let before = files.iter().find(|(other, _)| other == path).map(|(_, text)| text.as_str());
            shell.block(&diff::unified(shell, &name(path), before, text));
        }
    }
}

fn relative<'a>(path: &'a Path, directory: &Path) -> &'a Path {
    path.strip_prefix(directory).unwrap_or(path)
}

/// New migrations first: a crash in between leaves a statement twice, which fails, and never none, which would stay unseen.
fn write(plan: &Plan, declared: &[File]) -> Result<()> {
    let mut made: Vec<&Path> = Vec::new();
    let written = (|| {
        for migration in &plan.added {
            let directory = migration.path.parent().unwrap_or(Path::new("."));
            std::fs::create_dir(directory).explain(|| format!("could not create {}", directory.display()))?;
            made.push(directory);
            put(&migration.path, &migration.sql)?;
        }
        plan.edited.iter().try_for_each(|migration| put(&migration.path, &migration.sql))?;
        declared.iter().try_for_each(|(path, text)| put(path, text))
    })();
    if written.is_err()
        && plan.edited.iter().all(|edited| std::fs::read_to_string(&edited.path).is_ok_and(|now| now != edited.sql))
    {
        // nothing of the old migrations has changed yet: the new ones go again
        for directory in made {
            let _ = std::fs::remove_dir_all(directory);
        }
    }
    written
}

fn put(path: &Path, text: &str) -> Result<()> {
    atomic::write(path, text).explain(|| format!("could not write {}", path.display()))
}
