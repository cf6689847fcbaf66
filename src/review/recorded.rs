//! A catalog file in the target's place: it answers what definitions and estimates tell, and lists every other question.

use std::cell::RefCell;

use jiff::Timestamp;

use super::probes;
use crate::catalog::ObjectName;
use crate::catalog::live::{CatalogFile, Kind};
use crate::database::dependents::Dependent;
use crate::database::victims::{self, Dropped};
use crate::effects::retype::Loss;
use crate::rules::{Live, Lost, Unchecked, Which};

/// Why no question about data was asked.
const NO_DATA: &str = "from a catalog file: no data was asked";

/// A file that is older may say little about the target.
const OLD_DAYS: i64 = 7;

/// The file, and what it could not answer so far.
#[derive(Debug)]
pub struct Recorded<'a> {
    file: &'a CatalogFile,
    unchecked: RefCell<Vec<Unchecked>>,
}

impl<'a> Recorded<'a> {
    /// The file as it is called on the command line; its age is always reported.
    pub fn new(file: &'a CatalogFile, name: &str, now: Timestamp) -> Self {
        let age = age(file, now);
        let of = |what: &str, why: String| Unchecked { what: what.into(), why };
        let mut unchecked = vec![of("row counts", format!("estimates of {name}, taken {age}"))];
        if days(file, now) > OLD_DAYS {
            unchecked.push(of(
                "what has changed on the target since then",
                format!("{name} was taken {age}: `prisma-safe catalog` takes a new one"),
            ));
        }
        Self { file, unchecked: RefCell::new(unchecked) }
    }

    fn unknown<T>(&self, what: String, why: &str) -> Option<T> {
        let unchecked = Unchecked { what, why: why.to_owned() };
        let mut known = self.unchecked.borrow_mut();
        if !known.contains(&unchecked) {
            known.push(unchecked);
        }
        None
    }

    fn asked<T>(&self, table: &ObjectName, which: &Which<'_>) -> Option<T> {
        self.unknown(probes::subject(table, which, self.file.server_version_number), NO_DATA)
    }
}

/// `3 days ago`
pub fn age(file: &CatalogFile, now: Timestamp) -> String {
    let hours = now.duration_since(file.taken_at).as_hours();
    match hours {
        ..2 => "less than two hours ago".to_owned(),
        2..48 => format!("{hours} hours ago"),
        _ => format!("{} days ago", hours / 24),
    }
}

fn days(file: &CatalogFile, now: Timestamp) -> i64 {
    now.duration_since(file.taken_at).as_hours() / 24
}

impl Live for Recorded<'_> {
    fn server_version(&self) -> u32 {
        self.file.server_version_number
    }

    fn rows(&self, table: &ObjectName) -> Option<u64> {
        match self.file.rows(table) {
            // rules take no row, or a single one, as proof that nothing can go wrong
            Some(0 | 1) => {
                self.unknown(format!("whether {} is empty", table.name), "an estimate proves no table empty")
            }
            None => self.unknown(format!("rows of {}", table.name), "the catalog file has no estimate"),
            many => many,
        }
    }

    fn bytes(&self, table: &ObjectName) -> Option<u64> {
        self.file.bytes(table)
    }

    fn count(&self, table: &ObjectName, which: &Which<'_>) -> Option<u64> {
        self.asked(table, which)
    }

    fn keys(&self, _: &ObjectName, _: &Which<'_>) -> Option<String> {
        None
    }

    fn lost(&self, table: &ObjectName, column: &str, loss: &Loss) -> Option<Lost> {
        self.asked(table, &Which::Unfit { column, loss })
    }

    fn invalid_index(&self, index: &ObjectName) -> Option<bool> {
        let state =
            |definition: &crate::catalog::live::Definition| definition.get("state").is_some_and(|it| it != "valid");
        Some(self.file.find(Kind::Index, index).is_some_and(state))
    }

    fn partitioned(&self, table: &ObjectName) -> Option<bool> {
        let definition = self.file.find(Kind::Table, table)?;
        Some(definition.get("kind").is_some_and(|kind| kind == "partitioned"))
    }

    fn utc(&self) -> Option<bool> {
        Some(self.file.utc)
    }

    fn dependents(&self, table: &ObjectName, column: Option<&str>) -> Option<Vec<Dependent>> {
        let name = column.map_or_else(|| table.name.clone(), |column| format!("{}.{column}", table.name));
        let found = self.file.dependents(table, column);
        found.or_else(|| self.unknown(format!("what mentions {name}"), "the catalog file does not have the table"))
    }

    fn victims(&self, dropped: &Dropped) -> Option<Vec<String>> {
        let found = self.file.cascade(dropped);
        found.or_else(|| {
            let name = victims::parameters(dropped).pop().unwrap_or_default();
            self.unknown(format!("what CASCADE takes along with {name}"), "the catalog file does not tell")
        })
    }

    fn recorded(&self) -> bool {
        true
    }

    fn unchecked(&self) -> Vec<Unchecked> {
        self.unchecked.borrow().clone()
    }
}
