//! `backfill`: fills a plan's column in batches.

use std::time::Duration;

use super::output;
use crate::backfill::{self, Job};
use crate::config::Config;
use crate::context::Context;
use crate::database::History;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::phases::settings::{Backfill, MOST_WORKERS};
use crate::phases::standing::{Stage, Standing};
use crate::phases::{Plans, session};
use crate::report::backfill as report;
use crate::setting::time;
use crate::tools::prisma;

/// Arguments of `backfill`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The plan; not needed where one is open
    plan: Option<String>,
    /// Show some rows before and after, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Note rows that cannot be filled, and fill the others
    #[arg(long)]
    keep_going: bool,
    /// How long a batch holds its rows [default: backfill.target, 50ms]
    #[arg(long, value_name = "TIME", value_parser = length)]
    target: Option<Duration>,
    /// How many sessions fill rows [default: backfill.workers, 1]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_WORKERS)))]
    workers: Option<u32>,
    /// Pause while a standby is further behind [default: backfill.max-lag, 10s]
    #[arg(long, value_name = "TIME", value_parser = length)]
    max_lag: Option<Duration>,
    /// Pause while more other sessions are at work; 0 is without limit [default: backfill.max-active, 0]
    #[arg(long, value_name = "NUMBER")]
    max_active: Option<u32>,
    /// Work no more than this share of the time, from 0 to 1 [default: backfill.load, 1]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    load: Option<f64>,
    #[command(flatten)]
    output: output::Args,
}

fn length(text: &str) -> std::result::Result<Duration, String> {
    time(text).filter(|time| !time.is_zero()).ok_or_else(|| "give a length of time: 50ms, 10s".to_owned())
}

fn share(text: &str) -> std::result::Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| *share > 0.0 && *share <= 1.0)
        .ok_or_else(|| "give a share above 0 and up to 1".to_owned())
}

/// Runs it.
///
/// # Errors
/// Exit status 3 where the expand is not applied; 1 for rows that cannot be filled, by their keys; 130 on Ctrl-C. Another run goes
/// on where this one has stopped.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let (target, discovered) = super::target(&project, &config, context)?;
    let plans = Plans::read(&discovered.migrations_dir)?;
    let plan = plans.to_fill(args.plan.as_deref())?;
    backfill::demand_fills(plan)?;
    let (shell, place) = (&context.shell, target.url.identity());
    let standing = {
        let mut client = session::open(&target.url, backfill::APPLICATION)?;
        let history = History::read(&mut client, &target.url.schema())?;
        Standing::read(&mut client, plan, history.as_ref()).explain(|| format!("could not ask {place}"))?
    };
    if !matches!(standing.stage, Stage::Expanded | Stage::Backfilled) {
        return Err(Error::refused(format!(
            "{} is {} on {place}: there is nothing to fill",
            plan.name,
            standing.stage.word()
        ))
        .help("a backfill runs between the expand and the contract; `prisma-safe phases` shows what comes next"));
    }
    let settings = Backfill {
        target: args.target.unwrap_or(config.backfill.target),
        workers: args.workers.unwrap_or(config.backfill.workers),
        max_lag: args.max_lag.unwrap_or(config.backfill.max_lag),
        max_active: args.max_active.unwrap_or(config.backfill.max_active),
        load: args.load.unwrap_or(config.backfill.load),
    };
    let job = Job { plan, url: &target.url, settings, keep_going: args.keep_going };
    if args.dry_run {
        let sample = backfill::sample(&job)?;
        if !args.output.json(&report::sample_document(plan, &place, &sample), shell)? {
            shell.print(&report::sample(plan, &place, &sample));
        }
        return Ok(Exit::Done);
    }
    shell.status("Filling", format_args!("{} on {place}", plan.title()));
    let done = backfill::run(&job, shell)?;
    if !args.output.json(&report::document(plan, &place, &done), shell)? {
        shell.print(&report::text(plan, &done));
    }
    if done.refused.is_empty() {
        return Ok(Exit::Done);
    }
    Err(Error::failed(format!("{} rows could not be filled", done.refused.len()))
        .because(report::refused(&done.refused))
        .help("correct them, and run it again"))
}
