//! `migrate dev`: project → target → draft → renames → rewrite → proof → review → diff; on a development database Prisma
//! then applies the result.

mod drafter;

use std::ffi::OsString;

use self::drafter::{Developing, End};
use super::Aim;
use super::decisions::Decisions;
use crate::config::Config;
use crate::context::Context;
use crate::drafting::{self, InPrisma, Outcome, Phased};
use crate::engine;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::rename;
use crate::report;
use crate::tools::{own, prisma};

/// Arguments of `migrate dev`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the migration
    #[arg(short, long)]
    name: Option<OsString>,
    /// Create the migration, do not apply it
    #[arg(long)]
    create_only: bool,
    /// As Prisma's (up to 6)
    #[arg(long)]
    skip_generate: bool,
    /// As Prisma's (up to 6)
    #[arg(long)]
    skip_seed: bool,
    /// Accept a finding about the new migration, for the reason given; the line is written into the file before it is applied
    #[arg(long, value_name = "RULE(OBJECT): WHY")]
    accept: Vec<String>,
    #[command(flatten)]
    pub decisions: Decisions,
    #[command(flatten)]
    pub report: report::Args,
}

/// Runs it.
///
/// # Errors
/// Exit status 4 for open decisions, 2 for wrong options, 3 for a shadow database that may not be emptied, 130 when cancelled;
/// no migration is left behind then.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    demand_name(args, context)?;
    let accepted = drafting::Accepted::of(&args.accept)?;
    let mut shadow = super::shadow(&project, &config, context);
    shadow.warm();
    // Prisma's arguments depend on the target; where it is to apply nothing, the seat learns the target in time
    let aim = if args.create_only {
        Aim::default()
    } else {
        let (target, discovered) = super::target(&project, &config, context)?;
        Aim::from((target, &discovered))
    };
    let create_only = aim.known().is_none_or(|target| target.production);
    let mut developing = Developing {
        args,
        context,
        project: &project,
        config: &config,
        aim,
        shadow,
        create_only,
        accepted,
        options: rename::Options { maps: true, ..args.decisions.options() },
        mapped: None,
        end: None,
    };
    let mut prisma: Vec<OsString> = vec!["migrate".into(), "dev".into()];
    prisma.extend(args.name.iter().flat_map(|name| [OsString::from("--name"), name.clone()]));
    let flags =
        [("--create-only", create_only), ("--skip-generate", args.skip_generate), ("--skip-seed", args.skip_seed)];
    prisma.extend(flags.iter().filter(|(_, on)| *on).map(|(flag, _)| OsString::from(flag)));
    prisma.extend(context.global.prisma());
    let journeyed = developing.journey(&prisma);
    if let Some(End::Phases(phased)) = &developing.end {
        return begin(phased, context);
    }
    let exit = journeyed?;
    match &developing.end {
        // the reverse beside the migration, once Prisma has written that
        Some(End::Written(migration, earlier)) if migration.path.is_file() => {
            super::renew_down(migration, earlier, &developing.database()?.schema(), &context.shell)?;
        }
        _ => {}
    }
    let production =
        developing.aim.known().filter(|target| target.production && !args.create_only && exit == Exit::Done);
    if let Some(target) = production {
        // the last word: Prisma's own advice is to apply it by `migrate dev`
        context.shell.note(format!(
            "nothing was applied: {} is production ({}); `prisma-safe migrate deploy` applies the migration",
            target.url.identity(),
            target.because
        ));
    }
    Ok(exit)
}

/// Begins the plan that was chosen in the draft's place: schema.prisma is as before for its column, and changes again by the plan.
fn begin(phased: &Phased, context: &Context) -> Result<Exit> {
    let mut words: Vec<OsString> = Vec::new();
    words.extend(context.global.environment.iter().flat_map(|name| [OsString::from("--env"), name.into()]));
    words.extend(context.global.prisma());
    words.push("phases".into());
    words.extend(phased.words.iter().map(OsString::from));
    context.shell.status("Beginning", format_args!("in phases: prisma-safe phases {}", phased.words.join(" ")));
    phased.write()?;
    match own::attend(&words, &context.directory) {
        Ok(status) if status.success() => Ok(Exit::Done),
        ended => {
            phased.take_back();
            ended?;
            Err(Error::cancelled().because("the plan was not begun; schema.prisma is as it was, and no draft is left"))
        }
    }
}

/// Prisma asks for a name even without a terminal, and waits for ever.
fn demand_name(args: &Args, context: &Context) -> Result<()> {
    if args.name.is_none() && !context.shell.interactive() {
        return Err(Error::usage("a migration needs a name").help("add --name, for example --name add_playlists"));
    }
    Ok(())
}

impl Developing<'_> {
    /// Lets Prisma draft; and once more, from an edited schema, where something is renamed in Prisma only. If that fails, the
    /// schema is as before.
    fn journey(&mut self, prisma: &[OsString]) -> Result<Exit> {
        let (project, context, aside) = (self.project, self.context, self.args.report.for_machines());
        let first = engine::draft(project, context, prisma, aside, self);
        let again = match self.end.take() {
            Some(End::Again(again)) => again,
            end => {
                self.end = end;
                return first;
            }
        };
        again.write(&context.shell)?;
        self.options = rename::Options { map: Vec::new(), answers: again.answers.clone(), ..self.options.clone() };
        self.mapped = Some(again);
        let second = engine::draft(project, context, prisma, aside, self);
        if matches!(self.end, Some(End::Vanished)) && (second.is_err() || matches!(second, Ok(Exit::Done))) {
            let mapped = self.mapped.as_ref().map(|mapped| mapped.candidates.clone());
            let decisions =
                rename::Decisions { candidates: mapped.unwrap_or_default(), ..rename::Decisions::default() };
            self.report("", &Outcome { text: "".into(), decisions, rewrite: None }, None)?;
            context
                .shell
                .status("Unchanged", "the database needs no migration: it keeps its names, schema.prisma maps them");
            return Ok(Exit::Done);
        }
        if !matches!(second, Ok(Exit::Done)) {
            self.mapped.iter().for_each(InPrisma::take_back);
        }
        second
    }
}
