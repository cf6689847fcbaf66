//! What the rules ask of the target.

use super::{Answer, EXACT_ROWS, Probes};
use crate::catalog::ObjectName;
use crate::database::SESSION_IN_UTC;
use crate::database::dependents::{self, Dependent};
use crate::database::victims::{self, Dropped};
use crate::effects::retype::{self, Loss};
use crate::rules::{Live, Lost, Unchecked, Which};
use crate::sql::quote_literal;

impl Live for Probes<'_> {
    fn server_version(&self) -> u32 {
        self.version
    }

    fn rows(&self, table: &ObjectName) -> Option<u64> {
        let what = format!("rows of {}", table.name);
        let exact = format!("SELECT count(*) FROM (SELECT FROM {} LIMIT {EXACT_ROWS}) AS bounded", table.quoted());
        let exact = self.number(&what, &exact, &[])?;
        if exact < EXACT_ROWS {
            return Some(exact);
        }
        // partitions hold the rows of a partitioned table
        let estimate = format!(
            "SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class \
             WHERE oid = {0}::regclass OR oid IN (SELECT relid FROM pg_partition_tree({0}::regclass) WHERE isleaf)",
            quote_literal(&table.quoted())
        );
        Some(self.number(&what, &estimate, &[]).unwrap_or(exact).max(exact))
    }

    fn bytes(&self, table: &ObjectName) -> Option<u64> {
        let query = format!(
            "SELECT coalesce((SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree({0}::regclass)), \
             pg_relation_size({0}::regclass))::bigint",
            quote_literal(&table.quoted())
        );
        self.number(&format!("the size of {}", table.name), &query, &[])
    }

    fn count(&self, table: &ObjectName, which: &Which<'_>) -> Option<u64> {
        let question = self.question(table, which)?;
        self.number(&question.what, &question.count(&table.quoted()), &question.values)
    }

    fn keys(&self, table: &ObjectName, which: &Which<'_>) -> Option<String> {
        if self.sample == 0 {
            return None;
        }
        let question = self.question(table, which)?;
        let key = self.primary_key(table)?;
        let mut keys = self.texts(&question.keys(&table.quoted(), &key, self.sample + 1), &question.values)?;
        if keys.len() > self.sample {
            keys.truncate(self.sample);
            keys.push("…".into());
        }
        Some(format!("{} {}", key.join(", "), keys.join(if key.len() > 1 { "; " } else { ", " })))
    }

    fn lost(&self, table: &ObjectName, column: &str, loss: &Loss) -> Option<Lost> {
        if !retype::built_in(&loss.from) || !retype::built_in(&loss.to) {
            return None;
        }
        let question = self.question(table, &Which::Unfit { column, loss })?;
        match self.ask(&question.what, &question.count(&table.quoted()), &question.values) {
            Answer::Number(number) => u64::try_from(number).ok().map(Lost::Rows),
            Answer::Refused => Some(Lost::Some),
            Answer::Absent | Answer::Unknown => None,
        }
    }

    fn invalid_index(&self, index: &ObjectName) -> Option<bool> {
        let query = "SELECT count(*) FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_namespace n ON n.oid = relnamespace \
                     WHERE NOT indisvalid AND nspname = ($1::text[])[1] AND relname = ($1::text[])[2]";
        let values = [index.schema.clone(), index.name.clone()];
        self.number(&format!("whether index {} is valid", index.name), query, &values).map(|count| count > 0)
    }

    fn partitioned(&self, table: &ObjectName) -> Option<bool> {
        let regclass = quote_literal(&table.quoted());
        let query = format!("SELECT (relkind = 'p')::int::bigint FROM pg_class WHERE oid = {regclass}::regclass");
        self.number(&format!("whether {} is partitioned", table.name), &query, &[]).map(|answer| answer > 0)
    }

    fn published_by_key(&self, table: &ObjectName) -> Option<Vec<String>> {
        // with REPLICA IDENTITY FULL, NOTHING or an index of another key, the primary key decides nothing
        let query = format!(
            "SELECT coalesce(array_agg(p.pubname::text ORDER BY 1), '{{}}') FROM pg_publication_tables t JOIN pg_publication p USING (pubname) \
             JOIN pg_class c ON c.oid = {0}::regclass JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE t.schemaname = n.nspname AND t.tablename = c.relname AND c.relreplident = 'd' AND (p.pubupdate OR p.pubdelete)",
            quote_literal(&table.quoted())
        );
        self.texts(&query, &[])
    }

    fn default_partition(&self, table: &ObjectName) -> Option<ObjectName> {
        let query = format!(
            "SELECT ARRAY[nspname::text, relname::text] FROM pg_partitioned_table JOIN pg_class c ON c.oid = partdefid \
             JOIN pg_namespace n ON n.oid = relnamespace WHERE partrelid = {}::regclass",
            quote_literal(&table.quoted())
        );
        let [schema, name] = self.texts(&query, &[])?.try_into().ok()?;
        Some(ObjectName { schema, name })
    }

    fn utc(&self) -> Option<bool> {
        let query = format!("SELECT ({SESSION_IN_UTC})::int::bigint");
        self.number("the session's time zone", &query, &[]).map(|answer| answer > 0)
    }

    fn dependents(&self, table: &ObjectName, column: Option<&str>) -> Option<Vec<Dependent>> {
        let name = column.map_or_else(|| table.name.clone(), |column| format!("{}.{column}", table.name));
        let values = dependents::parameters(table, column);
        let answer = self.run(dependents::QUERY, &values, |row| row.try_get::<_, String>(0));
        match answer.map(|answer| dependents::read(&answer)) {
            Ok(found) => found,
            Err(error) => {
                // no row: there is no such table
                let why = self.failed(&error).err().filter(|_| error.as_db_error().is_some())?;
                self.unchecked.borrow_mut().push(Unchecked { what: format!("what mentions {name}"), why });
                None
            }
        }
    }

    fn victims(&self, dropped: &Dropped) -> Option<Vec<String>> {
        let values = victims::parameters(dropped);
        let answer = self.run(victims::QUERY, &values, |row| row.try_get::<_, String>(0));
        match answer.map(|answer| victims::read(&answer)) {
            Ok(found) => found,
            Err(error) => {
                // no row: there is no such object
                let why = self.failed(&error).err().filter(|_| error.as_db_error().is_some())?;
                let what = format!("what CASCADE takes along with {}", values.last().map_or("", String::as_str));
                self.unchecked.borrow_mut().push(Unchecked { what, why });
                None
            }
        }
    }

    fn unchecked(&self) -> Vec<Unchecked> {
        self.unchecked.borrow().clone()
    }
}
