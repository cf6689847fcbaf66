//! `agent install`: what coding agents read; `agent hook`: what is asked before each of their commands.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::agent_setup::{Form, Verdict, judge, plan};
use crate::changes;
use crate::context::Context;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::project::repository;

/// Arguments of `agent`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What is done for agents.
#[derive(Debug, clap::Subcommand)]
#[command(disable_help_subcommand = true)]
enum Command {
    /// Write rules for coding agents into the files that they read, a hook where they have hooks, and `prisma-safe mcp` where they list
    /// servers of tools; shows the difference first
    Install(Install),
    /// Judge a command that an agent is about to run: Claude Code's PreToolUse on stdin, its decision on stdout
    #[command(hide = true)]
    Hook,
}

/// Which files.
#[derive(Debug, clap::Args)]
struct Install {
    /// Files to write; repeat for several. Default: those that the project has
    #[arg(long = "for", value_enum, value_name = "FORM")]
    forms: Vec<Form>,
}

/// Runs it.
///
/// # Errors
/// Exit status 2 without a form, and without a terminal and without `--yes`; 130 if the person says no.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    match &args.command {
        Command::Install(install) => set_up(install, context),
        Command::Hook => hook(context),
    }
}

fn set_up(install: &Install, context: &Context) -> Result<Exit> {
    let shell = &context.shell;
    let root = repository(&context.directory);
    let project = context.directory.strip_prefix(root).ok().and_then(Path::to_str).unwrap_or_default();
    let planned = plan(root, project, &install.forms)?;
    changes::show(&planned, &[], context);
    if planned.is_empty() {
        shell.status("Ready", "the agents of this project know the rules already");
        return Ok(Exit::Done);
    }
    let mute = Error::usage("cannot ask for agreement without a terminal")
        .help("`prisma-safe agent install --yes` writes them without asking");
    changes::write_if_agreed(&planned, root, context, mute)?;
    Ok(Exit::Done)
}

fn hook(context: &Context) -> Result<Exit> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).explain(|| "could not read the hook's input".into())?;
    let asked: Value =
        serde_json::from_str(&text).map_err(|error| Error::usage("the hook's input is not JSON").because(error))?;
    // silence does not object: the agent's own rules decide then
    if let Verdict::Refuse(reason) = judge(asked["tool_input"]["command"].as_str().unwrap_or_default()) {
        let decision = json!({ "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        } });
        context.shell.print(&format!("{decision}\n"));
    }
    Ok(Exit::Done)
}
