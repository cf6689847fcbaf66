//! `monitor`: how the database does since the last deployment, once, refreshed in place, or for a time. Only reads.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use postgres::Client;

use crate::atomic;
use crate::config::Config;
use crate::context::Context;
use crate::database::{self, History, Identity};
use crate::deploy::Journal;
use crate::deploy::definitions::{self, Left};
use crate::engine::Discovered;
use crate::error::{Explain as _, Result};
use crate::exit::Exit;
use crate::monitor::{self, Asked, Look, Seen, Since, Verdict};
use crate::project::Project;
use crate::setting;
use crate::target::Target;
use crate::tools::prisma;
use crate::ui::interrupt::Guard;
use crate::ui::{Screen, Shell};
use crate::wait;

const APPLICATION: &str = "prisma-safe monitor";
/// Between two looks that a person watches.
const WATCHED: Duration = Duration::from_secs(5);
/// Between two looks of a job.
const SCHEDULED: Duration = Duration::from_secs(300);

/// Arguments of `monitor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Look again and again, and show the last look in place of the one before, until Ctrl-C
    #[arg(long, conflicts_with = "duration")]
    watch: bool,
    /// Look again and again for so long (24h), for a scheduled job; ends early when the verdict is to roll back
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    duration: Option<Duration>,
    /// The time between two looks; 5s with --watch, else 5m
    #[arg(long, value_name = "TIME", value_parser = time)]
    every: Option<Duration>,
    #[command(flatten)]
    report: ReportArgs,
}

/// How the report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Format {
    /// For a terminal.
    #[default]
    Human,
    /// One document.
    Json,
    /// One self-contained page.
    Html,
}

#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Report")]
struct ReportArgs {
    /// How the report is written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Write the last look to a file: the page with --format html, else the JSON document
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn time(text: &str) -> Result<Duration, String> {
    setting::time(text)
        .filter(|time| !time.is_zero())
        .ok_or_else(|| format!("{text} is not a time such as 30s, 5m or 24h"))
}

/// Runs it. Exit status 3 where the verdict is to roll back: 1 would not tell that from a database that is not reached.
///
/// # Errors
/// Exit status 1 if the database cannot be asked.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let shell = &context.shell;
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let (target, discovered) = super::target(&project, &config, context)?;
    let guard = Guard::new()?;
    let (every, until) = args.pace();
    let mut watched =
        Watched { context, project: &project, config: &config, target: &target, discovered: &discovered, client: None };
    let (start, mut looks, mut shown): (_, Vec<Look>, String) = (Instant::now(), Vec::new(), String::new());
    let seen = loop {
        guard.check()?;
        let seen = match watched.look() {
            // one failure in a long watch is a line, and the next look connects anew
            Err(error) if !looks.is_empty() => {
                shell.warn(error.with_causes());
                watched.client = None;
                None
            }
            looked => Some(looked?),
        };
        if let Some(seen) = seen {
            let before = looks.last().map(|look| look.verdict);
            looks.push(Look { at: seen.at, verdict: seen.verdict() });
            let last = until.is_none_or(|until| start.elapsed() + every > until) && !args.watch;
            if last || (seen.verdict() == Verdict::RollBack && !args.watch) {
                break seen;
            }
            if args.watch && args.report.format == Format::Human {
                let draw = |screen: &Screen| monitor::text_within(&seen, &shell.on_stdout(), screen);
                shown = shell.refresh(draw, &shown);
            } else if before != Some(seen.verdict()) {
                shell.status("Looked", format_args!("{}: {}", seen.at.strftime("%H:%M:%S UTC"), seen.line()));
            }
            args.report.write(&seen, &looks)?;
        }
        if !wait::sleep(every, &guard.flag()) {
            // Ctrl-C is how a person ends a watch: no error
            match args.watch {
                true => return Ok(Exit::Cancelled),
                false => guard.check()?,
            }
        }
    };
    args.report.write(&seen, &looks)?;
    if args.report.format == Format::Human || args.report.output.is_none() {
        shell.print(&args.report.render(&seen, &looks, &shell.on_stdout()));
    }
    Ok(if seen.verdict() == Verdict::RollBack { Exit::Refused } else { Exit::Done })
}

impl Args {
    /// The time between two looks, and that of all of them; once, without a time.
    fn pace(&self) -> (Duration, Option<Duration>) {
        let every = self.every.unwrap_or(if self.watch { WATCHED } else { SCHEDULED });
        // --every alone looks for ever, as --watch does
        (every, self.duration.or((self.every.is_some() || self.watch).then_some(Duration::MAX)))
    }
}

impl ReportArgs {
    /// A file holds a document even where people read the terminal.
    fn write(&self, seen: &Seen, looks: &[Look]) -> Result<()> {
        let Some(path) = &self.output else { return Ok(()) };
        let text = match self.format {
            Format::Html => monitor::html(seen, looks),
            Format::Human | Format::Json => format!("{:#}\n", monitor::document(seen, looks)),
        };
        atomic::write(path, text).explain(|| format!("could not write {}", path.display()))
    }

    fn render(&self, seen: &Seen, looks: &[Look], shell: &Shell) -> String {
        match self.format {
            Format::Human => monitor::text(seen, shell),
            Format::Json => format!("{:#}\n", monitor::document(seen, looks)),
            Format::Html => monitor::html(seen, looks),
        }
    }
}

/// What is looked at again and again.
struct Watched<'a> {
    context: &'a Context,
    project: &'a Project,
    config: &'a Config,
    target: &'a Target,
    discovered: &'a Discovered,
    client: Option<Client>,
}

impl Watched<'_> {
    fn look(&mut self) -> Result<Seen> {
        let url = &self.target.url;
        let client = match &mut self.client {
            Some(client) => client,
            None => {
                self.context.shell.step("Asking", url.identity());
                self.client.insert(database::connect(url, APPLICATION)?)
            }
        };
        let history = History::read(client, &url.schema())?.unwrap_or_default();
        let standing = history.compare(&self.discovered.migrations);
        let server = Identity::read(client).ok();
        let record = Journal::last(self.project.root(), &url.identity(), server.as_ref())?;
        let left = definitions::read(self.project.root(), url, server.as_ref())?;
        let asked = Asked {
            schema: &url.schema(),
            standing: &standing,
            queries: &self.config.verify.query,
            show_queries: self.config.deploy.show_queries,
        };
        let checks = monitor::look(client, &asked, &Since { record: record.as_ref(), left: left.as_ref() })?;
        // what was rolled back since is not applied any more
        let own =
            record.as_ref().and_then(|record| record.applied.last()).filter(|name| standing.applied.contains(name));
        let applied = own.or(standing.applied.last());
        let rollback = applied.map(|name| format!("prisma-safe rollback {name}"));
        let since = left.map(|Left { whose, .. }| whose);
        Ok(Seen { target: url.identity(), since, at: Timestamp::now(), checks, rollback })
    }
}
