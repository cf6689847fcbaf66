//! `completions SHELL`: a completion script on stdout.

use clap::CommandFactory as _;
use clap_complete::Shell as Kind;

use crate::cli::Cli;
use crate::context::Context;
use crate::exit::Exit;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// For which shell
    pub shell: Kind,
}

/// Prints the script.
pub fn run(args: &Args, context: &Context) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "prisma-safe", &mut script);
    context.shell.print(&String::from_utf8_lossy(&script));
    Exit::Done
}
