//! `completions SHELL`: a completion script on stdout.

use clap_complete::Shell as Kind;

use crate::context::Context;
use crate::exit::Exit;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// For which shell
    pub shell: Kind,
}

/// Prints the script for this command line.
pub fn run(args: &Args, mut command: clap::Command, context: &Context) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "prisma-safe", &mut script);
    context.shell.print(&String::from_utf8_lossy(&script));
    Exit::Done
}
