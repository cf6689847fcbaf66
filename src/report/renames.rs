//! Renames as scripts read them: `renames`, `rewrite`, and `dev` under `"renames"`.

use serde_json::{Value, json};

use crate::drafting::{Outcome, Proofs};
use crate::rename::{Replay, Verdict};

/// The document; `schemas/renames.schema.json` describes it.
pub fn document(migration: &str, outcome: &Outcome) -> Value {
    json!({
        "schemaVersion": 1,
        "migration": migration,
        "candidates": outcome.decisions.candidates,
        "open": outcome.open(),
        "rewritten": outcome.rewritten(),
        "proof": outcome.rewrite.as_ref().map(|(_, proofs)| proof(proofs)),
    })
}

fn proof(proofs: &Proofs) -> Value {
    let catalog = if proofs.catalog.holds() { "equal" } else { "different" };
    let prisma = proofs.prisma.as_ref().map(|left| if left.is_empty() { "empty" } else { "notEmpty" });
    let Replay { catalog: replay, values, rows, server, notes, took } = &proofs.replay;
    json!({
        "catalog": catalog,
        "replay": word(replay),
        "prismaDiff": prisma,
        "values": word(values),
        "rows": rows,
        "server": (!server.is_empty()).then_some(server),
        "seconds": (took.as_secs_f64() * 10.0).round() / 10.0,
        "notes": notes,
    })
}

/// `equal`, `different`, or `not done: ` and why.
fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Equal => "equal".into(),
        Verdict::Different(_) => "different".into(),
        Verdict::NotDone(why) => format!("not done: {why}"),
    }
}
