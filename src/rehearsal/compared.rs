//! The copy beside the original: definitions, values and objects before and after.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use postgres::Client;

use super::{APPLICATION, Data, Original};
use crate::catalog::live::{Live, Without};
use crate::conservation::{self, Census, Loss};
use crate::database::{Cancelling, DatabaseUrl, Failure, connect};
use crate::error::{Error, Explain as _, Result};
use crate::values::{Since, TableFate, Touched, compare};

/// What became of a copy.
pub(super) struct Compared {
    /// Before and after.
    pub(super) definitions: (Live, Live),
    pub(super) tables: Vec<TableFate>,
    pub(super) losses: Vec<Loss>,
    /// The objects before.
    pub(super) was: Census,
}

/// A copy and the database that it was made of, with a session on each.
pub(super) struct Sides {
    was_at: DatabaseUrl,
    is_at: DatabaseUrl,
    before: Client,
    after: Client,
}

impl Sides {
    /// Of two databases of the original's server, by name.
    ///
    /// # Errors
    /// The server's own.
    pub(super) fn open(original: &Original, (was, is): (&str, &str), schema: &str) -> Result<Self> {
        let (was_at, is_at) = (original.url(was, schema)?, original.url(is, schema)?);
        let (before, after) = (connect(&was_at, APPLICATION)?, connect(&is_at, APPLICATION)?);
        Ok(Self { was_at, is_at, before, after })
    }

    pub(super) fn clients(&mut self) -> (&mut Client, &mut Client) {
        (&mut self.before, &mut self.after)
    }
}

/// Compares the copy with what it was.
///
/// # Errors
/// The servers' own; Ctrl-C.
pub(super) fn compared(
    sides: &mut Sides,
    touched: (&Touched, Since),
    schema: &str,
    interrupt: &Arc<AtomicBool>,
) -> Result<Compared> {
    let Sides { was_at, is_at, before, after } = sides;
    let definitions =
        definitions(before, after).explain(|| "could not read the definitions around the rehearsal".into())?;
    let tables = {
        let tokens = vec![(is_at.clone(), after.cancel_token()), (was_at.clone(), before.cancel_token())];
        let _cancelling = Cancelling::start(tokens, Arc::clone(interrupt));
        compare((before, after), touched, schema)
    };
    if interrupt.load(Ordering::Relaxed) {
        return Err(Error::cancelled());
    }
    let tables = tables.explain(|| "could not compare the copy with what it was".into())?;
    let census = Census::read(before).and_then(|was| Ok((was, Census::read(after)?)));
    let (was, is) = census.explain(|| "could not read the objects around the rehearsal".into())?;
    let losses = conservation::losses(&tables, (&was, &is), schema);
    Ok(Compared { definitions, tables, losses, was })
}

/// What the comparison cannot see, whatever the migrations do.
pub(super) fn uncompared(was: &Census, data: Data, schema: &str) -> Vec<String> {
    let foreign = was.foreign_tables(schema);
    let elsewhere = (!foreign.is_empty())
        .then(|| format!("the rows of foreign tables, which are elsewhere: {}", foreign.join(", ")));
    let empty =
        (data == Data::Schema).then(|| "rows, values and sequences' positions: the tables were empty".to_owned());
    elsewhere.into_iter().chain(empty).collect()
}

fn definitions(before: &mut Client, after: &mut Client) -> Result<(Live, Live), Failure> {
    let without = Without::default();
    Ok((Live::read(before, &without)?, Live::read(after, &without)?))
}
