//! What the tables and columns that a rollback drops hold just now.

use postgres::Client;

use super::capture::{self, Capture, Kind};
use super::facts::Facts;
use super::losses::Losses;
use super::plan::what_of;
use crate::database::Failure;
use crate::rules::cost;
use crate::sql::quote_identifier;

/// What of these losses holds anything just now, for people; large tables are estimated. `newer` are the captures of migrations
/// that are rolled back first: what they dropped is there again by then.
///
/// # Errors
/// The server's own.
pub fn held(client: &mut Client, losses: &Losses, newer: &[&Capture]) -> Result<Vec<String>, Failure> {
    let mut held = Vec::new();
    for (_, loss) in &losses.losses {
        let kind = capture::kind(loss);
        if !matches!(kind, Kind::Columns | Kind::Table | Kind::Deleted) {
            continue;
        }
        let kept = |column: Option<&String>| {
            let own = |capture: &&&Capture| {
                let holds = |column: &String| capture.columns.contains(column);
                capture.table() == *loss.table()
                    && match column {
                        Some(column) => matches!(capture.kind, Kind::Columns | Kind::Table) && holds(column),
                        None => capture.kind == Kind::Table,
                    }
            };
            newer.iter().find(own).map(|capture| capture.rows)
        };
        let Some(facts) = Facts::read(client, loss.table())? else {
            match kept(None) {
                Some(rows) => held.push(format!("{} ({})", what_of(loss), cost::rows(rows))),
                None => {
                    held.push(format!("{}, if it holds anything: it is not there under this name now", what_of(loss)));
                }
            }
            continue;
        };
        let (there, gone): (Vec<String>, Vec<String>) =
            loss.columns().into_iter().partition(|own| facts.column(own).is_some());
        for column in &gone {
            let name = format!("column {}.{column}", loss.table().name);
            match kept(Some(column)) {
                Some(rows) => held.push(format!("{name} ({})", cost::rows(rows))),
                None => held.push(format!("{name}, if it holds anything: it is not there under this name now")),
            }
        }
        if there.is_empty() && !gone.is_empty() {
            continue;
        }
        let rows = match facts.rows.filter(|_| facts.bytes > COUNTED_BYTES) {
            Some(estimate) => estimate,
            None => {
                let set = there.iter().map(|own| format!("{} IS NOT NULL", quote_identifier(own))).collect::<Vec<_>>();
                let condition = if set.is_empty() { String::new() } else { format!(" WHERE {}", set.join(" OR ")) };
                let count = format!("SELECT count(*) FROM {}{condition}", facts.place);
                client.query_typed_one(&count, &[])?.try_get::<_, i64>(0)?.unsigned_abs()
            }
        };
        if rows > 0 {
            held.push(format!("{} ({})", what_of(loss), cost::rows(rows)));
        }
    }
    Ok(held)
}

/// Tables up to this size are counted, larger ones estimated.
const COUNTED_BYTES: u64 = 64 << 20;
