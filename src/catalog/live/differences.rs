//! Two live databases compared, in plain words.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Definition, Kind, Live};

/// Longer definitions stand on lines of their own.
const ONE_LINE: usize = 60;

/// One object that is not the same on both sides, or one part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    pub kind: Kind,
    /// As SQL writes it, with schema and table.
    pub name: String,
    /// The part of the definition; none where the whole object is on one side only.
    pub part: Option<String>,
    /// On the left side; for a whole object that is there, empty.
    pub left: Option<String>,
    /// On the right side.
    pub right: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, part, left, right } = self;
        let Some(part) = part else {
            return write!(f, "{kind} {name} is {}", if right.is_some() { "additional" } else { "missing" });
        };
        match (left.as_deref(), right.as_deref()) {
            (left, Some(right)) if right.len() > ONE_LINE => {
                write!(f, "{kind} {name} has the {part}\n  {right}\ninstead of\n  {}", left.unwrap_or("none"))
            }
            (left, right) => {
                write!(f, "{kind} {name} has the {part} {} instead of {}", or_none(right), or_none(left))
            }
        }
    }
}

fn or_none(value: Option<&str>) -> &str {
    value.unwrap_or("none")
}

/// How `right` differs from `left`: what is missing there, what is there in addition, and what is another way. Of a table
/// that is on one side only, its columns, constraints and indexes are not listed as well.
pub fn differences(left: &Live, right: &Live) -> Vec<Difference> {
    let nothing = BTreeMap::new();
    let mut kinds: Vec<Kind> = left.objects.keys().chain(right.objects.keys()).copied().collect();
    kinds.sort();
    kinds.dedup();
    let mut found: Vec<Difference> = Vec::new();
    for kind in kinds {
        let side = |live: &'_ Live| live.objects.get(&kind).cloned().unwrap_or_else(|| nothing.clone());
        let (ours, mut theirs) = (side(left), side(right));
        for (name, definition) in ours {
            match theirs.remove(&name) {
                Some(other) => found.extend(parts(kind, &name, &definition, &other)),
                None => found.push(whole(kind, name, true)),
            }
        }
        found.extend(theirs.into_keys().map(|name| whole(kind, name, false)));
    }
    let owners: Vec<String> = found
        .iter()
        .filter(|each| each.part.is_none() && matches!(each.kind, Kind::Table | Kind::View | Kind::MaterializedView))
        .map(|each| format!("{}.", each.name))
        .collect();
    let belongs = |each: &Difference| {
        !matches!(each.kind, Kind::Table | Kind::View | Kind::MaterializedView)
            && owners.iter().any(|owner| each.name.starts_with(owner.as_str()))
    };
    found.retain(|each| !belongs(each));
    found
}

fn whole(kind: Kind, name: String, left: bool) -> Difference {
    let there = |is: bool| is.then(String::new);
    Difference { kind, name, part: None, left: there(left), right: there(!left) }
}

fn parts(kind: Kind, name: &str, left: &Definition, right: &Definition) -> Vec<Difference> {
    let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
    names.sort();
    names.dedup();
    let differs = |part: &&String| left.get(*part) != right.get(*part);
    let difference = |part: &String| Difference {
        kind,
        name: name.to_owned(),
        part: Some(part.clone()),
        left: left.get(part).cloned(),
        right: right.get(part).cloned(),
    };
    names.into_iter().filter(differs).map(difference).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `part=value` after the name.
    fn live(objects: &[(Kind, &str, &[&str])]) -> Live {
        let mut live = Live::default();
        for (kind, name, parts) in objects {
            let parts = parts.iter().filter_map(|part| part.split_once('='));
            let parts = parts.map(|(part, value)| (part.to_owned(), value.to_owned())).collect();
            live.objects.entry(*kind).or_default().insert((*name).to_owned(), parts);
        }
        live
    }

    #[test]
    fn says_what_is_missing_additional_and_another_way() {
        let left = live(&[
            (Kind::Table, "public.a", &[]),
            (Kind::Column, "public.a.x", &["type=text", "default='a'::text"]),
            (Kind::Table, "public.gone", &[]),
            (Kind::Column, "public.gone.x", &["type=text"]),
            (Kind::Index, "public.gone_idx", &[]),
        ]);
        let right = live(&[
            (Kind::Table, "public.a", &[]),
            (Kind::Column, "public.a.x", &["type=integer"]),
            (Kind::Column, "public.a.y", &["type=integer"]),
            (Kind::View, "public.v", &[]),
        ]);
        let words: Vec<String> = differences(&left, &right).iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "table public.gone is missing",
                "column public.a.x has the default none instead of 'a'::text",
                "column public.a.x has the type integer instead of text",
                "column public.a.y is additional",
                "index public.gone_idx is missing",
                "view public.v is additional",
            ]
        );
        assert!(differences(&left, &left).is_empty());
    }

    #[test]
    fn a_journal_can_keep_it() {
        let kept = live(&[(Kind::MaterializedView, "public.v", &["definition= SELECT 1;"])]);
        let text = serde_json::to_string(&kept).unwrap();
        assert_eq!(text, r#"{"objects":{"materializedView":{"public.v":{"definition":" SELECT 1;"}}}}"#);
        assert_eq!(serde_json::from_str::<Live>(&text).unwrap(), kept);
    }
}
