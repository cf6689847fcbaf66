//! Data steps in their places among the migrations.

use postgres::Client;

use super::{Deploying, Deployment};
use crate::database::Standing;
use crate::deploy::{Event, Journal, Preflight};
use crate::engine::{DeployRequest, Engine};
use crate::env::Env;
use crate::error::{Explain as _, Result};
use crate::project::Migration;
use crate::steps::{self, Due, Starter, Steps};

/// What stands in the way, and what is to be applied.
pub(super) fn names(standing: &Standing, steps: &[Due]) -> String {
    let failed = standing.failed.iter().map(|row| format!("{} (failed)", row.name));
    let steps = steps.iter().map(|due| format!("{} (data step)", due.step.name));
    failed.chain(standing.pending.iter().cloned()).chain(steps).collect::<Vec<_>>().join(", ")
}

/// What is to be applied.
pub(super) fn pending(preflight: &Preflight, migrations: &[Migration]) -> Vec<Migration> {
    let standing = &preflight.standing;
    migrations.iter().filter(|migration| standing.pending.contains(&migration.name)).cloned().collect()
}

impl Deploying<'_> {
    /// Where nothing is to be applied: what was applied is nothing, and a program is told so.
    pub(super) fn nothing(&self, preflight: &Preflight) -> Result<Vec<String>> {
        let (root, shell) = (self.project.root(), &self.context.shell);
        self.args.report.nothing(&preflight.server_version_text, root, shell)?;
        Ok(Vec::new())
    }

    /// The steps that are to run, or to be noted on a database that was empty.
    pub(super) fn due(&self, client: &mut Client, request: &DeployRequest, preflight: &Preflight) -> Result<Vec<Due>> {
        let steps = Steps::read(&request.migrations_dir, &request.migrations)?;
        let pending = pending(preflight, &request.migrations);
        let (history, fresh) = (preflight.history.as_ref(), !preflight.has_tables);
        let due = steps::due(client, &steps, history, &pending, fresh);
        let due = due.explain(|| "could not ask which data steps have run".into())?;
        steps::demand_a_word(&due, &self.args.repeat_step)?;
        Ok(due)
    }
}

impl Deployment<'_> {
    /// What steps run with: our environment, and the project's.
    pub(super) fn step_env(&self) -> Env {
        self.command.context.env.over(&self.request.target.env)
    }

    /// Those that follow a migration which was just applied; without one, those that an earlier deploy has left.
    pub(super) fn run_steps(&self, after: Option<&str>, engine: &Engine<'_>, journal: &mut Journal) -> Result<()> {
        let left = |due: &Due| match after {
            Some(name) => due.step.after == name,
            None => !self.pending.iter().any(|migration| migration.name == due.step.after),
        };
        let next: Vec<Due> = self.steps.iter().filter(|due| left(due)).cloned().collect();
        if next.is_empty() {
            return Ok(());
        }
        let env = self.step_env();
        let (root, target) = (self.command.project.root(), &self.target.url);
        let starter = Starter { root, env: &env, target, interrupt: engine.interrupt() };
        for due in next {
            let name = due.step.name.clone();
            match due.skipped {
                true => self.shell().note(format_args!("the data step {name} is skipped: the database was empty")),
                false => self.shell().status("Running", format_args!("the data step {name}")),
            }
            journal.record(Event::StepStarted { name: name.clone() })?;
            let ran = starter.on_target(&due)?;
            let milliseconds = u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX);
            journal.record(match &ran.result {
                Ok(()) => Event::StepEnded { name, milliseconds, output: ran.output.clone() },
                Err(error) => Event::StepFailed { name, error: error.with_causes(), output: ran.output.clone() },
            })?;
            ran.output.lines().for_each(|line| self.shell().fine_detail(line));
            ran.result?;
        }
        Ok(())
    }
}
