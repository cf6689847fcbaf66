//! The databases that a project names: URLs in environment files, by the names that hosts give them, and the PostgreSQL of a compose
//! file. They become a proposal for `[environments]`; a URL itself is written nowhere.

use std::fmt::Write as _;
use std::path::Path;

use crate::database::{DatabaseUrl, PoolMode};

/// Files that hold variables, and the environment that their name says.
const FILES: &[(&str, Option<&str>)] = &[
    (".env", None),
    ("prisma/.env", None),
    (".env.local", None),
    (".env.production", Some("production")),
    (".env.production.local", Some("production")),
    (".env.staging", Some("staging")),
    (".env.preview", Some("preview")),
    (".env.development", Some("development")),
    (".env.development.local", Some("development")),
    (".env.test", Some("test")),
];

/// The names of Vercel, Neon, Supabase, Prisma Postgres, Heroku, Railway and of Prisma's own documentation: those that hold a direct URL
/// come first. `DATABASE_URL` is pooled at Neon and Supabase and direct at Prisma Postgres, so that what it holds decides.
const VARIABLES: &[&str] = &[
    "POSTGRES_URL_NON_POOLING",
    "DATABASE_URL_UNPOOLED",
    "DIRECT_DATABASE_URL",
    "DIRECT_URL",
    "DATABASE_URL",
    "POSTGRES_URL",
    "PRISMA_DATABASE_URL",
    "DATABASE_PUBLIC_URL",
    "POSTGRES_PRISMA_URL",
    "DATABASE_URL_POOLED",
];

/// What compose files are called.
const COMPOSE: &[&str] =
    &["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml", "docker-compose.dev.yml"];

/// A variable that holds a URL.
struct Found {
    environment: Option<&'static str>,
    file: &'static str,
    variable: &'static str,
    url: DatabaseUrl,
}

/// Lines for prisma-safe.toml, empty where nothing is found, and what a person should know.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Proposal {
    pub(super) toml: String,
    pub(super) notes: Vec<String>,
}

/// Looks into the project's files.
pub(super) fn propose(root: &Path) -> Proposal {
    let mut proposal = Proposal::default();
    let found = variables(root);
    let mut names: Vec<&str> = Vec::new();
    for (environment, production) in [("production", true), ("staging", false), ("preview", false)] {
        let of = |found: &&Found| {
            let said = found.environment.unwrap_or("production");
            said == environment && !found.url.is_local()
        };
        let mut these: Vec<&Found> = found.iter().filter(of).collect();
        // a direct URL before a pooled one, a usual name before others
        these.sort_by_key(|found| (pools(&found.url), VARIABLES.iter().position(|name| *name == found.variable)));
        let Some(first) = these.first() else { continue };
        names.push(environment);
        let flag = if production { "production = true\n" } else { "" };
        // writing to a String does not fail
        let _ = proposal.toml.write_fmt(format_args!(
            "\n# {} in {}: {}\n[environments.{environment}]\nurl-env = \"{}\"\n{flag}",
            first.variable,
            first.file,
            first.url.address(),
            first.variable
        ));
        if pools(&first.url) {
            proposal.notes.push(format!(
                "{} in {} goes through a pooler, and no direct URL stands beside it: add one before you deploy",
                first.variable, first.file
            ));
        }
        let others = these.iter().filter(|other| !other.url.same_database(&first.url) && !pools(&other.url));
        let mut others: Vec<String> = others.map(|it| format!("{} in {}", it.variable, it.file)).collect();
        others.dedup();
        if !others.is_empty() {
            proposal.notes.push(format!(
                "{} may be another database than {environment}'s ({} in {}): give it an environment in prisma-safe.toml",
                others.join(", "),
                first.variable,
                first.file
            ));
        }
    }
    let mut hosts: Vec<String> =
        COMPOSE.iter().flat_map(|file| compose(root, file)).map(|port| format!("localhost:{port}")).collect();
    hosts.dedup();
    // without any environment this machine is not production already
    if !hosts.is_empty() && !names.is_empty() {
        let hosts: Vec<String> = hosts.iter().map(|host| format!("\"{host}\"")).collect();
        // writing to a String does not fail
        let _ = proposal.toml.write_fmt(format_args!(
            "\n# PostgreSQL of the compose file\n[environments.development]\nhosts = [{}]\n",
            hosts.join(", ")
        ));
    }
    proposal
}

/// The files of a project that may hold a database's URL.
pub fn files() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(file, _)| *file)
}

fn pools(url: &DatabaseUrl) -> bool {
    url.pooled().is_some_and(|pooler| pooler.mode != PoolMode::Session)
}

fn variables(root: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    for &(file, environment) in FILES {
        let Ok(pairs) = dotenvy::from_path_iter(root.join(file)) else { continue };
        // a line that cannot be read is no reason to leave the others out
        for (name, value) in pairs.flatten() {
            let known = VARIABLES.iter().find(|known| **known == name);
            if let (Some(variable), Ok(url)) = (known, DatabaseUrl::parse(&value)) {
                found.push(Found { environment, file, variable, url });
            }
        }
    }
    found
}

/// The ports of this machine behind which a compose file has PostgreSQL: `"5433:5432"` in a service whose image says so.
fn compose(root: &Path, file: &str) -> Vec<u16> {
    let Ok(text) = std::fs::read_to_string(root.join(file)) else { return Vec::new() };
    let indent = |line: &str| line.len() - line.trim_start().len();
    let (mut ports, mut here, mut of_postgres, mut depth) = (Vec::new(), Vec::new(), false, 0);
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let words = line.trim();
        if indent(line) <= depth || depth == 0 && words.ends_with(':') && indent(line) > 0 {
            // another service begins
            if of_postgres {
                ports.append(&mut here);
            }
            (here, of_postgres, depth) = (Vec::new(), false, indent(line));
            continue;
        }
        if let Some(image) = words.strip_prefix("image:") {
            let image = image.trim().trim_matches(['"', '\'']);
            of_postgres |= ["postgres", "postgis", "pgvector", "timescale"].iter().any(|name| image.contains(name));
        }
        let mapped = words.trim_start_matches("- ").trim_matches(['"', '\'']);
        if let Some(port) = mapped.strip_suffix(":5432").and_then(|host| host.rsplit(':').next()?.parse().ok()) {
            here.push(port);
        }
    }
    if of_postgres {
        ports.append(&mut here);
    }
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            std::fs::write(root.path().join(file), text).unwrap();
        }
        root
    }

    const COMPOSE_FILE: &str = "services:\n  cache:\n    image: redis:7\n    ports:\n      - \"6379:6379\"\n  postgres:\n    image: postgres:15\n    environment:\n      POSTGRES_DB: music\n    ports:\n      - \"5433:5432\"\nvolumes:\n  data:\n";

    #[test]
    fn the_direct_url_is_taken_by_what_it_holds_and_not_by_its_name() {
        for (text, variable) in [
            // Vercel with Neon: pooled and not
            (
                "DATABASE_URL=postgres://u:secret@ep-a-pooler.neon.tech/d\nDATABASE_URL_UNPOOLED=postgres://u:secret@ep-a.neon.tech/d\n",
                "DATABASE_URL_UNPOOLED",
            ),
            (
                "POSTGRES_URL=postgres://u:secret@ep-a-pooler.neon.tech/d\nPOSTGRES_URL_NON_POOLING=postgres://u:secret@ep-a.neon.tech/d\n",
                "POSTGRES_URL_NON_POOLING",
            ),
            // Supabase
            (
                "DATABASE_URL=\"postgres://u.x:secret@aws.pooler.supabase.com:6543/postgres?pgbouncer=true\"\nDIRECT_URL=postgres://u.x:secret@aws.pooler.supabase.com:5432/postgres\n",
                "DIRECT_URL",
            ),
            // Prisma Postgres: the other way round
            (
                "DATABASE_URL_POOLED=postgres://u:secret@pooled.db.prisma.io:5432/postgres\nDATABASE_URL=postgres://u:secret@db.prisma.io:5432/postgres\n",
                "DATABASE_URL",
            ),
        ] {
            let root = project(&[(".env", text)]);
            let Proposal { toml, notes } = propose(root.path());
            assert!(
                toml.contains(&format!("[environments.production]\nurl-env = \"{variable}\"\nproduction = true\n")),
                "{toml}"
            );
            assert!(!toml.contains("secret") && notes.is_empty(), "{toml}{notes:?}");
            toml::from_str::<crate::config::Config>(&toml).unwrap();
        }
    }

    #[test]
    fn local_databases_are_no_environment_and_doubt_is_said() {
        let local =
            project(&[(".env", "DATABASE_URL=postgres://u:p@localhost/d\n"), ("docker-compose.yml", COMPOSE_FILE)]);
        assert_eq!(propose(local.path()), Proposal::default());
        let pooled = project(&[(".env.production", "DATABASE_URL=postgres://u:p@ep-a-pooler.neon.tech/d\n")]);
        assert!(propose(pooled.path()).notes[0].contains("goes through a pooler"), "{:?}", propose(pooled.path()));
        let two = project(&[(
            ".env",
            "DATABASE_URL=postgres://u:p@a.example.com/d\nDIRECT_URL=postgres://u:p@b.example.com/d\n",
        )]);
        assert!(
            propose(two.path()).notes[0].starts_with("DATABASE_URL in .env may be another database"),
            "{:?}",
            propose(two.path())
        );
    }

    #[test]
    fn the_compose_files_postgres_is_development() {
        let root = project(&[
            (".env.production", "DATABASE_URL=postgres://u:p@db.example.com/d\n"),
            ("docker-compose.yml", COMPOSE_FILE),
        ]);
        let toml = propose(root.path()).toml;
        assert!(toml.ends_with("[environments.development]\nhosts = [\"localhost:5433\"]\n"), "{toml}");
        let config: crate::config::Config = toml::from_str(&toml).unwrap();
        assert_eq!(config.environments.len(), 2);
    }
}
