//! Renamed in Prisma only: schema.prisma keeps the database's names, and the migration shrinks or vanishes.

use super::{INIT, SONG, prisma_is_content, songs};
use crate::support::schema::assert_valid;
use crate::support::{Key, Prisma, Project, Terminal};

/// `artist` under a new name, and nothing of the database's.
const LABEL: &str = "model Song {
  isrc   String @id
  title  String
  label  String // who sings
  plays  Int    @default(0)

  @@index([label])
}
";

fn mapped() -> String {
    LABEL.replace("label  String //", "label  String @map(\"artist\") //")
}

fn vanishes(prisma: Prisma) {
    for flags in [&[][..], &["--create-only"]] {
        let project = songs(prisma, 10);
        project.set_schema(LABEL);
        let dev = ["migrate", "dev", "--name", "x", "--map", "Song.artist:label"];
        project.run(dev.iter().chain(flags)).succeeds().says("needs no migration");
        assert!(project.read("prisma/schema.prisma").ends_with(&mapped()), "{}", project.read("prisma/schema.prisma"));
        assert_eq!(project.migrations(), [INIT], "an empty migration was left behind");
        assert_eq!(project.database().value("SELECT count(artist) FROM \"Song\""), "10");
        prisma_is_content(prisma, &project);
    }
}

#[test]
fn vanishes_7() {
    vanishes(Prisma::V7);
}

#[test]
fn vanishes_6() {
    vanishes(Prisma::V6);
}

/// What else is renamed stays, and the decision stands in the file, where the review checks it.
#[test]
fn shrinks_and_is_recorded() {
    let project = songs(Prisma::V7, 10);
    project.set_schema(&LABEL.replace("title ", "name  "));
    let dev = ["migrate", "dev", "--name", "x", "--map", "Song.artist:label", "--rename", "Song.title:name"];
    let json = project.run(dev.into_iter().chain(["--format", "json"])).succeeds().json();
    assert_valid("dev", &json);
    assert_valid("renames", &json["renames"]);
    let migration = project.newest_migration();
    assert!(migration.contains("-- prisma-safe:map column Song.artist -> label\n"), "{migration}");
    assert!(migration.contains("RENAME COLUMN \"title\" TO \"name\"") && !migration.contains("DROP"), "{migration}");
    prisma_is_content(Prisma::V7, &project);

    let name = project.migrations().pop().expect("a migration");
    let file = format!("prisma/migrations/{name}/migration.sql");
    project.run(["review", &file, "--offline"]).succeeds();
    project.write(&file, &migration.replace("RENAME COLUMN \"title\" TO \"name\"", "DROP COLUMN \"artist\""));
    project.run(["review", &file, "--offline"]).exits(3).says("contradicted-decision");
}

#[test]
fn tables_enums_and_values_in_several_files() {
    let project = Project::prisma7()
        .schema("model Old {\n  id Int @id\n  role Role\n}\n\nenum Role {\n  USER\n  ADMIN\n}\n")
        .migration(INIT, "CREATE TYPE \"Role\" AS ENUM ('USER', 'ADMIN');\nCREATE TABLE \"Old\" (\n    \"id\" INTEGER NOT NULL,\n    \"role\" \"Role\" NOT NULL,\n\n    CONSTRAINT \"Old_pkey\" PRIMARY KEY (\"id\")\n);\n")
        .applied();
    let config = project.read("prisma.config.ts").replace("prisma/schema.prisma", "prisma");
    project.write("prisma.config.ts", &config);
    project.set_schema("");
    project.write("prisma/models/new.prisma", "model New {\r\n\tid Int @id // the key\r\n\trole Kind\r\n}\r\n");
    project.write("prisma/models/kind.prisma", "enum Kind {\n  MEMBER\n  ADMIN\n}\n");
    let maps = ["--map", "Old:New", "--map", "enum:Role:Kind", "--map", "value:Role.USER:MEMBER"];
    project.run(["migrate", "dev", "--name", "x"].into_iter().chain(maps)).succeeds();
    assert_eq!(
        project.read("prisma/models/new.prisma"),
        "model New {\r\n\tid Int @id // the key\r\n\trole Kind\r\n\r\n\t@@map(\"Old\")\r\n}\r\n"
    );
    assert_eq!(
        project.read("prisma/models/kind.prisma"),
        "enum Kind {\n  MEMBER @map(\"USER\")\n  ADMIN\n\n  @@map(\"Role\")\n}\n"
    );
    assert_eq!(project.migrations(), [INIT]);
}

#[test]
fn answered_at_the_terminal() {
    let project = songs(Prisma::V7, 10);
    project.set_schema(LABEL);
    let mut terminal =
        Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "dev", "--name", "x"]));
    terminal.sees("rename in Prisma only").press(Key::Down).press(Key::Enter);
    let (status, seen) = terminal.ends();
    assert_eq!(status, 0, "{seen}");
    assert!(project.read("prisma/schema.prisma").ends_with(&mapped()));
    assert_eq!(project.migrations(), [INIT]);
}

/// Nothing of the schema is changed where the migration is not made.
#[test]
fn wrong_options_and_a_later_refusal_leave_the_schema_alone() {
    let project = songs(Prisma::V7, 10);
    let wrong = [
        &["--map", "Song.artist:label", "--rename", "Song.artist:label"][..],
        &["--map", "Song.artist:label", "--delete", "Song.artist"],
        &["--map", "Song.nobody:label"],
        &["--map", "Song.artist:nobody"],
        &["--map", "Song.artist:title"],
        &["--map", "enum:Role:Kind"],
        &["--map", "nonsense"],
    ];
    project.set_schema(LABEL);
    let schema = project.read("prisma/schema.prisma");
    for options in wrong {
        project.run(["migrate", "dev", "--name", "x"].iter().chain(options)).exits(2);
        assert_eq!(project.read("prisma/schema.prisma"), schema, "{options:?}");
        assert_eq!(project.migrations(), [INIT], "{options:?}");
    }
    // a required column cannot be added to rows
    project.set_schema(&LABEL.replace("  plays", "  year Int\n  plays"));
    let schema = project.read("prisma/schema.prisma");
    project.run(["migrate", "dev", "--name", "x", "--map", "Song.artist:label"]).exits(1);
    assert_eq!(project.read("prisma/schema.prisma"), schema);
    assert_eq!(project.migrations(), [INIT]);

    // an option where nothing changes, and `rewrite`, which does not draft
    project.set_schema(SONG);
    project.run(["migrate", "dev", "--name", "x"]).succeeds().says("Already in sync");
    for option in ["--map", "--rename"] {
        project.run(["migrate", "dev", "--name", "x", option, "Song.artist:label"]).exits(2);
        assert_eq!(project.migrations(), [INIT]);
    }
    project
        .add_migration("20250102000000_x", "ALTER TABLE \"Song\" DROP COLUMN \"artist\", ADD COLUMN \"label\" TEXT;\n");
    project.run(["rewrite", "20250102000000_x", "--map", "Song.artist:label"]).exits(2).says("migrate dev --map");
}
