//! Before anything is done: everything that stands in the way of a deploy, found in one go and told together.

mod rights;
mod target;

use std::fmt::Write as _;

use postgres::Client;

use self::target::Target;
use super::APPLICATION_NAME;
use super::orphan;
use super::partial::{self, Extent};
use crate::database::activity::{self, PRISMA_LOCK};
use crate::database::pooler::{self, Behaviour, DIRECT_VARIABLES};
use crate::database::{DatabaseUrl, Failure, History, PoolMode, Pooler, Session, Standing};
use crate::error::{Error, Result};
use crate::project::Migration;

/// What a deploy is about.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The target.
    pub url: &'a DatabaseUrl,
    /// The folder's migrations, in order of name.
    pub migrations: &'a [Migration],
    /// Tables that are none of Prisma's business (`tables.external`), as `schema.table` or `table`.
    pub external_tables: &'a [String],
    /// Further schemas that Prisma manages (`schemas` of the data source).
    pub schemas: &'a [String],
}

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    /// The server is none that prisma-safe knows.
    Server,
    /// A pooler stands before the database.
    Pooler,
    /// A migration failed before.
    Failed,
    /// An applied migration's file has changed.
    Edited,
    /// An applied migration's file is gone.
    Missing,
    /// There are tables but no history (P3005).
    NotEmpty,
    /// Another deploy is running.
    Running,
    /// The user may not do what a deploy does.
    Privilege,
    /// No backup can be taken, proved or rehearsed on.
    Backup,
}

/// Something that stands in the way, or should be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub concern: Concern,
    /// Whether a deploy must not go on. The others are for the review to judge.
    pub blocking: bool,
    /// What is the case, in a sentence.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// The target's state before a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflight {
    /// `server_version_num`: 150018.
    pub server_version: u32,
    /// `server_version`: `15.18`.
    pub server_version_text: String,
    /// Whether a schema that Prisma manages holds any table, view or enum: without one there is nothing to back up.
    pub has_tables: bool,
    /// Prisma's history; none where Prisma has never deployed.
    pub history: Option<History>,
    /// The folder against the history.
    pub standing: Standing,
    /// Everything found.
    pub problems: Vec<Problem>,
}

impl Preflight {
    /// Looks at everything. Changes nothing; with something pending, two more connections look for a pooler.
    ///
    /// # Errors
    /// Only if the target cannot be asked: what is wrong with it is in [`Preflight::problems`].
    pub fn of(client: &mut Client, plan: &Plan<'_>) -> Result<Self> {
        let target = Target::ask(client, plan).map_err(|failure| unasked(plan, failure))?;
        let history = match target.history && target.may_read_history {
            true => History::read(client, &plan.url.schema())?,
            false => None,
        };
        let standing = history.clone().unwrap_or_default().compare(plan.migrations);
        let behaviour = match standing.pending.is_empty() {
            true => None,
            false => Some(pooler::probe(plan.url, APPLICATION_NAME)?),
        };
        let running = activity::lock_holders(client, PRISMA_LOCK).unwrap_or_default();
        let mut problems = Vec::new();
        problems.extend(target.problems(plan));
        if problems.is_empty() && target.history {
            problems
                .extend(rights::problems(client, plan, &standing.pending).map_err(|failure| unasked(plan, failure))?);
        }
        problems.extend(pooled(plan.url.pooled().as_ref(), behaviour));
        problems.extend(deploy_running(client, &running));
        // one that is running now may come further
        let extents = match running.is_empty() {
            true => partial::extents(client, &plan.url.schema(), plan.migrations, &standing),
            false => Vec::new(),
        };
        problems.extend(standing_problems(&standing, !running.is_empty(), &extents));
        Ok(Self {
            server_version: target.version,
            server_version_text: target.version_text,
            has_tables: target.objects > 0,
            history,
            standing,
            problems,
        })
    }

    /// Refuses to go on if anything is in the way, and tells all of it.
    ///
    /// # Errors
    /// Exit status 3; 1 where the only trouble is that another deploy is running, which passes by itself.
    pub fn check(&self) -> Result<()> {
        let blocking: Vec<&Problem> = self.problems.iter().filter(|problem| problem.blocking).collect();
        match blocking.as_slice() {
            [] => Ok(()),
            [problem] if problem.concern == Concern::Running => {
                Err(Error::failed(problem.message.clone()).help(problem.help.clone()))
            }
            [problem] => Err(Error::refused(problem.message.clone()).help(problem.help.clone())),
            problems => {
                let mut text = String::new();
                for (number, problem) in problems.iter().enumerate() {
                    // writing to a String does not fail
                    let _ = writeln!(text, "{}. {}\n   {}", number + 1, problem.message, problem.help);
                }
                let message = format!("{} problems stand in the way of a deploy", problems.len());
                Err(Error::refused(message).because(text.trim_end().to_owned()))
            }
        }
    }
}

/// The first query failed: a pooler that mixes sessions breaks it, and then that is the trouble.
fn unasked(plan: &Plan<'_>, failure: Failure) -> Error {
    match pooled(plan.url.pooled().as_ref(), pooler::probe(plan.url, APPLICATION_NAME).ok()) {
        Some(problem) if problem.blocking => Error::refused(problem.message).because(failure).help(problem.help),
        _ => Error::failed("could not look at the database before the deploy").because(failure),
    }
}

/// A pooler that hands out connections by transaction blocks: locks, settings and dumps leak to other clients through it.
/// What the connection shows beats a flag or a port; a provider's host name beats both.
fn pooled(named: Option<&Pooler>, behaviour: Option<Behaviour>) -> Option<Problem> {
    let (provider, evidence) =
        named.map_or(("a pooler", "so the connection behaves"), |pooler| (pooler.provider, pooler.evidence.as_str()));
    let certain = named.is_some_and(Pooler::is_certain);
    let blocking = match (named, behaviour) {
        (_, Some(behaviour)) if behaviour.sessions_mix => true,
        (Some(pooler), _) if certain && pooler.mode == PoolMode::Transaction => true,
        (Some(pooler), None) => pooler.mode == PoolMode::Transaction,
        (None, None) => return None,
        (_, Some(behaviour)) if !certain && !behaviour.is_pooled() => return None,
        // session by session: slower, but safe
        (_, Some(_)) => false,
    };
    let help = match named.and_then(Pooler::direct_suggestion) {
        Some(direct) => format!("use the direct URL, probably {direct}"),
        None => format!("use the direct URL; your provider may have put it into {}", DIRECT_VARIABLES.join(" or ")),
    };
    let message = format!("the database URL goes through a connection pooler ({provider}: {evidence})");
    Some(Problem { concern: Concern::Pooler, blocking, message, help })
}

/// What is wrong with the way to the database, looked at by its URL and by two connections.
///
/// # Errors
/// Those of [`pooler::probe`].
pub fn pooler_before(url: &DatabaseUrl) -> Result<Option<Problem>> {
    Ok(pooled(url.pooled().as_ref(), Some(pooler::probe(url, APPLICATION_NAME)?)))
}

fn deploy_running(client: &mut Client, holders: &[Session]) -> Option<Problem> {
    let first = holders.first()?;
    let told: Vec<String> = holders.iter().map(|holder| format!("  {}", orphan::describe(client, holder))).collect();
    let help = match orphan::harmless(first) {
        Ok(()) => format!("its deploy seems to be gone: {} ends that session", orphan::OPTION),
        Err(_) => format!(
            "wait for it; if that deploy has ended (a pooler may keep its session): SELECT pg_terminate_backend({});",
            first.pid
        ),
    };
    Some(Problem {
        concern: Concern::Running,
        blocking: true,
        message: format!("another deploy is running: Prisma's lock is held by\n{}", told.join("\n")),
        help,
    })
}

/// What the history says; edited and missing migrations are the review's to judge.
fn standing_problems(standing: &Standing, running: bool, extents: &[Extent]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (at, row) in standing.failed.iter().enumerate() {
        let extent = extents.get(at).copied().unwrap_or(Extent::Unknown);
        let name = &row.name;
        let logs = row.logs.as_deref().map_or(String::new(), |logs| format!(":\n{}", first_lines(logs)));
        let now = if running { ", or is running now" } else { "" };
        let came = extent.said().map_or(String::new(), |said| format!("; {said}"));
        problems.push(Problem {
            concern: Concern::Failed,
            blocking: true,
            message: format!("migration {name}, started {}, has failed{now}{came}{logs}", row.started_at),
            help: extent.remedy(name),
        });
    }
    let files = |concern, names: &[String], message: &str, help: &str| {
        (!names.is_empty()).then(|| Problem {
            concern,
            blocking: false,
            message: format!("{message}: {}", names.join(", ")),
            help: help.into(),
        })
    };
    problems.extend(files(
        Concern::Edited,
        &standing.edited,
        "changed after they were applied",
        "bring the files back as they were; a change of the schema is a new migration",
    ));
    problems.extend(files(
        Concern::Missing,
        &standing.missing,
        "applied, but not in the migrations folder",
        "is this checkout older than the last deploy? Bring the files back from version control",
    ));
    problems
}

/// Prisma's logs hold a dump of its error: the beginning tells.
fn first_lines(logs: &str) -> String {
    logs.lines().filter(|line| !line.trim().is_empty()).take(4).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn named(url: &str) -> Option<Pooler> {
        DatabaseUrl::parse(url).unwrap().pooled()
    }

    #[test]
    fn poolers_are_judged_by_name_and_behaviour() {
        let direct = Some(Behaviour { options_arrive: true, sessions_mix: false });
        let session = Some(Behaviour { options_arrive: false, sessions_mix: false });
        let mixing = Some(Behaviour { options_arrive: false, sessions_mix: true });
        let neon = named("postgres://u@ep-a-pooler.neon.tech/d");
        let flag = named("postgres://u@localhost/d?pgbouncer=true");
        let supabase_session = named("postgres://u@x.pooler.supabase.com:5432/d");
        let blocking =
            |name: &Option<Pooler>, behaviour| pooled(name.as_ref(), behaviour).map(|problem| problem.blocking);
        assert_eq!(blocking(&None, direct), None);
        assert_eq!(blocking(&None, None), None);
        assert_eq!(blocking(&None, session), Some(false));
        assert_eq!(blocking(&None, mixing), Some(true));
        assert_eq!(blocking(&neon, direct), Some(true), "a pool of many may not show itself");
        assert_eq!(blocking(&flag, direct), None, "a flag left over in a direct URL");
        assert_eq!(blocking(&flag, None), Some(true));
        assert_eq!(blocking(&flag, session), Some(false));
        assert_eq!(blocking(&supabase_session, session), Some(false));
        assert_eq!(blocking(&supabase_session, mixing), Some(true));
        let help = pooled(neon.as_ref(), None).unwrap().help;
        assert!(help.contains("u@ep-a.neon.tech:5432/d"), "{help}");
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let problem = |blocking, message: &str| Problem {
            concern: Concern::Failed,
            blocking,
            message: message.into(),
            help: format!("mend {message}"),
        };
        let mut preflight = Preflight {
            server_version: 150_000,
            server_version_text: "15.0".into(),
            has_tables: false,
            history: None,
            standing: Standing::default(),
            problems: vec![problem(false, "edited")],
        };
        assert!(preflight.check().is_ok());
        preflight.problems.push(problem(true, "failed"));
        let error = preflight.check().unwrap_err();
        assert_eq!(
            (error.exit(), error.to_string().as_str(), error.help_text()),
            (Exit::Refused, "failed", Some("mend failed"))
        );
        preflight.problems.push(problem(true, "pooled"));
        let error = preflight.check().unwrap_err();
        let causes = error.causes().join("\n");
        assert!(causes.contains("1. failed\n   mend failed\n2. pooled\n   mend pooled"), "{causes}");
    }
}
