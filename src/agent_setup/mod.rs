//! What coding agents read, and the hook that turns their commands towards prisma-safe: texts before and after, as `init` has
//! them; a section between two marks, so that the rest of a file stays a person's.

mod hook;
mod registration;
mod section;
mod settings;

use std::path::Path;

use serde_json::{Value, json};

pub use self::hook::{Verdict, judge};
use self::registration::{Registry, with_server};
use crate::changes::{Change, read};
use crate::error::{Error, Result};

/// A kind of file that agents read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// AGENTS.md, which most of them read
    Agents,
    /// CLAUDE.md, a hook in .claude/settings.json that stops raw commands, and `prisma-safe mcp` in .mcp.json
    Claude,
    /// .cursor/rules/prisma-safe.mdc, and `prisma-safe mcp` in .cursor/mcp.json
    Cursor,
    /// .github/copilot-instructions.md, and `prisma-safe mcp` in .vscode/mcp.json
    Copilot,
}

/// Begins Cursor's file: when it applies.
const CURSOR_HEAD: &str = "---\ndescription: Change the database with prisma-safe only\nalwaysApply: true\n---\n";

impl Form {
    const ALL: [Self; 4] = [Self::Agents, Self::Claude, Self::Cursor, Self::Copilot];

    /// What shows that a project uses this form.
    fn signs(self) -> &'static [&'static str] {
        match self {
            Self::Agents => &["AGENTS.md"],
            Self::Claude => &["CLAUDE.md", ".claude"],
            Self::Cursor => &[".cursor", ".cursorrules"],
            Self::Copilot => &[".github/copilot-instructions.md"],
        }
    }

    fn rules(self) -> &'static str {
        match self {
            Self::Agents => "AGENTS.md",
            Self::Claude => "CLAUDE.md",
            Self::Cursor => ".cursor/rules/prisma-safe.mdc",
            Self::Copilot => ".github/copilot-instructions.md",
        }
    }

    /// Where it lists servers of tools; AGENTS.md goes with none.
    fn registry(self) -> Option<Registry> {
        match self {
            Self::Agents => None,
            Self::Claude => Some(Registry { file: ".mcp.json", key: "mcpServers" }),
            Self::Cursor => Some(Registry { file: ".cursor/mcp.json", key: "mcpServers" }),
            Self::Copilot => Some(Registry { file: ".vscode/mcp.json", key: "servers" }),
        }
    }
}

/// The changes for these forms; for those that the project has already, where none is asked for. `project` is the directory of the
/// Prisma project, from `root`.
///
/// # Errors
/// Exit status 2 where there is none of either, and for settings that are no JSON.
pub fn plan(root: &Path, project: &str, asked: &[Form]) -> Result<Vec<Change>> {
    let forms: Vec<Form> = match asked {
        [] => Form::ALL.into_iter().filter(|form| form.signs().iter().any(|sign| root.join(sign).exists())).collect(),
        asked => asked.to_vec(),
    };
    if forms.is_empty() {
        return Err(Error::usage("no file that a coding agent reads was found here")
            .help("say which to write: --for agents (AGENTS.md), claude, cursor or copilot"));
    }
    let mut changes = Vec::new();
    for form in forms {
        let path = form.rules();
        let before = read(root, path)?;
        let head = if form == Form::Cursor { CURSOR_HEAD } else { "" };
        let after = section::with(before.as_deref().unwrap_or(head));
        changes.extend(Change::of(path, before, after));
        if form == Form::Claude {
            let before = read(root, settings::FILE)?;
            let after = settings::with_hook(before.as_deref())?;
            changes.extend(Change::of(settings::FILE, before, after));
        }
        if let Some(registry) = form.registry() {
            let before = read(root, registry.file)?;
            let after = with_server(registry, before.as_deref(), project)?;
            changes.extend(Change::of(registry.file, before, after));
        }
    }
    Ok(changes)
}

/// What a JSON file of an agent's holds; an empty object where there is none.
fn json_of(text: Option<&str>, wrong: impl FnOnce() -> Error) -> Result<Value> {
    match text.filter(|text| !text.trim().is_empty()) {
        Some(text) => serde_json::from_str(text).map_err(|error| wrong().because(error)),
        None => Ok(json!({})),
    }
}

fn wrong(file: &str, lacking: &str) -> Error {
    Error::usage(format!("{file} is not a JSON object with {lacking}"))
        .help("correct it, or write the other files with --for agents")
}
