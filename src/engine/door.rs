//! The side door: plain Prisma starts us as its engine, because `PRISMA_SCHEMA_ENGINE_BINARY` names the file that `init` wrote.
//! Nobody runs a journey then. Calls go to the real engine, but those that the fence stops are answered with an error, which
//! Prisma shows as its own.

use std::ffi::OsString;
use std::io::BufRead as _;
use std::process::Stdio;

use super::arguments::{Arguments, Datasource};
use super::binary::Binary;
use super::fence::Fence;
use super::process;
use super::protocol::{self, EngineError, Message, Request};
use super::shadow::ShadowUse;
use super::target::Target;
use super::wire::Hello;
use crate::context::Context;
use crate::database::DatabaseUrl;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::system::process::parent;

/// The file that `PRISMA_SCHEMA_ENGINE_BINARY` names.
pub const FILE: &str = "prisma-safe-engine.sh";
/// The first argument by which that file starts us.
pub const WORD: &str = "schema-engine";
/// Where the real engine is, if Prisma's own is not to be used: the other variable names us.
pub const REAL: &str = "PRISMA_SAFE_SCHEMA_ENGINE_BINARY";

/// Who judges at the door.
pub trait Doorkeeper {
    /// How much is allowed on a database.
    fn fence(&self, url: &DatabaseUrl) -> Fence;

    /// Refuses a shadow database that may not be emptied.
    ///
    /// # Errors
    /// Exit status 3.
    fn shadow(&self, used: &ShadowUse) -> Result<()>;
}

/// Is Prisma's engine, with these arguments, until Prisma ends it.
///
/// # Errors
/// Exit status 1 if the real engine cannot be found or started; what is refused is an answer.
pub fn stand(project: &Project, context: &Context, args: Vec<OsString>, keeper: &dyn Doorkeeper) -> Result<Exit> {
    let directory = std::env::current_dir().explain(|| "the current directory is gone".into())?;
    let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let hello = Hello { args, directory: directory.into(), env, prisma: parent() };
    let arguments = Arguments::parse(&hello);
    let target = Target::new(&arguments, &hello)?;
    if let Some(command) = arguments.command {
        // what is said of a command stands on stderr, in the engine's own form
        let fence = target.url.as_ref().map_or(Fence::Open, |url| keeper.fence(url));
        if let Err(error) = fence.check_command(command) {
            write(&mut std::io::stderr(), &protocol::failure("P1012", &sentence(&error)));
            return Ok(Exit::Child(1));
        }
        let mut binary = Binary::new(project, context);
        let output = process::run(&binary.path()?, &hello, binary.env())?;
        write(&mut std::io::stdout(), &output.stdout);
        write(&mut std::io::stderr(), &output.stderr);
        return Ok(Exit::Child(process::code(output.status)));
    }
    relay(project, context, &hello, &target, keeper)
}

/// Calls to the real engine, its answers straight to Prisma.
fn relay(
    project: &Project,
    context: &Context,
    hello: &Hello,
    target: &Target,
    keeper: &dyn Doorkeeper,
) -> Result<Exit> {
    let mut binary = Binary::new(project, context);
    let path = binary.path()?;
    let mut command = process::command(&path, hello, binary.env());
    let mut engine = command.stdin(Stdio::piped()).spawn().map_err(|error| process::not_started(&path, error))?;
    let mut calls = engine.stdin.take();
    for line in std::io::stdin().lock().split(b'\n') {
        let Ok(mut line) = line else { break };
        line.push(b'\n');
        if let Some(Message::Request(request)) = Message::parse(&line)
            && let Err(error) = check(&request, target, hello, keeper)
        {
            let refusal = EngineError::new(sentence(&error), None);
            write(&mut std::io::stdout(), &protocol::answer(&request.id, &Err(refusal)));
            continue;
        }
        if let Some(calls) = &mut calls {
            write(calls, &line);
        }
    }
    // by this it ends
    drop(calls.take());
    let status = engine.wait().explain(|| "could not wait for Prisma's schema engine".into())?;
    Ok(Exit::Child(process::code(status)))
}

/// # Errors
/// Exit status 3 for what is not allowed.
fn check(request: &Request, target: &Target, hello: &Hello, keeper: &dyn Doorkeeper) -> Result<()> {
    let url = named(request, hello).or_else(|| target.url.clone());
    let fence = url.as_ref().map_or(Fence::Open, |url| keeper.fence(url));
    fence.check_plain(request)?;
    match ShadowUse::of(request, target, hello)? {
        Some(used) => keeper.shadow(&used),
        None => Ok(()),
    }
}

/// The database that a `db execute` names by itself.
fn named(request: &Request, hello: &Hello) -> Option<DatabaseUrl> {
    let place = &request.params["datasourceType"];
    let described = || {
        let texts = place["files"].as_array()?.iter().filter_map(|file| file["content"].as_str());
        texts.map(|text| Datasource::of_text(text, hello)).find_map(|found| found.url)
    };
    let url = place["url"].as_str().map(str::to_owned).or_else(described)?;
    DatabaseUrl::parse(&url).ok()
}

/// All of an error, for one text of Prisma's.
fn sentence(error: &Error) -> String {
    let mut text = format!("prisma-safe: {error}");
    for cause in error.causes() {
        text.extend(["\n  caused by: ", &cause]);
    }
    if let Some(help) = error.help_text() {
        text.extend(["\n  help: ", help]);
    }
    text
}

/// Prisma may be gone.
fn write(to: &mut impl std::io::Write, bytes: &[u8]) {
    let _ = to.write_all(bytes).and_then(|()| to.flush());
}

impl Fence {
    /// As [`Fence::check_request`], where nothing around plain Prisma would review, back up or ask.
    ///
    /// # Errors
    /// Exit status 3 for what is not allowed.
    fn check_plain(self, request: &Request) -> Result<()> {
        let instead = match (self, request.method.as_str()) {
            (Self::Open, _) => return Ok(()),
            (_, "applyMigrations") => {
                Some(("apply migrations to the production database without a review or a backup", "migrate deploy"))
            }
            (_, "devDiagnostic" | "createMigration") => {
                Some(("develop on the production database", "migrate dev --create-only"))
            }
            _ => None,
        };
        if let Some((what, command)) = instead {
            return Err(Error::refused(format!("plain Prisma was about to {what}"))
                .help(format!("run `npx prisma-safe {command}` instead of `prisma {command}`")));
        }
        self.check_request(request).map_err(|error| {
            let help = error.help_text().unwrap_or_default().to_owned();
            error
                .help(format!("run the same command by `npx prisma-safe`, which asks and takes a backup first; {help}"))
        })
    }
}

/// Whether a value of `PRISMA_SCHEMA_ENGINE_BINARY` is the door.
pub fn names_door(value: &str) -> bool {
    std::path::Path::new(value).file_name().is_some_and(|name| name == FILE)
}
