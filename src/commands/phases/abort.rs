//! `phases abort`: back to before the plan, without loss.

use std::path::PathBuf;

use super::scene::{Scene, Write};
use crate::context::Context;
use crate::database::History;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::phases::standing::{Stage, Standing};
use crate::phases::{Edited, Kind, Phase, Plan, after, session};
use crate::tools::git;

/// Arguments of `phases abort`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The plan; not needed where one is open
    plan: Option<String>,
    #[command(flatten)]
    write: Write,
}

/// Removes what is neither applied nor committed; else writes the migration that goes back.
///
/// # Errors
/// Exit status 3 where the contract is applied: that is rolled back, not aborted.
pub(super) fn run(args: &Args, context: &Context) -> Result<Exit> {
    let scene = Scene::find(context)?;
    let plan = scene.plans.chosen(args.plan.as_deref())?;
    if plan.migrations.abort.is_some() {
        return Err(Error::usage(format!("{} is aborted already", plan.name)).help("deploy what is pending"));
    }
    let place = scene.target.url.identity();
    let mut client = session::open(&scene.target.url, "prisma-safe phases")?;
    let history = History::read(&mut client, &scene.schema())?;
    let standing = Standing::read(&mut client, plan, history.as_ref()).explain(|| format!("could not ask {place}"))?;
    match (standing.stage, &plan.migrations.contract) {
        (Stage::Contracted, Some(contract)) => {
            return Err(Error::refused(format!("{contract} is applied on {place}: the old structure is gone"))
                .help(format!("bring it back first: prisma-safe rollback {contract}; then abort")));
        }
        (_, Some(contract)) => {
            return Err(Error::refused(format!(
                "the contract of {} is written, and not applied on {place}",
                plan.name
            ))
            .help(format!(
                "take {contract}, its change of schema.prisma and of the plan back first (git), then abort"
            )));
        }
        (Stage::Failed, None) => {
            return Err(Error::refused(format!("a migration of {} has failed on {place}", plan.name))
                .help("`prisma-safe status` says what to do about it"));
        }
        _ => {}
    }
    let shown = scene.shown(&plan.name);
    let edited = Edited::all(&scene.discovered.schema_files, plan, Phase::Abort, &shown)?;
    let written =
        std::iter::once(&plan.migrations.expand).chain(&plan.migrations.indexes).chain(&plan.migrations.backfill);
    let folders: Vec<PathBuf> = written.map(|name| scene.discovered.migrations_dir.join(name)).collect();
    let committed = folders.iter().any(|folder| git::committed(&folder.join("migration.sql")).is_some());
    if standing.stage == Stage::NotBegun && !committed {
        return forget(&scene, plan, &edited, folders, args);
    }
    go_back(&scene, plan, &edited, args)
}

/// Nobody else can have the migrations: they go as if they had never been written.
fn forget(scene: &Scene<'_>, plan: &Plan, edited: &[Edited], folders: Vec<PathBuf>, args: &Args) -> Result<Exit> {
    let shell = &scene.context.shell;
    let place = scene.target.url.identity();
    let mut notes: Vec<String> = folders.iter().map(|folder| format!("{} goes", folder.display())).collect();
    notes.push(format!("neither a commit nor {place} has them"));
    if !scene.offer(&scene.schema_changes(edited), &notes, args.write)? {
        return Ok(Exit::Done);
    }
    for folder in folders.iter().filter(|folder| folder.exists()) {
        std::fs::remove_dir_all(folder).explain(|| format!("could not remove {}", folder.display()))?;
    }
    let path = scene.plans.path(&plan.name);
    std::fs::remove_file(&path).explain(|| format!("could not remove {}", path.display()))?;
    shell.status("Aborted", plan.title());
    Ok(Exit::Done)
}

fn go_back(scene: &Scene<'_>, plan: &Plan, edited: &[Edited], args: &Args) -> Result<Exit> {
    let (shell, schema, shown) = (&scene.context.shell, scene.schema(), scene.shown(&plan.name));
    let name = after(&scene.discovered.migrations, &[], "abort", &plan.name);
    let what = match plan.kind {
        Kind::Rename | Kind::Retype => "The old column has every value that the new one has.",
        Kind::Split | Kind::Merge => "The old side has every value that the new one has.",
        Kind::Require => "Values that were filled in stay.",
        Kind::Drop => "The column was never touched.",
        Kind::Table => "Only names change.",
    };
    let mut shadow = scene.shadow();
    shadow.begin(&scene.target.url);
    let scripts = scene.scripts(plan, &schema, &shown);
    let sql = match plan.kind {
        Kind::Table => scripts.abort_table(&scene.names(&scripts, edited, &name, true, &mut shadow)?)?,
        _ => scripts.abort(what)?,
    };
    scene.prove(edited, &name, &sql, &mut shadow)?;
    let mut written = plan.clone();
    written.migrations.abort = Some(name.clone());
    let mut changes = scene.schema_changes(edited);
    changes.extend(scene.migration(&name, sql));
    changes.extend(scene.plan(&written)?);
    let notes = match plan.kind {
        Kind::Require => vec!["values that were filled in stay: nothing notes which rows were empty".to_owned()],
        _ => Vec::new(),
    };
    if scene.offer(&changes, &notes, args.write)? {
        shell.note("next: deploy it, and the release before with it");
    }
    Ok(Exit::Done)
}
