//! The JSON document that `schemas/review.schema.json` describes; its shape is a contract (cli.md).

use serde_json::{Map, Value, json};

use super::{Look, path, place_of};
use crate::review::{Review, Reviewed};
use crate::rules::Finding;
use crate::sql::Lines;

pub(super) fn render(review: &Review, look: Look<'_>) -> String {
    // a Value's Display cannot fail; alternate is indented
    format!("{:#}\n", document(review, look))
}

pub(super) fn document(review: &Review, look: Look<'_>) -> Value {
    let mut document = json!({
        "schemaVersion": 1,
        "verdict": review.verdict,
        "planHash": review.plan_hash,
        "target": review.target,
        "migrations": review.migrations.iter().map(|it| migration(it, look)).collect::<Vec<_>>(),
        "unchecked": review.unchecked,
    });
    if let Some(consent) = &review.consent {
        document["consent"] = json!(consent);
    }
    document
}

fn migration(migration: &Reviewed, look: Look<'_>) -> Value {
    let lines = Lines::of(&migration.sql);
    json!({
        "name": migration.name,
        "path": path(migration, look.root),
        "checksum": migration.checksum,
        "findings": migration.findings.iter().map(|it| finding(it, &migration.sql, &lines)).collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding, sql: &str, lines: &Lines) -> Value {
    let mut object = Map::new();
    object.insert("rule".into(), finding.rule.into());
    object.insert("severity".into(), finding.severity.as_str().into());
    object.insert("object".into(), finding.object.clone().into());
    if let Some(range) = &finding.range {
        let place = place_of(sql, lines, range);
        object.insert("line".into(), place.line.into());
        object.insert("column".into(), place.column.into());
        object.insert("endLine".into(), place.end_line.into());
        object.insert("endColumn".into(), place.end_column.into());
    }
    object.insert("message".into(), finding.message.clone().into());
    object.insert("help".into(), finding.help.clone().into());
    object.insert("evidence".into(), json!(finding.evidence));
    if let Some(fix) = &finding.fix {
        let edit =
            |edit: &crate::sql::Edit| json!({"start": edit.range.start, "end": edit.range.end, "text": edit.text});
        let edits: Vec<Value> = fix.edits.iter().map(edit).collect();
        let mut shown = json!({"title": fix.title, "edits": edits});
        if !fix.following.is_empty() {
            shown["following"] = json!(fix.following);
        }
        if let Some(index) = &fix.index {
            shown["index"] = json!({"table": index.table.to_string(), "columns": index.columns});
        }
        object.insert("fix".into(), shown);
    }
    if let Some(accepted) = &finding.accepted {
        object.insert("accepted".into(), json!({"reason": accepted.reason, "line": accepted.line}));
    }
    Value::Object(object)
}
