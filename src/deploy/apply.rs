//! Applying migrations, each in one transaction: tried again while only a lock was missing, and never in doubt about the
//! outcome longer than the database is out of reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::attempt::{Broken, Worker, attempt, row_id};
use super::error::{ApplyError, Place};
use super::hook::Hook;
use super::settle::{Outcome, settle};
use super::watch::{Seen, Watch, Watched};
use super::{Prepared, Settings};
use crate::database::activity::list;
use crate::database::{DatabaseUrl, Failure, Fingerprint, Session};
use crate::error::Result;
use crate::ui::Shell;

/// The first pause between two tries; each later one is twice as long, give or take a half.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// While pausing, an interruption is noticed within this time.
const NAP: Duration = Duration::from_millis(100);

/// A migration that is applied now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The directory's name.
    pub name: String,
    /// From the first try to the commit.
    pub took: Duration,
    /// How many tries it needed.
    pub tries: u32,
    /// Sessions that were in the way, idle in a transaction, and were ended (`deploy.end-idle-in-transaction-seconds`).
    pub ended: Vec<Session>,
}

/// Applies migrations over one connection, with a second one that looks on.
pub struct Runner {
    url: DatabaseUrl,
    settings: Settings,
    interrupt: Arc<AtomicBool>,
    worker: Worker,
    watch: Option<Watch>,
    shell: Option<Shell>,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("url", &self.url).field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A lock was missing in a try; nothing of it remains.
struct Locked {
    failure: Failure,
    place: Option<Place>,
    blockers: Vec<Session>,
}

impl Runner {
    /// Connects. When `interrupt` becomes true, what runs is cancelled and rolled back.
    ///
    /// # Errors
    /// Those of [`connect`].
    pub fn open(url: DatabaseUrl, settings: Settings, interrupt: Arc<AtomicBool>) -> Result<Self> {
        let worker = Worker::open(&url)?;
        let watch = Watch::open(&url, settings);
        Ok(Self { url, settings, interrupt, worker, watch, shell: None })
    }

    /// Says there why it waits.
    #[must_use]
    pub fn speaking_to(self, shell: &Shell) -> Self {
        Self { shell: Some(shell.clone()), ..self }
    }

    /// Applies one migration with its row in Prisma's history and what the hook adds: all of it, or nothing.
    ///
    /// # Errors
    /// See [`ApplyError`]: each variant says what it leaves behind.
    pub fn apply(&mut self, prepared: &Prepared, hook: &mut dyn Hook) -> Result<Applied, ApplyError> {
        let start = Instant::now();
        let before = self.fingerprint(prepared)?;
        let (mut tries, mut ended) = (0, Vec::new());
        loop {
            tries += 1;
            let migration = prepared.name.clone();
            let Some(locked) = self.try_once(prepared, hook, &mut ended)? else {
                return Ok(Applied { name: migration, took: start.elapsed(), tries, ended });
            };
            if tries > self.settings.lock_retries {
                let Locked { failure, place, blockers } = locked;
                return Err(ApplyError::Locked { migration, place, failure, blockers, tries, waited: start.elapsed() });
            }
            let pause = pause_after(tries, jitter());
            if let Some(shell) = &self.shell {
                shell.status("Waiting", retry_words(pause, tries, self.settings.lock_retries, &locked.blockers));
            }
            self.pause(pause, prepared)?;
            if self.fingerprint(prepared)? != before {
                return Err(ApplyError::CatalogChanged { migration, blockers: locked.blockers });
            }
        }
    }

    /// One try. `None` is success.
    fn try_once(
        &mut self,
        prepared: &Prepared,
        hook: &mut dyn Hook,
        ended: &mut Vec<Session>,
    ) -> Result<Option<Locked>, ApplyError> {
        self.heed_interrupt(prepared)?;
        let id = row_id().map_err(ApplyError::Unconnected)?;
        let schema = self.url.schema();
        let (pid, worker) = (self.worker.pid, &mut self.worker);
        let mut work = || attempt(worker, prepared, &schema, &id, &self.settings, hook);
        let (result, seen) = match &mut self.watch {
            Some(watch) => watch.during(Watched::Process(pid), &self.interrupt, work),
            None => (work(), Seen::default()),
        };
        ended.extend(seen.ended);
        let Err(broken) = result else {
            self.refresh();
            return Ok(None);
        };
        if let Broken::AtCommit(failure) = &broken
            && failure.is_disconnect()
        {
            let migration = prepared.name.clone();
            return match settle(&self.url, &id) {
                Outcome::Applied => {
                    self.refresh();
                    Ok(None)
                }
                Outcome::Undone => Err(ApplyError::Cut { migration, failure: failure.clone() }),
                Outcome::Unknown => Err(ApplyError::Unknown { migration, failure: failure.clone() }),
            };
        }
        // after a cut connection the server does it by itself
        let _ = self.worker.client.batch_execute("ROLLBACK");
        self.refresh();
        self.heed_interrupt(prepared)?;
        judge(broken, prepared, seen.blockers).map(Some)
    }

    /// A session as new: a script may have set what should not reach the next one.
    fn refresh(&mut self) {
        if self.worker.client.batch_execute("DISCARD ALL").is_err()
            && let Ok(worker) = Worker::open(&self.url)
        {
            self.worker = worker;
        }
    }

    fn fingerprint(&mut self, prepared: &Prepared) -> Result<Fingerprint, ApplyError> {
        Fingerprint::take(&mut self.worker.client).map_err(|failure| cut(prepared, failure))
    }

    fn pause(&self, length: Duration, prepared: &Prepared) -> Result<(), ApplyError> {
        let until = Instant::now() + length;
        while Instant::now() < until {
            self.heed_interrupt(prepared)?;
            thread::sleep(NAP.min(until.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }

    fn heed_interrupt(&self, prepared: &Prepared) -> Result<(), ApplyError> {
        match self.interrupt.load(Ordering::Relaxed) {
            true => Err(ApplyError::Interrupted { migration: prepared.name.clone() }),
            false => Ok(()),
        }
    }
}

/// A query of ours failed outside a try: the connection is gone, or the server has no time for us.
fn cut(prepared: &Prepared, failure: Failure) -> ApplyError {
    let migration = prepared.name.clone();
    match failure.is_disconnect() {
        true => ApplyError::Cut { migration, failure },
        false => ApplyError::Refused { migration, place: None, failure },
    }
}

/// Tells a missing lock, which may be tried again, from everything else.
fn judge(broken: Broken, prepared: &Prepared, blockers: Vec<Session>) -> Result<Locked, ApplyError> {
    let migration = prepared.name.clone();
    let (failure, place) = match broken {
        Broken::InScript { piece, failure } => {
            let line = prepared.line(&piece, failure.position);
            let place = Place::new(line, prepared.sql(&piece));
            (failure, Some(place))
        }
        Broken::InHook(failure) if !failure.is_lock() && !failure.is_disconnect() => {
            return Err(ApplyError::Uncaptured { migration, failure });
        }
        Broken::AtStart(failure) | Broken::InHook(failure) | Broken::AtEnd(failure) | Broken::AtCommit(failure) => {
            (failure, None)
        }
        Broken::OwnCommit => return Err(ApplyError::Torn { migration }),
        Broken::Busy(holders) => return Err(ApplyError::Busy { migration, holders }),
        Broken::Applied => return Err(ApplyError::AppliedMeanwhile { migration }),
        Broken::FailedBefore(failed) => return Err(ApplyError::FailedBefore { migration, failed }),
    };
    if failure.is_lock() {
        Ok(Locked { failure, place, blockers })
    } else if failure.is_disconnect() {
        Err(ApplyError::Cut { migration, failure })
    } else {
        Err(ApplyError::Refused { migration, place, failure })
    }
}

/// `1.3 s, then try 2 of 3: a lock was not free, held by …`
pub(super) fn retry_words(pause: Duration, tries: u32, retries: u32, blockers: &[Session]) -> String {
    let held = if blockers.is_empty() { String::new() } else { format!(", held by\n{}", list(blockers)) };
    let (next, all) = (tries + 1, retries.saturating_add(1));
    format!("{:.1} s, then try {next} of {all}: a lock was not free{held}", pause.as_secs_f64())
}

/// The pause after so many tries; `jitter` from 0 to 255 spreads those who wait for the same lock.
pub(super) fn pause_after(tries: u32, jitter: u8) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1)));
    doubled.min(LONGEST_PAUSE).mul_f64(0.5 + f64::from(jitter) / 255.0)
}

pub(super) fn jitter() -> u8 {
    // without randomness every pause is of middle length
    getrandom::u32().map_or(128, |random| random.to_le_bytes()[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        assert_eq!(pause_after(1, 0), Duration::from_millis(500));
        assert_eq!(pause_after(1, 255), Duration::from_millis(1500));
        assert_eq!(pause_after(3, 0), Duration::from_secs(2));
        assert_eq!(pause_after(1000, 0), LONGEST_PAUSE / 2);
    }
}
