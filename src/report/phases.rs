//! `phases`, and the evidence of a contract.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::phases::Plan;
use crate::phases::gate::Evidence;
use crate::phases::standing::{Stage, Standing};

/// A plan with where it stands.
#[derive(Debug)]
pub struct Row<'a> {
    pub plan: &'a Plan,
    /// Its file.
    pub file: String,
    /// A migration of it that the folder does not have.
    pub missing: Option<String>,
    pub places: Vec<Place>,
}

/// A database; why it is not known where a plan stands on it, if so.
#[derive(Debug)]
pub struct Place {
    /// The environment's name; `target` where it has none.
    pub name: String,
    /// What people call the database.
    pub target: String,
    pub production: bool,
    /// The environment that commands must name to mean it; none for the target.
    pub environment: Option<String>,
    pub standing: Result<Standing, String>,
}

/// What to do next on a database.
fn next(Row { plan, missing, .. }: &Row<'_>, place: &Place) -> Option<String> {
    let (name, steps, standing) = (&plan.name, &plan.migrations, place.standing.as_ref().ok()?);
    let env = place.environment.as_ref().map_or_else(String::new, |name| format!(" --env {name}"));
    Some(match standing.stage {
        Stage::Failed => format!("prisma-safe status{env}"),
        Stage::Contracted | Stage::Aborted => return None,
        Stage::NotBegun if steps.abort.is_some() => return None,
        _ if missing.is_some() => lacks(plan, missing.as_ref()?),
        Stage::NotBegun => format!("prisma-safe deploy{env}"),
        _ if steps.contract.is_some() || steps.abort.is_some() => format!("prisma-safe deploy{env}"),
        Stage::Expanded if !plan.kind.fills() => format!("prisma-safe phases next {name}"),
        Stage::Expanded if steps.backfill.is_some() => {
            format!("prisma-safe backfill {name}{env}, then prisma-safe deploy{env}")
        }
        // the migration is written once, for all of them
        Stage::Expanded => format!("prisma-safe backfill {name}{env}, then prisma-safe phases next {name}"),
        Stage::Backfilled => format!("prisma-safe phases next {name}"),
    })
}

/// What to do where a plan's migration is in no folder.
pub fn lacks(plan: &Plan, missing: &str) -> String {
    let back = format!("bring {missing} back into the migrations folder");
    match plan.is_open() {
        true => format!("{back}, or go back to the start: prisma-safe phases abort {}", plan.name),
        false => back,
    }
}

/// For people.
pub fn text(rows: &[Row<'_>]) -> String {
    if rows.is_empty() {
        return "no plans yet; `prisma-safe phases rename|retype|split|merge|require|drop|table` begins one\n"
            .to_owned();
    }
    let mut text = String::new();
    // writing to a String does not fail
    for row in rows {
        let Row { plan, file, places, .. } = row;
        let _ = writeln!(text, "{}: {} ({file})", plan.name, plan.title());
        for place in places {
            let production = if place.production { ", production" } else { "" };
            let _ = write!(text, "  {} ({}{production}): ", place.name, place.target);
            match &place.standing {
                Err(why) => {
                    let _ = writeln!(text, "unknown: {why}");
                }
                Ok(standing) => {
                    let _ = write!(text, "{}", standing.stage.word());
                    if let Some(expanded) = standing.expanded.filter(|_| standing.stage != Stage::Contracted) {
                        let _ = write!(text, ", expand applied {expanded}");
                    }
                    if let Some(last) = standing.last_old_write {
                        let _ = write!(text, ", the old release last wrote {last}");
                    }
                    text.push('\n');
                    if let Some(next) = next(row, place) {
                        let _ = writeln!(text, "    next: {next}");
                    }
                }
            }
        }
    }
    text
}

/// For programs: `schemas/phases.schema.json`.
pub fn document(rows: &[Row<'_>]) -> Value {
    let place = |row: &Row<'_>, place: &Place| {
        let standing = place.standing.as_ref().ok();
        json!({
            "name": place.name,
            "target": place.target,
            "production": place.production,
            "stage": standing.map_or("unknown", |standing| standing.stage.key()),
            "why": place.standing.as_ref().err(),
            "expandedAt": standing.and_then(|standing| standing.expanded).map(|time| time.to_string()),
            "lastOldWrite": standing.and_then(|standing| standing.last_old_write).map(|time| time.to_string()),
            "next": next(row, place),
        })
    };
    let plans = rows.iter().map(|row| {
        let Row { plan, file, places, .. } = row;
        json!({
            "name": plan.name,
            "kind": plan.kind.word(),
            "title": plan.title(),
            "file": file,
            "table": plan.object().to_string(),
            "oldColumns": plan.old.iter().map(|old| &old.column).collect::<Vec<_>>(),
            "newColumns": plan.new.iter().map(|new| &new.column).collect::<Vec<_>>(),
            "migrations": {
                "expand": plan.migrations.expand,
                "indexes": plan.migrations.indexes,
                "backfill": plan.migrations.backfill,
                "contract": plan.migrations.contract,
                "abort": plan.migrations.abort,
            },
            "environments": places.iter().map(|each| place(row, each)).collect::<Vec<_>>(),
        })
    });
    json!({ "schemaVersion": 1, "plans": plans.collect::<Vec<_>>() })
}

/// The evidence, for people.
pub fn evidence(plan: &Plan, target: &str, evidence: &[Evidence]) -> String {
    let mut text = format!("the contract of {} on {target}:\n", plan.name);
    for each in evidence {
        let sign = match each.holds {
            Some(true) => "yes",
            Some(false) => "NO ",
            None => "?  ",
        };
        let place = each.environment.as_ref().map_or_else(String::new, |name| format!("{name}: "));
        let _ = writeln!(text, "  {sign} {place}{}", each.said);
    }
    text
}

/// The same for programs: `schemas/contract.schema.json`.
pub fn evidence_document(plan: &Plan, target: &str, evidence: &[Evidence]) -> Value {
    let each = |each: &Evidence| json!({ "what": each.what, "holds": each.holds, "said": each.said, "environment": each.environment });
    json!({
        "schemaVersion": 1,
        "plan": plan.name,
        "target": target,
        "open": crate::phases::gate::is_open(evidence),
        "evidence": evidence.iter().map(each).collect::<Vec<_>>(),
    })
}
