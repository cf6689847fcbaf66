//! `review --catalog FILE`: a file tells what the target holds, and nothing connects.

use std::path::{Path, PathBuf};

use super::{Args, alone, deliver, without_prisma};
use crate::catalog::live::CatalogFile;
use crate::config::Config;
use crate::context::Context;
use crate::engine::{self, Discovered};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project::{Migration, migrations};
use crate::review::against::{by_file, found_in};
use crate::review::chosen::Alone;
use crate::review::deployed::settings;
use crate::rules::Settings;
use crate::tools::prisma;

/// Where Prisma looks for migrations by default, from its directory.
const FOLDER: &str = "prisma/migrations";

/// What is reviewed, and its folder.
struct Subject {
    root: PathBuf,
    migrations: Vec<Migration>,
    chosen: Vec<Migration>,
    settings: Settings,
}

pub(super) fn run(path: &Path, args: &Args, context: &Context) -> Result<Exit> {
    if context.global.url.is_some() || context.global.environment.is_some() {
        return Err(Error::usage("--catalog stands for the database, and --url and --env name one")
            .help("leave out --url and --env, or leave out --catalog to ask the database itself"));
    }
    let name = path.display().to_string();
    let file = CatalogFile::load(&context.directory.join(path))?;
    let subject = match alone(args, context)? {
        Some(Alone { migrations, chosen, .. }) => {
            let root = context.directory.clone();
            let settings = without_prisma(context, &Config::load(&root)?);
            Subject { root, migrations, chosen, settings }
        }
        None => of_project(args, context)?,
    };
    let Subject { root, migrations, chosen, settings } = &subject;
    let mut review = by_file(&file, &name, migrations, chosen, settings);
    let found = found_in(&file, migrations);
    deliver(&mut review, (migrations, Some(found)), &file.default_schema, root, args, context)
}

/// Migrations of the project's folder. Prisma knows where that is; where it is not installed or cannot say, as without the
/// variable that holds the URL, the usual place is read.
fn of_project(args: &Args, context: &Context) -> Result<Subject> {
    let root = prisma::find(&context.directory, &context.env)
        .map_or_else(|_| context.directory.clone(), |project| project.root().to_owned());
    let config = Config::load(&root)?;
    let (discovered, settings) = match discovered(args, &config, context) {
        Ok(found) => found,
        Err(error) => {
            let wanted = args.deployed.is_some() || config.review.deployed.is_some() || context.global.config.is_some();
            let folder = usual(context);
            if wanted || !folder.join("migration_lock.toml").is_file() {
                return Err(error);
            }
            context
                .shell
                .note(format!("Prisma was not asked where the migrations are ({error}): {} is read", folder.display()));
            let migrations = migrations::read(&folder)?;
            (by_disk(folder, migrations), without_prisma(context, &config))
        }
    };
    let chosen = args.named().choose(&discovered, None, &context.directory)?.migrations;
    Ok(Subject { root, migrations: discovered.migrations, chosen, settings })
}

fn discovered(args: &Args, config: &Config, context: &Context) -> Result<(Discovered, Settings)> {
    let project = prisma::find(&context.directory, &context.env)?;
    let global = &context.global;
    let discovered = engine::discover(&project, context, global.schema.as_deref(), global.config.as_deref())?;
    let deployed = args.deployed.as_deref();
    let settings = settings(deployed, &config.review, &project, &discovered.schema_files)?;
    Ok((discovered, settings))
}

/// Beside the schema, where `--schema` names one.
fn usual(context: &Context) -> PathBuf {
    let Some(schema) = &context.global.schema else { return context.directory.join(FOLDER) };
    let schema = context.directory.join(schema);
    let beside = if schema.is_dir() { schema } else { schema.parent().unwrap_or(&schema).to_owned() };
    beside.join("migrations")
}

fn by_disk(migrations_dir: PathBuf, migrations: Vec<Migration>) -> Discovered {
    Discovered {
        url: None,
        application_url: None,
        shadow_url: None,
        provider: "postgresql".into(),
        schema_files: Vec::new(),
        migrations_dir,
        migrations,
        env: Env::default(),
    }
}
