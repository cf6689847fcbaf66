//! `mcp`: read-only tools for coding agents, over stdio.

use std::ffi::OsString;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::mcp;

/// Arguments of `mcp`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Serves until the client hangs up.
///
/// # Errors
/// Exit status 2 with `--url`, 1 where the other side does not speak the protocol.
pub fn run(_: &Args, context: &Context) -> Result<Exit> {
    let global = &context.global;
    if global.url.is_some() {
        return Err(Error::usage("`mcp` takes no --url: it would have to hand the password on in an argument").help(
            "set the variable that Prisma's configuration reads, or name an environment of prisma-safe.toml with --env",
        ));
    }
    let mut options: Vec<OsString> = ["--non-interactive", "--color=never"].map(OsString::from).into();
    options.extend(global.prisma());
    options.extend(global.environment.iter().map(|name| OsString::from(format!("--env={name}"))));
    mcp::serve(context.directory.clone(), options)?;
    Ok(Exit::Done)
}
