//! `rewrite MIGRATION`: decides and rewrites the renames of a migration that is not applied yet; `renames MIGRATION` only
//! lists the candidates.

use super::output;
use crate::config::Config;
use crate::context::Context;
use crate::database::history::State;
use crate::database::{self, History};
use crate::drafting::{self, Drafting, Outcome};
use crate::engine::{self, DataLoss, Discovered, ShadowUse};
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::project::{Migration, Project};
use crate::rename::{self, Candidate};
use crate::report::renames;
use crate::review::chosen;
use crate::tools::prisma;
use crate::{atomic, commands};

use super::decisions::Decisions;

/// Arguments of `rewrite`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The migration, by name
    #[arg(value_name = "MIGRATION")]
    migration: String,
    /// Show the result, write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    decisions: Decisions,
    #[command(flatten)]
    report: output::Args,
}

/// Arguments of `renames`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// The migration, by name, or an SQL file
    #[arg(value_name = "MIGRATION")]
    migration: String,
    #[command(flatten)]
    report: output::Args,
}

/// A migration in its project.
struct Subject {
    /// None offline.
    project: Option<Project>,
    config: Config,
    discovered: Discovered,
    migration: Migration,
    earlier: Vec<Migration>,
    schema: String,
}

impl Subject {
    /// As Prisma sees it; without Prisma, or where it cannot work with the project (no URL, say), as the disk shows it.
    fn find(what: &str, context: &Context) -> Result<Self> {
        let project = prisma::find(&context.directory, &context.env);
        let asked = project.and_then(|project| match project.version() {
            Some(_) => {
                let global = &context.global;
                let seen = engine::discover(&project, context, global.schema.as_deref(), global.config.as_deref())?;
                Ok((project, seen))
            }
            None => Err(Error::failed("Prisma is not installed here")),
        });
        match asked {
            Ok((project, discovered)) => Self::of(what, Some(project), discovered, context),
            Err(error) if error.exit() == Exit::Cancelled => Err(error),
            Err(error) => match super::on_disk(context)? {
                Some(discovered) => {
                    context.shell.note(format!("offline: {error}"));
                    Self::of(what, None, discovered, context)
                }
                None => Err(error),
            },
        }
    }

    /// As the disk shows it.
    fn offline(what: &str, context: &Context) -> Result<Self> {
        match super::on_disk(context)? {
            Some(discovered) => Self::of(what, None, discovered, context),
            None => Self::find(what, context),
        }
    }

    fn of(what: &str, project: Option<Project>, discovered: Discovered, context: &Context) -> Result<Self> {
        let root = project.as_ref().map_or(context.directory.as_path(), Project::root);
        let config = Config::load(root)?;
        let migration = chosen::find(what, &discovered.migrations, &context.directory)?;
        let earlier = discovered.migrations.iter().take_while(|each| each.name != migration.name).cloned().collect();
        let schema = discovered.url.as_ref().map_or_else(|| "public".to_owned(), database::DatabaseUrl::schema);
        Ok(Self { project, config, discovered, migration, earlier, schema })
    }

    /// Whether the schema's files say where it leads: only the newest migration ends in them.
    fn leads_to_the_schema(&self) -> bool {
        self.discovered.migrations.last().is_none_or(|newest| newest.name == self.migration.name)
    }

    fn drafting(&self) -> Drafting<'_> {
        let files = if self.leads_to_the_schema() { self.discovered.schema_files.as_slice() } else { &[] };
        let hints = drafting::hints(files, &self.earlier, &DataLoss::default());
        let mut drafting = Drafting::new(&self.migration, &self.earlier, &self.schema, hints);
        if let Some(url) = &self.discovered.url {
            drafting.look_at_values(url);
        }
        drafting
    }
}

/// Runs `rewrite`.
///
/// # Errors
/// Exit status 3 for an applied migration, 4 for open decisions, 2 for wrong options, 1 for a rewrite without proof; the
/// file is as before then.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    if let Some(map) = args.decisions.map.first() {
        return Err(Error::usage(format!("--map {map}: that edits schema.prisma, and Prisma drafts anew"))
            .help(format!("remove {} and run `prisma-safe migrate dev --map {map}`", args.migration)));
    }
    let subject = Subject::find(&args.migration, context)?;
    refuse_applied(&subject, context)?;
    let (shell, drafting) = (&context.shell, subject.drafting());
    let mut shadow = subject.project.as_ref().map(|project| commands::shadow(project, &subject.config, context));
    let mut ask = |script: &str| {
        let mut take = |used: &ShadowUse| shadow.as_mut().map_or(Ok(None), |shadow| shadow.take(used, None));
        let Some(project) = subject.project.as_ref().filter(|_| subject.leads_to_the_schema()) else { return Ok(None) };
        let (files, migration) = (&subject.discovered.schema_files, &subject.migration);
        let mut left = |script: &str| engine::prove(project, context, files, &migration.name, script, &mut take);
        let asked = left(script).and_then(|left_over| {
            // what the file as it stands does not reach either says nothing about the rewrite
            let same = !left_over.is_empty() && left(migration.sql.as_str())? == left_over;
            Ok((!same).then_some(left_over))
        });
        match asked {
            Ok(Some(left_over)) => Ok(Some(left_over)),
            Ok(None) => {
                shell.note("proved without Prisma: schema.prisma asks for more than this migration, rewritten or not");
                Ok(None)
            }
            Err(error) => {
                shell.note(format!("proved by the replayed catalogs alone: {error}"));
                Ok(None)
            }
        }
    };
    let root = subject.project.as_ref().map_or(context.directory.as_path(), Project::root);
    let search = subject.config.scratch_proof(&context.env, root);
    // it works offline: nothing says which version the target has
    let scratch = search.map(|search| rename::Scratch { search, like: None, running: None });
    let outcome = drafting.settle(&args.decisions.options(), shell, &mut ask, scratch.as_ref())?;
    report(&args.report, &subject, &outcome, context)?;
    if !outcome.open().is_empty() {
        return Err(rename::undecided(outcome.open()));
    }
    drafting.refuse_expansions(&outcome, shell)?;
    outcome.demand_proof()?;
    if !outcome.rewritten() {
        shell.status("Unchanged", &subject.migration.name);
        return Ok(Exit::Done);
    }
    shell.block(&drafting.diff(&outcome, shell));
    drafting::tell_proofs(&outcome, shell);
    if args.dry_run {
        return Ok(Exit::Done);
    }
    let path = &subject.migration.path;
    atomic::write(path, outcome.text.as_str()).explain(|| format!("could not write {}", path.display()))?;
    shell.status("Rewritten", &subject.migration.name);
    let rewritten = Migration { sql: outcome.text, ..subject.migration };
    super::renew_down(&rewritten, &subject.earlier, &subject.schema, shell)?;
    Ok(Exit::Done)
}

/// Runs `renames`.
///
/// # Errors
/// Exit status 2 for a migration that is not there.
pub fn list(args: &ListArgs, context: &Context) -> Result<Exit> {
    let subject = Subject::offline(&args.migration, context)?;
    let decisions = rename::settle(&subject.drafting().draft(), &rename::Options::default(), None)?;
    let outcome = Outcome { text: subject.migration.sql.clone(), decisions, rewrite: None };
    if !report(&args.report, &subject, &outcome, context)? {
        let candidates = &outcome.decisions.candidates;
        context.shell.print(&match candidates.is_empty() {
            true => "nothing in this migration looks like a rename\n".to_owned(),
            false => candidates.iter().map(describe).collect(),
        });
    }
    Ok(Exit::Done)
}

/// A document for machines, where one is wanted; people see the diff.
fn report(output: &output::Args, subject: &Subject, outcome: &Outcome, context: &Context) -> Result<bool> {
    output.json(&renames::document(&subject.migration.name, outcome), &context.shell)
}

/// `column Song.artist -> artist_name (score 0.94, certain)` and its evidence.
fn describe(candidate: &Candidate) -> String {
    let parent = candidate.parent.as_ref().map_or_else(String::new, |parent| format!("{parent}."));
    let certain = if candidate.certain { ", certain" } else { "" };
    let (kind, from, to) = (candidate.rename.kind(), &candidate.from, &candidate.to);
    let head = format!("{kind} {parent}{from} -> {to} (score {}{certain})\n", candidate.score);
    std::iter::once(head).chain(candidate.evidence.iter().map(|line| format!("  - {line}\n"))).collect()
}

/// What the database has applied stays as it is: Prisma compares checksums.
fn refuse_applied(subject: &Subject, context: &Context) -> Result<()> {
    let history = || -> Result<Option<History>> {
        let target = commands::classify(commands::Seen::of(&subject.discovered), &subject.config, context)?;
        History::read(&mut database::connect(&target.url, "prisma-safe rewrite")?, &target.url.schema())
    };
    let name = &subject.migration.name;
    match history() {
        Ok(history) => match history.and_then(|history| history.state(name)) {
            Some(State::Applied | State::Failed) => Err(Error::refused(format!("{name} is applied already"))
                .help("write a new migration: a changed file would make `prisma migrate dev` ask for a reset")),
            _ => Ok(()),
        },
        Err(error) => {
            context.shell.note(format!("whether {name} is applied was not checked: {error}"));
            Ok(())
        }
    }
}
