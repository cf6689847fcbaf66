//! `migrate deploy`: what would be applied passes through our hands first; what we applied, Prisma reports.

use std::path::PathBuf;

use serde_json::Value;

use super::arguments::CliCommand;
use super::fence::{Fence, Guard};
use super::folder::Folder;
use super::protocol::{self, MigrationsList, Request, Response};
use super::real::Engine;
use super::role::{CommandReply, Reply, Role};
use super::target::Target;
use crate::database::DatabaseUrl;
use crate::error::Result;
use crate::project::Migration;

/// A deploy, just before anything is applied.
#[derive(Debug, Clone)]
pub struct DeployRequest {
    /// The database.
    pub target: Target,
    /// The migrations folder.
    pub migrations_dir: PathBuf,
    /// The migrations in it, as Prisma read them: this text runs, whatever happens to the files now.
    pub migrations: Vec<Migration>,
    /// The call itself.
    pub params: Value,
}

impl DeployRequest {
    /// Tables that are none of Prisma's business (`tables.external` of its configuration), as it names them. Prisma sends
    /// them from 6.13 on; earlier ones know none.
    pub fn external_tables(&self) -> Vec<String> {
        let tables = self.params["filters"]["externalTables"].as_array();
        tables.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
    }

    /// Lets the real engine apply what is pending up to this migration, as if the later ones were not there yet.
    ///
    /// # Errors
    /// If the folder cannot be copied (Prisma up to 6.5 reads it itself). The engine's own error is the inner one.
    pub fn apply_up_to(&self, name: &str, engine: &mut Engine<'_>) -> Result<Response> {
        let mut params = self.params.clone();
        let later = |directory: &str| {
            self.migrations.iter().skip_while(|each| each.name != name).skip(1).any(|each| each.name == directory)
        };
        if let Some(list) = protocol::sent_directories(&mut params) {
            list.retain(|directory| !directory["path"].as_str().is_some_and(later));
            return Ok(engine.call("applyMigrations", params));
        }
        let until = self.migrations.iter().filter(|each| !later(&each.name)).cloned().collect();
        let folder = Folder::copy_of(self.migrations_dir.clone(), until)?;
        params["migrationsDirectoryPath"] = folder.path().to_string_lossy().into();
        Ok(engine.call("applyMigrations", params))
    }
}

/// What a command does with a deploy.
pub trait Deployer {
    /// Called for every engine process, before it does anything, with what Prisma told it so far.
    ///
    /// # Errors
    /// Ends the journey; nothing has happened then.
    fn target(&mut self, target: &Target) -> Result<Guard>;

    /// Applies what it wants to apply itself and gives the names, in order. The real engine then applies what is left.
    ///
    /// # Errors
    /// Ends the journey; the real engine has applied nothing then.
    fn deploy(&mut self, request: DeployRequest, engine: &mut Engine<'_>) -> Result<Vec<String>>;
}

/// The role around a [`Deployer`].
pub(super) struct Deploy<'a> {
    deployer: &'a mut dyn Deployer,
    fence: Fence,
    applied: Vec<String>,
    /// For Prisma up to 6.5: what its engine reads instead of the real folder.
    folder: Option<Folder>,
    /// Whether Prisma asked to apply migrations.
    pub(super) reached: bool,
    /// Nothing is deployed: Prisma is ended where it would apply, and no database is asked.
    only_look: bool,
}

impl<'a> Deploy<'a> {
    pub(super) fn new(deployer: &'a mut dyn Deployer) -> Self {
        Self { deployer, fence: Fence::Production, applied: Vec::new(), folder: None, reached: false, only_look: false }
    }

    /// Sees what would be deployed; Prisma touches no database.
    pub(super) fn only_look(deployer: &'a mut dyn Deployer) -> Self {
        Self { only_look: true, ..Self::new(deployer) }
    }
}

impl Role for Deploy<'_> {
    fn seated(&mut self, target: &Target) -> Result<Option<DatabaseUrl>> {
        target.demand_postgresql()?;
        let guard = self.deployer.target(target)?;
        self.fence = guard.fence;
        Ok(guard.url)
    }

    fn command(&mut self, command: CliCommand) -> Result<CommandReply> {
        self.fence.check_command(command)?;
        Ok(if self.only_look { CommandReply::Done } else { CommandReply::Relay })
    }

    fn request(&mut self, mut request: Request, engine: &mut Engine<'_>) -> Result<Reply> {
        self.fence.check_request(&request)?;
        if request.method == "applyMigrations" {
            self.reached = true;
            let MigrationsList { directory: migrations_dir, migrations } = protocol::migrations(&request.params)?;
            if request.params["migrationsList"].is_null() {
                // the engine would read the files again, after we have
                let folder = Folder::copy_of(migrations_dir.clone(), migrations.clone())?;
                request.params["migrationsDirectoryPath"] = folder.path().to_string_lossy().into();
                self.folder = Some(folder);
            }
            let target = engine.target().clone();
            self.applied = self
                .deployer
                .deploy(DeployRequest { target, migrations_dir, migrations, params: request.params.clone() }, engine)?;
        }
        Ok(if self.reached && self.only_look { Reply::Leave } else { Reply::Relay(request) })
    }

    fn response(&mut self, request: &Request, mut response: Response, _: &mut Engine<'_>) -> Result<Response> {
        if request.method == "applyMigrations"
            && let Ok(result) = &mut response
        {
            protocol::prepend_applied(result, &self.applied);
        }
        Ok(response)
    }
}
