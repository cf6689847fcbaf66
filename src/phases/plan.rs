//! A plan: one change in phases, as a file that people read, `prisma/phases/NAME.toml`. It holds what the phases need and the
//! contract's SQL until its turn; where it stands is not in it but in each database's own history.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::migrations::{Contract, Steps};
use super::{earlier, written};
use crate::error::{Explain as _, Result};
use crate::sql::{Name, ObjectName, quote_identifier};

/// What becomes of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Rename,
    Retype,
    Split,
    Merge,
    Require,
    Drop,
    Table,
}

impl Kind {
    /// Whether new columns take the place of the old ones.
    pub fn replaces(self) -> bool {
        !matches!(self, Self::Require | Self::Drop | Self::Table)
    }

    /// Whether rows are filled between expand and contract.
    pub fn fills(self) -> bool {
        !matches!(self, Self::Drop | Self::Table)
    }

    /// Whether a person gives the expressions, between columns that are different things: they may lose more than is meant.
    pub fn regroups(self) -> bool {
        matches!(self, Self::Split | Self::Merge)
    }
}

/// A plan: old columns, and the new ones that take their place. Each says what it holds where the other release wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Plan {
    /// The file's name without its end.
    #[serde(skip)]
    pub name: String,
    pub kind: Kind,
    /// Its name in Prisma.
    #[serde(deserialize_with = "written::name")]
    pub model: String,
    #[serde(deserialize_with = "written::name")]
    pub schema: String,
    #[serde(deserialize_with = "written::name")]
    pub table: String,
    /// What the column holds in rows of the release that leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// An expression may fail, or give nothing: what is there already is then left to the backfill.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_fail: bool,
    /// A person has said that the new columns need not give every old value back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lossy: bool,
    /// What the table becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed: Option<Renamed>,
    /// The columns as they are now.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "written::one_or_more")]
    pub old: Vec<Side>,
    /// The columns that take their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "written::one_or_more")]
    pub new: Vec<Side>,
    pub migrations: Steps,
    pub contract: Contract,
    // how plans of one column were written before each side said it: `earlier` reads them
    #[serde(default, skip_serializing)]
    pub(super) required: Option<bool>,
    #[serde(default, skip_serializing)]
    pub(super) becomes: Option<String>,
    #[serde(default, skip_serializing)]
    pub(super) values: Option<earlier::Values>,
    #[serde(default, skip_serializing)]
    pub(super) before: Option<earlier::Before>,
}

/// A table's new names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Renamed {
    /// In Prisma; it may be the one from before.
    #[serde(deserialize_with = "written::name")]
    pub model: String,
    #[serde(deserialize_with = "written::name")]
    pub table: String,
    /// Why subscribers of a publication can take its rows under the new name, where a person has accepted that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribers: Option<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Side {
    /// The field's name in Prisma.
    #[serde(deserialize_with = "written::name")]
    pub field: String,
    #[serde(deserialize_with = "written::name")]
    pub column: String,
    /// As SQL writes it.
    #[serde(rename = "type", deserialize_with = "written::expression_of_type")]
    pub data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::some_expression")]
    pub default: Option<String>,
    /// Whether it is required while it is the one that counts.
    #[serde(default)]
    pub required: bool,
    /// What it holds where the other release wrote, as SQL about a row of the table; for `require`, what fills it where it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::some_expression")]
    pub value: Option<String>,
    /// Its type in Prisma's words, with native attributes, where it is not the old one's: `Decimal @db.Decimal(10, 2)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becomes: Option<String>,
    /// Its line of schema.prisma before the plan, for `phases abort`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

impl Side {
    /// Quoted for SQL.
    pub fn quoted(&self) -> String {
        quote_identifier(&self.column)
    }
}

impl Plan {
    /// A plan without columns.
    pub(super) fn new(kind: Kind, name: String, model: String, table: &ObjectName) -> Self {
        Self {
            name,
            kind,
            model,
            schema: table.schema.clone(),
            table: table.name.clone(),
            left_out: None,
            may_fail: false,
            lossy: false,
            renamed: None,
            old: Vec::new(),
            new: Vec::new(),
            migrations: Steps::default(),
            contract: Contract::default(),
            required: None,
            becomes: None,
            values: None,
            before: None,
        }
    }

    /// Reads a plan's text.
    ///
    /// # Errors
    /// What is wrong in it, with its line and a caret.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, String> {
        let plan: Self = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        let plan = Self { name: name.to_owned(), ..plan }.folded();
        match plan.contradiction() {
            Some((key, why)) => Err(written::shown(text, written::place(text, key), why)),
            None => Ok(plan),
        }
    }

    /// A key of the file, and why its value cannot stand beside the others.
    fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        let counts = (self.old.len(), self.new.len());
        let fits = match self.kind {
            Kind::Rename | Kind::Retype => counts == (1, 1),
            Kind::Split => counts.0 == 1 && counts.1 > 1,
            Kind::Merge => counts.0 > 1 && counts.1 == 1,
            Kind::Require | Kind::Drop => counts == (1, 0),
            Kind::Table => counts == (0, 0),
        };
        if !fits {
            return Some((
                "kind",
                "a rename and a retype have one [[old]] and one [[new]], a split several [[new]], a merge several [[old]], a \
                 table neither, the others no [[new]]",
            ));
        }
        if (self.kind == Kind::Table) != self.renamed.as_ref().is_some_and(|renamed| renamed.table != self.table) {
            return Some(("kind", "a table's plan, and no other, says in [renamed] which other name the table gets"));
        }
        if self.kind.replaces() && self.sides().any(|side| side.value.is_none()) {
            return Some(("kind", "each column needs its `value` where the other release wrote"));
        }
        if self.old.iter().any(|old| old.before.is_none()) {
            return Some(("kind", "each [[old]] needs the line that schema.prisma had `before`"));
        }
        if self.kind == Kind::Require && !self.old.iter().all(|old| old.required && old.value.is_some()) {
            return Some(("kind", "a require needs `required = true`, and the `value` of empty rows"));
        }
        let becomes = self.new.iter().any(|new| new.becomes.is_none());
        if self.kind == Kind::Retype && becomes || self.old.iter().any(|old| old.becomes.is_some()) {
            return Some(("kind", "a retype says what its new field `becomes`, and no old column does"));
        }
        if self.left_out.is_some() && self.kind != Kind::Drop {
            return Some(("left-out", "only a dropped column is left out"));
        }
        let mut names = (BTreeSet::new(), BTreeSet::new());
        if !self.sides().all(|side| names.0.insert(&side.column) && names.1.insert(&side.field)) {
            return Some(("column", "the columns and their fields need names of their own"));
        }
        if self.migrations.contract.is_some() && self.migrations.abort.is_some() {
            return Some(("abort", "a plan is either contracted or aborted"));
        }
        None
    }

    /// The plan's text.
    ///
    /// # Errors
    /// If it cannot be written as TOML.
    pub fn text(&self) -> Result<String> {
        let values = toml::to_string_pretty(self).explain(|| "could not write the plan".into())?;
        Ok(format!(
            "# {}. Written by prisma-safe; commit it with the migrations. `prisma-safe phases` shows where it stands,\n\
             # `prisma-safe phases next` makes the next migration, `prisma-safe phases abort` goes back to the start.\n\n{values}",
            self.title()
        ))
    }

    /// The table's name in the database.
    pub fn object(&self) -> ObjectName {
        ObjectName { schema: self.schema.clone(), name: self.table.clone() }
    }

    /// The table as SQL names it where `default_schema` goes without saying.
    pub fn quoted_table(&self, default_schema: &str) -> String {
        let schema = (self.schema != default_schema).then(|| self.schema.clone());
        Name { schema, name: self.table.clone() }.quoted()
    }

    /// The columns that the backfill fills; none where nothing is filled.
    pub fn targets(&self) -> &[Side] {
        match self.kind {
            Kind::Require => &self.old,
            _ => &self.new,
        }
    }

    /// Whether every old value must come back from the new columns before the old ones go.
    pub fn keeps_all(&self) -> bool {
        self.kind.regroups() && !self.lossy
    }

    /// Whether later phases are still to come.
    pub fn is_open(&self) -> bool {
        self.migrations.contract.is_none() && self.migrations.abort.is_none()
    }

    /// Every column that it is about.
    pub fn sides(&self) -> impl Iterator<Item = &Side> {
        self.old.iter().chain(&self.new)
    }

    /// Whether both are about one column, or one of them is about the other's table.
    pub fn meets(&self, other: &Self) -> bool {
        if self.kind == Kind::Table || other.kind == Kind::Table {
            return self.tables().any(|own| other.tables().any(|theirs| own == theirs));
        }
        self.object() == other.object()
            && self.sides().any(|own| other.sides().any(|theirs| own.column == theirs.column))
    }

    /// The table's names.
    fn tables(&self) -> impl Iterator<Item = ObjectName> {
        let new = self.renamed.as_ref().map(|new| ObjectName { schema: self.schema.clone(), name: new.table.clone() });
        std::iter::once(self.object()).chain(new)
    }
}

/// Bytes of a key in a text.
pub(super) type Place = Range<usize>;
