//! Every rule has a page whose examples are true, and labelled cases: `tests/rules/` (its reader says how they are written).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Check, RULES, Rule, find, near};
use crate::review::Review;

#[path = "../../tests/rules/cases.rs"]
pub(crate) mod cases;

use cases::Case;

/// Reviews a migration; what stands before `-- migration` was applied earlier.
pub(crate) fn review_text(text: &str) -> Review {
    let (earlier, sql) = text.split_once("-- migration\n").unwrap_or(("", text));
    cases::reviewed(earlier, sql)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules")
}

/// An example of a page, with the rule on.
fn example(rule: &Rule, info: &str, sql: &str) -> Case {
    let mut given: Vec<String> = Vec::from_iter(rule.optional.then(|| format!("rule {} on", rule.id)));
    let facts = info.trim().strip_prefix("given: ").into_iter().flat_map(|facts| facts.split("; "));
    given.extend(facts.map(str::to_owned));
    Case { name: rule.id.to_owned(), given, migration: sql.to_owned(), ..Case::default() }
}

/// The SQL blocks of a page's part, as cases. What stands above `-- then:` in a block was applied earlier.
fn examples(rule: &Rule, part: &str) -> Vec<Case> {
    let (_, text) = rule.page.split_once(&format!("\n## {part}\n")).unwrap_or_default();
    let text = text.split("\n## ").next().unwrap_or_default();
    let mut cases = Vec::new();
    for block in text.split("```sql").skip(1) {
        let (info, rest) = block.split_once('\n').unwrap_or_default();
        let (sql, _) = rest.split_once("```").unwrap_or_else(|| panic!("{}: a block is not closed", rule.id));
        let (before, sql) = sql.split_once("-- then:\n").unwrap_or(("", sql));
        cases.push(Case { before: before.to_owned(), ..example(rule, info, sql) });
    }
    cases
}

#[test]
fn pages_tell_the_truth() {
    let mut wrong = Vec::new();
    for rule in RULES {
        let (bad, good) = (examples(rule, "Bad"), examples(rule, "Instead"));
        if bad.is_empty() || good.is_empty() {
            wrong.push(format!("{}: {} bad examples, {} good ones", rule.id, bad.len(), good.len()));
        }
        for case in bad {
            let found: BTreeSet<&str> = case.review().findings().map(|finding| finding.rule).collect();
            if found != BTreeSet::from([rule.id]) {
                wrong.push(format!("{}: found {found:?} in the bad example\n{}", rule.id, case.migration));
            }
        }
        // one after the other, as migrations
        let mut before = String::new();
        for mut case in good {
            case.before.insert_str(0, &before);
            let review = case.review();
            if review.findings().any(|finding| finding.rule == rule.id || finding.rule == "unreadable-sql") {
                wrong.push(format!("{}: the good example is flagged\n{}", rule.id, case.migration));
            }
            before = format!("{}{}", case.before, case.migration);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn cases_find_what_they_expect() {
    let mut wrong = Vec::new();
    for (file, case) in all_cases() {
        let found = case.found();
        if found != case.expected {
            wrong.push(format!("{file}: {}\n  expected {:#?}\n  found {found:#?}", case.name, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_cases_of_both_kinds() {
    let cases = all_cases();
    for rule in RULES {
        let named = format!(" {}(", rule.id);
        let own = cases.iter().filter(|(file, _)| file.strip_suffix(".sql") == Some(rule.id));
        let (positive, negative): (Vec<_>, Vec<_>) =
            own.partition(|(_, case)| case.expected.iter().any(|expected| expected.contains(&named)));
        assert!(!positive.is_empty() && !negative.is_empty(), "tests/rules/{}.sql lacks a case", rule.id);
    }
}

/// Every case with its file's name.
fn all_cases() -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(rule) = name.strip_suffix(".sql").filter(|name| *name != "base") else { continue };
        assert!(find(rule).is_some(), "tests/rules/{name} belongs to no rule");
        let text = std::fs::read_to_string(&path).unwrap();
        cases.extend(cases::read(&text).into_iter().map(|case| (name.clone(), case)));
    }
    cases
}

#[test]
fn every_rule_has_a_page() {
    const PARTS: &[&str] = &["## Why\n", "## Bad\n", "## Instead\n", "## Severity\n", "## Versions\n", "## Source\n"];
    for rule in RULES {
        assert!(rule.page.starts_with(&format!("# {}\n\n", rule.id)), "{}: title", rule.id);
        assert!(!rule.summary().is_empty() && !rule.summary().contains('|'), "{}: first line", rule.id);
        let mut rest = rule.page;
        for part in PARTS {
            let (_, after) = rest.split_once(part).unwrap_or_else(|| panic!("{}: {part}", rule.id));
            rest = after;
        }
        let acceptable = rule.page.contains("Cannot be accepted");
        assert_eq!(rule.acceptable, !acceptable, "{}: the page says whether it can be accepted", rule.id);
        let off = rule.page.contains("Off by default");
        assert_eq!(rule.optional, off, "{}: the page says whether it is off by default", rule.id);
    }
}

#[test]
fn ids_are_unique_and_kebab() {
    let ids: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), RULES.len());
    assert!(ids.iter().all(|id| id.chars().all(|c| c.is_ascii_lowercase() || c == '-')));
    for rule in RULES.iter().filter(|rule| matches!(rule.check, Check::Squawk)) {
        assert!(super::squawk::CHOSEN.iter().any(|(_, chosen, ..)| chosen.id == rule.id), "{}", rule.id);
    }
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
