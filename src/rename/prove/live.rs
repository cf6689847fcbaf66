//! Which differences of the live catalogs are not losses: what a rename keeps and a draft destroys as a side effect.

use std::collections::BTreeSet;

use crate::catalog::live::{Difference, Kind, Live};
use crate::rename::{Rename, Rewrite};

/// Parts of a definition that Prisma neither sees nor writes, so that a dropped and created object is without them.
const UNSEEN: &[&str] = &[
    "comment",
    "row security",
    "replica identity",
    "storage options",
    "persistence",
    "cluster",
    "storage",
    "compression",
    "statistics target",
    "statistics targets",
    "toast options",
    "column comments",
    "column defaults",
    "options",
];

/// Divides differences of the rewrite's catalog from the draft's: what is kept (a sentence each), and what must not be.
pub(super) fn kept(found: Vec<Difference>, before: &Live, rewrite: &Rewrite) -> (Vec<String>, Vec<String>) {
    let (kept, differ): (Vec<Difference>, Vec<Difference>) =
        found.into_iter().partition(|difference| is_kept(difference, before, rewrite));
    let sentence = |difference: &Difference| match &difference.part {
        Some(part) => format!("kept: the {part} of {} {}", difference.kind, difference.name),
        None => format!("kept: {} {}", difference.kind, difference.name),
    };
    // constraints and indexes are those that the rewrite has named itself, an enum's order is no loss
    let told = |difference: &&Difference| match difference.kind {
        Kind::Constraint | Kind::Index => difference.part.is_none(),
        kind => kind == Kind::Enum,
    };
    (
        kept.iter().filter(|difference| !told(difference)).map(sentence).collect(),
        differ.iter().map(ToString::to_string).collect(),
    )
}

fn is_kept(difference: &Difference, before: &Live, rewrite: &Rewrite) -> bool {
    let Difference { kind, name, part, right, .. } = difference;
    let Some(right) = right else { return false };
    if let Some(part) = part {
        // a publication lists its tables: one that was dropped and created is not in it any more
        let unseen = UNSEEN.contains(&part.as_str()) || (*kind == Kind::Publication && part == "tables");
        // Prisma takes a generating expression for a default, and adds a plain column in its place
        if *kind == Kind::Column && part == "generating expression" {
            let own = last(name);
            let generated = |column: &str| {
                before
                    .of(Kind::Column)
                    .any(|(name, of)| last(name) == column && of.contains_key("generating expression"))
            };
            let kept =
                |rename: &Rename| matches!(rename, Rename::Column { from, to, .. } if *to == own && generated(from));
            return difference.left.is_none() && rewrite.renames.iter().any(kept);
        }
        // labels that change places, in an enum that the draft leaves as it is
        if *kind == Kind::Enum && part == "values" {
            let left = difference.left.as_deref().unwrap_or_default();
            let labels = |list: &str| list.split(", ").map(str::to_owned).collect::<BTreeSet<_>>();
            let untouched = before
                .of(*kind)
                .any(|(of, definition)| of == name && definition.get(part).is_some_and(|own| own == left));
            return untouched && labels(left) == labels(right);
        }
        return unseen && before.of(*kind).any(|(_, definition)| definition.get(part) == Some(right));
    }
    let own = last(name);
    match kind {
        Kind::Trigger
        | Kind::Rule
        | Kind::Policy
        | Kind::Statistics
        | Kind::View
        | Kind::MaterializedView
        | Kind::Function => before.of(*kind).any(|(name, _)| last(name) == own),
        // an index may be the one behind a kept constraint
        Kind::Constraint | Kind::Index => rewrite.kept.iter().any(|kept| kept.name == own),
        _ => false,
    }
}

/// The last part of a name, without quotes: `public."Song"."a.b"` ends in `a.b`.
fn last(name: &str) -> String {
    let mut quoted = false;
    let mut start = 0;
    for (at, c) in name.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => start = at + 1,
            _ => {}
        }
    }
    let last = &name[start..];
    match last.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => last.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_is_found_outside_quotes() {
        assert_eq!(last(r#"public."Song"."a.""b""#), r#"a."b"#);
        assert_eq!(last("x"), "x");
    }

    #[test]
    fn only_what_was_there_before_and_prisma_cannot_see_is_kept() {
        let mut before = Live::default();
        let policy = before.objects.entry(Kind::Policy).or_default();
        policy.insert("public.\"Song\".own".into(), std::collections::BTreeMap::new());
        let additional = |kind, name: &str| Difference {
            kind,
            name: name.into(),
            part: None,
            left: None,
            right: Some(String::new()),
        };
        let rewrite = Rewrite::default();
        assert!(is_kept(&additional(Kind::Policy, "public.\"Track\".own"), &before, &rewrite));
        assert!(!is_kept(&additional(Kind::Policy, "public.\"Track\".other"), &before, &rewrite));
        assert!(!is_kept(&additional(Kind::Column, "public.\"Track\".own"), &before, &rewrite));
        assert!(!is_kept(&additional(Kind::Index, "public.own"), &before, &rewrite));
        let missing = Difference { left: Some(String::new()), right: None, ..additional(Kind::Policy, "public.t.own") };
        assert!(!is_kept(&missing, &before, &rewrite));
    }
}
