//! The whole journey, from a renamed field to a safe deploy, on both Prisma versions.

mod dependents;
mod drop;
mod failure;
mod faults;
mod in_prisma;
mod kill;
mod lock;
mod proof;
mod rename;
mod rewrite;
mod terminal;

pub(crate) use self::kill::deserted;
use crate::support::{Output, Prisma, Project};

/// The first migration's name.
pub(crate) const INIT: &str = "20250101000000_init";

/// The models it stands for.
pub(crate) const SONG: &str = "model Song {
  isrc   String @id
  title  String
  artist String
  plays  Int    @default(0)

  @@index([artist])
}
";

/// Its SQL, as Prisma generates it.
pub(crate) const SONG_SQL: &str = r#"-- CreateTable
CREATE TABLE "Song" (
    "isrc" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "artist" TEXT NOT NULL,
    "plays" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "Song_pkey" PRIMARY KEY ("isrc")
);

-- CreateIndex
CREATE INDEX "Song_artist_idx" ON "Song"("artist");
"#;

/// The same models with `artist` renamed.
pub(crate) const RENAMED: &str = "model Song {
  isrc       String @id
  title      String
  artistName String @map(\"artist_name\")
  plays      Int    @default(0)

  @@index([artistName])
}
";

/// The same models without `artist`.
pub(crate) const DROPPED: &str = "model Song {
  isrc  String @id
  title String
  plays Int    @default(0)
}
";

/// A project whose table holds this many songs, all migrations applied.
pub(crate) fn songs(prisma: Prisma, count: usize) -> Project {
    Project::on(prisma).schema(SONG).migration(INIT, SONG_SQL).rows("Song", count)
}

/// Plain Prisma finds its history clean and no difference between database and schema.
#[track_caller]
pub(crate) fn prisma_is_content(prisma: Prisma, project: &Project) {
    project.prisma(["migrate", "status"]).succeeds().says("Database schema is up to date!");
    let schema = "prisma/schema.prisma";
    let (from, to) = match prisma {
        Prisma::V7 => (vec!["--from-config-datasource"], ["--to-schema", schema]),
        Prisma::V5 | Prisma::V6 => (vec!["--from-schema-datasource", schema], ["--to-schema-datamodel", schema]),
    };
    let arguments = ["migrate", "diff", "--exit-code"].into_iter().chain(from).chain(to);
    let mut diff = project.command("node_modules/.bin/prisma", arguments);
    // Prisma 6 reads no .env for this command
    diff.env("DATABASE_URL", project.database().url());
    let output = diff.output().expect("Prisma");
    Output::of("prisma migrate diff".into(), output).succeeds().says("No difference detected");
}

/// Backups and what might be left of one.
pub(crate) fn backups(project: &Project) -> Vec<String> {
    project.files("backups").into_iter().filter(|file| !file.ends_with(".gitignore")).collect()
}
