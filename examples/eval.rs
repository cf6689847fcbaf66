//! Scores rename detection on labelled migrations: `cargo run --example eval -- FILE.jsonl` (or `RENAME_CORPUS=FILE`).
//! One JSON object a line: `before_sql`, `migration_sql`, `pairs` of `kind`, `table`, `old`, `new`, `label`.
#![expect(clippy::print_stdout, reason = "its output is the score")]
use prisma_safe::catalog::Catalog;
use prisma_safe::rename::{Draft, Hints, candidates};
use prisma_safe::sql::Script;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("a path")?;
    for line in std::fs::read_to_string(path)?.lines() {
        let case: serde_json::Value = serde_json::from_str(line)?;
        let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
        let before = Script::parse(text("before_sql"));
        let catalog = Catalog::replay("public", [("before", &before)]);
        let script = Script::parse(text("migration_sql"));
        let draft = Draft { migration: "m", script: &script, before: &catalog, hints: &Hints::default() };
        let found = candidates(&draft);
        println!("{}", serde_json::json!({"id": case["id"], "candidates": found}));
    }
    Ok(())
}
