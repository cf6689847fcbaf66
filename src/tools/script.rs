//! A line of shell that prisma-safe.toml names, with a time limit. What it prints may hold a secret: none of it is shown but what
//! it says on stderr, and there no URL.
#![expect(clippy::disallowed_methods, reason = "tools/ is where programs are started")]

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use regex::Regex;

use super::child::{self, Captured};
use crate::error::{Error, Result};
use crate::ui::Shell;
use crate::wait::Waited;

/// Windows has one where Git for Windows put its own on PATH.
const SHELL: &str = if cfg!(windows) { "sh" } else { "/bin/sh" };
/// Lines of its complaint that an error shows.
const SHOWN: usize = 20;
/// This much of its output is read: what prints more does not answer.
const LIMIT: u64 = 1 << 20;

/// A line of shell, and what it is for.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    pub line: &'a str,
    /// Its key in prisma-safe.toml, for errors: a line of shell may hold a secret too.
    pub key: &'a str,
    pub directory: &'a Path,
    /// Variables it gets besides those of our environment: its arguments hold none of them.
    pub set: &'a [(&'a str, &'a str)],
    pub limit: Duration,
}

/// Runs it to its end; gives what it printed. `interrupt` ends it early.
///
/// # Errors
/// Exit status 1 if it cannot be started, fails, or takes longer than its limit; 130 after an interrupt, once it has ended.
pub fn run(script: &Script<'_>, interrupt: &AtomicBool, shell: &Shell) -> Result<String> {
    let Captured { end, stdout: said, stderr } = capture(script, interrupt)?;
    let status = match end {
        Waited::Met(status) => status,
        Waited::TimedOut => {
            let limit = script.limit.as_secs();
            return Err(Error::failed(format!("{} took longer than {limit} seconds, and was ended", script.key))
                .help("rehearsal.clone.timeout-seconds gives it more"));
        }
        Waited::Interrupted => return Err(Error::cancelled()),
    };
    let complained = without_urls(&stderr);
    if status.success() {
        complained.lines().for_each(|line| shell.detail(line));
        return Ok(said);
    }
    let lines: Vec<&str> = complained.lines().collect();
    let last = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
    let last = if last.is_empty() { "it said nothing on stderr".to_owned() } else { last };
    Err(Error::failed(format!("{} failed ({status})", script.key)).because(last))
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub struct Heard {
    /// Why it was ended, where it did not end by itself.
    pub end: Waited<ExitStatus>,
    /// All of it, stdout first, without URLs.
    pub output: String,
}

/// Runs a line of shell to its end, whatever that is.
///
/// # Errors
/// Exit status 1 if it cannot be started.
pub fn hear(script: &Script<'_>, interrupt: &AtomicBool) -> Result<Heard> {
    let Captured { end, stdout, stderr } = capture(script, interrupt)?;
    Ok(Heard { end, output: without_urls(&format!("{stdout}{stderr}")) })
}

fn capture(script: &Script<'_>, interrupt: &AtomicBool) -> Result<Captured> {
    let mut command = Command::new(SHELL);
    command.args(["-c", script.line]).current_dir(script.directory).envs(script.set.iter().copied());
    child::capture(command, None, script.key, script.limit, interrupt, LIMIT)
}

/// A text in which no URL can be read.
fn without_urls(text: &str) -> String {
    match Regex::new(r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s"']+"#) {
        Ok(url) => url.replace_all(text, "(a URL)").into_owned(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_url_is_shown() {
        let text = without_urls("failed: postgresql://u:se'cret@h/d is no 'https://x/y?token=z', sorry");
        assert!(!text.contains("secret") && !text.contains("token") && !text.contains("u:se"), "{text}");
        assert!(text.starts_with("failed: (a URL)"), "{text}");
    }
}
