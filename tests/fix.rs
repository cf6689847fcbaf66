//! `review --fix` on real projects: the fixed migrations deploy, leave the very catalog that the unfixed ones leave, and
//! Prisma finds nothing left to change.

use crate::support::Terminal;
use crate::support::project::Project;

const SCHEMA: &str = r#"
model Album {
  id    Int    @id @default(autoincrement())
  songs Song[]
}

model Song {
  id        Int     @id @default(autoincrement())
  title     String
  artist    String?
  albumId   Int?    @map("album_id")
  album     Album?  @relation(fields: [albumId], references: [id])
}
"#;

const INIT: &str = r#"-- CreateTable
CREATE TABLE "Album" ("id" SERIAL NOT NULL, CONSTRAINT "Album_pkey" PRIMARY KEY ("id"));

-- CreateTable
CREATE TABLE "Song" (
    "id" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "artist" TEXT,
    "album_id" INTEGER,

    CONSTRAINT "Song_pkey" PRIMARY KEY ("id")
);
"#;

/// Everything at once, as Prisma drafts it, and a check by hand.
const CHANGE: &str = r#"-- AlterTable
ALTER TABLE "Song" ADD COLUMN     "label" TEXT,
ALTER COLUMN "artist" SET NOT NULL;

-- AlterTable
ALTER TABLE "Song" ADD CONSTRAINT "Song_title_check" CHECK (char_length("title") < 1000);

-- CreateIndex
CREATE UNIQUE INDEX "Song_title_artist_key" ON "Song"("title", "artist");

-- CreateIndex
CREATE INDEX "Song_artist_idx" ON "Song"("artist");

-- AddForeignKey
ALTER TABLE "Song" ADD CONSTRAINT "Song_album_id_fkey" FOREIGN KEY ("album_id") REFERENCES "Album"("id") ON DELETE SET NULL ON UPDATE CASCADE;
"#;

const CHANGED: &str = r#"
model Album {
  id    Int    @id @default(autoincrement())
  songs Song[]
}

model Song {
  id        Int     @id @default(autoincrement())
  title     String
  artist    String
  label     String?
  albumId   Int?    @map("album_id")
  album     Album?  @relation(fields: [albumId], references: [id])

  @@unique([title, artist])
  @@index([artist])
}
"#;

/// Tables count as large from one row on.
const SETTINGS: &str =
    "[review]\nsmall-table-rows = 1\n[environments.test]\nhosts = [\"127.0.0.1\"]\nbackup = \"never\"\n";

fn changing(project: Project, change: &str) -> Project {
    let project = project.schema(SCHEMA).migration("20250101000000_init", INIT).rows("Song", 3);
    project.database().execute(r#"INSERT INTO "Album" SELECT FROM generate_series(1, 3)"#);
    project.write("prisma-safe.toml", SETTINGS);
    project.set_schema(CHANGED);
    project.add_migration("20250201000000_change", change);
    project
}

/// Columns, constraints and indexes as the server defines them.
fn catalog(project: &Project) -> Vec<String> {
    project.database().rows(
        "SELECT 'column ' || attrelid::regclass || ' ' || attname || ' ' || format_type(atttypid, atttypmod) || attnotnull
         FROM pg_attribute WHERE attrelid IN ('\"Song\"'::regclass, '\"Album\"'::regclass) AND attnum > 0 AND NOT attisdropped
         UNION ALL SELECT 'constraint ' || conname || ' ' || convalidated || ' ' || pg_get_constraintdef(oid)
         FROM pg_constraint WHERE conrelid IN ('\"Song\"'::regclass, '\"Album\"'::regclass)
         UNION ALL SELECT 'index ' || indisvalid || ' ' || pg_get_indexdef(indexrelid)
         FROM pg_index WHERE indrelid IN ('\"Song\"'::regclass, '\"Album\"'::regclass) ORDER BY 1",
    )
}

fn fixed_everywhere(project: Project, plain: Project) {
    let plain = changing(plain, CHANGE);
    plain.database().execute(CHANGE);
    plain.database().execute(r#"CREATE INDEX "Song_album_id_idx" ON "Song"("album_id")"#);

    let project = changing(project, CHANGE);
    let before = project.files("prisma");
    project.run(["review", "--fix", "--dry-run"]).says("Song_artist_idx");
    assert_eq!(project.files("prisma"), before);
    assert_eq!(project.newest_migration(), CHANGE);

    project.run(["review", "--fix", "--yes"]).succeeds();
    assert_eq!(
        project.migrations(),
        [
            "20250101000000_init",
            "20250201000000_change",
            "20250201000001_build_Song_title_artist_key",
            "20250201000002_build_Song_artist_idx",
            "20250201000003_build_Song_album_id_idx",
            "20250201000004_validate_change",
            "20250201000005_require_change",
        ]
    );
    assert!(project.read("prisma/schema.prisma").contains("  @@index([albumId])\n}"));
    let text = project.read("prisma/migrations/20250201000000_change/migration.sql");
    assert!(
        text.contains(r#"ADD CONSTRAINT "Song_artist_not_null_check" CHECK ("artist" IS NOT NULL) NOT VALID;"#),
        "{text}"
    );
    assert!(!text.contains("CREATE"), "{text}");
    // a second time there is nothing left to do
    project.run(["review", "--fix", "--yes"]).succeeds();
    assert_eq!(project.migrations().len(), 7);

    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(catalog(&project), catalog(&plain));
    project.prisma(["migrate", "dev", "--name", "drift", "--create-only"]).succeeds();
    assert_eq!(project.migrations().len(), 8);
    assert!(project.newest_migration().contains("This is an empty migration"), "{}", project.newest_migration());
}

#[test]
fn fixed_migrations_leave_the_same_catalog_with_prisma_7() {
    fixed_everywhere(Project::prisma7(), Project::prisma7());
}

#[test]
fn fixed_migrations_leave_the_same_catalog_with_prisma_6() {
    fixed_everywhere(Project::prisma6(), Project::prisma6());
}

#[test]
fn plain_prisma_deploys_what_was_fixed_and_wrapped() {
    let project = changing(Project::prisma7(), CHANGE);
    project.run(["review", "--fix", "--wrap", "--yes"]).succeeds();
    let text = project.read("prisma/migrations/20250201000000_change/migration.sql");
    assert!(text.starts_with("BEGIN;\nSET LOCAL lock_timeout = '3000ms';\n") && text.ends_with("COMMIT;\n"), "{text}");
    project.prisma(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().rows("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), ["0"]);
    project.prisma(["migrate", "status"]).succeeds().says("up to date");
}

#[test]
fn a_single_index_is_built_concurrently_where_it_stands() {
    let project =
        changing(Project::prisma7(), "-- CreateIndex\nCREATE INDEX \"Song_artist_idx\" ON \"Song\"(\"artist\");\n");
    project.run(["review", "--fix", "--yes"]).succeeds();
    assert_eq!(
        project.newest_migration(),
        "-- CreateIndex\nCREATE INDEX CONCURRENTLY \"Song_artist_idx\" ON \"Song\"(\"artist\");\n"
    );
    assert_eq!(project.migrations().len(), 2);
}

#[test]
fn nothing_is_written_without_a_word_and_nothing_that_is_applied() {
    let project = changing(Project::prisma7(), CHANGE);
    project.run(["review", "--fix"]).exits(2).says("--yes");
    assert_eq!((project.newest_migration().as_str(), project.migrations().len()), (CHANGE, 2));
    project.run(["review", "--fix", "--yes", "init"]).exits(3).says("is applied already");
    assert_eq!(project.read("prisma/migrations/20250101000000_init/migration.sql"), INIT);
}

/// A foreign key to the new unique columns needs the index at once.
#[test]
fn what_a_later_statement_needs_stays() {
    let change = "CREATE UNIQUE INDEX \"Song_title_key\" ON \"Song\"(\"title\");\n\
                  CREATE TABLE \"Cover\" (\"title\" TEXT REFERENCES \"Song\"(\"title\"));\n\
                  ALTER TABLE \"Song\" ADD CONSTRAINT \"c\" CHECK (\"id\" > 0);\n\
                  ALTER TABLE \"Song\" RENAME COLUMN \"artist\" TO \"singer\";\n";
    let project = changing(Project::prisma7(), change);
    project.run(["review", "--fix", "--yes"]);
    assert_eq!((project.newest_migration().as_str(), project.migrations().len()), (change, 2));
}

/// At a terminal the person sees the difference and is asked; a no leaves every file as it was.
#[test]
fn a_person_is_asked_before_anything_is_written() {
    let project = changing(Project::prisma7(), CHANGE);
    let before = project.files("prisma");
    let start = || Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["review", "--fix"]));
    let mut terminal = start();
    terminal.sees("NOT VALID").sees("Write these changes?").types("n");
    let (_, seen) = terminal.ends();
    assert_eq!(project.files("prisma"), before, "{seen}");
    assert_eq!(project.newest_migration(), CHANGE);
    let mut terminal = start();
    terminal.sees("Write these changes?").types("y");
    let (status, seen) = terminal.ends();
    assert_eq!((status, project.migrations().len()), (0, 7), "{seen}");
}

/// A byte order mark and UTF-16 are errors of the review, not only of the deploy, and are put right.
#[test]
fn another_encoding_is_put_right() {
    let utf16: Vec<u8> =
        "\u{feff}ALTER TABLE \"Song\" ADD COLUMN \"label\" TEXT;\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = "\u{feff}ALTER TABLE \"Song\" ADD COLUMN \"label\" TEXT;\n".as_bytes().to_vec();
    for (bytes, what) in [(marked, "byte order mark"), (utf16, "UTF-16")] {
        let project = Project::prisma7().schema(SCHEMA).migration("20250101000000_init", INIT).applied();
        project.add_migration("20250201000000_change", "");
        let path = project.path("prisma/migrations/20250201000000_change/migration.sql");
        std::fs::write(&path, bytes).unwrap();
        project.run(["review", "--offline"]).exits(3).says("unreadable-sql").says(what);
        project.run(["review"]).exits(3).says(what);
        project.run(["migrate", "deploy"]).exits(2).says(what);
        project.run(["review", "--fix", "20250201000000_change", "--yes"]).succeeds().says("save it as UTF-8");
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "ALTER TABLE \"Song\" ADD COLUMN \"label\" TEXT;\n",
            "{what}"
        );
        project.run(["migrate", "deploy"]).succeeds();
    }
}

/// Every rule that has a fix, with names that need quotes: the files that it writes run on a server, and leave what the file as it was
/// would have left.
#[test]
fn the_sql_of_every_fix_runs_and_leaves_the_same_catalog() {
    const HISTORY: &str = "CREATE SCHEMA \"Odd One\";\n\
        CREATE TABLE \"Odd One\".\"order\" (\"user\" INTEGER NOT NULL, \"Title\" TEXT NOT NULL, \"group\" INTEGER, \"Sum\" INTEGER);\n\
        CREATE TABLE \"Odd One\".\"Group\" (\"id\" INTEGER PRIMARY KEY, \"name\" TEXT);\n\
        CREATE INDEX \"order Title\" ON \"Odd One\".\"order\"(\"Title\");\n\
        CREATE INDEX \"order group\" ON \"Odd One\".\"order\"(\"group\");\n\
        INSERT INTO \"Odd One\".\"Group\" VALUES (1, 'a');\n\
        INSERT INTO \"Odd One\".\"order\" VALUES (1, 'b', 1, 2);\n";
    const ORDER: &str = "\"Odd One\".\"order\"";
    let cases = [
        (
            "blocking-index",
            "ALTER TABLE {t} ADD COLUMN \"more\" TEXT; CREATE UNIQUE INDEX \"a b\" ON {t}(lower(\"Title\") DESC) WHERE \"user\" > 0;",
        ),
        (
            "blocking-index",
            "ALTER TABLE {t} ADD COLUMN \"more\" TEXT; ALTER TABLE {t} ADD CONSTRAINT \"a b\" UNIQUE (\"user\", \"Title\");",
        ),
        (
            "blocking-index",
            "ALTER TABLE {t} ADD COLUMN \"more\" TEXT; ALTER TABLE {t} ADD CONSTRAINT \"order pkey\" PRIMARY KEY (\"user\");",
        ),
        (
            "concurrently-in-transaction",
            "ALTER TABLE {t} ADD COLUMN \"more\" TEXT; CREATE INDEX CONCURRENTLY \"a b\" ON {t}(\"user\");",
        ),
        (
            "concurrently-in-transaction",
            "ALTER TABLE {t} ADD COLUMN \"more\" TEXT; DROP INDEX CONCURRENTLY \"Odd One\".\"order Title\";",
        ),
        ("validated-constraint", "ALTER TABLE {t} ADD CONSTRAINT \"a b\" CHECK (\"Title\" <> ';' AND \"user\" > 0);"),
        (
            "validated-constraint",
            "ALTER TABLE {t} ADD CONSTRAINT \"a b\" FOREIGN KEY (\"group\") REFERENCES \"Odd One\".\"Group\"(\"id\") ON DELETE SET NULL;",
        ),
        (
            "validated-constraint",
            "ALTER TABLE {t} ADD CONSTRAINT \"a b\" CHECK (\"user\" > 0) NOT VALID; ALTER TABLE {t} VALIDATE CONSTRAINT \"a b\";",
        ),
        ("set-not-null", "ALTER TABLE {t} ALTER COLUMN \"group\" SET NOT NULL, ALTER COLUMN \"Sum\" SET NOT NULL;"),
    ];
    for (rule, change) in cases {
        let change = change.replace("{t}", ORDER).replace("; ", ";\n") + "\n";
        let start = || Project::prisma7().migration("20250101000000_init", HISTORY).applied();
        let (project, plain) = (start(), start());
        for statement in change.split_inclusive(";\n") {
            plain.database().execute(statement);
        }
        project.add_migration("20250201000000_change", &change);
        let found =
            project.run(["review", "--offline", "--format", "json", "20250201000000_change"]).json().to_string();
        assert!(found.contains(&format!("\"rule\":\"{rule}\"")), "{rule}: {found}");
        project.run(["review", "--offline", "--fix", "--yes", "20250201000000_change"]);
        let files: Vec<String> = project.migrations().split_off(1);
        let texts: Vec<String> =
            files.iter().map(|name| project.read(&format!("prisma/migrations/{name}/migration.sql"))).collect();
        assert_ne!(texts, [change.as_str()], "{rule} was to be fixed");
        for text in &texts {
            project.database().execute(text);
        }
        assert_eq!(odd(&project), odd(&plain), "{rule}\n{}", texts.join("\n"));
    }
}

/// Columns, constraints and indexes of the schema with the odd name; columns in any order.
fn odd(project: &Project) -> Vec<String> {
    project.database().rows(
        "SELECT 'column ' || c.relname || ' ' || attname || ' ' || format_type(atttypid, atttypmod) || attnotnull
         FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
         WHERE relnamespace = '\"Odd One\"'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
         UNION ALL SELECT 'constraint ' || conname || ' ' || convalidated || ' ' || pg_get_constraintdef(oid)
         FROM pg_constraint WHERE connamespace = '\"Odd One\"'::regnamespace
         UNION ALL SELECT 'index ' || indisvalid || ' ' || pg_get_indexdef(indexrelid)
         FROM pg_index JOIN pg_class i ON i.oid = indexrelid WHERE relnamespace = '\"Odd One\"'::regnamespace ORDER BY 1",
    )
}
