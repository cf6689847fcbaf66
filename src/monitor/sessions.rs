//! Sessions that wait for a lock or have been open long, and replicas that are behind.

use std::time::Duration;

use postgres::Client;

use crate::database::Failure;
use crate::database::activity::{self, Session};
use crate::deploy::verify::{Check, Status};

/// A shorter wait for a lock is everyday.
const WAIT: Duration = Duration::from_secs(5);
/// A longer transaction keeps dead rows from being removed, and locks from being free.
const LONG: Duration = Duration::from_secs(300);
/// A replica further behind shows users what is no longer true.
const LAG_SECONDS: f64 = 10.0;
/// What a slot without a consumer keeps on the disk.
const KEPT_BYTES: f64 = 1e9;

pub(super) fn checks(client: &mut Client, show_queries: bool) -> Vec<Check> {
    let ask = |client: &mut Client| -> Result<Vec<Check>, Failure> {
        let hidden = activity::hidden(client)?;
        Ok(vec![blocked(client, show_queries, hidden)?, long(client, show_queries, hidden)?])
    };
    ask(client).unwrap_or_else(|failure| {
        ["blocked sessions", "long transactions"].map(|name| super::unread(name, failure.to_string())).into()
    })
}

/// Nothing was found, though some sessions cannot be seen into.
fn none(name: &str, fine: &str, hidden: bool) -> Check {
    match hidden {
        true => Check::new(name, Status::Unchecked, ["this role may not see what other roles' sessions do"])
            .with_cure(Some("as a superuser: GRANT pg_monitor TO the role of the URL;")),
        false => Check::new(name, Status::Passed, [fine]),
    }
}

fn blocked(client: &mut Client, show_queries: bool, hidden: bool) -> Result<Check, Failure> {
    let name = "blocked sessions";
    let waiting = activity::waiting(client, WAIT)?;
    let (mut notes, mut cures) = (Vec::new(), Vec::new());
    for mut session in waiting {
        let mut blockers = activity::blockers(client, session.pid)?;
        if !show_queries {
            activity::hide_queries(std::slice::from_mut(&mut session));
            activity::hide_queries(&mut blockers);
        }
        cures.extend(blockers.iter().filter(|blocker| blocker.pid != 0).map(terminate));
        let by: Vec<String> = blockers.iter().map(ToString::to_string).collect();
        let by = if by.is_empty() { String::new() } else { format!(", behind {}", by.join("; ")) };
        notes.push(format!("{session} waits for a lock{by}"));
    }
    cures.sort();
    cures.dedup();
    Ok(match notes.is_empty() {
        true => none(name, "no session waits for a lock for long", hidden),
        false => Check::new(name, Status::Warned, notes).with_cure(Some(cures.join("\n"))),
    })
}

fn long(client: &mut Client, show_queries: bool, hidden: bool) -> Result<Check, Failure> {
    let name = "long transactions";
    let mut sessions = activity::long(client, LONG)?;
    if !show_queries {
        activity::hide_queries(&mut sessions);
    }
    let cures: Vec<String> = sessions.iter().map(terminate).collect();
    Ok(match sessions.is_empty() {
        true => none(name, "none is older than five minutes", hidden),
        false => Check::new(name, Status::Warned, sessions).with_cure(Some(cures.join("\n"))),
    })
}

fn terminate(session: &Session) -> String {
    format!("SELECT pg_terminate_backend({});", session.pid)
}

const REPLICAS: &str = "
SELECT application_name, extract(epoch FROM replay_lag)::float8, state IS NOT NULL FROM pg_catalog.pg_stat_replication ORDER BY 1";

/// Slots without a consumer, and what they keep. A standby has its own.
const SLOTS: &str = "
SELECT slot_name::text, pg_wal_lsn_diff(
  CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)::float8
FROM pg_catalog.pg_replication_slots WHERE NOT active AND restart_lsn IS NOT NULL ORDER BY 1";

pub(super) fn replication(client: &mut Client) -> Result<Check, Failure> {
    let name = "replication";
    let (mut behind, mut fine, mut unseen, mut cures) = (Vec::new(), Vec::new(), 0_usize, Vec::new());
    for row in client.query_typed(REPLICAS, &[])? {
        let (replica, lag, seen): (String, Option<f64>, bool) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        match lag.unwrap_or_default() {
            _ if !seen => unseen += 1,
            lag if lag > LAG_SECONDS => behind.push(format!("{replica} is {lag:.0} s behind")),
            lag => fine.push(format!("{replica} is {lag:.1} s behind")),
        }
    }
    for row in client.query_typed(SLOTS, &[])? {
        let (slot, kept): (String, Option<f64>) = (row.try_get(0)?, row.try_get(1)?);
        if let Some(kept) = kept.filter(|kept| *kept > KEPT_BYTES) {
            behind.push(format!("the slot {slot} has no consumer and keeps {:.1} GB of write-ahead log", kept / 1e9));
            cures.push(format!("SELECT pg_drop_replication_slot('{}');", slot.replace('\'', "''")));
        }
    }
    let cure = (!cures.is_empty()).then(|| format!("if its consumer is gone for good: {}", cures.join(" ")));
    Ok(match (behind.is_empty(), unseen) {
        (false, _) => Check::new(name, Status::Warned, behind).with_cure(cure),
        (true, 1..) => super::unread(name, format!("this role may not see the lag of {unseen} replicas")),
        (true, 0) if fine.is_empty() => Check::new(name, Status::Passed, ["there is no replica"]),
        (true, 0) => Check::new(name, Status::Passed, fine),
    })
}
