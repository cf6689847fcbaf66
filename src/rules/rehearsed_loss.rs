//! What only the rehearsal can find: rows, values, rights and objects that go without a statement that says so.

use super::{Check, Rule, Severity};

/// The rule. The review reports its accepting lines, since what is accepted is known there already; the rehearsal refuses
/// what no line accepts.
pub const REHEARSED_LOSS: Rule = Rule {
    id: "rehearsed-loss",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("rehearsed_loss.md"),
    check: Check::Review,
};
