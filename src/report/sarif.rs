//! SARIF 2.1.0, for code scanning: GitHub, GitLab, editors. Rules carry their pages as help.

use serde_json::{Value, json};

use super::{Look, Place, path, place_of};
use crate::project::migrations::checksum;
use crate::review::{Review, Reviewed};
use crate::rules::{Finding, RULES, Rule, Severity};
use crate::sql::Lines;

pub(super) fn render(review: &Review, look: Look<'_>) -> String {
    let results: Vec<Value> = review.migrations.iter().flat_map(|migration| results(migration, look)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "prisma-safe",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": RULES.iter().map(|rule| described(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "ROOT": { "description": { "text": "The project's directory." } } },
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notifications(review),
            }],
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

/// What is about no line: what was not checked, and how far each migration can be rolled back.
fn notifications(review: &Review) -> Vec<Value> {
    let unchecked = review.unchecked.iter().map(|it| format!("unchecked: {} ({})", it.what, it.why));
    let undo =
        review.migrations.iter().filter_map(|it| Some(format!("undo: {}: {}", it.name, it.undo.as_ref()?.said())));
    let together = review.together.iter().map(|remark| format!("together: {}", remark.message));
    unchecked.chain(together).chain(undo).map(|text| json!({ "level": "note", "message": { "text": text } })).collect()
}

fn described(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.summary() },
        "fullDescription": { "text": why(rule) },
        "help": { "text": rule.page, "markdown": rule.page },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

/// The page's reason.
fn why(rule: &Rule) -> &str {
    let (_, why) = rule.page.split_once("## Why\n\n").unwrap_or_default();
    why.lines().next().unwrap_or_default()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn results(migration: &Reviewed, look: Look<'_>) -> Vec<Value> {
    let lines = Lines::of(&migration.sql);
    migration.findings.iter().map(|finding| result(finding, migration, &lines, look)).collect()
}

fn result(finding: &Finding, migration: &Reviewed, lines: &Lines, look: Look<'_>) -> Value {
    let place = place_of(&migration.sql, lines, &finding.range.clone().unwrap_or(0..0));
    let facts = finding.evidence.iter().map(|evidence| format!("{}: {}", evidence.kind, evidence.text));
    let text: Vec<String> = [finding.message.clone()].into_iter().chain(facts).collect();
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": RULES.iter().position(|rule| rule.id == finding.rule),
        "level": level(finding.severity),
        "message": { "text": format!("{}.\n{}", text.join(". "), finding.help) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&path(migration, look.root)), "uriBaseId": "ROOT" },
                "region": region(place),
            },
            "logicalLocations": [{ "fullyQualifiedName": finding.object }],
        }],
        // the same finding in the same migration stays the same, wherever its line moves to
        "partialFingerprints": {
            "prismaSafe/v1": checksum(&format!("{}\n{}\n{}", migration.name, finding.rule, finding.object)),
        },
    });
    // a fix that adds migrations cannot be expressed as an edit of this file alone
    if let Some(fix) = finding.fix.as_ref().filter(|fix| fix.following.is_empty() && fix.index.is_none()) {
        let replacements: Vec<Value> = fix
            .edits
            .iter()
            .map(|edit| {
                let place = place_of(&migration.sql, lines, &edit.range);
                json!({ "deletedRegion": region(place), "insertedContent": { "text": edit.text } })
            })
            .collect();
        result["fixes"] = json!([{
            "description": { "text": fix.title },
            "artifactChanges": [{
                "artifactLocation": { "uri": uri(&path(migration, look.root)), "uriBaseId": "ROOT" },
                "replacements": replacements,
            }],
        }]);
    }
    if let Some(accepted) = &finding.accepted {
        result["suppressions"] = json!([{ "kind": "inSource", "justification": accepted.reason }]);
    }
    result
}

fn region(place: Place) -> Value {
    json!({
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    })
}

/// A relative URI reference: what may not stand in one is percent-encoded.
fn uri(path: &str) -> String {
    let encoded = |byte: u8| {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    path.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("prisma/migrations/2025 ä/migration.sql"), "prisma/migrations/2025%20%C3%A4/migration.sql");
    }
}
