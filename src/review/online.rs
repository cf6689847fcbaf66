//! The target, where it answers: what `review` asks beside the files.

use postgres::Client;

use super::Review;
use super::against::{Folder, Found, Ground, PROBE_TIMEOUT, definitions_or_say, found};
use super::probes::Probes;
use crate::catalog::live::Live as Definitions;
use crate::context::Context;
use crate::database::{self, History, Identity};
use crate::engine::Discovered;
use crate::error::Result;
use crate::project::Migration;
use crate::rules::Settings;
use crate::target::Target;

/// A target that answers.
pub struct Online {
    pub target: Target,
    client: Client,
    definitions: Option<Definitions>,
    /// None where Prisma's table is not there.
    pub history: Option<History>,
    /// None where it does not say who it is.
    server: Option<Identity>,
}

impl Online {
    /// Without a reachable database the review goes on offline, and says so, unless the database was `demanded`.
    ///
    /// # Errors
    /// Where it was, those of the connection and of `target`.
    pub fn open(target: Result<Target>, context: &Context, demanded: bool) -> Result<Option<Self>> {
        match target.and_then(|target| Self::connect(target, context)) {
            Ok(online) => Ok(Some(online)),
            Err(error) if demanded => Err(error),
            Err(error) => {
                context.shell.note(format!("reviewed offline: {error}"));
                Ok(None)
            }
        }
    }

    fn connect(target: Target, context: &Context) -> Result<Self> {
        let mut client = database::connect(&target.url, "prisma-safe review")?;
        let history = History::read(&mut client, &target.url.schema())?;
        let definitions = definitions_or_say(&mut client, &context.shell);
        let server = Identity::read(&mut client).ok();
        Ok(Self { target, client, definitions, history, server })
    }
}

/// What the command reviews against: the target where it answers, else only the folder.
pub struct Session<'a> {
    pub online: Option<&'a mut Online>,
    pub settings: &'a Settings,
    /// How many keys of rows in the way are named.
    pub sample_keys: usize,
    pub discovered: &'a Discovered,
    /// Whether it is exactly what a deploy would apply.
    pub plan: bool,
}

impl Session<'_> {
    /// The schema that unqualified names mean.
    pub fn schema(&self) -> String {
        match &self.online {
            Some(online) => online.target.url.schema(),
            None => self.discovered.url.as_ref().map_or_else(|| "public".to_owned(), database::DatabaseUrl::schema),
        }
    }

    /// What the target holds, with what has made it, where the plan was reviewed on that.
    pub fn found(&self) -> Option<Found> {
        let online = self.online.as_deref().filter(|_| self.plan)?;
        let definitions = online.definitions.as_ref()?;
        Some(found(&self.schema(), definitions, online.history.as_ref(), &self.discovered.migrations))
    }

    /// Reviews `chosen`, which stand in a folder of `migrations`.
    ///
    /// # Errors
    /// If the target cannot be asked.
    pub fn review(&mut self, migrations: &[Migration], chosen: &[Migration]) -> Result<Review> {
        let schema = self.schema();
        let folder = Folder { migrations, directory: &self.discovered.migrations_dir };
        let Some(online) = self.online.as_deref_mut() else {
            return Ok(Ground::offline(self.settings, &schema).review(&folder, chosen, None));
        };
        let identity = self.plan.then(|| Identity::name(&online.target.url, online.server.as_ref()));
        let probes = Probes::new(&mut online.client, PROBE_TIMEOUT, self.sample_keys)?;
        let ground = Ground {
            settings: self.settings,
            schema: &schema,
            live: Some(&probes),
            definitions: online.definitions.as_ref(),
            identity: identity.as_deref(),
        };
        Ok(ground.review(&folder, chosen, online.history.as_ref()))
    }
}
