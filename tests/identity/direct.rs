//! A direct URL is taken only where it leads to the database that Prisma's URL names (I1), and what differs is named.

use super::Twin;
use crate::deploying::{ADD_YEAR, YEAR};
use crate::journey::songs;
use crate::pooler::Bouncer;
use crate::support::{Prisma, Project};

/// A project with one migration to deploy, and no rehearsal: it is not what is tested here.
fn pending(prisma: Prisma) -> Project {
    let project = songs(prisma, 20);
    project.add_migration(YEAR, ADD_YEAR);
    project.write("prisma-safe.toml", "[rehearsal]\nmode = \"off\"\nreason = \"a test of something else\"\n");
    project
}

fn flagged(url: &str) -> String {
    format!("{url}?pgbouncer=true")
}

/// Whether the pending migration has reached the project's database, and the twin's.
fn changed(project: &Project, twin: &Twin) -> (bool, bool) {
    const HAS_YEAR: &str =
        "SELECT count(*) FROM information_schema.columns WHERE table_name = 'Song' AND column_name = 'year'";
    (project.database().value(HAS_YEAR) == "1", twin.value(HAS_YEAR) == "1")
}

#[test]
fn a_stale_direct_url_sends_no_deploy_to_another_server() {
    let project = pending(Prisma::V7);
    let twin = Twin::of(&project);
    let bouncer = Bouncer::before(&project, "transaction");
    let direct = project.database().url().to_owned();
    let through = flagged(&bouncer.url(&project));
    let project = project.env("DATABASE_URL", &through).env("DIRECT_URL", &twin.url);
    let refused = project.run(["migrate", "deploy"]).exits(2).says("DIRECT_URL").says("another database");
    // both are named
    let refused = refused.says(&format!("127.0.0.1:{}", twin.port()));
    let pooled = url::Url::parse(&bouncer.url(&project)).unwrap().port().unwrap();
    refused.says(&format!("127.0.0.1:{pooled}")).says("identifier");
    assert_eq!(changed(&project, &twin), (false, false));
    for command in [&["status"][..], &["backup"], &["migrate", "dev", "--name", "x"], &["rehearse"]] {
        project.run(command).exits(2).says("another database");
    }
    // the next candidate counts
    let project = project.env("POSTGRES_URL_NON_POOLING", &twin.url).env("DIRECT_URL", &direct);
    let deployed = project.run(["migrate", "deploy"]).succeeds();
    deployed.says("direct URL from DIRECT_URL, which leads to the same database");
    assert_eq!(changed(&project, &twin), (true, false));
}

#[test]
fn the_other_way_round_production_stays_untouched_too() {
    let project = pending(Prisma::V7);
    let twin = Twin::of(&project);
    // staging is behind the pooler, the variable still names the project's own database
    let staging = Bouncer::before_server(twin.port());
    let through = flagged(&staging.url(&project));
    let project = project.env("DATABASE_URL", &through);
    let direct = project.database().url().to_owned();
    let project = project.env("DIRECT_URL", &direct);
    project.run(["migrate", "deploy"]).exits(2).says("another database");
    assert_eq!(changed(&project, &twin), (false, false));
}

#[test]
fn another_database_of_the_same_server_is_another_one_too() {
    let project = pending(Prisma::V7);
    let copy = project.database().copy();
    let bouncer = Bouncer::before(&project, "transaction");
    let through = flagged(&bouncer.url(&project));
    let project = project.env("DATABASE_URL", &through).env("DIRECT_URL", copy.url());
    project.run(["migrate", "deploy"]).exits(2).says("another database");
}

/// A physical copy has the identifier, the oid and the name of its origin: only a lock shows which is which.
#[test]
fn a_copy_of_the_cluster_is_another_one_too() {
    let project = pending(Prisma::V7);
    let twin = Twin::of(&project);
    let copy = twin.copy();
    let staging = Bouncer::before_server(twin.port());
    let through = flagged(&staging.url(&project));
    let project = project.env("DATABASE_URL", &through).env("DIRECT_URL", &copy.url);
    let identifier = "SELECT system_identifier FROM pg_control_system()";
    assert_eq!(twin.value(identifier), copy.value(identifier));
    project.run(["migrate", "deploy"]).exits(2).says("another database");
    assert_eq!(changed(&project, &copy), (false, false));
    let project = project.env("DIRECT_URL", &twin.url);
    project.run(["migrate", "deploy"]).succeeds();
    assert!(changed(&project, &twin).1 && !changed(&project, &copy).1);
}

#[test]
fn a_role_that_may_not_ask_for_the_identifier_gets_the_same_answers() {
    let project = pending(Prisma::V7);
    let twin = Twin::of(&project);
    let hide = "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC";
    // the project's own server is everybody's: only the twin is changed
    twin.connect().batch_execute(&format!("{hide}; CREATE ROLE plain LOGIN PASSWORD 'plain'")).unwrap();
    let name = project.database().name().to_owned();
    twin.connect().batch_execute(&format!("GRANT ALL ON DATABASE \"{name}\" TO plain; ALTER TABLE \"Song\" OWNER TO plain; ALTER TABLE _prisma_migrations OWNER TO plain; GRANT ALL ON SCHEMA public TO plain")).unwrap();
    let plain = |port: u16| format!("postgresql://plain:plain@127.0.0.1:{port}/{name}");
    let staging = Bouncer::before_server(twin.port());
    let through = flagged(&plain(staging.port));
    let project = project.env("DATABASE_URL", &through).env("DIRECT_URL", &plain(twin.port()));
    project.run(["migrate", "deploy"]).succeeds().says("a server that hides its identifier");
    assert!(changed(&project, &twin).1);
}

#[test]
fn the_two_urls_of_a_schema_may_not_lead_to_two_databases() {
    let project = pending(Prisma::V6);
    let twin = Twin::of(&project);
    let schema = project.read("prisma/schema.prisma");
    let line = "url      = env(\"DATABASE_URL\")";
    project.write("prisma/schema.prisma", &schema.replace(line, &format!("{line}\n  directUrl = env(\"STRAIGHT\")")));
    let direct = project.database().url().to_owned();
    let project = project.env("STRAIGHT", &twin.url);
    let refused = project.run(["migrate", "deploy"]).exits(2).says("lead to two databases");
    refused.says(&format!("127.0.0.1:{}", twin.port()));
    assert_eq!(changed(&project, &twin), (false, false));
    let project = project.env("STRAIGHT", &direct);
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(changed(&project, &twin), (true, false));
}

#[test]
fn a_deploy_names_its_database_before_everything_else() {
    let project = pending(Prisma::V7);
    let output = project.run(["migrate", "deploy"]).succeeds();
    let ours: Vec<&str> =
        output.stderr.lines().filter(|line| line.contains("  ") && !line.contains("Prisma")).collect();
    let first = console::strip_ansi_codes(ours[0]).into_owned();
    let identifier = project.database().value("SELECT system_identifier FROM pg_control_system()");
    for part in ["Target", project.database().name(), "127.0.0.1:", "PostgreSQL 15", &identifier, "schema public"] {
        assert!(first.contains(part), "{part} in {first}\n{output}");
    }
    // also where there is nothing to do
    project.run(["migrate", "deploy"]).succeeds().says(&identifier);
}

#[test]
fn a_record_of_another_server_under_the_same_name_is_not_resumed() {
    let project = pending(Prisma::V7);
    project.write("prisma/migrations/20250103000000_broken/migration.sql", "SELECT 1 / 0;\n");
    project.run(["migrate", "deploy"]).exits(1);
    let file = project.files(".prisma-safe").into_iter().find(|file| file.ends_with(".jsonl")).expect("a journal");
    let text = project.read(&file);
    let identifier = project.database().value("SELECT system_identifier FROM pg_control_system()");
    assert!(text.contains(&identifier), "{text}");
    project.write(&file, &text.replace(&identifier, "7000000000000000000"));
    project.run(["migrate", "deploy", "--resume"]).exits(2).says("no unfinished deployment to");
    // a file that does not know it stays readable
    let older: String = text
        .lines()
        .map(|line| {
            let mut entry: serde_json::Value = serde_json::from_str(line).unwrap();
            entry.as_object_mut().unwrap().remove("server");
            format!("{entry}\n")
        })
        .collect();
    project.write(&file, &older);
    project.write("prisma/migrations/20250103000000_broken/migration.sql", "SELECT 1 / 0;\n");
    project.run(["migrate", "deploy", "--resume"]).exits(1).says("Resuming");
}

#[test]
fn a_malformed_url_is_named_and_nothing_happens() {
    let project = pending(Prisma::V7);
    let before = project.database().contents();
    for url in ["postgresql://u:pass word@:x/app", "127.0.0.1:5432/app", "postgresql://u:p@h:99999999/app"] {
        project.run(["migrate", "deploy", "--url", url]).exits(2).says("database URL").says_nothing_of("pass word");
    }
    let bouncer = Bouncer::before(&project, "transaction");
    let through = flagged(&bouncer.url(&project));
    let project = project.env("DATABASE_URL", &through).env("DIRECT_URL", "postgresql://u:secret@:x/app");
    let refused = project.run(["migrate", "deploy"]).exits(2);
    refused.says("DIRECT_URL holds no URL that can be used").says_nothing_of("secret");
    assert_eq!(project.database().contents(), before);
}
