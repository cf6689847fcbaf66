//! A target's definitions as a file: what a review asks of a database, for those who cannot reach it. It holds definitions,
//! estimates of sizes, and the names of what depends on what; no value of any row, and nothing that says how to connect.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalog::object;
use super::{Beside, Definition, Kind, Live};
use crate::catalog::{Catalog, ObjectName};
use crate::database::dependents::Dependent;
use crate::database::victims::{self, Dropped};
use crate::error::{Error, Result};
use crate::sql::quote_identifier;

/// The only version there is.
const SCHEMA_VERSION: u64 = 1;

/// What `prisma-safe catalog` writes; `schemas/catalog.schema.json` describes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogFile {
    pub(super) schema_version: u64,
    /// When it was read.
    pub taken_at: Timestamp,
    /// `server_version_num`.
    pub server_version_number: u32,
    /// The schema that unqualified names mean.
    pub default_schema: String,
    /// Whether the time zone of the session was UTC.
    pub utc: bool,
    /// What Prisma's history calls applied, by name.
    pub applied_migrations: BTreeSet<String>,
    /// By the quoted name.
    pub(super) tables: BTreeMap<String, Size>,
    /// By kind and by name as SQL writes it.
    pub(super) objects: BTreeMap<Kind, BTreeMap<String, Definition>>,
    /// The columns' names, each table's in the order they stand in.
    pub(super) columns: Vec<String>,
    /// Relations that are there and were not read: an extension's, Prisma's history, our own.
    pub(super) unread: BTreeSet<String>,
    /// Columns that a table has from those that it inherits from, and not by itself.
    #[serde(default)]
    pub(super) inherited: BTreeSet<String>,
    /// Functions of extensions that only compute or read.
    #[serde(default)]
    pub(super) harmless_functions: BTreeSet<String>,
    /// Casts and operators with functions of the database's own.
    #[serde(default)]
    pub(super) operators: BTreeSet<String>,
    /// Where a session of the role that read looks for bare names, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) search_path: Option<Vec<String>>,
    /// What mentions a table or a column, by the quoted name; nothing mentions those that are not here.
    pub(super) dependents: BTreeMap<String, Vec<Dependent>>,
    /// What CASCADE takes along, by what is dropped.
    pub(super) cascades: BTreeMap<String, Vec<String>>,
}

/// How large a table was.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Size {
    /// By the server's statistics, else by the table's size; none where neither tells.
    pub(super) rows: Option<u64>,
    /// Without indexes and values out of line.
    pub(super) bytes: u64,
}

impl CatalogFile {
    /// Reads a file that `prisma-safe catalog` wrote.
    ///
    /// # Errors
    /// Exit status 2 for whatever is no such file.
    pub fn load(path: &Path) -> Result<Self> {
        let name = path.display();
        let help = "`prisma-safe catalog --output FILE` writes one where the database can be reached";
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::usage(format!("could not read the catalog file {name}")).because(error).help(help)
        })?;
        let broken = |error: serde_json::Error| {
            Error::usage(format!("{name} is not a catalog file, or not all of one")).because(error).help(help)
        };
        let value: Value = serde_json::from_str(&text).map_err(broken)?;
        match value.get("schemaVersion") {
            Some(version) if *version != SCHEMA_VERSION => Err(Error::usage(format!(
                "{name} has schemaVersion {version}, and this prisma-safe reads {SCHEMA_VERSION}"
            ))
            .help("read it with the prisma-safe that wrote it, or write it again with this one")),
            _ => serde_json::from_value(value).map_err(broken),
        }
    }

    /// What it holds, in a few words.
    pub fn summary(&self) -> String {
        let count = |kind| self.objects.get(&kind).map_or(0, BTreeMap::len);
        let views = count(Kind::View) + count(Kind::MaterializedView);
        let applied = self.applied_migrations.len();
        format!("tables: {}, views: {views}, applied migrations: {applied}; no value of any row", count(Kind::Table))
    }

    /// The definitions as they were read.
    pub fn definitions(&self) -> Live {
        let beside = Beside {
            columns: self.columns.clone(),
            unread: self.unread.clone(),
            inherited: self.inherited.clone(),
            harmless: self.harmless_functions.clone(),
            operators: self.operators.clone(),
            path: self.search_path.clone(),
            ..Beside::default()
        };
        Live { objects: self.objects.clone(), beside, ..Live::default() }
    }

    /// As the target was: what it did not have is absent.
    pub fn catalog(&self) -> Catalog {
        Catalog::of_target(&self.default_schema, &self.definitions())
    }

    /// The estimated number of rows.
    pub fn rows(&self, table: &ObjectName) -> Option<u64> {
        self.tables.get(&table.quoted())?.rows
    }

    /// The size without indexes.
    pub fn bytes(&self, table: &ObjectName) -> Option<u64> {
        self.tables.get(&table.quoted()).map(|size| size.bytes)
    }

    /// One object's definition.
    pub fn find(&self, kind: Kind, name: &ObjectName) -> Option<&Definition> {
        let found = |(written, _): &(&String, &Definition)| object(written).as_ref() == Some(name);
        self.objects.get(&kind)?.iter().find(found).map(|(_, definition)| definition)
    }

    /// What mentions a table or its column; none if the table was not read.
    pub fn dependents(&self, table: &ObjectName, column: Option<&str>) -> Option<Vec<Dependent>> {
        self.tables.get(&table.quoted())?;
        Some(self.dependents.get(&mentioned(table, column)).cloned().unwrap_or_default())
    }

    /// What CASCADE takes along; none if that was not asked.
    pub fn cascade(&self, dropped: &Dropped) -> Option<Vec<String>> {
        let Dropped::Function(written) = dropped else { return self.cascades.get(&cascading(dropped)).cloned() };
        // types have several names; where only one function has this name, it needs none
        let name = |signature: &str| signature.split('(').next().unwrap_or_default().to_owned();
        let wanted = cascading(&Dropped::Function(name(written)));
        let mut of_name = self.cascades.iter().filter(|(signature, _)| name(signature) == wanted);
        let only = of_name.next().filter(|_| of_name.next().is_none())?;
        Some(only.1.clone())
    }
}

/// A table's or column's key.
pub(super) fn mentioned(table: &ObjectName, column: Option<&str>) -> String {
    match column {
        Some(column) => format!("{}.{}", table.quoted(), quote_identifier(column)),
        None => table.quoted(),
    }
}

/// The key of what is dropped.
pub(super) fn cascading(dropped: &Dropped) -> String {
    victims::parameters(dropped).join(" ")
}
