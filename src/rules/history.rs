//! What Prisma's history on the target says against the migrations folder. `prisma migrate deploy` looks at neither.

use super::{Check, Finding, Rule, Severity};
use crate::project::migrations::name_before_times;

/// A migration that was changed after it was applied.
pub const EDITED: Rule = Rule {
    id: "edited-migration",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("edited_migration.md"),
    check: Check::Review,
};

/// An applied migration that the folder lacks.
pub const MISSING: Rule = Rule {
    id: "missing-migration",
    severity: Severity::Warning,
    optional: false,
    acceptable: false,
    destroys: false,
    page: include_str!("missing_migration.md"),
    check: Check::Review,
};

/// A pending migration that is older than an applied one.
pub const LATE: Rule = Rule {
    id: "late-migration",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("late_migration.md"),
    check: Check::Review,
};

/// The file of an applied migration has another checksum than the one Prisma noted.
pub fn edited(name: &str) -> Finding {
    let message = format!("`{name}` was changed after it was applied: the target has what stood there before");
    without_place(
        Finding::new(&EDITED, name, 0..0, message)
            .help(format!(
                "restore the file as it was applied (from version control), and put the change into a new migration\nif the file \
                 has to stay as it is now: `-- prisma-safe:allow edited-migration({name}): why`, in that file"
            )),
    )
}

/// An applied migration has no directory.
pub fn missing(name: &str) -> Finding {
    without_place(
        Finding::new(
            &MISSING,
            name,
            0..0,
            format!("`{name}` was applied to the target, but the migrations folder lacks it"),
        )
        .help("deploy from a checkout that has it; if migrations were squashed on purpose, this is expected"),
    )
}

/// A migration is pending though `newest`, which comes after it, is applied.
pub fn late(name: &str, newest: &str) -> Finding {
    let message =
        format!("`{name}` runs after `{newest}`, which was applied before it: everywhere else the order is the other");
    let help = behind_times(newest).unwrap_or_else(|| {
        "if it is not applied anywhere yet, rename its directory to a new time (both branches' changes then follow one another)"
            .to_owned()
    });
    without_place(Finding::new(&LATE, name, 0..0, message).help(help))
}

/// How to fix an applied migration that sorts behind every later one; none where it does not.
pub fn behind_times(name: &str) -> Option<String> {
    let earlier = name_before_times(name)?;
    Some(format!(
        "Prisma sorts migrations by name, so `{name}` runs after every migration that is named by its time: rename its directory to \
         {earlier}, and its row wherever it is applied: \
         UPDATE \"_prisma_migrations\" SET migration_name = '{earlier}' WHERE migration_name = '{name}';"
    ))
}

fn without_place(mut finding: Finding) -> Finding {
    finding.range = None;
    finding
}
