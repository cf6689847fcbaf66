//! Tables: rows that are dead, constraints that are not validated.

use postgres::Client;

use crate::database::{Failure, Health};
use crate::deploy::verify::{Check, Status};

pub(super) fn unvalidated(health: &Health) -> Check {
    let name = "constraints";
    if health.unvalidated.is_empty() {
        return Check::new(name, Status::Passed, ["each is validated"]);
    }
    let validate =
        |it: &crate::database::health::Blemish| format!("ALTER TABLE {} VALIDATE CONSTRAINT {};", it.table, it.name);
    let cures: Vec<String> = health.unvalidated.iter().map(validate).collect();
    let notes = health.unvalidated.iter().map(|constraint| format!("{constraint} holds for new rows only"));
    Check::new(name, Status::Warned, notes).with_cure(Some(cures.join("\n")))
}

/// A fifth of a table, and so many that it is felt.
const DEAD: &str = "
SELECT format('%I.%I', schemaname, relname), n_dead_tup, n_live_tup, last_autovacuum::text
FROM pg_catalog.pg_stat_user_tables
WHERE n_dead_tup >= 10000 AND n_dead_tup >= 0.2 * (n_live_tup + n_dead_tup) ORDER BY n_dead_tup DESC";

pub(super) fn dead_rows(client: &mut Client) -> Result<Check, Failure> {
    let name = "dead rows";
    let (mut notes, mut cures) = (Vec::new(), Vec::new());
    for row in client.query_typed(DEAD, &[])? {
        let (table, dead, live): (String, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let vacuumed: Option<String> = row.try_get(3)?;
        let vacuumed = vacuumed.map_or_else(|| "never vacuumed".into(), |time| format!("vacuumed {time}"));
        notes.push(format!("{table}: {dead} beside {live} live ones, {vacuumed}"));
        cures.push(format!("VACUUM (ANALYZE) {table};"));
    }
    Ok(match notes.is_empty() {
        true => Check::new(name, Status::Passed, ["no table has many"]),
        false => Check::new(name, Status::Warned, notes).with_cure(Some(cures.join("\n"))),
    })
}
