//! Tables side by side: which are the same, what each side is asked about them, and its answers.

use std::collections::BTreeMap;
use std::thread;

use postgres::Client;

use super::exact::Pair;
use super::fate::Touched;
use super::sums::{self, Form, Question, SEED, Sum};
use super::tables::{Column, Table, Tables};
use super::versions::{self, Counts};
use crate::database::Failure;

/// A table, on the sides that have it.
pub(super) struct Match<'a> {
    pub(super) id: u32,
    /// None of a new one.
    pub(super) was: Option<&'a Table>,
    /// None of one that is gone.
    pub(super) is: Option<&'a Table>,
    /// The columns that both sides have, by number.
    pub(super) pairs: BTreeMap<i16, Pair<'a>>,
    /// The numbers of the key's columns, which every side has; a key that lost a column binds nothing.
    pub(super) key: &'a [i16],
    /// What was counted, as far as the sides have it.
    pub(super) counted: (Option<Counts>, Option<Counts>),
    version: i32,
}

/// The sums of a table's values on one side.
pub(super) struct Answer {
    /// Of the columns that both sides have, in the order of [`Match::pairs`].
    pub(super) common: Vec<Sum>,
    /// Of rows as a whole, where no key binds the values of one together.
    pub(super) whole: Option<Sum>,
}

/// The tables worth a look: those that were touched, look different, went or came; and where types are `other` ones, those that have
/// a column of one.
pub(super) fn find<'a>(
    (before, after): (&'a Tables, &'a Tables),
    touched: &Touched,
    other: bool,
    version: i32,
) -> Vec<Match<'a>> {
    let stayed_or_gone = before.iter().filter_map(|(id, was)| {
        let is = after.get(id);
        let worth = |is: &Table| touched.includes(*id) || was != is || other && was.has_own_types();
        is.is_none_or(worth).then(|| Match::new(*id, (Some(was), is), version))
    });
    let came = after.iter().filter(|(id, _)| !before.contains_key(id));
    stayed_or_gone.chain(came.map(|(id, is)| Match::new(*id, (None, Some(is)), version))).collect()
}

impl<'a> Match<'a> {
    fn new(id: u32, (was, is): (Option<&'a Table>, Option<&'a Table>), version: i32) -> Self {
        let mut pairs = BTreeMap::new();
        if let (Some(was), Some(is)) = (was, is) {
            for (number, before) in &was.columns {
                if let Some(after) = is.columns.get(number) {
                    let form = Form::between(before.type_id, after.type_id, version);
                    pairs.insert(*number, Pair { before, after, form, cast: false });
                }
            }
        }
        let key = was.or(is).map(|table| table.key.as_slice()).unwrap_or_default();
        let bound = was.is_none() || is.is_none() || key.iter().all(|number| pairs.contains_key(number));
        Self { id, was, is, pairs, key: if bound { key } else { &[] }, counted: (None, None), version }
    }

    /// The columns that only this side has.
    pub(super) fn own<'t>(&self, table: &'t Table) -> Vec<(i16, &'t Column)> {
        let own = table.columns.iter().filter(|(number, _)| !self.pairs.contains_key(number));
        own.map(|(number, column)| (*number, column)).collect()
    }

    /// The hash of a row's key on a side; equal on both for the same row.
    pub(super) fn seed(&self, table: &Table) -> String {
        let forms = self.key.iter().filter_map(|number| {
            let column = table.columns.get(number)?;
            let own = || Form::between(column.type_id, column.type_id, self.version);
            Some((column, self.pairs.get(number).map_or_else(own, |pair| pair.form)))
        });
        sums::seed(forms)
    }

    fn ask(
        &self,
        client: &mut Client,
        table: &Table,
        common: impl Fn(&Pair<'a>) -> &'a Column,
    ) -> Result<Answer, Failure> {
        if versions::followed(self).is_some() {
            return Ok(Answer { common: vec![Sum::default(); self.pairs.len()], whole: None });
        }
        let mut questions = Vec::new();
        for pair in self.pairs.values().filter(|pair| !self.is_settled(pair)) {
            questions.push(asked(common(pair), pair.form));
        }
        let whole = self.is_heap() && !versions::all_copied(self);
        if whole {
            let columns: Vec<String> = self.pairs.values().map(|pair| sums::quoted(common(pair))).collect();
            let row = format!("ROW({})", columns.join(", "));
            questions.push((row.clone(), sums::text_hash(&row, SEED)));
        }
        let mut sums = sums::of(client, table, &self.seed(table), &questions)?;
        let whole = if whole { sums.pop() } else { None };
        let mut sums = sums.into_iter();
        // settled ones are equal, whatever they hold
        let common = self.pairs.values().map(|pair| match self.is_settled(pair) {
            true => Sum::default(),
            false => sums.next().unwrap_or_default(),
        });
        Ok(Answer { common: common.collect(), whole })
    }

    /// The sums over some of the columns that only this side has: over their texts, so that equal values in any column of any
    /// table with equal keys have equal sums.
    pub(super) fn sums(&self, client: &mut Client, table: &Table, columns: &[&Column]) -> Result<Vec<Sum>, Failure> {
        let questions: Vec<Question> = columns.iter().map(|column| asked(column, Form::Text)).collect();
        sums::of(client, table, &self.seed(table), &questions)
    }

    /// Whether each row holds the very value that was copied.
    fn is_settled(&self, pair: &Pair<'_>) -> bool {
        versions::all_copied(self) && versions::same_meaning(pair.before, pair.after)
    }

    /// Whether rows are known by nothing but their values.
    fn is_heap(&self) -> bool {
        self.key.is_empty() && self.pairs.len() > 1
    }

    /// The same without its key, which tells rows apart no more: its own values were cast, and their texts are others.
    pub(super) fn as_heap(&self) -> Self {
        Self { pairs: self.pairs.clone(), key: &[], counted: self.counted.clone(), ..*self }
    }
}

fn asked(column: &Column, form: Form) -> Question {
    let value = sums::quoted(column);
    let hash = sums::hash(&value, form, column, SEED);
    (value, hash)
}

/// Asks for the sums of a table, where both sides have it: in one pass over each, and both at once.
///
/// # Errors
/// The servers' own.
pub(super) fn ask(
    base: &mut Client,
    clone: &mut Client,
    matches: &[Match<'_>],
) -> Result<Vec<Option<(Answer, Answer)>>, Failure> {
    let both = || matches.iter().map(|it| it.was.zip(it.is));
    let (was, is) = at_once(
        || {
            let each = matches.iter().zip(both());
            let each = each.map(|(it, both)| both.map(|(was, _)| it.ask(base, was, |pair| pair.before)).transpose());
            each.collect::<Result<Vec<_>, Failure>>()
        },
        || {
            let each = matches.iter().zip(both());
            let each = each.map(|(it, both)| both.map(|(_, is)| it.ask(clone, is, |pair| pair.after)).transpose());
            each.collect::<Result<Vec<_>, Failure>>()
        },
    )?;
    Ok(was.into_iter().zip(is).map(|(was, is)| was.zip(is)).collect())
}

/// One side beside the other.
pub(super) fn at_once<W: Send, I>(
    was: impl FnOnce() -> Result<W, Failure> + Send,
    is: impl FnOnce() -> Result<I, Failure>,
) -> Result<(W, I), Failure> {
    let (was, is) = thread::scope(|scope| {
        let was = scope.spawn(was);
        let is = is();
        (was.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), is)
    });
    Ok((was?, is?))
}
