//! `man`: the man page on stdout; `prisma-safe man | man -l -`.

use crate::context::Context;
use crate::error::{Explain as _, Result};
use crate::exit::Exit;

/// Prints the page: the root command, then each subcommand.
///
/// # Errors
/// Never in practice: it writes to memory.
pub fn run(command: clap::Command, context: &Context) -> Result<Exit> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).explain(|| "could not write the man page".into())?;
    context.shell.print(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}
