//! Everything that can happen during a journey, as one stream of events, and Prisma's own process among it.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader};
use std::net::Shutdown;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;

use super::wire::{Frame, Hello};
use crate::system::process::{self, Signal, Watched};
use crate::system::socket::{Listener, Stream};

/// How long Prisma may take to end once it should.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the seat may take to introduce itself.
const INTRODUCTION: Duration = Duration::from_secs(10);

/// Something that happened. Sessions and real engines are numbered; lines keep their newline, and none stands for the end.
#[derive(Debug)]
pub(super) enum Event {
    /// Prisma started an engine.
    Seated(Hello, BufReader<Stream>),
    /// Prisma said something to its engine.
    Prisma(u64, Option<Vec<u8>>),
    /// The real engine said something.
    Engine(u64, Option<Vec<u8>>),
    /// Prisma ended.
    Ended,
    /// A signal reached us.
    Signal(i32),
}

/// The way to the seat.
#[derive(Debug, Clone)]
pub(super) struct Outbox(Arc<Mutex<Stream>>);

impl Outbox {
    pub(super) fn new(stream: Stream) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }

    /// A seat that is gone is noticed by the end of its lines.
    pub(super) fn send(&self, frame: &Frame) {
        let _ = frame.write(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Nothing more is said or heard; what was sent still arrives.
    pub(super) fn close(&self) {
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).shutdown(Shutdown::Both);
    }
}

/// The events of a journey.
pub(super) struct Inbox {
    events: Receiver<Event>,
    waiting: VecDeque<(Hello, BufReader<Stream>)>,
    /// How many real engines there were; tells their events apart.
    engines: u64,
    pub(super) post: Sender<Event>,
    pub(super) prisma: Prisma,
    /// Whether an engine or its seat ended with calls unanswered.
    pub(super) broken: bool,
    /// The first signal that reached us.
    pub(super) signal: Option<i32>,
    /// The same, known even while no events are taken.
    pub(super) interrupted: Arc<AtomicBool>,
}

impl Inbox {
    pub(super) fn new(
        events: Receiver<Event>,
        post: Sender<Event>,
        prisma: Prisma,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        Self { events, waiting: VecDeque::new(), engines: 0, post, prisma, broken: false, signal: None, interrupted }
    }

    /// A number for a real engine.
    pub(super) fn number_engine(&mut self) -> u64 {
        self.engines += 1;
        self.engines
    }

    /// Keeps an engine that was started while another one is served.
    pub(super) fn defer(&mut self, hello: Hello, reader: BufReader<Stream>) {
        self.waiting.push_back((hello, reader));
    }

    /// The next engine that was kept.
    pub(super) fn waiting(&mut self) -> Option<(Hello, BufReader<Stream>)> {
        self.waiting.pop_front()
    }

    /// The next event. Meanwhile Prisma is pressed to end when it should have.
    pub(super) fn receive(&mut self) -> Event {
        let event = loop {
            let Some(deadline) = self.prisma.deadline else {
                // cannot fail: we hold a sender
                break self.events.recv().unwrap_or(Event::Ended);
            };
            match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => break event,
                Err(RecvTimeoutError::Timeout) => self.prisma.press(),
                Err(RecvTimeoutError::Disconnected) => break Event::Ended,
            }
        };
        self.heed(&event);
        event
    }

    /// What has happened already.
    pub(super) fn pending(&mut self) -> Vec<Event> {
        let events: Vec<Event> = self.events.try_iter().collect();
        events.iter().for_each(|event| self.heed(event));
        events
    }

    fn heed(&mut self, event: &Event) {
        match event {
            Event::Ended => self.prisma.ended = true,
            // the terminal tells Prisma too, which knows best how to end
            Event::Signal(SIGINT) => {
                self.signal.get_or_insert(SIGINT);
                self.prisma.hurry();
            }
            Event::Signal(signal) => {
                self.signal.get_or_insert(*signal);
                self.prisma.press();
            }
            _ => {}
        }
    }
}

/// Prisma's process: the one we started, and the one that started its engine (the same without a package manager
/// between).
pub(super) struct Prisma {
    process: Watched,
    /// Set when an engine is started.
    pub(super) caller: Option<u32>,
    deadline: Option<Instant>,
    pressed: bool,
    pub(super) ended: bool,
}

impl Prisma {
    /// Starts it; its end is posted. It stays unreaped until [`Prisma::reap`], so its number stays its own.
    pub(super) fn start(command: &mut Command, post: Sender<Event>) -> io::Result<Self> {
        let process = Watched::start(command, move || drop(post.send(Event::Ended)))?;
        Ok(Self { process, caller: None, deadline: None, pressed: false, ended: false })
    }

    /// It is about to end: if it does not, it is made to.
    pub(super) fn hurry(&mut self) {
        self.deadline.get_or_insert_with(|| Instant::now() + PATIENCE);
    }

    /// Ends it where it is. By force: on SIGTERM it would still report what became of its engine.
    pub(super) fn end(&mut self) {
        self.pressed = true;
        self.press();
    }

    /// Ends it by SIGTERM; the second time by force.
    pub(super) fn press(&mut self) {
        let signal = if self.pressed { Signal::Kill } else { Signal::Terminate };
        self.pressed = true;
        self.deadline = Some(Instant::now() + PATIENCE);
        let started = self.process.id();
        let caller = self.caller.filter(|pid| *pid != started);
        // a package manager first: it would report the end of Prisma as a failure
        for pid in (!self.ended).then_some(started).into_iter().chain(caller) {
            let _ = process::signal(pid, signal);
        }
    }

    /// Its status, once it ended.
    pub(super) fn reap(&mut self) -> io::Result<ExitStatus> {
        self.process.reap()
    }

    /// The one that we started, with its captured stdout and stderr, if they were asked for.
    pub(super) fn process(&mut self) -> &mut Watched {
        &mut self.process
    }
}

/// Posts every engine that Prisma starts, until it is woken by a connection after it was stopped.
pub(super) fn listen(listener: &Listener, stopped: &AtomicBool, post: &Sender<Event>) {
    loop {
        let stream = listener.accept();
        if stopped.load(Ordering::SeqCst) {
            return;
        }
        if let Ok((hello, reader)) = stream.and_then(introduce) {
            let _ = post.send(Event::Seated(hello, reader));
        }
    }
}

fn introduce(stream: Stream) -> io::Result<(Hello, BufReader<Stream>)> {
    stream.set_read_timeout(Some(INTRODUCTION))?;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    reader.get_ref().set_read_timeout(None)?;
    Ok((serde_json::from_slice(&line)?, reader))
}
