//! What went, told by two snapshots alone; and whether a statement of the migration says so itself.

mod rows;

use std::collections::BTreeMap;
use std::fmt;

use super::snapshot::{Snapshot, Thing};

/// What kind of thing went, or what of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Schema,
    Table,
    Column,
    Constraint,
    Index,
    Trigger,
    Policy,
    Rule,
    Domain,
    Statistics,
    View,
    Materialized,
    Function,
    Sequence,
    Enum,
    Label,
    Rows,
    Values,
    /// Not a loss: a type change, which may change values where a finding says so.
    Retyped,
    Name,
    Type,
    Default,
    NotNull,
    Definition,
    Owner,
    Comment,
    State,
    RowSecurity,
    Right,
    Position,
}

impl Kind {
    pub(super) fn of(word: &str) -> Self {
        match word {
            "schema" => Self::Schema,
            "table" => Self::Table,
            "column" => Self::Column,
            "constraint" => Self::Constraint,
            "index" => Self::Index,
            "trigger" => Self::Trigger,
            "policy" => Self::Policy,
            "rule" => Self::Rule,
            "domain" => Self::Domain,
            "statistics" => Self::Statistics,
            "view" => Self::View,
            "materialized" => Self::Materialized,
            "function" => Self::Function,
            "sequence" => Self::Sequence,
            "enum" => Self::Enum,
            _ => Self::Label,
        }
    }

    /// Whether its name is its own, and not one within a table or type.
    pub(super) fn stands_alone(self) -> bool {
        matches!(
            self,
            Self::Table | Self::View | Self::Materialized | Self::Function | Self::Sequence | Self::Enum | Self::Index
        ) || matches!(
            self,
            Self::Constraint | Self::Trigger | Self::Policy | Self::Rule | Self::Domain | Self::Statistics
        )
    }

    pub(super) fn is_data(self) -> bool {
        matches!(self, Self::Rows | Self::Values)
    }
}

/// Something that a statement says it takes away or changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct May {
    pub(super) kind: Kind,
    /// Empty for what belongs to none, or to any.
    pub(super) table: String,
    /// Empty for all.
    pub(super) name: String,
}

/// Something that was there and is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Gone {
    pub(super) kind: Kind,
    /// Where it belongs to one.
    pub(super) table: String,
    pub(super) name: String,
    pub(super) what: String,
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}.{}: {}", self.kind, self.table, self.name, self.what)
    }
}

/// What of `before` is not in `after`, which was a copy of it. `loose`: names or types were changed, and so the texts of
/// definitions may be others.
pub(super) fn gone(before: &Snapshot, after: &Snapshot, loose: bool) -> Vec<Gone> {
    let mut oracle = Oracle { before, after, loose, same: BTreeMap::new(), gone: Vec::new() };
    for thing in &before.things {
        if oracle.is_of_a_part(thing) {
            continue;
        }
        match oracle.find(thing) {
            Some(now) => {
                oracle.same.insert(key(thing), now);
                oracle.facts(thing, now);
            }
            None => oracle.lost(thing),
        }
    }
    for (oid, data) in &before.data {
        oracle.data(oid, data);
    }
    oracle.gone.sort();
    oracle.gone
}

type Key = (Kind, String, String);

fn key(thing: &Thing) -> Key {
    (thing.kind, thing.oid.clone(), thing.number.clone())
}

struct Oracle<'a> {
    before: &'a Snapshot,
    after: &'a Snapshot,
    loose: bool,
    same: BTreeMap<Key, &'a Thing>,
    gone: Vec<Gone>,
}

impl<'a> Oracle<'a> {
    /// Whether a table was and is a partition of the same one.
    fn is_part(&self, table: &Thing) -> bool {
        let whole = |thing: &Thing| thing.facts.get("partition").cloned();
        whole(table).is_some() && self.now(table).is_some_and(|now| whole(now) == whole(table))
    }

    /// What the table as a whole decides for its partitions.
    fn is_of_a_part(&self, thing: &Thing) -> bool {
        matches!(thing.kind, Kind::Column | Kind::Constraint | Kind::Index)
            && self.parent(thing).is_some_and(|table| self.is_part(table))
    }

    fn find(&self, thing: &Thing) -> Option<&'a Thing> {
        if let Some(itself) = self.after.find(thing.kind, &thing.oid, &thing.number) {
            return Some(itself);
        }
        let parent = match self.parent(thing) {
            Some(parent) => self.now(parent)?.oid.clone(),
            None => "0".into(),
        };
        let known = |other: &&Thing| self.before.find(other.kind, &other.oid, &other.number).is_none();
        let same =
            |other: &&Thing| other.kind == thing.kind && (other.parent == parent || thing.kind == Kind::Sequence);
        let mut others = self.after.things.iter().filter(same);
        let named = others.clone().filter(known).find(|other| other.name == thing.name && other.schema == thing.schema);
        named.or_else(|| {
            let equal = |other: &&Thing| other.facts.get("definition") == thing.facts.get("definition");
            matches!(thing.kind, Kind::Index | Kind::Constraint).then(|| others.find(equal))?
        })
    }

    /// Before.
    fn parent(&self, thing: &Thing) -> Option<&'a Thing> {
        let of = |kind| self.before.find(kind, &thing.parent, "0");
        of(Kind::Table).or_else(|| of(Kind::Materialized)).or_else(|| of(Kind::Enum))
    }

    fn now(&self, thing: &Thing) -> Option<&'a Thing> {
        self.same.get(&key(thing)).copied()
    }

    fn name_of_parent(&self, thing: &Thing) -> String {
        self.parent(thing).map_or_else(String::new, |parent| parent.name.clone())
    }

    /// What belonged to what is gone is not told as well.
    fn lost(&mut self, thing: &Thing) {
        let parent = self.parent(thing);
        if parent.is_some_and(|parent| self.now(parent).is_none()) {
            return;
        }
        let own = ["columns", "column"].iter().filter_map(|fact| thing.facts.get(*fact)).next();
        let column = |number: &str| self.same.contains_key(&(Kind::Column, thing.parent.clone(), number.to_owned()));
        if thing.kind != Kind::Column
            && own.is_some_and(|own| own.split(' ').any(|number| number != "0" && !column(number)))
        {
            return;
        }
        self.tell(thing.kind, thing, "is gone");
    }

    fn tell(&mut self, kind: Kind, thing: &Thing, what: impl Into<String>) {
        let of_table = matches!(thing.kind, Kind::Table | Kind::Materialized);
        let table = if of_table { thing.name.clone() } else { self.name_of_parent(thing) };
        self.gone.push(Gone { kind, table, name: thing.name.clone(), what: what.into() });
    }

    fn facts(&mut self, was: &Thing, is: &Thing) {
        // an equal index does as well, under whatever name
        let moved_house = was.schema != is.schema && was.parent == "0";
        if was.oid == is.oid && (was.name != is.name || moved_house) {
            self.tell(Kind::Name, was, format!("is {}.{}", is.schema, is.name));
        }
        for (fact, value) in &was.facts {
            let kind = match fact.as_str() {
                "definition" if self.loose => continue,
                "definition" => Kind::Definition,
                "type" => Kind::Type,
                "default" if value.is_empty() => continue,
                "default" => Kind::Default,
                "notNull" => Kind::NotNull,
                "owner" => Kind::Owner,
                "comment" => Kind::Comment,
                "state" => Kind::State,
                "rowSecurity" => Kind::RowSecurity,
                "position" => Kind::Position,
                _ => continue,
            };
            let now = is.facts.get(fact);
            let kept = match kind {
                Kind::Position => now.and_then(|now| now.parse::<i64>().ok()) >= value.parse().ok(),
                // names in it may be others
                Kind::Default if self.loose => now.is_some_and(|now| !now.is_empty()),
                _ => now == Some(value),
            };
            if !kept {
                self.tell(kind, was, format!("{fact} was {value:?}, is {now:?}"));
            }
        }
        let owner = is.facts.get("owner").map_or("", String::as_str);
        let missing: Vec<&String> = was
            .rights
            .iter()
            .filter(|right| !is.rights.contains(*right) && !right.starts_with(&format!("{owner} ")))
            .filter(|right| !is.rights.contains(&right.replace(" f", " t")))
            .collect();
        if !missing.is_empty() {
            self.tell(Kind::Right, was, format!("{missing:?}"));
        }
    }
}

/// The same value as another type writes it.
fn normal(value: Option<&str>) -> String {
    let Some(value) = value else { return "NULL".into() };
    let value = value.trim_end_matches(' ');
    let value = value.strip_suffix("+00").unwrap_or(value);
    let value = value.strip_suffix(" 00:00:00").unwrap_or(value);
    // the one value of a list
    let value = value.strip_prefix('{').and_then(|value| value.strip_suffix('}')).unwrap_or(value);
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    match value {
        "t" => return "true".into(),
        "f" => return "false".into(),
        // the label under its new name
        "gone" => return "lost".into(),
        _ => {}
    }
    let number =
        value.parse::<f64>().is_ok() && value.bytes().all(|byte| byte.is_ascii_digit() || b".-".contains(&byte));
    if number && value.contains('.') {
        return value.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    value.to_owned()
}
