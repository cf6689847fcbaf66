//! A second connection that looks on while a migration runs: who is in its way can be seen only while it waits. It also
//! cancels what runs when the person interrupts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use postgres::Client;
use postgres::types::Type;

use crate::database::{DatabaseUrl, Session, activity, connect};

/// How often it looks: often enough to see who blocks a wait that ends at the lock timeout.
const INTERVAL: Duration = Duration::from_millis(100);

/// The onlooker.
pub(super) struct Watch {
    client: Client,
}

impl Watch {
    /// Opens its connection. Without one a deploy works all the same, so failing is `None`.
    pub(super) fn open(url: &DatabaseUrl) -> Option<Self> {
        connect(url, "prisma-safe watch").ok().map(|client| Self { client })
    }

    /// Looks on while `work` runs in the session `pid`; gives the sessions that it last waited for.
    pub(super) fn during<T>(
        &mut self,
        pid: i32,
        interrupt: &AtomicBool,
        work: impl FnOnce() -> T,
    ) -> (T, Vec<Session>) {
        let (done, ended) = mpsc::channel::<()>();
        let client = &mut self.client;
        thread::scope(|scope| {
            let looking = scope.spawn(move || {
                let mut seen = Vec::new();
                while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(INTERVAL) {
                    if interrupt.load(Ordering::Relaxed) {
                        // a session that has just ended cannot be cancelled, and need not
                        let _ = client.query_typed("SELECT pg_catalog.pg_cancel_backend($1)", &[(&pid, Type::INT4)]);
                    }
                    match activity::blockers(client, pid) {
                        Ok(blockers) if !blockers.is_empty() => seen = blockers,
                        Ok(_) => {}
                        Err(_) => break,
                    }
                }
                seen
            });
            let result = work();
            drop(done);
            (result, looking.join().unwrap_or_default())
        })
    }
}
