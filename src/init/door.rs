//! The side door: `npx prisma` itself. `PRISMA_SCHEMA_ENGINE_BINARY` in the project's environment file leads it to us.

use std::path::Path;

use crate::engine::door::{FILE, REAL, names_door};

/// Prisma's variable.
const VARIABLE: &str = "PRISMA_SCHEMA_ENGINE_BINARY";

/// The files that Prisma, or its configuration, reads.
pub(super) const FILES: &[&str] = &[".env", "prisma/.env"];

/// What the variable names.
pub(super) const SCRIPT: &str = r#"#!/bin/sh
# PRISMA_SCHEMA_ENGINE_BINARY in .env names this file: plain `prisma` then runs with prisma-safe in its engine's seat and meets the
# same fences on production. Written by `prisma-safe init`; remove that line to open the door again.
here=$(dirname "$0")
if [ -x "$here/node_modules/.bin/prisma-safe" ]; then
  exec "$here/node_modules/.bin/prisma-safe" schema-engine "$@"
fi
if command -v prisma-safe >/dev/null; then
  exec prisma-safe schema-engine "$@"
fi
echo "prisma-safe is not installed: install it, or remove PRISMA_SCHEMA_ENGINE_BINARY from .env" >&2
exit 1
"#;

/// An environment file with the door closed; an engine that it names stays the real one.
pub(super) fn closed(text: &str) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = Vec::new();
    let mut done = false;
    for line in text.lines() {
        match value(line) {
            Some(value) if names_door(value) => {
                done = true;
                lines.push(line.to_owned());
            }
            Some(value) => lines.push(format!("{REAL}={value}")),
            None => lines.push(line.to_owned()),
        }
    }
    if !done {
        lines.push(format!("{VARIABLE}=./{FILE}"));
    }
    lines.join(newline) + newline
}

/// Whether an environment file leads Prisma to us.
pub(super) fn is_closed(text: &str) -> bool {
    text.lines().filter_map(value).any(names_door)
}

/// What a line gives the variable.
fn value(line: &str) -> Option<&str> {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    (name.trim() == VARIABLE).then(|| value.trim().trim_matches(['"', '\'']))
}

/// The environment file that leads Prisma to us, below `root`.
pub(super) fn closed_by(root: &Path) -> Option<&'static str> {
    FILES.iter().copied().find(|file| std::fs::read_to_string(root.join(file)).is_ok_and(|text| is_closed(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_file_leads_prisma_to_us_and_keeps_the_rest() {
        let text = "DATABASE_URL=\"postgresql://u:p@h/d\"\nPRISMA_SCHEMA_ENGINE_BINARY=\"/opt/engine\"\n";
        let after = closed(text);
        assert_eq!(
            after,
            "DATABASE_URL=\"postgresql://u:p@h/d\"\nPRISMA_SAFE_SCHEMA_ENGINE_BINARY=/opt/engine\n\
             PRISMA_SCHEMA_ENGINE_BINARY=./prisma-safe-engine.sh\n"
        );
        assert!(is_closed(&after) && !is_closed(text));
        assert_eq!(closed(&after), after, "twice changes nothing");
        assert_eq!(closed("A=1"), "A=1\nPRISMA_SCHEMA_ENGINE_BINARY=./prisma-safe-engine.sh\n");
    }
}
