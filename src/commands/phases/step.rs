//! `phases run`: one data step, measured on a copy before it runs.

use super::scene::Scene;
use crate::agent::Agent;
use crate::consent::Gate;
use crate::context::Context;
use crate::database::{self, History};
use crate::deploy::APPLICATION_NAME;
use crate::deploy::back_up::{self, Before, Taken};
use crate::deploy::turn::{Patience, exclude_others};
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::rehearsal::steps::{self as rehearsed, Stepped};
use crate::rehearsal::{Data, Original};
use crate::rename::schema::Schema;
use crate::steps::{self, Due, Starter, Steps};
use crate::ui::interrupt::Guard;

/// Arguments of `phases run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The data step: the name of its file in prisma/phases, without .step.toml
    step: String,
    /// Run it on a copy only, and compare every value before and after
    #[arg(long)]
    dry_run: bool,
    /// Run it again although it began before, did not come to its end, and does not say that it is repeatable
    #[arg(long, value_name = "STEP")]
    repeat_step: Vec<String>,
}

/// Runs a step that is due.
///
/// # Errors
/// Exit status 3 where it changes more than it declares, or is not due; 4 where a person has to say that it is repeated.
pub(super) fn run(args: &Args, context: &Context) -> Result<Exit> {
    let scene = Scene::find(context)?;
    let all = Steps::read(&scene.discovered.migrations_dir, &scene.discovered.migrations)?;
    let step = all.named(&args.step)?.clone();
    let place = scene.target.url.identity();
    let due = match due(&scene, &all)?.into_iter().find(|due| due.step.name == step.name) {
        Some(due) => due,
        // a copy shows what it would do, whatever the target says
        None if args.dry_run => Due { step, begun: None, ran: None, skipped: false },
        None => {
            return Err(Error::refused(format!("the data step {} is not due on {place}", step.name)).help(format!(
                "it has run, or {} is not applied yet; see what it does on a copy: --dry-run",
                step.after
            )));
        }
    };
    carry_out(&scene, &due, args.dry_run, &args.repeat_step)?;
    Ok(Exit::Done)
}

/// The steps that are due on the target now.
pub(super) fn due(scene: &Scene<'_>, all: &Steps) -> Result<Vec<Due>> {
    if all.all.is_empty() {
        return Ok(Vec::new());
    }
    let mut client = database::connect(&scene.target.url, "prisma-safe phases")?;
    let history = History::read(&mut client, &scene.schema())?;
    let due = steps::due(&mut client, all, history.as_ref(), &[], false);
    due.explain(|| "could not ask which data steps have run".into())
}

/// On a copy first; then on the target, unless it is only tried.
pub(super) fn carry_out(scene: &Scene<'_>, due: &Due, dry_run: bool, repeat: &[String]) -> Result<()> {
    let (context, step) = (scene.context, &due.step);
    let (shell, url) = (&context.shell, &scene.target.url);
    if !dry_run {
        if let Some(agent) = Agent::detect(&context.env).filter(|_| scene.target.production) {
            return Err(agent.refuse(&format!("the data step {} changes production", step.name)));
        }
        steps::demand_a_word(std::slice::from_ref(due), repeat)?;
    }
    let guard = Guard::new()?;
    let env = context.env.over(&scene.discovered.env);
    let starter = Starter { root: scene.project.root(), env: &env, target: url, interrupt: guard.flag() };
    let mut client = database::connect(url, APPLICATION_NAME)?;
    if !dry_run {
        let settings = scene.config.deploy.settings();
        let interrupt = guard.flag();
        let patience = Patience {
            time: settings.deploy_wait,
            interrupt: &interrupt,
            shell,
            show_queries: settings.show_queries,
            end_orphans: false,
        };
        exclude_others(&mut client, url, &patience)?;
    }
    match original(scene, dry_run)? {
        Some(mut original) => {
            shell.step("Rehearsing", format_args!("the data step {} on a copy of {}", step.name, original.backup()));
            let names = Schema::of_files(&scene.discovered.schema_files);
            let (due, plans) = (std::slice::from_ref(due), &scene.plans.all);
            let measured = rehearsed::Steps { due, starter: Some(&starter), declared: Some(&names), plans };
            let stepped = rehearsed::alone(&mut original, measured, &scene.schema())?;
            let mut text = String::new();
            stepped.iter().for_each(|stepped| stepped.tell(&mut text));
            text.lines().for_each(|line| shell.detail(line));
            stepped.iter().try_for_each(Stepped::check)?;
        }
        None => shell.warn(format_args!("nothing has measured what the data step {} changes", step.name)),
    }
    if dry_run {
        shell.note("the target was left alone");
        return Ok(());
    }
    shell.status("Running", format_args!("the data step {}", step.name));
    let ran = starter.on_target(due)?;
    ran.output.lines().for_each(|line| shell.detail(line));
    drop(client);
    ran.result?;
    shell.status("Ran", format_args!("the data step {} on {}", step.name, url.identity()));
    Ok(())
}

/// What it is rehearsed on: for a try the newest backup, else one that is taken now.
fn original(scene: &Scene<'_>, dry_run: bool) -> Result<Option<Original>> {
    let (context, config, target) = (scene.context, &scene.config, &scene.target);
    let shell = &context.shell;
    let restoring = config.restoring(scene.project.root(), &context.env, target);
    if dry_run || restoring.clone.is_some() {
        return restoring.original_of(None, Data::Full, &context.directory, shell).map(Some);
    }
    let (root, settings, gate) = (scene.project.root(), &config.backup, Gate::default());
    let before = Before { target, root, settings, gate: &gate, precedes: &[], schemas: &[] };
    match back_up::before(&before, None, context)? {
        Taken::Backup(backup, proved) => {
            restoring.original(&backup.path, (proved.map(|proved| *proved), None), shell).map(Some)
        }
        Taken::Skipped(_) => Ok(None),
    }
}
