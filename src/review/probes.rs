//! Questions to the target, each in a read-only transaction with its own time limit, asked once and remembered.
//!
//! The limits are set inside each transaction, so that they also hold behind a pooler. Counts leave the server, values
//! never do.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use postgres::error::SqlState;
use postgres::types::ToSql;
use postgres::{Client, IsolationLevel};

use crate::catalog::ObjectName;
use crate::error::{Explain as _, Result};
use crate::rules::retype::{self, Loss};
use crate::rules::tokens::calls;
use crate::rules::{Live, Lost, Unchecked};
use crate::sql::{DataType, Expr, quote_identifier, quote_literal};

/// Rows are counted exactly up to here; beyond, the statistics' estimate is good enough.
const EXACT_ROWS: u64 = 200_000;

/// As many groups of duplicates are counted.
const MOST_GROUPS: u64 = 1_000;

/// No question waits longer than this for a lock, in milliseconds: whoever alters the table comes first.
const LOCK_MILLISECONDS: u64 = 1_000;

/// After so many questions without an answer in time the target is left in peace.
const MOST_TIMEOUTS: u32 = 5;

/// The target, asked through one session.
pub struct Probes<'a> {
    client: RefCell<&'a mut Client>,
    version: u32,
    timeout: Duration,
    answers: RefCell<HashMap<String, Answer>>,
    timeouts: Cell<u32>,
    unchecked: RefCell<Vec<Unchecked>>,
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Number(i64),
    /// The server says that a value does not fit (class 22): there is one.
    Refused,
    /// No such table.
    Absent,
    Unknown,
}

impl std::fmt::Debug for Probes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probes").field("version", &self.version).finish_non_exhaustive()
    }
}

impl<'a> Probes<'a> {
    /// Begins to ask; each question may take `timeout`.
    ///
    /// # Errors
    /// Exit status 1 when the server does not tell its version.
    pub fn new(client: &'a mut Client, timeout: Duration) -> Result<Self> {
        let row = client
            .query_one("SELECT current_setting('server_version_num')::int", &[])
            .explain(|| "the target does not tell its version".into())?;
        let version: i32 = row.try_get(0).explain(|| "the target's version is not understood".into())?;
        Ok(Self {
            client: RefCell::new(client),
            version: u32::try_from(version).unwrap_or(0),
            timeout,
            answers: RefCell::default(),
            timeouts: Cell::new(0),
            unchecked: RefCell::default(),
        })
    }

    /// A number, once asked. `what` says in a report what is unknown without it.
    fn ask(&self, what: &str, query: &str, values: &[String]) -> Answer {
        let key = format!("{query}\n{values:?}");
        if let Some(known) = self.answers.borrow().get(&key) {
            return *known;
        }
        let answer = if self.timeouts.get() < MOST_TIMEOUTS {
            self.run(query, values)
        } else {
            Err("the target did not answer earlier questions in time".into())
        };
        let answer = answer.unwrap_or_else(|why| {
            self.unchecked.borrow_mut().push(Unchecked { what: what.to_owned(), why });
            Answer::Unknown
        });
        self.answers.borrow_mut().insert(key, answer);
        answer
    }

    fn run(&self, query: &str, values: &[String]) -> std::result::Result<Answer, String> {
        let mut client = self.client.borrow_mut();
        let outcome = (|| {
            let mut transaction =
                client.build_transaction().read_only(true).isolation_level(IsolationLevel::ReadCommitted).start()?;
            // row_security = off: a policy that hides rows is an error then, and not a wrong count
            transaction.batch_execute(&format!(
                "SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {LOCK_MILLISECONDS}; SET LOCAL row_security = off",
                self.timeout.as_millis()
            ))?;
            let parameters: Vec<&(dyn ToSql + Sync)> = if values.is_empty() { Vec::new() } else { vec![&values] };
            let row = transaction.query_one(query, &parameters)?;
            row.try_get::<_, Option<i64>>(0)
        })();
        match outcome {
            Ok(number) => Ok(number.map_or(Answer::Absent, Answer::Number)),
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &postgres::Error) -> std::result::Result<Answer, String> {
        let Some(database) = error.as_db_error() else { return Err(error.to_string()) };
        let code = database.code();
        if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::INVALID_SCHEMA_NAME {
            return Ok(Answer::Absent);
        }
        if code.code().starts_with("22") {
            return Ok(Answer::Refused);
        }
        if *code == SqlState::QUERY_CANCELED || *code == SqlState::LOCK_NOT_AVAILABLE {
            self.timeouts.set(self.timeouts.get() + 1);
            return Err(format!("no answer within {} s", self.timeout.as_secs_f64()));
        }
        Err(database.message().to_owned())
    }

    fn count(&self, what: &str, query: &str, values: &[String]) -> Option<u64> {
        match self.ask(what, query, values) {
            Answer::Number(number) => u64::try_from(number).ok(),
            Answer::Refused | Answer::Absent | Answer::Unknown => None,
        }
    }

    fn count_where(&self, what: &str, table: &ObjectName, condition: &str, values: &[String]) -> Option<u64> {
        self.count(what, &format!("SELECT count(*) FROM {} WHERE {condition}", quoted(table)), values)
    }
}

impl Live for Probes<'_> {
    fn server_version(&self) -> u32 {
        self.version
    }

    fn rows(&self, table: &ObjectName) -> Option<u64> {
        let what = format!("rows of {}", table.name);
        let exact = format!("SELECT count(*) FROM (SELECT FROM {} LIMIT {EXACT_ROWS}) AS bounded", quoted(table));
        let exact = self.count(&what, &exact, &[])?;
        if exact < EXACT_ROWS {
            return Some(exact);
        }
        // partitions hold the rows of a partitioned table
        let estimate = format!(
            "SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class \
             WHERE oid = {0}::regclass OR oid IN (SELECT relid FROM pg_partition_tree({0}::regclass) WHERE isleaf)",
            quote_literal(&quoted(table))
        );
        Some(self.count(&what, &estimate, &[]).unwrap_or(exact).max(exact))
    }

    fn non_null(&self, table: &ObjectName, column: &str) -> Option<u64> {
        let what = format!("values in {}.{column}", table.name);
        self.count_where(&what, table, &format!("{} IS NOT NULL", quote_identifier(column)), &[])
    }

    fn nulls(&self, table: &ObjectName, column: &str) -> Option<u64> {
        let what = format!("NULLs in {}.{column}", table.name);
        self.count_where(&what, table, &format!("{} IS NULL", quote_identifier(column)), &[])
    }

    fn duplicates(
        &self,
        table: &ObjectName,
        columns: &[String],
        predicate: Option<&Expr>,
        nulls_equal: bool,
    ) -> Option<u64> {
        let what = format!("duplicates in {} ({})", table.name, columns.join(", "));
        // a predicate comes from the migration: one that calls functions is not run
        if predicate.is_some_and(|predicate| !calls(&predicate.text).is_empty()) {
            self.unchecked.borrow_mut().push(Unchecked { what, why: "the index's condition calls a function".into() });
            return None;
        }
        let columns: Vec<String> = columns.iter().map(|column| quote_identifier(column)).collect();
        let mut conditions: Vec<String> = predicate.iter().map(|predicate| format!("({})", predicate.text)).collect();
        if !nulls_equal {
            conditions.extend(columns.iter().map(|column| format!("{column} IS NOT NULL")));
        }
        conditions.push("true".into());
        let query = format!(
            "SELECT count(*) FROM (SELECT FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1 LIMIT {MOST_GROUPS}) AS groups",
            quoted(table),
            conditions.join(" AND "),
            columns.join(", "),
        );
        self.count(&what, &query, &[])
    }

    fn orphans(
        &self,
        table: &ObjectName,
        columns: &[String],
        parent: &ObjectName,
        referenced: &[String],
    ) -> Option<u64> {
        if columns.len() != referenced.len() {
            return None;
        }
        let what = format!("rows of {} without a partner in {}", table.name, parent.name);
        let set: Vec<String> = columns.iter().map(|it| format!("child.{} IS NOT NULL", quote_identifier(it))).collect();
        let equal: Vec<String> = columns
            .iter()
            .zip(referenced)
            .map(|(column, key)| format!("parent.{} = child.{}", quote_identifier(key), quote_identifier(column)))
            .collect();
        let query = format!(
            "SELECT count(*) FROM {} AS child WHERE {} AND NOT EXISTS (SELECT FROM {} AS parent WHERE {})",
            quoted(table),
            set.join(" AND "),
            quoted(parent),
            equal.join(" AND "),
        );
        self.count(&what, &query, &[])
    }

    fn holding(&self, table: &ObjectName, column: &str, values: &[String], array: bool) -> Option<u64> {
        let what = format!("rows of {}.{column} that hold {}", table.name, values.join(", "));
        let column = quote_identifier(column);
        let condition = if array {
            format!("{column}::text[] && $1::text[]")
        } else {
            format!("{column}::text = ANY ($1::text[])")
        };
        self.count_where(&what, table, &condition, values)
    }

    fn lost(&self, table: &ObjectName, column: &str, loss: &Loss) -> Option<Lost> {
        if !retype::built_in(&loss.from) || !retype::built_in(&loss.to) {
            return None;
        }
        let what = format!("values of {}.{column} that do not fit {}", table.name, loss.to);
        let column = quote_identifier(column);
        let condition = match limits(&loss.to) {
            Some((least, most)) if retype::is_number(&loss.from) => {
                format!(
                    "round({column}::numeric) NOT BETWEEN {least} AND {most} OR round({column}::numeric) <> {column}"
                )
            }
            // there and back again: what does not come back was cut or rounded, and what cannot go is refused
            _ => format!("({column}::{}::{})::text IS DISTINCT FROM {column}::text", loss.to, loss.from),
        };
        let query = format!("SELECT count(*) FROM {} WHERE {column} IS NOT NULL AND ({condition})", quoted(table));
        match self.ask(&what, &query, &[]) {
            Answer::Number(number) => u64::try_from(number).ok().map(Lost::Rows),
            Answer::Refused => Some(Lost::Some),
            Answer::Absent | Answer::Unknown => None,
        }
    }

    fn bytes(&self, table: &ObjectName) -> Option<u64> {
        // partitions hold what a partitioned table holds
        let query = format!(
            "SELECT sum(pg_table_size(relid))::bigint FROM (SELECT {0}::regclass AS relid \
             UNION SELECT relid FROM pg_partition_tree({0}::regclass)) AS parts",
            quote_literal(&quoted(table))
        );
        self.count(&format!("the size of {}", table.name), &query, &[])
    }

    fn invalid_index(&self, index: &ObjectName) -> Option<bool> {
        let query = "SELECT count(*) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid \
                     WHERE NOT indisvalid AND relnamespace = ($1::text[])[1]::regnamespace AND relname = ($1::text[])[2]";
        let values = [quote_identifier(&index.schema), index.name.clone()];
        self.count(&format!("whether index {} is valid", index.name), query, &values).map(|count| count > 0)
    }

    fn partitioned(&self, table: &ObjectName) -> Option<bool> {
        let query = format!(
            "SELECT (relkind = 'p')::int::bigint FROM pg_class WHERE oid = {}::regclass",
            quote_literal(&quoted(table))
        );
        self.count(&format!("whether {} is partitioned", table.name), &query, &[]).map(|count| count > 0)
    }

    fn utc(&self) -> Option<bool> {
        let query = "SELECT (utc_offset = interval '0' AND NOT is_dst)::int::bigint FROM pg_timezone_names \
                     WHERE name = current_setting('TimeZone')";
        match self.ask("the session's time zone", query, &[]) {
            Answer::Number(number) => Some(number == 1),
            _ => None,
        }
    }

    fn unchecked(&self) -> Vec<Unchecked> {
        self.unchecked.borrow().clone()
    }
}

fn quoted(table: &ObjectName) -> String {
    format!("{}.{}", quote_identifier(&table.schema), quote_identifier(&table.name))
}

/// The least and the greatest value of a whole number's type.
fn limits(data_type: &DataType) -> Option<(i64, i64)> {
    match data_type.name.as_str() {
        "smallint" => Some((i64::from(i16::MIN), i64::from(i16::MAX))),
        "integer" => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
        "bigint" => Some((i64::MIN, i64::MAX)),
        _ => None,
    }
}
