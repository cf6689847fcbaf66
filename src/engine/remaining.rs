//! Prisma's own proof: what its engine would still change after the migrations and a script.

use serde_json::{Value, json};

use super::draft::EMPTY;
use super::folder::Folder;
use super::protocol::{self, EngineError};
use super::real::Engine;
use crate::database::DatabaseUrl;
use crate::error::{Error, Result};

/// Keeps the proof's own draft apart from the one it is about.
const NAME: &str = "prisma_safe_proof";

/// Asks an engine. Nothing is written into the project.
pub struct Remaining<'a, 'e> {
    /// A call that names the migrations and the schema.
    pub(super) params: &'a Value,
    /// The migration in question; it may be among them already.
    pub(super) name: &'a str,
    pub(super) engine: &'a mut Engine<'e>,
}

impl Remaining<'_, '_> {
    /// The SQL that Prisma would still draft if the migration held this script; empty when the schema is reached.
    ///
    /// # Errors
    /// If the engine cannot replay the script: its own error is the cause.
    pub fn after(&mut self, script: &str) -> Result<String> {
        let mut params = self.params.clone();
        params["migrationName"] = NAME.into();
        params["draft"] = true.into();
        let folder = match protocol::sent_directories(&mut params) {
            Some(list) => {
                let content = json!({"tag": "ok", "value": script});
                let migration =
                    json!({"path": self.name, "migrationFile": {"path": "migration.sql", "content": content}});
                match list.iter_mut().find(|each| each["path"] == self.name) {
                    Some(known) => *known = migration,
                    None => list.push(migration),
                }
                None
            }
            None => {
                let folder = Folder::copy(protocol::migrations_directory(&params)?)?;
                folder.add(self.name, script)?;
                params["migrationsDirectoryPath"] = folder.path().to_string_lossy().into();
                Some(folder)
            }
        };
        let answer = match self.engine.call("createMigration", params.clone()) {
            Ok(answer) => answer,
            // the engine's WebAssembly build makes a shadow database for `diff` only; the native one has none for it
            Err(first) => {
                // where both fail, the second names what the database said
                return self.difference(&params).map_err(|second| unanswered(format!("{second}\n{first}")));
            }
        };
        let Some(name) = answer["generatedMigrationName"].as_str() else { return Ok(String::new()) };
        let left = match &folder {
            Some(folder) => folder.draft(name)?,
            None => script_of(&answer)?,
        };
        Ok(if left.trim() == EMPTY { String::new() } else { left })
    }

    /// The same by `diff`: from the migrations to the schema.
    fn difference(&mut self, params: &Value) -> Result<String, EngineError> {
        let mut from = match &params["migrationsList"] {
            Value::Null => json!({"path": params["migrationsDirectoryPath"]}),
            list => list.clone(),
        };
        from["tag"] = "migrations".into();
        let mut to = params["schema"].clone();
        to["tag"] = "schemaDatamodel".into();
        let call = json!({
            "from": from, "to": to, "script": true, "exitCode": null,
            "shadowDatabaseUrl": self.engine.shadow.as_ref().map(DatabaseUrl::expose),
            "filters": params["filters"],
        });
        let answer = self.engine.call_unheard("diff", call)?;
        let left = answer["stdout"].as_str().unwrap_or_default();
        Ok(if left.trim() == EMPTY { String::new() } else { left.to_owned() })
    }
}

fn unanswered(why: String) -> Error {
    Error::failed("Prisma could not tell whether the rewrite reaches the schema").because(why)
}

/// The script in an answer to `createMigration`.
pub(super) fn script_of(answer: &Value) -> Result<String> {
    answer["migrationScript"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Error::failed("Prisma's schema engine gave a migration without a script"))
}
