//! Which tables a statement locks against others until its transaction ends, and how long a statement works.

use std::ops::Range;

use super::batch::is_bounded;
use super::cost::Work;
use super::subject::Existing;
use super::{Step, lock_held, partial_apply, table_rewrite};
use crate::catalog::ObjectName;
use crate::effects::retype::{self, Retype};
use crate::sql::tokens::{name, tokens};
use crate::sql::{ActionKind, ConstraintKind, Name, StatementKind};

/// Whom a lock keeps out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeepsOut {
    /// Whoever writes (`SHARE`, `SHARE ROW EXCLUSIVE`).
    Writers,
    /// Everybody (`ACCESS EXCLUSIVE`).
    Everybody,
}

/// The existing tables that a statement locks against others.
fn taken(step: &Step<'_>) -> Vec<(Existing, KeepsOut)> {
    let existing = |names: &[Name], keeps_out| {
        names.iter().filter_map(|name| Some((step.existing(name)?, keeps_out))).collect::<Vec<_>>()
    };
    match &step.statement.kind {
        StatementKind::AlterTable { table, actions, .. } => {
            let worst = actions.iter().filter_map(|action| lock_of(&action.kind)).max();
            let mut locked: Vec<_> =
                worst.and_then(|keeps_out| Some((step.existing(table)?, keeps_out))).into_iter().collect();
            for action in actions {
                if let ActionKind::AddConstraint(constraint) = &action.kind
                    && let ConstraintKind::ForeignKey { table: parent, .. } = &constraint.kind
                {
                    locked.extend(existing(std::slice::from_ref(parent), KeepsOut::Writers));
                }
            }
            locked
        }
        StatementKind::CreateIndex(index) if !index.concurrently => {
            existing(std::slice::from_ref(&index.table), KeepsOut::Writers)
        }
        StatementKind::DropIndex { indexes, concurrently: false, .. } => indexes
            .iter()
            .filter_map(|index| step.catalog.table_of_index(&step.catalog.resolve(index)))
            .filter_map(|table| Some((step.existing_object(table)?, KeepsOut::Everybody)))
            .collect(),
        StatementKind::DropTable { tables, .. } | StatementKind::Truncate { tables, .. } => {
            existing(tables, KeepsOut::Everybody)
        }
        StatementKind::CreateTrigger { table, .. } => existing(std::slice::from_ref(table), KeepsOut::Writers),
        _ => Vec::new(),
    }
}

/// What an action of `ALTER TABLE` keeps out; none for those that only hinder other changes of the schema.
fn lock_of(action: &ActionKind) -> Option<KeepsOut> {
    match action {
        ActionKind::ValidateConstraint { .. } => None,
        ActionKind::AddConstraint(constraint) if matches!(constraint.kind, ConstraintKind::ForeignKey { .. }) => {
            Some(KeepsOut::Writers)
        }
        ActionKind::Other { words } if words.starts_with("ALTER COLUMN SET STATISTICS") => None,
        ActionKind::Other { words } if words.starts_with("ATTACH PARTITION") => None,
        ActionKind::Other { words } if words.ends_with(" TRIGGER") => Some(KeepsOut::Writers),
        _ => Some(KeepsOut::Everybody),
    }
}

/// The existing tables that a statement reads or writes as a whole, and what it does with each row.
pub(super) fn worked(step: &Step<'_>) -> Vec<(Existing, Work)> {
    let one = |name: &Name, work| step.existing(name).map(|table| (table, work)).into_iter().collect::<Vec<_>>();
    match &step.statement.kind {
        StatementKind::CreateIndex(index) if !index.concurrently => one(&index.table, Work::Index),
        StatementKind::Update { .. } | StatementKind::Delete { .. } if is_bounded(step.text()) => Vec::new(),
        StatementKind::Update { table, .. } | StatementKind::Delete { table, .. } => one(table, Work::Rewrite),
        StatementKind::Insert { .. } => sources(step).into_iter().map(|table| (table, Work::Rewrite)).collect(),
        StatementKind::CreateTable { as_query: true, .. } | StatementKind::CreateView { materialized: true, .. } => {
            sources(step).into_iter().map(|table| (table, Work::Scan)).collect()
        }
        StatementKind::AlterTable { table, actions, .. } => {
            let Some(table) = step.existing(table) else { return Vec::new() };
            let work = actions.iter().filter_map(|action| work_of(step, &table, &action.kind)).max_by_key(|work| {
                // the longest one decides: the rest runs along with it
                std::cmp::Reverse(work.rate())
            });
            work.map(|work| (table, work)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Whether an action of the statement writes its table again, with every index.
pub(crate) fn rewritten(step: &Step<'_>, table: &ObjectName, action: &ActionKind) -> bool {
    let existing = step.existing_object(table);
    existing.is_some_and(|existing| work_of(step, &existing, action) == Some(Work::Rewrite))
}

fn work_of(step: &Step<'_>, table: &Existing, action: &ActionKind) -> Option<Work> {
    match action {
        ActionKind::SetNotNull { .. } | ActionKind::ValidateConstraint { .. } => Some(Work::Scan),
        ActionKind::AddColumn { column, .. } => table_rewrite::computed(column).map(|_| Work::Rewrite),
        ActionKind::AddConstraint(constraint) if !constraint.not_valid => match &constraint.kind {
            ConstraintKind::Check { .. } => Some(Work::Scan),
            ConstraintKind::PrimaryKey { using_index: Some(_), .. }
            | ConstraintKind::Unique { using_index: Some(_), .. } => None,
            _ => Some(Work::Index),
        },
        ActionKind::SetType { column, data_type, using } => {
            let from = &step.catalog.tables.get(&table.name)?.columns.get(column)?.data_type;
            (retype::judge(from, data_type, using.as_ref(), column) != Retype::Instant).then_some(Work::Rewrite)
        }
        _ => None,
    }
}

/// The existing tables that a query in the statement names behind `FROM` or `JOIN`.
pub(super) fn sources(step: &Step<'_>) -> Vec<Existing> {
    let tokens = tokens(step.text());
    let mut names: Vec<Name> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if !(token.is("from") || token.is("join")) {
            continue;
        }
        names.extend(name(&tokens[at + 1..]).map(|(name, _)| name));
    }
    names.sort_unstable();
    names.dedup();
    let known = |name: &Name| step.catalog.tables.contains_key(&step.catalog.resolve(name));
    names.iter().filter(|name| known(name)).filter_map(|name| step.existing(name)).collect()
}

/// A statement with what it locks and works on. Several rules ask for it, and a walk through a large catalog is dear.
#[derive(Debug, Clone)]
pub struct Hold {
    pub(crate) range: Range<usize>,
    /// The tables that it locks against others, and whether each is known to be small.
    pub(crate) taken: Vec<(Existing, KeepsOut, bool)>,
    /// Those that are not small and that it works on, and for how many seconds.
    pub(crate) worked: Vec<(Existing, Option<u64>)>,
    /// Whether the rows that exist decide if it succeeds.
    pub(super) may_fail: bool,
}

impl Hold {
    /// Of a statement that a walk shows.
    pub fn of(step: &Step<'_>) -> Self {
        let taken = taken(step).into_iter().map(|(table, keeps_out)| {
            let small = step.is_small(&table);
            (table, keeps_out, small)
        });
        Self {
            range: step.statement.range.clone(),
            taken: taken.collect(),
            worked: lock_held::work(step),
            may_fail: partial_apply::may_fail(step),
        }
    }
}
