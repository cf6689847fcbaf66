//! The connection is cut in the middle of a deploy, or the server goes away.

use super::pending;
use crate::journey::{prisma_is_content, songs};
use crate::support::proxy::{Pass, Proxy};
use crate::support::{Prisma, Project, soon};

const ALTERS: &str = "ADD COLUMN \"year\"";
const DROPS: &str = "DROP COLUMN \"year\"";
const COMMITS: &str = "COMMIT\0";

/// The project's database by way of a proxy.
fn by(proxy: &Proxy, project: Project) -> Project {
    project.env("DATABASE_URL", proxy.url())
}

/// Before COMMIT reaches the server nothing of the migration is there, and the next deploy goes through.
fn before_commit(prisma: Prisma) {
    let project = pending(prisma);
    let before = project.database().contents();
    let proxy = Proxy::once(project.database().url(), &[ALTERS, COMMITS], Pass::Cut);
    let project = by(&proxy, project);
    project.run(["migrate", "deploy"]).exits(1).says("cut");
    assert_eq!(project.database().contents(), before);
    let direct = project.database().url().to_owned();
    let project = project.env("DATABASE_URL", &direct);
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().count("_prisma_migrations"), 2);
}

#[test]
fn before_commit_7() {
    before_commit(Prisma::V7);
}

#[test]
fn before_commit_6() {
    before_commit(Prisma::V6);
}

/// After it the migration is applied, and the deploy finds that out and goes on.
#[test]
fn after_commit() {
    let project = pending(Prisma::V7);
    let proxy = Proxy::once(project.database().url(), &[ALTERS, COMMITS], Pass::Unanswered);
    let project = by(&proxy, project);
    project.add_migration("20250103000000_next", "ALTER TABLE \"Song\" ADD COLUMN \"next\" INTEGER;\n");
    project.run(["migrate", "deploy"]).succeeds().says("20250103000000_next");
    assert_eq!(project.database().value("SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL"), "3");
}

/// A rollback that is cut before its commit has done nothing; the next one does it.
#[test]
fn a_rollback_before_its_commit() {
    let project = pending(Prisma::V7);
    project.run(["migrate", "deploy"]).succeeds();
    let before = project.database().contents();
    let proxy = Proxy::once(project.database().url(), &[DROPS, COMMITS], Pass::Cut);
    let direct = project.database().url().to_owned();
    let project = by(&proxy, project);
    project.run(["rollback"]).exits(1).says("was not rolled back").says("nothing has changed");
    assert_eq!(project.database().contents(), before);
    let project = project.env("DATABASE_URL", &direct);
    project.run(["rollback"]).succeeds();
    assert_eq!(project.database().count("_prisma_migrations"), 1);
}

/// One that is cut after it finds out that it is done.
#[test]
fn a_rollback_after_its_commit() {
    let project = pending(Prisma::V7);
    project.run(["migrate", "deploy"]).succeeds();
    let proxy = Proxy::once(project.database().url(), &[DROPS, COMMITS], Pass::Unanswered);
    let project = by(&proxy, project);
    project.run(["rollback"]).succeeds().says("Rolled back");
    assert_eq!(project.database().count("_prisma_migrations"), 1);
    project.prisma(["migrate", "status"]).exits(1).says(super::YEAR);
}

/// In a statement.
#[test]
fn in_the_middle() {
    let project = pending(Prisma::V7);
    project
        .add_migration("20250103000000_slow", "ALTER TABLE \"Song\" ADD COLUMN \"x\" INTEGER;\nSELECT pg_sleep(60);\n");
    let proxy = Proxy::plain(project.database().url());
    let project = by(&proxy, project);
    let child = super::start(super::deploy(&project));
    let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep(60)%'";
    soon("it sleeps", || project.database().value(sleeps) == "1");
    proxy.cut();
    super::end(child).exits(1).says("20250103000000_slow").says("20250102000000_year");
    soon("the server has let go", || project.database().value(sleeps) == "0");
    assert_eq!(project.database().count("_prisma_migrations"), 2, "the first one is whole, of the second nothing is");
    let x = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'x'";
    assert_eq!(project.database().value(x), "0");
}

/// A long statement that the server ends.
#[test]
fn a_statement_that_takes_too_long() {
    let project = songs(Prisma::V7, 10);
    super::quick(&project, "[deploy]\nstatement-timeout-seconds = 0.5\n");
    project
        .add_migration("20250102000000_slow", "ALTER TABLE \"Song\" ADD COLUMN \"x\" INTEGER;\nSELECT pg_sleep(30);\n");
    let before = project.database().contents();
    project.run(["migrate", "deploy"]).exits(1).says("line 2").says("statement-timeout-seconds");
    assert_eq!(project.database().contents(), before);
    prisma_is_content_before(&project);
}

/// Prisma itself finds only that something is pending, and nothing failed.
fn prisma_is_content_before(project: &Project) {
    project.prisma(["migrate", "status"]).exits(1).says("have not yet been applied");
    project.run(["migrate", "resolve", "--applied", "20250102000000_slow"]).succeeds();
    prisma_is_content(Prisma::V7, project);
}
