//! Filling a plan's column beside everyone else's work: many short transactions, none long.
//!
//! | module | what it is |
//! |---|---|
//! | `state` | the tables in `_prisma_safe` that a killed run goes on from |
//! | `statements` | the SQL of a batch |
//! | `worker` | one session: takes a range of keys, fills it, adapts its size |
//! | `pace`, `pressure` | how large a batch is, and when to pause |
//! | `sample` | what would be written, without writing |

mod pace;
mod pressure;
mod sample;
mod state;
mod statements;
mod worker;

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;

pub use self::sample::{Change, Sample, sample};
pub use self::state::Refused;
use self::state::State;
use self::statements::Statements;
use self::worker::{Shared, Worker};
use crate::database::DatabaseUrl;
use crate::error::{Error, Explain as _, Result};
use crate::guard::Pass;
use crate::phases::rows::Key;
use crate::phases::settings::Backfill;
use crate::phases::{Plan, Scripts, session};
use crate::ui::interrupt::Guard;
use crate::ui::progress::Progress;
use crate::ui::{Shell, counted};

/// The name that the server shows for our sessions.
pub(crate) const APPLICATION: &str = "prisma-safe backfill";
/// How often the progress is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Rows that others have locked are waited for so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is to be filled, and how.
#[derive(Debug)]
pub struct Job<'a> {
    pub plan: &'a Plan,
    pub url: &'a DatabaseUrl,
    pub settings: Backfill,
    /// Rows that cannot be filled are noted, and the others go on.
    pub keep_going: bool,
}

/// What a run has done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Done {
    /// Rows that this run has filled.
    pub filled: u64,
    /// The key after which it went on, where an earlier run had begun.
    pub resumed: Option<String>,
    pub batches: u64,
    /// The longest that a batch held its rows.
    pub longest: Duration,
    pub took: Duration,
    /// Rows that could not be filled.
    pub refused: Vec<Refused>,
}

/// The key of the plan's table.
///
/// # Errors
/// Exit status 1 where there is no such table; 2 for a plan that fills nothing; 3 for one whose rows nothing identifies.
pub fn key(client: &mut Client, plan: &Plan) -> Result<Key> {
    demand_fills(plan)?;
    let table = plan.object();
    let key = Key::of(client, &table).explain(|| format!("could not look for the key of {table}"))?;
    let key =
        key.ok_or_else(|| Error::failed(format!("the database has no table {table}")).help("deploy the expand first"))?;
    if key.columns.is_empty() && key.partitioned {
        return Err(Error::refused(format!(
            "{table} has partitions and no key: nothing identifies a row in all of them"
        ))
        .help("add a primary key, or fill each partition by hand"));
    }
    Ok(key)
}

/// # Errors
/// Exit status 2 for a plan that fills nothing.
pub fn demand_fills(plan: &Plan) -> Result<()> {
    if plan.kind.fills() { Ok(()) } else { Err(nothing(plan)) }
}

fn nothing(plan: &Plan) -> Error {
    Error::usage(format!("the plan {} has nothing to fill", plan.name))
        .help("a dropped column and a renamed table have no backfill")
}

/// Fills every row that is empty, from where an earlier run has stopped.
///
/// # Errors
/// Exit status 1 for rows that cannot be filled, by their keys, and where rows stay locked; 130 on Ctrl-C. What is filled stays
/// filled, and another run goes on.
pub fn run(job: &Job<'_>, shell: &Shell) -> Result<Done> {
    let start = Instant::now();
    let mut client = session::open(job.url, APPLICATION)?;
    let key = key(&mut client, job.plan)?;
    let _pass = Pass::with(job.url, "backfill", &mut client)?;
    let scripts = Scripts { plan: job.plan, default_schema: "", shown: "" };
    let statements = Statements::of(&scripts, key).ok_or_else(|| nothing(job.plan))?;
    let explain = || format!("could not begin the backfill of {}", job.plan.name);
    let state = State::prepare(&mut client, job.plan, &statements).explain(explain)?;
    let mut done = Done { resumed: state.position.as_ref().map(|at| statements.key.said(at)), ..Done::default() };
    if let Some(key) = &done.resumed {
        shell.status("Resuming", format_args!("after {key}"));
    }
    let guard = Guard::new()?;
    let shared = Arc::new(Shared::new(guard.flag(), &state));
    let rows = statements.rows(&mut client).explain(explain)?;
    let mut progress = Progress::start(shell, "Filling");
    let mut deadline = None::<Instant>;
    loop {
        work(job, &statements, &shared, rows, &mut progress)?;
        guard.check()?;
        if let Some(error) = shared.take_failure() {
            return Err(error);
        }
        let left = state.left(&mut client, job.plan, &statements).explain(explain)?;
        if left.is_empty() {
            break;
        }
        // other sessions hold these rows: a write of theirs fills them, by the trigger
        if Instant::now() > *deadline.get_or_insert_with(|| Instant::now() + PATIENCE) {
            let named: Vec<String> = left.iter().map(|key| statements.key.said(key)).collect();
            return Err(Error::failed(format!("rows are not filled yet: {}", named.join(" · ")))
                .because("other sessions hold them, or the expression gives nothing for them")
                .help("`prisma-safe backfill` goes on with them"));
        }
        state.again(&mut client, job.plan).explain(explain)?;
        thread::sleep(Duration::from_millis(500));
    }
    drop(progress);
    state.finish(&mut client, job.plan).explain(explain)?;
    done.refused = state.refused(&mut client, job.plan, &statements).explain(explain)?;
    done.filled = shared.filled.load(Ordering::Relaxed);
    done.batches = shared.batches.load(Ordering::Relaxed);
    done.longest = Duration::from_micros(shared.longest.load(Ordering::Relaxed));
    done.took = start.elapsed();
    Ok(done)
}

/// Lets the workers go through what is left of the keys.
fn work(
    job: &Job<'_>,
    statements: &Statements,
    shared: &Arc<Shared>,
    rows: u64,
    progress: &mut Progress,
) -> Result<()> {
    let (over, ended) = mpsc::channel::<()>();
    thread::scope(|scope| {
        for _ in 0..job.settings.workers {
            let over = over.clone();
            scope.spawn(move || {
                let result = Worker::open(job, statements, shared).and_then(|mut worker| worker.run());
                if let Err(error) = result {
                    shared.fail(error);
                }
                drop(over);
            });
        }
        drop(over);
        let start = Instant::now();
        let before = shared.filled.load(Ordering::Relaxed);
        while let Err(mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK) {
            let filled = shared.filled.load(Ordering::Relaxed);
            let seen = shared.seen.load(Ordering::Relaxed);
            #[expect(clippy::cast_precision_loss, reason = "for people")]
            let (fraction, rate) =
                (seen as f64 / rows.max(1) as f64, (filled - before) as f64 / start.elapsed().as_secs_f64().max(0.001));
            let pause = shared.pausing.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let words = match pause {
                Some(why) => format!("{}, pausing: {why}", counted(filled, "row")),
                None => format!("{}, {rate:.0} a second", counted(filled, "row")),
            };
            progress.say(fraction.min(1.0), &words);
        }
    });
    Ok(())
}
