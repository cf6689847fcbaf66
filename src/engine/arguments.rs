//! How Prisma calls its engine on the command line, in every version, and what the schema files say about the database.
//!
//! | Prisma | command | calls |
//! |---|---|---|
//! | 5, 6 | `cli --datasource URL can-connect-to-database`, in the schema's directory | `--datamodels FILE…`; the URLs stand in the files |
//! | 7 | `--datasource {"url":…} cli can-connect-to-database` | `--datamodels FILE… --datasource {"url":…,"shadowDatabaseUrl":…}` |

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

use super::wire::Hello;
use crate::database::DatabaseUrl;
use crate::error::{Error, Explain as _, Result};

/// A command of the engine's that makes no calls: it is run once and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CliCommand {
    /// `can-connect-to-database`
    CanConnect,
    /// `create-database`
    CreateDatabase,
    /// `drop-database`
    DropDatabase,
    /// Anything else, `--version` among it.
    Other,
}

/// What Prisma told its engine when it started it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Arguments {
    /// None when calls will follow.
    pub(super) command: Option<CliCommand>,
    /// The files of the schema, absolute.
    pub(super) schema_files: Vec<PathBuf>,
    datasource: Option<String>,
}

impl Arguments {
    pub(super) fn parse(hello: &Hello) -> Self {
        let mut parsed = Self { command: None, schema_files: Vec::new(), datasource: None };
        let mut args = hello.args.iter().map(|arg| arg.as_os_str());
        let mut cli = false;
        while let Some(arg) = args.next() {
            let (name, inline) = split(arg);
            let mut value = || inline.map(OsStr::to_owned).or_else(|| args.next().map(OsStr::to_owned));
            match name.to_str() {
                Some("--datamodels" | "--datamodel" | "-d") => {
                    parsed.schema_files.extend(value().map(|file| hello.directory().join(file)));
                }
                Some("--datasource" | "-s") => parsed.datasource = value().and_then(|value| value.into_string().ok()),
                Some("--enabled-preview-features" | "--extension-types") => drop(value()),
                Some("cli") => cli = true,
                Some("can-connect-to-database") if cli => parsed.command = Some(CliCommand::CanConnect),
                Some("create-database") if cli => parsed.command = Some(CliCommand::CreateDatabase),
                Some("drop-database") if cli => parsed.command = Some(CliCommand::DropDatabase),
                Some("--version" | "-V" | "--help" | "-h") => parsed.command = Some(CliCommand::Other),
                _ => {}
            }
        }
        if cli {
            parsed.command.get_or_insert(CliCommand::Other);
        }
        parsed
    }

    /// The same start on another database.
    ///
    /// # Errors
    /// Exit status 2 where the schema holds the URL itself: it cannot be given another one from outside.
    pub(super) fn redirect(&self, hello: &Hello, url: &DatabaseUrl) -> Result<Hello> {
        let mut redirected = hello.clone();
        if let Some(given) = &self.datasource {
            let replacement = match serde_json::from_str::<Value>(given) {
                Ok(Value::Object(mut object)) => {
                    object.remove("directUrl");
                    object.insert("url".into(), url.expose().into());
                    Value::Object(object).to_string()
                }
                _ => url.expose().to_owned(),
            };
            replace_argument(&mut redirected, given, &replacement);
            return Ok(redirected);
        }
        for file in &self.schema_files {
            let text = std::fs::read_to_string(file).explain(|| format!("could not read {}", file.display()))?;
            let Some(block) = datasource_block(&text) else { continue };
            for (_, setting) in block.iter().filter(|(key, _)| key == "url" || key == "directUrl") {
                let Setting::Env(name) = setting else {
                    return Err(Error::usage(format!("{} holds the database URL itself", file.display()))
                        .help("write url = env(\"DATABASE_URL\") there: only then can another database be chosen"));
                };
                redirected.env.retain(|(key, _)| key != name.as_str());
                redirected.env.push((name.into(), url.expose().into()));
            }
        }
        Ok(redirected)
    }

    /// Names another shadow database in a start that holds its data source itself (Prisma 7); `false` if the schema has it.
    pub(super) fn set_shadow(&self, hello: &mut Hello, url: &DatabaseUrl) -> bool {
        let Some(given) = &self.datasource else { return false };
        let Ok(Value::Object(mut object)) = serde_json::from_str::<Value>(given) else { return false };
        object.insert("shadowDatabaseUrl".into(), url.expose().into());
        replace_argument(hello, given, &Value::Object(object).to_string());
        true
    }

    /// The database, as far as the arguments and the schema files tell.
    ///
    /// # Errors
    /// If a schema file cannot be read.
    pub(super) fn datasource(&self, hello: &Hello) -> Result<Datasource> {
        let mut found = Datasource::default();
        for file in &self.schema_files {
            let text = std::fs::read_to_string(file).explain(|| format!("could not read {}", file.display()))?;
            if let Some(block) = datasource_block(&text) {
                found = Datasource::of_block(&block, hello);
                break;
            }
        }
        match self.datasource.as_deref() {
            Some(given) if given.trim_start().starts_with('{') => {
                let given: Value = serde_json::from_str(given).unwrap_or_default();
                let [url, direct] = ["url", "directUrl"].map(|key| value_of(&given[key], hello));
                if url.is_some() || direct.is_some() {
                    found.application_url = url.clone().filter(|_| direct.is_some());
                    found.url = direct.or(url);
                }
                found.shadow_url = value_of(&given["shadowDatabaseUrl"], hello).or(found.shadow_url);
            }
            // it is one of those that the schema names
            Some(given) => found.url = Some(given.to_owned()),
            None => {}
        }
        Ok(found)
    }
}

/// A database as Prisma resolved it. `Debug` shows no URL.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Datasource {
    /// `provider` of the schema's `datasource` block.
    pub(super) provider: Option<String>,
    /// The URL that migrations go to: the direct one where there are two.
    pub(super) url: Option<String>,
    /// The other one of the two.
    pub(super) application_url: Option<String>,
    /// The database that is wiped to try migrations.
    pub(super) shadow_url: Option<String>,
}

impl fmt::Debug for Datasource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Datasource({:?})", self.provider)
    }
}

impl Datasource {
    /// By the text of a schema file.
    pub(super) fn of_text(text: &str, hello: &Hello) -> Self {
        datasource_block(text).map(|block| Self::of_block(&block, hello)).unwrap_or_default()
    }

    fn of_block(block: &[(String, Setting)], hello: &Hello) -> Self {
        let get = |key: &str| {
            let (_, setting) = block.iter().find(|(name, _)| name == key)?;
            match setting {
                Setting::Text(text) => Some(text.clone()),
                Setting::Env(name) => variable(hello, name),
            }
        };
        Self {
            provider: get("provider"),
            url: get("directUrl").or_else(|| get("url")),
            application_url: get("directUrl").and_then(|_| get("url")),
            shadow_url: get("shadowDatabaseUrl"),
        }
    }
}

/// A URL in Prisma 7's JSON: the text, or an object with the value or the variable's name.
fn value_of(value: &Value, hello: &Hello) -> Option<String> {
    let text = match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(object) => object
            .get("value")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .or_else(|| variable(hello, object.get("fromEnvVar")?.as_str()?)),
        _ => None,
    };
    text.filter(|text| !text.is_empty())
}

fn variable(hello: &Hello, name: &str) -> Option<String> {
    hello.var(name).and_then(OsStr::to_str).filter(|value| !value.is_empty()).map(str::to_owned)
}

/// Another value for an option, written as `--name value` or as `--name=value`.
fn replace_argument(hello: &mut Hello, value: &str, replacement: &str) {
    for arg in &mut hello.args {
        if arg.to_str() == Some(value) {
            *arg = replacement.into();
        } else if let Some((name, given)) = arg.to_str().and_then(|arg| arg.split_once('='))
            && given == value
        {
            *arg = format!("{name}={replacement}").into();
        }
    }
}

fn split(arg: &OsStr) -> (&OsStr, Option<&OsStr>) {
    match arg.to_str().filter(|text| text.starts_with("--")).and_then(|text| text.split_once('=')) {
        Some((name, value)) => (OsStr::new(name), Some(OsStr::new(value))),
        None => (arg, None),
    }
}

/// The value of a setting in a `datasource` block.
#[derive(Debug, PartialEq, Eq)]
enum Setting {
    Text(String),
    Env(String),
}

/// The settings of a schema file's `datasource` block, where it has one. Prisma has validated the file before.
fn datasource_block(text: &str) -> Option<Vec<(String, Setting)>> {
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some("datasource") && line.split("//").next().is_some_and(|code| code.contains('{'))
    })?;
    let settings = lines.take_while(|line| !line.starts_with('}')).filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        let value = value.trim_start();
        let setting = match value.strip_prefix("env(") {
            Some(name) => Setting::Env(string(name.trim_start())?),
            None => Setting::Text(string(value)?),
        };
        Some((key.trim().to_owned(), setting))
    });
    Some(settings.collect())
}

/// The string literal that a text starts with. Prisma's escapes are JSON's.
fn string(text: &str) -> Option<String> {
    serde_json::Deserializer::from_str(text).into_iter::<String>().next()?.ok()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn hello(args: &[&str], env: &[(&str, &str)]) -> Hello {
        Hello {
            args: args.iter().map(OsString::from).collect(),
            directory: "/p/prisma".into(),
            env: env.iter().map(|(key, value)| (key.into(), value.into())).collect(),
            prisma: Some(1),
        }
    }

    fn url(args: &[&str]) -> Option<String> {
        let hello = hello(args, &[]);
        Arguments::parse(&hello).datasource(&hello).unwrap().url
    }

    #[test]
    fn every_version_s_command_is_understood() {
        let five = ["cli", "--datasource", "postgresql://h/d", "can-connect-to-database"];
        assert_eq!(Arguments::parse(&hello(&five, &[])).command, Some(CliCommand::CanConnect));
        assert_eq!(url(&five).as_deref(), Some("postgresql://h/d"));

        let seven = ["--datasource", r#"{"url":"postgresql://h/d"}"#, "cli", "create-database"];
        assert_eq!(Arguments::parse(&hello(&seven, &[])).command, Some(CliCommand::CreateDatabase));
        assert_eq!(url(&seven).as_deref(), Some("postgresql://h/d"));

        assert_eq!(Arguments::parse(&hello(&["cli", "dance"], &[])).command, Some(CliCommand::Other));
        assert_eq!(Arguments::parse(&hello(&["--version"], &[])).command, Some(CliCommand::Other));
    }

    #[test]
    fn calls_name_their_schema_files() {
        let parsed = Arguments::parse(&hello(
            &["-d", "a.prisma", "--datamodels", "/x/cli", "--enabled-preview-features", "cli"],
            &[],
        ));
        assert_eq!(parsed.command, None);
        assert_eq!(parsed.schema_files, [PathBuf::from("/p/prisma/a.prisma"), PathBuf::from("/x/cli")]);
    }

    #[test]
    fn urls_of_the_schema_are_resolved_in_prisma_s_environment() {
        let schema = "// datasource old {\ngenerator x {\n  provider = \"prisma-client\"\n}\n\ndatasource db {\r\n  provider = \"postgresql\" // url = \"no\"\r\n  url      = env(\"POOLED\")\r\n  directUrl = env( \"DIRECT\" )\r\n  shadowDatabaseUrl = \"postgresql://h/sh\\\"adow\"\r\n}\r\n";
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("schema.prisma");
        std::fs::write(&file, schema).unwrap();
        let hello =
            hello(&["-d", file.to_str().unwrap()], &[("POOLED", "postgresql://p/d"), ("DIRECT", "postgresql://h/d")]);
        let found = Arguments::parse(&hello).datasource(&hello).unwrap();
        assert_eq!(found.provider.as_deref(), Some("postgresql"));
        assert_eq!(found.url.as_deref(), Some("postgresql://h/d"));
        assert_eq!(found.shadow_url.as_deref(), Some("postgresql://h/sh\"adow"));
        assert!(!format!("{found:?}").contains("://"));
    }

    #[test]
    fn an_empty_variable_is_no_url() {
        let given = r#"{"url":{"fromEnvVar":"URL"},"shadowDatabaseUrl":{"value":"postgresql://h/s"}}"#;
        let hello = hello(&["--datasource", given], &[("URL", "")]);
        let found = Arguments::parse(&hello).datasource(&hello).unwrap();
        assert_eq!((found.url, found.shadow_url.as_deref()), (None, Some("postgresql://h/s")));
    }
}
