//! What a command works on: the target, by Prisma's configuration and the options, and the project's files.

use crate::config::Config;
use crate::context::Context;
use crate::database::DatabaseUrl;
use crate::engine::{self, Discovered};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::project::{Layout, Project};
use crate::target::Target;

/// What Prisma knows of the project, and the target: `--url` and `--env` beat what Prisma's own configuration says.
///
/// # Errors
/// Exit status 2 without a PostgreSQL target, 1 where Prisma itself refuses.
pub fn target(project: &Project, config: &Config, context: &Context) -> Result<(Target, Discovered)> {
    let global = &context.global;
    let discovered = engine::discover(project, context, global.schema.as_deref(), global.config.as_deref())?;
    let target = classify(Seen::of(&discovered), config, context)?;
    Ok((target, discovered))
}

/// The target alone. Where the command line names it, Prisma is not asked, and need not be there; only what the project's `.env`
/// files know beside it, Prisma has to tell: a direct URL, or the one by which production is recognised.
///
/// # Errors
/// Those of [`target`].
pub fn target_alone(project: &Project, config: &Config, context: &Context) -> Result<Target> {
    let global = &context.global;
    if global.url.is_none() && global.environment.is_none() {
        return Ok(target(project, config, context)?.0);
    }
    let alone = || classify(Seen::default(), config, context);
    let variables = config.environments.values().filter_map(|environment| environment.url_env.as_deref());
    let all_set = variables.into_iter().all(|name| context.env.get(name).is_some());
    if all_set && let Ok(target) = alone() {
        return Ok(target);
    }
    match engine::discover(project, context, global.schema.as_deref(), global.config.as_deref()) {
        Ok(discovered) => classify(Seen::of(&discovered), config, context),
        // without Prisma nobody knows more
        Err(_) => alone(),
    }
}

/// A project as the disk shows it, where Prisma, Node.js and a URL may be missing; none where no schema and no migrations folder
/// are found.
///
/// # Errors
/// A migrations folder that cannot be read.
pub fn on_disk(context: &Context) -> Result<Option<Discovered>> {
    let global = &context.global;
    let found = Layout::find(&context.directory, global.schema.as_deref(), global.config.as_deref())?;
    Ok(found.map(|Layout { schema_files, migrations_dir, migrations }| Discovered {
        url: None,
        application_url: None,
        shadow_url: None,
        provider: "postgresql".to_owned(),
        schema_files,
        migrations_dir,
        migrations,
        env: Env::default(),
    }))
}

/// The URLs that Prisma's own configuration names.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Where migrations go.
    url: Option<DatabaseUrl>,
    /// Where the application works, if that is another URL.
    application: Option<DatabaseUrl>,
    /// The environment with the project's `.env` files, which may hold the direct URL.
    env: Env,
}

impl Seen {
    /// Those of the project.
    pub fn of(discovered: &Discovered) -> Self {
        let Discovered { url, application_url, env, .. } = discovered;
        Self { url: url.clone(), application: application_url.clone(), env: env.clone() }
    }
}

/// The target of a journey, which learns Prisma's URLs one after the other: its first engine only checks the connection.
#[derive(Debug, Default)]
pub struct Aim {
    seen: Seen,
    target: Option<Target>,
}

impl Aim {
    /// The target that is known so far.
    pub fn known(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// The target by all that Prisma has said, and whether it is another one than before.
    ///
    /// # Errors
    /// Those of [`classify`].
    pub fn take(&mut self, seen: &engine::Target, config: &Config, context: &Context) -> Result<(&Target, bool)> {
        let seen = Seen::from(seen);
        let news =
            seen.url != self.seen.url || (seen.application.is_some() && seen.application != self.seen.application);
        let before = self.target.as_ref().map(|target| target.url.clone());
        let target = match self.target.take().filter(|_| !news) {
            Some(target) => target,
            None => {
                self.seen = seen.clone();
                classify(seen, config, context)?
            }
        };
        let other = before.as_ref() != Some(&target.url);
        Ok((self.target.insert(target), other))
    }
}

impl From<(Target, &Discovered)> for Aim {
    fn from((target, discovered): (Target, &Discovered)) -> Self {
        Self { seen: Seen::of(discovered), target: Some(target) }
    }
}

impl From<&engine::Target> for Seen {
    fn from(target: &engine::Target) -> Self {
        Self { url: target.url.clone(), application: target.application_url.clone(), env: target.env.clone() }
    }
}

/// The target, given what Prisma's own configuration says: `--url` and `--env` beat it.
///
/// # Errors
/// Exit status 2 without a URL, for an unknown environment, for a pooler without a direct URL that is proved to lead to the same
/// database, and where the schema's two URLs lead to two databases.
pub fn classify(seen: Seen, config: &Config, context: &Context) -> Result<Target> {
    let global = &context.global;
    let environment = global.environment.as_deref();
    // as Prisma does, a file never overrides what is set
    let env = context.env.over(&seen.env);
    let chosen = Target::chosen(global.url.as_deref(), environment, &config.environments, &env)?;
    let application = seen.application.filter(|_| chosen.is_none());
    let url = chosen.or(seen.url).ok_or_else(no_url)?;
    let target = Target::classify(url, environment, &config.environments, &env)?;
    application.map_or(Ok(target.clone()), |application| target.demand_same(&application))
}

/// No URL is known.
pub fn no_url() -> Error {
    Error::usage("no database URL is known").help("set the variable that Prisma's configuration reads, or pass --url")
}
