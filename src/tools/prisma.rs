//! The project's own Prisma.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::env::Env;
use crate::error::{Explain as _, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::system::process;
use crate::ui::interrupt::Guard;

/// The project around a directory, and its own Prisma.
///
/// # Errors
/// Those of [`Project::find`].
pub fn find(directory: &Path, env: &Env) -> Result<Project> {
    Project::find(directory, env, &|program| super::command(program))
}

/// Becomes Prisma: stdin, stdout, stderr, signals, terminal and exit status are its own from here on. Gives its status where a
/// process cannot become another one.
///
/// # Errors
/// If it could not be started.
pub fn exec(project: &Project, args: &[OsString]) -> Result<Exit> {
    // where we wait for it, Ctrl-C is Prisma's
    let _held_back = cfg!(windows).then(Guard::new).transpose()?;
    let status = process::replace(command(project).args(args))
        .explain(|| format!("could not start Prisma by {}", project.command().0.display()))?;
    Ok(Exit::Child(process::code(status)))
}

/// Runs Prisma to its end without stdin and gives what it printed. Variables are set, or removed where they are none.
///
/// # Errors
/// If it could not be started; its own failure is the caller's to read from the status.
pub fn run(project: &Project, args: &[OsString], env: &[(&str, Option<&OsStr>)]) -> Result<Output> {
    let mut command = command(project);
    for (name, value) in env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    quiet(&mut command)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .explain(|| format!("could not start Prisma by {}", project.command().0.display()))
}

/// What Prisma said, for an error's cause: its error on stderr, or what it wrote to stdout where stderr is empty, without
/// colours and without what it says about files it loaded before.
pub fn words(stdout: &[u8], stderr: &[u8]) -> String {
    let text = |bytes: &[u8]| console::strip_ansi_codes(&String::from_utf8_lossy(bytes)).trim().to_owned();
    let said = Some(text(stderr)).filter(|text| !text.is_empty()).unwrap_or_else(|| text(stdout));
    match said.split_once("Error: ") {
        Some((before, error)) if before.is_empty() || before.ends_with('\n') => error.to_owned(),
        _ => said,
    }
}

/// Prisma without arguments, in its directory and environment.
pub(crate) fn command(project: &Project) -> Command {
    let (program, arguments) = project.command();
    let mut command = super::command(program);
    command
        .args(arguments)
        .envs(project.env().iter().map(|(key, value)| (key, value)))
        .current_dir(project.directory());
    // ours has given way to another one where TMPDIR cannot be written, which Prisma ends at
    let temporary = tempfile::env::temp_dir();
    if temporary != std::env::temp_dir() {
        command.env("TMPDIR", temporary);
    }
    command
}

/// Without Prisma's advertisements and its check for updates.
pub(crate) fn quiet(command: &mut Command) -> &mut Command {
    command.env("CHECKPOINT_DISABLE", "1").env("PRISMA_HIDE_UPDATE_MESSAGE", "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_with_the_error() {
        let stderr = b"Loaded Prisma config from prisma.config.ts.\n\n\x1b[1;31mError: P1012\n\nError: again\x1b[0m\n";
        assert_eq!(words(b"schema loaded", stderr), "P1012\n\nError: again");
        assert_eq!(words(b"only this\n", b" \n"), "only this");
        assert_eq!(words(b"", b"no Error: at the start"), "no Error: at the start");
    }
}
