//! Runs bodies, each in one transaction: tried again while only a lock was missing, and never in doubt about the outcome longer
//! than the database is out of reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::attempt::{Ended, Worker, attempt};
use super::pause::{jitter, pause_after, retry_words};
use super::settle::{Outcome, settle};
use super::watch::{Seen, Watch, Watched};
use super::{Body, Broken, Failed, Place, Settings};
use crate::database::{DatabaseUrl, Failure, Fingerprint, Session};
use crate::error::Result;
use crate::guard::Pass;
use crate::ui::Shell;
use crate::wait::sleep;

/// A transaction that is committed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed<T> {
    /// What the body gives.
    pub done: T,
    /// From the first try to the commit.
    pub took: Duration,
    /// How many tries it needed.
    pub tries: u32,
    /// Sessions that were in the way, idle in a transaction, and were ended (`deploy.end-idle-in-transaction-seconds`).
    pub ended: Vec<Session>,
}

/// Runs transactions over one connection, with a second one that looks on.
pub struct Runner {
    pub(super) url: DatabaseUrl,
    application: &'static str,
    pub(super) settings: Settings,
    pub(super) interrupt: Arc<AtomicBool>,
    pub(super) worker: Worker,
    pass: Pass,
    pub(super) watch: Option<Watch>,
    pub(super) shell: Option<Shell>,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("url", &self.url).field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// How a try ended that may be followed by another.
enum Try<T> {
    Committed(T),
    Locked(Locked),
}

/// A lock was missing in a try; nothing of it remains.
struct Locked {
    /// The catalog before the try, as the onlooker kept it; none where it could not.
    before: Option<Fingerprint>,
    failure: Failure,
    place: Option<Place>,
    blockers: Vec<Session>,
}

impl Runner {
    /// Connects; the session calls itself `application`. When `interrupt` becomes true, what runs is cancelled and rolled back.
    ///
    /// # Errors
    /// Those of [`crate::database::connect`].
    pub fn open(
        url: DatabaseUrl,
        application: &'static str,
        settings: Settings,
        interrupt: Arc<AtomicBool>,
    ) -> Result<Self> {
        Self::admitted(url, application, settings, interrupt, Pass::none())
    }

    /// The same for a database that may have a guard, with what lets its sessions pass.
    ///
    /// # Errors
    /// Those of [`crate::database::connect`] and [`Pass::url`].
    pub fn admitted(
        url: DatabaseUrl,
        application: &'static str,
        settings: Settings,
        interrupt: Arc<AtomicBool>,
        pass: Pass,
    ) -> Result<Self> {
        let worker = Worker::open(&pass.url(&url)?, application)?;
        let watch = Watch::open(&url, settings);
        Ok(Self { url, application, settings, interrupt, worker, pass, watch, shell: None })
    }

    /// Says there why it waits.
    #[must_use]
    pub fn speaking_to(self, shell: &Shell) -> Self {
        Self { shell: Some(shell.clone()), ..self }
    }

    /// Where it works.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Its patience.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where it says why it waits.
    pub fn shell(&self) -> Option<&Shell> {
        self.shell.as_ref()
    }

    /// The session that does the work, between two bodies.
    pub fn client(&mut self) -> &mut postgres::Client {
        &mut self.worker.client
    }

    /// Runs the body and commits it: all of it, or nothing.
    ///
    /// # Errors
    /// See [`Failed`]: each variant says what it leaves behind.
    pub fn run<B: Body>(&mut self, body: &mut B) -> Result<Committed<B::Done>, Failed<B::Stop>> {
        let start = Instant::now();
        let (mut tries, mut ended) = (0, Vec::new());
        let mut known = match self.watch {
            // the onlooker keeps it
            Some(_) => None,
            None => Some(self.fingerprint()?),
        };
        loop {
            tries += 1;
            let Locked { before, failure, place, blockers } = match self.try_once(body, &mut ended)? {
                Try::Committed(done) => return Ok(Committed { done, took: start.elapsed(), tries, ended }),
                Try::Locked(locked) => locked,
            };
            if tries > self.settings.lock_retries {
                return Err(Failed::Locked { place, failure, blockers, tries, waited: start.elapsed() });
            }
            let before = match known.take().or(before) {
                Some(before) => before,
                // the onlooker's connection is gone; the session that holds the lock has not committed yet
                None => self.fingerprint()?,
            };
            let pause = pause_after(tries, jitter());
            if let Some(shell) = &self.shell {
                shell.status("Waiting", retry_words(pause, tries, self.settings.lock_retries, &blockers));
            }
            if !sleep(pause, &self.interrupt) {
                return Err(Failed::Interrupted);
            }
            if self.fingerprint()? != before {
                return Err(Failed::CatalogChanged { blockers });
            }
            known = Some(before);
        }
    }

    /// One try.
    fn try_once<B: Body>(&mut self, body: &mut B, ended: &mut Vec<Session>) -> Result<Try<B::Done>, Failed<B::Stop>> {
        self.heed_interrupt()?;
        let schema = self.url.schema();
        let (pid, worker) = (self.worker.pid, &mut self.worker);
        let mut work = || attempt(worker, body, &schema, &self.settings, &self.interrupt);
        let (result, mut seen) = match &mut self.watch {
            Some(watch) => watch.during(Watched::Transaction(pid), &self.interrupt, work),
            None => (work(), Seen::default()),
        };
        ended.extend(std::mem::take(&mut seen.ended));
        let end = match result {
            Ok(done) => Ok(Try::Committed(done)),
            Err(Ended::AtCommit { failure, done }) if failure.is_disconnect() => {
                match settle(&self.url, self.application, body) {
                    Outcome::Committed => Ok(Try::Committed(done)),
                    Outcome::Undone => Err(Failed::Cut { failure }),
                    Outcome::Unknown => Err(Failed::Unknown { failure }),
                }
            }
            Err(ended) => {
                // after a cut connection the server does it by itself
                let _ = self.worker.client.batch_execute("ROLLBACK");
                self.heed_interrupt().and_then(|()| judge(ended, seen))
            }
        };
        self.refresh();
        end
    }

    /// A session as new: a script may have set what should not reach the next one.
    pub(super) fn refresh(&mut self) {
        if self.worker.client.batch_execute("DISCARD ALL").is_err()
            && let Ok(url) = self.pass.url(&self.url)
            && let Ok(worker) = Worker::open(&url, self.application)
        {
            self.worker = worker;
        }
    }

    /// One of our queries failed outside a try: the connection is gone, or the server has no time for us.
    fn fingerprint<S>(&mut self) -> Result<Fingerprint, Failed<S>> {
        Fingerprint::take(&mut self.worker.client).map_err(|failure| match failure.is_disconnect() {
            true => Failed::Cut { failure },
            false => Failed::Refused { place: None, failure },
        })
    }

    pub(super) fn heed_interrupt<S>(&self) -> Result<(), Failed<S>> {
        if self.interrupt.load(Ordering::Relaxed) { Err(Failed::Interrupted) } else { Ok(()) }
    }
}

/// Tells a missing lock, which may be tried again, from everything else.
fn judge<B: Body>(ended: Ended<B>, seen: Seen) -> Result<Try<B::Done>, Failed<B::Stop>> {
    let (failure, place) = match ended {
        Ended::Broken(Broken::Server { failure, place }) => (failure, place),
        Ended::AtCommit { failure, .. } => (failure, None),
        Ended::Broken(Broken::Stopped(stop)) => return Err(Failed::Stopped(stop)),
        Ended::Torn => return Err(Failed::Torn),
        Ended::Busy(holders) => return Err(Failed::Busy { holders }),
        Ended::Interrupted => return Err(Failed::Interrupted),
    };
    if failure.is_lock() {
        Ok(Try::Locked(Locked { before: seen.before, failure, place, blockers: seen.blockers }))
    } else if failure.is_disconnect() {
        Err(Failed::Cut { failure })
    } else {
        Err(Failed::Refused { place, failure })
    }
}
