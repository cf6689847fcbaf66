//! The guard inside the database: what does not come from a deployment of prisma-safe changes no schema.

mod copies;
mod killed;
mod passes;
mod plain;
mod standing;
mod tokens;

use crate::journey::songs;
use crate::support::{Database, Prisma, Project};

/// A migration that is pending.
const YEAR: &str = "20250102000000_year";
const ADD_YEAR: &str = "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n";

/// Songs in a database that is guarded, and no rehearsal: that is tested by itself.
fn guarded(prisma: Prisma) -> Project {
    let project = songs(prisma, 10);
    let off = "[rehearsal]\nmode = \"off\"\nreason = \"a test of something else\"\n";
    project.write("prisma-safe.toml", off);
    project.run(["guard", "on"]).succeeds().says("public").says("DROP DATABASE");
    project
}

/// The project counts as production, with its guard.
fn production(prisma: Prisma) -> Project {
    let project = guarded(prisma);
    let settings = project.read("prisma-safe.toml");
    let production = "[environments.production]\nhosts = [\"127.0.0.1\"]\nproduction = true\n";
    project.write("prisma-safe.toml", &format!("{production}{settings}"));
    project
}

/// The hash that a refusal asks a person to confirm.
fn hash(words: &str) -> String {
    let (_, rest) = words.split_once("--confirm ").unwrap_or_else(|| panic!("no hash: {words}"));
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

/// The server's words for what it refuses.
#[track_caller]
fn refused(database: &Database, sql: &str) -> String {
    let error = database.connect().batch_execute(sql).expect_err(sql);
    let error = error.as_db_error().unwrap_or_else(|| panic!("{error}: {sql}"));
    assert_eq!(error.code().code(), "PSAFE", "{error}: {sql}");
    format!("{}\n{}\n{}", error.message(), error.detail().unwrap_or_default(), error.hint().unwrap_or_default())
}

/// A role that may log in and may do nothing else yet, with its URL.
fn role(database: &Database, kind: &str) -> (String, String) {
    let role = format!("{kind}_{}", database.name());
    database.execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'secret'"));
    let mut url = url::Url::parse(database.url()).expect("a URL");
    url.set_username(&role).expect("a user");
    url.set_password(Some("secret")).expect("a password");
    (role, url.into())
}
