//! A second connection that looks on while a transaction runs: who is in its way can be seen only while it waits. It also
//! cancels what runs when the person interrupts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use postgres::Client;
use postgres::types::Type;

use super::Settings;
use crate::database::{DatabaseUrl, Failure, Fingerprint, Session, activity, connect};

/// How often it looks: often enough to see who blocks a wait that ends at the lock timeout.
const INTERVAL: Duration = Duration::from_millis(100);

/// What its session calls itself.
const NAME: &str = "prisma-safe watch";

/// The onlooker.
pub(crate) struct Watch {
    url: DatabaseUrl,
    client: Client,
    settings: Settings,
}

/// Who is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Watched<'a> {
    /// The session of this process, which works in one transaction. How the catalog was when that began is kept: see
    /// [`Seen::before`].
    Transaction(i32),
    /// The session of this process.
    Process(i32),
    /// The session that calls itself so: Prisma's engine opens it when it likes.
    Application(&'a str),
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// The catalog as it was when a transaction began that has failed or taken long; none where that could not be seen.
    pub(crate) before: Option<Fingerprint>,
    /// The sessions that it last waited for.
    pub(crate) blockers: Vec<Session>,
    /// Those that were ended because they did nothing.
    pub(crate) ended: Vec<Session>,
}

impl Watch {
    /// Opens its connection. Without one the work goes on all the same, so failing is `None`.
    pub(crate) fn open(url: &DatabaseUrl, settings: Settings) -> Option<Self> {
        connect(url, NAME).ok().map(|client| Self { url: url.clone(), client, settings })
    }

    /// A connection in the place of one that was cut; false where there is none.
    fn reopen(&mut self) -> bool {
        let fresh = connect(&self.url, NAME).ok();
        fresh.map(|client| self.client = client).is_some()
    }

    /// Looks on while `work` runs.
    pub(crate) fn during<T, E>(
        &mut self,
        watched: Watched<'_>,
        interrupt: &AtomicBool,
        work: impl FnOnce() -> Result<T, E>,
    ) -> (Result<T, E>, Seen) {
        let (done, ended) = mpsc::channel::<bool>();
        thread::scope(|scope| {
            let looking = scope.spawn(move || self.look_on(watched, interrupt, &ended));
            let result = work();
            // the onlooker has stopped listening where looking has failed
            let _ = done.send(result.is_ok());
            (result, looking.join().unwrap_or_default())
        })
    }

    /// Looks until the work has `ended`, and whether it has ended well.
    fn look_on(&mut self, watched: Watched<'_>, interrupt: &AtomicBool, ended: &Receiver<bool>) -> Seen {
        let mut seen = Seen::default();
        let mut moment = match watched {
            Watched::Transaction(_) => Moment::keep(&mut self.client),
            Watched::Process(_) | Watched::Application(_) => None,
        };
        let well = loop {
            match ended.recv_timeout(INTERVAL) {
                Ok(well) => break well,
                Err(RecvTimeoutError::Disconnected) => break false,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(moment) = moment.take() {
                seen.before = moment.fingerprint(&mut self.client);
            }
            match self.look(watched, interrupt, &mut seen) {
                Ok(()) => {}
                // the work may go on for long, and only the onlooker can cancel it
                Err(failure) if failure.is_disconnect() && self.reopen() => {}
                Err(_) => break false,
            }
        };
        if let Some(moment) = moment {
            if well { moment.forget(&mut self.client) } else { seen.before = moment.fingerprint(&mut self.client) }
        }
        if !self.settings.show_queries {
            activity::hide_queries(&mut seen.blockers);
            activity::hide_queries(&mut seen.ended);
        }
        seen
    }

    fn look(&mut self, watched: Watched<'_>, interrupt: &AtomicBool, seen: &mut Seen) -> Result<(), Failure> {
        let client = &mut self.client;
        let pid = match watched {
            Watched::Transaction(pid) | Watched::Process(pid) => Some(pid),
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

/// The database at one moment, kept by an open transaction. Nearly every transaction that is watched ends well and soon, and a
/// fingerprint costs more than a small migration does: it is taken afterwards, of that moment, where it is wanted.
struct Moment;

impl Moment {
    /// Keeps this moment; none where the server has no time for it. The onlooker never waits for a lock, which those it looks at
    /// could hold, and a role's limit on idle transactions does not cut it.
    fn keep(client: &mut Client) -> Option<Self> {
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = {}; \
             SET LOCAL idle_in_transaction_session_timeout = 0; SELECT",
            INTERVAL.as_millis(),
        );
        client.batch_execute(&begin).ok().map(|()| Self)
    }

    /// The catalog at that moment, which is kept no longer: activity is not seen as it is within a transaction, and a concurrent
    /// build of an index would wait for it.
    fn fingerprint(self, client: &mut Client) -> Option<Fingerprint> {
        let taken = Fingerprint::take(client).ok();
        self.forget(client);
        taken
    }

    fn forget(self, client: &mut Client) {
        // a connection that is cut is found at the next look
        let _ = client.batch_execute("ROLLBACK");
    }
}
