//! Fields, models or values that read each other's things of the database: the schema's files alone do it, and no statement says so.

use super::{Check, Finding, Rule, Severity};
use crate::rename::crossed::{Crossed, Moved, What};

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

/// Fields, models or values that read others' values.
pub fn finding(label: &str, crossed: &Crossed) -> Finding {
    let owner = &crossed.owner;
    let (which, of, had) = match crossed.what {
        What::Fields => (format!("@map alone, fields of {owner}"), format!("{owner}."), "its values are in"),
        What::Models => ("@@map alone, models".to_owned(), String::new(), "its rows are in"),
        What::Values => (format!("@map alone, values of {owner}"), format!("{owner}."), "it was written as"),
    };
    let moved = |Moved { name, values, reads }: &Moved| format!("{of}{name} reads `{reads}`, and {had} `{values}`");
    let moved: Vec<String> = crossed.members.iter().map(moved).collect();
    let message = format!("by {which} change places: {}; no statement moves them", moved.join("; "));
    let each = match crossed.what {
        What::Fields => "if each field is to read what the other one wrote",
        What::Models => "if each model is to read the other one's rows",
        What::Values => "if each value is to stand for what the other one was written as",
    };
    let help = format!(
        "{}\n{each}, accept that in the migration: `-- prisma-safe:allow exchanged-columns({label}): why`",
        follow(label, crossed)
    );
    let mut finding = Finding::new(&RULE, label, 0..0, message).help(help);
    finding.range = None;
    finding
}

/// The renames by which the database follows, as `--rename` takes them; none where names were changed as well.
pub fn renames(label: &str, crossed: &Crossed) -> Vec<String> {
    if !crossed.exchanged() {
        return Vec::new();
    }
    let rename = |Moved { values, reads, .. }: &Moved| match crossed.what {
        What::Models => format!("{values}:{reads}"),
        What::Fields => format!("{label}.{values}:{reads}"),
        What::Values => format!("value:{label}.{values}:{reads}"),
    };
    crossed.members.iter().map(rename).collect()
}

/// How the database follows, in words.
pub fn following(what: What) -> &'static str {
    match what {
        What::Fields => "the columns follow their fields",
        What::Models => "the tables follow their models",
        What::Values => "the labels follow their values",
    }
}

/// What to do so that the database follows.
fn follow(label: &str, crossed: &Crossed) -> String {
    let renames = renames(label, crossed);
    if renames.is_empty() {
        return "names were changed as well, so which is which cannot be told: change them one at a time, each in a migration of its own"
            .to_owned();
    }
    let options: Vec<String> = renames.iter().map(|rename| format!("--rename {rename}")).collect();
    format!("let {}: `prisma-safe migrate dev {}`", following(crossed.what), options.join(" "))
}
