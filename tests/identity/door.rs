//! The side door: plain Prisma meets the fences where `init` has led it to prisma-safe (I4).

use crate::journey::songs;
use crate::support::project::native;
use crate::support::proxy::Proxy;
use crate::support::{Output, Prisma, Project};

/// A project on production, set up by `init`, in which plain Prisma finds its engine by .env alone.
fn closed(prisma: Prisma) -> Project {
    let project = songs(prisma, 25).production();
    if !native() {
        let engine = prisma.fixture().join("schema-engine.mjs");
        let text = project.read(".env");
        project.write(".env", &format!("{text}PRISMA_SCHEMA_ENGINE_BINARY=\"{}\"\n", engine.display()));
    }
    let shown = project.run(["init", "--yes"]).succeeds();
    shown.says("+PRISMA_SCHEMA_ENGINE_BINARY=./prisma-safe-engine.sh").says_nothing_of("+DATABASE_URL");
    project
}

fn plain(project: &Project, words: &[&str]) -> Output {
    let safe = std::path::Path::new(env!("CARGO_BIN_EXE_prisma-safe")).parent().expect("a directory");
    let mut command = project.command("node_modules/.bin/prisma", words);
    command.env_remove("PRISMA_SCHEMA_ENGINE_BINARY").stdin(std::process::Stdio::null());
    // Prisma 6 looks for an engine to download before it reads .env: offline only the environment itself keeps it from that
    let early = project.read("prisma/schema.prisma").contains("env(\"DATABASE_URL\")");
    command.envs(early.then_some(("PRISMA_SCHEMA_ENGINE_BINARY", "./prisma-safe-engine.sh")));
    command.env("PATH", format!("{}:{}", safe.display(), std::env::var("PATH").expect("a path")));
    Output::of(words.join(" "), command.output().expect("Prisma"))
}

fn meets_the_fences(prisma: Prisma) {
    let project = closed(prisma);
    project.add_migration("20250102000000_year", "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n");
    let before = project.database().contents();
    for words in [
        &["db", "push", "--force-reset", "--accept-data-loss"][..],
        &["migrate", "reset", "--force"],
        &["migrate", "deploy"],
        &["migrate", "resolve", "--applied", "20250102000000_year"],
    ] {
        let refused = plain(&project, words);
        assert_ne!(refused.status, 0, "{refused}");
        refused.says("prisma-safe").says("production database").says("npx prisma-safe");
        assert_eq!(project.database().contents(), before, "{words:?}");
    }
    plain(&project, &["migrate", "status"]).exits(1).says("20250102000000_year");
    // through us it is a person's business, as ever
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().count("Song"), 25);
    // elsewhere plain Prisma is its owner's
    project.write("prisma-safe.toml", "");
    plain(&project, &["migrate", "reset", "--force"]).succeeds();
    assert_eq!(project.database().count("Song"), 0);
    project.run(["status"]).says("meets prisma-safe's fences, by .env");
}

#[test]
fn plain_prisma_7_meets_the_fences() {
    meets_the_fences(Prisma::V7);
}

#[test]
fn plain_prisma_6_meets_the_fences() {
    meets_the_fences(Prisma::V6);
}

/// The URL names no host of production, its server does.
#[test]
fn production_under_another_name_meets_them_too() {
    let project = closed(Prisma::V7);
    let direct = project.database().url();
    let tunnel = Proxy::plain(direct);
    let env = project.read(".env").replace(direct, tunnel.url());
    project.write(".env", &format!("{env}LIVE_URL=\"{direct}\"\n"));
    project.write("prisma-safe.toml", "[environments.live]\nurl-env = \"LIVE_URL\"\nproduction = true\n");
    let refused = plain(&project, &["db", "push", "--force-reset", "--accept-data-loss"]);
    assert_ne!(refused.status, 0, "{refused}");
    refused.says("prisma-safe").says("production database");
    assert_eq!(project.database().count("Song"), 25);
}

#[test]
fn a_shadow_database_that_is_production_is_refused_at_the_door_too() {
    let project = closed(Prisma::V7);
    project.write("prisma-safe.toml", "");
    let config = project.read("prisma.config.ts");
    let url = "url: process.env.DATABASE_URL!";
    project.write("prisma.config.ts", &config.replace(url, &format!("{url}, shadowDatabaseUrl: process.env.SHADOW")));
    let live = project.database().copy();
    let project = project.env("SHADOW", live.url());
    let words = ["migrate", "diff", "--from-migrations", "prisma/migrations", "--to-schema", "prisma/schema.prisma"];
    plain(&project, &words).exits(1).says("shadow database").says("a migration history");
    assert_eq!(live.count("Song"), 25);
}

#[test]
fn status_says_which_door_is_open() {
    let project = songs(Prisma::V7, 1);
    project.write("package.json", "{\"scripts\": {\"m\": \"prisma migrate deploy\"}}");
    project.run(["status"]).succeeds().says("scripts that run plain Prisma: m").says("goes around prisma-safe");
    let doors = project.run(["status", "--format", "json"]).json()["doors"].clone();
    assert_eq!(doors, serde_json::json!({"scripts": "open", "engine": "open"}));
    project.run(["init", "--yes"]).succeeds();
    project.run(["status"]).succeeds().says("no script of package.json").says("by .env");
}
