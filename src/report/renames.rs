//! Renames as scripts read them: `renames`, `rewrite`, and `dev` under `"renames"`.

use serde_json::{Value, json};

use crate::drafting::{Outcome, Proofs};

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
    let equal = |equal: bool| if equal { "equal" } else { "different" };
    let prisma = proofs.prisma.as_ref().map(|left| if left.is_empty() { "empty" } else { "notEmpty" });
    json!({ "catalog": equal(proofs.catalog.holds()), "prismaDiff": prisma })
}
