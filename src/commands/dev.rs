//! `migrate dev`: project → target → draft → renames → rewrite → proof → review → diff; on a development database Prisma
//! then applies the result.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::catalog::Catalog;
use crate::config::Config;
use crate::context::Context;
use crate::database::DatabaseUrl;
use crate::drafting::{self, Drafting, InPrisma, Outcome};
use crate::engine::{self, DataLoss, Drafted, Drafter, Guard, MigrationsList, Remaining};
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::project::{Migration, Project};
use crate::rename;
use crate::report::{self, Format, renames};
use crate::review::Review;
use crate::rules;
use crate::sql::Script;
use crate::target::Target;
use crate::tools::prisma;

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

/// Decisions about renames, on `dev` and `rewrite`.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Decisions about renames")]
pub struct Decisions {
    /// What is dropped lives on under a new name: Song.artist:artist_name, Song:Track, enum:Role:UserRole,
    /// value:Role.USER:MEMBER
    #[arg(long, value_name = "OLD:NEW")]
    pub rename: Vec<String>,
    /// The same in Prisma only: the database keeps the old name, schema.prisma gets @map (`migrate dev`)
    #[arg(long, value_name = "OLD:NEW")]
    pub map: Vec<String>,
    /// It is really dropped: Song.artist, Song
    #[arg(long, value_name = "OLD")]
    pub delete: Vec<String>,
}

impl Decisions {
    /// As the renames understand them.
    pub fn options(&self) -> rename::Options {
        let (rename, map, delete) = (self.rename.clone(), self.map.clone(), self.delete.clone());
        rename::Options { rename, map, delete, ..rename::Options::default() }
    }
}

/// Runs it.
///
/// # Errors
/// Exit status 4 for open decisions, 2 for wrong options, 3 for a shadow database that is the target, 130 when cancelled;
/// no migration is left behind then.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    // what Prisma is told depends on the target; where it is told to apply nothing, the seat learns the target in time
    let target = if args.create_only {
        None
    } else {
        let (target, discovered) = super::target(&project, &config, context)?;
        target.refuse_as_shadow(discovered.shadow_url.as_ref())?;
        Some(target)
    };
    demand_name(args, context)?;
    let accepted = drafting::Accepted::of(&args.accept)?;
    let create_only = target.as_ref().is_none_or(|target| target.production);
    let mut developing = Developing {
        args,
        context,
        project: &project,
        config: &config,
        target,
        create_only,
        accepted,
        options: rename::Options { maps: true, ..args.decisions.options() },
        again: None,
        mapped: None,
        vanished: false,
        written: None,
    };
    let mut prisma: Vec<OsString> = vec!["migrate".into(), "dev".into()];
    prisma.extend(args.name.iter().flat_map(|name| [OsString::from("--name"), name.clone()]));
    let flags =
        [("--create-only", create_only), ("--skip-generate", args.skip_generate), ("--skip-seed", args.skip_seed)];
    prisma.extend(flags.iter().filter(|(_, on)| *on).map(|(flag, _)| OsString::from(flag)));
    prisma.extend(context.global.prisma());
    let exit = developing.journey(&prisma)?;
    if let Some((migration, earlier)) = developing.written.as_ref().filter(|(migration, _)| migration.path.is_file()) {
        // the reverse beside the migration, once Prisma has written that
        super::renew_down(migration, earlier, &developing.database()?.schema(), &context.shell)?;
    }
    let production = developing.target.filter(|target| target.production && !args.create_only && exit == Exit::Done);
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

/// Prisma asks for a name even where nobody is there to answer, and waits for ever.
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
        let Some(again) = self.again.take() else { return first };
        again.write(&context.shell)?;
        self.options = rename::Options { map: Vec::new(), answers: again.answers.clone(), ..self.options.clone() };
        self.mapped = Some(again);
        let second = engine::draft(project, context, prisma, aside, self);
        if self.vanished && (second.is_err() || matches!(second, Ok(Exit::Done))) {
            let mapped = self.mapped.as_ref().map(|mapped| mapped.candidates.clone());
            let decisions =
                rename::Decisions { candidates: mapped.unwrap_or_default(), ..rename::Decisions::default() };
            self.report("", &Outcome { text: String::new(), decisions, rewrite: None }, None)?;
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

/// What mends it that a migration would run before one that is there: only a name without a time sorts behind it.
fn runs_before_others(name: &str, earlier: &[Migration]) -> Option<String> {
    let last = earlier.iter().map(|migration| migration.name.as_str()).max().filter(|last| *last > name)?;
    rules::history::behind_times(last)
}

/// What happens to the draft while Prisma waits for its engine's answer.
struct Developing<'a> {
    args: &'a Args,
    context: &'a Context,
    project: &'a Project,
    config: &'a Config,
    /// The target, once it is known.
    target: Option<Target>,
    create_only: bool,
    /// What a person accepts of the new migration.
    accepted: drafting::Accepted,
    /// Decisions from the command line, and answers from an earlier draft.
    options: rename::Options,
    /// Something is renamed in Prisma only: this draft is given up for another.
    again: Option<InPrisma>,
    /// What was renamed in Prisma only before this draft.
    mapped: Option<InPrisma>,
    /// Nothing was left to migrate after that.
    vanished: bool,
    /// The migration as Prisma was told to write it, and those before it.
    written: Option<(Migration, Vec<Migration>)>,
}

impl Drafter for Developing<'_> {
    fn target(&mut self, seen: &engine::Target) -> Result<Guard> {
        let target = match &self.target {
            Some(target) => target,
            None => self.target.insert(super::classify(seen.url.clone(), self.config, self.context)?),
        };
        target.refuse_as_shadow(seen.shadow_url.as_ref())?;
        Ok(target.guard(seen.url.as_ref()))
    }

    fn found(&mut self, list: &MigrationsList) -> Result<()> {
        let Some(target) = self.target.as_ref().filter(|target| !target.production) else { return Ok(()) };
        drafting::refuse_lost_folder(&target.url, list, self.project.root())?;
        for name in drafting::renew_checksums(&target.url, &list.migrations)? {
            let words = format!("the checksum of {name}: only its comments have changed since it was applied");
            self.context.shell.status("Renewed", words);
        }
        Ok(())
    }

    fn drafted(&mut self, drafted: Drafted, remaining: &mut Remaining<'_, '_>) -> Result<String> {
        let shell = &self.context.shell;
        let options = self.options.clone();
        let path = drafted.migrations_dir.join(&drafted.name).join("migration.sql");
        let migration = Migration { name: drafted.name, path, sql: drafted.script.into() };
        let url = self.database()?.clone();
        let schema = url.schema();
        if let Some(mend) = runs_before_others(&migration.name, &drafted.migrations) {
            shell.warn(format!("{} will not run last in a new database: {mend}", migration.name));
        }
        let hints = drafting::hints(&drafted.target.schema_files, &drafted.migrations, &drafted.data_loss);
        let mut drafting = Drafting::new(&migration, &drafted.migrations, &schema, hints);
        drafting.look_at_values(&url);
        let search = self.config.scratch_proof(&self.context.env, self.project.root());
        let scratch = search.map(|search| rename::Scratch { search, like: Some(&url) });
        let mut ask = |script: &str| {
            let left = remaining.after(script)?;
            // what Prisma drafts again and again though it can never run is no change that is left
            let mut reached = drafting.draft().before.clone();
            reached.apply(&Script::parse(script), &migration.name);
            let left = drafting::possible(&left, &reached)?;
            Ok(Some(if left.is_empty() { String::new() } else { left.text }))
        };
        let mut outcome = drafting.settle(&options, shell, &mut ask, scratch.as_ref())?;
        if !outcome.open().is_empty() {
            self.report(&migration.name, &outcome, None)?;
            return Err(rename::undecided(outcome.open()));
        }
        drafting::refuse_expansions(&outcome, shell)?;
        self.again = drafting.in_prisma(&outcome, &drafted.target.schema_files)?;
        if self.again.is_some() {
            return Err(Error::cancelled().because("another draft takes this one's place"));
        }
        if let Some(mapped) = &self.mapped {
            outcome.decisions.candidates.extend(mapped.candidates.iter().cloned());
            outcome.text = mapped.record(&outcome.text);
        }
        if let Err(error) = outcome.demand_proof() {
            // on the terminal it harms nobody; in the folder somebody would deploy it
            shell.block(&format!("\nThe draft, which is not written:\n\n{}\n", migration.sql.trim_end()));
            return Err(error);
        }
        if !self.create_only {
            drafting.admit(&outcome, &drafted.data_loss, &options, shell)?;
        }
        if outcome.rewritten() {
            shell.block(&drafting.diff(&outcome, shell));
        }
        let settings = rules::Settings {
            schema_before: drafting.schema_before(),
            ..rules::Settings::new(&self.config.review, self.project.version())
        };
        let mut review = drafting.review(&outcome, &settings);
        if !self.create_only && shell.interactive() && self.accepted.is_empty() {
            self.accepted.ask(&review, shell)?;
        }
        if !self.accepted.is_empty() {
            outcome.text = drafting::accept(&outcome.text, &self.accepted);
            review = drafting.review(&outcome, &settings);
            self.accepted.demand_use(&review)?;
        }
        self.report(&migration.name, &outcome, Some(&review))?;
        let text = outcome.text;
        self.written = Some((Migration { sql: text.as_str().into(), ..migration }, drafted.migrations));
        Ok(text)
    }

    fn possible(&mut self, script: String, earlier: &[Migration]) -> Result<Option<String>> {
        let schema = self.database()?.schema();
        let before = Catalog::of(&schema, earlier);
        let possible = drafting::possible(&script, &before)?;
        for column in &possible.taken_out {
            self.context.shell.note(format!(
                "took `DROP DEFAULT` of {column} out of the draft: it is a generated column, whose expression Prisma takes for a default"
            ));
        }
        Ok((!possible.is_empty()).then_some(possible.text))
    }

    fn unseen(&mut self, earlier: &[Migration], target: &engine::Target) -> Option<String> {
        let nothing = Migration { name: String::new(), path: PathBuf::new(), sql: "".into() };
        let hints = drafting::hints(&target.schema_files, earlier, &DataLoss::default());
        let schema = self.database().ok()?.schema();
        let drafting = Drafting::new(&nothing, earlier, &schema, hints);
        for table in rename::unchecked_links(&drafting.draft()) {
            self.context.shell.note(format!(
                "whether the links in {} still mean the same was not checked: the committed schema does not know its relation",
                table.name
            ));
        }
        let name = self.args.name.as_ref().map(|name| name.to_string_lossy().to_lowercase());
        let name = name.unwrap_or_else(|| "turned_links".to_owned());
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        rename::turns_links(&drafting.draft()).then_some(name)
    }

    fn unchanged(&mut self) -> Result<()> {
        if let Some(option) = self.options.first() {
            return Err(Error::usage(format!("{option}: nothing has changed that needs a migration")));
        }
        // Prisma would write an empty migration
        self.vanished = self.mapped.is_some();
        if self.vanished && self.create_only { Err(Error::cancelled()) } else { Ok(()) }
    }
}

impl Developing<'_> {
    fn database(&self) -> Result<&DatabaseUrl> {
        self.target.as_ref().map(|target| &target.url).ok_or_else(super::no_url)
    }

    /// What was decided and what the review says: a document for machines, lines for people.
    fn report(&self, migration: &str, outcome: &Outcome, review: Option<&Review>) -> Result<()> {
        let (report, shell) = (&self.args.report, &self.context.shell);
        let root = self.project.root();
        if report.format == Format::Json {
            let review = review.map(|review| serde_json::from_str::<Value>(&report.review(review, root, shell)));
            let review = review.transpose().explain(|| "the review is no JSON".into())?;
            let renames = renames::document(migration, outcome);
            let document = json!({ "schemaVersion": 1, "migration": migration, "renames": renames, "review": review });
            return report.deliver(&format!("{document:#}\n"), shell);
        }
        drafting::tell_proofs(outcome, shell);
        match review {
            Some(review) => report.deliver(&report.review(review, root, shell), shell),
            None => Ok(()),
        }
    }
}
