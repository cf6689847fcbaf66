use serde_json::json;

use super::*;

const HOSTILE: &str = "\"<script>alert(1)</script>\"";

/// A journal in which every name and text tries to be markup.
fn page(with_file: bool) -> String {
    let sql = format!("ALTER TABLE {HOSTILE} DROP COLUMN \"a&b\";\n-- <img src=x onerror=alert(1)>\n");
    let sql = format!(
        "-- prisma-safe:rename column Song.artist -> \"<singer>\"\nALTER TABLE \"Song\" RENAME COLUMN \"artist\" TO \"<singer>\";\n{sql}"
    );
    let migration = Migration { name: "1_<script>".into(), path: "m".into(), sql: sql.as_str().into() };
    let init = "CREATE TABLE \"Song\" (\"artist\" TEXT);";
    let init = Migration { name: "0".into(), path: "0".into(), sql: init.into() };
    let lines = [
        json!({"at": "2025-01-21T12:00:00Z", "event": "started", "version": "1", "target": "h:5432/d?schema=<b>",
            "pending": [{"name": migration.name, "checksum": migration.checksum()}]}),
        json!({"at": "2025-01-21T12:00:01Z", "event": "review", "planHash": "0123456789abcdef", "report": {
            "migrations": [{"name": migration.name, "findings": [
                {"rule": "drop-column", "severity": "error", "object": HOSTILE, "line": 1, "endLine": 1, "message": "drops `<i>`",
                 "help": "<u>do not</u>", "evidence": [{"kind": "measured", "text": "<s>"}], "accepted": {"reason": "<em>", "line": 1}}]}],
            "unchecked": [{"what": "<what>", "why": "<why>"}]}}),
        json!({"at": "2025-01-21T12:00:02Z", "event": "backup", "file": "/b/<file>", "sha256": "aa"}),
        json!({"at": "2025-01-21T12:00:03Z", "event": "rehearsal", "report": {"verdict": "pass", "data": "full", "milliseconds": 1500,
            "serverVersion": "15.18", "unlike": ["<unlike>"],
            "migrations": [{"name": migration.name, "atomic": true, "milliseconds": 120, "statements": [
                {"line": 1, "sql": "ALTER TABLE <t>", "milliseconds": 100, "locks": [{"table": HOSTILE, "mode": "AccessExclusive"}]},
                {"line": 2, "sql": "SELECT 1", "milliseconds": 20, "locks": [{"table": "b", "mode": "Share"}]}]}],
            "locks": [{"table": HOSTILE, "mode": "AccessExclusive", "stops": "everybody", "milliseconds": 120}],
            "tables": [{"table": HOSTILE, "rowsBefore": 3, "rowsAfter": 3, "columns": [{"column": "<c>", "fate": "lost", "values": 3}]}],
            "losses": [{"kind": "column", "object": "<o>", "what": "<w>"}]}}),
        json!({"at": "2025-01-21T12:00:04Z", "event": "applied", "name": migration.name, "milliseconds": 61_500, "tries": 2}),
        json!({"at": "2025-01-21T12:00:05Z", "event": "verified", "sound": false, "report": {"checks": [
            {"name": "<check>", "status": "failed", "notes": ["<note>"], "cure": "<cure>"}]}}),
        json!({"at": "2025-01-21T12:00:06Z", "event": "failed", "error": "<error>"}),
    ];
    let entries: Vec<Entry> = lines.into_iter().map(|line| serde_json::from_value(line).unwrap()).collect();
    let record = Record::of("x.jsonl".into(), entries.clone());
    let migrations = if with_file { vec![init, migration] } else { Vec::new() };
    Deployment { record: &record, entries: &entries, migrations: &migrations, manifest: None }.html()
}

#[test]
fn the_page_is_whole_and_everything_in_it_is_escaped() {
    let html = page(true);
    // every tag is one of the templates'
    let tag = regex::Regex::new(r"<(/?[A-Za-z!][\w-]*)").unwrap();
    let known = [
        "!doctype", "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "b", "p", "dl",
        "dt", "dd", "div", "nav", "a", "span", "section", "details", "summary", "code", "ol", "ul", "li", "table",
        "tr", "th", "td", "svg", "line", "text", "rect", "pre", "br", "i", "footer",
    ];
    for found in tag.captures_iter(&html) {
        let name = found[1].trim_start_matches('/').to_owned();
        assert!(known.contains(&name.as_str()), "<{name}");
    }
    // tags are closed in order, as far as they must be
    let mut open = Vec::new();
    for found in tag.captures_iter(&html) {
        match found[1].strip_prefix('/') {
            _ if ["!doctype", "meta", "br", "line", "rect"].contains(&&found[1])
                && !html[found.get(0).unwrap().end()..].starts_with("><title>") =>
            {
                // `rect` holds its title
                if &found[1] == "rect" {
                    open.push("rect".to_owned());
                }
            }
            Some(name) => assert_eq!(
                open.pop().as_deref(),
                Some(name),
                "{}",
                &html[..found.get(0).unwrap().end()][html[..found.get(0).unwrap().end()].len().saturating_sub(200)..]
            ),
            None => open.push(found[1].to_owned()),
        }
    }
    assert_eq!(open, Vec::<String>::new());
    // nothing is fetched: no address in what a browser follows
    let fetched = regex::Regex::new(r#"(?i)(src|href|action|data|url)\s*[=(]\s*["']?\s*(?:https?:|//|data:)"#).unwrap();
    assert!(!fetched.is_match(&html), "{:?}", fetched.find(&html));
    assert!(html.contains("default-src 'none'"));
    for part in [
        "failed</b>: deployment to h:5432&#x2f;d?schema=&lt;b&gt;",
        "at try 2",
        "61 s",
        "ACCESS EXCLUSIVE",
        "3 values lost",
        "unlike production: &lt;unlike&gt;",
        "not accepted",
        "&lt;cure&gt;",
        "its manifest is not there any more",
        "class=\"everybody\"",
        "<i>-</i><span>ALTER TABLE &quot;Song&quot; DROP COLUMN &quot;artist&quot;,</span>",
        "class=\"writers\"",
    ] {
        let part = part.replace("61 s", "1 min 1 s");
        assert!(html.contains(&part), "{part} is not in\n{html}");
    }
}

#[test]
fn a_file_that_is_gone_is_said_to_be() {
    let html = page(false);
    assert!(
        html.contains("its file is not in the migrations folder any more") && html.contains("drop-column"),
        "{html}"
    );
}
