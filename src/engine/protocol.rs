//! The schema engine's protocol, as far as roles look into it: JSON-RPC 2.0, one message a line.
//!
//! Prisma up to 6.5 names the migrations folder (`migrationsDirectoryPath`) and the engine reads and writes it; from 6.6
//! on Prisma sends the files themselves (`migrationsList`) and writes new ones itself.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Error, Explain as _, Result};
use crate::project::migrations::{self, Migration};

/// The JSON-RPC code of every error of the schema engine.
const ENGINE_ERROR: i64 = 4466;

/// What the engine answers: a result, or its error.
pub type Response = std::result::Result<Value, EngineError>;

/// A call of Prisma's.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// As Prisma numbered it; null where no answer is expected.
    pub id: Value,
    /// Its name (`applyMigrations`).
    pub method: String,
    /// Its parameters; null if there were none.
    pub params: Value,
}

/// What one line holds.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    /// A call, from whichever side.
    Request(Request),
    /// An answer to the call with this id.
    Response(Value, Response),
    /// JSON that is neither.
    Other,
}

impl Message {
    /// Reads a line. None if it is no JSON object.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let Value::Object(mut message) = serde_json::from_slice(line).ok()? else { return None };
        let mut take = |key: &str| message.remove(key).unwrap_or_default();
        let id = take("id");
        Some(match (take("method"), take("error"), take("result")) {
            (Value::String(method), ..) => Self::Request(Request { id, method, params: take("params") }),
            (Value::Null, Value::Null, result) => Self::Response(id, Ok(result)),
            (Value::Null, error, _) => Self::Response(id, Err(EngineError { error })),
            _ => Self::Other,
        })
    }
}

impl Request {
    /// As a line, with its newline.
    pub(super) fn line(&self) -> Vec<u8> {
        let mut message = json!({"jsonrpc": "2.0", "id": self.id, "method": self.method});
        if !self.params.is_null() {
            message["params"] = self.params.clone();
        }
        line(&message)
    }
}

/// The answer to the call with this id, as a line.
pub(super) fn answer(id: &Value, response: &Response) -> Vec<u8> {
    line(&match response {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(error) => json!({"jsonrpc": "2.0", "id": id, "error": error.error}),
    })
}

fn line(message: &Value) -> Vec<u8> {
    let mut line = message.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// An error in the engine's own form, kept whole: Prisma prints from it.
#[derive(Clone, PartialEq)]
pub struct EngineError {
    error: Value,
}

impl EngineError {
    /// One of our own, in the engine's form. With a code Prisma prints `Error: CODE` above the message.
    pub fn new(message: impl Into<String>, code: Option<&str>) -> Self {
        Self {
            error: json!({
                "code": ENGINE_ERROR,
                "message": "An error happened. Check the data field for details.",
                "data": {"is_panic": false, "message": message.into(), "meta": null, "error_code": code},
            }),
        }
    }

    /// The same with a line more, which Prisma prints too.
    pub(super) fn with_note(mut self, note: &str) -> Self {
        let message = format!("{}\n\n{note}", self.message().trim_end());
        match self.error["data"]["message"].is_string() {
            true => self.error["data"]["message"] = message.into(),
            false => self.error["message"] = message.into(),
        }
        self
    }

    /// What happened, in the engine's words.
    pub fn message(&self) -> &str {
        self.error["data"]["message"].as_str().or_else(|| self.error["message"].as_str()).unwrap_or("unknown error")
    }

    /// Prisma's error code (`P3018`), where there is one.
    pub fn code(&self) -> Option<&str> {
        self.error["data"]["error_code"].as_str()
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = self.code() {
            write!(f, "{code}: ")?;
        }
        f.write_str(self.message().trim())
    }
}

impl fmt::Debug for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EngineError({self})")
    }
}

impl std::error::Error for EngineError {}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        Self::failed("Prisma's schema engine failed").because(error)
    }
}

/// The migrations that a call is about, and the folder they live in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationsList {
    /// The folder; it need not exist yet.
    pub directory: PathBuf,
    /// In Prisma's order.
    pub migrations: Vec<Migration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentList {
    base_dir: PathBuf,
    migration_directories: Vec<SentMigration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentMigration {
    path: String,
    migration_file: SentFile,
}

#[derive(Deserialize)]
struct SentFile {
    path: String,
    content: SentContent,
}

#[derive(Deserialize)]
#[serde(tag = "tag", content = "value", rename_all = "camelCase")]
enum SentContent {
    Ok(String),
    Error(String),
}

/// The migrations folder of a call, whichever form it has; the files themselves are not looked at.
///
/// # Errors
/// If the call holds neither form.
pub fn migrations_directory(params: &Value) -> Result<PathBuf> {
    let path = match &params["migrationsList"] {
        Value::Null => &params["migrationsDirectoryPath"],
        list => &list["baseDir"],
    };
    path.as_str().map(PathBuf::from).ok_or_else(|| {
        Error::failed("Prisma's message names no migrations folder")
            .help("this version of Prisma speaks a protocol that prisma-safe does not know: prisma-safe is for Prisma 5, 6 and 7")
    })
}

/// The migrations that a call holds; none where Prisma up to 6.5 names their folder. (To index a call in place would add the list to
/// it.)
pub fn sent_directories(params: &mut Value) -> Option<&mut Vec<Value>> {
    params.pointer_mut("/migrationsList/migrationDirectories")?.as_array_mut()
}

/// The migrations of a call: as Prisma sent them (6.6 and later), or read from the folder it named.
///
/// # Errors
/// If a file could not be read, by Prisma or here, or the call holds neither form.
pub fn migrations(params: &Value) -> Result<MigrationsList> {
    let directory = migrations_directory(params)?;
    if params["migrationsList"].is_null() {
        let migrations = migrations::read(&directory)?;
        return Ok(MigrationsList { directory, migrations });
    }
    let SentList { base_dir: directory, migration_directories } = SentList::deserialize(&params["migrationsList"])
        .explain(|| "Prisma's list of migrations is not understood".into())?;
    let migrations = migration_directories
        .into_iter()
        .map(|SentMigration { path: name, migration_file: SentFile { path, content } }| {
            let path = directory.join(&name).join(path);
            match content {
                SentContent::Ok(sql) => Ok(Migration { name, path, sql: sql.into() }),
                SentContent::Error(cause) => Err(migrations::unreadable(&path, cause)),
            }
        })
        .collect::<Result<_>>()?;
    Ok(MigrationsList { directory, migrations })
}

/// What the engine found in a draft that could lose data or cannot run (`evaluateDataLoss`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataLoss {
    /// What could lose data, with row counts where the engine counted.
    pub warnings: Vec<StepNote>,
    /// What cannot run on the rows that are there.
    pub unexecutable_steps: Vec<StepNote>,
}

/// A sentence about one step of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepNote {
    /// Prisma's sentence.
    pub message: String,
    /// Which step of the draft, counting from 0.
    pub step_index: usize,
}

/// Takes the warnings and unexecutable steps out of an answer to `evaluateDataLoss`, so that Prisma neither asks nor
/// refuses.
///
/// # Errors
/// If the answer has another shape.
pub fn take_data_loss(result: &mut Value) -> Result<DataLoss> {
    let loss =
        DataLoss::deserialize(&*result).explain(|| "the engine's report of data loss is not understood".into())?;
    for key in ["warnings", "unexecutableSteps"] {
        if !result[key].is_null() {
            result[key] = json!([]);
        }
    }
    Ok(loss)
}

/// Puts names before those the engine applied (`appliedMigrationNames`).
pub fn prepend_applied(result: &mut Value, names: &[String]) {
    let applied: Vec<Value> = result["appliedMigrationNames"].as_array().cloned().unwrap_or_default();
    let names = names.iter().map(|name| Value::from(name.as_str())).filter(|name| !applied.contains(name));
    let all: Vec<Value> = names.chain(applied.iter().cloned()).collect();
    match result {
        Value::Object(_) => result["appliedMigrationNames"] = all.into(),
        other => *other = json!({"appliedMigrationNames": all}),
    }
}

/// How the engine's command line reports a failure on stderr: Prisma skips the first line and reads a JSON object from
/// each that follows (`parseJsonFromStderr`, the same from 5 to 7).
pub(super) fn failure(code: &str, message: &str) -> Vec<u8> {
    let log = |level: &str, fields: Value| json!({"level": level, "target": "schema_engine::logger", "fields": fields});
    let start = log("INFO", json!({"message": "Starting schema engine CLI"}));
    let error = log("ERROR", json!({"message": message, "error_code": code}));
    format!("{start}\n{error}").into_bytes()
}
