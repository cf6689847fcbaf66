//! Names that phases give: objects of the database, directories of migrations.

use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan as _};

use super::plan::Plan;
use crate::project::Migration;
use crate::sql::{Name, quote_identifier};

/// What belongs to a plan in a database, quoted for SQL. They stand in the table's own schema, so that a copy of it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub function: String,
    pub sequence: String,
    pub trigger: String,
    /// The trigger's name as it is: it must sort behind the others of its table.
    pub bare_trigger: String,
    /// The function's name as it is.
    pub bare_function: String,
    /// The sequence's name as it is.
    pub bare_sequence: String,
}

impl Names {
    /// Those of a plan. A plan's name has at most 44 characters, so none is cut.
    pub fn of(plan: &Plan, default_schema: &str) -> Self {
        let schema = (plan.schema != default_schema).then(|| plan.schema.clone());
        let qualified = |name: &str| Name { schema: schema.clone(), name: name.to_owned() }.quoted();
        let name: String = plan.name.chars().take(40).collect();
        let (own, sequence) = (format!("phase_{name}"), format!("phase_{name}_seen"));
        Self {
            function: qualified(&own),
            sequence: qualified(&sequence),
            trigger: quote_identifier(&format!("zz_phase_{name}")),
            bare_trigger: format!("zz_phase_{name}"),
            bare_function: own,
            bare_sequence: sequence,
        }
    }
}

impl Names {
    /// The check that keeps an old column's promise, by the column's place in the plan.
    pub fn old_check(&self, at: usize) -> String {
        self.check("old", at)
    }

    /// The check of a new column, or of one that becomes required.
    pub fn new_check(&self, at: usize) -> String {
        self.check("new", at)
    }

    fn check(&self, of: &str, at: usize) -> String {
        let number = if at == 0 { String::new() } else { format!("_{}", at + 1) };
        quote_identifier(&format!("{}_{of}{number}", self.bare_function))
    }
}

/// The name of a new migration: now, but behind every one that is there.
pub fn after(migrations: &[Migration], already: &[String], what: &str, plan: &str) -> String {
    format!("{}_{what}_{plan}", stamp(migrations, already))
}

/// The time that the name of a new migration begins with: now, but behind every one that is there.
pub fn stamp(migrations: &[Migration], already: &[String]) -> String {
    const STAMP: &str = "%Y%m%d%H%M%S";
    let newest =
        migrations.iter().map(|migration| migration.name.as_str()).chain(already.iter().map(String::as_str)).max();
    let next = newest
        .and_then(|name| DateTime::strptime(STAMP, name.get(..14)?).ok()?.checked_add(1.second()).ok())
        .map(|time| time.strftime(STAMP).to_string());
    let now = Timestamp::now().strftime(STAMP).to_string();
    next.map_or(now.clone(), |next| next.max(now))
}
