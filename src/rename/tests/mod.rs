//! Whole journeys over text: drafts of real Prisma with their rewrites, and generated drafts with known renames.

mod certain;
mod generated;
mod phased;

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::exit::Exit;

/// One file of tests/rename/cases: what stands under `=== title`.
pub(super) struct Case {
    pub(super) name: String,
    text: String,
}

impl Case {
    pub(super) fn section(&self, title: &str) -> String {
        let head = format!("=== {title}\n");
        let Some((_, rest)) = self.text.split_once(&head) else { return String::new() };
        let end = if rest.starts_with("=== ") { Some(0) } else { rest.find("\n=== ") };
        rest[..end.unwrap_or(rest.len())].trim_end().to_owned() + "\n"
    }
}

pub(super) fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rename/cases");
    let mut cases: Vec<Case> = fs::read_dir(folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| Case {
            name: path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            text: fs::read_to_string(&path).expect("a case"),
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

pub(super) fn options(text: &str) -> Options {
    let mut options = Options::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.split_once(' ') {
            Some(("--rename", value)) => options.rename.push(value.to_owned()),
            Some(("--delete", value)) => options.delete.push(value.to_owned()),
            _ => panic!("not an option: {line}"),
        }
    }
    options
}

/// Rewrites, proves, and looks whether a second run leaves the result alone.
fn journey(before: &str, draft: &str, options: &Options, hints: &Hints) -> crate::error::Result<String> {
    let catalog = Catalog::replay("public", [("before", &Script::parse(before))]);
    let script = Script::parse(draft);
    let draft = Draft { migration: "m", script: &script, before: &catalog, hints };
    let result = rewrite(&draft, &decide(&draft, options, None)?)?;
    let proof = prove(&draft, &result)?;
    assert_eq!(proof.differences, Vec::<String>::new(), "{}", result.text);
    let again = Script::parse(result.text.as_str());
    let draft = Draft { script: &again, ..draft };
    let second = rewrite(&draft, &decide(&draft, &Options::default(), None)?)?;
    assert_eq!(second.text, result.text, "a second run changes nothing");
    assert_eq!(second.edits, []);
    Ok(result.text.to_string())
}

/// Each of these drafts comes from real Prisma, and each rewrite was run on a PostgreSQL with rows, which kept their values;
/// `prisma migrate diff` was empty then.
#[test]
fn real_drafts_are_rewritten_as_verified() {
    let cases = cases();
    assert!(cases.len() > 40, "only {} cases were found", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let hints = Hints {
            schema_before: vec![case.section("schema before")],
            schema_after: vec![case.section("schema after")],
            ..Hints::default()
        };
        let options = options(&case.section("options"));
        match journey(&case.section("before"), &case.section("draft"), &options, &hints) {
            Ok(text) if text.trim_end() == case.section("rewrite").trim_end() => {}
            Ok(text) => wrong.push(format!("{}\n{text}", case.name)),
            Err(error) => wrong.push(format!("{}: {error:?}", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n======\n"));
}

const BEFORE: &str = "CREATE TABLE \"Song\" (\n    \"id\" SERIAL NOT NULL,\n    \"artist\" TEXT NOT NULL,\n    \"price\" DECIMAL(10,4),\n\n    CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\")\n);\nCREATE UNIQUE INDEX \"Song_artist_key\" ON \"Song\"(\"artist\");\n";

const DRAFT: &str = "/*\n  Warnings:\n\n  - You are about to drop the column `artist` on the `Song` table. All the data in the column will be lost.\n  - hand-made line\n  - Added the required column `artist_name` to the `Song` table without a default value. This is not possible if the table is not empty.\n\n*/\n-- DropIndex\nDROP INDEX \"Song_artist_key\";\n\n-- my own words\n-- AlterTable\nALTER TABLE \"Song\" DROP COLUMN \"artist\", -- why\nADD COLUMN     \"artist_name\" TEXT NOT NULL;\n\n-- CreateIndex\nCREATE UNIQUE INDEX \"Song_artist_name_key\" ON \"Song\"(\"artist_name\");\n";

fn rename(text: &str) -> Options {
    Options { rename: vec![text.to_owned()], ..Options::default() }
}

#[test]
fn comments_and_foreign_lines_of_the_header_survive() {
    let text = journey(BEFORE, DRAFT, &rename("Song.artist:artist_name"), &Hints::default()).expect("a rewrite");
    let expected = "/*\n  Warnings:\n\n  - hand-made line\n\n*/\n-- prisma-safe:rename column Song.artist -> artist_name\nALTER TABLE \"Song\" RENAME COLUMN \"artist\" TO \"artist_name\";\nALTER INDEX \"Song_artist_key\" RENAME TO \"Song_artist_name_key\";\n\n-- my own words\n-- why\n";
    assert_eq!(text, expected);
}

#[test]
fn a_file_with_crlf_and_a_byte_order_mark_keeps_both() {
    let draft = format!("\u{feff}{}", DRAFT.replace('\n', "\r\n"));
    let text = journey(BEFORE, &draft, &rename("Song.artist:artist_name"), &Hints::default()).expect("a rewrite");
    assert!(text.starts_with('\u{feff}'));
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
}

fn exit(draft: &str, options: &Options) -> Option<(Exit, String)> {
    journey(BEFORE, draft, options, &Hints::default()).err().map(|error| (error.exit(), error.to_string()))
}

#[test]
fn wrong_options_are_usage_errors() {
    let draft = "ALTER TABLE \"Song\" DROP COLUMN \"artist\",\nADD COLUMN     \"performer\" TEXT NOT NULL;\n";
    let both = Options {
        rename: vec!["Song.artist:performer".into()],
        delete: vec!["Song.artist".into()],
        ..Options::default()
    };
    let twice = Options { rename: vec!["Song.artist:performer".into(), "Song.price:performer".into()], ..both.clone() };
    let wrong = [
        rename("Song.artist"),
        rename("Song.nobody:performer"),
        rename("Nothing.artist:performer"),
        rename("Song.artist:nobody"),
        rename("Song.price:performer"),
        rename("Song.artist:id"),
        rename("Song:Track"),
        rename("enum:Role:Kind"),
        rename("value:Role.A:B"),
        Options { delete: vec!["Song.price".into()], ..Options::default() },
        Options { delete: vec!["Song".into()], ..Options::default() },
        both,
        twice,
    ];
    for options in wrong {
        let found = exit(draft, &options);
        assert!(matches!(found, Some((Exit::Usage, _))), "{options:?}: {found:?}");
    }
}

#[test]
fn open_decisions_name_the_options_that_answer() {
    let draft = "ALTER TABLE \"Song\" DROP COLUMN \"artist\",\nADD COLUMN     \"artist name\" TEXT NOT NULL;\n";
    let (status, text) = exit(draft, &Options::default()).expect("an error");
    assert_eq!(status, Exit::Decision);
    assert!(text.contains("--rename 'Song.artist:\"artist name\"'"), "{text}");
    assert!(text.contains("--delete Song.artist"), "{text}");
    assert_eq!(exit(draft, &rename("Song.artist:\"artist name\"")), None);
    assert_eq!(exit(draft, &rename("Song.artist:artist name")), None, "without a shell's quotes' rests");
}

#[test]
fn what_would_lose_values_is_refused() {
    let draft = "ALTER TABLE \"Song\" DROP COLUMN \"price\",\nADD COLUMN     \"cost\" DECIMAL(10,2);\n";
    assert!(matches!(exit(draft, &rename("Song.price:cost")), Some((Exit::Refused, text)) if text.contains("rounded")));
    let draft = "ALTER TABLE \"Song\" ADD COLUMN \"name\" TEXT;\nUPDATE \"Song\" SET \"name\" = \"artist\";\nALTER TABLE \"Song\" DROP COLUMN \"artist\";\n";
    assert!(matches!(exit(draft, &rename("Song.artist:name")), Some((Exit::Refused, text)) if text.contains("line 2")));
}

#[test]
fn a_pure_drop_costs_no_question() {
    let draft = "ALTER TABLE \"Song\" DROP COLUMN \"artist\";\n";
    assert_eq!(exit(draft, &Options::default()), None);
}

/// A swap and a chain look like changes of type: they are asked about with all that belongs to them, and the options answer.
#[test]
fn chains_and_swaps_are_noticed() {
    let swap = "ALTER TABLE \"M\" ALTER COLUMN \"a\" SET DATA TYPE TEXT,\nDROP COLUMN \"b\",\nADD COLUMN     \"b\" INTEGER NOT NULL;\n";
    let chain = "ALTER TABLE \"M\" DROP COLUMN \"b\",\nADD COLUMN     \"a_old\" INTEGER NOT NULL,\nALTER COLUMN \"a\" SET DATA TYPE TEXT;\n";
    let before = "CREATE TABLE \"M\" (\n    \"id\" SERIAL NOT NULL,\n    \"a\" INTEGER NOT NULL,\n    \"b\" TEXT NOT NULL,\n\n    CONSTRAINT \"M_pkey\" PRIMARY KEY (\"id\")\n);\n";
    for (draft, answer) in [(swap, ["M.b:a", "M.a:b"]), (chain, ["M.b:a", "M.a:a_old"])] {
        let error = journey(before, draft, &Options::default(), &Hints::default()).expect_err("a question");
        assert_eq!(error.exit(), Exit::Decision);
        let options = answer.map(|answer| format!("--rename {answer}")).join(" ");
        assert!(error.to_string().contains(&options), "{error}");
        let options = Options { rename: answer.map(str::to_owned).to_vec(), ..Options::default() };
        let text = journey(before, draft, &options, &Hints::default()).expect("a rewrite");
        assert!(!text.contains("DROP COLUMN") && !text.contains("SET DATA TYPE"), "{text}");
        let dropped = Options { delete: vec!["M.b".into()], ..Options::default() };
        assert!(journey(before, draft, &dropped, &Hints::default()).is_ok());
    }
}

struct Scripted(Vec<&'static str>);

impl Asker for Scripted {
    fn choose(&mut self, question: &Question) -> crate::error::Result<Answer> {
        let wanted = self.0.remove(0);
        let found = question.choices.iter().find(|(label, _)| label.starts_with(wanted));
        Ok(found.unwrap_or_else(|| panic!("{wanted} is no choice of {question:?}")).1.clone())
    }
}

#[test]
fn answers_of_a_person_are_kept() {
    let script = Script::parse(DRAFT);
    let catalog = Catalog::replay("public", [("before", &Script::parse(BEFORE))]);
    let hints = Hints::default();
    let draft = Draft { migration: "m", script: &script, before: &catalog, hints: &hints };
    let ask = |answer| settle(&draft, &Options::default(), Some(&mut Scripted(vec![answer])));
    let renamed = ask("rename artist to artist_name").expect("decisions");
    assert_eq!(renamed.renames().count(), 1);
    let dropped = ask("really drop Song.artist").expect("decisions");
    assert_eq!(dropped.renames().count(), 0);
    let text = rewrite(&draft, &dropped).expect("a rewrite").text;
    assert!(text.contains("\n-- prisma-safe:delete column Song.artist\n"), "{text}");
    assert!(text.contains("DROP COLUMN \"artist\""));
    let expanded = ask("expand").expect("decisions");
    assert!(expanded.candidates.iter().any(|candidate| candidate.decision == Decision::Expand));
    assert_eq!(ask("cancel").expect_err("cancelled").exit(), Exit::Cancelled);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// No text makes it panic.
    #[test]
    fn any_script_is_survived(cut in 0usize..1000, noise in "[;,\"'()a-z -]{0,12}") {
        let at = DRAFT.floor_char_boundary(cut.min(DRAFT.len()));
        let text = format!("{}{noise}{}", &DRAFT[..at], &DRAFT[at..]);
        let script = Script::parse(text);
        let catalog = Catalog::replay("public", [("before", &Script::parse(BEFORE))]);
        let hints = Hints::default();
        let draft = Draft { migration: "m", script: &script, before: &catalog, hints: &hints };
        let _ = candidates(&draft);
        if let Ok(decisions) = decide(&draft, &rename("Song.artist:artist_name"), None)
            && let Ok(result) = rewrite(&draft, &decisions) {
            let _ = prove(&draft, &result);
        }
    }
}
