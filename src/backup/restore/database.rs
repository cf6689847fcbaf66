//! A new database beside the live one, filled and looked at, then put in its place by renaming both in one transaction.
//!
//! Until that transaction commits the live database is untouched and open to everybody; from then on the restored one is.
//! There is no moment in between, also none that `kill -9` could hit: a session that connects during the swap waits for the lock on
//! the database's name.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use postgres::Client;

use super::super::lacking::Lacking;
use super::super::load;
use super::target::{Found, Target, in_use};
use super::{Restored, Scope, Work, attributes, connect, leftovers, rows, stamp};
use crate::database::{DatabaseUrl, Failure};
use crate::error::{Error, Explain as _, Result};
use crate::sql::{quote_identifier, quote_literal};
use crate::ui::interrupt::Guard;
use crate::ui::progress::Progress;
use crate::wait::wait_until;

/// How often sessions are ended while the renaming waits for them.
const BEAT: Duration = Duration::from_millis(50);
/// How often the renaming is tried; the server waits five seconds each time.
const TRIES: u32 = 3;
/// Sessions that an error names before it says how many more there are.
const NAMES: usize = 5;

/// Restores all of a backup and puts it in the place of the live database.
pub(super) fn replace(target: Target, scope: Scope<'_>, work: &Work<'_>) -> Result<Restored> {
    let name = target.name();
    let (mut desk, place, live) = target.into_desk()?;
    leftovers::take_turn(&mut desk, &name)?;
    leftovers::clean(&mut desk, &name, work.shell)?;
    let mut beside = Beside::create(&mut desk, &name, live.as_ref(), work)?;

    work.shell.step("Restoring", format_args!("into {}, beside the live database", beside.name));
    let url = work.url.with_database(&beside.name);
    let (left_out, lacked) = fill(&url, work)?;
    rows::compare(&mut connect(&url, &beside.name)?, work)?;
    if let Some(live) = &live {
        attributes::copy(beside.desk, live, &beside.name)?;
    }
    refuse_left_out(&left_out, work)?;
    if let Some(lacking) = Lacking::of_load(Vec::new(), &lacked).said() {
        work.shell.warn(lacking);
    }
    work.guard_again(&mut connect(&url, &beside.name)?);

    work.guard.check()?;
    work.shell.step("Swapping", format_args!("{name} and {}", beside.name));
    let old = beside.take_place(&name, live.as_ref(), &work.url.with_database(place), work.guard)?;
    let mut restored = Restored { left_out, ..work.restored() };
    match old {
        // it was empty: there is nothing in it to keep
        Some(old) if scope == Scope::Fill => leftovers::drop_database(beside.desk, &old)?,
        Some(old) => {
            restored.sql.push(format!("DROP DATABASE {};", quote_identifier(&old)));
            restored.old.push(old);
        }
        None => {}
    }
    for other in leftovers::kept(beside.desk, &name)?.into_iter().filter(|other| !restored.old.contains(other)) {
        work.shell.note(format_args!("{other} is still there, set aside by an earlier restore"));
    }
    Ok(restored)
}

/// Loads the backup; gives what had to be left out for want of a role, and of what a limited backup is without.
fn fill(url: &DatabaseUrl, work: &Work<'_>) -> Result<(Vec<String>, Vec<String>)> {
    let mut progress = Progress::start(work.shell, "Restoring");
    let loaded = load::load(work.archive, url, &work.options(), &mut |position| {
        progress.show(position);
        work.guard.check()
    });
    loaded.map(|loaded| (loaded.left_out, loaded.lacked)).map_err(|error| {
        let owner = error.causes().iter().any(|cause| cause.contains("must be member of role"))
            || error.causes().iter().any(|cause| cause.contains("must be able to SET ROLE"));
        if owner { error.help("restore as a superuser, or without owners and rights: --no-owner") } else { error }
    })
}

/// A database that its users cannot use as before is not put in the place of one that they can.
fn refuse_left_out(left_out: &[String], work: &Work<'_>) -> Result<()> {
    let roles: Vec<&str> = left_out.iter().filter(|text| !text.starts_with("COMMENT ")).map(String::as_str).collect();
    if roles.is_empty() || !work.owners {
        return Ok(());
    }
    let shown = roles.iter().take(NAMES).copied().collect::<Vec<_>>().join("\n");
    Err(Error::failed("the backup names roles that this server does not have; nothing was changed")
        .because(shown)
        .help("create the roles first, or restore without owners and rights: --no-owner"))
}

/// The database that is being filled; dropped again unless it took its place.
struct Beside<'a> {
    desk: &'a mut Client,
    name: String,
    placed: bool,
}

impl<'a> Beside<'a> {
    fn create(desk: &'a mut Client, target: &str, live: Option<&Found>, work: &Work<'_>) -> Result<Self> {
        let name = leftovers::beside(target, &Work::run_id()?);
        let created = desk.batch_execute(&attributes::create(&name, live)).map_err(Failure::from);
        created.explain(|| format!("could not create the database {name}"))?;
        let beside = Self { desk, name, placed: false };
        let text = format!("a restore of {} into {target}, not finished", work.archive.manifest().file);
        let marked = beside.desk.batch_execute(&leftovers::mark(&beside.name, &text)).map_err(Failure::from);
        marked.explain(|| format!("could not mark the database {}", beside.name))?;
        Ok(beside)
    }

    /// Renames both databases in one transaction; gives the name under which the old one is kept.
    fn take_place(
        &mut self,
        target: &str,
        live: Option<&Found>,
        desk: &DatabaseUrl,
        guard: &Guard,
    ) -> Result<Option<String>> {
        let old = leftovers::aside(target, &stamp());
        let mut tries = 0;
        loop {
            tries += 1;
            let ending = live.map(|_| Ending::start(desk, target)).transpose()?;
            let swapped = self.swap(target, &old, live);
            drop(ending);
            match swapped {
                Ok(()) => break,
                Err(error) if in_use(&error) && tries < TRIES => guard.check()?,
                Err(error) => {
                    let sessions = sessions(self.desk, target).unwrap_or_default();
                    let error = Error::failed(format!("the database {target} could not be renamed; it is as it was"))
                        .because(Failure::from(error));
                    return Err(match sessions.as_slice() {
                        [] => error,
                        _ => error.help(format!(
                            "end these sessions, which this role may not end, and try again: {}",
                            sessions.join(", ")
                        )),
                    });
                }
            }
        }
        self.placed = true;
        Ok(live.map(|_| old))
    }

    fn swap(&mut self, target: &str, old: &str, live: Option<&Found>) -> Result<(), postgres::Error> {
        let mut transaction = self.desk.transaction()?;
        // long enough for sessions to end, short enough not to be the outage
        transaction.batch_execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = 0")?;
        let [beside, target, aside] = [&self.name, target, old].map(quote_identifier);
        if let Some(live) = live {
            transaction.batch_execute(&format!("ALTER DATABASE {target} RENAME TO {aside}"))?;
            let before = live.comment.as_deref().map(|comment| format!("{comment} ")).unwrap_or_default();
            let text = format!("{before}(prisma-safe: set aside by a restore; drop it when nothing of it is missed)");
            transaction.batch_execute(&format!("COMMENT ON DATABASE {aside} IS {}", quote_literal(&text)))?;
        }
        transaction.batch_execute(&format!("ALTER DATABASE {beside} RENAME TO {target}"))?;
        let comment = live.and_then(|live| live.comment.as_deref()).map_or("NULL".into(), quote_literal);
        transaction.batch_execute(&format!("COMMENT ON DATABASE {target} IS {comment}"))?;
        transaction.commit()
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        if !self.placed {
            // the next restore drops what cannot be dropped now
            let _ = leftovers::drop_database(self.desk, &self.name);
        }
    }
}

/// Ends the sessions of a database, again and again until it is dropped. New ones wait for the lock of the renaming.
struct Ending {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ending {
    /// `desk` is another database of the server.
    fn start(desk: &DatabaseUrl, target: &str) -> Result<Self> {
        let mut client = connect(desk, &desk.database())?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, target) = (Arc::clone(&stop), target.to_owned());
        let thread = thread::spawn(move || {
            let list = "SELECT pid FROM pg_catalog.pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";
            // until it is stopped
            let _ = wait_until(Duration::MAX, BEAT, &stopped, || {
                for row in client.query(list, &[&target]).unwrap_or_default() {
                    let pid: i32 = row.get(0);
                    // one that may not be ended must not keep us from the others
                    let _ = client.execute("SELECT pg_catalog.pg_terminate_backend($1)", &[&pid]);
                }
                Ok::<Option<()>, Infallible>(None)
            });
        });
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // it ends within a beat
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Who is connected to a database.
fn sessions(desk: &mut Client, target: &str) -> Result<Vec<String>> {
    let query = "SELECT format('%s (%s, pid %s)', usename, coalesce(nullif(application_name, ''), 'no name'), pid) \
                 FROM pg_catalog.pg_stat_activity WHERE datname = $1 LIMIT 5";
    super::target::texts(desk.query(query, &[&target]))
}
