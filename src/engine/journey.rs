//! A journey: Prisma runs from its start to its end with us in its engine's seat.

use std::ffi::OsString;
use std::io::Read;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use signal_hook::consts::SIGINT;

use super::binary::{Binary, VARIABLES};
use super::inbox::{Event, Inbox, Prisma};
use super::place::Place;
use super::process::code;
use super::role::Role;
use super::session::{End, serve};
use super::signals::Watch;
use super::supported;
use crate::context::Context;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::tools;

/// How long output is waited for that a process of Prisma's still holds open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where Prisma's words go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// To the person, and the person's to Prisma.
    Shown,
    /// To the person, but not on stdout: that is for a program.
    Aside,
    /// Into the result; Prisma hears nothing.
    Kept,
}

/// How a journey ended.
#[derive(Debug)]
pub(super) struct Journeyed {
    pub(super) exit: Exit,
    /// What Prisma wrote to stderr, else to stdout, where that was kept.
    pub(super) said: String,
}

/// Runs Prisma with a role in its engine's seat. Afterwards no process and no file of it is left.
///
/// # Errors
/// The role's error; 130 if Ctrl-C came with one; 1 if Prisma or its engine could not be started.
pub(super) fn travel(
    project: &Project,
    context: &Context,
    args: &[OsString],
    role: &mut dyn Role,
    words: Words,
) -> Result<Journeyed> {
    let (post, events) = channel();
    let mut binary = Binary::new(project, context);
    binary.chosen()?;
    supported::check(project, args)?;
    let place = Place::make(post.clone()).explain(|| "could not make a place for the schema engine's seat".into())?;

    let interrupted = Arc::new(AtomicBool::new(false));
    let (flag, signals) = (Arc::clone(&interrupted), post.clone());
    let _watch = Watch::start(move |signal| {
        flag.store(true, Ordering::SeqCst);
        let _ = signals.send(Event::Signal(signal));
    })?;

    let mut command = tools::prisma::command(project);
    tools::prisma::quiet(&mut command).args(args).env(VARIABLES[0], place.seat()).env_remove(VARIABLES[1]);
    match words {
        Words::Shown => {}
        Words::Aside => {
            command.stdout(std::io::stderr());
        }
        Words::Kept => {
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        }
    }
    let mut prisma = Prisma::start(&mut command, post.clone())
        .explain(|| format!("could not start Prisma by {}", project.command().0.display()))?;
    let stdout = prisma.process().stdout.take().map(keep);
    let stderr = prisma.process().stderr.take().map(keep);

    let mut inbox = Inbox::new(events, post, prisma, interrupted);
    let end = attend(&mut inbox, &mut binary, role);
    if !matches!(end, Ok(End::Over)) {
        inbox.prisma.end();
    }
    while !inbox.prisma.ended {
        inbox.receive();
    }
    let status = inbox.prisma.reap().explain(|| "could not wait for Prisma".into())?;
    let exit = match (end, inbox.signal) {
        (Err(error), None) => return Err(error),
        (Err(error), Some(_)) if error.exit() == Exit::Cancelled => return Err(error),
        (Err(error), Some(_)) => return Err(Error::cancelled().because(error)),
        (Ok(_), Some(SIGINT)) => Exit::Cancelled,
        (Ok(_), Some(signal)) => Exit::Child(128 + u8::try_from(signal).unwrap_or(0)),
        (Ok(End::Leave), None) => Exit::Done,
        (Ok(End::Over), None) => match (code(status), inbox.broken) {
            (0, false) => Exit::Done,
            (0, true) => return Err(broken()),
            (code, _) => Exit::Child(code),
        },
    };
    let last_words = |kept: Option<Receiver<Vec<u8>>>| kept.and_then(|kept| kept.recv_timeout(LAST_WORDS).ok());
    let (stdout, stderr) = (last_words(stdout).unwrap_or_default(), last_words(stderr).unwrap_or_default());
    Ok(Journeyed { exit, said: tools::prisma::words(&stdout, &stderr) })
}

/// Prisma 6 and 7 end well, and silently, when their engine ends before its answer: they wait for its end a second time,
/// with a timer that does not keep them alive (`SchemaEngineCLI.stop`).
fn broken() -> Error {
    Error::failed("Prisma's schema engine ended before it had answered")
        .help("what it had done by then is unknown: `prisma migrate status` tells what is applied")
}

/// Serves Prisma's engines, one after the other, until Prisma ends.
fn attend(inbox: &mut Inbox, binary: &mut Binary, role: &mut dyn Role) -> Result<End> {
    for session in 0.. {
        let (hello, reader) = loop {
            if let Some(waiting) = inbox.waiting() {
                break waiting;
            }
            if inbox.prisma.ended {
                return Ok(End::Over);
            }
            if let Event::Seated(hello, reader) = inbox.receive() {
                break (hello, reader);
            }
        };
        if serve(session, hello, reader, inbox, binary, role)? == End::Leave {
            return Ok(End::Leave);
        }
    }
    Ok(End::Over)
}

/// Reads to the end, on a thread of its own.
fn keep(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (post, kept) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // what was read before an error counts
        let _ = from.read_to_end(&mut bytes);
        let _ = post.send(bytes);
    });
    kept
}
