//! One engine process of Prisma's, from its start to its end: Prisma's calls go through the role to the real engine, and
//! its responses come back the same way.

use std::collections::{HashMap, VecDeque};
use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::arguments::Arguments;
use super::binary::Binary;
use super::inbox::{Event, Inbox, Outbox};
use super::process::{self, Process};
use super::protocol::{self, EngineError, Message, Request, Response};
use super::role::{CommandReply, Reply, Role};
use super::target::Target;
use super::wire::{Frame, Hello};
use crate::database::DatabaseUrl;
use crate::error::{Error, Explain as _, Result};

/// Bits for the engines of one session.
const GENERATIONS: u32 = 16;

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Prisma goes on.
    Over,
    /// The role wants no more.
    Leave,
}

/// The real engine of a session, for roles that make calls of their own.
pub struct Engine<'a> {
    session: u64,
    /// Tells the real engines of all sessions apart.
    generation: u64,
    inbox: &'a mut Inbox,
    binary: &'a mut Binary,
    hello: Hello,
    target: Target,
    seat: Outbox,
    process: Option<Process>,
    /// Calls of Prisma's that the real engine has not answered.
    pending: HashMap<String, Request>,
    /// Events that came while a role waited for an answer of its own.
    deferred: VecDeque<Event>,
    calls: u64,
}

impl Engine<'_> {
    /// What Prisma told this engine.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether Ctrl-C or another signal asks us to end: for roles that work for long.
    pub fn interrupted(&self) -> bool {
        self.inbox.interrupted.load(Ordering::SeqCst)
    }

    /// Makes the real engine work on this database from the next call on.
    ///
    /// # Errors
    /// Exit status 2 where the URL stands in the schema itself.
    pub fn redirect(&mut self, url: &DatabaseUrl) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.stop().explain(|| "could not stop Prisma's schema engine".into())?;
        }
        // what the stopped engine still has to say is not the next one's
        self.generation += 1;
        self.hello = Arguments::parse(&self.hello).redirect(&self.hello, url)?;
        Ok(())
    }

    /// The flag that Ctrl-C and its like raise.
    pub fn interrupt(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.inbox.interrupted)
    }

    /// Makes a call and waits for its response.
    ///
    /// # Errors
    /// The engine's own error; or one without a code when the engine could not be started or ended, and when a signal
    /// or Prisma's end cut the call short.
    pub fn call(&mut self, method: &str, params: Value) -> Response {
        self.calls += 1;
        let id = Value::from(format!("prisma-safe-{}", self.calls));
        let request = Request { id: id.clone(), method: method.to_owned(), params };
        let gone = |what: &str| Err(EngineError::new(format!("{what} while it ran {method}"), None));
        if let Err(error) = self.send(&request.line()) {
            return Err(EngineError::new(error.to_string(), None));
        }
        loop {
            match self.inbox.receive() {
                Event::Engine(of, Some(line)) if of == self.generation => match Message::parse(&line) {
                    Some(Message::Response(of, response)) if of == id => return response,
                    Some(Message::Response(..)) => self.deferred.push_back(Event::Engine(self.generation, Some(line))),
                    _ => self.seat.send(&Frame::Out(line)),
                },
                // what the engine asks Prisma, Prisma answers
                Event::Prisma(session, Some(line))
                    if session == self.session && matches!(Message::parse(&line), Some(Message::Response(..))) =>
                {
                    if let Err(error) = self.send(&line) {
                        return Err(EngineError::new(error.to_string(), None));
                    }
                }
                event => {
                    let cut = match &event {
                        Event::Engine(of, None) if *of == self.generation => "the schema engine ended",
                        Event::Prisma(session, None) if *session == self.session => "Prisma stopped its engine",
                        Event::Ended => "Prisma ended",
                        Event::Signal(_) => "a signal came",
                        _ => "",
                    };
                    self.deferred.push_back(event);
                    if !cut.is_empty() {
                        return gone(cut);
                    }
                }
            }
        }
    }

    /// Sends a line to the real engine, which is started by the first one.
    fn send(&mut self, line: &[u8]) -> Result<()> {
        let process = match &mut self.process {
            Some(process) => process,
            none => {
                let (post, seat) = (self.inbox.post.clone(), self.seat.clone());
                let binary = self.binary.path()?;
                none.insert(Process::start(&binary, &self.hello, self.binary.env(), self.generation, post, seat)?)
            }
        };
        process.send(line);
        Ok(())
    }

    fn hear_prisma(&mut self, line: Vec<u8>, role: &mut dyn Role) -> Result<End> {
        if line.trim_ascii().is_empty() {
            return Ok(End::Over);
        }
        let request = match Message::parse(&line) {
            Some(Message::Request(request)) => request,
            Some(_) => return self.send(&line).map(|()| End::Over),
            // what cannot be read cannot be guarded
            None => return Err(Error::failed("Prisma sent its engine something that is not understood")),
        };
        let id = request.id.clone();
        match role.request(request, self)? {
            Reply::Relay(request) if id.is_null() => drop(request),
            // the role may have taken its time
            Reply::Relay(_) if self.abandoned() => {
                self.inbox.broken = true;
                return Ok(End::Over);
            }
            Reply::Relay(request) => {
                let line = request.line();
                self.pending.insert(id.to_string(), request);
                self.send(&line)?;
                return Ok(End::Over);
            }
            Reply::Answer(result) => self.seat.send(&Frame::Out(protocol::answer(&id, &Ok(result)))),
            Reply::Refuse(error) => self.seat.send(&Frame::Out(protocol::answer(&id, &Err(error)))),
            Reply::Leave => return Ok(End::Leave),
        }
        if id.is_null() {
            self.send(&line)?;
        }
        Ok(End::Over)
    }

    fn hear_engine(&mut self, line: Vec<u8>, role: &mut dyn Role) -> Result<()> {
        if let Some(Message::Response(id, response)) = Message::parse(&line)
            && let Some(request) = self.pending.remove(&id.to_string())
        {
            let response = role.response(&request, response, self)?;
            self.seat.send(&Frame::Out(protocol::answer(&id, &response)));
        } else {
            self.seat.send(&Frame::Out(line));
        }
        Ok(())
    }

    /// Whether Prisma, or the real engine, is gone for good.
    fn is_end(&self, event: &Event) -> bool {
        match event {
            Event::Prisma(session, None) => *session == self.session,
            Event::Engine(generation, None) => *generation == self.generation,
            _ => false,
        }
    }

    /// Whether nobody waits for an answer any more: nothing new is started then. What happened meanwhile is kept.
    fn abandoned(&mut self) -> bool {
        self.deferred.extend(self.inbox.pending());
        self.deferred.iter().any(|event| match event {
            Event::Prisma(session, None) => *session == self.session,
            Event::Ended | Event::Signal(_) => true,
            _ => false,
        })
    }

    /// Stops the real engine, and with it the seat, with the same status.
    fn stop(&mut self) -> Result<()> {
        let status = self.process.take().map(|mut process| process.stop()).transpose();
        let status = status.explain(|| "could not stop Prisma's schema engine".into())?.map_or(0, process::code);
        let answered = self.pending.is_empty();
        self.inbox.broken |= !answered;
        // an engine that ends without its answers has failed, whatever it says
        self.seat.send(&Frame::Exit(if answered { status } else { status.max(1) }));
        Ok(())
    }

    /// Relays until one side ends.
    fn attend(&mut self, role: &mut dyn Role) -> Result<End> {
        loop {
            let event = self.deferred.pop_front().unwrap_or_else(|| self.inbox.receive());
            match event {
                Event::Prisma(session, Some(line)) if session == self.session => match self.hear_prisma(line, role)? {
                    End::Leave => return Ok(End::Leave),
                    End::Over => {}
                },
                Event::Engine(of, Some(line)) if of == self.generation => self.hear_engine(line, role)?,
                event @ (Event::Prisma(_, None) | Event::Engine(_, None)) if self.is_end(&event) => {
                    return self.stop().map(|()| End::Over);
                }
                // an engine outlives Prisma only when Prisma was killed, or a package manager above it
                Event::Ended => self.inbox.prisma.hurry(),
                Event::Seated(hello, reader) => self.inbox.defer(hello, reader),
                _ => {}
            }
        }
    }
}

/// Serves an engine process of Prisma's until it ends. Unless Prisma may go on, it is pressed to end before it notices
/// that its engine is gone.
pub(super) fn serve(
    session: u64,
    hello: Hello,
    reader: BufReader<UnixStream>,
    inbox: &mut Inbox,
    binary: &mut Binary,
    role: &mut dyn Role,
) -> Result<End> {
    inbox.prisma.caller = Some(hello.prisma);
    let seat = reader.get_ref().try_clone().map(Outbox::new).explain(|| "the seat is broken".into())?;
    let end = play(session, hello, reader, seat.clone(), inbox, binary, role);
    if !matches!(end, Ok(End::Over)) {
        inbox.prisma.end();
    }
    drop(seat);
    end
}

fn play(
    session: u64,
    hello: Hello,
    reader: BufReader<UnixStream>,
    seat: Outbox,
    inbox: &mut Inbox,
    binary: &mut Binary,
    role: &mut dyn Role,
) -> Result<End> {
    let arguments = Arguments::parse(&hello);
    let target = Target::new(&arguments, &hello)?;
    let redirected = role.seated(&target)?;
    let (hello, target) = match redirected {
        Some(url) => (arguments.redirect(&hello, &url)?, Target { url: Some(url), ..target }),
        None => (hello, target),
    };
    if let Some(command) = arguments.command {
        let reply = role.command(command)?;
        return obey(reply, &hello, &seat, binary).map(|()| End::Over);
    }
    let post = inbox.post.clone();
    std::thread::spawn(move || {
        process::lines(reader, |line| drop(post.send(Event::Prisma(session, Some(line)))));
        let _ = post.send(Event::Prisma(session, None));
    });
    let (process, pending, deferred) = (None, HashMap::new(), VecDeque::new());
    let generation = session << GENERATIONS;
    let mut engine =
        Engine { session, generation, inbox, binary, hello, target, seat, process, pending, deferred, calls: 0 };
    let end = engine.attend(role);
    for event in std::mem::take(&mut engine.deferred) {
        if let Event::Seated(hello, reader) = event {
            engine.inbox.defer(hello, reader);
        }
    }
    if !matches!(end, Ok(End::Over)) {
        // before the real engine is stopped, which may take its time
        engine.inbox.prisma.end();
    }
    end
}

fn obey(reply: CommandReply, hello: &Hello, seat: &Outbox, binary: &mut Binary) -> Result<()> {
    match reply {
        CommandReply::Relay => {
            let output = process::run(&binary.path()?, hello, binary.env())?;
            seat.send(&Frame::Out(output.stdout));
            seat.send(&Frame::Err(output.stderr));
            seat.send(&Frame::Exit(process::code(output.status)));
        }
        CommandReply::Done => seat.send(&Frame::Exit(0)),
        CommandReply::Fail { code, message } => {
            seat.send(&Frame::Err(protocol::failure(&code, &message)));
            seat.send(&Frame::Exit(1));
        }
    }
    Ok(())
}
