//! A role that may not do everything is told so before anything happens, with the statement that gives it the right.

use super::YEAR;
use crate::journey::{backups, songs};
use crate::support::Prisma;

const DROP: &str =
    "-- prisma-safe:allow drop-column(Song.plays): nobody counts\nALTER TABLE \"Song\" DROP COLUMN \"plays\";\n";

#[test]
fn what_the_role_lacks_is_told_before_anything_happens() {
    let project = songs(Prisma::V7, 10);
    let database = project.database();
    let role = format!("deployer_{}", database.name());
    database.execute(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'deployer'; ALTER TABLE _prisma_migrations OWNER TO {role}; GRANT SELECT ON \"Song\" TO {role}"
    ));
    let mut url = url::Url::parse(database.url()).expect("a URL");
    url.set_username(&role).expect("a user");
    url.set_password(Some("deployer")).expect("a password");
    let project = project.env("DATABASE_URL", url.as_str());
    let database = project.database();
    super::quick(&project, "[undo]\notherwise = \"refuse\"\n");
    project.add_migration(YEAR, DROP);
    let before = database.contents();

    let told = project.run(["migrate", "deploy"]).exits(3).says("public.Song belongs to music");
    let mend = format!("ALTER TABLE \"public\".\"Song\" OWNER TO \"{role}\";");
    told.says(&mend);
    assert_eq!((database.contents(), backups(&project).len()), (before, 0));
    database.execute(&mend);

    let grant = format!("GRANT CREATE ON DATABASE \"{}\" TO \"{role}\";", database.name());
    project.run(["migrate", "deploy"]).exits(3).says("the schema _prisma_safe").says(&grant);
    assert_eq!(backups(&project).len(), 0);
    database.execute(&grant);

    project.run(["migrate", "deploy"]).succeeds();
    project.run(["rollback"]).succeeds();
    assert_eq!(database.value("SELECT count(plays) FROM \"Song\""), "10");
    database.execute(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
}

/// The state is kept elsewhere where the project cannot be written, and the refusal names how.
#[test]
fn the_state_is_kept_where_it_is_told() {
    let project = super::pending(Prisma::V7);
    // nobody makes a directory where a file is
    project.write(".prisma-safe", "");
    project.run(["migrate", "deploy"]).exits(1).says("[state]").says("PRISMA_SAFE_STATE_DIR");
    super::quick(&project, "[state]\ndirectory = \"elsewhere\"\n");
    project.run(["migrate", "deploy"]).succeeds();
    assert!(!project.files("elsewhere/deployments").is_empty());
    project.add_migration("20250103000000_more", "ALTER TABLE \"Song\" ADD COLUMN \"more\" TEXT;\n");
    let project = project.env("PRISMA_SAFE_STATE_DIR", "by-variable");
    project.run(["migrate", "deploy"]).succeeds();
    assert!(!project.files("by-variable/deployments").is_empty());
    project.run(["status"]).succeeds();
}

/// Each option stands below the heading that it belongs to.
#[test]
fn options_stand_below_their_own_headings() {
    let project = super::pending(Prisma::V7);
    let help = project.run(["migrate", "deploy", "--help"]).succeeds().stdout;
    let below = |option: &str| {
        let before = &help[..help.find(option).unwrap_or_else(|| panic!("{option}"))];
        before.lines().rev().find(|line| !line.starts_with(' ') && line.ends_with(':')).unwrap().to_owned()
    };
    for (option, heading) in [
        ("--probe-traffic", "Options:"),
        ("--resume", "Options:"),
        ("--hide-queries", "Options:"),
        ("--skip-rehearsal", "On production:"),
        ("--maintenance-window", "When:"),
        ("--format", "Report:"),
    ] {
        assert_eq!(below(option), heading, "{option}");
    }
}
