//! One engine process of Prisma's, from its start to its end: Prisma's calls go through the role to the real engine, and
//! its responses come back the same way.

use std::collections::{HashMap, VecDeque};
use std::io::BufReader;

use super::arguments::Arguments;
use super::binary::Binary;
use super::inbox::{Event, Inbox, Outbox};
use super::process;
use super::protocol::{self, EngineError, Message};
use super::real::Engine;
use super::role::{CommandReply, Reply, Role};
use super::shadow;
use super::target::Target;
use super::wire::{Frame, Hello};
use crate::error::{Error, Explain as _, Result};
use crate::system::socket::Stream;

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Prisma goes on.
    Over,
    /// The role wants no more.
    Leave,
}

impl Engine<'_> {
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
            Reply::Relay(mut request) => {
                if let Some(url) = &self.shadow {
                    shadow::redirect_call(&mut request, url);
                }
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
            let response = response.map_err(|error| self.explain_shadow(error));
            let response = role.response(&request, response, self)?;
            self.seat.send(&Frame::Out(protocol::answer(&id, &response)));
        } else {
            self.seat.send(&Frame::Out(line));
        }
        Ok(())
    }

    /// A migration that does not replay may only lack what the scratch server does not have.
    fn explain_shadow(&self, error: EngineError) -> EngineError {
        match &self.shadow {
            Some(_) if error.code() == Some("P3006") => error.with_note(
                "The migrations were replayed on a scratch server of prisma-safe's; shadow = \"prisma\" in prisma-safe.toml \
                 replays them beside the database.",
            ),
            _ => error,
        }
    }

    /// Whether Prisma, or the real engine, is gone for good.
    fn is_end(&self, event: &Event) -> bool {
        match event {
            Event::Prisma(session, None) => *session == self.session,
            Event::Engine(number, None) => *number == self.number,
            _ => false,
        }
    }

    /// Whether no one waits for an answer any more: nothing new is started then. What happened until then is kept.
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
        // an engine that ends without its answers has failed, whatever it says
        self.inbox.broken |= !self.pending.is_empty();
        self.seat.send(&Frame::Exit(if self.inbox.broken { status.max(1) } else { status }));
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
                Event::Engine(of, Some(line)) if of == self.number => self.hear_engine(line, role)?,
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
    reader: BufReader<Stream>,
    inbox: &mut Inbox,
    binary: &mut Binary,
    role: &mut dyn Role,
) -> Result<End> {
    inbox.prisma.caller = hello.prisma;
    let seat = reader.get_ref().try_clone().map(Outbox::new).explain(|| "the seat is broken".into())?;
    let end = play(session, hello, reader, seat.clone(), inbox, binary, role);
    if !matches!(end, Ok(End::Over)) {
        inbox.prisma.end();
    }
    seat.close();
    end
}

fn play(
    session: u64,
    hello: Hello,
    reader: BufReader<Stream>,
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
    let mut engine = Engine {
        session,
        number: 0,
        inbox,
        binary,
        hello,
        target,
        seat,
        process,
        pending,
        deferred,
        calls: 0,
        unheard: false,
        shadow: None,
        aside: None,
        judged: false,
    };
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
