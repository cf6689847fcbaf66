//! A database goes by its server's word, whatever its URL looks like: a plan, the journal, and what is production.

use super::Twin;
use crate::deploying::{ADD_YEAR, YEAR};
use crate::journey::songs;
use crate::pooler::Bouncer;
use crate::support::proxy::Proxy;
use crate::support::{Output, Prisma, Project};

fn pending(prisma: Prisma) -> Project {
    let project = songs(prisma, 20);
    project.add_migration(YEAR, ADD_YEAR);
    project.write("prisma-safe.toml", "[rehearsal]\nmode = \"off\"\nreason = \"a test of something else\"\n");
    project
}

#[test]
fn one_database_is_one_whatever_its_url_is() {
    let project = pending(Prisma::V7);
    let direct = project.database().url().to_owned();
    let localhost = direct.replace("127.0.0.1", "localhost");
    assert_ne!(localhost, direct);
    let tunnel = Proxy::plain(&direct);
    let twin = Twin::of(&project);
    let snapshot = twin.copy();
    let plan = |url: &str| {
        let review = project.run(["review", "--pending", "--format", "json", "--url", url]).succeeds().json();
        review["planHash"].as_str().expect("a hash").to_owned()
    };
    let own = plan(&direct);
    assert_eq!([plan(&localhost), plan(tunnel.url())], [own.clone(), own.clone()]);
    // the same name and contents on another server, and that server file by file
    let (other, copied) = (plan(&twin.url), plan(&snapshot.url));
    assert!(own != other && other != copied && own != copied, "{own} {other} {copied}");

    // production by another door: the variable that says where it is stands in .env
    let settings = project.read("prisma-safe.toml");
    let live = "[environments.live]\nurl-env = \"LIVE_URL\"\nproduction = true\n";
    project.write("prisma-safe.toml", &format!("{live}{settings}"));
    project.write(".env", &format!("DATABASE_URL=\"{}\"\nLIVE_URL=\"{direct}\"\n", tunnel.url()));
    let word = "environment `live`, by its server's word";
    project.run(["db", "push", "--force-reset"]).exits(3).says(word);
    assert_eq!(project.database().count("Song"), 20);
    // also where the command line names it, and Prisma need not be asked for the URL: the name of a backup tells
    let local = "[environments.dev]\nhosts = [\"127.0.0.1\"]\n";
    project.write("prisma-safe.toml", &format!("{live}{local}{settings}"));
    project.run(["backup", "--proof", "read", "--url", tunnel.url()]).succeeds().says("prod_backup_");
    project.write("prisma-safe.toml", &format!("{live}{settings}"));
    project.run(["migrate", "deploy", "--confirm", &own]).succeeds().says(word);
    // and the twin is not it
    project.run(["status", "--url", &twin.url]).exits(1).says_nothing_of("last deployment");

    let status = |url: &str| project.run(["status", "--format", "json", "--url", url]).json();
    assert_eq!(status(&localhost)["lastDeployment"]["state"], "finished");
    assert_eq!(status(&direct)["lastDeployment"]["state"], "finished");
    assert!(status(&twin.url)["lastDeployment"].is_null());
}

/// The direct URL may stand in the `.env` that Prisma reads; what is set in the environment comes first.
fn a_direct_url_may_stand_in_env(prisma: Prisma) {
    let project = pending(prisma);
    let direct = project.database().url().to_owned();
    let bouncer = Bouncer::before(&project, "transaction");
    let pooled = format!("{}?pgbouncer=true", bouncer.url(&project));
    project.write(".env", &format!("DATABASE_URL=\"{pooled}\"\n"));
    project.run(["status"]).exits(2).says("set one of POSTGRES_URL_NON_POOLING");
    project.write(".env", &format!("DATABASE_URL=\"{pooled}\"\nDIRECT_URL=\"{direct}\"\n"));
    let mut set = project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["status"]);
    set.env("DIRECT_URL", direct.replace(project.database().name(), "postgres"));
    let set = Output::of("status".into(), set.output().expect("prisma-safe"));
    set.exits(2).says("DIRECT_URL names").says("another database");
    project.run(["migrate", "deploy"]).succeeds().says("direct URL from DIRECT_URL, which leads to the same database");
    assert_eq!(project.database().count("_prisma_migrations"), 2);
}

#[test]
fn a_direct_url_may_stand_in_env_7() {
    a_direct_url_may_stand_in_env(Prisma::V7);
}

#[test]
fn a_direct_url_may_stand_in_env_6() {
    a_direct_url_may_stand_in_env(Prisma::V6);
}
