//! What a candidate is: a dropped object that may live on under an added one's name.

use serde::{Serialize, Serializer};

use super::render::spoken;
use crate::catalog::{Catalog, ObjectName};

/// A name in double quotes with JSON's escapes: no name breaks out of its line.
fn quote(name: &str) -> String {
    serde_json::Value::String(name.to_owned()).to_string()
}

/// A name in quotes where it needs them.
pub(crate) fn part(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { quote(name) }
}

/// A table or enum, with its schema where that is not the default one.
pub(crate) fn object(catalog: &Catalog, name: &ObjectName) -> String {
    if name.schema == catalog.default_schema {
        part(&name.name)
    } else {
        format!("{}.{}", part(&name.schema), part(&name.name))
    }
}

/// One rename. Names on the left are those before the migration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rename {
    /// A table. `join` is an implicit many-to-many table, which follows its models.
    Table { from: ObjectName, to: ObjectName, join: bool },
    /// A column of a table (by the table's name before). `from` equal to `to`: dropped and recreated with another type.
    Column { table: ObjectName, from: String, to: String },
    /// An enum type.
    Enum { from: ObjectName, to: ObjectName },
    /// A value of an enum (by the enum's name before).
    EnumValue { of: ObjectName, from: String, to: String },
}

impl Rename {
    /// The word that JSON, questions and directives use.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Table { join: false, .. } => "table",
            Self::Table { join: true, .. } => "joinTable",
            Self::Column { .. } => "column",
            Self::Enum { .. } => "enum",
            Self::EnumValue { .. } => "enumValue",
        }
    }

    /// The table or enum it happens in, the old and the new name, as people write them.
    pub fn spoken(&self, catalog: &Catalog) -> (Option<String>, String, String) {
        match self {
            Self::Table { from, to, .. } | Self::Enum { from, to } => {
                (None, spoken(catalog, from), spoken(catalog, to))
            }
            Self::Column { table: parent, from, to } | Self::EnumValue { of: parent, from, to } => {
                (Some(spoken(catalog, parent)), from.clone(), to.clone())
            }
        }
    }

    /// The options of the command line that answer: rename, or drop.
    pub fn options(&self, catalog: &Catalog) -> (String, String) {
        let (left, right) = self.sides(catalog);
        (format!("--rename {}", shell(&format!("{left}:{right}"))), format!("--delete {}", shell(&left)))
    }

    /// The option that renames in Prisma only, where that can be: not for what keeps its name or has none in Prisma.
    pub fn map_option(&self, catalog: &Catalog) -> Option<String> {
        let (left, right) = self.sides(catalog);
        self.can_be_mapped().then(|| format!("--map {}", shell(&format!("{left}:{right}"))))
    }

    /// Whether `@map` can keep the old name.
    pub(crate) fn can_be_mapped(&self) -> bool {
        match self {
            Self::Table { from, to, join } => !join && from.schema == to.schema,
            Self::Enum { from, to } => from.schema == to.schema,
            Self::Column { from, to, .. } | Self::EnumValue { from, to, .. } => from != to,
        }
    }

    fn sides(&self, catalog: &Catalog) -> (String, String) {
        match self {
            Self::Table { from, to, .. } => (object(catalog, from), object(catalog, to)),
            Self::Enum { from, to } => (format!("enum:{}", object(catalog, from)), object(catalog, to)),
            Self::Column { table, from, to } => (format!("{}.{}", object(catalog, table), part(from)), part(to)),
            Self::EnumValue { of, from, to } => (format!("value:{}.{}", object(catalog, of), part(from)), part(to)),
        }
    }

    /// Whether both end in the same object after the migration.
    pub fn same_result(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Table { to: a, .. }, Self::Table { to: b, .. })
            | (Self::Enum { to: a, .. }, Self::Enum { to: b, .. }) => a == b,
            (Self::Column { table: s, to: a, .. }, Self::Column { table: t, to: b, .. })
            | (Self::EnumValue { of: s, to: a, .. }, Self::EnumValue { of: t, to: b, .. }) => s == t && a == b,
            _ => false,
        }
    }

    /// Whether both talk about the same object before the migration.
    pub fn same_origin(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Table { from: a, .. }, Self::Table { from: b, .. })
            | (Self::Enum { from: a, .. }, Self::Enum { from: b, .. }) => a == b,
            (Self::Column { table: s, from: a, .. }, Self::Column { table: t, from: b, .. })
            | (Self::EnumValue { of: s, from: a, .. }, Self::EnumValue { of: t, from: b, .. }) => s == t && a == b,
            _ => false,
        }
    }
}

/// An argument as a shell reads it.
pub(crate) fn shell(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ':' | '/' | '@') || !c.is_ascii();
    if argument.chars().all(plain) { argument.to_owned() } else { format!("'{}'", argument.replace('\'', r"'\''")) }
}

/// What is done about a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Renamed, values kept.
    Rename,
    /// Really dropped, as the draft says.
    Delete,
    /// Renamed in Prisma only: the database keeps the old name, schema.prisma says so with `@map`.
    Map,
    /// Expand and contract: nothing is renamed here.
    Expand,
    /// Nobody has decided yet.
    Open,
}

/// A possible rename with what speaks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The rename.
    pub rename: Rename,
    /// The table or enum, as people write it.
    pub parent: Option<String>,
    /// The old name, as people write it.
    pub from: String,
    /// The new name, as people write it.
    pub to: String,
    /// How likely it is a rename, 0 to 1.
    pub score: f64,
    /// Being wrong is practically excluded: taken without a question.
    pub certain: bool,
    /// What is done about it.
    pub decision: Decision,
    /// A person decided it: by an option, or by an answer.
    pub by_person: bool,
    /// What speaks for it and against it, a line each.
    pub evidence: Vec<String>,
    /// Why its values would not survive: then it cannot be renamed in one step.
    pub(crate) lossy: Option<String>,
}

impl Candidate {
    /// A candidate, decided as far as its score decides: certain ones are renames, likely ones open, others dropped as the
    /// draft says unless the new object could hold what the old one holds.
    pub(crate) fn new(catalog: &Catalog, rename: Rename, score: f64, certain: bool, evidence: Vec<String>) -> Self {
        let (parent, from, to) = rename.spoken(catalog);
        let decision = if certain {
            Decision::Rename
        } else if score >= super::score::ASK {
            Decision::Open
        } else {
            Decision::Delete
        };
        Self {
            rename,
            parent,
            from,
            to,
            score: (score * 100.0).round() / 100.0,
            certain,
            decision,
            by_person: false,
            evidence,
            lossy: None,
        }
    }
}

impl Candidate {
    /// Takes certainty away, not the decision: it follows a table or an enum that is still to be decided about.
    pub(crate) fn doubt(&mut self) {
        self.certain = false;
        self.score = self.score.min(MOST);
    }
}

/// The most that what is not certain scores.
pub(crate) const MOST: f64 = 0.96;

impl Serialize for Candidate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Json<'a> {
            kind: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            table: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none", rename = "enum")]
            of: Option<&'a str>,
            from: &'a str,
            to: &'a str,
            score: f64,
            certain: bool,
            decision: Decision,
            evidence: &'a [String],
        }
        let value = matches!(self.rename, Rename::EnumValue { .. });
        let parent = self.parent.as_deref();
        Json {
            kind: self.rename.kind(),
            table: parent.filter(|_| !value),
            of: parent.filter(|_| value),
            from: &self.from,
            to: &self.to,
            score: self.score,
            certain: self.certain,
            decision: self.decision,
            evidence: &self.evidence,
        }
        .serialize(serializer)
    }
}
