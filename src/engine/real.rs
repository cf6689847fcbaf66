//! The real engine behind a seat, as roles see it: it can be called, and sent to another database.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::arguments::Arguments;
use super::binary::Binary;
use super::inbox::{Event, Inbox, Outbox};
use super::process::Process;
use super::protocol::{self, EngineError, Message, Request, Response};
use super::shadow::{self, ShadowUse};
use super::target::Target;
use super::wire::{Frame, Hello};
use crate::database::DatabaseUrl;
use crate::error::{Explain as _, Result};

/// The real engine of a session, for roles that make calls of their own.
pub struct Engine<'a> {
    pub(super) session: u64,
    /// The number of the real engine, once there is one.
    pub(super) number: u64,
    pub(super) inbox: &'a mut Inbox,
    pub(super) binary: &'a mut Binary,
    pub(super) hello: Hello,
    pub(super) target: Target,
    pub(super) seat: Outbox,
    pub(super) process: Option<Process>,
    /// Calls of Prisma's that the real engine has not answered.
    pub(super) pending: HashMap<String, Request>,
    /// Events that came while a role waited for an answer of its own.
    pub(super) deferred: VecDeque<Event>,
    pub(super) calls: u64,
    /// What the engine prints is not handed on.
    pub(super) unheard: bool,
    /// The shadow database in the place of Prisma's, once one was chosen; and the files that the engine reads for it.
    pub(super) shadow: Option<DatabaseUrl>,
    pub(super) aside: Option<TempDir>,
    /// Whether the shadow database was looked at.
    pub(super) judged: bool,
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
        self.renew()?;
        self.hello = Arguments::parse(&self.hello).redirect(&self.hello, url)?;
        Ok(())
    }

    /// What a call would replay in a shadow database, the first time that this engine is to use one.
    ///
    /// # Errors
    /// If the call is not understood: what cannot be read cannot be guarded.
    pub(super) fn first_shadow_use(&mut self, request: &Request) -> Result<Option<ShadowUse>> {
        if self.judged {
            return Ok(None);
        }
        let used = ShadowUse::of(request, &self.target, &self.hello)?;
        self.judged = used.is_some();
        Ok(used)
    }

    /// Makes the real engine use this shadow database from the next call on.
    ///
    /// # Errors
    /// If a schema file cannot be copied.
    pub(super) fn use_shadow(&mut self, url: DatabaseUrl) -> Result<()> {
        self.renew()?;
        (self.hello, self.aside) = shadow::redirect(&self.hello, &url)?;
        self.shadow = Some(url);
        Ok(())
    }

    /// The next call goes to a new real engine.
    fn renew(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.stop().explain(|| "could not stop Prisma's schema engine".into())?;
        }
        // what the stopped engine still prints is dropped
        self.number = 0;
        Ok(())
    }

    /// The flag that Ctrl-C and its like raise.
    pub fn interrupt(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.inbox.interrupted)
    }

    /// As [`Engine::call`], but what the engine prints during the call is not shown.
    ///
    /// # Errors
    /// Those of [`Engine::call`].
    pub(super) fn call_unheard(&mut self, method: &str, params: Value) -> Response {
        self.unheard = true;
        let response = self.call(method, params);
        self.unheard = false;
        response
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
                Event::Engine(of, Some(line)) if of == self.number => match Message::parse(&line) {
                    Some(Message::Response(of, response)) if of == id => return response,
                    Some(Message::Response(..)) => self.deferred.push_back(Event::Engine(self.number, Some(line))),
                    Some(Message::Request(print)) if self.unheard && print.method == "print" => {
                        let answer = protocol::answer(&print.id, &Ok(json!({})));
                        if let Err(error) = self.send(&answer) {
                            return Err(EngineError::new(error.to_string(), None));
                        }
                    }
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
                        Event::Engine(of, None) if *of == self.number => "the schema engine ended",
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

    /// Starts the real engine ahead of its first call, beside other work. What keeps it from starting is the call's to report.
    pub fn warm(&mut self) {
        let _ = self.process();
    }

    /// Sends a line to the real engine, which is started by the first one.
    pub(super) fn send(&mut self, line: &[u8]) -> Result<()> {
        self.process()?.send(line);
        Ok(())
    }

    fn process(&mut self) -> Result<&mut Process> {
        match &mut self.process {
            Some(process) => Ok(process),
            none => {
                let (post, seat) = (self.inbox.post.clone(), self.seat.clone());
                let binary = self.binary.path()?;
                self.number = self.inbox.number_engine();
                Ok(none.insert(Process::start(&binary, &self.hello, self.binary.env(), self.number, post, seat)?))
            }
        }
    }
}
