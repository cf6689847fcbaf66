//! Which of a group of tasks may run beside those that are running.

use std::collections::HashMap;

use super::job::Job;
use crate::backup::scan::TableName;

/// How much less an index costs than copying its table, roughly.
const INDEX_SHARE: u64 = 4;

/// What a task does to which tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// Copies rows into it.
    Rows(TableName),
    /// Others may do the same.
    Share(TableName),
    /// Nobody else may be at them.
    Alone(Vec<TableName>),
    /// A foreign key: no other session may work on these tables, and the keys of all tables must exist.
    Keys(Vec<TableName>),
}

impl Need {
    pub(super) fn tables(&self) -> &[TableName] {
        match self {
            Self::Rows(table) | Self::Share(table) => std::slice::from_ref(table),
            Self::Alone(tables) | Self::Keys(tables) => tables,
        }
    }

    pub(super) fn is_keys(&self) -> bool {
        matches!(self, Self::Keys(_))
    }

    fn disturbs(&self, other: &Self) -> bool {
        let apart = matches!((self, other), (Self::Share(_), Self::Share(_)));
        !apart && self.tables().iter().any(|table| other.tables().contains(table))
    }
}

/// Something that one session does.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) job: Job,
    pub(super) need: Need,
    /// Size of the tables' rows in the dump.
    pub(super) bytes: u64,
    /// The table's name, for people.
    pub(super) label: String,
}

/// The tasks of one group.
pub(super) struct Schedule {
    /// The costliest first: what takes long must not begin last.
    waiting: Vec<Task>,
    running: Vec<(usize, Need)>,
    /// Tables whose rows wait, with how many blocks of them.
    rows: HashMap<TableName, usize>,
}

impl Schedule {
    pub(super) fn new(mut tasks: Vec<Task>) -> Self {
        // the order of equals is the dump's
        tasks.sort_by_key(|task| std::cmp::Reverse(cost(task)));
        let mut rows = HashMap::new();
        for task in &tasks {
            if let Need::Rows(table) = &task.need {
                *rows.entry(table.clone()).or_default() += 1;
            }
        }
        Self { waiting: tasks, running: Vec::new(), rows }
    }

    /// The next task that `worker` may begin; `None` if it must wait for others.
    pub(super) fn next(&mut self, worker: usize) -> Option<Task> {
        let free = |task: &Task| {
            let copied = matches!(task.need, Need::Rows(_))
                || !task.need.tables().iter().any(|table| self.rows.get(table).is_some_and(|blocks| *blocks > 0));
            copied && !self.running.iter().any(|(_, need)| task.need.disturbs(need))
        };
        let place = self.waiting.iter().position(free)?;
        let task = self.waiting.remove(place);
        if let Need::Rows(table) = &task.need
            && let Some(blocks) = self.rows.get_mut(table)
        {
            *blocks -= 1;
        }
        self.running.push((worker, task.need.clone()));
        Some(task)
    }

    /// `worker` has ended its task.
    pub(super) fn ended(&mut self, worker: usize) {
        self.running.retain(|(at, _)| *at != worker);
    }

    pub(super) fn done(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }
}

fn cost(task: &Task) -> u64 {
    if matches!(task.need, Need::Rows(_)) { task.bytes } else { task.bytes / INDEX_SHARE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> TableName {
        TableName::from_bytes(b"public", text.as_bytes())
    }

    fn task(label: &str, need: Need, bytes: u64) -> Task {
        Task { job: Job::Statements(Vec::new()), need, bytes, label: label.into() }
    }

    #[test]
    fn indexes_follow_their_own_table_and_not_the_others() {
        let mut schedule = Schedule::new(vec![
            task("copy small", Need::Rows(name("small")), 10),
            task("copy large", Need::Rows(name("large")), 1000),
            task("index small", Need::Share(name("small")), 10),
            task("key small", Need::Alone(vec![name("small")]), 10),
            task("other index small", Need::Share(name("small")), 10),
            task("index large", Need::Share(name("large")), 1000),
        ]);
        let mut next = |worker| schedule.next(worker).map(|task| task.label);
        assert_eq!(next(0).unwrap(), "copy large");
        assert_eq!(next(1).unwrap(), "copy small");
        assert_eq!(next(2), None);
        schedule.ended(1);
        let mut next = |worker| schedule.next(worker).map(|task| task.label);
        assert_eq!(next(1).unwrap(), "index small");
        assert_eq!(next(2).unwrap(), "other index small");
        assert_eq!(next(3), None, "the key waits for both");
        for worker in [0, 1, 2] {
            schedule.ended(worker);
        }
        let mut next = |worker| schedule.next(worker).map(|task| task.label);
        assert_eq!(next(0).unwrap(), "index large");
        assert_eq!(next(1).unwrap(), "key small");
        assert!(!schedule.done());
        schedule.ended(0);
        schedule.ended(1);
        assert!(schedule.done());
    }

    #[test]
    fn foreign_keys_of_the_same_tables_wait_for_each_other() {
        let mut schedule = Schedule::new(vec![
            task("a to b", Need::Keys(vec![name("a"), name("b")]), 0),
            task("b to a", Need::Keys(vec![name("b"), name("a")]), 0),
            task("c to d", Need::Keys(vec![name("c"), name("d")]), 0),
        ]);
        assert_eq!(schedule.next(0).unwrap().label, "a to b");
        assert_eq!(schedule.next(1).unwrap().label, "c to d");
        assert!(schedule.next(2).is_none());
        schedule.ended(0);
        assert_eq!(schedule.next(0).unwrap().label, "b to a");
    }
}
