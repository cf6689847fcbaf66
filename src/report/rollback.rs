//! What a rollback did, as a document.

use serde_json::{Value, json};

use crate::undo::{Compared, RolledBack, Source};

/// The document; `schemas/rollback.schema.json` describes it.
#[derive(Debug, Clone)]
pub struct Report {
    target: String,
    dry: bool,
    migrations: Vec<Value>,
}

impl Report {
    /// Nothing is rolled back yet.
    pub fn new(target: &str, dry: bool) -> Self {
        Self { target: target.to_owned(), dry, migrations: Vec::new() }
    }

    /// A migration was rolled back, with values from there; `missing` does not come back.
    pub fn push(&mut self, name: &str, done: &RolledBack, source: Source, missing: &[String]) {
        let compared = match done.compared {
            Compared::Definitions => "definitions",
            Compared::Names => "names",
        };
        let filled: Vec<Value> =
            done.filled.iter().map(|(column, rows)| json!({ "column": column, "rows": rows })).collect();
        self.migrations.push(json!({
            "name": name,
            "statements": done.statements,
            "source": source,
            "putBack": done.put_back,
            "filled": filled,
            "recreated": done.recreated,
            "missing": missing.iter().chain(&done.lost).collect::<Vec<_>>(),
            "compared": compared,
            "differences": done.differences,
            "milliseconds": u64::try_from(done.took.as_millis()).unwrap_or(u64::MAX),
        }));
    }

    /// Whether nothing was rolled back.
    pub fn is_empty(&self) -> bool {
        self.migrations.is_empty()
    }

    /// The last migration's part.
    pub fn last(&self) -> Option<Value> {
        self.migrations.last().cloned()
    }

    /// The document.
    pub fn document(&self) -> Value {
        json!({
            "schemaVersion": 1, "target": self.target, "dryRun": self.dry, "migrations": self.migrations,
        })
    }
}
