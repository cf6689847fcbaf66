//! What is set on an object that is still there: the statements that set it as it was.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::live::Definition;
use crate::sql::tokens::tokens;

/// What it is a part of, row security, how its rows are logged and found by replicas, and storage parameters.
pub(super) fn of_table(name: &str, was: &Definition, now: &Definition) -> Vec<String> {
    let part = |part: &str| was.get(part).map(String::as_str);
    let changed = |part: &str| was.get(part) != now.get(part);
    let mut actions: Vec<String> = Vec::new();
    if changed("row security") {
        let (row, force) = match part("row security") {
            None => ("DISABLE", "NO FORCE"),
            Some("forced") => ("ENABLE", "FORCE"),
            Some(_) => ("ENABLE", "NO FORCE"),
        };
        actions.push(format!("{row} ROW LEVEL SECURITY, {force} ROW LEVEL SECURITY"));
    }
    actions.extend(persistence(was, now).map(str::to_owned));
    if changed("replica identity") {
        actions.extend(match part("replica identity") {
            None => Some("REPLICA IDENTITY DEFAULT".to_owned()),
            Some("f") => Some("REPLICA IDENTITY FULL".to_owned()),
            Some("n") => Some("REPLICA IDENTITY NOTHING".to_owned()),
            // an index's, which is not told here
            Some(_) => None,
        });
    }
    actions.extend(parameters("storage options", was, now));
    actions.extend(parameters("toast options", was, now));
    let actions = actions.into_iter().map(|action| format!("ALTER TABLE {name} {action}"));
    parents(name, was, now).into_iter().chain(actions).collect()
}

/// How its values are stored and counted.
pub(super) fn of_column(table: &str, name: &str, was: &Definition, now: &Definition) -> Vec<String> {
    let changed = |part: &str| was.get(part) != now.get(part);
    let mut actions: Vec<String> = Vec::new();
    if changed("storage") {
        // `EXTERNAL (its type: EXTENDED)`
        let words = |of: &'_ Definition| {
            of.get("storage")?
                .trim_end_matches(')')
                .split_once(" (its type: ")
                .map(|(set, own)| [set, own].map(str::to_owned))
        };
        let [set, own] = [was, now].map(words);
        actions.extend(set.map(|[set, _]| set).or(own.map(|[_, own]| own)).map(|how| format!("SET STORAGE {how}")));
    }
    if changed("compression") {
        actions.push(format!("SET COMPRESSION {}", was.get("compression").map_or("default", String::as_str)));
    }
    if changed("statistics target") {
        actions.push(format!("SET STATISTICS {}", was.get("statistics target").map_or("-1", String::as_str)));
    }
    actions.extend(parameters("options", was, now));
    actions.into_iter().map(|action| format!("ALTER TABLE {table} ALTER COLUMN {name} {action}")).collect()
}

/// What is set on each of several columns, and was set otherwise: the column, and what it was, if anything.
pub(super) fn each(part: &str, was: &Definition, now: &Definition) -> Vec<(String, Option<String>)> {
    let of = |of: &Definition| -> BTreeMap<String, String> {
        of.get(part).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let (was, now) = (of(was), of(now));
    let columns: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
    let changed = columns.into_iter().filter(|column| was.get(*column) != now.get(*column));
    changed.map(|column| (column.clone(), was.get(column).cloned())).collect()
}

/// Parameters as they were: `fillfactor=70, parallel_workers=2`.
fn parameters(part: &str, was: &Definition, now: &Definition) -> Vec<String> {
    let of = |of: &'_ Definition| of.get(part).cloned().unwrap_or_default();
    let (set, given) = (of(was), of(now));
    if set == given {
        return Vec::new();
    }
    let keys = |list: &str| {
        let key = |option: &str| option.split('=').next().unwrap_or_default().trim().to_owned();
        list.split(',').map(key).filter(|key| !key.is_empty()).collect::<Vec<_>>()
    };
    let kept = keys(&set);
    let new: Vec<String> = keys(&given).into_iter().filter(|key| !kept.contains(key)).collect();
    let reset = (!new.is_empty()).then(|| format!("RESET ({})", new.join(", ")));
    reset.into_iter().chain((!set.is_empty()).then(|| format!("SET ({set})"))).collect()
}

/// Whether its rows are logged; nothing where that is as it was.
pub(super) fn persistence(was: &Definition, now: &Definition) -> Option<&'static str> {
    let unlogged = |of: &Definition| of.contains_key("persistence");
    (unlogged(was) != unlogged(now)).then(|| if unlogged(was) { "SET UNLOGGED" } else { "SET LOGGED" })
}

/// What the table is a partition of, or inherits from.
fn parents(name: &str, was: &Definition, now: &Definition) -> Vec<String> {
    let of = |live: &Definition| (live.get("parents").cloned(), live.get("partition bound").cloned());
    let (was, now) = (of(was), of(now));
    if was == now {
        return Vec::new();
    }
    let each = |parents: Option<String>, word: &str| {
        let parents = parents.unwrap_or_default();
        let one = |parent: &str| format!("ALTER TABLE {name} {word} {parent}");
        parents.split(", ").filter(|parent| !parent.is_empty()).map(one).collect::<Vec<_>>()
    };
    let mut statements = match now {
        (Some(parent), Some(_)) => vec![format!("ALTER TABLE {parent} DETACH PARTITION {name}")],
        (parents, _) => each(parents, "NO INHERIT"),
    };
    statements.extend(match was {
        (Some(parent), Some(bound)) => vec![format!("ALTER TABLE {parent} ATTACH PARTITION {name} {bound}")],
        (parents, _) => each(parents, "INHERIT"),
    });
    statements
}

/// How it counts: the type and the bounds go first, since what is counted by and begun with has to fit them.
pub(super) fn of_sequence(name: &str, was: &Definition, now: &Definition) -> Option<String> {
    const WORDS: [(&str, &str); 6] = [
        ("type", "AS"),
        ("minimum", "MINVALUE"),
        ("maximum", "MAXVALUE"),
        ("increment", "INCREMENT BY"),
        ("start", "START WITH"),
        ("cache", "CACHE"),
    ];
    let differs = |part: &str| was.get(part) != now.get(part);
    // a bound that is the type's own moves on with the type
    let changed = |part: &str| differs(part) || differs("type") && matches!(part, "minimum" | "maximum");
    let set = |(part, words): &(&str, &str)| Some(format!("{words} {}", was.get(*part)?));
    let mut options: Vec<String> = WORDS.iter().filter(|(part, _)| changed(part)).filter_map(set).collect();
    if changed("cycle") {
        options
            .push(if was.get("cycle").is_some_and(|cycle| cycle == "true") { "CYCLE" } else { "NO CYCLE" }.to_owned());
    }
    (!options.is_empty()).then(|| format!("ALTER SEQUENCE {name} {}", options.join(" ")))
}

/// Default, NOT NULL and checks.
pub(super) fn of_domain(name: &str, was: &Definition, now: &Definition) -> Vec<String> {
    let changed = |part: &str| was.get(part) != now.get(part);
    let mut actions: Vec<String> = Vec::new();
    if changed("default") {
        actions.push(was.get("default").map_or_else(|| "DROP DEFAULT".into(), |text| format!("SET DEFAULT {text}")));
    }
    if changed("nullability") {
        let set = was.get("nullability").is_some_and(|null| null == "NOT NULL");
        actions.push(if set { "SET NOT NULL" } else { "DROP NOT NULL" }.to_owned());
    }
    if changed("constraints") {
        let of = |live: &'_ Definition| live.get("constraints").cloned().unwrap_or_default();
        let (was, now) = (of(was), of(now));
        let (was, now) = (checks(&was), checks(&now));
        actions.extend(now.iter().filter(|own| !was.contains(own)).map(|(name, _)| format!("DROP CONSTRAINT {name}")));
        actions.extend(was.iter().filter(|own| !now.contains(own)).map(|(_, text)| format!("ADD {text}")));
    }
    actions.into_iter().map(|action| format!("ALTER DOMAIN {name} {action}")).collect()
}

/// Each check of a domain with its name: `CONSTRAINT a CHECK (…) CONSTRAINT b CHECK (…)`.
fn checks(text: &str) -> Vec<(&str, &str)> {
    let tokens = tokens(text);
    let mut depth = 0_usize;
    let mut begins = Vec::new();
    for pair in tokens.windows(2) {
        let [token, next] = pair else { continue };
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.is("constraint") {
            begins.push((token.start, &text[next.start..next.end]));
        }
    }
    let ends = begins.iter().skip(1).map(|(start, _)| *start).chain([text.len()]);
    begins.iter().zip(ends).map(|((start, name), end)| (*name, text[*start..end].trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(parts: &[(&str, &str)]) -> Definition {
        parts.iter().map(|(part, text)| ((*part).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_was_set_is_set_again_and_what_was_not_goes() {
        let was =
            definition(&[("storage options", "fillfactor=70, autovacuum_enabled=off"), ("replica identity", "f")]);
        let now = definition(&[("persistence", "unlogged"), ("storage options", "fillfactor=90, parallel_workers=2")]);
        assert_eq!(
            of_table("public.t", &was, &now),
            [
                "ALTER TABLE public.t SET LOGGED",
                "ALTER TABLE public.t REPLICA IDENTITY FULL",
                "ALTER TABLE public.t RESET (parallel_workers)",
                "ALTER TABLE public.t SET (fillfactor=70, autovacuum_enabled=off)",
            ]
        );
        let was = definition(&[("storage", "EXTERNAL (its type: EXTENDED)"), ("options", "n_distinct=-0.5")]);
        let now = definition(&[("statistics target", "500"), ("compression", "lz4")]);
        let set = |action: &str| format!("ALTER TABLE public.t ALTER COLUMN a {action}");
        assert_eq!(
            of_column("public.t", "a", &was, &now),
            ["SET STORAGE EXTERNAL", "SET COMPRESSION default", "SET STATISTICS -1", "SET (n_distinct=-0.5)"].map(set)
        );
        assert_eq!(of_column("public.t", "a", &now, &was)[0], set("SET STORAGE EXTENDED"));
        let part = definition(&[("parents", "public.whole"), ("partition bound", "DEFAULT")]);
        let attach = "ALTER TABLE public.whole ATTACH PARTITION public.p DEFAULT";
        assert_eq!(of_table("public.p", &part, &definition(&[])), [attach]);
        let kid = definition(&[("parents", "public.a, public.b")]);
        assert_eq!(
            of_table("public.p", &kid, &part),
            [
                "ALTER TABLE public.whole DETACH PARTITION public.p",
                "ALTER TABLE public.p INHERIT public.a",
                "ALTER TABLE public.p INHERIT public.b"
            ]
        );
        let was = definition(&[
            ("nullability", "NULL"),
            ("default", "'x'::text"),
            ("constraints", r#"CONSTRAINT "a b" CHECK ((VALUE <> 'constraint c'::text)) CONSTRAINT d CHECK (true)"#),
        ]);
        let now = definition(&[
            ("nullability", "NOT NULL"),
            ("constraints", "CONSTRAINT d CHECK (true) CONSTRAINT e CHECK (false)"),
        ]);
        assert_eq!(
            of_domain("public.d", &was, &now),
            [
                "ALTER DOMAIN public.d SET DEFAULT 'x'::text",
                "ALTER DOMAIN public.d DROP NOT NULL",
                "ALTER DOMAIN public.d DROP CONSTRAINT e",
                r#"ALTER DOMAIN public.d ADD CONSTRAINT "a b" CHECK ((VALUE <> 'constraint c'::text))"#,
            ]
        );
        assert_eq!(of_domain("public.d", &was, &was), [""; 0]);
    }
}
