//! Migrations that nobody would write: the labelled cases with pieces cut, doubled, swapped and replaced by chance. Whatever they are,
//! reading, reviewing, looking for renames, rewriting and reversing them ends in an answer and never in a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use super::random::Random;
use crate::catalog::Catalog;
use crate::project::Migration;
use crate::rename::{Draft, Hints, Options, candidates, decide, rewrite};
use crate::review::against::{Folder, Ground};
use crate::rules::Settings;
use crate::sql::Script;
use crate::undo::down::Down;
use crate::undo::grade;

/// In CI; `FUZZ_CASES=100000 FUZZ_SEED=7` plays more of them.
const CASES: u64 = 600;
/// However slow the machine is.
const TIME: Duration = Duration::from_secs(40);

/// What lexers and parsers stumble over.
const TOKENS: &[&str] = &[
    "\"",
    "'",
    "$$",
    "$a$",
    "--",
    "/*",
    "*/",
    "(",
    ")",
    ";",
    ",",
    ".",
    "\\",
    "\0",
    "\u{feff}",
    "é",
    "💥",
    "E'\\'",
    "U&\"",
    "NULL",
    "DROP",
    "TABLE",
    "COLUMN",
    "RENAME",
    "TO",
    "USING",
    "CASCADE",
    "-- prisma-safe:allow drop-column(",
    "BEGIN",
    "COMMIT",
    "AS",
    "::",
    "[",
    "9999999999",
];

fn seeds() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let sql = files.iter().filter(|path| path.extension().is_some_and(|it| it == "sql"));
    let cases = sql.flat_map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.split("-- case:").map(str::to_owned).collect::<Vec<_>>()
    });
    cases.filter(|case| !case.trim().is_empty() && case.len() < 4000).collect()
}

/// A case with up to eight changes, at boundaries of characters.
fn garbled(random: &mut Random, seeds: &[String]) -> String {
    let mut text = random.pick(seeds).clone();
    for _ in 0..=random.below(8) {
        let end = text.len();
        let (one, two) = (random.below(end + 1), random.below(end + 1));
        let (from, to) = (text.floor_char_boundary(one.min(two)), text.floor_char_boundary(one.max(two)));
        let to = text.floor_char_boundary(to.min(from + 80));
        match random.below(5) {
            0 => text.replace_range(from..to, ""),
            1 => text.insert_str(from, random.word(TOKENS)),
            2 => text.replace_range(from..to, random.word(TOKENS)),
            3 => {
                let piece = text[from..to].to_owned();
                text.insert_str(from, &piece);
            }
            _ => {
                let other = random.pick(seeds);
                let at = other.floor_char_boundary(random.below(other.len()));
                let piece = &other[at..other.floor_char_boundary((at + 120).min(other.len()))];
                text.insert_str(from, piece);
            }
        }
    }
    text
}

/// Everything that reads a migration's text.
fn read(base: &Migration, text: &str, settings: &Settings) {
    let migration = Migration { name: "2_garbled".into(), path: "/nonexistent/migration.sql".into(), sql: text.into() };
    let script = Script::parse(text);
    for statement in script.statements() {
        assert!(text.get(statement.range.clone()).is_some(), "a statement's range is within the text");
    }
    let before = Catalog::of("public", std::slice::from_ref(base));
    let folder = [base.clone(), migration.clone()];
    let place = Folder { migrations: &folder, directory: Path::new("/nonexistent") };
    let chosen = std::slice::from_ref(&migration);
    let review = Ground::offline(settings, "public").review(&place, chosen, None);
    for finding in review.findings() {
        let range = finding.range.clone().unwrap_or(0..0);
        assert!(text.get(range.clone()).is_some(), "{} stands at {range:?}", finding.rule);
    }
    let hints = Hints::default();
    let draft = Draft { migration: "2_garbled", script: &script, before: &before, hints: &hints };
    let found = candidates(&draft);
    if let Ok(decisions) = decide(&draft, &Options::default(), None)
        && let Ok(rewritten) = rewrite(&draft, &decisions)
    {
        Script::parse(rewritten.text.as_str());
    }
    drop(found);
    let _ = Down::of(&migration, &before);
    let _ = grade::graded(&before, &script);
}

#[test]
fn no_text_makes_the_product_panic() {
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (cases, seed) = (number("FUZZ_CASES", CASES), number("FUZZ_SEED", 1));
    let limit = if cases == CASES { TIME } else { Duration::MAX };
    let (seeds, start) = (seeds(), Instant::now());
    assert!(seeds.len() > 200, "{} cases to begin with", seeds.len());
    let base = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/base.sql")).unwrap();
    let base =
        Migration { name: "1_base".into(), path: "/nonexistent/migration.sql".into(), sql: base.as_str().into() };
    let settings = Settings::new(&crate::rules::settings::Review::default(), None);
    let mut played = 0;
    for case in 0..cases {
        let text = garbled(&mut Random::new(seed.wrapping_mul(1_000_003).wrapping_add(case)), &seeds);
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&base, &text, &settings)));
        assert!(outcome.is_ok(), "case {case} of seed {seed} panics:\n{text}");
        played += 1;
        if start.elapsed() > limit {
            break;
        }
    }
    assert!(played >= 50, "only {played} cases were played in {:?}", start.elapsed());
}
