//! What sits in the seat: it sees every message between Prisma and its engine, and decides.

use serde_json::Value;

use super::arguments::CliCommand;
use super::protocol::{EngineError, Request, Response};
use super::real::Engine;
use super::target::Target;
use crate::database::DatabaseUrl;
use crate::error::Result;

/// What is done with a command of the engine's command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandReply {
    /// The real engine runs it.
    Relay,
    /// It is done, without the real engine.
    Done,
    /// It fails with Prisma's code (`P1003`) and this sentence.
    Fail { code: String, message: String },
}

/// What is done with a call of Prisma's.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It goes to the real engine, changed or not.
    Relay(Request),
    /// This is its result; the real engine never hears of it.
    Answer(Value),
    /// It fails with this error, which Prisma prints; the real engine never hears of it.
    Refuse(EngineError),
    /// All that was wanted is known: Prisma is ended where it is, and the journey ends well.
    Leave,
}

/// A role. Everything is relayed unless it says otherwise.
///
/// An error from any of these ends the journey: Prisma is ended before it can print anything, its engine is stopped, and
/// [`super::run`] returns the error.
pub trait Role {
    /// An engine was started; before anything else happens. Prisma starts several, one after the other. Gives the
    /// database that the real engine works on, where that is another one than Prisma said.
    ///
    /// # Errors
    /// Ends the journey.
    fn seated(&mut self, target: &Target) -> Result<Option<DatabaseUrl>> {
        let _ = target;
        Ok(None)
    }

    /// A command of the engine's command line.
    ///
    /// # Errors
    /// Ends the journey.
    fn command(&mut self, command: CliCommand) -> Result<CommandReply> {
        let _ = command;
        Ok(CommandReply::Relay)
    }

    /// A call of Prisma's. The role may make calls of its own first.
    ///
    /// # Errors
    /// Ends the journey.
    fn request(&mut self, request: Request, engine: &mut Engine<'_>) -> Result<Reply> {
        let _ = engine;
        Ok(Reply::Relay(request))
    }

    /// The real engine's response to a call that was relayed, as it was relayed.
    ///
    /// # Errors
    /// Ends the journey.
    fn response(&mut self, request: &Request, response: Response, engine: &mut Engine<'_>) -> Result<Response> {
        let _ = (request, engine);
        Ok(response)
    }
}

/// Relays everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relay;

impl Role for Relay {}
