//! The shadow database: Prisma's engine empties it to replay the migrations there. Which calls do so, what they name, and how
//! another one is given to the engine in its place.

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use super::arguments::{Arguments, Datasource};
use super::protocol::{self, Request};
use super::target::Target;
use super::wire::Hello;
use crate::database::DatabaseUrl;
use crate::error::{Explain as _, Result};
use crate::project::Migration;

/// The variable that holds the URL of the other one: Prisma 5 and 6 take it from the schema only.
const VARIABLE: &str = "PRISMA_SAFE_SHADOW_DATABASE_URL";

/// What a call is about that replays migrations. `Debug` shows no URL.
#[derive(Debug, Clone, Default)]
pub struct ShadowUse {
    /// The databases that may not be emptied: those that the project works on.
    pub targets: Vec<DatabaseUrl>,
    /// Every shadow database that is named; the engine takes one of them.
    pub shadows: Vec<DatabaseUrl>,
    /// What is replayed.
    pub migrations: Vec<Migration>,
    /// The schema's texts.
    pub schemas: Vec<String>,
}

impl ShadowUse {
    /// None for a call that replays nothing.
    ///
    /// # Errors
    /// If the migrations or a schema file cannot be read.
    pub(super) fn of(request: &Request, target: &Target, hello: &Hello) -> Result<Option<Self>> {
        let params = &request.params;
        let sides = [&params["from"], &params["to"]];
        let lists: Vec<&Value> = match request.method.as_str() {
            "devDiagnostic" | "createMigration" | "evaluateDataLoss" => vec![params],
            "diagnoseMigrationHistory" if params["optInToShadowDatabase"] == true => vec![params],
            "diff" => sides.into_iter().filter(|side| side["tag"] == "migrations").collect(),
            _ => return Ok(None),
        };
        if lists.is_empty() {
            return Ok(None);
        }
        let mut found = Self {
            targets: target.url.iter().chain(&target.application_url).cloned().collect(),
            shadows: target.shadow_url.iter().cloned().collect(),
            ..Self::default()
        };
        for list in lists {
            found.migrations.extend(migrations(list)?);
        }
        for file in &target.schema_files {
            let text = std::fs::read_to_string(file).explain(|| format!("could not read {}", file.display()))?;
            found.schemas.push(text);
        }
        // a `diff` names its databases by itself
        found.shadows.extend(params["shadowDatabaseUrl"].as_str().and_then(|url| DatabaseUrl::parse(url).ok()));
        for side in sides {
            found.targets.extend(side["url"].as_str().and_then(|url| DatabaseUrl::parse(url).ok()));
            for text in texts(side) {
                let described = Datasource::of_text(text, hello);
                let parse = |url: Option<String>| url.and_then(|url| DatabaseUrl::parse(&url).ok());
                found.targets.extend([described.url, described.application_url].into_iter().filter_map(parse));
                found.shadows.extend(parse(described.shadow_url));
                found.schemas.push(text.to_owned());
            }
        }
        Ok(Some(found))
    }
}

/// The folder's migrations, or those that the side of a `diff` lists.
fn migrations(list: &Value) -> Result<Vec<Migration>> {
    let as_sent;
    let list = match (&list["migrationsList"], &list["path"], &list["baseDir"]) {
        (Value::Null, Value::Null, Value::String(_)) => {
            as_sent = serde_json::json!({ "migrationsList": list });
            &as_sent
        }
        (Value::Null, path @ Value::String(_), _) => {
            as_sent = serde_json::json!({ "migrationsDirectoryPath": path });
            &as_sent
        }
        _ => list,
    };
    Ok(protocol::migrations(list)?.migrations)
}

fn texts(side: &Value) -> impl Iterator<Item = &str> {
    side["files"].as_array().into_iter().flatten().filter_map(|file| file["content"].as_str())
}

/// The same start with another shadow database. Files that the engine is to read instead are in the directory.
///
/// # Errors
/// If a schema file cannot be copied.
pub(super) fn redirect(hello: &Hello, url: &DatabaseUrl) -> Result<(Hello, Option<TempDir>)> {
    let arguments = Arguments::parse(hello);
    let mut redirected = hello.clone();
    redirected.env.retain(|(key, _)| key != VARIABLE);
    redirected.env.push((VARIABLE.into(), url.expose().into()));
    if arguments.set_shadow(&mut redirected, url) {
        return Ok((redirected, None));
    }
    let explain = || "could not copy the schema for another shadow database".to_owned();
    let place = tempfile::Builder::new().prefix("prisma-safe-schema-").tempdir().explain(explain)?;
    for (at, file) in arguments.schema_files.iter().enumerate() {
        let text = std::fs::read_to_string(file).explain(|| format!("could not read {}", file.display()))?;
        let Some(text) = with_shadow(&text) else { continue };
        let directory = place.path().join(at.to_string());
        let copy = directory.join(file.file_name().unwrap_or_default());
        std::fs::create_dir(&directory).and_then(|()| std::fs::write(&copy, text)).explain(explain)?;
        for arg in &mut redirected.args {
            if PathBuf::from(hello.directory()).join(&*arg) == *file {
                *arg = copy.clone().into();
            }
        }
    }
    Ok((redirected, Some(place)))
}

/// The same call with another shadow database.
pub(super) fn redirect_call(request: &mut Request, url: &DatabaseUrl) {
    if request.method != "diff" {
        return;
    }
    request.params["shadowDatabaseUrl"] = url.expose().into();
    for side in ["from", "to"] {
        // Prisma 5 names files, and sends none
        let files = request.params.pointer_mut(&format!("/{side}/files")).and_then(Value::as_array_mut);
        for file in files.into_iter().flatten() {
            if let Some(text) = file["content"].as_str().and_then(with_shadow) {
                file["content"] = text.into();
            }
        }
    }
}

/// A schema's text whose `datasource` takes its shadow database from our variable; none where there is no such block, or where
/// it has no URL at all (Prisma 7 has them in its configuration).
fn with_shadow(text: &str) -> Option<String> {
    let mut out = String::new();
    let (mut inside, mut set, mut urls) = (false, false, false);
    for line in text.split_inclusive('\n') {
        let code = line.trim_start();
        if !inside && code.split_whitespace().next() == Some("datasource") && line.contains('{') {
            inside = true;
        } else if inside && code.starts_with('}') {
            inside = false;
        }
        let key = code.split_once('=').map(|(key, _)| key.trim());
        urls |= inside && key == Some("url");
        match inside && key == Some("shadowDatabaseUrl") {
            true => set = true,
            false => out.push_str(line),
        }
        if inside && code.starts_with("datasource") {
            out.extend(["  shadowDatabaseUrl = env(\"", VARIABLE, "\")\n"]);
        }
    }
    (urls || set).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_takes_its_shadow_database_from_our_variable() {
        let text = "// datasource x {\ndatasource db {\n  provider = \"postgresql\"\n  url = env(\"A\")\n  shadowDatabaseUrl = env(\"A\")\n}\nmodel X {\n  url String\n}\n";
        let changed = with_shadow(text).unwrap();
        assert_eq!(changed.matches("shadowDatabaseUrl").count(), 1, "{changed}");
        assert!(
            changed.contains("env(\"PRISMA_SAFE_SHADOW_DATABASE_URL\")") && changed.contains("model X"),
            "{changed}"
        );
        assert_eq!(with_shadow("datasource db {\n  provider = \"postgresql\"\n}\n"), None);
        assert_eq!(with_shadow("model X {\n  url String\n}\n"), None);
    }
}
