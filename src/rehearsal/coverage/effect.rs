//! Which effect a measured loss is one of, and who has said that this effect may happen.

use super::deeds::{Act, Deed};
use crate::conservation::{Kind, Loss};
use crate::effects::{What, Which};
use crate::rules::{Finding, Severity};
use crate::sql::StatementKind;
use crate::sql::tokens::where_is_trivial;

impl Deed {
    /// Whether a loss of rows, values, columns, tables, labels or positions is one that this brings about. A table that goes takes all
    /// of it along; nothing else stands for another kind of loss, or for another column.
    pub(super) fn brings(&self, loss: &Loss) -> bool {
        let here = self.table.as_ref().is_some_and(|table| loss.parents.contains(table));
        let column = || self.columns.contains(&loss.name);
        match &self.what {
            What::TableGone { .. } => {
                here && matches!(loss.kind, Kind::Rows | Kind::Values | Kind::Column | Kind::Table)
            }
            What::AttributeGone { .. } => here && column() && loss.kind == Kind::Values,
            What::ColumnGone { .. } => here && column() && matches!(loss.kind, Kind::Column | Kind::Values),
            What::RowsDeleted { which, .. } => {
                here && match loss.kind {
                    Kind::Rows => true,
                    // without a key, rows that go while others come show by their values only
                    Kind::Values => loss.keyless,
                    Kind::Position => *which == Which::Emptied,
                    _ => false,
                }
            }
            What::ValuesOverwritten { columns, .. } => {
                // without columns it is any of them; with another value a row may stand in another part of its table
                here && (loss.kind == Kind::Values && (columns.is_empty() || column()) || is_moved_on(loss))
            }
            What::RowsDetached { .. } => here && loss.kind == Kind::Rows,
            What::SequenceSet { name } => loss.kind == Kind::Position && loss.name == name.name,
            What::Converted { how, .. } => here && loss.kind == Kind::Values && column() && !how.leads_back(),
            What::LabelsGone { labels, enumeration, .. } => {
                loss.kind == Kind::Label
                    && labels.contains(&loss.name)
                    && loss.parents.iter().any(|parent| {
                        *parent == enumeration.name || parent.ends_with(&format!(".{}", enumeration.name))
                    })
            }
            _ => false,
        }
    }

    /// Whether this is known to delete or overwrite rows of what was lost, whichever they are.
    pub(super) fn touches(&self, loss: &Loss) -> bool {
        let here = self.table.as_ref().is_some_and(|table| loss.parents.contains(table));
        here && match self.what {
            What::TableGone { .. } => true,
            What::RowsDeleted { .. } => loss.kind == Kind::Rows || loss.keyless,
            What::ValuesOverwritten { .. } => loss.kind == Kind::Values || is_moved_on(loss),
            _ => false,
        }
    }

    /// Whether the same statement takes along what depends on what it drops.
    pub(super) fn cascades(&self) -> bool {
        matches!(
            self.what,
            What::TableGone { cascade: true, .. }
                | What::ColumnGone { cascade: true, .. }
                | What::DefinitionGone { cascade: true, .. }
        )
    }

    /// The rules that judge such an effect.
    fn rules(&self) -> &'static [&'static str] {
        match &self.what {
            What::TableGone { .. } => &["drop-table", "drop-cascade"],
            What::ColumnGone { .. } | What::AttributeGone { .. } => &["drop-column", "drop-cascade"],
            What::RowsDeleted { .. } => &["delete-rows", "delete-without-where", "truncate-table"],
            What::ValuesOverwritten { which: Which::Referring { .. }, .. } => &["delete-rows", "delete-without-where"],
            What::ValuesOverwritten { .. } => &["update-without-where", "overwritten-values"],
            What::Converted { .. } => &["narrow-type", "time-zone-cast", "drop-enum-value"],
            What::LabelsGone { .. } => &["drop-enum-value"],
            What::RowsDetached { .. } => &["detached-rows"],
            What::SequenceSet { .. } => &["sequence-position"],
            _ => &[],
        }
    }

    /// Whether a finding is about this effect, as it costs this loss.
    pub(super) fn judged_by(&self, act: &Act<'_>, finding: &Finding, loss: &Loss) -> bool {
        let Some(range) = &finding.range else { return false };
        if !self.rules().contains(&finding.rule) || range.start >= self.range.end || self.range.start >= range.end {
            return false;
        }
        match (&self.what, finding.rule) {
            // what goes along is reported with what is named
            (What::TableGone { .. } | What::ColumnGone { .. } | What::AttributeGone { .. }, "drop-cascade") => {
                !self.is_named(act)
            }
            // what foreign keys do is reported with what the statement names
            (What::RowsDeleted { .. } | What::ValuesOverwritten { which: Which::Referring { .. }, .. }, _)
                if !self.is_named(act) =>
            {
                true
            }
            (What::ValuesOverwritten { which: Which::Following { .. }, .. }, _) => true,
            (What::TableGone { .. } | What::RowsDeleted { .. }, _) => finding.object == self.now,
            // a label stands for its type
            (What::LabelsGone { .. }, _) => finding.object.ends_with(&format!(".{}", loss.name)),
            (What::Converted { .. }, "drop-enum-value") | (What::RowsDetached { .. } | What::SequenceSet { .. }, _) => {
                true
            }
            (
                What::ColumnGone { column, .. } | What::AttributeGone { column, .. } | What::Converted { column, .. },
                _,
            ) => finding.object == format!("{}.{column}", self.now),
            // of several columns, the one that is lost
            (What::ValuesOverwritten { columns, .. }, _) => {
                let at = self.columns.iter().position(|column| *column == loss.name);
                let own = if self.columns.len() == columns.len() { at.and_then(|at| columns.get(at)) } else { None };
                finding.object == format!("{}.{}", self.now, own.unwrap_or(&loss.name))
                    || is_moved_on(loss)
                        && finding.object.strip_prefix(&self.now).is_some_and(|rest| rest.starts_with('.'))
            }
            _ => false,
        }
    }

    /// Whether the statement names the table itself; foreign keys and CASCADE reach others.
    fn is_named(&self, act: &Act<'_>) -> bool {
        let named = |name: &crate::sql::Name| self.now == name.name || self.now == name.to_string();
        match &act.statement.kind {
            StatementKind::Delete { table, .. }
            | StatementKind::Update { table, .. }
            | StatementKind::AlterTable { table, .. } => named(table),
            StatementKind::Truncate { tables, .. } | StatementKind::DropTable { tables, .. } => {
                tables.iter().any(named)
            }
            _ => false,
        }
    }

    /// Whether the statement says by itself that this goes, so that it needs no further acceptance: values of rows that a condition
    /// names or that a conflict finds, and what holds nothing.
    pub(super) fn is_said(&self, act: &Act<'_>, loss: &Loss) -> bool {
        match (&self.what, &act.statement.kind) {
            (What::ValuesOverwritten { .. }, StatementKind::Update { has_where: true, .. }) => {
                (self.columns.contains(&loss.name) || is_moved_on(loss)) && !where_is_trivial(act.text)
            }
            (What::ValuesOverwritten { .. }, StatementKind::Insert { .. }) => self.columns.contains(&loss.name),
            (What::ColumnGone { .. } | What::TableGone { .. }, _) => loss.count == Some(0) && self.is_named(act),
            _ => false,
        }
    }
}

/// Whether a finding lets this loss happen: a reader of the review sees a warning, an error stops the deploy until it is
/// accepted. What is only worth knowing says that nothing of the data goes, and so does evidence that found nothing.
pub(super) fn admits(finding: &Finding, loss: &Loss) -> bool {
    if finding.accepted.is_some() {
        return true;
    }
    // that a position may go back is a guess of the review's; that it does was measured
    if loss.kind == Kind::Position {
        return false;
    }
    let least = if is_data(loss.kind) { Severity::Warning } else { Severity::Info };
    let wrong = loss.count != Some(0) && finding.sees_no_loss();
    !finding.blocks() && finding.severity >= least && !(is_data(loss.kind) && wrong)
}

/// Whether rows went from a part of a table while others came into its other parts.
fn is_moved_on(loss: &Loss) -> bool {
    loss.kind == Kind::Rows && loss.parted
}

/// Whether rows or values went.
pub(super) fn is_data(kind: Kind) -> bool {
    matches!(kind, Kind::Rows | Kind::Values | Kind::Column | Kind::Table)
}
