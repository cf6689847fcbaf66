//! In a project: `down.sql`, Prisma's eyes, consent, backups instead of capsules.

use super::{INIT, SONG, deploy, songs};
use crate::support::{Prisma, Project};

const NAME: &str = "20250102000000_drop_artist";
const DROP: &str = "-- prisma-safe:allow drop-column(Song.artist): unused\n\
    DROP INDEX \"Song_artist_idx\";\nALTER TABLE \"Song\" DROP COLUMN \"artist\";\n";

fn without_artist() -> String {
    SONG.replace("  artist String\n", "").replace("\n  @@index([artist])\n", "")
}

#[test]
fn dev_writes_the_reverse_of_a_rename_and_rollback_runs_it() {
    let project = songs(Prisma::V7);
    project.set_schema(&SONG.replace("artist", "artist_name"));
    project.run(["migrate", "dev", "--name", "rename", "--rename", "Song.artist:artist_name"]).succeeds();
    let name = project.migrations().pop().unwrap();
    let down = project.read(&format!("prisma/migrations/{name}/down.sql"));
    assert!(down.contains(r#"ALTER TABLE "Song" RENAME COLUMN "artist_name" TO "artist";"#), "{down}");
    // Prisma does not mind it
    project.prisma(["migrate", "status"]).succeeds().says("up to date");
    project.database().execute(r#"UPDATE "Song" SET artist_name = 'newer' WHERE id = 1"#);
    project.run(["rollback"]).succeeds().says("down.sql");
    assert_eq!(project.database().value(r#"SELECT artist FROM "Song" WHERE id = 1"#), "newer");
}

fn prisma_does_not_see_the_capsule(prisma: Prisma, diff: &[&str]) {
    let project = songs(prisma);
    project.set_schema(&without_artist());
    deploy(&project, NAME, DROP);
    assert_eq!(project.database().value("SELECT count(*) FROM _prisma_safe.captures"), "1");
    project.prisma(["migrate", "status"]).succeeds().says("up to date");
    project.prisma(diff).succeeds().says("No difference detected");
    // nor does a new draft take it for drift
    project.prisma(["migrate", "dev", "--create-only", "--name", "nothing"]).succeeds();
    assert!(project.newest_migration().contains("empty migration"), "{}", project.newest_migration());
}

#[test]
fn prisma_7_does_not_see_the_capsule() {
    let diff = ["migrate", "diff", "--from-config-datasource", "--to-schema", "prisma/schema.prisma", "--exit-code"];
    prisma_does_not_see_the_capsule(Prisma::V7, &diff);
}

#[test]
fn prisma_6_does_not_see_the_capsule() {
    let schema = "prisma/schema.prisma";
    let diff = ["migrate", "diff", "--from-schema-datasource", schema, "--to-schema-datamodel", schema, "--exit-code"];
    prisma_does_not_see_the_capsule(Prisma::V6, &diff);
}

#[test]
fn without_a_capsule_the_backup_before_it_gives_the_values() {
    let project = songs(Prisma::V7);
    project.write("prisma-safe.toml", "[undo]\nenabled = false\n");
    deploy(&project, NAME, DROP);
    project.database().execute(r#"DELETE FROM "Song" WHERE id = 7; UPDATE "Song" SET title = 'new' WHERE id = 8"#);
    let output = project.run(["rollback", "--format", "json"]).succeeds().says("prod_backup_").says("1 deleted since");
    let document = output.json();
    assert_eq!(document["migrations"][0]["source"], "backup");
    assert_eq!(document["migrations"][0]["putBack"][0]["restored"], 999);
    assert!(document["migrations"][0]["missing"].to_string().contains("between the backup"), "{document}");
    assert_eq!(project.database().value(r#"SELECT count(*) FROM "Song" WHERE artist = 'artist ' || id"#), "999");
    assert_eq!(project.database().value(r#"SELECT title FROM "Song" WHERE id = 8"#), "new");
    let left = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = '_prisma_safe' AND relname LIKE 'backup%'";
    assert_eq!(project.database().value(left), "0");
}

#[test]
fn what_cannot_be_kept_stops_the_deploy_where_it_shall() {
    let project = songs(Prisma::V7);
    project.write("prisma-safe.toml", "[undo]\nmax-size = \"1kB\"\notherwise = \"refuse\"\n");
    project.add_migration(NAME, DROP);
    let before = project.database().contents();
    project.run(["migrate", "deploy"]).exits(3).says("more than undo.max-size").says("nothing has happened");
    assert_eq!(project.database().contents(), before);
    project.write("prisma-safe.toml", "[undo]\nmax-size = \"1kB\"\n");
    project.run(["migrate", "deploy"]).succeeds().says("`rollback` would take it from the backup");
}

#[test]
fn later_migrations_stand_in_the_way_until_they_are_meant_too() {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", INIT).applied().production();
    project.add_migration("20250102000000_a", "CREATE TABLE \"A\" (\"x\" INT);\n");
    project.add_migration("20250103000000_b", "ALTER TABLE \"A\" ADD COLUMN \"y\" INT;\n");
    project.run(["migrate", "deploy"]).succeeds();
    project.database().execute(r#"INSERT INTO "A" VALUES (1, 2)"#);
    project.run(["rollback", "a"]).exits(3).says("20250103000000_b").says("--with-later");
    let refused = project.run(["rollback", "a", "--with-later"]).exits(3).says("is production");
    let refused = refused.says("lost by the rollback, and kept in its backup only: column A.y (1 row)");
    let everything = refused.everything();
    let plan = everything.split("--confirm ").nth(1).unwrap().split_whitespace().next().unwrap();
    project.run(["rollback", "a", "--with-later", "--confirm", plan]).succeeds().says("every definition is as it was");
    assert_eq!(project.database().count("_prisma_migrations"), 1);
    project.prisma(["migrate", "status"]).exits(1).says("20250102000000_a").says("20250103000000_b");
}
