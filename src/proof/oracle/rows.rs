//! What became of rows and values, as the oracle sees it.

use std::collections::BTreeMap;

use super::{Gone, Kind, Oracle, normal};
use crate::proof::snapshot::{Data, Thing};

impl Oracle<'_> {
    pub(super) fn data(&mut self, oid: &str, data: &Data) {
        let table = self.before.find(Kind::Table, oid, "0").or_else(|| self.before.find(Kind::Materialized, oid, "0"));
        let Some(table) = table else { return };
        // a row may move between the partitions of a table, which is looked at as a whole
        if self.is_part(table) {
            return;
        }
        let empty = Data::default();
        let now = self.now(table);
        let after = now.and_then(|now| self.after.data.get(&now.oid)).unwrap_or(&empty);
        if data.rows.is_empty() {
            return;
        }
        let Some(_) = now else {
            return self.tell(Kind::Rows, table, format!("{} rows went with their table", data.rows.len()));
        };
        if after.columns.is_empty() && table.kind == Kind::Materialized {
            return self.tell(Kind::Rows, table, "holds no rows any more");
        }
        let place = |column: &(String, String)| {
            let is = self.same.get(&(Kind::Column, oid.to_owned(), column.0.clone()))?;
            after.columns.iter().position(|(number, _)| *number == is.number)
        };
        let places: Vec<Option<usize>> = data.columns.iter().map(place).collect();
        let key: Option<Vec<(usize, usize)>> = data.key.iter().map(|at| Some((*at, places[*at]?))).collect();
        match key.filter(|key| !key.is_empty()) {
            Some(key) => self.by_key(table, (data, after), &places, &key),
            None => self.by_rows(table, (data, after), &places),
        }
    }

    fn by_key(
        &mut self,
        table: &Thing,
        (data, after): (&Data, &Data),
        places: &[Option<usize>],
        key: &[(usize, usize)],
    ) {
        let of = |row: &[Option<String>], at: &dyn Fn(&(usize, usize)) -> usize| {
            key.iter().map(|pair| row[at(pair)].clone()).collect::<Vec<_>>()
        };
        let now: BTreeMap<Vec<Option<String>>, &Vec<Option<String>>> =
            after.rows.iter().map(|row| (of(row, &|pair| pair.1), row)).collect();
        let pairs: Vec<_> = data.rows.iter().map(|row| (row, now.get(&of(row, &|pair| pair.0)).copied())).collect();
        let went = pairs.iter().filter(|(_, now)| now.is_none()).count();
        if went > 0 {
            let by: Vec<&str> = data.key.iter().map(|at| data.columns[*at].1.as_str()).collect();
            self.tell(Kind::Rows, table, format!("{went} rows went, by {}", by.join(" ")));
        }
        let kept: Vec<_> = pairs.into_iter().filter_map(|(was, now)| Some((was, now?))).collect();
        for (at, (_, name)) in data.columns.iter().enumerate() {
            let other = |to: usize| {
                kept.iter()
                    .filter(|(was, now)| was[at].is_some() && normal(was[at].as_deref()) != normal(now[to].as_deref()))
                    .count()
            };
            let changed = match places[at] {
                Some(to) => other(to),
                // in any new column
                None => (0..after.columns.len())
                    .filter(|to| !places.contains(&Some(*to)))
                    .map(other)
                    .min()
                    .unwrap_or_else(|| kept.iter().filter(|(was, _)| was[at].is_some()).count()),
            };
            if changed > 0 {
                let what = format!("{changed} values went");
                self.gone.push(Gone { kind: Kind::Values, table: table.name.clone(), name: name.clone(), what });
            }
        }
    }

    /// Without a key, rows are a bag.
    fn by_rows(&mut self, table: &Thing, (data, after): (&Data, &Data), places: &[Option<usize>]) {
        let mut bag: Vec<Vec<String>> = after
            .rows
            .iter()
            .map(|row| places.iter().flatten().map(|at| normal(row[*at].as_deref())).collect())
            .collect();
        let mut went = 0;
        for row in &data.rows {
            let own = row.iter().zip(places).filter(|(_, place)| place.is_some());
            let own: Vec<String> = own.map(|(value, _)| normal(value.as_deref())).collect();
            match bag.iter().position(|other| *other == own) {
                Some(at) => {
                    bag.swap_remove(at);
                }
                None => went += 1,
            }
        }
        if went > 0 {
            self.tell(Kind::Rows, table, format!("{went} of {} rows are not there as they were", data.rows.len()));
        }
        for (at, (_, name)) in data.columns.iter().enumerate().filter(|(at, _)| places[*at].is_none()) {
            let values = data.rows.iter().filter(|row| row[at].is_some()).count();
            if values > 0 {
                let what = format!("{values} values went with their column");
                self.gone.push(Gone { kind: Kind::Values, table: table.name.clone(), name: name.clone(), what });
            }
        }
    }
}
