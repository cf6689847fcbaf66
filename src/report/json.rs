//! The JSON document that `schemas/review.schema.json` describes; its shape is a contract (cli.md).

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Look, path, place_of};
use crate::review::together::Remark;
use crate::review::{Needed, Review, Reviewed, Target, Verdict};
use crate::rules::{Finding, Unchecked};
use crate::sql::Lines;

pub(super) fn render(review: &Review, look: Look<'_>) -> String {
    let document = Document {
        schema_version: 1,
        verdict: review.verdict,
        plan_hash: review.plan_hash.as_deref(),
        target: &review.target,
        migrations: Migrations(&review.migrations, look),
        together: &review.together,
        unchecked: &review.unchecked,
        consent: review.consent.as_ref(),
    };
    // nothing of it can fail: every key is a text
    let text = serde_json::to_string_pretty(&document);
    text.unwrap_or_else(|error| json!({ "error": error.to_string() }).to_string()) + "\n"
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    verdict: Verdict,
    plan_hash: Option<&'a str>,
    target: &'a Target,
    migrations: Migrations<'a>,
    #[serde(skip_serializing_if = "<[Remark]>::is_empty")]
    together: &'a [Remark],
    unchecked: &'a [Unchecked],
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<&'a Needed>,
}

/// Written one by one: of thousands, the whole tree would take many times the text's memory.
struct Migrations<'a>(&'a [Reviewed], Look<'a>);

impl Serialize for Migrations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|each| migration(each, self.1)))
    }
}

fn migration(migration: &Reviewed, look: Look<'_>) -> Value {
    let lines = Lines::of(&migration.sql);
    let mut object = json!({
        "name": migration.name,
        "path": path(migration, look.root),
        "checksum": migration.checksum,
        "findings": migration.findings.iter().map(|it| finding(it, &migration.sql, &lines)).collect::<Vec<_>>(),
    });
    if let Some(undo) = &migration.undo {
        object["undo"] = json!(undo);
    }
    object
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
