//! What holds for every script, whatever its text.

use std::ops::Range;

use proptest::prelude::*;

use super::*;

const SCRIPTS: &[&str] = &[
    "\u{feff}/*\r\n  Warnings:\r\n\r\n  - You are about to drop the column `a` on the `T` table.\r\n\r\n*/\r\n-- AlterTable\r\nALTER TABLE \"T\" DROP COLUMN \"a\",\r\nADD COLUMN     \"b\" TEXT NOT NULL DEFAULT 'ä';\r\n",
    "CREATE TYPE \"Role\" AS ENUM ('USER', 'it''s');\nCREATE TABLE \"U\" (\n    \"id\" SERIAL NOT NULL,\n    \"at\" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,\n    \"roles\" \"Role\"[] DEFAULT ARRAY['USER']::\"Role\"[],\n\n    CONSTRAINT \"U_pkey\" PRIMARY KEY (\"id\")\n);\n-- CreateIndex\nCREATE UNIQUE INDEX \"U_at_key\" ON \"U\"(\"at\" DESC, lower(x)) WHERE (at > 1);",
    "BEGIN; ALTER TYPE a ADD VALUE IF NOT EXISTS 'b' AFTER 'c'; COMMIT;;\nDO $x$ BEGIN ALTER TABLE a ADD b INT; END $x$; SET search_path = a, \"B\"",
    "ALTER TABLE a ADD CONSTRAINT b FOREIGN KEY (c) REFERENCES d.e(f) ON DELETE SET NULL NOT VALID, /* why */ ALTER c TYPE numeric(9, 2) USING c::numeric; UPDATE a SET b = 1, (c, d) = (1, 2) WHERE e; SELECT x::flo$1at",
    "CREATE INDEX CONCURRENTLY ON U&\"d\\0061t\" USING gin (a jsonb_path_ops) INCLUDE (b); CREATE SEQUENCE s OWNED BY a.b.c; ALTER INDEX i RENAME TO j; DROP TABLE IF EXISTS a, b CASCADE",
];

/// Checks what must hold, and that nothing panics.
fn check(text: &str) {
    let script = Script::parse(text);
    assert_eq!(script.text(), text);
    let statements: Vec<Range<usize>> = script.statements().iter().map(|statement| statement.range.clone()).collect();
    let comments: Vec<Range<usize>> = script.comments().iter().map(|comment| comment.range.clone()).collect();
    ordered(text, &statements);
    ordered(text, &comments);
    for comment in script.comments() {
        assert_eq!(comment.text, text[comment.range.clone()]);
    }
    for Statement { range, kind, .. } in script.statements() {
        if let StatementKind::AlterTable { actions, .. } = kind {
            let actions: Vec<Range<usize>> = actions.iter().map(|action| action.range.clone()).collect();
            ordered(text, &actions);
            assert!(actions.iter().all(|action| range.start <= action.start && action.end <= range.end));
        }
    }
    for error in script.errors() {
        assert!(error.range.end <= text.len());
    }
    for offset in 0..=text.len() + 1 {
        script.position(offset);
    }
    if script.errors().is_empty() {
        covered(text, &statements, &comments);
    }
    let (_, _) = (script.atomicity(), script.warnings_header());
    let mut catalog = crate::catalog::Catalog::new("public");
    catalog.apply(&script, "m");
    assert!(catalog.differences(&catalog.clone()).is_empty());
}

/// In order, without overlap, and between characters.
fn ordered(text: &str, ranges: &[Range<usize>]) {
    assert!(ranges.iter().all(|range| text.get(range.clone()).is_some()));
    assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
}

/// Outside statements and comments stand only white space and stray semicolons.
fn covered(text: &str, statements: &[Range<usize>], comments: &[Range<usize>]) {
    let mut rest = text.as_bytes().to_vec();
    for range in statements.iter().chain(comments) {
        rest[range.clone()].fill(b' ');
    }
    let rest = String::from_utf8(rest).expect("ranges end between characters");
    assert_eq!(rest.trim_matches(|c: char| c.is_whitespace() || c == ';' || c == '\u{feff}'), "", "{text}");
}

#[test]
fn known_scripts() {
    for text in SCRIPTS {
        check(text);
        check(&text.replace('\n', "\r\n"));
    }
    assert!(SCRIPTS[..3].iter().all(|text| Script::parse(*text).errors().is_empty()));
}

#[test]
fn no_depth_ends_the_program() {
    let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(Script::parse(deep).errors(), []);
    let deeper = Script::parse("(".repeat(1_000_000));
    assert_eq!(deeper.errors().len(), 1);
    assert_eq!(deeper.errors()[0].range, 0..1_000_000);
}

#[test]
fn positions_as_editors_count() {
    let script = Script::parse("\u{feff}-- ä\r\nSELECT 'ä', 1;");
    let at = |offset| {
        let Position { line, column } = script.position(offset);
        (line, column)
    };
    assert_eq!(at(0), (1, 1));
    assert_eq!(at(3), (1, 1));
    assert_eq!(at(script.text().find('S').expect("there")), (2, 1));
    assert_eq!(at(script.text().find('1').expect("there")), (2, 13));
    assert_eq!(at(1000), (2, 15));
}

#[test]
fn comments_and_the_warnings_header() {
    let script = Script::parse(SCRIPTS[0]);
    let header = script.warnings_header().expect("there");
    assert!(script.text()[header.clone()].starts_with("/*") && script.text()[header].ends_with("*/"));
    let texts: Vec<&str> = script.comments().iter().skip(1).map(|comment| comment.text.as_str()).collect();
    assert_eq!(texts, ["-- AlterTable"]);
    assert_eq!(Script::parse("SELECT 1; /* Warnings: late */").warnings_header(), None);
    assert_eq!(Script::parse("/* hello */ -- Warnings:\nSELECT 1;").warnings_header(), None);
}

#[test]
fn statements_begin_at_their_first_word() {
    let text = "-- a\nSELECT 1 ; /* b */ ALTER TABLE t ADD x INT, DROP y;-- c\nUPDATE t SET a = 1";
    let script = Script::parse(text);
    let texts: Vec<&str> = script.statements().iter().map(|statement| &text[statement.range.clone()]).collect();
    assert_eq!(texts, ["SELECT 1 ;", "ALTER TABLE t ADD x INT, DROP y;", "UPDATE t SET a = 1"]);
    let StatementKind::AlterTable { actions, .. } = &script.statements()[1].kind else { panic!() };
    assert_eq!(&text[actions[1].range.clone()], "DROP y");
}

proptest! {
    #[test]
    fn broken_scripts(
        which in 0..SCRIPTS.len(),
        at in any::<prop::sample::Index>(),
        length in 0usize..12,
        insert in prop_oneof!["[ -~]{0,3}", Just("'".to_owned()), Just("$$".to_owned()), Just("/*".to_owned()), "\\PC{0,2}"],
    ) {
        let mut chars: Vec<char> = SCRIPTS[which].chars().collect();
        let start = at.index(chars.len());
        let end = (start + length).min(chars.len());
        chars.splice(start..end, insert.chars());
        check(&chars.into_iter().collect::<String>());
    }

    #[test]
    fn any_text(text in "\\PC{0,60}") {
        check(&text);
    }
}
