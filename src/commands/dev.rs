//! `migrate dev`: project → target → draft → renames → rewrite → proof → review → diff; on a development database Prisma
//! then applies the result.

use std::ffi::OsString;

use crate::config::Config;
use crate::context::Context;
use crate::drafting::{self, Drafting};
use crate::engine::{self, Drafted, Drafter, Fence, Remaining};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::rename;
use crate::report;
use crate::target::Target;

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
    #[command(flatten)]
    pub decisions: Decisions,
    #[command(flatten)]
    pub report: report::Args,
}

/// Decisions about renames, on `dev` and `rewrite`.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Decisions about renames")]
pub struct Decisions {
    /// What is dropped lives on under a new name: Song.artist:artist_name, Song:Track, enum:Role:UserRole,
    /// value:Role.USER:MEMBER
    #[arg(long, value_name = "OLD:NEW")]
    pub rename: Vec<String>,
    /// It is really dropped: Song.artist, Song
    #[arg(long, value_name = "OLD")]
    pub delete: Vec<String>,
}

impl Decisions {
    /// As the renames understand them.
    pub fn options(&self) -> rename::Options {
        rename::Options { rename: self.rename.clone(), delete: self.delete.clone() }
    }
}

/// Runs it.
///
/// # Errors
/// Exit status 4 for open decisions, 2 for wrong options, 3 for a shadow database that is the target, 130 when cancelled;
/// no migration is left behind then.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let project = Project::find(&context.directory, &context.env)?;
    let config = Config::load(&project.root)?;
    let (target, discovered) = super::target(&project, &config, context)?;
    target.refuse_as_shadow(discovered.shadow_url.as_ref())?;
    demand_name(args, context)?;
    let create_only = args.create_only || target.production;
    if target.production && !args.create_only {
        context.shell.note(format!(
            "{} is production ({}): the migration is created, nothing is applied; `prisma-safe migrate deploy` applies it",
            target.url.identity(),
            target.because
        ));
    }
    let mut developing = Developing { args, context, config: &config, target: &target, create_only };
    let mut prisma: Vec<OsString> = vec!["migrate".into(), "dev".into()];
    prisma.extend(args.name.iter().flat_map(|name| [OsString::from("--name"), name.clone()]));
    let flags = [("--create-only", create_only), ("--skip-generate", args.skip_generate), ("--skip-seed", args.skip_seed)];
    prisma.extend(flags.iter().filter(|(_, on)| *on).map(|(flag, _)| OsString::from(flag)));
    prisma.extend(context.global.prisma());
    engine::draft(&project, context, &prisma, &mut developing)
}

/// Prisma asks for a name even where nobody is there to answer, and waits for ever.
fn demand_name(args: &Args, context: &Context) -> Result<()> {
    if args.name.is_none() && !context.shell.interactive() {
        return Err(Error::usage("a migration needs a name").help("add --name, for example --name add_playlists"));
    }
    Ok(())
}

struct Developing<'a> {
    args: &'a Args,
    context: &'a Context,
    config: &'a Config,
    target: &'a Target,
    create_only: bool,
}

impl Drafter for Developing<'_> {
    fn target(&mut self, _: &engine::Target) -> Result<Fence> {
        Ok(if self.target.production { Fence::Production } else { Fence::Open })
    }

    fn drafted(&mut self, drafted: Drafted, remaining: &mut Remaining<'_>) -> Result<String> {
        let shell = &self.context.shell;
        let drafting = Drafting::new(&drafted, &self.target.url.schema());
        let outcome = drafting.settle(&self.args.decisions.options(), shell, remaining)?;
        if !self.create_only {
            drafting::consent_to_loss(&outcome, &drafted.data_loss, shell)?;
        }
        let review = drafting.review(&outcome, &self.config.review)?;
        self.args.report.show_draft(&drafting, &outcome, &review, shell)?;
        Ok(outcome.text)
    }
}
