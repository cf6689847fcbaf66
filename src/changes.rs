//! Files of a project that a command offers to change: their texts before and after, shown and agreed before anything is written.

use std::fs;
use std::path::{Path, PathBuf};

use crate::atomic;
use crate::context::Context;
use crate::error::{Error, Explain as _, Result};
use crate::system::files;
use crate::ui::{diff, prompt};

/// One file that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Relative to the project.
    pub path: PathBuf,
    /// Nothing for a new file.
    pub before: Option<String>,
    /// What it shall hold.
    pub after: String,
    /// It holds secrets: only the lines that change are shown.
    pub secret: bool,
    /// It is a program.
    pub executable: bool,
}

impl Change {
    /// A plain text; none where nothing would change.
    pub fn of(path: &str, before: Option<String>, after: String) -> Option<Self> {
        let changes = before.as_deref() != Some(after.as_str());
        changes.then(|| Self { path: path.into(), before, after, secret: false, executable: false })
    }

    /// Writes it.
    fn write(&self, root: &Path) -> std::io::Result<()> {
        let path = root.join(&self.path);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        atomic::write(&path, &self.after)?;
        if self.executable {
            files::set_mode(&path, 0o755)?;
        }
        Ok(())
    }
}

/// The text of a file of the project; none where there is no such file.
///
/// # Errors
/// If it cannot be read.
pub fn read(root: &Path, path: &str) -> Result<Option<String>> {
    atomic::read(&root.join(path)).explain(|| format!("could not read {path}"))
}

/// Shows the changes with what a person should know about them.
pub fn show(changes: &[Change], notes: &[String], context: &Context) {
    let shell = &context.shell;
    for change in changes {
        let name = change.path.display().to_string();
        if change.secret {
            shell.block(&format!("{name}:\n{}\n", new_lines(change)));
            continue;
        }
        let (shown, hidden) = match &change.before {
            None if shell.verbose() == 0 => without_comments(&change.after),
            _ => (change.after.clone(), 0),
        };
        shell.block(&format!("{}\n", diff::unified(shell, &name, change.before.as_deref(), &shown)));
        if hidden > 0 {
            shell.note(format!("{name} also gets {hidden} lines of comments, which change nothing: -v shows them"));
        }
    }
    for note in notes {
        shell.note(note);
    }
}

/// A long file that is nearly all comments, settings at their defaults, without them; and how many lines those are.
fn without_comments(text: &str) -> (String, usize) {
    let says = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let said: Vec<&str> = text.lines().filter(says).collect();
    let hidden = text.lines().count() - said.len();
    // a script or a workflow with a few comments is shown as it is
    if hidden <= 2 * said.len() + 20 {
        return (text.to_owned(), 0);
    }
    (said.iter().map(|line| format!("{line}\n")).collect(), hidden)
}

/// Asks, and writes.
///
/// # Errors
/// `mute` without a terminal and without `--yes`; 130 if the person says no; 1 if a file cannot be written.
pub fn write_if_agreed(changes: &[Change], root: &Path, context: &Context, mute: Error) -> Result<()> {
    let shell = &context.shell;
    if !context.global.yes {
        if !shell.interactive() {
            return Err(mute);
        }
        if !prompt::confirm(shell, "Make these changes?", true)? {
            return Err(Error::cancelled());
        }
    }
    write(root, changes)?;
    for change in changes {
        shell.status("Wrote", change.path.display());
    }
    Ok(())
}

/// The lines that a file of secrets gets; what stands there already is not shown.
fn new_lines(change: &Change) -> String {
    let before = change.before.as_deref().unwrap_or_default();
    let new = change.after.lines().filter(|line| !before.lines().any(|known| known == *line));
    new.map(|line| format!("+{line}\n")).collect()
}

/// Writes every file.
///
/// # Errors
/// Exit status 1 at the first file that cannot be written; it is as before then.
pub fn write(root: &Path, changes: &[Change]) -> Result<()> {
    changes
        .iter()
        .try_for_each(|change| change.write(root).explain(|| format!("could not write {}", change.path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_left_out_where_they_are_nearly_all() {
        let settings = format!("{}[backup]\n# x\nproof = \"read\"\n", "# a setting at its default\n\n".repeat(30));
        assert_eq!(without_comments(&settings), ("[backup]\nproof = \"read\"\n".to_owned(), 61));
        let script = format!("#!/bin/sh\n{}", "# why\nrun\n".repeat(30));
        assert_eq!(without_comments(&script), (script.clone(), 0));
    }
}
