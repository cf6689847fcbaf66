//! The shadow database, in which Prisma replays the migrations: one on a server of our own where that can be, else Prisma's,
//! if it holds no data.

mod held;
mod judge;
mod scratch;

use std::path::Path;

use serde::Deserialize;

pub use self::judge::Judge;
use self::scratch::{Programs, Started, Starting, Warming};
use crate::database::DatabaseUrl;
use crate::engine::ShadowUse;
use crate::error::Result;
use crate::tools::scratch::ScratchServer;
use crate::ui::Shell;

/// `shadow` of prisma-safe.toml: whose shadow database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// On our own scratch server; no other database is touched.
    Scratch,
    /// Prisma's own: what `shadowDatabaseUrl` names, else one that it creates beside the target.
    Prisma,
}

/// The shadow database of a command.
#[derive(Debug)]
pub struct Shadow<'a> {
    /// What the project says; none leaves it to what this machine has.
    pub wanted: Option<Kind>,
    pub judge: Judge<'a>,
    pub shell: &'a Shell,
    programs: Programs,
    server: Server,
}

#[derive(Debug)]
enum Server {
    Wanted,
    Warming(Warming),
    Starting(Starting),
    Runs(Box<Started>),
    /// It is fit for replays.
    Ready {
        url: DatabaseUrl,
        running: Box<Started>,
    },
    /// It cannot be had here.
    None,
}

impl<'a> Shadow<'a> {
    /// Nothing is started yet.
    pub fn new(
        wanted: Option<Kind>,
        judge: Judge<'a>,
        pg_bin: Option<&Path>,
        project: &Path,
        shell: &'a Shell,
    ) -> Self {
        let programs =
            Programs { env: judge.env.clone(), pg_bin: pg_bin.map(Path::to_owned), project: project.to_owned() };
        let server = if wanted == Some(Kind::Prisma) { Server::None } else { Server::Wanted };
        Self { wanted, judge, shell, programs, server }
    }

    /// Starts the server beside what else goes on, before the target is known, where it will be wanted.
    pub fn warm(&mut self) {
        if let Server::Wanted = self.server {
            self.server = Server::Warming(Warming::begin(self.programs.clone()));
        }
    }

    /// Starts the server beside what else goes on, as soon as the target is known.
    pub fn begin(&mut self, target: &DatabaseUrl) {
        let warming = match std::mem::replace(&mut self.server, Server::None) {
            Server::Wanted => None,
            Server::Warming(warming) => Some(warming),
            begun => {
                self.server = begun;
                return;
            }
        };
        self.server = Server::Starting(Starting::begin(self.programs.clone(), warming, target.clone()));
    }

    /// The database to replay in, like `target`, which is what the command works on where Prisma was told another one; none leaves the engine what it has, which was looked at then.
    ///
    /// # Errors
    /// Exit status 3 for a shadow database of the project's that may not be emptied; 1 where a scratch server is demanded and
    /// cannot be had.
    pub fn take(&mut self, used: &ShadowUse, target: Option<&DatabaseUrl>) -> Result<Option<DatabaseUrl>> {
        let mut used = used.clone();
        used.targets.extend(target.cloned());
        let used = &used;
        let target = target.or(used.targets.first()).cloned();
        if let Some(target) = &target {
            self.begin(target);
        }
        if self.wanted != Some(Kind::Scratch) {
            // the plain danger first: it is refused whatever replays
            self.judge.check(used, false)?;
        }
        match self.scratch(used, target.as_ref()) {
            Ok(Some(url)) => {
                if let (Some(Kind::Scratch), Some(shadow)) = (self.wanted, used.shadows.first()) {
                    self.shell.debug(format_args!("the shadow database {} is not used", shadow.address()));
                }
                return Ok(Some(url));
            }
            Ok(None) => {}
            Err(error) if self.wanted == Some(Kind::Scratch) => return Err(error),
            Err(error) => {
                self.shell.debug(format_args!("Prisma's own shadow database is used: {}", error.with_causes()));
                self.server = Server::None;
            }
        }
        self.judge.check(used, true)?;
        Ok(None)
    }

    /// Our server that holds it, once it runs.
    pub fn server(&self) -> Option<&ScratchServer> {
        match &self.server {
            Server::Runs(started) | Server::Ready { running: started, .. } => Some(started.server()),
            Server::Wanted | Server::Warming(_) | Server::Starting(_) | Server::None => None,
        }
    }

    fn scratch(&mut self, used: &ShadowUse, target: Option<&DatabaseUrl>) -> Result<Option<DatabaseUrl>> {
        if let Server::Starting(_) = self.server
            && let Server::Starting(starting) = std::mem::replace(&mut self.server, Server::None)
        {
            self.server = Server::Runs(Box::new(starting.join()?));
        }
        if let (Server::Runs(started), Some(target)) = (&self.server, target) {
            let url = started.prepare(used, &target.schema())?;
            if let Server::Runs(started) = std::mem::replace(&mut self.server, Server::None) {
                self.server = Server::Ready { url, running: started };
            }
        }
        Ok(match &self.server {
            Server::Ready { url, .. } => Some(url.clone()),
            _ => None,
        })
    }
}
