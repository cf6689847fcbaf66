//! Coding agents: they type as well as a person does, so what they type is not a person's consent.
//!
//! The marks are those that Prisma 7.10 knows (`packages/migrate/src/utils/ai-safety.ts`). Variables that people have in
//! their own terminals too (`REPL_ID`, `CURSOR_TRACE_ID`) are none.

use std::path::Path;

use crate::env::Env;
use crate::error::Error;

/// A program that types on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// What it calls itself.
    pub name: String,
    /// How it is known: a variable, or a file.
    pub mark: &'static str,
}

/// Variables that only this agent sets, whatever they hold.
const SET: &[(&str, &str)] = &[
    ("CLAUDECODE", "Claude Code"),
    ("CODEX_THREAD_ID", "Codex CLI"),
    ("CODEX_CI", "Codex CLI"),
    ("CODEX_SANDBOX", "Codex CLI"),
    ("CODEX_SANDBOX_NETWORK_DISABLED", "Codex CLI"),
    ("GEMINI_CLI", "Gemini CLI"),
    ("QWEN_CODE", "Qwen Code"),
    ("CURSOR_AGENT", "Cursor"),
    ("COPILOT_CLI", "GitHub Copilot CLI"),
    ("OPENCODE", "OpenCode"),
    ("OPENCODE_CLIENT", "OpenCode"),
    ("CLINE_ACTIVE", "Cline"),
    ("CRUSH", "Crush"),
    ("AUGMENT_AGENT", "Augment Code"),
    ("ANTIGRAVITY_AGENT", "Antigravity"),
];

/// Where Devin's machines have it.
const DEVIN: &str = "/opt/.devin";

/// A name is shown up to this many characters.
const NAME_SHOWN: usize = 64;

impl Agent {
    /// The agent that runs us, if one does.
    pub fn detect(env: &Env) -> Option<Self> {
        Self::known(env, Path::new(DEVIN).exists())
    }

    fn known(env: &Env, devin: bool) -> Option<Self> {
        let agent = |name: &str, mark| Some(Self { name: name.into(), mark });
        if let Some((mark, name)) = SET.iter().find(|(mark, _)| env.get(mark).is_some()) {
            return agent(name, mark);
        }
        if env.get("OR_APP_NAME") == Some("Aider") {
            return agent("Aider", "OR_APP_NAME");
        }
        if env.get("REPLIT_SESSION").is_some_and(|session| session.starts_with("agent-")) {
            return agent("Replit Agent", "REPLIT_SESSION");
        }
        if devin {
            return agent("Devin", DEVIN);
        }
        let (mark, name) = ["AI_AGENT", "AGENT"].into_iter().find_map(|mark| Some((mark, env.get(mark)?)))?;
        match name {
            "goose" => agent("Goose", mark),
            "amp" => agent("Amp", mark),
            "1" | "true" => agent("a coding agent", mark),
            name => agent(&name.chars().filter(|c| !c.is_control()).take(NAME_SHOWN).collect::<String>(), mark),
        }
    }

    /// The refusal of what only a person may say, with exit status 3. `what` is a clause: "this destroys data".
    pub fn refuse(&self, what: &str) -> Error {
        Error::refused(format!("{what}, and it is {} that asks (known by {})", self.name, self.mark)).help(
            "only a person can agree to that: tell them what would be lost and why, and let them run this command in \
             their own terminal; do not unset the variable",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(pairs: &[(&str, &str)]) -> Option<String> {
        let env: Env = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Agent::known(&env, false).map(|agent| agent.name)
    }

    #[test]
    fn every_mark_is_known() {
        for (mark, name) in SET {
            assert_eq!(detect(&[(mark, "1")]).as_deref(), Some(*name), "{mark}");
        }
        for (pair, name) in [
            (("AGENT", "goose"), "Goose"),
            (("AGENT", "amp"), "Amp"),
            (("AI_AGENT", "1"), "a coding agent"),
            (("AI_AGENT", "cody\u{1b}[31m"), "cody[31m"),
            (("OR_APP_NAME", "Aider"), "Aider"),
            (("REPLIT_SESSION", "agent-7"), "Replit Agent"),
        ] {
            assert_eq!(detect(&[pair]).as_deref(), Some(name), "{pair:?}");
        }
        assert_eq!(Agent::known(&Env::default(), true).map(|agent| agent.name).as_deref(), Some("Devin"));
    }

    #[test]
    fn what_people_have_in_their_terminals_is_none() {
        for pair in [
            ("CURSOR_TRACE_ID", "x"),
            ("REPL_ID", "x"),
            ("TERM_PROGRAM", "vscode"),
            ("SSH_AUTH_SOCK", "/tmp/agent.1"),
            ("SSH_AGENT_PID", "1"),
            ("AGENT_NAME", "build-7"),
            ("CLAUDECODE", ""),
            ("CLAUDE_CODE_ENTRYPOINT_OTHER", "1"),
            ("OR_APP_NAME", "other"),
            ("REPLIT_SESSION", "user-7"),
            ("CI", "true"),
        ] {
            assert_eq!(detect(&[pair]), None, "{pair:?}");
        }
    }
}
