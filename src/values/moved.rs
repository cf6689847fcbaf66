//! Columns that only one side has: what went, and is found again in what came, has moved.

use postgres::Client;

use super::fate::{Fate, TableFate};
use super::matches::{Match, at_once};
use super::sums::Sum;
use super::tables::{Column, Table};
use super::versions::Counts;
use crate::database::Failure;

/// A column that went, or came.
struct Loose<'t> {
    /// Which match it belongs to, and where its fate is to be written.
    table: usize,
    column: usize,
    said: String,
    itself: &'t Column,
    /// With a hash where a column of the other kind has as many values.
    sum: Sum,
}

/// The columns that are on one side only.
#[derive(Default)]
pub(super) struct Moves<'t> {
    lost: Vec<Loose<'t>>,
    new: Vec<Loose<'t>>,
}

impl<'t> Moves<'t> {
    /// Remembers what a table had, with its match's place; its columns' fates stand in their order.
    pub(super) fn went(&mut self, at: usize, it: &Match<'t>, (of, counted): (&'t Table, &Counts), said: &str) {
        let place = |number| of.columns.keys().position(|own| *own == number).unwrap_or_default();
        self.lost.extend(loose(at, it, (of, counted), place, said));
    }

    /// Remembers what a table has; the fates of what came begin at `first`.
    pub(super) fn came(
        &mut self,
        at: usize,
        it: &Match<'t>,
        (of, counted): (&'t Table, &Counts),
        (said, first): (&str, usize),
    ) {
        let came = it.own(of);
        let place = |number| first + came.iter().position(|(own, _)| *own == number).unwrap_or_default();
        self.new.extend(loose(at, it, (of, counted), place, said));
    }

    /// Writes what became of each that went: what is found again is not lost; in its own table first.
    ///
    /// # Errors
    /// The servers' own.
    pub(super) fn find(
        self,
        (base, clone): (&mut Client, &mut Client),
        matches: &[Match<'_>],
        fates: &mut [TableFate],
    ) -> Result<(), Failure> {
        let Self { mut lost, mut new } = self;
        lost.retain(|lost| {
            let fate = &mut fates[lost.table].columns[lost.column].fate;
            let found = matches!(fate, Fate::Moved { .. }) && lost.sum.values > 0;
            if !found {
                *fate = Fate::Lost { values: lost.sum.values.unsigned_abs() };
            }
            !found && lost.sum.values > 0
        });
        // others are not the same, whatever they hold
        new.retain(|new| lost.iter().any(|lost| lost.sum.values == new.sum.values));
        lost.retain(|lost| new.iter().any(|new| new.sum.values == lost.sum.values));
        at_once(|| hash(base, &mut lost, matches, |it| it.was), || hash(clone, &mut new, matches, |it| it.is))?;
        for lost in lost {
            let same = new.iter().filter(|new| new.sum == lost.sum).min_by_key(|new| new.table != lost.table);
            if let Some(new) = same {
                fates[lost.table].columns[lost.column].fate = Fate::Moved { to: new.said.clone() };
            }
        }
        Ok(())
    }
}

/// The columns that only one side of a table has; `place` says where a column's fate stands.
fn loose<'t>(
    table: usize,
    it: &Match<'t>,
    (of, counted): (&'t Table, &Counts),
    place: impl Fn(i16) -> usize,
    said: &str,
) -> Vec<Loose<'t>> {
    it.own(of)
        .into_iter()
        .zip(&counted.own)
        // what is computed from others is lost with nothing
        .filter(|((_, column), _)| !column.generated)
        .map(|((number, column), values)| Loose {
            table,
            column: place(number),
            said: format!("{said}.{}", column.name),
            itself: column,
            sum: Sum { values: *values, hash: None },
        })
        .collect()
}

/// Hashes the columns of one side, in one pass over each table.
fn hash<'t>(
    client: &mut Client,
    columns: &mut [Loose<'_>],
    matches: &[Match<'t>],
    side: impl Fn(&Match<'t>) -> Option<&'t Table>,
) -> Result<(), Failure> {
    for of_one in columns.chunk_by_mut(|one, other| one.table == other.table) {
        let it = of_one.first().map(|loose| &matches[loose.table]);
        // a column of a side has its table there
        let Some((it, table)) = it.and_then(|it| Some((it, side(it)?))) else { continue };
        let asked: Vec<&Column> = of_one.iter().map(|loose| loose.itself).collect();
        for (loose, sum) in of_one.iter_mut().zip(it.sums(client, table, &asked)?) {
            loose.sum = sum;
        }
    }
    Ok(())
}
