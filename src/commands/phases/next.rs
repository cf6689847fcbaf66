//! `phases next`: the next migration of a plan.

use super::scene::{Scene, Write};
use super::{list, step};
use crate::agent::Agent;
use crate::commands::output;
use crate::consent;
use crate::context::Context;
use crate::database::History;
use crate::digest::hash_of;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::phases::gate::{self, Evidence};
use crate::phases::standing::{Stage, Standing};
use crate::phases::{Edited, Kind, Phase, Plan, after, session};
use crate::report::phases as report;
use crate::steps::{Due, Steps};
use crate::ui::prompt;

/// Arguments of `phases next`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The plan; not needed where one is open
    plan: Option<String>,
    /// Consent to the contract without a terminal: the hash that the refusal prints
    #[arg(long, value_name = "HASH")]
    confirm: Option<String>,
    /// Run a data step of the plan again although it began before and does not say that it is repeatable
    #[arg(long, value_name = "STEP")]
    repeat_step: Vec<String>,
    #[command(flatten)]
    write: Write,
    #[command(flatten)]
    output: output::Args,
}

/// Writes the backfill where the expand is applied, the contract where the evidence allows it.
///
/// # Errors
/// Exit status 3 where the target is not there yet, or the evidence is against it.
pub(super) fn run(args: &Args, context: &Context) -> Result<Exit> {
    let scene = Scene::find(context)?;
    let plan = scene.plans.chosen(args.plan.as_deref())?;
    if !plan.is_open() {
        return Err(Error::usage(format!("every migration of {} is written", plan.name)).help("deploy what is pending"));
    }
    let place = scene.target.url.identity();
    let mut client = session::open(&scene.target.url, "prisma-safe phases")?;
    let history = History::read(&mut client, &scene.schema())?;
    let standing = Standing::read(&mut client, plan, history.as_ref()).explain(|| format!("could not ask {place}"))?;
    match standing.stage {
        Stage::Failed => {
            return Err(Error::refused(format!("a migration of {} has failed on {place}", plan.name))
                .help("`prisma-safe status` says what to do about it"));
        }
        Stage::NotBegun => {
            let refused = Error::refused(format!("{} is not applied on {place}", plan.migrations.expand));
            return Err(match scene.missing(plan) {
                Some(missing) => {
                    refused.because("the migrations folder does not have it").help(report::lacks(plan, &missing))
                }
                None => refused.help("deploy it first: prisma-safe deploy"),
            });
        }
        Stage::Contracted | Stage::Aborted => {
            return Err(Error::refused(format!("{} is {} on {place} already", plan.name, standing.stage.word())).help(
                "was the plan's file changed by hand, or left behind by a merge? Compare it with the migrations folder",
            ));
        }
        Stage::Expanded | Stage::Backfilled => {}
    }
    if run_steps(&scene, plan, args)? {
        return Ok(Exit::Done);
    }
    if plan.kind.fills() && plan.migrations.backfill.is_none() {
        return backfill(&scene, plan, args);
    }
    let (schema, shown) = (scene.schema(), scene.shown(&plan.name));
    let scripts = scene.scripts(plan, &schema, &shown);
    let after = scene.config.contract.after;
    let mut evidence = gate::look(&mut client, &scripts, &standing, after)?;
    // the contract meets every other database later
    for (name, url, _) in list::places(&scene, true).into_iter().skip(1) {
        let opened = session::open(&url, "prisma-safe phases").and_then(|mut client| {
            let history = History::read(&mut client, &url.schema())?;
            let standing = Standing::read(&mut client, plan, history.as_ref());
            Ok((client, standing.explain(|| format!("could not ask {name}"))?))
        });
        evidence.extend(gate::elsewhere(opened, &scripts, &name, after)?);
    }
    if !args.output.json(&report::evidence_document(plan, &place, &evidence), &context.shell)? {
        context.shell.block(&report::evidence(plan, &place, &evidence));
    }
    contract(&scene, plan, args, &evidence)
}

/// The data steps that follow a migration of the plan come before its next one. Gives whether there were any.
fn run_steps(scene: &Scene<'_>, plan: &Plan, args: &Args) -> Result<bool> {
    let all = Steps::read(&scene.discovered.migrations_dir, &scene.discovered.migrations)?;
    let own = |name: &String| plan.migrations.all().any(|migration| migration == name);
    let due: Vec<Due> = step::due(scene, &all)?.into_iter().filter(|due| own(&due.step.after)).collect();
    for due in &due {
        step::carry_out(scene, due, args.write.dry_run, &args.repeat_step)?;
    }
    if !due.is_empty() {
        let document = report::evidence_document(plan, &scene.target.url.identity(), &[]);
        args.output.json(&document, &scene.context.shell)?;
        scene.context.shell.note("next: prisma-safe phases next, which writes the migration behind it");
    }
    Ok(!due.is_empty())
}

fn backfill(scene: &Scene<'_>, plan: &Plan, args: &Args) -> Result<Exit> {
    let (schema, shown, shell) = (scene.schema(), scene.shown(&plan.name), &scene.context.shell);
    let name = after(&scene.discovered.migrations, &[], "backfill", &plan.name);
    let mut written = plan.clone();
    written.migrations.backfill = Some(name.clone());
    let sql = scene.scripts(plan, &schema, &shown).backfill()?;
    // there is nothing to look at yet
    args.output.json(&report::evidence_document(plan, &scene.target.url.identity(), &[]), shell)?;
    let changes: Vec<_> = scene.migration(&name, sql).into_iter().chain(scene.plan(&written)?).collect();
    if scene.offer(&changes, &[], args.write)? {
        shell.note(format!("next: `prisma-safe backfill {}` on each large database, then deploy it", plan.name));
    }
    Ok(Exit::Done)
}

fn contract(scene: &Scene<'_>, plan: &Plan, args: &Args, evidence: &[Evidence]) -> Result<Exit> {
    let (shell, place) = (&scene.context.shell, scene.target.url.identity());
    if !gate::is_open(evidence) {
        return Err(Error::refused(format!(
            "the contract of {} waits: the evidence on {place} is against it",
            plan.name
        ))
        .help("nothing was written; the plan keeps it until then"));
    }
    let shown = scene.shown(&plan.name);
    let edited = Edited::all(&scene.discovered.schema_files, plan, Phase::Contract, &shown)?;
    let name = after(&scene.discovered.migrations, &[], "contract", &plan.name);
    let mut shadow = scene.shadow();
    shadow.begin(&scene.target.url);
    scene.prove(&edited, &name, &plan.contract.sql, &mut shadow)?;
    let mut written = plan.clone();
    written.migrations.contract = Some(name.clone());
    let mut changes = scene.schema_changes(&edited);
    changes.extend(scene.migration(&name, plan.contract.sql.clone()));
    changes.extend(scene.plan(&written)?);
    if !args.write.dry_run {
        agree(scene, plan, args)?;
    }
    if scene.offer(&changes, &[], args.write)? {
        shell.note("next: deploy it; `prisma-safe rollback` brings the old structure back as long as it is kept");
    }
    Ok(Exit::Done)
}

/// A person confirms that the old release is gone: nothing else can know of one that sleeps.
fn agree(scene: &Scene<'_>, plan: &Plan, args: &Args) -> Result<()> {
    let (context, place) = (scene.context, scene.target.url.identity());
    let old = if plan.kind == Kind::Table { "name" } else { "column" };
    let what = format!("ends the plan {}: a release that still uses the old {old} then fails", plan.name);
    let hash = hash_of(["prisma-safe contract 1", &plan.contract.sql, &place].map(str::as_bytes));
    let confirm = args.confirm.as_deref();
    if scene.target.production {
        let consent = consent::ask(context, &scene.target, &what, &hash, confirm)?;
        context.shell.debug(format!("consent: {consent:?}"));
        return Ok(());
    }
    if let Some(agent) = Agent::detect(&context.env) {
        return Err(agent.refuse(&format!("this {what}")));
    }
    consent::demand_same(&hash, confirm)?;
    if confirm.is_some() {
        return Ok(());
    }
    if !context.shell.interactive() {
        return Err(Error::refused(format!("this {what}")).help(format!("once a person has agreed: --confirm {hash}")));
    }
    match prompt::confirm(&context.shell, &format!("Does no release use the old {old} any more?"), false)? {
        true => Ok(()),
        false => Err(Error::cancelled()),
    }
}
