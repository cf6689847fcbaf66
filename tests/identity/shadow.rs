//! The shadow database, which Prisma empties: nobody's data may be in it (I2, I3), and none of anybody's is needed.

use super::Twin;
use crate::journey::{RENAMED, songs};
use crate::support::{Database, Output, Prisma, Project};

/// A project whose shadow database is `shadow`, an expression of its configuration or schema.
fn shadowed(prisma: Prisma, variable: &str) -> Project {
    let project = songs(prisma, 30);
    match prisma {
        Prisma::V7 => {
            let config = project.read("prisma.config.ts");
            let url = "url: process.env.DATABASE_URL!";
            let shadow = format!("{url}, shadowDatabaseUrl: process.env.{variable}");
            project.write("prisma.config.ts", &config.replace(url, &shadow));
        }
        Prisma::V5 | Prisma::V6 => set_schema(&project, "", variable),
    }
    project
}

/// Prisma 6 has it in the schema.
fn set_schema(project: &Project, models: &str, variable: &str) {
    if !models.is_empty() {
        project.set_schema(models);
    }
    let schema = project.read("prisma/schema.prisma");
    let line = "url      = env(\"DATABASE_URL\")";
    let both = format!("{line}\n  shadowDatabaseUrl = env(\"{variable}\")");
    if !schema.contains("shadowDatabaseUrl") {
        project.write("prisma/schema.prisma", &schema.replace(line, &both));
    }
}

fn diff(project: &Project, prisma: Prisma, more: &[&str]) -> Output {
    let to = match prisma {
        Prisma::V7 => "--to-schema",
        Prisma::V5 | Prisma::V6 => "--to-schema-datamodel",
    };
    let words = ["migrate", "diff", "--from-migrations", "prisma/migrations", to, "prisma/schema.prisma", "--script"];
    project.run(words.iter().chain(more))
}

/// Both with the setting and without: what replays is another matter than what plain Prisma would destroy.
fn refuses(project: &Project, prisma: Prisma, kept: &Database, text: &str) {
    let before = kept.contents();
    for settings in ["", "shadow = \"prisma\"\n"] {
        let rest = project.path("prisma-safe.toml");
        let rest = std::fs::read_to_string(rest).unwrap_or_default().replace("shadow = \"prisma\"\n", "");
        project.write("prisma-safe.toml", &format!("{settings}{rest}"));
        for command in [&["migrate", "dev", "--name", "x"][..], &["migrate", "dev", "--create-only", "--name", "x"]] {
            project.run(command).exits(3).says("shadow database").says(text);
        }
        diff(project, prisma, &[]).exits(3).says("shadow database").says(text);
    }
    assert_eq!(kept.contents(), before, "it was emptied");
    assert_eq!(project.migrations().len(), 1, "nothing was drafted");
}

fn the_target(prisma: Prisma) {
    // Prisma 6 itself compares the texts
    let (project, url) = (shadowed(prisma, "SHADOW"), |project: &Project| project.database().url().to_owned());
    let url = format!("{}?connection_limit=1", url(&project));
    let project = project.env("SHADOW", &url);
    refuses(&project, prisma, project.database(), "the target database");
}

#[test]
fn the_target_is_no_shadow_database_on_7() {
    the_target(Prisma::V7);
}

#[test]
fn the_target_is_no_shadow_database_on_6() {
    the_target(Prisma::V6);
}

/// Under another name of this machine, user and schema: only the server says so.
#[test]
fn nor_under_another_name() {
    let project = shadowed(Prisma::V7, "SHADOW");
    let mut url = url::Url::parse(project.database().url()).unwrap();
    url.set_query(Some("schema=shadow&connection_limit=1"));
    let project = project.env("SHADOW", url.as_str());
    refuses(&project, Prisma::V7, project.database(), "the target database");
}

fn production(prisma: Prisma) {
    let project = shadowed(prisma, "PROD_URL");
    let live = project.database().copy();
    let settings = "[environments.production]\nurl-env = \"PROD_URL\"\nproduction = true\n";
    project.write("prisma-safe.toml", settings);
    let project = project.env("PROD_URL", live.url());
    refuses(&project, prisma, &live, "production (environment `production`)");
    // no environment says so: what it holds does
    project.write("prisma-safe.toml", "");
    refuses(&project, prisma, &live, "a migration history");
    live.execute("DROP TABLE _prisma_migrations");
    refuses(&project, prisma, &live, "rows in \"public\".\"Song\"");
}

#[test]
fn production_is_no_shadow_database_on_7() {
    production(Prisma::V7);
}

#[test]
fn production_is_no_shadow_database_on_6() {
    production(Prisma::V6);
}

#[test]
fn the_option_of_prisma_6_is_looked_at_too() {
    let project = songs(Prisma::V6, 30);
    let before = project.database().contents();
    let target = project.database().url().to_owned();
    diff(&project, Prisma::V6, &["--shadow-database-url", &target]).exits(3).says("the target database");
    let live = project.database().copy();
    diff(&project, Prisma::V6, &["--shadow-database-url", live.url()]).exits(3).says("a migration history");
    assert_eq!(project.database().contents(), before);
    assert_eq!(live.count("Song"), 30);
}

#[test]
fn another_server_s_database_of_the_same_name_may_be_a_shadow_database_when_it_is_empty() {
    let project = shadowed(Prisma::V7, "SHADOW");
    let twin = Twin::of(&project);
    twin.connect().batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").unwrap();
    project.write("prisma-safe.toml", "shadow = \"prisma\"\n");
    let project = project.env("SHADOW", &twin.url);
    project.set_schema(RENAMED);
    project.run(["migrate", "dev", "--name", "x", "--rename", "Song.artist:artist_name"]).succeeds();
    assert_eq!(twin.value("SELECT count(*) FROM \"Song\""), "0", "it was replayed there");
    // what the replay has left may be emptied again
    project.run(["migrate", "dev", "--name", "y", "--create-only"]).succeeds();
    // what nobody's migration makes may not
    twin.connect().batch_execute("CREATE TABLE notes (x int)").unwrap();
    project.run(["migrate", "dev", "--name", "z", "--create-only"]).exits(3).says("tables that no migration makes");
    assert_eq!(twin.value("SELECT count(*) FROM notes"), "0");
}

/// A role that may create no database, and a shadow database of somebody's that stays as it is.
fn on_a_scratch_server(prisma: Prisma) {
    let project = shadowed(prisma, "SHADOW");
    let other = project.database().copy();
    let kept = other.contents();
    project.write("prisma-safe.toml", "shadow = \"scratch\"\n");
    let name = project.database().name().to_owned();
    let role = format!("plain_{name}");
    project.database().execute(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'plain' NOCREATEDB; ALTER DATABASE {name} OWNER TO {role};
         ALTER TABLE \"Song\" OWNER TO {role}; ALTER TABLE _prisma_migrations OWNER TO {role}; ALTER SCHEMA public OWNER TO {role}"
    ));
    let mut url = url::Url::parse(project.database().url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("plain")).unwrap();
    let project = project.env("DATABASE_URL", url.as_str()).env("SHADOW", other.url());
    match prisma {
        Prisma::V7 => project.set_schema(RENAMED),
        Prisma::V5 | Prisma::V6 => set_schema(&project, RENAMED, "SHADOW"),
    }
    diff(&project, prisma, &[]).succeeds().says("artist_name");
    project.run(["migrate", "dev", "--name", "x", "--rename", "Song.artist:artist_name"]).succeeds();
    assert_eq!(project.database().value("SELECT count(artist_name) FROM \"Song\""), "30");
    assert_eq!(other.contents(), kept, "the shadow database was touched");
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'prisma_migrate_shadow_db_%'";
    assert_eq!(project.database().value(left), "0");
    project.database().execute(&format!("REASSIGN OWNED BY {role} TO CURRENT_USER; ALTER DATABASE {name} OWNER TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn nobody_s_shadow_database_is_needed_on_7() {
    on_a_scratch_server(Prisma::V7);
}

#[test]
fn nobody_s_shadow_database_is_needed_on_6() {
    on_a_scratch_server(Prisma::V6);
}

/// What a reset of Prisma's leaves: schemas of others, extensions, publications. Each replay begins as in a new database.
#[test]
fn each_replay_begins_as_in_a_new_database() {
    let project = Project::prisma7()
        .migration(
            "20250101000000_init",
            "CREATE EXTENSION pgcrypto;\nCREATE SCHEMA inside;\nCREATE TABLE inside.log (x int);\n\
             CREATE TABLE \"Song\" (\"isrc\" CITEXT PRIMARY KEY);\nCREATE PUBLICATION news FOR TABLE \"Song\";\n\
             CREATE FUNCTION inside.one() RETURNS int LANGUAGE sql AS 'SELECT 1';\n",
        )
        .schema("model Song {\n  isrc String @id @db.Citext\n}\n");
    // the extension of the type stands in the database only: no migration creates it
    project.database().execute("CREATE EXTENSION citext");
    let project = project.applied();
    project.set_schema("model Song {\n  isrc  String @id @db.Citext\n  title String?\n}\n");
    project.write("prisma-safe.toml", "shadow = \"scratch\"\n");
    project.run(["migrate", "dev", "--name", "title"]).succeeds();
    project.run(["migrate", "dev", "--name", "more", "--create-only"]).succeeds();
    assert!(project.read(&format!("prisma/migrations/{}/migration.sql", project.migrations()[1])).contains("title"));
}

#[test]
fn a_migration_that_does_not_replay_says_where_it_was_replayed() {
    let project = songs(Prisma::V7, 5);
    project.add_migration("20250102000000_broken", "SELECT * FROM elsewhere;\n");
    project.run(["migrate", "dev", "--name", "x"]).exits(1).says("elsewhere").says("shadow = \"prisma\"");
}
