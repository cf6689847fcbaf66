//! Two databases of which the second was a copy of the first: which objects, rights and properties are gone.

use std::collections::BTreeMap;

use super::census::{Census, Key, Object};
use super::{Kind, Loss, queries};

/// What is gone but for rows and values. What belongs to something that is gone goes with it, and is not told as well.
pub(super) fn objects(before: &Census, after: &Census, schema: &str) -> Vec<Loss> {
    let mut comparison = Comparison { before, after, schema, same: BTreeMap::new(), losses: Vec::new() };
    // tables, types and columns stand before what belongs to them
    let of = |kind| before.objects.range((kind, 0, i32::MIN)..=(kind, u32::MAX, i32::MAX));
    for (key, object) in queries::ALL.iter().flat_map(|(kind, _)| of(*kind)) {
        match comparison.find(key, object) {
            Some(now) => {
                comparison.same.insert(*key, now);
                comparison.both(key, object, &now);
            }
            None => comparison.gone(key, object),
        }
    }
    comparison.losses
}

struct Comparison<'a> {
    before: &'a Census,
    after: &'a Census,
    schema: &'a str,
    /// What is still there, and as what: itself, or one of the same name that was made anew.
    same: BTreeMap<Key, Key>,
    losses: Vec<Loss>,
}

impl Comparison<'_> {
    /// The object itself; else another one that is called so; else one that does the same.
    fn find(&self, key: &Key, object: &Object) -> Option<Key> {
        if self.after.objects.contains_key(key) {
            return Some(*key);
        }
        let parent = match object.parent {
            Some(parent) => Some(self.parent(key.0, parent)?.1),
            None => None,
        };
        let of_kind = || self.after.objects.range((key.0, 0, i32::MIN)..=(key.0, u32::MAX, i32::MAX));
        // an object of before that is still there stands for itself
        let free = |found: &Key| !self.before.objects.contains_key(found);
        let named = |found: &Object| {
            found.name == object.name
                && (found.parent == parent || key.0 == Kind::Sequence)
                && found.schema == object.schema
        };
        if let Some((found, _)) = of_kind().find(|(found, other)| free(found) && named(other)) {
            return Some(*found);
        }
        let signature = object.signature.as_ref()?;
        let equal = |other: &Object| other.signature.as_ref() == Some(signature) && other.parent == parent;
        of_kind().find(|(_, other)| equal(other)).map(|(found, _)| *found)
    }

    /// What has become of the table, view or type that an object belongs to.
    fn parent(&self, kind: Kind, parent: u32) -> Option<Key> {
        if kind == Kind::Label {
            return self.same.get(&(Kind::Type, parent, 0)).copied();
        }
        [Kind::Table, Kind::View, Kind::MaterializedView]
            .iter()
            .find_map(|kind| self.same.get(&(*kind, parent, 0)))
            .copied()
    }

    fn gone(&mut self, key: &Key, object: &Object) {
        let (kind, id, _) = *key;
        let goes_with = |parent: u32| {
            let column = |number: &i16| self.same.contains_key(&(Kind::Column, parent, i32::from(*number)));
            // zero is an expression, which belongs to no one column
            self.parent(kind, parent).is_none() || object.columns.iter().any(|number| *number > 0 && !column(number))
        };
        if object.parent.is_some_and(goes_with) || object.facts.contains_key("measured") {
            return;
        }
        let what = match kind {
            Kind::Published => format!("is not published any more by {}", object.name),
            Kind::Label => "is gone from its enum".to_owned(),
            Kind::LargeObject => "is gone".to_owned(),
            Kind::Index if object.facts.contains_key("unique") => "is gone, and what it kept unique is free".to_owned(),
            _ => format!("({}) is gone", word(kind)),
        };
        let mut loss = Loss::new(kind, self.before.label(key, self.schema), bare(&object.name), what);
        loss.parents = self.parents(object.parent.unwrap_or(id));
        self.losses.push(loss);
    }

    /// What an object that is still there has lost.
    fn both(&mut self, key: &Key, was: &Object, now: &Key) {
        let Some(is) = self.after.objects.get(now) else { return };
        let label = self.before.label(key, self.schema);
        let parents = self.parents(was.parent.unwrap_or(key.1));
        let mut losses = Vec::new();
        let mut add = |kind, object: String, count: Option<u64>, what: String| {
            losses.push(Loss { count, parents: parents.clone(), ..Loss::new(kind, object, bare(&was.name), what) });
        };
        let taken: Vec<&str> = was.grants.difference(&is.grants).map(String::as_str).collect();
        // a column that was dropped and came back has lost its values, which says more; not so in a table that was made anew
        let anew = key.0 == Kind::Column && key != now && key.1 == now.1;
        if !taken.is_empty() && !anew {
            let count = u64::try_from(taken.len()).ok();
            add(Kind::Privileges, format!("privileges on {label}"), count, format!("are gone: {}", taken.join(", ")));
        }
        for (fact, value) in was.facts.iter().filter(|_| !anew) {
            let current = is.facts.get(fact);
            match (fact.as_str(), current) {
                ("owner", Some(other)) if other != value => {
                    add(Kind::Owner, format!("owner of {label}"), None, format!("was {value} and is {other}"));
                }
                ("comment", None) => add(Kind::Comment, format!("comment on {label}"), None, "is gone".into()),
                ("not null", None) => add(Kind::NotNull, format!("NOT NULL of {label}"), None, "is gone".into()),
                ("default", None) => add(Kind::Default, format!("{value} of {label}"), None, "is gone".into()),
                ("row security", None) => {
                    add(Kind::RowSecurity, format!("row security of {label}"), None, "is off".into());
                }
                ("rows", None) => add(Kind::Population, format!("rows of {label}"), None, "are not filled in".into()),
                ("state", None) => {
                    let what = if value == "valid" { "is not valid any more" } else { "is disabled" };
                    add(Kind::State, label.clone(), None, format!("({}) {what}", word(key.0)));
                }
                ("contents", Some(other)) if other != value => {
                    add(Kind::LargeObject, label.clone(), None, "holds other bytes".into());
                }
                ("definition", Some(other)) if other != value => {
                    add(Kind::Definition, format!("definition of {label}"), None, "is another one".into());
                }
                ("position", current) => {
                    let upwards = was.facts.get("increment").is_none_or(|increment| !increment.starts_with('-'));
                    if let Some(what) = set_back(value, current, upwards) {
                        add(Kind::Position, format!("position of {label}"), None, what);
                    }
                }
                _ => {}
            }
        }
        self.losses.extend(losses);
    }

    /// A table's or type's name as it was, and those of what it was a part of.
    fn parents(&self, id: u32) -> Vec<String> {
        let mut names = Vec::new();
        for kind in [Kind::Table, Kind::View, Kind::MaterializedView, Kind::Type] {
            let key = (kind, id, 0);
            if self.before.objects.contains_key(&key) {
                names.push(self.before.label(&key, self.schema));
                names.extend(self.before.wholes(id, self.schema));
            }
        }
        names.dedup();
        names
    }
}

/// A function's name without its arguments.
fn bare(name: &str) -> &str {
    name.split('(').next().unwrap_or(name)
}

/// A sequence that goes back gives the same numbers a second time.
fn set_back(was: &str, is: Option<&String>, upwards: bool) -> Option<String> {
    let was: i64 = was.parse().ok()?;
    let Some(is) = is else { return Some(format!("was {was} and is at its start")) };
    let is: i64 = is.parse().ok()?;
    let back = if upwards { is < was } else { is > was };
    back.then(|| format!("was {was} and is {is}: numbers are given a second time"))
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Column => "column",
        Kind::Table => "table",
        Kind::Label => "enum value",
        Kind::Schema => "schema",
        Kind::Extension => "extension",
        Kind::View => "view",
        Kind::MaterializedView => "materialized view",
        Kind::Sequence => "sequence",
        Kind::Type => "type",
        Kind::Constraint => "constraint",
        Kind::Index => "index",
        Kind::Function => "function",
        Kind::Trigger => "trigger",
        Kind::Rule => "rule",
        Kind::Policy => "policy",
        Kind::Publication => "publication",
        Kind::Statistics => "extended statistics",
        Kind::EventTrigger => "event trigger",
        Kind::DefaultPrivileges => "default privileges",
        _ => "object",
    }
}
