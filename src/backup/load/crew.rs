//! Sessions that work in parallel, each in a thread of its own, while the caller watches over them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use postgres::{CancelToken, Client};

use super::job::{Job, Shared};
use super::schedule::Schedule;
use super::session::Session;
use super::{Options, copy};
use crate::backup::archive::Archive;
use crate::backup::scan::TableName;
use crate::database::{self, DatabaseUrl};
use crate::error::{Error, Result};
use crate::ui::progress::Position;
use crate::wait::wait_until;

/// The name that the server shows for our sessions.
const APPLICATION: &str = "prisma-safe restore";
/// How often the caller is asked whether to go on.
const TICK: Duration = Duration::from_millis(100);
/// A statement is cancelled again and again for so long before its session is left to itself.
const CANCEL_PATIENCE: Duration = Duration::from_secs(2);

struct Member {
    jobs: mpsc::Sender<Job>,
    cancel: Arc<Mutex<Option<CancelToken>>>,
    thread: JoinHandle<()>,
    /// What it does now, for people.
    label: Option<String>,
}

/// The sessions of one load; whatever they are doing is cancelled on drop.
pub(super) struct Crew<'a> {
    shared: Arc<Shared>,
    watch: &'a mut dyn FnMut(Position<'_>) -> Result<()>,
    members: Vec<Member>,
    sender: mpsc::Sender<(usize, Result<()>)>,
    ended: mpsc::Receiver<(usize, Result<()>)>,
    sizes: HashMap<TableName, u64>,
    total: u64,
    copied: usize,
}

impl<'a> Crew<'a> {
    pub(super) fn new(
        archive: &Archive,
        url: &DatabaseUrl,
        options: &Options,
        watch: &'a mut dyn FnMut(Position<'_>) -> Result<()>,
    ) -> Self {
        let (sender, ended) = mpsc::channel();
        let mut sizes: HashMap<TableName, u64> = HashMap::new();
        for table in &archive.manifest().tables {
            *sizes.entry(table.name.clone()).or_default() += table.length;
        }
        let total = sizes.values().sum::<u64>().max(1);
        let shared = Arc::new(Shared::new(archive, url, options));
        Self { shared, watch, members: Vec::new(), sender, ended, sizes, total, copied: 0 }
    }

    /// Size of a table's rows in the dump.
    pub(super) fn bytes_of(&self, table: &TableName) -> u64 {
        self.sizes.get(table).copied().unwrap_or_default()
    }

    /// Does one thing, beside nothing else.
    ///
    /// # Errors
    /// The server's own, or the watcher's.
    pub(super) fn alone(&mut self, job: Job) -> Result<()> {
        self.give(0, job, None)?;
        self.next_end()?.1
    }

    /// Does everything that a schedule holds.
    ///
    /// # Errors
    /// The first one of the server's or the watcher's.
    pub(super) fn together(&mut self, mut schedule: Schedule) -> Result<()> {
        let workers = self.shared.options.workers.max(1);
        while !schedule.done() {
            for worker in 0..workers {
                if self.members.get(worker).is_none_or(|member| member.label.is_none())
                    && let Some(task) = schedule.next(worker)
                {
                    self.give(worker, task.job, Some(task.label))?;
                }
            }
            let (worker, result) = self.next_end()?;
            result?;
            schedule.ended(worker);
        }
        Ok(())
    }

    /// Ends the sessions; gives what was left out, and what the server lacked something for.
    pub(super) fn finish(mut self) -> (Vec<String>, Vec<String>) {
        for member in std::mem::take(&mut self.members) {
            drop(member.jobs);
            // it has nothing to do any more
            let _ = member.thread.join();
        }
        let take =
            |list: &Mutex<Vec<String>>| std::mem::take(&mut *list.lock().unwrap_or_else(PoisonError::into_inner));
        (take(&self.shared.left_out), take(&self.shared.lacked))
    }

    fn give(&mut self, worker: usize, job: Job, label: Option<String>) -> Result<()> {
        while self.members.len() <= worker {
            let member = self.hire(self.members.len());
            self.members.push(member);
        }
        self.copied += usize::from(matches!(job, Job::Copy { .. }));
        let member = &mut self.members[worker];
        member.label = label.or_else(|| Some(String::new()));
        member.jobs.send(job).map_err(|_| ended_unexpectedly())
    }

    /// Waits until some session has ended what it was given.
    fn next_end(&mut self) -> Result<(usize, Result<()>)> {
        loop {
            match self.ended.recv_timeout(TICK) {
                Ok((worker, result)) => {
                    self.members[worker].label = None;
                    self.show()?;
                    return Ok((worker, result));
                }
                Err(_) if self.members.iter().any(|member| member.thread.is_finished()) => {
                    return Err(ended_unexpectedly());
                }
                Err(_) => self.show()?,
            }
        }
    }

    fn show(&mut self) -> Result<()> {
        let bytes = self.shared.bytes.load(Ordering::Relaxed);
        let labels: Vec<&str> = self.members.iter().filter_map(|member| member.label.as_deref()).collect();
        let current = labels.into_iter().filter(|label| !label.is_empty()).collect::<Vec<_>>().join(", ");
        let running = self.members.iter().filter(|member| member.label.is_some()).count();
        let tables = (self.copied.saturating_sub(running), self.shared.archive.manifest().tables.len());
        #[expect(clippy::cast_precision_loss, reason = "for the eye")]
        let fraction = bytes as f64 / self.total as f64;
        (self.watch)(Position { fraction, bytes, tables: Some(tables), current: &current })
    }

    fn hire(&self, number: usize) -> Member {
        let (jobs, tasks) = mpsc::channel();
        let cancel = Arc::new(Mutex::new(None));
        let (shared, sender, token) = (Arc::clone(&self.shared), self.sender.clone(), Arc::clone(&cancel));
        let thread = thread::spawn(move || {
            let mut session = None;
            for job in tasks {
                let result = work(job, &mut session, &token, &shared);
                // the receiver is gone after a failure elsewhere
                if sender.send((number, result)).is_err() {
                    return;
                }
            }
        });
        Member { jobs, cancel, thread, label: None }
    }
}

impl Drop for Crew<'_> {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let members = std::mem::take(&mut self.members).into_iter().map(|member| (member.cancel, member.thread));
        let mut members: Vec<_> = members.collect();
        // a session may just be between two statements, so once is not enough
        let _ = wait_until(CANCEL_PATIENCE, TICK, &AtomicBool::new(false), || {
            members.retain(|(_, thread)| !thread.is_finished());
            for (cancel, _) in &members {
                let token = cancel.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if let Some(token) = token {
                    // a lost server does no more
                    let _ = database::cancel(&self.shared.url, &token);
                }
            }
            Ok::<_, Infallible>(members.is_empty().then_some(()))
        });
    }
}

/// Does a job in a session, which is opened for the first one.
fn work(
    job: Job,
    session: &mut Option<Session>,
    cancel: &Mutex<Option<CancelToken>>,
    shared: &Arc<Shared>,
) -> Result<()> {
    shared.check()?;
    let session = match session {
        Some(session) => session,
        None => {
            let client: Client = database::connect(&shared.url, APPLICATION)?;
            *cancel.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.cancel_token());
            session.insert(Session::new(client, Arc::clone(shared)))
        }
    };
    match job {
        Job::Statements(statements) => session.run(&statements),
        Job::Task { statement, session: settings } => {
            session.set(&settings)?;
            session.run(&[statement])
        }
        Job::Copy { statement, block, session: settings } => {
            session.set(&settings)?;
            copy::copy(&statement, block, session.client(), shared)
        }
    }
}

fn ended_unexpectedly() -> Error {
    Error::failed("a session of the restore ended unexpectedly")
}
