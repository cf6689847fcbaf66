//! What Prisma knows about the project, exactly as it resolves it (.env files, TypeScript configuration, monorepo
//! wrappers): `migrate status` runs with us as its engine, and nothing is executed; no database is touched.

use std::ffi::OsString;
use std::path::PathBuf;

use super::arguments::CliCommand;
use super::journey::{Words, travel};
use super::protocol::{self, Request};
use super::real::Engine;
use super::role::{CommandReply, Reply, Role};
use super::supported::no_engine;
use super::target::Target;
use crate::context::Context;
use crate::database::DatabaseUrl;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project::{Migration, Project};

/// A project as Prisma sees it.
#[derive(Debug, Clone)]
pub struct Discovered {
    /// The database that migrations go to: the direct URL where there are two. None where it is no PostgreSQL.
    pub url: Option<DatabaseUrl>,
    /// The application's database, where migrations go by a direct URL of the schema's own.
    pub application_url: Option<DatabaseUrl>,
    /// The configured shadow database.
    pub shadow_url: Option<DatabaseUrl>,
    /// `provider` of the schema: `postgresql`, `cockroachdb`, `mysql`, …
    pub provider: String,
    /// The schema's files.
    pub schema_files: Vec<PathBuf>,
    /// The migrations folder; it need not exist yet.
    pub migrations_dir: PathBuf,
    /// The migrations in it, in Prisma's order.
    pub migrations: Vec<Migration>,
    /// The environment as Prisma sees it, with the project's `.env` files.
    pub env: Env,
}

/// Asks Prisma. `schema` and `config` are its own options.
///
/// # Errors
/// 1 with Prisma's own text as the cause if it refuses (a broken schema, a missing variable); 2 if it does not use a schema
/// engine at all (`engine: "js"` of Prisma 6).
pub fn discover(
    project: &Project,
    context: &Context,
    schema: Option<&str>,
    config: Option<&str>,
) -> Result<Discovered> {
    let mut args: Vec<OsString> = vec!["migrate".into(), "status".into()];
    for (option, value) in [("--schema", schema), ("--config", config)] {
        args.extend(value.into_iter().flat_map(|value| [option.into(), value.into()]));
    }
    let mut role = Discover { found: None };
    let journeyed = travel(project, context, &args, &mut role, Words::Kept)?;
    if journeyed.exit == Exit::Cancelled {
        return Err(Error::cancelled());
    }
    if let Some((target, protocol::MigrationsList { directory, migrations })) = role.found {
        return Ok(Discovered {
            url: target.url,
            application_url: target.application_url,
            shadow_url: target.shadow_url,
            provider: target.provider.unwrap_or_default(),
            schema_files: target.schema_files,
            migrations_dir: directory,
            migrations,
            env: target.env,
        });
    }
    if journeyed.exit == Exit::Done {
        return Err(no_engine());
    }
    Err(Error::failed("Prisma cannot work with this project").because(journeyed.said))
}

struct Discover {
    found: Option<(Target, protocol::MigrationsList)>,
}

impl Role for Discover {
    fn command(&mut self, _: CliCommand) -> Result<CommandReply> {
        Ok(CommandReply::Done)
    }

    /// Every call of `migrate status` names the migrations; the first one is enough.
    fn request(&mut self, request: Request, engine: &mut Engine<'_>) -> Result<Reply> {
        self.found = Some((engine.target().clone(), protocol::migrations(&request.params)?));
        Ok(Reply::Leave)
    }
}
