//! The server that rewrites are proved on.

use std::cell::Cell;

use postgres::Client;

use super::Replay;
use super::replay::prove_on;
use crate::database::{DatabaseUrl, Failure, connect};
use crate::error::{Explain as _, Result};
use crate::project::Migration;
use crate::rename::{Draft, Rewrite};
use crate::tools::scratch::{self, ScratchServer, Search};

/// The database that every server has, empty.
const FIRST: &str = "postgres";

/// Which server to start.
#[derive(Debug, Clone, Copy)]
pub struct Scratch<'a> {
    /// Where its programs are looked for.
    pub search: Search<'a>,
    /// A database whose server has the major version that is preferred. It is asked for that, and for nothing else.
    pub like: Option<&'a DatabaseUrl>,
    /// One that runs already, and that the proof shares with another task: it takes no database that is there.
    pub running: Option<&'a ScratchServer>,
}

impl Scratch<'_> {
    /// The major version that is preferred; none where the database is not reached: another version proves much as well.
    fn wanted(&self) -> Option<u32> {
        let mut client = connect(self.like?, "prisma-safe").ok()?;
        let asked = client.query_typed_one("SELECT current_setting('server_version_num')::int4 / 10000", &[]).ok()?;
        asked.try_get::<_, i32>(0).ok()?.try_into().ok()
    }
}

/// A server that any number of rewrites can be proved on, one after the other.
#[derive(Debug)]
pub struct Stage<'a> {
    server: Place<'a>,
    /// How many databases were used.
    used: Cell<u32>,
}

/// Whose server it is.
#[derive(Debug)]
enum Place<'a> {
    Own(Box<ScratchServer>),
    Shared(&'a ScratchServer),
}

impl<'a> Stage<'a> {
    /// Starts the server, unless one runs.
    ///
    /// # Errors
    /// Exit status 1 if there is none, or it does not start.
    pub fn start(scratch: &Scratch<'a>) -> Result<Self> {
        let server = match scratch.running {
            Some(running) => Place::Shared(running),
            None => Place::Own(Box::new(scratch::open_small(scratch.wanted(), &scratch.search)?)),
        };
        Ok(Self { server, used: Cell::new(0) })
    }

    fn server(&self) -> &ScratchServer {
        match &self.server {
            Place::Own(server) => server,
            Place::Shared(server) => server,
        }
    }

    /// As [`replay()`](super::replay()).
    pub fn replay(&self, draft: &Draft<'_>, earlier: &[Migration], rewrite: &Rewrite) -> Replay {
        prove_on(self, draft, earlier, rewrite)
    }

    pub(super) fn connect(&self, database: &str) -> Result<Client> {
        self.server().connect(database)
    }

    /// A database of its own: empty, or a copy of one without sessions. The first one is there already, unless the server is shared.
    pub(super) fn database(&self, copied: Option<&str>) -> Result<String> {
        let number = self.used.replace(self.used.get() + 1);
        if number == 0 && matches!(self.server, Place::Own(_)) {
            return Ok(FIRST.to_owned());
        }
        let name = format!("proof_{number}");
        let template = copied.unwrap_or("template0");
        // a session of `FIRST` would keep it from being copied
        self.server()
            .connect("template1")?
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .map_err(Failure::from)
            .explain(|| "could not create a database on the scratch server".into())?;
        Ok(name)
    }
}
