//! `review --catalog FILE`: a file tells what the target holds, and nothing connects.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Alone, Args, choose, deliver, files, settings, world};
use crate::catalog::live::CatalogFile;
use crate::config::Config;
use crate::context::Context;
use crate::engine::{self, Discovered};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project::{Migration, migrations};
use crate::review::recorded::{Recorded, age};
use crate::review::{self, Review, Source};
use crate::rules::{Settings, Unchecked};
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
    let subject = match files(args, &context.directory)? {
        Some(files) => {
            let Alone { migrations, chosen, settings, .. } = Alone::of(&files, context)?;
            Subject { root: context.directory.clone(), migrations, chosen, settings }
        }
        None => of_project(args, context)?,
    };
    let mut review = against(&file, &name, &subject);
    review.target.catalog = Some(Source { file: name, taken_at: file.taken_at });
    deliver(&review, &subject.root, args, context)
}

fn against(file: &CatalogFile, name: &str, subject: &Subject) -> Review {
    let Subject { migrations, chosen, settings, .. } = subject;
    let now = Timestamp::now();
    let recorded = Recorded::new(file, name, now);
    let applied = |migration: &&Migration| file.applied_migrations.contains(&migration.name);
    let reviewed = |migration: &Migration| chosen.iter().any(|each| each.name == migration.name);
    // what the target holds now says nothing about a migration that has run there
    let has_run = chosen.iter().find(applied);
    let behind = migrations.iter().take_while(|each| !reviewed(each));
    let earlier: Vec<Migration> = behind.filter(|each| has_run.is_some() || !applied(each)).cloned().collect();
    let mut review = review::review(review::Request {
        migrations: chosen,
        world: Some(world(&file.default_schema, &file.definitions(), migrations, applied, has_run.is_some())),
        earlier: &earlier,
        default_schema: &file.default_schema,
        live: if has_run.is_none() { Some(&recorded) } else { None },
        identity: None,
        settings,
        standing: Vec::new(),
    });
    review.unchecked.extend(has_run.map(|migration| Unchecked {
        what: format!("the definitions in {name}, taken {}", age(file, now)),
        why: format!("{} was applied before it was taken: only the migration files were read", migration.name),
    }));
    review
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
            let version = prisma::find(&context.directory, &context.env).ok();
            let settings = Settings::new(&config.review, version.as_ref().and_then(crate::project::Project::version));
            (without_prisma(folder, migrations), settings)
        }
    };
    let chosen = choose(args, &discovered, None, context)?.migrations;
    Ok(Subject { root, migrations: discovered.migrations, chosen, settings })
}

fn discovered(args: &Args, config: &Config, context: &Context) -> Result<(Discovered, Settings)> {
    let project = prisma::find(&context.directory, &context.env)?;
    let global = &context.global;
    let discovered = engine::discover(&project, context, global.schema.as_deref(), global.config.as_deref())?;
    let settings = settings(args.deployed.as_deref(), &config.review, &project, &discovered.schema_files)?;
    Ok((discovered, settings))
}

/// Beside the schema, where `--schema` names one.
fn usual(context: &Context) -> PathBuf {
    let Some(schema) = &context.global.schema else { return context.directory.join(FOLDER) };
    let schema = context.directory.join(schema);
    let beside = if schema.is_dir() { schema } else { schema.parent().unwrap_or(&schema).to_owned() };
    beside.join("migrations")
}

fn without_prisma(migrations_dir: PathBuf, migrations: Vec<Migration>) -> Discovered {
    Discovered {
        url: None,
        shadow_url: None,
        provider: "postgresql".into(),
        schema_files: Vec::new(),
        migrations_dir,
        migrations,
    }
}
