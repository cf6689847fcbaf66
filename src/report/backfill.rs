//! `backfill`, and its sample.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::backfill::{Done, Refused, Sample};
use crate::phases::Plan;
use crate::ui::{counted, rows};

/// So many refused rows are named at a terminal.
const NAMED: usize = 10;

/// For people.
pub fn text(plan: &Plan, done: &Done) -> String {
    let seconds = done.took.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let rate = done.filled as f64 / seconds.max(0.001);
    format!(
        "{}: filled {} in {seconds:.1} s ({rate:.0} a second), in {}; the longest held its rows for {} ms\n",
        plan.name,
        rows(done.filled),
        counted(done.batches, "batch"),
        done.longest.as_millis()
    )
}

/// Rows with the server's words.
pub fn refused(refused: &[Refused]) -> String {
    let mut lines: Vec<String> = refused.iter().take(NAMED).map(|row| format!("{}: {}", row.key, row.error)).collect();
    if refused.len() > NAMED {
        lines.push(format!("and {} more (--format json names all)", refused.len() - NAMED));
    }
    lines.join("\n")
}

/// For programs: `schemas/backfill.schema.json`.
pub fn document(plan: &Plan, target: &str, done: &Done) -> Value {
    let refused = done.refused.iter().map(|row| json!({ "key": row.key, "error": row.error }));
    json!({
        "schemaVersion": 1,
        "plan": plan.name,
        "target": target,
        "table": plan.object().to_string(),
        "filled": done.filled,
        "resumedAfter": done.resumed,
        "batches": done.batches,
        "longestBatchSeconds": done.longest.as_secs_f64(),
        "seconds": done.took.as_secs_f64(),
        "refused": refused.collect::<Vec<_>>(),
    })
}

/// Rows before and after, for people.
pub fn sample(plan: &Plan, target: &str, sample: &Sample) -> String {
    let mut text = format!("{} on {target}: ", plan.title());
    // writing to a String does not fail
    let _ = match sample.rows {
        _ if sample.changes.is_empty() => writeln!(text, "every row is filled"),
        0 => writeln!(text, "some of the rows"),
        number => writeln!(text, "some of about {}", rows(number)),
    };
    let shown = |value: &Option<String>| value.as_ref().map_or_else(|| "NULL".to_owned(), |value| format!("{value:?}"));
    for change in &sample.changes {
        let from = change.from.as_ref().map_or_else(String::new, |from| format!(" from {from:?}"));
        let _ = writeln!(text, "  {}: {} -> {}{from}", change.key, shown(&change.before), shown(&change.after));
    }
    text
}

/// The same for programs: `schemas/backfill-sample.schema.json`.
pub fn sample_document(plan: &Plan, target: &str, sample: &Sample) -> Value {
    let change = sample.changes.iter().map(
        |change| json!({ "key": change.key, "from": change.from, "before": change.before, "after": change.after }),
    );
    json!({
        "schemaVersion": 1,
        "plan": plan.name,
        "target": target,
        "table": plan.object().to_string(),
        "rows": sample.rows,
        "sample": change.collect::<Vec<_>>(),
    })
}
