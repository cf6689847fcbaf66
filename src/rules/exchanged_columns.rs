//! Fields of a model that read each other's columns: the schema's files alone do it, and no statement says so.

use super::{Check, Finding, Rule, Severity};
use crate::rename::crossed::{Crossed, Moved};

/// The rule.
pub const RULE: Rule = Rule {
    id: "exchanged-columns",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("exchanged_columns.md"),
    check: Check::Review,
};

/// A model whose fields read others' values.
pub fn finding(label: &str, crossed: &Crossed) -> Finding {
    let model = &crossed.model;
    let moved = |Moved { field, values, reads }: &Moved| {
        format!("{model}.{field} reads `{reads}`, and its values are in `{values}`")
    };
    let moved: Vec<String> = crossed.fields.iter().map(moved).collect();
    let message =
        format!("by @map alone, fields of {model} change places: {}; no statement moves them", moved.join("; "));
    let renames: Vec<String> =
        crossed.fields.iter().map(|Moved { values, reads, .. }| format!("--rename {label}.{values}:{reads}")).collect();
    let follow = match crossed.exchanged() {
        true => format!("let the columns follow their fields: `prisma-safe migrate dev {}`", renames.join(" ")),
        false => "fields were renamed as well, so which is which cannot be told: change the names of one field at a time, each in a \
                  migration of its own"
            .to_owned(),
    };
    let help = format!(
        "{follow}\nif each field is to read what the other one wrote, accept that in the migration: \
         `-- prisma-safe:allow exchanged-columns({label}): why`"
    );
    let mut finding = Finding::new(&RULE, label, 0..0, message).help(help);
    finding.range = None;
    finding
}
