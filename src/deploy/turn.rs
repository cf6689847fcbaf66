//! One deployment at a time: from a folder, by a locked file; to a database, by an advisory lock. The second one waits, and
//! says for whom.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;
use postgres::Client;

use super::{APPLICATION_NAME, journal, orphan};
use crate::database::activity::{self, DEPLOY_LOCK, PRISMA_LOCK};
use crate::database::{DatabaseUrl, Failure, Session, pooler};
use crate::error::{Error, Explain as _, Result};
use crate::system::files;
use crate::ui::{Shell, moment};
use crate::wait::{Waited, wait_until};

const LOCK: &str = "deploy.lock";
const POLL: Duration = Duration::from_millis(200);

/// How others are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience<'a> {
    /// So long.
    pub time: Duration,
    /// Ends the wait when it becomes true.
    pub interrupt: &'a AtomicBool,
    /// Where is said that we wait.
    pub shell: &'a Shell,
    /// Whether the queries of other sessions are shown.
    pub show_queries: bool,
    /// Whether a session that keeps Prisma's lock for a deploy that is gone is ended without a question.
    pub end_orphans: bool,
}

impl Patience<'_> {
    /// Asks again and again until the other deploy is done; `ask` gives the one that is not. The result is whether it had to wait.
    fn wait<T>(&self, mut ask: impl FnMut() -> Result<Result<T, String>>) -> Result<Result<(T, bool), String>> {
        let mut last = None;
        let waited = wait_until(self.time, POLL, self.interrupt, || -> Result<Option<T>> {
            let who = match ask()? {
                Ok(done) => return Ok(Some(done)),
                Err(who) => who,
            };
            if last.is_none() && !self.time.is_zero() {
                self.shell.status("Waiting", format!("up to {} s for {}", self.time.as_secs(), who.trim()));
            }
            last = Some(who);
            Ok(None)
        })?;
        match waited {
            Waited::Met(done) => Ok(Ok((done, last.is_some()))),
            Waited::TimedOut => Ok(Err(last.unwrap_or_default())),
            Waited::Interrupted => Err(Error::cancelled()),
        }
    }

    fn list(&self, mut sessions: Vec<Session>) -> String {
        if !self.show_queries {
            activity::hide_queries(&mut sessions);
        }
        activity::list(&sessions)
    }
}

/// The project's own lock. Free again when dropped, and when the process dies.
#[derive(Debug)]
pub struct Turn {
    _file: File,
    /// Whether another deployment had to end first: what was known before is old then.
    pub waited: bool,
}

impl Turn {
    /// Takes the lock of a folder.
    ///
    /// # Errors
    /// Exit status 1 if another deployment from this folder goes on for longer than the patience.
    pub fn take(root: &Path, patience: &Patience<'_>) -> Result<Self> {
        let path = journal::directory(root)?.join(LOCK);
        let open = files::private().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.explain(|| format!("could not open {}", path.display()))?;
        let taken = patience.wait(|| match file.try_lock() {
            Ok(()) => Ok(Ok(())),
            Err(TryLockError::WouldBlock) => Ok(Err(holder(&mut file))),
            Err(TryLockError::Error(error)) => Err(error).explain(|| format!("could not lock {}", path.display())),
        })?;
        let ((), waited) = taken.map_err(|who| {
            Error::failed("another deployment from this folder is running").because(who).help(
                "wait for it to end, then deploy again; more patience: deploy.deploy-wait-seconds in prisma-safe.toml",
            )
        })?;
        // only for those who wait: nothing depends on it
        let name = format!("process {}, since {}", std::process::id(), moment(Timestamp::now()));
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(name.as_bytes()));
        Ok(Self { _file: file, waited })
    }

    /// Whether a deployment from this folder is running now, and which.
    ///
    /// # Errors
    /// Exit status 1 if the lock's file cannot be opened.
    pub fn running(root: &Path) -> Result<Option<String>> {
        let path = journal::place(root).join(LOCK);
        let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).explain(|| format!("could not open {}", path.display())),
        };
        Ok(match file.try_lock() {
            Err(TryLockError::WouldBlock) => Some(holder(&mut file)),
            _ => None,
        })
    }
}

fn holder(file: &mut File) -> String {
    let mut name = String::new();
    match file.rewind().and_then(|()| file.read_to_string(&mut name)) {
        Ok(1..) => name,
        _ => "another process".into(),
    }
}

/// Keeps other prisma-safe deploys out of this database for as long as the session of `client` lives, and waits until no plain
/// Prisma is at work in it. Gives whether it had to wait.
///
/// # Errors
/// Exit status 1, naming the other deploy's session; 3 where `url`, the session's, goes through a pooler in which the lock would
/// stay with another session.
pub fn exclude_others(client: &mut Client, url: &DatabaseUrl, patience: &Patience<'_>) -> Result<bool> {
    pooler::refuse(url, APPLICATION_NAME)?;
    // the session is idle while the backup runs; the setting is there from 14 on
    const STAY: &str = "SELECT set_config('idle_session_timeout', '0', false) WHERE current_setting('server_version_num')::int >= 140000";
    let explain = || "could not take the lock of a deploy".to_owned();
    client.query_typed_opt(STAY, &[]).map_err(Failure::from).explain(explain)?;
    let taken = patience.wait(|| {
        let mut lock = || -> Result<Option<Vec<Session>>, Failure> {
            match activity::lock_deploy(client)? {
                true => Ok(None),
                false => activity::lock_holders(client, DEPLOY_LOCK).map(Some),
            }
        };
        let held = lock().explain(explain)?;
        Ok(held.map_or(Ok(()), |holders| Err(patience.list(holders))))
    })?;
    let ((), waited) = taken.map_err(|who| {
        Error::failed("another prisma-safe deploy to this database is running").because(who).help(
            "wait for it to end, then deploy again; more patience: deploy.deploy-wait-seconds in prisma-safe.toml",
        )
    })?;
    let mut declined = Vec::new();
    let ended =
        end_orphans(client, patience).explain(explain)? | orphan::settle(client, patience, false, &mut declined)?;
    // a plain `prisma migrate deploy` does not take our lock; whether it is still there, the preflight says
    let prisma = patience.wait(|| {
        let holders = activity::lock_holders(client, PRISMA_LOCK).explain(explain)?;
        Ok(if holders.is_empty() { Ok(()) } else { Err(patience.list(holders)) })
    })?;
    // it may have been silent for long enough by now
    let late = prisma.is_err() && orphan::settle(client, patience, true, &mut declined)?;
    Ok(waited || ended || late || prisma.map_or(true, |((), waited)| waited))
}

/// A session of a deploy that was killed may work on for as long as its statement takes: before PostgreSQL 14 no server looks
/// whether its client lives. It can commit nothing any more, and the holder of a deploy's lock knows that its deploy
/// is gone, or has lost its hold on the database.
fn end_orphans(client: &mut Client, patience: &Patience<'_>) -> Result<bool, Failure> {
    let mut ended = false;
    for session in activity::lock_holders(client, PRISMA_LOCK)? {
        if session.application == APPLICATION_NAME {
            patience.shell.warn(format!("ended session {}: a deploy that was killed had left it running", session.pid));
            activity::end(client, session.pid)?;
            ended = true;
        }
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::exit::Exit;
    use crate::ui::shell::ColorChoice;

    fn take(root: &Path, time: Duration, interrupt: &AtomicBool) -> Result<Turn> {
        let shell = Shell::new(true, 0, ColorChoice::Never, true, &|_| None);
        Turn::take(root, &Patience { time, interrupt, shell: &shell, show_queries: true, end_orphans: false })
    }

    #[test]
    fn the_second_waits_and_says_who_runs() {
        let root = tempfile::tempdir().unwrap();
        let go_on = AtomicBool::new(false);
        assert_eq!(Turn::running(root.path()).unwrap(), None);
        let turn = take(root.path(), Duration::ZERO, &go_on).unwrap();
        assert!(!turn.waited);
        assert!(Turn::running(root.path()).unwrap().unwrap().starts_with(&format!("process {}", std::process::id())));
        let error = take(root.path(), Duration::ZERO, &go_on).unwrap_err();
        assert_eq!(error.exit(), Exit::Failed);
        assert!(error.causes()[0].contains(&format!("process {}", std::process::id())), "{error:?}");
        thread::scope(|scope| {
            let second = scope.spawn(|| take(root.path(), Duration::from_secs(60), &go_on));
            thread::sleep(POLL * 2);
            drop(turn);
            assert!(second.join().unwrap().unwrap().waited);
        });
        let _turn = take(root.path(), Duration::ZERO, &go_on).unwrap();
        let cancelled = take(root.path(), Duration::from_secs(60), &AtomicBool::new(true)).unwrap_err();
        assert_eq!(cancelled.exit(), Exit::Cancelled);
    }
}
