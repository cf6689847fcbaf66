//! What people see, as snapshots; and no report stumbles over any SQL.

use std::path::Path;

use proptest::prelude::*;

use super::{Format, Look, render};
use crate::project::Migration;
use crate::review::{Request, review};
use crate::rules::tests::cases::settings;
use crate::rules::tests::review_text;

const SONG: &str =
    "CREATE TABLE \"Song\" (\"id\" SERIAL NOT NULL, \"artist\" VARCHAR(200), \"title\" TEXT);\n-- migration\n";

const FORMATS: [Format; 6] =
    [Format::Human, Format::Json, Format::Sarif, Format::Github, Format::Markdown, Format::Html];

fn shown(sql: &str, format: Format) -> String {
    let look = Look { color: false, width: 100, root: Path::new("") };
    render(&review_text(&format!("{SONG}{sql}")), format, look)
}

#[test]
fn a_harmless_change_is_one_calm_line() {
    insta::assert_snapshot!(shown("ALTER TABLE \"Song\" ADD COLUMN \"label\" TEXT;\n", Format::Human), @"pass: no findings in 1 migration; nothing blocks a deploy (offline: no data was looked at)");
}

/// A thousand warnings of one kind are a few and a line; an error is never one of many.
#[test]
fn many_findings_of_one_kind_are_told_once() {
    let columns: String = (0..40).map(|n| format!(", \"c{n}\" TEXT")).collect();
    let table = format!("CREATE TABLE \"Wide\" (\"id\" INT{columns});\n-- migration\n");
    let all = |statement: &dyn Fn(usize) -> String| {
        let sql: String = (0..40).map(statement).collect();
        let look = Look { color: false, width: 100, root: Path::new("") };
        render(&review_text(&format!("{table}{sql}")), Format::Human, look)
    };
    let renames = all(&|n| format!("ALTER TABLE \"Wide\" RENAME COLUMN \"c{n}\" TO \"d{n}\";\n"));
    assert_eq!(renames.matches("warning[breaking-rename]").count(), 4, "{renames}");
    assert!(renames.contains("37 more like") && renames.contains("40 warnings"), "{renames}");
    let drops = all(&|n| format!("ALTER TABLE \"Wide\" DROP COLUMN \"c{n}\";\n"));
    assert_eq!(drops.matches("error[drop-column]").count(), 40);
}

#[test]
fn a_draft_of_a_rename() {
    let draft = "/*\n  Warnings:\n\n  - You are about to drop the column `artist`.\n\n*/\n-- AlterTable\n\
                 ALTER TABLE \"Song\" DROP COLUMN \"artist\",\nADD COLUMN     \"artist_name\" VARCHAR(200);\n";
    insta::assert_snapshot!("draft_human", shown(draft, Format::Human));
    insta::assert_snapshot!("draft_github", shown(draft, Format::Github));
    insta::assert_snapshot!("draft_markdown", shown(draft, Format::Markdown));
    insta::assert_snapshot!("draft_json", shown(draft, Format::Json));
}

/// Three migrations that are each fine, and together not; then two that are.
#[test]
fn several_migrations_are_judged_together() {
    let together = |sqls: &[&str]| {
        let migration = |(at, sql): (usize, &str)| Migration {
            name: format!("m{at}"),
            path: format!("prisma/migrations/m{at}/migration.sql").into(),
            sql: sql.into(),
        };
        let init = SONG.trim_end_matches("-- migration\n");
        review(Request {
            migrations: &sqls.iter().copied().enumerate().map(|(at, sql)| migration((at + 1, sql))).collect::<Vec<_>>(),
            world: None,
            earlier: &[migration((0, init))],
            default_schema: "public",
            live: None,
            identity: None,
            settings: &settings(),
            standing: Vec::new(),
        })
    };
    let bad = together(&[
        "ALTER TABLE \"Song\" ADD COLUMN \"label\" TEXT; CREATE INDEX i ON \"Song\"(artist); CREATE INDEX j ON \"Song\"(title);\n\
         CREATE TABLE \"Tag\" (id INT); CREATE INDEX t ON \"Tag\"(id);",
        "ALTER TABLE \"Song\" RENAME TO \"Track\"; ALTER INDEX j RENAME TO k; ALTER TABLE \"Track\" RENAME COLUMN \"label\" TO \"brand\";\n\
         ALTER TABLE \"Tag\" ADD COLUMN name TEXT;",
        "ALTER TABLE \"Track\" DROP COLUMN \"brand\"; DROP INDEX k; ALTER TABLE \"Track\" ALTER COLUMN id TYPE BIGINT; DROP TABLE \"Tag\";",
    ]);
    let said: Vec<String> = bad.together.iter().map(|remark| remark.message.clone()).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    `Track` is locked in 3 migrations (m1, m2, m3), which blocks all access, for how long is not known: in one migration its lock is waited for once
    column `brand` of `Track` is added in m1 and dropped again in m3: leave both out, unless something between them needs it
    index `k` on `Track` is built in m1 and dropped again in m3: leave both out, unless something between them needs it
    index `i` is built in m1 and once more in m3, which rewrites `Track`: build it after that
    table `Tag` is created in m1 and dropped again in m3: leave both out, unless something between them needs it
    ");
    let look = Look { color: false, width: 100, root: Path::new("") };
    for format in FORMATS {
        let text = render(&bad, format, look);
        assert!(text.contains("in m1 and dropped again in m3"), "{format:?}: {text}");
    }
    let good = together(&[
        "CREATE INDEX i ON \"Song\"(artist);",
        "DROP INDEX IF EXISTS other; ALTER TABLE \"Song\" ADD COLUMN a INT;",
    ]);
    assert_eq!(good.together, []);
    assert!(
        !render(&good, Format::Human, look).contains("together")
            && !render(&good, Format::Json, look).contains("together")
    );
    // what one migration makes and drops again is its own matter
    assert_eq!(
        together(&[
            "CREATE TABLE x (id INT); DROP TABLE x; ALTER TABLE \"Song\" ADD y INT; ALTER TABLE \"Song\" DROP y;",
            "SELECT 1;"
        ])
        .together,
        []
    );
}

#[test]
fn accepted_unused_and_unreadable() {
    let sql = "-- prisma-safe:allow drop-column(Song.artist): unused since 2.3\n\
               -- prisma-safe:allow drop-column(Song.singer): a slip\n\
               ALTER TABLE \"Song\" DROP COLUMN \"artist\";\nCREATE INDEX \"i\" ON \"Song\"(\"title\");\n";
    insta::assert_snapshot!("accepted_human", shown(sql, Format::Human));
    insta::assert_snapshot!("unreadable_human", shown("ALTER TABEL \"Song\";\n", Format::Human));
}

#[test]
fn names_reach_no_terminal_and_no_page_as_markup() {
    let sql = "ALTER TABLE \"Song\" ADD COLUMN \"a\u{1b}[31m<script>alert(1)</script>`|\" TEXT NOT NULL;\n";
    let human = shown(sql, Format::Human);
    assert!(!human.contains('\u{1b}'), "{human:?}");
    assert!(!shown(sql, Format::Html).contains("<script>"));
    assert!(!shown(sql, Format::Github).contains('\n') || shown(sql, Format::Github).lines().count() == 2);
}

/// Pieces of migrations, cut and joined at random.
fn mutated() -> impl Strategy<Value = String> {
    let pieces = vec![
        "ALTER TABLE \"Song\" ",
        "DROP COLUMN \"artist\"",
        "ADD COLUMN \"x\" TEXT NOT NULL",
        ",\n",
        ";\r\n",
        "RENAME TO \"T\"",
        "ALTER COLUMN \"artist\" TYPE INTEGER USING ",
        "CREATE UNIQUE INDEX i ON \"Song\"(",
        "\"title\"",
        ")",
        "(",
        "'",
        "\"",
        "$$",
        "DO $$ ",
        "-- prisma-safe:allow drop-column(Song.artist): r\n",
        "-- prisma-safe:allow ",
        "/*",
        "*/",
        "UPDATE ",
        "SET x = 1",
        "ä\u{1F3B5}",
        "\u{feff}",
        "DELETE FROM \"Song\"",
        "BEGIN;",
        "COMMIT;",
        "CREATE TYPE r AS ENUM ('a');",
        "ALTER TYPE r ADD VALUE 'b';",
        "x::flo$1at",
        "TRUNCATE \"Song\" CASCADE;",
        "\0",
        "REINDEX TABLE \"Song\";",
    ];
    prop::collection::vec((prop::sample::select(pieces), 0_usize..60), 1..14)
        .prop_map(|parts| parts.into_iter().map(|(piece, keep)| &piece[..piece.floor_char_boundary(keep)]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn no_report_stumbles(sql in mutated()) {
        let review = review_text(&format!("{SONG}{sql}"));
        for finding in review.findings() {
            if let Some(range) = &finding.range {
                prop_assert!(review.migrations[0].sql.get(range.clone()).is_some(), "{range:?}");
            }
        }
        for format in FORMATS {
            let text = render(&review, format, Look { color: true, width: 80, root: Path::new("") });
            prop_assert!(text.ends_with('\n'));
        }
    }
}
