//! `phases transaction`: what schema.prisma adds, in one transaction and in the order of the foreign keys.

use super::{SONG, deployed, songs};

const LISTS: &str = "
model Entry {
  id     Int  @id @default(autoincrement())
  listId Int
  songId Int
  kind   Kind @default(PLAIN)
  list   Playlist @relation(fields: [listId], references: [id], onDelete: Cascade)
  song   Song @relation(fields: [songId], references: [id], onDelete: Cascade)

  @@unique([listId, songId])
}

model Playlist {
  id      Int     @id @default(autoincrement())
  name    String
  entries Entry[]
}

enum Kind {
  PLAIN
  PINNED
}

model Mark {
  id Int @id
}
";

#[test]
fn tables_come_in_one_transaction() {
    let project = songs();
    let schema =
        SONG.replace("  plays    Int     @default(0)\n", "  plays    Int     @default(0)\n  entries  Entry[]\n");
    project.run(["phases", "transaction", "nothing"]).exits(2).says("schema.prisma has no new table");
    project.write(
        "prisma/schema.prisma",
        &project.read("prisma/schema.prisma").replace(SONG, &format!("{schema}{LISTS}")),
    );
    project.run(["phases", "transaction", "add_playlists", "Entry"]).exits(2).says("Entry refers to Playlist");
    project.run(["phases", "transaction", "../x"]).exits(2).says("not a name for a migration");
    assert_eq!(project.migrations().len(), 1);
    project.run(["phases", "transaction", "add_playlists", "Entry", "Playlist"]).succeeds().says("prisma-safe test");
    let sql = project.newest_migration();
    let at = |what: &str| sql.find(what).unwrap_or_else(|| panic!("{what}: {sql}"));
    assert!(at("BEGIN;") < at("CREATE TYPE \"Kind\"") && at("CREATE TYPE") < at("TABLE \"Playlist\""), "{sql}");
    assert!(at("TABLE \"Playlist\"") < at("TABLE \"Entry\"") && at("_listId_fkey") < at("in use"), "{sql}");
    assert!(at("in use") < at("_songId_fkey") && at("_songId_fkey") < at("COMMIT;") && !sql.contains("Mark"), "{sql}");
    // the rest comes later; a loss never comes this way
    project.run(["phases", "transaction", "add_marks"]).succeeds();
    deployed(&project);
    let without = project.read("prisma/schema.prisma").replace("  legacy   String\n", "");
    project.write("prisma/schema.prisma", &without);
    project.run(["phases", "transaction", "lossy"]).exits(3).says("DROP COLUMN").says("prisma-safe migrate dev");
}
