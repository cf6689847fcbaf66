//! A plan: one change of one column in phases, as a file that people read, `prisma/phases/NAME.toml`. It holds what the phases
//! need and the contract's SQL until its turn; where it stands is not in it but in each database's own history.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::written;
use crate::error::{Error, Explain as _, Result};
use crate::sql::{Name, ObjectName, quote_identifier};

/// What becomes of the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Rename,
    Retype,
    Require,
    Drop,
}

impl Kind {
    /// As commands and files write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rename => "rename",
            Self::Retype => "retype",
            Self::Require => "require",
            Self::Drop => "drop",
        }
    }
}

/// A plan.
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
    /// Whether the column is required: before it for `rename` and `retype`, after it for `require`.
    pub required: bool,
    /// The new type in Prisma's words, with native attributes: `Decimal @db.Decimal(10, 2)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becomes: Option<String>,
    /// What the column holds in rows of the release that leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// The column as it is now.
    pub old: Side,
    /// The column that takes its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Side>,
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub values: Values,
    pub migrations: Steps,
    /// What schema.prisma said before, for `phases abort`.
    pub before: Before,
    pub contract: Contract,
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
}

/// How values go over, as SQL about a row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Values {
    /// What the new column holds; for `require`, what fills an empty one.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::some_expression")]
    pub forward: Option<String>,
    /// What the old column holds where the new release wrote.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::some_expression")]
    pub back: Option<String>,
    /// An expression may fail, or give nothing: what is there already is then left to the backfill.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub may_fail: bool,
}

impl Values {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The migrations that are written so far, by their directories' names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Steps {
    #[serde(deserialize_with = "written::migration")]
    pub expand: String,
    /// Indexes of the new column, each alone since it is built while everyone writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "written::migrations")]
    pub indexes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::some_migration")]
    pub backfill: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::some_migration")]
    pub contract: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::some_migration")]
    pub abort: Option<String>,
}

impl Steps {
    /// Every migration that is written so far.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        let first = std::iter::once(&self.expand).chain(&self.indexes);
        first.chain(&self.backfill).chain(&self.contract).chain(&self.abort)
    }
}

/// Lines of schema.prisma as they were.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Before {
    pub field: String,
}

/// The last migration, until it is written into the migrations folder.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Contract {
    #[serde(deserialize_with = "written::script")]
    pub sql: String,
}

impl Plan {
    /// Reads a plan's text.
    ///
    /// # Errors
    /// What is wrong in it, with its line and a caret.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, String> {
        let plan: Self = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        let plan = Self { name: name.to_owned(), ..plan };
        match plan.contradiction() {
            Some((key, why)) => Err(written::shown(text, written::place(text, key), why)),
            None => Ok(plan),
        }
    }

    /// A key of the file, and why its value cannot stand beside the others.
    fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        let replaces = matches!(self.kind, Kind::Rename | Kind::Retype);
        let Values { forward, back, .. } = &self.values;
        if replaces != self.new.is_some() {
            return Some(("kind", "a rename and a retype have a table [new], the others have none"));
        }
        if replaces && (forward.is_none() || back.is_none()) {
            return Some(("kind", "a rename and a retype need `forward` and `back` in [values]"));
        }
        if self.kind == Kind::Require && (forward.is_none() || back.is_some() || !self.required) {
            return Some(("kind", "a require needs `required = true`, and `forward` alone in [values]"));
        }
        if self.becomes.is_some() != (self.kind == Kind::Retype) {
            return Some(("kind", "a retype, and nothing else, says what the field `becomes`"));
        }
        if self.left_out.is_some() && self.kind != Kind::Drop {
            return Some(("left-out", "only a dropped column is left out"));
        }
        if self.new.as_ref().is_some_and(|new| new.column == self.old.column || new.field == self.old.field) {
            return Some(("column", "the new column and its field need names of their own"));
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

    /// What is done, as a heading: `Song.artist becomes artist_name`.
    pub fn title(&self) -> String {
        let old = format!("{}.{}", self.model, self.old.column);
        match (self.kind, &self.new) {
            (Kind::Rename, Some(new)) => format!("{old} becomes {}", new.column),
            (Kind::Retype, Some(new)) => format!("{old} becomes {} in {}", new.data_type, new.column),
            (Kind::Require, _) => format!("{old} becomes required"),
            (Kind::Drop | Kind::Rename | Kind::Retype, _) => format!("{old} is dropped"),
        }
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

    /// The column that the backfill fills; none where nothing is filled.
    pub fn target(&self) -> Option<&Side> {
        match self.kind {
            Kind::Rename | Kind::Retype => self.new.as_ref(),
            Kind::Require => Some(&self.old),
            Kind::Drop => None,
        }
    }

    /// Whether later phases are still to come.
    pub fn is_open(&self) -> bool {
        self.migrations.contract.is_none() && self.migrations.abort.is_none()
    }

    /// The columns that it is about.
    fn columns(&self) -> impl Iterator<Item = &str> {
        [Some(&self.old), self.new.as_ref()].into_iter().flatten().map(|side| side.column.as_str())
    }

    /// Whether both are about one column.
    pub fn meets(&self, other: &Self) -> bool {
        self.object() == other.object() && self.columns().any(|own| other.columns().any(|theirs| own == theirs))
    }
}

/// Bytes of a key in a text.
pub(super) type Place = Range<usize>;

impl Plan {
    /// Settles how the default casts of a retype go, now that Prisma has named the type: what becomes text, or a larger number,
    /// cannot fail; a time zone is UTC, as Prisma writes it.
    ///
    /// # Errors
    /// Exit status 2 for a cast between time and text: it would follow each session's settings.
    pub fn settle_casts(&mut self) -> Result<()> {
        let Some(new) = self.new.as_ref().filter(|_| self.kind == Kind::Retype) else { return Ok(()) };
        let plain = self.values.forward.as_deref() == Some(quote_identifier(&self.old.column).as_str());
        let rank =
            |data_type: &str| ["SMALLINT", "INTEGER", "BIGINT", "DECIMAL"].iter().position(|known| *known == data_type);
        let wider = matches!((rank(&self.old.data_type), rank(&new.data_type)), (Some(old), Some(new)) if old <= new);
        let text = new.data_type == "TEXT";
        self.values.may_fail = !(plain && (wider || text));
        let timed = |side: &Side| ["TIME", "DATE"].iter().any(|word| side.data_type.starts_with(word));
        let zoned = |side: &Side| side.data_type.contains("TZ");
        if plain && timed(&self.old) != timed(new) {
            return Err(Error::usage(format!(
                "a cast from {} to {} follows the settings of each session",
                self.old.data_type, new.data_type
            ))
            .help("say how with --using and --back: to_char, to_timestamp, …"));
        }
        if plain && timed(new) && zoned(&self.old) != zoned(new) {
            let in_utc = |column: &str| format!("{} AT TIME ZONE 'UTC'", quote_identifier(column));
            let (forward, back) = (in_utc(&self.old.column), in_utc(&new.column));
            (self.values.forward, self.values.back) = (Some(forward), Some(back));
        }
        Ok(())
    }
}
