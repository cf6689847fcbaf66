//! Running a file on a copy: in one transaction where that can be, else as psql does.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::compared::{Compared, Sides, compared, uncompared};
use super::super::contained::reaching;
use super::super::locks::{self, Hold};
use super::super::trace::Sized;
use super::super::tracing::Tracing;
use super::super::{APPLICATION, CLONE, Original, onlooker};
use super::{Refusal, Told, Trial};
use crate::backup::demand_untouched;
use crate::catalog::Catalog;
use crate::catalog::live::{Live, Without};
use crate::database::{Cancelling, DatabaseUrl, Failure, History, connect, history};
use crate::deploy::{self, ApplyError, NoHook, Route, Runner, Settings};
use crate::error::{Error, Explain as _, Result};
use crate::project::Migration;
use crate::sql::line_at;
use crate::ui::interrupt::Guard;
use crate::values::{Since, Touched};

/// How it ran on the copy.
struct Ran {
    atomic: bool,
    statements: Vec<Told>,
    holds: Vec<Hold>,
    rewrites: Vec<Sized>,
    indexes: Vec<Sized>,
    touched: Touched,
    since: Since,
    error: Option<Refusal>,
}

/// Runs a file on a copy of the original, and compares. The original is left as it is.
///
/// # Errors
/// Exit status 3 for what reaches beyond the database, 2 for what no server takes; the scratch server's own; Ctrl-C. What the
/// server refuses of the file is in the trial.
pub fn attempt(original: &mut Original, file: &Migration, schema: &str, settings: Settings) -> Result<Trial> {
    let guard = Guard::new()?;
    demand_within(file)?;
    original.make_ready()?;
    if !original.lacking().is_empty() {
        demand_untouched(std::slice::from_ref(file), original.lacking(), false, original.server_major()?)?;
    }
    let live = Live::read(&mut original.connect()?, &Without::default());
    let world = Catalog::of_target(schema, &live.explain(|| "could not read the definitions of the copy".into())?);
    let routes = deploy::routes(std::slice::from_ref(file), world, &History::default())?;
    let since = original.copy(CLONE)?;
    let url = original.url(CLONE, schema)?;
    forget_failures(&url)?;
    let start = Instant::now();
    let ran = match routes.first() {
        Some(Route::Atomic(prepared)) => {
            let mut nothing = NoHook;
            let mut tracing = Tracing::new(schema, &mut nothing);
            let applied = Runner::open(url.clone(), settings, guard.flag())?.apply(prepared, &mut tracing);
            let traced = tracing.finish();
            Ran {
                atomic: true,
                rewrites: traced.statements.iter().flat_map(|statement| statement.rewrites.clone()).collect(),
                indexes: traced.statements.iter().flat_map(|statement| statement.indexes.clone()).collect(),
                statements: traced.statements.into_iter().map(Told::traced).collect(),
                holds: traced.holds,
                touched: Touched::These(traced.touched),
                since,
                error: applied.err().map(refusal).transpose()?,
            }
        }
        _ => outside(&url, since, file, &guard.flag())?,
    };
    finish(original, ran, (file, schema, start.elapsed()), &guard.flag())
}

/// What cannot run in one transaction: one statement after the other in one session, as psql sends a file.
fn outside(url: &DatabaseUrl, since: Since, file: &Migration, interrupt: &Arc<AtomicBool>) -> Result<Ran> {
    let script = file.script();
    let mut pieces: Vec<Range<usize>> = script.statements().iter().map(|statement| statement.range.clone()).collect();
    if !script.errors().is_empty() {
        // where a statement ends is not known
        pieces = std::iter::once(0..file.sql.len()).collect();
    }
    let mut client = connect(url, APPLICATION)?;
    let tokens = vec![(url.clone(), client.cancel_token())];
    let _cancelling = Cancelling::start(tokens, Arc::clone(interrupt));
    let mut statements = Vec::new();
    let send = || -> Option<(Range<usize>, Failure)> {
        for range in pieces {
            let sql = &file.sql[range.clone()];
            let (start, sent) = (Instant::now(), client.batch_execute(sql));
            statements.push(Told::timed(script.position(range.start).line, sql, start.elapsed()));
            if let Err(error) = sent {
                return Some((range, Failure::from(error)));
            }
        }
        None
    };
    let (failed, seen) = onlooker::during(url, &file.sql, send)?;
    if interrupt.load(Ordering::Relaxed) {
        return Err(Error::cancelled());
    }
    let seen = seen.explain(|| format!("could not look on while {} ran", file.name))?;
    let error =
        failed.map(|(range, failure)| Refusal::new(Some(line_at(&file.sql, &range, failure.position)), &failure));
    Ok(Ran {
        atomic: false,
        statements,
        holds: seen.holds,
        rewrites: seen.rewrites,
        indexes: seen.indexes,
        touched: Touched::All,
        since,
        error,
    })
}

/// The server's refusal of the file; everything else says nothing about it.
fn refusal(error: ApplyError) -> Result<Refusal> {
    match &error {
        ApplyError::Refused { place, failure, .. } => Ok(Refusal::new(place.as_ref().map(|place| place.line), failure)),
        _ => Err(error.into()),
    }
}

/// A failed migration that the copy has taken over stops nothing here.
fn forget_failures(url: &DatabaseUrl) -> Result<()> {
    let (mut client, schema) = (connect(url, APPLICATION)?, url.schema());
    let mut forget = || -> Result<(), Failure> {
        if history::exists(&mut client, &schema)? {
            let table = history::table(&schema);
            client.batch_execute(&format!("UPDATE {table} SET rolled_back_at = now() WHERE finished_at IS NULL"))?;
        }
        Ok(())
    };
    forget().explain(|| "could not prepare the copy".into())
}

fn demand_within(file: &Migration) -> Result<()> {
    match reaching(std::slice::from_ref(file)).as_slice() {
        [] => Ok(()),
        found => Err(Error::refused(format!("{} would reach beyond the copy: nothing was run", file.name))
            .because(found.join("\n"))
            .help(
                "what reaches other servers, files or programs does so from a copy too: take it out to test the rest",
            )),
    }
}

fn finish(
    original: &Original,
    ran: Ran,
    (file, schema, took): (&Migration, &str, Duration),
    interrupt: &Arc<AtomicBool>,
) -> Result<Trial> {
    let mut sides = Sides::open(original, (original.name(), CLONE), schema)?;
    let Compared { tables, losses, was, .. } = compared(&mut sides, (&ran.touched, ran.since), schema, interrupt)?;
    drop(sides);
    original.let_go(CLONE)?;
    Ok(Trial {
        file: file.name.clone(),
        backup: original.backup().to_owned(),
        server_version: original.server_version()?,
        data: original.data(),
        atomic: ran.atomic,
        took,
        statements: ran.statements,
        locks: locks::longest(ran.holds),
        rewrites: ran.rewrites,
        indexes: ran.indexes,
        tables,
        losses,
        uncompared: uncompared(&was, original.data(), schema),
        unlike: original.unlike().to_vec(),
        error: ran.error,
    })
}
