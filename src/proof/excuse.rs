//! What may go without an acceptance: the whole list, with a reason each. Everything else that an accepted deploy
//! takes away is a fault.

use super::oracle::{Gone, Kind, May};
use crate::review::Review;
use crate::rules::Finding;

/// Why a loss without an accepting line is not a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Excuse {
    /// A plain statement drops or changes this very definition, right or name, which is all that it does. A rollback makes it
    /// again, which the way back proves.
    Named,
    /// `CASCADE` takes the definition along, and `drop-cascade` or `dependent-object` has named it, and it alone.
    Victim,
    /// A plain statement sets the values of this very column where its condition holds, or `update-without-where` has warned that
    /// it computes them anew from themselves. The old ones are kept for a rollback.
    Overwritten,
    /// `delete-rows` warns that rows of this very table go where a condition holds. They are kept for a rollback.
    Deleted,
    /// Rows or values of another table that `delete-rows` says go along by a foreign key.
    Along,
    /// A materialized view's rows: they are computed from tables.
    Derived,
    /// `narrow-type` or `time-zone-cast` warns of this very column: the values are the same in another spelling (`json` to
    /// `jsonb`), or in the session's zone.
    Respelled,
}

impl Excuse {
    /// Of a loss, where there is one. `mays` are what the statements say of themselves.
    pub(super) fn of<'a>(gone: &Gone, mays: impl Iterator<Item = &'a May> + Clone, review: &Review) -> Option<Self> {
        let warned = |rules: &[&str], object: &str| {
            // a table of the other schema is told with that
            let of = |finding: &Finding| finding.object.strip_prefix("side.").unwrap_or(&finding.object) == object;
            let seen = |finding: &&Finding| !finding.blocks() && rules.contains(&finding.rule) && of(finding);
            review.findings().any(|finding| seen(&finding))
        };
        let derived = gone.kind.is_data() && gone.table.starts_with("mat_");
        if (!gone.kind.is_data() || derived) && victim(gone, review) {
            return Some(Self::Victim);
        }
        if gone.kind.is_data() && along(gone, review) {
            return Some(Self::Along);
        }
        mays.clone().find_map(|may| {
            let same = |one: &str, other: &str| one.is_empty() || other.is_empty() || one == other;
            // what is done to a table is done to those that inherit from it
            let heir = gone.table.strip_prefix("heir_") == Some(may.table.as_str());
            let table = heir || may.table == gone.table;
            let of = (heir || same(&may.table, &gone.table))
                && (same(&may.name, &gone.name) || heir && may.name == may.table);
            // without a key a row with another value is another row
            let keyless = gone.what.contains("as they were") && table;
            // and with another key too
            let by = gone.what.split_once(" rows went, by ").map_or("", |(_, by)| by);
            let rekeyed = table && by.split(' ').any(|own| own == may.name);
            // a partition's rows are its table's
            let part = gone.table == "Log" && may.table.starts_with("log_");
            let column = || format!("{}.{}", may.table, may.name);
            match (may.kind, gone.kind) {
                (Kind::Values, Kind::Values) => of.then_some(Self::Overwritten),
                (Kind::Values, Kind::Rows) => (keyless || rekeyed).then_some(Self::Overwritten),
                (Kind::Rows, Kind::Rows) if of && derived => Some(Self::Derived),
                (Kind::Rows, Kind::Rows) => {
                    let told = of && warned(&["delete-rows"], &gone.table)
                        || (part || heir) && warned(&["delete-rows"], &may.table);
                    told.then_some(Self::Deleted)
                }
                (Kind::Retyped, Kind::Values | Kind::Rows) => {
                    let this = if gone.kind == Kind::Rows { keyless } else { of };
                    (this && warned(&["narrow-type", "time-zone-cast"], &column())).then_some(Self::Respelled)
                }
                (one, other) => (of && one == other && !other.is_data()).then_some(Self::Named),
            }
        })
    }
}

fn victim(gone: &Gone, review: &Review) -> bool {
    let word = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == gone.name);
    let names =
        |finding: &Finding| word(&finding.message) || finding.evidence.iter().any(|evidence| word(&evidence.text));
    let told = |finding: &Finding| matches!(finding.rule, "drop-cascade" | "dependent-object");
    review.findings().any(|finding| told(finding) && names(finding))
}

/// What a foreign key does to other tables is said beside the finding.
fn along(gone: &Gone, review: &Review) -> bool {
    let rows = format!("rows of {} go with them", gone.table);
    let column = format!("{}.{}", gone.table, gone.name);
    let told = |text: &str| match gone.kind {
        Kind::Rows => text.contains(&rows),
        _ => text.starts_with("values of") && text.contains(&column),
    };
    let deletes = |finding: &&Finding| finding.rule == "delete-rows";
    review.findings().filter(deletes).any(|finding| finding.evidence.iter().any(|own| told(&own.text)))
}
