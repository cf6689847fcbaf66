//! The music library's files.

/// schema.prisma at the start.
pub const SCHEMA: &str = include_str!("../../templates/demo/schema.prisma");

/// Its rows.
pub const SONGS: &str = include_str!("../../templates/demo/songs.sql");

/// The name of the migration that builds it.
pub(super) const INITIAL_MIGRATION: &str = "20250101090000_init";

/// Prisma for the demo; another major version has other options.
const PACKAGE: &str = r#"{
  "name": "music-library",
  "private": true,
  "scripts": {
    "migrate": "prisma-safe migrate deploy",
    "prod:backup": "prisma-safe backup"
  },
  "devDependencies": {
    "prisma": "^7.4.0"
  }
}
"#;

/// Every other file that is the same each time.
pub(super) fn files() -> [(&'static str, &'static str); 4] {
    [
        ("package.json", PACKAGE),
        ("prisma.config.ts", include_str!("../../templates/demo/prisma.config.ts")),
        ("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n"),
        ("prisma/migrations/20250101090000_init/migration.sql", include_str!("../../templates/demo/migration.sql")),
    ]
}
