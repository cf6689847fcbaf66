//! The database that a journey is about, as Prisma told its engine.

use std::path::PathBuf;

use super::arguments::Arguments;
use super::wire::Hello;
use crate::database::DatabaseUrl;
use crate::env::Env;
use crate::error::{Error, Result};

/// What Prisma told its engine when it started it. `Debug` shows no URL.
#[derive(Debug, Clone)]
pub struct Target {
    /// The database that migrations go to: the direct one where there are two. None where it is no PostgreSQL, or where
    /// it comes with the calls (`db execute --url`).
    pub url: Option<DatabaseUrl>,
    /// The database of the application, where migrations go by a direct URL of the schema's own (`directUrl`).
    pub application_url: Option<DatabaseUrl>,
    /// The database that is wiped to try migrations, where the engine knows it: never when it only checks the connection.
    pub shadow_url: Option<DatabaseUrl>,
    /// `provider` of the schema, else what the URL's scheme means.
    pub provider: Option<String>,
    /// The schema's files; none when the engine only checks the connection.
    pub schema_files: Vec<PathBuf>,
    /// The environment as Prisma left it to its engine: what the project's `.env` files set is in it.
    pub env: Env,
}

impl Target {
    /// # Errors
    /// If a schema file cannot be read, or a URL of PostgreSQL is not valid.
    pub(super) fn new(arguments: &Arguments, hello: &Hello) -> Result<Self> {
        let datasource = arguments.datasource(hello)?;
        let scheme = datasource.url.as_deref().and_then(|url| url.split_once(':')).map(|(scheme, _)| scheme.to_owned());
        let provider = datasource.provider.or_else(|| Some(provider(scheme.as_deref()?).to_owned()));
        let postgresql = provider.as_deref().is_some_and(is_postgresql);
        let parse = |url: Option<String>| url.filter(|_| postgresql).as_deref().map(DatabaseUrl::parse).transpose();
        Ok(Self {
            url: parse(datasource.url)?,
            // it may be of a protocol that only the application speaks (`prisma://`)
            application_url: parse(datasource.application_url).unwrap_or_default(),
            shadow_url: parse(datasource.shadow_url)?,
            provider,
            schema_files: arguments.schema_files.clone(),
            env: hello.variables(),
        })
    }

    /// Whether it may be PostgreSQL: a check of the connection does not tell CockroachDB from it.
    pub fn is_postgresql(&self) -> bool {
        self.provider.as_deref().is_none_or(is_postgresql)
    }

    /// # Errors
    /// Exit status 2 if it is another database.
    pub(super) fn demand_postgresql(&self) -> Result<()> {
        match &self.provider {
            Some(provider) if !is_postgresql(provider) => {
                Err(Error::usage(format!("prisma-safe guards PostgreSQL, and this project's database is {provider}"))
                    .help("use `prisma` itself for it"))
            }
            _ => Ok(()),
        }
    }
}

/// Both names are in use in schemas.
fn is_postgresql(provider: &str) -> bool {
    matches!(provider, "postgresql" | "postgres")
}

fn provider(scheme: &str) -> &str {
    match scheme {
        "postgres" | "prisma+postgres" => "postgresql",
        "file" => "sqlite",
        scheme => scheme,
    }
}
