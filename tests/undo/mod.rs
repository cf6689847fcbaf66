//! Taking migrations back on real Prisma and a real PostgreSQL, while others write.

mod capsule;
mod chain;
mod conditional;
mod conversions;
mod fallen;
mod faults;
mod inherits;
mod measured;
mod objects;
mod project;
mod put_back;
mod shapes;
mod story;
mod types;

use crate::support::{Prisma, Project};

pub(crate) const INIT: &str = r#"-- CreateTable
CREATE TABLE "Song" (
    "id" SERIAL NOT NULL,
    "isrc" TEXT NOT NULL,
    "artist" TEXT NOT NULL,
    "title" VARCHAR(100) NOT NULL,
    "plays" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "Song_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "Song_isrc_key" ON "Song"("isrc");

-- CreateIndex
CREATE INDEX "Song_artist_idx" ON "Song"("artist");
"#;

pub(crate) const SONG: &str = r#"
model Song {
  id     Int    @id @default(autoincrement())
  isrc   String @unique
  artist String
  title  String @db.VarChar(100)
  plays  Int    @default(0)

  @@index([artist])
}
"#;

/// Two songs' worth of nothing: a project whose first migration is applied, with a thousand songs.
pub(crate) fn songs(prisma: Prisma) -> Project {
    let project = Project::on(prisma).schema(SONG).migration("20250101000000_init", INIT).applied();
    project.database().execute(
        r#"INSERT INTO "Song" (isrc, artist, title, plays)
           SELECT 'I' || n, 'artist ' || n, 'title ' || n, n FROM generate_series(1, 1000) n; ANALYZE "Song""#,
    );
    project
}

/// A migration whose losses are accepted, deployed.
pub(crate) fn deploy(project: &Project, name: &str, sql: &str) {
    project.add_migration(name, sql);
    project.run(["migrate", "deploy"]).succeeds();
}
