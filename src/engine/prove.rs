//! Prisma's own proof for a migration that is on disk already: `migrate status` runs with us as its engine, and the real
//! one is only asked what it would still change.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::arguments::CliCommand;
use super::journey::{Words, travel};
use super::protocol::Request;
use super::real::Engine;
use super::remaining::Remaining;
use super::role::{CommandReply, Reply, Role};
use super::shadow::ShadowUse;
use crate::context::Context;
use crate::database::DatabaseUrl;
use crate::error::{Error, Explain as _, Result};
use crate::project::Project;

/// What Prisma would still draft if the migration `name` held `script`; empty when the schema is reached. Replays in the
/// database that `shadow` gives, else in Prisma's own shadow database.
///
/// # Errors
/// 1 if Prisma refuses, or the engine cannot reach a server or replay the migrations.
pub fn prove(
    project: &Project,
    context: &Context,
    schema_files: &[PathBuf],
    name: &str,
    script: &str,
    shadow: &mut dyn FnMut(&ShadowUse) -> Result<Option<DatabaseUrl>>,
) -> Result<String> {
    let mut args: Vec<OsString> = vec!["migrate".into(), "status".into()];
    args.extend(context.global.prisma());
    let mut role = Prove { schema_files, name, script, shadow, left: None };
    let journeyed = travel(project, context, &args, &mut role, Words::Kept)?;
    role.left.ok_or_else(|| Error::failed("Prisma cannot work with this project").because(journeyed.said))
}

struct Prove<'a> {
    schema_files: &'a [PathBuf],
    name: &'a str,
    script: &'a str,
    shadow: &'a mut dyn FnMut(&ShadowUse) -> Result<Option<DatabaseUrl>>,
    left: Option<String>,
}

impl Role for Prove<'_> {
    fn command(&mut self, _: CliCommand) -> Result<CommandReply> {
        Ok(CommandReply::Done)
    }

    /// Every call of `migrate status` names the migrations.
    fn request(&mut self, request: Request, engine: &mut Engine<'_>) -> Result<Reply> {
        let read = |file: &PathBuf| -> Result<Value> {
            let content = std::fs::read_to_string(file).explain(|| format!("could not read {}", file.display()))?;
            Ok(json!({"path": file, "content": content}))
        };
        let files: Vec<Value> = self.schema_files.iter().map(read).collect::<Result<_>>()?;
        let mut params = request.params.clone();
        params["schema"] = json!({"files": files});
        let call = Request { method: "createMigration".into(), params: params.clone(), ..request };
        if let Some(used) = engine.first_shadow_use(&call)?
            && let Some(url) = (self.shadow)(&used)?
        {
            engine.use_shadow(url)?;
        }
        self.left = Some(Remaining { params: &params, name: self.name, engine }.after(self.script)?);
        Ok(Reply::Leave)
    }
}
