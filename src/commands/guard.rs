//! `guard on|off|status|open|plan`: the guard inside the database.

use std::time::Duration;

use postgres::Client;

use super::output;
use crate::agent::Agent;
use crate::config::Config;
use crate::consent;
use crate::context::Context;
use crate::database::{self, DatabaseUrl, Failure, Identity, activity};
use crate::digest::hash_of;
use crate::engine::Discovered;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::guard::{Settings, Standing, State, install, opening, pass, plan, settings};
use crate::rename::schema::Schema;
use crate::report::guard as report;
use crate::target::Target;
use crate::tools::prisma;

/// The name that the server shows for our session.
const APPLICATION: &str = "prisma-safe guard";

/// Arguments of `guard`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What to do with the guard.
#[derive(Debug, clap::Subcommand)]
#[command(disable_help_subcommand = true)]
enum Command {
    /// Switch the guard on, or put right what is missing of it: the schema then changes only in deployments of prisma-safe
    ///
    /// The database refuses every other change of its guarded schemas, from every client: `prisma db push`, `migrate reset`,
    /// `migrate deploy`, psql. Rows are read and written as before. It stops mistakes and coding agents; it does not stop a
    /// superuser or the role that switches it on, who can switch it off, nor DROP DATABASE, which no trigger sees: keep roles
    /// that may do that out of everyday URLs.
    On(On),
    /// Take the guard out of the database; its journal stays
    Off(Off),
    /// Whether it is on, whole and awake, and what it guards
    Status(output::Args),
    /// Let everything pass for a while, in an emergency; `guard on` closes it again
    Open(Open),
    /// Print the SQL of the guard, and of the second best where the host allows no event triggers: two roles
    Plan(On),
}

/// What is guarded. What is not given stays as it is.
#[derive(Debug, clap::Args)]
struct On {
    /// A role that may deploy; repeat for several. Default: the user of Prisma's URL, and of this connection
    #[arg(long, value_name = "ROLE")]
    deployer: Vec<String>,
    /// Also refuse to TRUNCATE these tables, and to DELETE all of their rows: `all`, `none`, or names
    #[arg(long, value_name = "TABLE", value_delimiter = ',')]
    tables: Vec<String>,
    /// A role that may empty tables all the same; repeat for several
    #[arg(long, value_name = "ROLE")]
    application: Vec<String>,
    /// Guard this schema too; repeat for several. Default: the schemas that Prisma manages
    #[arg(long, value_name = "SCHEMA")]
    also: Vec<String>,
}

/// Consent to a database without its guard.
#[derive(Debug, clap::Args)]
struct Off {
    /// Why; stands in the journal in the database
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Consent without a terminal: the hash that the refusal prints
    #[arg(long, value_name = "HASH")]
    confirm: Option<String>,
}

/// An emergency.
#[derive(Debug, clap::Args)]
struct Open {
    /// For how long, up to a day: 10m
    #[arg(long = "for", value_name = "TIME", value_parser = opening::duration)]
    time: Duration,
    /// Why; stands in the journal in the database
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Consent without a terminal: the hash that the refusal prints
    #[arg(long, value_name = "HASH")]
    confirm: Option<String>,
}

/// Runs it.
///
/// # Errors
/// Exit status 1 where the server refuses it, 3 without consent.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let (target, discovered) = super::target(&project, &config, context)?;
    let mut client = database::connect(&target.url, APPLICATION)?;
    match &args.command {
        Command::On(on) => switch_on(on, &mut client, &target, &discovered, context),
        Command::Off(off) => switch_off(off, &mut client, &target, context),
        Command::Status(output) => status(output, &mut client, &target, context),
        Command::Open(open) => let_pass(open, &mut client, &target, context),
        Command::Plan(on) => {
            let settings = wanted(on, &mut client, &target, &discovered)?;
            context.shell.print(&plan::event_triggers(&settings));
            context.shell.print(&plan::roles(&mut client, &settings, &target.url.database())?);
            Ok(Exit::Done)
        }
    }
}

/// What is asked for, over what is in force, over what Prisma's configuration says.
fn wanted(on: &On, client: &mut Client, target: &Target, discovered: &Discovered) -> Result<Settings> {
    let before = Settings::read(client).explain(|| "could not read the settings of the guard".into())?;
    let before = before.unwrap_or_default();
    let mut schemas = Schema::of_files(&discovered.schema_files).schemas;
    for schema in std::iter::once(target.url.schema()).chain(before.schemas).chain(on.also.iter().cloned()) {
        if !schemas.contains(&schema) {
            schemas.push(schema);
        }
    }
    let mut deployers = on.deployer.clone();
    if deployers.is_empty() {
        deployers = if before.deployers.is_empty() { deployers_of(client, discovered)? } else { before.deployers };
    }
    let applications = if on.application.is_empty() { before.applications } else { on.application.clone() };
    let tables = match on.tables.as_slice() {
        [] => before.tables,
        typed => settings::tables(client, &schemas, typed)?,
    };
    Ok(Settings { schemas, deployers, applications, tables })
}

/// The user of Prisma's own URL, as far as this server knows it, and of this connection.
fn deployers_of(client: &mut Client, discovered: &Discovered) -> Result<Vec<String>> {
    let user = discovered.url.as_ref().and_then(DatabaseUrl::user).unwrap_or_default();
    let rows = client.query(
        "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname IN ($1, session_user::text) ORDER BY rolname <> $1",
        &[&user],
    );
    let rows = rows.map_err(Failure::from).explain(|| "could not ask for the roles of the server".into())?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn switch_on(
    on: &On,
    client: &mut Client,
    target: &Target,
    discovered: &Discovered,
    context: &Context,
) -> Result<Exit> {
    let settings = wanted(on, client, target, discovered)?;
    let before = Settings::read(client).explain(|| "could not read the settings of the guard".into())?;
    if let (Some(before), Some(agent)) = (before, Agent::detect(&context.env))
        && settings.is_weaker_than(&before)
    {
        return Err(agent.refuse(&format!("this weakens the guard of {}", target.url.identity())));
    }
    between_deployments(client)?;
    install::on(client, &settings)?;
    let shell = &context.shell;
    shell.status("Guarding", format_args!("{}: the schemas {}", target.url.identity(), settings.schemas.join(", ")));
    for line in report::said(&settings) {
        shell.detail(line);
    }
    shell.note("it does not stop a superuser, the role that switched it on, or DROP DATABASE");
    Ok(Exit::Done)
}

fn switch_off(off: &Off, client: &mut Client, target: &Target, context: &Context) -> Result<Exit> {
    agree("takes the guard out", off.confirm.as_deref(), client, target, context)?;
    between_deployments(client)?;
    install::off(client, off.reason.as_deref())?;
    context.shell.status("Unguarded", target.url.identity());
    Ok(Exit::Done)
}

/// The tokens of a deployment that runs would go with the guard's table. No other one begins until this session ends.
fn between_deployments(client: &mut Client) -> Result<()> {
    match activity::lock_deploy(client).explain(|| "could not ask whether a deployment is running".into())? {
        true => Ok(()),
        false => Err(Error::failed("a deployment to this database, or another `guard on` or `guard off`, is running")
            .help("wait for it to end, then try again")),
    }
}

fn let_pass(open: &Open, client: &mut Client, target: &Target, context: &Context) -> Result<Exit> {
    if open.reason.trim().is_empty() {
        return Err(Error::usage("--reason is empty").help("say why: it stands in the journal in the database"));
    }
    if State::read(client)?.standing == Standing::Off {
        return Err(Error::usage(format!("{} has no guard", target.url.identity())).help("nothing has to be opened"));
    }
    pass::demand(client)?;
    agree("opens the guard: everything may change its schema", open.confirm.as_deref(), client, target, context)?;
    let until = opening::open(client, open.time, &open.reason)?;
    context.shell.status("Open", format_args!("{} until {until}", target.url.identity()));
    context.shell.note("`prisma-safe guard on` closes it earlier");
    Ok(Exit::Done)
}

/// An agent opens no guard, wherever the database is; on production a person has to agree.
fn agree(what: &str, confirm: Option<&str>, client: &mut Client, target: &Target, context: &Context) -> Result<()> {
    if let Some(agent) = Agent::detect(&context.env) {
        return Err(agent.refuse(&format!("this {what} of {}", target.url.identity())));
    }
    let name = Identity::name_at(&target.url, client);
    let hash = hash_of(["prisma-safe guard 1", what, &name].map(str::as_bytes));
    if target.production {
        let consent = consent::ask(context, target, what, &hash, confirm)?;
        context.shell.debug(format_args!("consent: {}", consent.word()));
        return Ok(());
    }
    consent::demand_same(&hash, confirm)
}

fn status(output: &output::Args, client: &mut Client, target: &Target, context: &Context) -> Result<Exit> {
    let state = State::read(client)?;
    let shell = &context.shell;
    if !output.json(&report::document(&state, &target.url.identity()), shell)? {
        shell.print(&report::text(&state, &target.url.identity()));
    }
    let wrong = matches!(state.standing, Standing::Partial | Standing::Asleep);
    Ok(if wrong { Exit::Failed } else { Exit::Done })
}
