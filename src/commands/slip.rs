//! A slip in the name of a command, told from Prisma's own commands.

use std::ffi::OsString;

use crate::error::{Error, Result};

/// What Prisma 5, 6 and 7 know, and what is not a mistyped command of prisma-safe.
pub(super) const PRISMAS: &[&str] = &[
    "init",
    "dev",
    "generate",
    "studio",
    "migrate",
    "db",
    "format",
    "validate",
    "version",
    "debug",
    "introspect",
    "platform",
    "telemetry",
    "accelerate",
    "postgres",
    "mcp",
    "complete",
    "bootstrap",
    "help",
];

/// Refuses a command that neither Prisma nor prisma-safe knows, and that is one letter or two from one of prisma-safe: Prisma would not name that.
///
/// # Errors
/// Exit status 2, with the command that was probably meant.
pub(super) fn demand_prismas(words: &[OsString], command: &clap::Command) -> Result<()> {
    let Some(word) = words.first().and_then(|word| word.to_str()) else { return Ok(()) };
    if word.len() < 4 || word.starts_with('-') || PRISMAS.contains(&word) {
        return Ok(());
    }
    let near = command.get_subcommands().map(|own| (strsim::damerau_levenshtein(word, own.get_name()), own.get_name()));
    match near.min() {
        Some((1..=2, name)) if name.len() > 3 => Err(Error::usage(format!("there is no command `{word}`"))
            .help(format!("did you mean `prisma-safe {name}`? What is not prisma-safe's goes to Prisma, which does not know it either"))),
        _ => Ok(()),
    }
}
