//! `status`: where the last deployment stands, what is applied, and what to do now.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::output;
use crate::config::Config;
use crate::context::Context;
use crate::database::{self, History, Identity, Standing};
use crate::deploy::journal::{End, Record, Remainder};
use crate::deploy::partial::{self, Extent, Half};
use crate::deploy::{Journal, Turn};
use crate::error::{Explain as _, Result};
use crate::exit::Exit;
use crate::init::Doors;
use crate::review::lost::{self, Lost};
use crate::steps::{self, Steps};
use crate::tools::prisma;
use crate::ui::moment;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    output: output::Args,
}

/// Runs it. As with `prisma migrate status` only a database that is up to date ends in exit status 0.
///
/// # Errors
/// Exit status 1 if the database cannot be asked.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let (target, discovered) = super::target(&project, &config, context)?;
    let mut client = database::connect(&target.url, "prisma-safe status")?;
    let history = History::read(&mut client, &target.url.schema())?;
    let standing = history.clone().unwrap_or_default().compare(&discovered.migrations);
    let identity = target.url.identity();
    let running = Turn::running(project.root())?;
    let server = Identity::read(&mut client).ok();
    let last = Journal::records(project.root())?.into_iter().rfind(|record| record.is_of(&identity, server.as_ref()));
    let extents = partial::extents(&mut client, &target.url.schema(), &discovered.migrations, &standing);
    let halves = match &history {
        Some(history) => partial::halves(&mut client, &target.url.schema(), &discovered.migrations, history),
        None => Vec::new(),
    };
    let doors = Doors::of(project.root())?;
    let lost = lost::folder(&standing, &discovered.migrations_dir, project.root());
    let steps = Steps::read(&discovered.migrations_dir, &discovered.migrations)?;
    let due = steps::due(&mut client, &steps, history.as_ref(), &[], false);
    let due = due.explain(|| "could not ask which data steps have run".into())?;
    let steps = due.into_iter().map(|due| due.step.name).collect();
    let now = Now { doors, identity, running, history, standing, extents, halves, last, lost, steps };
    if !args.output.json(&now.document(), &context.shell)? {
        context.shell.print(&now.text());
    }
    Ok(if now.is_settled() { Exit::Done } else { Exit::Failed })
}

/// How things stand.
struct Now {
    /// Which ways lead past prisma-safe.
    doors: Doors,
    identity: String,
    /// The deployment that runs from this folder.
    running: Option<String>,
    history: Option<History>,
    standing: Standing,
    /// How far the failed ones came.
    extents: Vec<Extent>,
    /// Those that are applied in sections and have not come to their end.
    halves: Vec<Half>,
    /// The last deployment to this target from this folder.
    last: Option<Record>,
    /// The migrations folder holds nothing of what is applied.
    lost: Option<Lost>,
    /// Data steps that are due although nothing is pending before them.
    steps: Vec<String>,
}

impl Now {
    /// Nothing is pending, failed, lost, or left open.
    fn is_settled(&self) -> bool {
        let open = self.last.as_ref().is_some_and(|last| self.state(last) == "interrupted");
        self.standing.pending.is_empty()
            && self.standing.failed.is_empty()
            && !open
            && self.running.is_none()
            && self.lost.is_none()
            && self.steps.is_empty()
    }

    fn state(&self, record: &Record) -> &'static str {
        match &record.end {
            Some(End::Finished) => "finished",
            Some(End::Failed(_)) => "failed",
            Some(End::Explained(_)) => "cutShort",
            None if self.running.is_some() => "running",
            None => "interrupted",
        }
    }

    /// What to do, most urgent first.
    fn next(&self) -> Vec<String> {
        let mut next = Vec::new();
        if let Some(running) = &self.running {
            return vec![format!("a deployment is running ({running}): wait for it")];
        }
        if let Some(lost) = &self.lost {
            // a deploy is refused until that is settled
            return vec![format!("{}: {}", lost.message, lost.help)];
        }
        for (row, extent) in self.standing.failed.iter().zip(&self.extents) {
            let came = extent.said().map_or(String::new(), |said| format!(", and {said}"));
            next.push(format!("{} has failed{came}: {}", row.name, extent.remedy(&row.name)));
        }
        if !self.halves.is_empty() {
            next.extend(self.halves.iter().map(Half::remedy));
            return next;
        }
        if self.last.as_ref().is_some_and(|last| last.rollback && self.state(last) == "interrupted") {
            next.push("a rollback was cut short: `prisma-safe rollback` again shows what it would do now".into());
        }
        let left = ["interrupted", "cutShort", "failed"];
        let resumable = self.last.as_ref().is_some_and(|last| !last.rollback && left.contains(&self.state(last)));
        match (self.standing.pending.is_empty() || !self.standing.failed.is_empty(), resumable) {
            (false, true) => next.push("go on: `prisma-safe deploy --resume`, or anew: `prisma-safe deploy`".into()),
            (false, false) => next.push("`prisma-safe deploy` applies what is pending".into()),
            (true, _) if !self.steps.is_empty() => {
                next.push("`prisma-safe deploy` runs the data steps that are due".into());
            }
            (true, true)
                if self.last.as_ref().is_some_and(|last| last.verified.is_none() && !last.applied.is_empty()) =>
            {
                next.push("it was applied and not verified: `prisma-safe verify`".into());
            }
            _ => {}
        }
        next
    }

    fn remainder(&self, record: &Record) -> Option<&'static str> {
        matches!(self.state(record), "interrupted" | "cutShort").then(|| {
            match record.remainder(self.history.as_ref()) {
                Remainder::Nothing => "nothing",
                Remainder::Applied { .. } => "applied",
                Remainder::Failed { .. } => "failed",
            }
        })
    }

    fn document(&self) -> Value {
        let standing = &self.standing;
        let failed: Vec<&str> = standing.failed.iter().map(|row| row.name.as_str()).collect();
        json!({
            "schemaVersion": 1,
            "target": self.identity,
            "upToDate": self.is_settled(),
            "running": self.running,
            "migrations": {
                "applied": standing.applied,
                "pending": standing.pending,
                "failed": failed,
                "edited": standing.edited,
                "missing": standing.missing,
                "rolledBack": standing.rolled_back,
            },
            "dataSteps": self.steps,
            "lastDeployment": self.last.as_ref().map(|last| self.deployment(last)),
            "doors": {
                "scripts": if self.doors.scripts.is_empty() { "closed" } else { "open" },
                "engine": if self.doors.engine.is_some() { "closed" } else { "open" },
            },
            "next": self.next(),
        })
    }

    fn deployment(&self, record: &Record) -> Value {
        json!({
            "kind": if record.rollback { "rollback" } else { "deployment" },
            "state": self.state(record),
            "started": record.started,
            "file": record.path,
            "pending": record.pending.iter().map(|planned| &planned.name).collect::<Vec<_>>(),
            "applied": record.applied,
            "stages": record.stages,
            "planHash": record.plan_hash,
            "backup": record.backup,
            "verified": record.verified,
            "last": record.last,
            "remainder": self.remainder(record),
            "error": match &record.end { Some(End::Failed(error)) => Some(error), _ => None },
        })
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.identity);
        let standing = &self.standing;
        // writing to a String does not fail
        let mut line = |words: String| {
            let _ = writeln!(text, "{words}");
        };
        let names = |what: &str, names: &[String]| match names {
            [] => None,
            names => Some(format!("  {} {what}: {}", names.len(), names.join(", "))),
        };
        line(match standing.applied.last() {
            Some(last) => format!("  {} applied, the last is {last}", standing.applied.len()),
            None => "  nothing is applied".into(),
        });
        let failed: Vec<String> = standing.failed.iter().map(|row| row.name.clone()).collect();
        for found in [
            names("pending", &standing.pending),
            names("failed", &failed),
            names("changed after being applied", &standing.edited),
            names("applied without a file", &standing.missing),
            names("data steps due", &self.steps),
        ] {
            found.into_iter().for_each(&mut line);
        }
        if let Some(record) = &self.last {
            let when = record.started.map(moment).unwrap_or_default();
            let what = if record.rollback { "rollback" } else { "deployment" };
            line(match &record.end {
                Some(End::Finished) => format!("  last {what}: {when}, finished"),
                Some(End::Failed(error)) => {
                    format!("  last {what}: {when}, failed {}: {}", record.last, first_line(error))
                }
                Some(End::Explained(_)) => format!("  last {what}: {}", record.explain(self.history.as_ref())),
                None if self.running.is_some() => {
                    format!("  a deployment is running since {when}, now {}", record.last)
                }
                None => format!("  {}", record.explain(self.history.as_ref())),
            });
            if let Some(backup) = &record.backup {
                line(format!("  its backup: {}", backup.display()));
            }
        }
        line(match self.doors.scripts.as_slice() {
            [] => "  doors: no script of package.json runs plain Prisma on a database".to_owned(),
            open => {
                format!("  doors: scripts that run plain Prisma: {} (`prisma-safe init` rewires them)", open.join(", "))
            }
        });
        line(match self.doors.engine {
            Some(file) => format!("  doors: plain `npx prisma` meets prisma-safe's fences, by {file}"),
            None => "  doors: plain `npx prisma` goes around prisma-safe (`prisma-safe init` closes that)".to_owned(),
        });
        for next in self.next() {
            line(format!("next: {next}"));
        }
        if self.is_settled() {
            line("up to date".into());
        }
        text
    }
}

fn first_line(text: &str) -> &str {
    // what follows on other lines is what a colon announced
    text.lines().next().unwrap_or_default().trim_end_matches(':')
}
