//! What Prisma still finds to change between the database and schema.prisma: `migrate diff`, asked of its engine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::arguments::CliCommand;
use super::deploy::DeployRequest;
use super::journey::{Words, travel};
use super::protocol::Request;
use super::real::Engine;
use super::role::{CommandReply, Reply, Role};
use super::target::Target;
use crate::context::Context;
use crate::database::DatabaseUrl;
use crate::error::{Error, Explain as _, Result};
use crate::project::Project;

/// Status 2 of `migrate diff --exit-code`.
const DIFFERS: i64 = 2;

impl DeployRequest {
    /// As SQL that would lead from the database to the schema; empty where they agree.
    ///
    /// # Errors
    /// The engine's own, as the cause.
    pub fn difference(&self, engine: &mut Engine<'_>) -> Result<String> {
        ask(&self.target.schema_files, &self.params["filters"], engine)
    }
}

/// The same outside of a deploy.
///
/// # Errors
/// 1 if Prisma refuses, or the engine cannot reach the database.
pub fn difference(project: &Project, context: &Context, url: &DatabaseUrl, schema_files: &[PathBuf]) -> Result<String> {
    let mut args: Vec<OsString> = vec!["migrate".into(), "status".into()];
    args.extend(context.global.prisma());
    let mut role = Differ { schema_files, url, left: None };
    let journeyed = travel(project, context, &args, &mut role, Words::Kept)?;
    role.left.ok_or_else(|| Error::failed("Prisma cannot work with this project").because(journeyed.said))
}

struct Differ<'a> {
    schema_files: &'a [PathBuf],
    url: &'a DatabaseUrl,
    left: Option<String>,
}

impl Role for Differ<'_> {
    fn seated(&mut self, target: &Target) -> Result<Option<DatabaseUrl>> {
        Ok((target.url.as_ref() != Some(self.url)).then(|| self.url.clone()))
    }

    fn command(&mut self, _: CliCommand) -> Result<CommandReply> {
        Ok(CommandReply::Done)
    }

    fn request(&mut self, request: Request, engine: &mut Engine<'_>) -> Result<Reply> {
        self.left = Some(ask(self.schema_files, &request.params["filters"], engine)?);
        Ok(Reply::Leave)
    }
}

fn ask(schema_files: &[PathBuf], filters: &Value, engine: &mut Engine<'_>) -> Result<String> {
    let read = |file: &PathBuf| -> Result<Value> {
        let content = std::fs::read_to_string(file).explain(|| format!("could not read {}", file.display()))?;
        Ok(json!({"path": file, "content": content}))
    };
    let files: Vec<Value> = schema_files.iter().map(read).collect::<Result<_>>()?;
    let directory = schema_files.first().and_then(|file| file.parent()).unwrap_or(Path::new("."));
    let call = json!({
        "from": {"tag": "schemaDatasource", "files": files, "configDir": directory},
        "to": {"tag": "schemaDatamodel", "files": files},
        "script": true, "shadowDatabaseUrl": null, "exitCode": true, "filters": filters,
    });
    let answer = engine.call_unheard("diff", call)?;
    // the native engine prints the script instead of answering with it
    let script = answer["stdout"].as_str().unwrap_or("-- what Prisma finds is not told\n");
    Ok(if answer["exitCode"].as_i64() == Some(DIFFERS) { script.to_owned() } else { String::new() })
}
