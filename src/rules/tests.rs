//! Every rule has a page and examples: `tests/rules/<id>/bad.sql` is flagged, `good.sql` is not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Check, RULES, find, near};
use crate::project::Migration;
use crate::review::history::standing;
use crate::review::{Request, Review, review};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules")
}

/// What stands before `-- migration` was applied earlier.
pub(crate) fn review_text(text: &str) -> Review {
    let (earlier, sql) = text.split_once("-- migration\n").unwrap_or(("", text));
    let migration = |name: &str, sql: &str| Migration {
        name: name.into(),
        path: format!("prisma/migrations/{name}/migration.sql").into(),
        sql: sql.into(),
    };
    review(Request {
        migrations: &[migration("20250121120000_change", sql)],
        earlier: &[migration("20250101120000_init", earlier)],
        default_schema: "public",
        live: None,
        identity: None,
        small_table_rows: 10_000,
        standing: Vec::new(),
    })
}

fn found(rule: &str, file: &str) -> bool {
    let path = folder().join(rule).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    review_text(&text).findings().any(|finding| finding.rule == rule)
}

#[test]
fn every_rule_has_examples() {
    for rule in RULES {
        if is_history(rule.id) {
            continue;
        }
        assert!(found(rule.id, "bad.sql"), "{}: bad.sql is not flagged", rule.id);
        assert!(!found(rule.id, "good.sql"), "{}: good.sql is flagged", rule.id);
    }
}

/// These compare the folder with the target, so their examples are files to compare.
fn is_history(rule: &str) -> bool {
    matches!(rule, "edited-migration" | "missing-migration")
}

#[test]
fn history_rules_have_examples() {
    let folder = Path::new("prisma/migrations");
    for (rule, edited, missing) in
        [("edited-migration", &["a".to_owned()][..], &[][..]), ("missing-migration", &[], &["a".to_owned()])]
    {
        let read = |file: &str| std::fs::read_to_string(super::tests::folder().join(rule).join(file)).unwrap();
        assert!(!read("bad.sql").is_empty() && !read("good.sql").is_empty());
        let now = [Migration { name: "a".into(), path: "a".into(), sql: read("bad.sql") }];
        let found = standing(edited, missing, &now, folder);
        assert_eq!(found.iter().map(|it| it.findings[0].rule).collect::<Vec<_>>(), [rule]);
        assert_eq!(standing(&[], &[], &now, folder), []);
    }
}

#[test]
fn no_examples_of_unknown_rules() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(find(&name).is_some(), "tests/rules/{name} belongs to no rule");
    }
}

#[test]
fn every_rule_has_a_page() {
    const PARTS: &[&str] = &["## Why\n", "## Bad\n", "## Instead\n", "## Severity\n", "## Versions\n", "## Source\n"];
    for rule in RULES {
        assert!(rule.page.starts_with(&format!("# {}\n\n", rule.id)), "{}: title", rule.id);
        let mut rest = rule.page;
        for part in PARTS {
            let (_, after) = rest.split_once(part).unwrap_or_else(|| panic!("{}: {part}", rule.id));
            rest = after;
        }
        let acceptable = rule.page.contains("Cannot be accepted");
        assert_eq!(rule.acceptable, !acceptable, "{}: the page says whether it can be accepted", rule.id);
    }
}

#[test]
fn ids_are_unique_and_kebab() {
    let ids: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), RULES.len());
    assert!(ids.iter().all(|id| id.chars().all(|c| c.is_ascii_lowercase() || c == '-')));
    let squawks = RULES.iter().filter(|rule| matches!(rule.check, Check::Squawk)).count();
    assert_eq!(squawks, super::squawk::CHOSEN.len());
}

#[test]
fn near_names_are_offered() {
    assert_eq!(near("drop-colum").first(), Some(&"drop-column"));
    assert_eq!(near("unique").first(), Some(&"add-unique"));
    assert_eq!(near("xyzzyxyzzyxyzzy"), Vec::<&str>::new());
}

/// Files of `tests/review`: what is expected stands at the top, one line a finding, in order.
#[test]
fn prismas_own_output() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/review");
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let expected: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("-- expect: ")).filter(|line| *line != "pass").collect();
        assert!(text.starts_with("-- expect: "), "{}", path.display());
        let review = review_text(&text);
        let found: Vec<String> = review
            .findings()
            .map(|finding| format!("{} {}({})", finding.severity.as_str(), finding.rule, finding.object))
            .collect();
        if found != expected {
            wrong.push(format!("{}\n  expected {expected:#?}\n  found {found:#?}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
