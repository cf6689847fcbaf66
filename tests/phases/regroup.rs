//! Several columns on one side of a plan: a merge through its phases and back; what makes no sense.

use super::{contract, deployed, songs};
use crate::journey::prisma_is_content;
use crate::support::{Prisma, Project};

const PERSON: &str = "model Person {
  id    Int     @id @default(autoincrement())
  /// as in the passport
  first String  @map(\"first_name\") @db.VarChar(40)
  /// may be missing
  last  String?
  email String?

  @@index([last, first])
}
";

const PERSON_SQL: &str = "CREATE TABLE \"Person\" (
  \"id\" SERIAL NOT NULL,
  \"first_name\" VARCHAR(40) NOT NULL,
  \"last\" TEXT,
  \"email\" TEXT,
  CONSTRAINT \"Person_pkey\" PRIMARY KEY (\"id\")
);
CREATE INDEX \"Person_last_first_name_idx\" ON \"Person\"(\"last\", \"first_name\");
";

fn people() -> Project {
    let project = Project::prisma7().schema(PERSON).migration("20250101000000_init", PERSON_SQL).applied();
    project.write("prisma-safe.toml", "[contract]\nafter = \"0s\"\n");
    project.database().execute(
        "INSERT INTO \"Person\" (first_name, last, email) SELECT 'f' || n, CASE WHEN n % 5 > 0 THEN 'l ' || n END, 'e' FROM generate_series(1, 300) n",
    );
    project
}

const MERGE: [&str; 10] = [
    "phases",
    "merge",
    "Person.first",
    "Person.last",
    "--into",
    "name String: concat_ws(' ', first_name, last)",
    "--back",
    "first: split_part(name, ' ', 1)",
    "--back",
    "last: nullif(substr(name, length(split_part(name, ' ', 1)) + 2), '')",
];

#[test]
fn columns_are_merged_and_an_abort_goes_back() {
    let project = people();
    let (database, before) = (project.database(), project.read("prisma/schema.prisma"));
    let columns = "SELECT column_name, is_nullable, column_default FROM information_schema.columns WHERE table_name = 'Person' ORDER BY 1";
    let definition = database.rows(columns);
    database.execute("UPDATE \"Person\" SET first_name = 'two words' WHERE id = 9");
    project.run(MERGE).exits(3).says("would not come back").says("id = 9");
    database.execute("UPDATE \"Person\" SET first_name = 'f9' WHERE id = 9");
    project.run(MERGE).succeeds().says("the index Person_last_first_name_idx goes");
    let schema = project.read("prisma/schema.prisma");
    assert!(
        schema.contains("  name  String?\n  first String? @db.VarChar(40) @map(\"first_name\") @ignore"),
        "{schema}"
    );
    project.run(["review", "--pending"]).succeeds().says("pass");
    deployed(&project);

    // either side writes, whole or in part, before the backfill and after it
    let write = |from: u32| {
        database.execute(&format!(
            "UPDATE \"Person\" SET last = 'old' WHERE id = {}; UPDATE \"Person\" SET name = 'new one here' WHERE id = {};
             UPDATE \"Person\" SET last = NULL WHERE id = {}; UPDATE \"Person\" SET name = 'single' WHERE id = {};
             UPDATE \"Person\" SET email = 'x' WHERE id = {}",
            from, from + 1, from + 2, from + 3, from + 4
        ));
        let written = format!(
            "SELECT name, first_name, last FROM \"Person\" WHERE id BETWEEN {from} AND {} ORDER BY id",
            from + 4
        );
        assert_eq!(
            database.rows(&written),
            [
                format!("f{from} old|f{from}|old"),
                "new one here|new|one here".to_owned(),
                format!("f{0}|f{0}|", from + 2),
                "single|single|".to_owned(),
                format!("f{0} l {0}|f{0}|l {0}", from + 4),
            ]
        );
    };
    write(112);
    database.execute(
        "INSERT INTO \"Person\" (name) VALUES ('brand new'); INSERT INTO \"Person\" (first_name) VALUES ('bare')",
    );
    let made = "SELECT name, first_name, last FROM \"Person\" WHERE id > 300 ORDER BY id";
    assert_eq!(database.rows(made), ["brand new|brand|new", "bare|bare|"]);
    for refused in
        ["UPDATE \"Person\" SET name = NULL WHERE id = 112", "UPDATE \"Person\" SET first_name = 'a b' WHERE id = 2"]
    {
        assert!(database.connect().batch_execute(refused).is_err(), "{refused}");
    }

    // back to the start from here, without loss
    project.run(["phases", "abort"]).succeeds();
    assert_eq!(project.read("prisma/schema.prisma"), before);
    deployed(&project);
    assert_eq!(database.rows(columns), definition);
    assert_eq!(database.value("SELECT count(*) FROM \"Person\" WHERE first_name IS NULL"), "0");
    assert_eq!(database.rows("SELECT first_name, last FROM \"Person\" WHERE id = 113"), ["new|one here"]);

    // and once more, to the end
    project.run(MERGE).succeeds().says("person_first_name_2").says("concat_ws");
    deployed(&project);
    project.run(["backfill", "--dry-run"]).succeeds().says("f1 | l 1");
    project.run(["backfill"]).succeeds().says("filled 302 rows");
    write(212);
    project.run(["phases", "next"]).succeeds();
    deployed(&project);
    database
        .execute("SET session_replication_role = replica; UPDATE \"Person\" SET last = 'behind' WHERE id IN (7, 8)");
    project.run(["phases", "next"]).exits(3).says("rows differ: id = 7 · id = 8").says("do not come back from name");
    database.execute("UPDATE \"Person\" SET first_name = 'f', last = 'l' WHERE id IN (7, 8)");
    contract(&project, "person_first_name_2");
    let schema = project.read("prisma/schema.prisma");
    assert!(schema.contains("  /// as in the passport\n  name  String\n  email String?\n\n}"), "{schema}");
    project.run(["migrate", "deploy"]).succeeds();
    prisma_is_content(Prisma::V7, &project);
    assert_eq!(database.value("SELECT count(*) FROM \"Person\" WHERE name IS NULL"), "0");
    assert_eq!(database.rows("SELECT name FROM \"Person\" WHERE id IN (7, 10) ORDER BY id"), ["f l", "f10"]);
    let left =
        "SELECT count(*) FROM pg_class c WHERE c.relname LIKE 'phase_%' AND c.relnamespace = 'public'::regnamespace";
    assert_eq!(database.value(left), "0");
    project.run(["rollback"]).succeeds().says("column Person.first_name").says("column Person.last");
    database.execute("UPDATE \"Person\" SET first_name = 'again' WHERE id = 10");
    assert_eq!(
        database.rows("SELECT first_name, last, name FROM \"Person\" WHERE id IN (9, 10) ORDER BY id"),
        ["f9|l 9|f9 l 9", "again||again"]
    );
}

#[test]
fn a_split_or_merge_that_makes_no_sense_is_refused() {
    let project = songs();
    let split: &[&str] = &["split", "Song.artist", "--into", "a: artist", "--into", "b: title", "--back", "a"];
    for (arguments, exit, says) in [
        (&["split", "Song.artist", "--into", "a: artist", "--back", "a"][..], 2, "two new columns or more"),
        (&["split", "Song.artist", "--into", "a: artist", "--into", "b: artist"], 2, "--back"),
        (&["split", "Song.artist", "--into", "a", "--into", "b: artist", "--back", "a"], 2, "write it like"),
        (&["split", "Song.artist", "--into", "a: artist", "--into", "a: artist", "--back", "a"], 2, "a is named twice"),
        (
            &["split", "Song.artist", "--into", "a: artist", "--into", "title: artist", "--back", "a"],
            2,
            "has a column title",
        ),
        (&["split", "Song.artist", "--into", "a: nobody", "--into", "b: artist", "--back", "a"], 2, "nobody"),
        (&["split", "Song.artist", "--into", "a: artist", "--into", "b: artist", "--back", "nobody"], 2, "nobody"),
        (&["split", "Song.artist", "--into", "a Nix: artist", "--into", "b: artist", "--back", "a"], 1, "Nix"),
        (&["split", "Song.artist", "--into", "a: artist", "--into", "b: NULL", "--back", "a"], 3, "do not go over"),
        (
            &["split", "Song.artist", "--into", "a: artist", "--into", "b: artist", "--back", "a || 'x'"],
            3,
            "would not come back",
        ),
        (
            &["split", "Song.artist", "--into", "a: nullif(artist, 'nobody')", "--into", "b: artist", "--back", "a"],
            3,
            "leave Song.artist out",
        ),
        (&["merge", "Song.artist", "--into", "a: artist", "--back", "artist: a"], 2, "2 values required"),
        (
            &["merge", "Song.artist", "Song.title", "--into", "a: artist", "--back", "artist: a"],
            2,
            "what Song.title holds",
        ),
        (
            &["merge", "Song.artist", "Song.title", "--into", "a: artist", "--back", "artist: a", "--back", "genre: a"],
            2,
            "--back names genre",
        ),
        (&["merge", "Song.artist", "Song.artist", "--into", "a: artist", "--back", "artist: a"], 2, "named twice"),
        (
            &["merge", "Song.artist", "Song.id", "--into", "a: artist", "--back", "artist: a", "--back", "id: 1"],
            3,
            "the primary key",
        ),
    ] {
        project.run([&["phases"], arguments].concat()).exits(exit).says(says);
    }
    assert_eq!((project.migrations().len(), project.files("prisma/phases")), (1, Vec::new()));
    // what a person accepts to lose
    project.run([&["phases"], split, &["--lossy"]].concat()).succeeds();
    let file = project.files("prisma/phases").remove(0);
    let text = project.read(&file);
    assert!(text.contains("lossy = true"), "{text}");
    project.write(&file, &text.replacen("kind = \"split\"", "kind = \"rename\"", 1));
    project.run(["phases"]).exits(2).says("a split several [[new]]").says("^");
}
