//! Prisma's schema engine itself, without the command line around it: one process answers all questions of a test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::support::project::native;
use crate::support::{Database, Prisma};

/// A running engine, bound to one database.
pub(super) struct Engine {
    prisma: Prisma,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    asked: usize,
}

/// One side of a difference.
pub(super) enum Side<'a> {
    Empty,
    Schema(&'a str),
    /// The engine's database as it is, in the schemas that this text names.
    Database(&'a str),
}

impl Engine {
    pub(super) fn start(prisma: Prisma, database: &Database) -> Self {
        let fixture = prisma.fixture();
        let program = if native() {
            let engines = std::fs::read_dir(fixture.join("node_modules/@prisma/engines")).expect("Prisma's engines");
            let paths = engines.map(|entry| entry.expect("an entry").path());
            let is_engine = |path: &std::path::PathBuf| {
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("schema-engine-"))
            };
            paths.into_iter().find(is_engine).expect("a native engine: run `make setup`")
        } else {
            fixture.join("schema-engine.mjs")
        };
        let mut command = Command::new(program);
        if prisma == Prisma::V7 {
            command.args(["--datasource", &json!({ "url": database.url() }).to_string()]);
        }
        let mut child = command
            .env("DATABASE_URL", database.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Prisma's engine");
        let input = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        Self { prisma, child, input, output, asked: 0 }
    }

    /// The SQL from one side to the other: what Prisma would draft.
    pub(super) fn diff(&mut self, from: &Side<'_>, to: &Side<'_>) -> String {
        let params = json!({
            "from": self.side(from),
            "to": self.side(to),
            "script": true,
            "shadowDatabaseUrl": null,
            "exitCode": false,
            "filters": { "externalTables": [], "externalEnums": [] },
        });
        self.asked += 1;
        let request = json!({ "jsonrpc": "2.0", "id": self.asked, "method": "diff", "params": params });
        writeln!(self.input, "{request}").expect("a running engine");
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).expect("an answer") > 0, "the engine is gone");
            let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
            if message["method"] == "print" {
                printed.push_str(message["params"]["content"].as_str().unwrap_or_default());
                let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} });
                writeln!(self.input, "{answer}").expect("a running engine");
            } else if message["id"] == self.asked {
                assert!(message["error"].is_null(), "{}", message["error"]);
                return if printed.contains("This is an empty migration") { String::new() } else { printed };
            }
        }
    }

    fn side(&self, side: &Side<'_>) -> Value {
        match side {
            Side::Empty => json!({ "tag": "empty" }),
            Side::Schema(text) => {
                let content = self.schema(text);
                json!({ "tag": "schemaDatamodel", "files": [{ "path": "schema.prisma", "content": content }] })
            }
            Side::Database(text) => {
                let content = self.schema(text);
                json!({ "tag": "schemaDatasource", "files": [{ "path": "schema.prisma", "content": content }], "configDir": "/" })
            }
        }
    }

    /// Prisma 6 wants the URL in the schema.
    fn schema(&self, text: &str) -> String {
        match self.prisma {
            Prisma::V7 => text.to_owned(),
            Prisma::V5 | Prisma::V6 => {
                let provider = "provider = \"postgresql\"";
                text.replacen(provider, &format!("{provider}\n  url = env(\"DATABASE_URL\")"), 1)
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
