//! A line of shell that prisma-safe.toml names, with a time limit. What it prints may hold a secret: none of it is shown but what
//! it says on stderr, and there no URL.
#![expect(clippy::disallowed_methods, reason = "tools/ is where programs are started")]

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process_group};

use super::child;
use crate::error::{Error, Explain as _, Result};
use crate::ui::Shell;
use crate::wait::Waited;

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
    let failed = || format!("could not run {}", script.key);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script.line]).current_dir(script.directory).envs(script.set.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().explain(failed)?;
    let group = Pid::from_raw(child.id().cast_signed());
    let (stdout, stderr) = (child.stdout.take().map(reading), child.stderr.take().map(reading));
    let waited = child::within(&mut child, script.limit, interrupt).explain(failed)?;
    let ended = match waited {
        Waited::Met(status) => Ok(status),
        Waited::TimedOut => Err(Error::failed(format!(
            "{} took longer than {} seconds, and was ended",
            script.key,
            script.limit.as_secs()
        ))
        .help("rehearsal.clone.timeout-seconds gives it more")),
        Waited::Interrupted => Err(Error::cancelled()),
    };
    if ended.is_err() {
        child::end(&mut child, |signal: Signal| {
            if let Some(group) = group {
                // it may have ended by itself
                let _ = kill_process_group(group, signal);
            }
        })
        .explain(failed)?;
    }
    let status = ended?;
    let text =
        |thread: Option<thread::JoinHandle<String>>| thread.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let (said, complained) = (text(stdout), without_urls(&text(stderr)));
    if status.success() {
        complained.lines().for_each(|line| shell.detail(line));
        return Ok(said);
    }
    let lines: Vec<&str> = complained.lines().collect();
    let last = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
    let last = if last.is_empty() { "it said nothing on stderr".to_owned() } else { last };
    Err(Error::failed(format!("{} failed ({status})", script.key)).because(last))
}

/// A text in which no URL can be read.
fn without_urls(text: &str) -> String {
    match Regex::new(r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s"']+"#) {
        Ok(url) => url.replace_all(text, "(a URL)").into_owned(),
        Err(_) => String::new(),
    }
}

/// Reads a stream to its end in a thread of its own: a full pipe would stop the program.
fn reading(stream: impl std::io::Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut stream = stream;
        // what was read until an error is still an answer
        let _ = stream.by_ref().take(LIMIT).read_to_end(&mut bytes);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        String::from_utf8_lossy(&bytes).into_owned()
    })
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
