//! Queries that Ctrl-C must be able to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use postgres::CancelToken;

use super::{DatabaseUrl, cancel};

/// How soon an interruption is noticed.
const TICK: Duration = Duration::from_millis(100);

/// While it lives, what these sessions run is cancelled once the flag is raised; the caller looks at the flag afterwards.
#[derive(Debug)]
#[must_use = "queries can be cancelled only while it lives"]
pub struct Cancelling {
    _done: Sender<()>,
}

impl Cancelling {
    /// Begins to watch the flag.
    pub fn start(sessions: Vec<(DatabaseUrl, CancelToken)>, interrupt: Arc<AtomicBool>) -> Self {
        let (done, ended) = mpsc::channel();
        thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(TICK) {
                if interrupt.load(Ordering::SeqCst) {
                    for (url, token) in &sessions {
                        // a session between two queries is cancelled at the next tick
                        let _ = cancel(url, token);
                    }
                }
            }
        });
        Self { _done: done }
    }
}
