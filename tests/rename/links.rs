//! Links of implicit many-to-many relations: which column stands for which field hangs on names. Read by real generated
//! clients, of the schema before and of the schema after.

use super::asked::{commit, committed};
use crate::support::{Key, Project, Terminal};

const INIT: &str = "20250101000000_init";
const PUPIL: &str = "model Pupil {
  id      Int     @id @default(autoincrement())
  mentors Pupil[] @relation(\"Mentoring\")
  pupils  Pupil[] @relation(\"Mentoring\")
}
";

fn pupils() -> Project {
    let project = committed(PUPIL, |sql| sql);
    project.database().execute(
        "INSERT INTO \"Pupil\" SELECT FROM generate_series(1, 30); INSERT INTO \"_Mentoring\" \
         SELECT a, b FROM generate_series(1, 30) a, generate_series(1, 30) b WHERE a < b AND (a + b) % 4 = 0",
    );
    project
}

/// What the client of the present schema reads of pupil 3 through these two fields.
fn read(project: &Project, fields: [&str; 2]) -> [String; 2] {
    let generator = "generator client {\n  provider = \"prisma-client\"\n  output = \"../generated\"\n}\n";
    let schema = project.read("prisma/schema.prisma");
    project.write("client/schema.prisma", &format!("{generator}{schema}"));
    project.prisma(["generate", "--schema", "client/schema.prisma"]).succeeds();
    let [one, other] = fields;
    project.write(
        "read.mjs",
        &format!(
            "import {{ createJiti }} from 'jiti';\nprocess.loadEnvFile();\n\
             const {{ PrismaPg }} = await import('@prisma/adapter-pg');\n\
             const {{ PrismaClient }} = await createJiti(import.meta.url).import('./generated/client.ts');\n\
             const client = new PrismaClient({{ adapter: new PrismaPg({{ connectionString: process.env.DATABASE_URL }}) }});\n\
             const ids = {{ select: {{ id: true }}, orderBy: {{ id: 'asc' }} }};\n\
             const pupil = await client.pupil.findUnique({{ where: {{ id: 3 }}, select: {{ {one}: ids, {other}: ids }} }});\n\
             for (const field of ['{one}', '{other}']) console.log(pupil[field].map((other) => other.id).join(' '));\n\
             await client.$disconnect();\n"
        ),
    );
    let output = project.program("node", ["read.mjs"]).succeeds();
    let mut lines = output.stdout.lines().map(str::to_owned);
    let mut next = || lines.next().unwrap_or_default();
    [next(), next()]
}

/// Prisma drafts nothing, though the alphabet turns every link: it is found, and the columns change places.
#[test]
fn a_renamed_field_of_a_self_relation_turns_no_link() {
    let project = pupils();
    let [mentors, juniors] = read(&project, ["mentors", "pupils"]);
    assert_ne!(mentors, juniors);
    project.set_schema(&PUPIL.replace("  pupils ", "  juniors"));
    project.run(["migrate", "dev", "--non-interactive", "--name", "juniors"]).succeeds().says("RENAME COLUMN");
    let migrations = project.migrations();
    assert!(migrations.len() == 2 && migrations[1].ends_with("_juniors"), "{migrations:?}");
    assert_eq!(read(&project, ["mentors", "juniors"]), [mentors, juniors]);

    // not committed yet, and not turned once more
    project.run(["migrate", "dev", "--non-interactive", "--name", "again"]).succeeds().says("Already in sync");
    commit(&project);
    project.run(["migrate", "dev", "--non-interactive", "--name", "again"]).succeeds().says("Already in sync");
    crate::journey::prisma_is_content(crate::support::Prisma::V7, &project);
}

/// Neither Prisma nor a migration says anything of it: a review and a deploy compare the schemas.
#[test]
fn a_review_and_a_deploy_see_that_links_turn() {
    let project = pupils();
    let links = read(&project, ["mentors", "pupils"]);
    project.set_schema(&PUPIL.replace("  pupils ", "  juniors"));
    project.add_migration("20250102000000_age", "ALTER TABLE \"Pupil\" ADD COLUMN \"age\" INTEGER;\n");
    // not committed
    for arguments in [&["review", "--offline"][..], &["review", "--pending"], &["migrate", "deploy"]] {
        project.run(arguments).exits(3).says("error[many-to-many-swap]").says("Pupil.pupils became Pupil.juniors");
    }
    // committed without a migration of its own: the schema of the last applied migration's commit is known
    std::fs::remove_dir_all(project.path("prisma/migrations/20250102000000_age")).expect("removed");
    commit(&project);
    project.run(["migrate", "deploy"]).exits(3).says("nothing is pending, but Pupil.pupils became Pupil.juniors");
    project.run(["review"]).exits(3).says("many-to-many-swap");
    project.run(["review", "--deployed", "HEAD"]).succeeds().says_nothing_of("many-to-many-swap");
    project.run(["review", "--deployed", "HEAD~1"]).exits(3).says("many-to-many-swap");
    // `migrate dev` writes the exchange also when the schema was committed first
    project.run(["migrate", "dev", "--non-interactive", "--name", "juniors"]).succeeds().says("RENAME COLUMN");
    project.run(["migrate", "deploy"]).succeeds();
    project.run(["review"]).succeeds();
    assert_eq!(read(&project, ["mentors", "juniors"]), links);
}

/// Where nothing tells what the columns stood for, that is said, and it is no pass.
#[test]
fn links_that_nobody_could_check_are_said() {
    let project = pupils();
    std::fs::remove_dir_all(project.path(".git")).expect("the repository");
    project.add_migration("20250102000000_age", "ALTER TABLE \"Pupil\" ADD COLUMN \"age\" INTEGER;\n");
    let document = project.run(["review", "--format", "json"]).succeeds().json();
    assert_eq!(document["verdict"], "warn", "{document:#}");
    assert!(document["unchecked"].to_string().contains("links in _Mentoring"), "{document:#}");
}

/// Nobody can tell which is which: refused, and nothing is written.
#[test]
fn two_renamed_fields_of_a_self_relation_are_refused() {
    let project = pupils();
    project.set_schema(&PUPIL.replace("  pupils ", "  juniors").replace("  mentors", "  seniors"));
    for only in [&["--create-only"][..], &[]] {
        let arguments = ["migrate", "dev", "--non-interactive", "--name", "x"];
        project.run(arguments.iter().chain(only)).exits(3).says("_Mentoring");
        assert_eq!(project.migrations(), [INIT]);
    }
}

/// The relation's own name changes with it, and an unrelated column comes.
#[test]
fn a_renamed_relation_turns_no_link_either() {
    let project = pupils();
    let after = PUPIL
        .replace("  pupils ", "  juniors")
        .replace("Mentoring", "Guidance")
        .replace("  mentors", "  age Int?\n  mentors");
    project.set_schema(&after);
    let arguments = ["migrate", "dev", "--non-interactive", "--name", "x", "--rename", "_Mentoring:_Guidance"];
    project.run(arguments).succeeds();
    let links = "SELECT count(*) FROM \"_Guidance\" WHERE \"A\" > \"B\"";
    assert_eq!(project.database().value(links), project.database().value("SELECT count(*) FROM \"_Guidance\""));
}

/// Models renamed in Prisma alone: the tables keep their names, and the alphabet exchanges A and B. Prisma drafts other foreign keys.
#[test]
fn models_renamed_by_map_turn_no_link() {
    let before = "model Zebra {\n  id Int @id\n  tags Tag[] @relation(\"Marks\")\n}\nmodel Tag {\n  id Int @id\n  zebras Zebra[] @relation(\"Marks\")\n}\n";
    let project = committed(before, |sql| sql);
    let rows = "INSERT INTO \"Zebra\" VALUES (1), (2), (3); INSERT INTO \"Tag\" VALUES (1), (2), (3); INSERT INTO \"_Marks\" VALUES (1, 2), (1, 3)";
    project.database().execute(rows);
    project.set_schema(
        &before.replace("model Zebra {", "model Animal {\n  @@map(\"Zebra\")").replace("Zebra[]", "Animal[]"),
    );
    // Prisma's own draft is an error that names the way out
    let draft = "ALTER TABLE \"_Marks\" DROP CONSTRAINT \"_Marks_A_fkey\";\nALTER TABLE \"_Marks\" DROP CONSTRAINT \"_Marks_B_fkey\";\n\
        ALTER TABLE \"_Marks\" ADD CONSTRAINT \"_Marks_A_fkey\" FOREIGN KEY (\"A\") REFERENCES \"Zebra\"(\"id\") ON DELETE CASCADE ON UPDATE CASCADE;\n\
        ALTER TABLE \"_Marks\" ADD CONSTRAINT \"_Marks_B_fkey\" FOREIGN KEY (\"B\") REFERENCES \"Tag\"(\"id\") ON DELETE CASCADE ON UPDATE CASCADE;\n";
    project.add_migration("20250102000000_animal", draft);
    project.run(["review", "animal", "--offline"]).exits(3).says("prisma-safe rewrite 20250102000000_animal");
    project.run(["rewrite", "20250102000000_animal"]).succeeds();
    project.run(["review", "animal", "--offline"]).succeeds();
    std::fs::remove_dir_all(project.path("prisma/migrations/20250102000000_animal")).expect("the draft");
    project.run(["migrate", "dev", "--non-interactive", "--name", "x"]).succeeds().says_nothing_of("error[");
    // the tags of zebra 2 and 3 are in B now
    assert_eq!(project.database().rows("SELECT \"A\", \"B\" FROM \"_Marks\" ORDER BY 1"), ["2|1", "3|1"]);
    crate::journey::prisma_is_content(crate::support::Prisma::V7, &project);
}

/// An implicit relation becomes a model: one question for the table with both columns.
#[test]
fn a_join_table_becomes_a_model() {
    let before = "model Actor {\n  id Int @id\n  films Film[]\n}\nmodel Film {\n  id Int @id\n  cast Actor[]\n}\n";
    let after = "model Actor {\n  id Int @id\n  roles ActorFilm[]\n}\nmodel Film {\n  id Int @id\n  roles ActorFilm[]\n}\n\
        model ActorFilm {\n  actor Actor @relation(fields: [actorId], references: [id])\n  actorId Int\n  \
        film Film @relation(fields: [filmId], references: [id])\n  filmId Int\n  @@id([actorId, filmId])\n}\n";
    let project = committed(before, |sql| sql);
    project.database().execute("INSERT INTO \"Actor\" VALUES (1), (2); INSERT INTO \"Film\" VALUES (7); INSERT INTO \"_ActorToFilm\" VALUES (2, 7)");
    project.set_schema(after);
    let options = [
        "--rename",
        "_ActorToFilm:ActorFilm",
        "--rename",
        "_ActorToFilm.A:actorId",
        "--rename",
        "_ActorToFilm.B:filmId",
    ];
    let arguments = ["migrate", "dev", "--non-interactive", "--name", "x"];
    project.run(arguments).exits(4).says(&options.join(" ")).says_nothing_of("1 of 2");
    project.run(arguments.iter().chain(&options)).succeeds();
    assert_eq!(project.database().rows("SELECT \"actorId\", \"filmId\" FROM \"ActorFilm\""), ["2|7"]);
}

const DOC: &str = "model Doc {
  id     Int    @id @default(autoincrement())
  name   String @map(\"title\")
  writer String @map(\"author\")
}
";

/// Prisma drafts nothing for an exchange of two `@map` names, though each field reads the other's values from then on.
#[test]
fn fields_that_exchange_their_columns_are_a_decision() {
    let project = committed(DOC, |sql| sql);
    project.database().execute("INSERT INTO \"Doc\" (title, author) VALUES ('a title', 'an author')");
    let exchanged = DOC.replace("\"title\"", "\"x\"").replace("\"author\"", "\"title\"").replace("\"x\"", "\"author\"");
    project.set_schema(&exchanged);
    let dev = |more: &[&str]| project.run(["migrate", "dev", "--non-interactive"].iter().chain(more));
    let options = ["--rename", "Doc.title:author", "--rename", "Doc.author:title"];
    let refused = dev(&["--name", "swap"]).exits(4).says("Doc.name reads `author`, and its values are in `title`");
    refused.says(&options.join(" "));
    assert_eq!(project.migrations().len(), 1);
    // nothing is pending, and a release would read the wrong values
    project
        .run(["migrate", "deploy"])
        .exits(3)
        .says("nothing is pending, but by @map alone, fields of Doc change places");

    let accept = ["--accept", "exchanged-columns(Doc): the names were wrong", "--create-only"];
    dev(&[&["--name", "meant"][..], &accept].concat()).succeeds();
    let migrations = project.migrations();
    assert!(
        project
            .read(&format!("prisma/migrations/{}/migration.sql", migrations[1]))
            .contains("allow exchanged-columns(Doc)")
    );
    project.run(["review", "--pending"]).succeeds().says("exchanged-columns");
    std::fs::remove_dir_all(project.path(&format!("prisma/migrations/{}", migrations[1]))).unwrap();

    // at a terminal it is a question
    let arguments = ["migrate", "dev", "--name", "swap"];
    let mut terminal = Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), arguments));
    terminal
        .sees("fields of Doc change places")
        .sees("the columns follow their fields")
        .sees("cancel")
        .press(Key::Enter);
    let (status, seen) = terminal.ends();
    assert_eq!(status, 0, "{seen}");
    assert!(seen.contains("RENAME COLUMN"), "{seen}");
    let row = "SELECT title || ', ' || author FROM \"Doc\"";
    assert_eq!(project.database().value(row), "an author, a title");
    // not committed yet, and not exchanged once more
    dev(&["--name", "again"]).succeeds().says("Already in sync");
    project.run(["review"]).succeeds().says_nothing_of("exchanged-columns");
    commit(&project);
    dev(&["--name", "again"]).succeeds().says("Already in sync");
}

/// The same for models and their tables, and for an enum's values and their labels.
#[test]
fn models_and_values_that_exchange_their_names_are_decisions() {
    let letters = |[draft, sent]: [&str; 2], [calm, wild]: [&str; 2]| {
        let model = |name: &str, table: &str| {
            format!("model {name} {{\n  id   Int  @id\n  mood Mood\n\n  @@map(\"{table}\")\n}}\n")
        };
        let values = format!("enum Mood {{\n  CALM @map(\"{calm}\")\n  WILD @map(\"{wild}\")\n}}\n");
        model("Draft", draft) + &model("Sent", sent) + &values
    };
    let project = committed(&letters(["drafts", "sents"], ["calm", "wild"]), |sql| sql);
    project.database().execute("INSERT INTO drafts VALUES (1, 'calm'); INSERT INTO sents VALUES (2, 'wild')");
    project.set_schema(&letters(["sents", "drafts"], ["wild", "calm"]));
    let dev = |more: &[&str]| project.run(["migrate", "dev", "--non-interactive"].iter().chain(more));
    let tables = ["--rename", "drafts:sents", "--rename", "sents:drafts"];
    let values = ["--rename", "value:Mood.calm:wild", "--rename", "value:Mood.wild:calm"];
    let refused = dev(&["--name", "swap"]).exits(4).says("Draft reads `sents`, and its rows are in `drafts`");
    refused
        .says(&tables.join(" "))
        .says("Mood.CALM reads `wild`, and it was written as `calm`")
        .says(&values.join(" "));
    // one of the two is no answer for the other
    dev(&[&["--name", "swap"][..], &tables].concat()).exits(4).says(&values.join(" "));
    dev(&["--name", "swap", values[0], values[1]]).exits(2).says("which value takes its name");
    assert_eq!(project.migrations().len(), 1);
    dev(&[&["--name", "swap"][..], &tables, &values].concat()).succeeds();
    let row =
        "SELECT (SELECT id || ' ' || mood::text FROM sents) || ', ' || (SELECT id || ' ' || mood::text FROM drafts)";
    assert_eq!(project.database().value(row), "1 wild, 2 calm");
    dev(&["--name", "again"]).succeeds().says("Already in sync");
}
