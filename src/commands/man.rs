//! `man`: the man pages; `prisma-safe man | man -l -`.

use std::path::PathBuf;

use crate::context::Context;
use crate::error::{Explain as _, Result};
use crate::exit::Exit;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write a page for each command into this directory, as packages install them; default: the first page, on stdout
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Prints the page of the whole, or writes that of each command.
///
/// # Errors
/// Exit status 1 if the directory cannot be written.
pub fn run(args: &Args, command: clap::Command, context: &Context) -> Result<Exit> {
    if let Some(directory) = &args.output {
        let directory = context.directory.join(directory);
        let written = std::fs::create_dir_all(&directory).and_then(|()| clap_mangen::generate_to(command, &directory));
        written.explain(|| format!("could not write to {}", directory.display()))?;
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).explain(|| "could not write the man page".into())?;
    context.shell.print(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}
