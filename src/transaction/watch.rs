//! A second connection that looks on while a transaction runs: who is in its way can be seen only while it waits. It also
//! cancels what runs when the person interrupts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use postgres::Client;
use postgres::types::Type;

use super::Settings;
use crate::database::{DatabaseUrl, Failure, Session, activity, connect};

/// How often it looks: often enough to see who blocks a wait that ends at the lock timeout.
const INTERVAL: Duration = Duration::from_millis(100);

/// The onlooker.
pub(crate) struct Watch {
    client: Client,
    settings: Settings,
}

/// Who is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Watched<'a> {
    /// The session of this process.
    Process(i32),
    /// The session that calls itself so: Prisma's engine opens it when it likes.
    Application(&'a str),
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// The sessions that it last waited for.
    pub(crate) blockers: Vec<Session>,
    /// Those that were ended because they did nothing.
    pub(crate) ended: Vec<Session>,
}

impl Watch {
    /// Opens its connection. Without one the work goes on all the same, so failing is `None`.
    pub(crate) fn open(url: &DatabaseUrl, settings: Settings) -> Option<Self> {
        connect(url, "prisma-safe watch").ok().map(|client| Self { client, settings })
    }

    /// Looks on while `work` runs.
    pub(crate) fn during<T>(
        &mut self,
        watched: Watched<'_>,
        interrupt: &AtomicBool,
        work: impl FnOnce() -> T,
    ) -> (T, Seen) {
        let (done, ended) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let looking = scope.spawn(move || {
                let mut seen = Seen::default();
                while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(INTERVAL) {
                    if self.look(watched, interrupt, &mut seen).is_err() {
                        break;
                    }
                }
                if !self.settings.show_queries {
                    activity::hide_queries(&mut seen.blockers);
                    activity::hide_queries(&mut seen.ended);
                }
                seen
            });
            let result = work();
            drop(done);
            (result, looking.join().unwrap_or_default())
        })
    }

    fn look(&mut self, watched: Watched<'_>, interrupt: &AtomicBool, seen: &mut Seen) -> Result<(), Failure> {
        let client = &mut self.client;
        let pid = match watched {
            Watched::Process(pid) => Some(pid),
            Watched::Application(name) => activity::session_of(client, name)?,
        };
        let Some(pid) = pid else { return Ok(()) };
        if interrupt.load(Ordering::Relaxed) {
            // a session that has just ended cannot be cancelled, and need not
            let _ = client.query_typed("SELECT pg_catalog.pg_cancel_backend($1)", &[(&pid, Type::INT4)]);
        }
        let blockers = activity::blockers(client, pid)?;
        for session in blockers.iter().filter(|session| session.pid != 0) {
            // without the right to end it, it stays in the way
            if let Some(idle) = self.settings.end_idle
                && activity::end_idle(client, session.pid, idle).unwrap_or(false)
            {
                seen.ended.push(session.clone());
            }
        }
        if !blockers.is_empty() {
            seen.blockers = blockers;
        }
        Ok(())
    }
}
