//! The tools: what each is called, what it takes, and which command line answers.

use std::ffi::OsString;

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A tool, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tool {
    ReviewSql,
    ReviewMigrations,
    ListRenames,
    ExplainRule,
    Status,
}

/// What a tool was asked, as a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub words: Vec<OsString>,
    /// What the command reads from stdin.
    pub input: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReviewSql {
    sql: String,
    #[serde(default)]
    offline: bool,
    catalog: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReviewMigrations {
    #[serde(default)]
    migrations: Vec<String>,
    #[serde(default)]
    offline: bool,
    catalog: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListRenames {
    migration: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExplainRule {
    rule: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Tool {
    pub(super) const ALL: [Self; 5] =
        [Self::ReviewSql, Self::ReviewMigrations, Self::ListRenames, Self::ExplainRule, Self::Status];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ReviewSql => "review_sql",
            Self::ReviewMigrations => "review_migrations",
            Self::ListRenames => "list_renames",
            Self::ExplainRule => "explain_rule",
            Self::Status => "status",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    pub(super) fn description(self) -> &'static str {
        match self {
            Self::ReviewSql => {
                "Review SQL before it is written to a migration: what it destroys, blocks or breaks, with the fix. It is judged \
                 behind the project's migrations, and against the target database where one answers. Nothing is run or changed."
            }
            Self::ReviewMigrations => {
                "Review migrations of the project's folder, by default the pending ones. Returns findings, a verdict and the plan's hash. \
                 Nothing is run or changed."
            }
            Self::ListRenames => {
                "List what a migration drops and adds that may be a rename, with score and evidence. Ask it before a migration that \
                 drops a column or a table: a rename keeps the values."
            }
            Self::ExplainRule => {
                "Explain a rule of the review: what it flags, why, and the safe way, with examples. Without a rule it lists all of them."
            }
            Self::Status => {
                "Where the last deployment stands, which migrations are applied, pending or failed, and what to do next."
            }
        }
    }

    /// What it takes, as a JSON Schema.
    pub(super) fn takes(self) -> Map<String, Value> {
        let text = |description: &str| json!({ "type": "string", "description": description });
        let offline = json!({ "type": "boolean", "description": "Connect to no database", "default": false });
        let catalog = text("A file of `prisma-safe catalog` to judge by in place of the database");
        let (properties, required) = match self {
            Self::ReviewSql => {
                let sql = text("The SQL, as the migration would hold it");
                (json!({ "sql": sql, "offline": offline, "catalog": catalog }), json!(["sql"]))
            }
            Self::ReviewMigrations => {
                let names = json!({ "type": "array", "items": { "type": "string" },
                    "description": "Their names; none: the pending ones, or the newest where no database answers" });
                (json!({ "migrations": names, "offline": offline, "catalog": catalog }), json!([]))
            }
            Self::ListRenames => (json!({ "migration": text("Its name, or an SQL file") }), json!(["migration"])),
            Self::ExplainRule => (json!({ "rule": text("Its name, as findings print it: drop-column") }), json!([])),
            Self::Status => (json!({}), json!([])),
        };
        let mut schema = Map::new();
        schema.insert("type".into(), "object".into());
        schema.insert("properties".into(), properties);
        schema.insert("required".into(), required);
        schema.insert("additionalProperties".into(), false.into());
        schema
    }

    /// The command line that answers. What the caller wrote is never an option of it.
    ///
    /// # Errors
    /// Arguments that the tool does not take.
    pub(super) fn asked(self, arguments: Value) -> serde_json::Result<Asked> {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let ground = |offline: bool, catalog: Option<String>| {
            let catalog = catalog.map(|file| OsString::from(format!("--catalog={file}")));
            offline.then(|| "--offline".into()).into_iter().chain(catalog).collect::<Vec<OsString>>()
        };
        let (mut words, ground, named, input) = match self {
            Self::ReviewSql => {
                let ReviewSql { sql, offline, catalog } = serde_json::from_value(arguments)?;
                (words(&["review", "--format=json"]), ground(offline, catalog), vec!["-".to_owned()], Some(sql))
            }
            Self::ReviewMigrations => {
                let ReviewMigrations { migrations, offline, catalog } = serde_json::from_value(arguments)?;
                (words(&["review", "--format=json"]), ground(offline, catalog), migrations, None)
            }
            Self::ListRenames => {
                let ListRenames { migration } = serde_json::from_value(arguments)?;
                (words(&["renames", "--format=json"]), Vec::new(), vec![migration], None)
            }
            Self::ExplainRule => {
                let ExplainRule { rule } = serde_json::from_value(arguments)?;
                (words(&["explain"]), Vec::new(), rule.into_iter().collect(), None)
            }
            Self::Status => {
                let Nothing {} = serde_json::from_value(arguments)?;
                (words(&["status", "--format=json"]), Vec::new(), Vec::new(), None)
            }
        };
        words.extend(ground);
        words.push("--".into());
        words.extend(named.into_iter().map(OsString::from));
        Ok(Asked { words, input })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_writes_is_no_option() {
        let line = |tool: Tool, arguments: Value| {
            let asked = tool.asked(arguments).unwrap();
            asked.words.iter().map(|word| word.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        let renames = line(Tool::ListRenames, json!({ "migration": "--output=/tmp/x" }));
        assert_eq!(renames, "renames --format=json -- --output=/tmp/x");
        let file = json!({ "sql": "SELECT 1", "catalog": "--fix", "offline": true });
        assert_eq!(line(Tool::ReviewSql, file), "review --format=json --offline --catalog=--fix -- -");
        assert_eq!(line(Tool::Status, json!({})), "status --format=json --");
    }

    #[test]
    fn what_a_tool_does_not_take_is_an_error() {
        assert!(Tool::Status.asked(json!({ "deploy": true })).is_err());
        assert!(Tool::ReviewSql.asked(json!({})).is_err());
        assert!(Tool::ReviewMigrations.asked(json!({ "migrations": "all" })).is_err());
        for tool in Tool::ALL {
            assert_eq!(Tool::of(tool.name()), Some(tool));
        }
        assert_eq!(Tool::of("deploy"), None);
    }
}
