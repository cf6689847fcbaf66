//! What a review did not check, in words: it is said, and never taken for safe.

use crate::catalog::Catalog;
use crate::rules::{Finding, Level, Live, Settings, Unchecked, opaque_code};
use crate::sql::Script;
use crate::ui::counted;

/// What is not looked for, or blocks less than it should: a setting shall not pass for calm.
pub(super) fn weakened(settings: &Settings) -> impl Iterator<Item = Unchecked> {
    settings.levels.weakened().filter(|(rule, level)| *level == Level::Off || rule.destroys).map(|(rule, level)| {
        let set = if level == Level::Off { "off" } else { "lowered" };
        Unchecked { what: rule.id.to_owned(), why: format!("{set} in prisma-safe.toml") }
    })
}

/// An unknown object, `table archive`.
pub(super) fn of_nobody(object: &str, migration: &str, live: Option<&dyn Live>) -> Unchecked {
    Unchecked {
        what: format!("{object}, which {migration} is about"),
        why: match live {
            Some(_) => "code that could not be followed may have made it".into(),
            None => "no migration makes it, and the target was not asked".into(),
        },
    }
}

/// Names in a migration that sets `search_path`.
pub(super) fn under_another_path(migration: &str) -> Unchecked {
    Unchecked {
        what: format!("the target's data, for {migration}"),
        why: "it sets search_path: which tables its names mean is not known".into(),
    }
}

/// What earlier migrations did that the replay could not follow.
pub(super) fn not_replayed(catalog: &Catalog, unread: usize) -> Vec<Unchecked> {
    let mut unchecked = Vec::new();
    if unread > 0 {
        unchecked.push(Unchecked {
            what: format!("what {} built", counted(unread as u64, "earlier migration")),
            why: "their SQL could not be read in full".into(),
        });
    }
    // without a migration it is a definition of the target's own, which ran nothing
    let unfollowed: Vec<_> = catalog.opaque.iter().filter(|opaque| !opaque.migration.is_empty()).collect();
    if let Some(first) = unfollowed.first() {
        unchecked.push(Unchecked {
            what: format!("what {} of earlier migrations did", counted(unfollowed.len() as u64, "statement")),
            why: format!("code that could not be followed, first in {}: {}", first.migration, first.words),
        });
    }
    unchecked
}

/// Statements of a migration that could not be followed.
pub(super) fn unfollowed<'a>(
    migration: &'a str,
    script: &'a Script,
    findings: &'a [Finding],
) -> impl Iterator<Item = Unchecked> + use<'a> {
    let opaque = findings.iter().filter(|finding| finding.rule == opaque_code::RULE.id);
    opaque.map(move |finding| {
        let line = finding.range.as_ref().map_or(1, |range| script.position(range.start).line);
        Unchecked { what: format!("line {line} of {migration}"), why: finding.message.clone() }
    })
}

/// Why nothing of the target was checked.
pub const OFFLINE: &str = "offline";

/// What only the target could tell.
pub(super) fn offline(renames: bool) -> impl Iterator<Item = Unchecked> {
    let mentions = renames.then_some("views, functions, triggers and policies that mention what is renamed or retyped");
    let always = ["row counts", "data (NULLs, duplicates, orphans, values in use)"];
    always.into_iter().chain(mentions).map(|what| Unchecked { what: what.into(), why: OFFLINE.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code in a definition that the target has is no statement of a migration.
    #[test]
    fn only_statements_of_migrations_are_not_followed() {
        let script = Script::parse("DO $$ BEGIN NULL; END $$;");
        let mut catalog = Catalog::new("public");
        catalog.apply(&script, "");
        assert!(not_replayed(&catalog, 0).is_empty());
        catalog.apply(&script, "1_init");
        let said: Vec<_> =
            not_replayed(&catalog, 0).into_iter().map(|unchecked| (unchecked.what, unchecked.why)).collect();
        let why = "code that could not be followed, first in 1_init: DO";
        assert_eq!(said, [("what 1 statement of earlier migrations did".to_owned(), why.to_owned())]);
    }
}
