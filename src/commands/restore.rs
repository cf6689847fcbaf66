//! `restore FILE`: a backup back into its database, into another one, or one table beside the live one.

use std::path::PathBuf;

use serde_json::json;

use super::output::{self, Format};
use crate::backup::manifest::Provider;
use crate::backup::restore::{self, Restored, Scope, Swap};
use crate::backup::scan::TableName;
use crate::backup::{self, Archive, encryption, provider};
use crate::config::Config;
use crate::consent::Gate;
use crate::context::Context;
use crate::database::history::History;
use crate::database::{self, DatabaseUrl, Identity};
use crate::digest::hash_of;
use crate::engine::Discovered;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::target::{BackupPolicy, Target};
use crate::tools::prisma;
use crate::ui::{counted, rows};
use crate::{commands, consent};

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backup: a path, or a name as `backup list` shows it
    file: PathBuf,
    /// Restore into this database, which must be empty or not exist, and leave the target alone
    #[arg(long, value_name = "URL", conflicts_with = "table")]
    into: Option<String>,
    /// Bring one table into a schema of its own beside the live one, and print the SQL that merges it
    #[arg(long, value_name = "[SCHEMA.]TABLE")]
    table: Option<String>,
    /// How the restored data takes the live one's place; by default databases where the role may rename them
    #[arg(long, value_enum, value_name = "WHAT")]
    swap: Option<Swap>,
    /// Restore no owners and no rights: everything belongs to the URL's user
    #[arg(long)]
    no_owner: bool,
    /// How the report is written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    #[command(flatten)]
    gate: Gate,
}

/// Runs the command.
///
/// # Errors
/// Those of [`restore::plan`] and [`restore::Plan::carry_out`]; exit status 3 without consent on production.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let json = args.format == Format::Json;
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let path = backup::locate(&args.file, &project.root().join(&config.backup.directory), &config.backup, context)?;
    let archive = Archive::open_with(&path, &encryption::keys(&config.backup, &context.env)?)?;
    let _in_use = restore::hold(&path)?;

    if archive.manifest().outside.is_some() {
        return from_outside(&archive, &project, &config, args, context);
    }
    let table = args.table.as_deref().map(|name| named(name, &archive)).transpose()?;
    let (target, discovered, scope) = match &args.into {
        Some(url) => {
            let target = Target::classify(DatabaseUrl::parse(url)?, None, &config.environments, &context.env)?;
            (target, None, Scope::Fill)
        }
        None => {
            let (target, discovered) = commands::target(&project, &config, context)?;
            (target, Some(discovered), table.as_ref().map_or(Scope::Replace, Scope::Table))
        }
    };
    let before = backup::Request {
        url: &target.url,
        schemas: &[],
        directory: &project.root().join(&config.backup.directory),
        project: project.root(),
        production: target.production,
        environment: target.environment.as_deref(),
        precedes: &[format!("restore of {}", archive.manifest().file)],
        definitions_only: false,
        settings: &config.backup,
        env: &context.env,
    };
    let skipped = args.gate.skip_backup || target.backup == BackupPolicy::Never;
    let plan = restore::plan(restore::Request {
        archive: &archive,
        url: &target.url,
        scope,
        swap: args.swap,
        owners: !args.no_owner,
        before: (!skipped).then_some(&before),
    })?;
    for note in &plan.notes {
        context.shell.note(note);
    }
    if let Some(reason) = args.gate.reason.as_deref().filter(|_| args.gate.skip_backup) {
        Gate::refuse_agents(&target, context)?;
        context.shell.warn(format_args!("no backup is taken first: {reason}"));
    }
    if target.production && scope == Scope::Replace {
        let what = plan.describe();
        consent::ask(context, &target, &what, &plan.hash(), args.gate.confirm.as_deref())?;
    }
    let restored = plan.carry_out(&context.shell)?;
    let pending = match discovered.filter(|_| scope == Scope::Replace) {
        Some(discovered) => Some(pending(&discovered, &target)?),
        None => None,
    };
    if json {
        let document = document(&archive, &target, &restored, pending.as_deref());
        output::print(&document, &context.shell)?;
    }
    tell(&restored, &target, pending.as_deref(), json, context);
    Ok(Exit::Done)
}

/// A backup that another tool keeps: it restores it, or says how.
fn from_outside(archive: &Archive, project: &Project, config: &Config, args: &Args, context: &Context) -> Result<Exit> {
    let manifest = archive.manifest();
    if args.into.is_some() || args.table.is_some() {
        return Err(Error::usage(format!("{} is kept by another tool, which restores all of it", manifest.file)));
    }
    let (target, _) = commands::target(project, config, context)?;
    let runs = manifest.outside.as_ref().is_some_and(|outside| outside.provider == Provider::Command);
    if target.production && runs {
        let what = format!("has the site's own command restore {}", manifest.file);
        let server = Identity::of(&target.url, "prisma-safe restore").ok();
        let name = Identity::name(&target.url, server.as_ref());
        let plan = hash_of(["prisma-safe restore outside", &manifest.id, &name].map(str::as_bytes));
        consent::ask(context, &target, &what, &plan, args.gate.confirm.as_deref())?;
    }
    provider::restore(manifest, &config.backup, project.root(), &context.shell)?;
    context.shell.status("Restored", format_args!("{} by the site's own command", manifest.file));
    Ok(Exit::Done)
}

/// The table as the backup names it: with its schema, or by its name alone where that is enough.
fn named(name: &str, archive: &Archive) -> Result<TableName> {
    let tables = archive.manifest().rows_by_table();
    let exact = |table: &TableName| format!("{}.{}", table.schema, table.name) == name;
    let mut found: Vec<&TableName> = tables.keys().copied().filter(|table| exact(table)).collect();
    if found.is_empty() {
        found = tables.keys().copied().filter(|table| table.name == name).collect();
    }
    match found.as_slice() {
        [table] => Ok((*table).clone()),
        [] => Err(Error::usage(format!("the backup holds no table {name}"))
            .help(format!("it holds: {}", tables.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ")))),
        several => {
            let names = several.iter().map(|table| format!("{}.{}", table.schema, table.name)).collect::<Vec<_>>();
            Err(Error::usage(format!("several tables are called {name}")).help(format!("one of {}", names.join(", "))))
        }
    }
}

/// The migrations that are pending in the database as it is now.
fn pending(discovered: &Discovered, target: &Target) -> Result<Vec<String>> {
    let mut client = database::connect(&target.url, "prisma-safe restore")?;
    let history = History::read(&mut client, &target.url.schema())?.unwrap_or_default();
    Ok(history.compare(&discovered.migrations).pending)
}

fn document(archive: &Archive, target: &Target, restored: &Restored, pending: Option<&[String]>) -> serde_json::Value {
    json!({
        "schemaVersion": 1,
        "backup": archive.manifest().file,
        "target": target.url.identity(),
        "preRestoreBackup": restored.before.as_ref().map(|backup| &backup.path),
        "tables": restored.tables,
        "rows": restored.rows,
        "old": restored.old,
        "table": restored.side,
        "sql": restored.sql,
        "leftOut": restored.left_out,
        "pending": pending.unwrap_or_default(),
    })
}

fn tell(restored: &Restored, target: &Target, pending: Option<&[String]>, json: bool, context: &Context) {
    let shell = &context.shell;
    let what = format!("{}, {}", counted(restored.tables as u64, "table"), rows(restored.rows));
    match &restored.side {
        Some(side) => shell.status("Restored", format_args!("{side} in {} ({what})", target.url.identity())),
        None => shell.status("Restored", format_args!("{} ({what})", target.url.identity())),
    }
    for statement in &restored.left_out {
        shell.note(format_args!("left out: {statement}"));
    }
    // the document says the rest
    if json {
        return;
    }
    if restored.side.is_some() {
        shell.note("look at the table, then run what you need of this:");
        shell.print(&format!("{}\n", restored.sql.join("\n\n")));
        return;
    }
    if !restored.old.is_empty() {
        shell.note(format_args!(
            "the replaced database is kept as {}; when you no longer need it:\n{}",
            restored.old.join(", "),
            restored.sql.join("\n")
        ));
    }
    match pending {
        Some([]) | None => shell.note("the migration history is the backup's; see prisma-safe migrate status"),
        Some(pending) => shell.note(format_args!(
            "pending now: {}\nmend what made you restore, or take these migrations out, before prisma-safe migrate deploy",
            pending.join(", ")
        )),
    }
}
