//! The seat between Prisma and its schema engine.
//!
//! Prisma's command line does no work on databases: it starts a schema engine and makes calls to it, and
//! `PRISMA_SCHEMA_ENGINE_BINARY` chooses that engine. [`run`] starts the project's Prisma with us in that place. What
//! Prisma starts is [`seat`], which only carries bytes; the process that called [`run`] owns the real engine, and a [`Role`]
//! decides about each message between the two:
//!
//! ```text
//! prisma-safe ──starts──▶ Prisma ──starts──▶ seat (schema-engine)
//!      │ ▲                                     │
//!      │ └───────────── socket ────────────────┘
//!      └──starts──▶ the real schema engine
//! ```

mod arguments;
mod binary;
mod deploy;
mod diff;
mod difference;
mod discover;
pub mod door;
mod draft;
mod fence;
mod folder;
mod inbox;
mod journey;
mod place;
mod process;
pub mod protocol;
mod prove;
mod real;
mod remaining;
mod role;
pub mod seat;
mod session;
mod shadow;
mod signals;
mod supported;
mod target;
#[cfg(test)]
mod tests;
mod wire;

use std::ffi::OsString;

pub use self::arguments::CliCommand;
pub use self::deploy::{DeployRequest, Deployer};
pub use self::difference::difference;
pub use self::discover::{Discovered, discover};
pub use self::draft::{Drafted, Drafter};
pub use self::fence::{Fence, Guard};
pub use self::protocol::{DataLoss, EngineError, MigrationsList, Request, Response, StepNote};
pub use self::prove::prove;
pub use self::real::Engine;
pub use self::remaining::Remaining;
pub use self::role::{CommandReply, Relay, Reply, Role};
pub use self::shadow::ShadowUse;
pub use self::target::Target;

use self::deploy::Deploy;
use self::diff::Diff;
use self::draft::Draft;
use self::fence::Fenced;
use self::journey::{Words, travel};
use crate::context::Context;
use crate::database::DatabaseUrl;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project::Project;

/// Runs Prisma with a role in its engine's seat, on the person's terminal. Gives Prisma's status; 130 after Ctrl-C.
/// Afterwards no process and no file of it is left.
///
/// # Errors
/// The role's error; 1 if Prisma or its engine could not be started; 2 if the person's `PRISMA_SCHEMA_ENGINE_BINARY`
/// names no file.
pub fn run(project: &Project, context: &Context, args: &[OsString], role: &mut dyn Role) -> Result<Exit> {
    speak(project, context, args, role, Words::Shown)
}

/// Leaves stdout to us if that is for a program.
fn aside(for_machines: bool) -> Words {
    if for_machines { Words::Aside } else { Words::Shown }
}

fn speak(project: &Project, context: &Context, args: &[OsString], role: &mut dyn Role, words: Words) -> Result<Exit> {
    travel(project, context, args, role, words).map(|journeyed| journeyed.exit)
}

/// Runs `migrate dev` with these arguments (`migrate`, `dev`, …); the draft goes through the drafter.
///
/// # Errors
/// As [`run`], and the drafter's own; nothing is on disk then.
pub fn draft(
    project: &Project,
    context: &Context,
    args: &[OsString],
    for_machines: bool,
    drafter: &mut dyn Drafter,
) -> Result<Exit> {
    let mut role = Draft::new(drafter);
    let exit = speak(project, context, args, &mut role, aside(for_machines))?;
    demand_engine(exit, role.reached, args)
}

/// Runs `migrate deploy` with these arguments; nothing is applied before the deployer has seen it.
///
/// # Errors
/// As [`run`], and the deployer's own. Exit status 2 if Prisma deployed without a schema engine.
pub fn deploy(
    project: &Project,
    context: &Context,
    args: &[OsString],
    for_machines: bool,
    deployer: &mut dyn Deployer,
) -> Result<Exit> {
    let mut role = Deploy::new(deployer);
    let exit = speak(project, context, args, &mut role, aside(for_machines))?;
    demand_engine(exit, role.reached, args)
}

/// Shows the deployer what `migrate deploy` with these arguments would apply, and applies nothing: Prisma asks no database,
/// says nothing, and is ended before it would.
///
/// # Errors
/// As [`deploy`]; exit status 1 with Prisma's own words if it cannot work with the project.
pub fn look(project: &Project, context: &Context, args: &[OsString], deployer: &mut dyn Deployer) -> Result<()> {
    let mut role = Deploy::only_look(deployer);
    let journeyed = travel(project, context, args, &mut role, Words::Kept)?;
    match (role.reached, journeyed.exit) {
        (_, Exit::Cancelled) => Err(Error::cancelled()),
        (true, _) => Ok(()),
        (false, Exit::Done) => Err(supported::no_engine()),
        (false, _) => Err(Error::failed("Prisma cannot work with this project").because(journeyed.said)),
    }
}

/// Runs any other command that touches a database (`db push`, `migrate reset`); `decide` is asked for every engine process,
/// and with [`Fence::Production`] what would wipe, rewrite or create the database is refused.
///
/// # Errors
/// As [`run`], and `decide`'s own; exit status 3 for what is refused.
pub fn fence(
    project: &Project,
    context: &Context,
    args: &[OsString],
    decide: &mut dyn FnMut(&Target) -> Result<Guard>,
) -> Result<Exit> {
    run(project, context, args, &mut Fenced { decide, fence: Fence::Production, url: None })
}

/// Runs `migrate diff` with these arguments; what replays migrations does so in the database that `shadow` gives, else in Prisma's
/// own shadow database. `seated` hears of the databases that are named first.
///
/// # Errors
/// As [`run`], and `shadow`'s own.
pub fn diff(
    project: &Project,
    context: &Context,
    args: &[OsString],
    seated: &mut dyn FnMut(&Target),
    shadow: &mut dyn FnMut(&ShadowUse) -> Result<Option<DatabaseUrl>>,
) -> Result<Exit> {
    run(project, context, args, &mut Diff { seated, shadow })
}

/// It is not a success if Prisma did its work, but not through us. Its help needs no engine.
fn demand_engine(exit: Exit, reached: bool, args: &[OsString]) -> Result<Exit> {
    let help = args.iter().any(|arg| arg == "--help" || arg == "-h");
    if exit == Exit::Done && !reached && !help { Err(supported::no_engine()) } else { Ok(exit) }
}
