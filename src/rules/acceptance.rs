//! Accepting lines that do not accept anything.

use super::{Check, Rule, Severity};

/// A line that matches no finding.
pub const UNUSED: Rule = Rule {
    id: "unused-acceptance",
    severity: Severity::Warning,
    optional: false,
    acceptable: false,
    destroys: false,
    page: include_str!("unused_acceptance.md"),
    check: Check::Review,
};

/// A line that cannot be read, names no rule, or names one that cannot be accepted.
pub const MALFORMED: Rule = Rule {
    id: "malformed-acceptance",
    severity: Severity::Error,
    optional: false,
    acceptable: false,
    destroys: false,
    page: include_str!("malformed_acceptance.md"),
    check: Check::Review,
};
