//! `migrate dev`: the draft of a migration passes through our hands before it reaches the disk.
//!
//! What Prisma would ask or refuse because of data (`evaluateDataLoss`) is kept for the review; Prisma hears of none of it,
//! so it needs no terminal.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::arguments::CliCommand;
use super::fence::{Fence, Guard};
use super::folder::Folder;
use super::protocol::{self, DataLoss, MigrationsList, Request, Response};
use super::real::Engine;
use super::remaining::{Remaining, script_of};
use super::role::{CommandReply, Reply, Role};
use super::shadow::ShadowUse;
use super::target::Target;
use crate::database::DatabaseUrl;
use crate::error::Result;
use crate::project::Migration;

/// What Prisma writes where nothing changed.
pub(super) const EMPTY: &str = "-- This is an empty migration.";

/// A migration as the engine drafted it; nothing of it is on disk.
#[derive(Debug, Clone)]
pub struct Drafted {
    /// The directory's name.
    pub name: String,
    /// The script, with Prisma's header of warnings.
    pub script: String,
    /// The migrations folder.
    pub migrations_dir: PathBuf,
    /// The migrations before it.
    pub migrations: Vec<Migration>,
    /// What the engine says about data loss, with the rows it counted in the target.
    pub data_loss: DataLoss,
    /// The database the draft was made against.
    pub target: Target,
}

/// What a command does with a draft.
pub trait Drafter {
    /// Called for every engine process, before it does anything, with what Prisma told it so far. With
    /// [`Fence::Production`] nothing is applied.
    ///
    /// # Errors
    /// Ends the journey; nothing has happened then.
    fn target(&mut self, target: &Target) -> Result<Guard>;

    /// The database to replay the migrations in; none leaves Prisma the one it has. Called before one is emptied.
    ///
    /// # Errors
    /// Ends the journey; nothing has happened then.
    fn shadow(&mut self, _used: &ShadowUse) -> Result<Option<DatabaseUrl>> {
        Ok(None)
    }

    /// Called with the migrations of the folder before Prisma compares them with the database's history.
    ///
    /// # Errors
    /// Ends the journey; nothing is on disk then.
    fn found(&mut self, _list: &MigrationsList) -> Result<()> {
        Ok(())
    }

    /// Called where Prisma is about to ask for a reset of the database, with its reason.
    ///
    /// # Errors
    /// Ends the journey before Prisma says anything.
    fn reset_wanted(&mut self, _why: &str) -> Result<()> {
        Ok(())
    }

    /// The script to write instead of the draft.
    ///
    /// # Errors
    /// Ends the journey; nothing is on disk then.
    fn drafted(&mut self, drafted: Drafted, remaining: &mut Remaining<'_, '_>) -> Result<String>;

    /// The draft without what can never run; none where nothing is left of it. Called before everything else.
    ///
    /// # Errors
    /// Ends the journey; nothing is on disk then.
    fn possible(&mut self, script: String, _earlier: &[Migration]) -> Result<Option<String>> {
        Ok(Some(script))
    }

    /// What a migration would be called for something that has changed though Prisma drafts nothing; none where there is no
    /// such thing. [`Drafter::drafted`] is then called with an empty script.
    fn unseen(&mut self, _earlier: &[Migration], _target: &Target) -> Option<String> {
        None
    }

    /// Called instead where nothing has changed.
    ///
    /// # Errors
    /// Ends the journey; nothing is on disk then.
    fn unchanged(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The role around a [`Drafter`].
pub(super) struct Draft<'a> {
    drafter: &'a mut dyn Drafter,
    fence: Fence,
    data_loss: DataLoss,
    /// For Prisma up to 6.5.
    folder: Option<Folder>,
    /// Whether the engine was asked for a draft.
    pub(super) reached: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(drafter: &'a mut dyn Drafter) -> Self {
        Self { drafter, fence: Fence::Production, data_loss: DataLoss::default(), folder: None, reached: false }
    }

    fn decide(
        &mut self,
        name: &str,
        script: String,
        list: MigrationsList,
        request: &Request,
        engine: &mut Engine<'_>,
    ) -> Result<Option<String>> {
        let data_loss = std::mem::take(&mut self.data_loss);
        let MigrationsList { directory: migrations_dir, migrations } = list;
        let target = engine.target().clone();
        let empty = script.trim() == EMPTY;
        let script = match empty {
            true if self.drafter.unseen(&migrations, &target).is_some() => String::new(),
            true => {
                self.drafter.unchanged()?;
                return Ok(Some(script));
            }
            false => {
                let Some(script) = self.drafter.possible(script, &migrations)? else {
                    self.drafter.unchanged()?;
                    return Ok(None);
                };
                script
            }
        };
        let drafted = Drafted { name: name.to_owned(), script, migrations_dir, migrations, data_loss, target };
        self.drafter.drafted(drafted, &mut Remaining { params: &request.params, name, engine }).map(Some)
    }

    /// Nothing changed without a name, nor where nothing is left of the draft.
    fn created(&mut self, request: &Request, result: &mut Value, engine: &mut Engine<'_>) -> Result<()> {
        let Some(name) = result["generatedMigrationName"].as_str().map(str::to_owned) else {
            return self.nothing(request, result, engine);
        };
        if let Some(folder) = self.folder.take() {
            let (directory, migrations) = folder.real();
            let list = MigrationsList { directory, migrations };
            let Some(script) = self.decide(&name, folder.draft(&name)?, list, request, engine)? else {
                result["generatedMigrationName"] = Value::Null;
                return Ok(());
            };
            return folder.keep(&name, &script);
        }
        // a name without a script: nothing changed either
        if result["migrationScript"].is_null() {
            return self.nothing(request, result, engine);
        }
        let (script, list) = (script_of(result)?, protocol::migrations(&request.params)?);
        match self.decide(&name, script, list, request, engine)? {
            Some(script) => result["migrationScript"] = script.into(),
            // as Prisma's own engine answers where nothing has changed
            None => {
                result["generatedMigrationName"] = Value::Null;
                result["migrationScript"] = Value::Null;
            }
        }
        Ok(())
    }
}

impl Draft<'_> {
    /// Prisma finds nothing to do and makes no migration: what it does not see gets one, under a name as Prisma makes it.
    fn nothing(&mut self, request: &Request, result: &mut Value, engine: &mut Engine<'_>) -> Result<()> {
        let folder = self.folder.take();
        let list = match &folder {
            Some(folder) => {
                let (directory, migrations) = folder.real();
                MigrationsList { directory, migrations }
            }
            None => protocol::migrations(&request.params)?,
        };
        let Some(wanted) = self.drafter.unseen(&list.migrations, engine.target()) else {
            return self.drafter.unchanged();
        };
        // Prisma asks for no name, and passes none on, where it finds nothing to do
        let name = format!("{}_{wanted}", jiff::Timestamp::now().strftime("%Y%m%d%H%M%S"));
        let Some(script) = self.decide(&name, EMPTY.to_owned(), list, request, engine)? else { return Ok(()) };
        match folder {
            Some(folder) => folder.keep(&name, &script)?,
            None => {
                result["migrationScript"] = script.into();
                for (key, usual) in [("extension", "sql"), ("connectorType", "postgresql")] {
                    if result[key].is_null() {
                        result[key] = usual.into();
                    }
                }
            }
        }
        result["generatedMigrationName"] = name.into();
        Ok(())
    }
}

impl Role for Draft<'_> {
    fn seated(&mut self, target: &Target) -> Result<Option<DatabaseUrl>> {
        target.demand_postgresql()?;
        let guard = self.drafter.target(target)?;
        self.fence = guard.fence;
        Ok(guard.url)
    }

    fn command(&mut self, command: CliCommand) -> Result<CommandReply> {
        self.fence.check_command(command)?;
        Ok(CommandReply::Relay)
    }

    fn request(&mut self, mut request: Request, engine: &mut Engine<'_>) -> Result<Reply> {
        self.fence.check_request(&request)?;
        if let Some(used) = engine.first_shadow_use(&request)?
            && let Some(url) = self.drafter.shadow(&used)?
        {
            engine.use_shadow(url)?;
        }
        match request.method.as_str() {
            "applyMigrations" if self.fence == Fence::Production => {
                return Ok(Reply::Answer(json!({"appliedMigrationNames": []})));
            }
            // what cannot be read is for Prisma to tell
            "devDiagnostic" => {
                if let Ok(list) = protocol::migrations(&request.params) {
                    self.drafter.found(&list)?;
                }
            }
            "createMigration" => {
                self.reached = true;
                if request.params["migrationsList"].is_null() {
                    let folder = Folder::copy(protocol::migrations_directory(&request.params)?)?;
                    request.params["migrationsDirectoryPath"] = folder.path().to_string_lossy().into();
                    self.folder = Some(folder);
                }
            }
            _ => {}
        }
        Ok(Reply::Relay(request))
    }

    fn response(&mut self, request: &Request, response: Response, engine: &mut Engine<'_>) -> Result<Response> {
        let Ok(mut result) = response else { return Ok(response) };
        match request.method.as_str() {
            "evaluateDataLoss" => self.data_loss = protocol::take_data_loss(&mut result)?,
            "createMigration" => self.created(request, &mut result, engine)?,
            "devDiagnostic" if result["action"]["tag"] == "reset" => {
                self.drafter.reset_wanted(result["action"]["reason"].as_str().unwrap_or_default())?;
            }
            _ => {}
        }
        Ok(Ok(result))
    }
}
