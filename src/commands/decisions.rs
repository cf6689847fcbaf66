//! The options that decide renames, of the commands that write a migration.

use crate::rename;

/// Decisions about renames, on `dev` and `rewrite`.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Decisions about renames")]
pub struct Decisions {
    /// What is dropped lives on under a new name: Song.artist:artist_name, Song:Track, enum:Role:UserRole,
    /// value:Role.USER:MEMBER
    #[arg(long, value_name = "OLD:NEW")]
    pub rename: Vec<String>,
    /// The same in Prisma only: the database keeps the old name, schema.prisma gets @map (`migrate dev`)
    #[arg(long, value_name = "OLD:NEW")]
    pub map: Vec<String>,
    /// It is really dropped: Song.artist, Song
    #[arg(long, value_name = "OLD")]
    pub delete: Vec<String>,
}

impl Decisions {
    /// As the renames understand them.
    pub fn options(&self) -> rename::Options {
        let (rename, map, delete) = (self.rename.clone(), self.map.clone(), self.delete.clone());
        rename::Options { rename, map, delete, ..rename::Options::default() }
    }
}
