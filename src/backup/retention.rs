//! Which backups are kept, compressed, archived or deleted: a pure function of what is there, the rules, and the clock.
//!
//! A backup that was not proved satisfies no rule, and is never taken for one that may be deleted: what is broken is for a
//! person to look at. Each database has its own backups, so that those of one never count for another.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::manifest::Proof;

/// No configuration deletes a backup that is younger.
pub const LEAST_DAYS: u32 = 7;

/// The rules, as `[backup.retention]` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Everything younger is kept as it is. At least [`LEAST_DAYS`].
    pub days: u32,
    /// So many of the newest proved ones are kept, however old.
    pub last: usize,
    /// The newest proved one of each of so many months is archived, this month counting as the first.
    pub months: u32,
}

/// A backup as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The database it is of; backups of different ones do not compete.
    pub of: String,
    /// When it was taken, by its manifest.
    pub time: Timestamp,
    /// `None`: nothing says that it is whole.
    pub proof: Option<Proof>,
    /// A person said that it stays.
    pub pinned: bool,
    /// A deployment that may still be undone with it.
    pub needed: bool,
    pub compressed: bool,
    pub archived: bool,
}

/// Why one is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    Young,
    Newest,
    Last,
    Month,
    Pinned,
    Needed,
    Unproved,
}

impl Reason {
    /// As scripts read it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Young => "young",
            Self::Newest => "newest",
            Self::Last => "last",
            Self::Month => "month",
            Self::Pinned => "pinned",
            Self::Needed => "needed",
            Self::Unproved => "unproved",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Young => "young",
            Self::Newest => "the newest of its proof",
            Self::Last => "one of the last",
            Self::Month => "the newest of its month",
            Self::Pinned => "pinned",
            Self::Needed => "a deployment may need it",
            Self::Unproved => "not proved: look at it yourself",
        })
    }
}

/// What becomes of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Keep {
        /// In order, each once; never empty.
        because: Vec<Reason>,
        /// It is old and takes more room than it must.
        compress: bool,
        /// The month whose archive it moves to.
        archive: Option<Month>,
    },
    Delete,
}

/// `2025-01`, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month of a moment.
    pub fn of(time: Timestamp) -> Self {
        let date: Date = time.to_zoned(TimeZone::UTC).date();
        Self { year: date.year(), month: date.month() }
    }

    /// Months since the year 0.
    fn number(self) -> i32 {
        i32::from(self.year) * 12 + i32::from(self.month)
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// What the clock is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    pub now: Timestamp,
    /// It was set since it was last looked at, by more than a clock is corrected.
    pub jumped: bool,
}

impl Clock {
    /// Why nothing may be deleted by this clock.
    pub fn wrong(&self, items: &[Item]) -> Option<&'static str> {
        if self.jumped {
            return Some("the clock was set by more than a day since the last look");
        }
        items.iter().any(|item| item.time > self.now).then_some("a backup is newer than the clock says it is now")
    }
}

/// The fate of each item, in their order.
pub fn plan(items: &[Item], rules: &Rules, clock: &Clock) -> Vec<Fate> {
    let wrong = clock.wrong(items).is_some();
    let mut kept: Vec<BTreeSet<Reason>> = vec![BTreeSet::new(); items.len()];
    let days = rules.days.max(LEAST_DAYS);
    let old = |item: &Item| {
        let limit = SignedDuration::from_hours(i64::from(days) * 24);
        !wrong && clock.now.duration_since(item.time) > limit
    };
    for (item, kept) in items.iter().zip(&mut kept) {
        let reasons = [
            (item.pinned, Reason::Pinned),
            (item.needed, Reason::Needed),
            (item.proof.is_none(), Reason::Unproved),
            (!old(item), Reason::Young),
        ];
        kept.extend(reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason));
    }
    for proved in proved_by_database(items) {
        for &index in proved.iter().take(rules.last) {
            kept[index].insert(Reason::Last);
        }
        // a newer one that was proved less far does not replace one that was proved farther
        for level in [Proof::Read, Proof::Restored, Proof::Roundtrip] {
            let newest = proved.iter().find(|index| items[**index].proof >= Some(level));
            newest.into_iter().for_each(|index| _ = kept[*index].insert(Reason::Newest));
        }
        let mut months = BTreeSet::new();
        for index in proved {
            let month = Month::of(items[index].time);
            let recent = i64::from(Month::of(clock.now).number() - month.number()) < i64::from(rules.months);
            if recent && months.insert(month) {
                kept[index].insert(Reason::Month);
            }
        }
    }
    let fates = items.iter().zip(kept).map(|(item, because)| {
        if because.is_empty() {
            return Fate::Delete;
        }
        let settled = item.proof.is_some() && old(item);
        let month = Month::of(item.time);
        let over = month < Month::of(clock.now) && because.contains(&Reason::Month);
        Fate::Keep {
            compress: settled && !item.compressed,
            archive: (settled && over && !item.archived).then_some(month),
            because: because.into_iter().collect(),
        }
    });
    fates.collect()
}

/// The proved ones of each database, newest first.
fn proved_by_database(items: &[Item]) -> Vec<Vec<usize>> {
    let mut found: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate().filter(|(_, item)| item.proof.is_some()) {
        found.entry(&item.of).or_default().push(index);
    }
    let mut proved: Vec<Vec<usize>> = found.into_values().collect();
    for indexes in &mut proved {
        indexes.sort_by_key(|index| std::cmp::Reverse(items[*index].time));
    }
    proved
}

#[cfg(test)]
mod tests;
