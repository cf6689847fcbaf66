//! Tables side by side: which are the same, what each side is asked about them, and its answers.

use std::collections::BTreeMap;
use std::thread;

use postgres::Client;

use super::exact::Pair;
use super::fate::Touched;
use super::sums::{self, Form, SEED, Sum, Sums};
use super::tables::{Column, Table, Tables};
use crate::database::Failure;

/// A table, on the sides that have it.
pub(super) struct Match<'a> {
    /// None of a new one.
    pub(super) was: Option<&'a Table>,
    /// None of one that is gone.
    pub(super) is: Option<&'a Table>,
    /// The columns that both sides have, by number.
    pub(super) pairs: BTreeMap<i16, Pair<'a>>,
    /// The numbers of the key's columns, which every side has; a key that lost a column binds nothing.
    pub(super) key: &'a [i16],
    version: i32,
}

/// What a side says of a table.
pub(super) struct Answer {
    pub(super) rows: i64,
    /// Of the columns that both sides have, in the order of [`Match::pairs`].
    pub(super) common: Vec<Sum>,
    /// Of the columns that only this side has, in their order: over their texts, so that equal values in any column have
    /// equal sums.
    pub(super) own: Vec<Sum>,
    /// Of rows as a whole, where no key binds the values of one together.
    pub(super) whole: Option<Sum>,
}

/// What both sides say of a table, as far as they have it.
pub(super) type Answers = (Option<Answer>, Option<Answer>);

/// The tables worth a look: those that were touched, look different, went or came.
pub(super) fn find<'a>(before: &'a Tables, after: &'a Tables, touched: &Touched, version: i32) -> Vec<Match<'a>> {
    let stayed_or_gone = before.iter().filter_map(|(id, was)| {
        let is = after.get(id);
        is.is_none_or(|is| touched.includes(*id) || was != is).then(|| Match::new(Some(was), is, version))
    });
    let came = after.iter().filter(|(id, _)| !before.contains_key(id));
    stayed_or_gone.chain(came.map(|(_, is)| Match::new(None, Some(is), version))).collect()
}

impl<'a> Match<'a> {
    fn new(was: Option<&'a Table>, is: Option<&'a Table>, version: i32) -> Self {
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
        Self { was, is, pairs, key: if bound { key } else { &[] }, version }
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
        let asked = |column: &Column, form| {
            let value = sums::quoted(column);
            let hash = sums::hash(&value, form, column, SEED);
            (value, hash)
        };
        let mut questions: Vec<(String, String)> =
            self.pairs.values().map(|pair| asked(common(pair), pair.form)).collect();
        questions.extend(self.own(table).into_iter().map(|(_, column)| asked(column, Form::Text)));
        if self.is_heap() {
            let columns: Vec<String> = self.pairs.values().map(|pair| sums::quoted(common(pair))).collect();
            let row = format!("ROW({})", columns.join(", "));
            questions.push((row.clone(), sums::text_hash(&row, SEED)));
        }
        let Sums { rows, columns: mut common } = sums::of(client, table, &self.seed(table), &questions)?;
        let whole = if self.is_heap() { common.pop() } else { None };
        let own = common.split_off(self.pairs.len());
        Ok(Answer { rows, common, own, whole })
    }

    /// Whether rows are known by nothing but their values.
    fn is_heap(&self) -> bool {
        self.key.is_empty() && self.pairs.len() > 1
    }

    /// The same without its key, which tells rows apart no more: its own values were cast, and their texts are others.
    pub(super) fn as_heap(&self) -> Self {
        Self { was: self.was, is: self.is, pairs: self.pairs.clone(), key: &[], version: self.version }
    }
}

/// Asks both sides about every table, each in one pass over it, and both at once.
///
/// # Errors
/// The servers' own.
pub(super) fn ask(base: &mut Client, clone: &mut Client, matches: &[Match<'_>]) -> Result<Vec<Answers>, Failure> {
    let (was, is) = thread::scope(|scope| {
        let was = scope.spawn(|| {
            let each = matches.iter().map(|it| it.was.map(|table| it.ask(base, table, |pair| pair.before)).transpose());
            each.collect::<Result<Vec<_>, Failure>>()
        });
        let each = matches.iter().map(|it| it.is.map(|table| it.ask(clone, table, |pair| pair.after)).transpose());
        let is = each.collect::<Result<Vec<_>, Failure>>();
        (was.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), is)
    });
    Ok(was?.into_iter().zip(is?).collect())
}
