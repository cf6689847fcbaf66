//! Where nobody may rename databases: schemas are swapped within one, or what cannot be is refused by its name.

use super::{backed_up, backup, beside, restore};
use crate::support::{Database, Project};

fn schemas(database: &Database) -> Vec<String> {
    database
        .rows("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1")
}

#[test]
fn schemas_take_each_others_place_with_their_extensions() {
    let (project, _) = backed_up(500);
    let database = project.database();
    database.execute(
        "CREATE EXTENSION citext; CREATE TABLE tagged (tag citext PRIMARY KEY, id int REFERENCES \"Song\");
         INSERT INTO tagged VALUES ('Jazz', 1); CREATE VIEW loud AS SELECT tag FROM tagged;
         CREATE SCHEMA \"App\"; CREATE TABLE \"App\".\"X\" (id int REFERENCES public.\"Song\"); INSERT INTO \"App\".\"X\" VALUES (3);
         CREATE PUBLICATION feed FOR TABLE tagged; GRANT USAGE ON SCHEMA public TO pg_monitor",
    );
    let before = database.contents();
    let rights = "SELECT nspacl, pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public'";
    let known = database.value(rights);
    let backup = backup(&project);
    database.execute("DELETE FROM tagged; DROP TABLE \"App\".\"X\"; ALTER TABLE \"Song\" RENAME TO \"Track\"");
    let document = restore(&project, &backup, &["--swap", "schemas", "--format", "json"]).succeeds().json();
    let old: Vec<&str> = document["old"].as_array().expect("schemas").iter().filter_map(|name| name.as_str()).collect();
    assert_eq!(old.len(), 2);
    assert_eq!(database.count("Song"), 500);
    assert_eq!(database.value("SELECT tag FROM tagged WHERE tag = 'JAZZ'"), "Jazz");
    assert_eq!(database.value(rights), known);
    assert_eq!(beside(database), Vec::<String>::new());
    // the statements that drop the old for good leave exactly the backup
    for sql in document["sql"].as_array().expect("SQL") {
        database.execute(sql.as_str().expect("text"));
    }
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let publications = database.rows("SELECT pubname FROM pg_publication WHERE pubname LIKE '!_prisma%' ESCAPE '!'");
    assert_eq!(publications.len(), 1);
    database.execute(&format!("DROP PUBLICATION \"{}\"", publications[0]));
    let (found, wanted) = (lines(&database.contents()), lines(&before));
    let differs =
        |one: &[String], other: &[String]| one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>();
    assert_eq!((differs(&found, &wanted), differs(&wanted, &found)), (Vec::new(), Vec::new()));
    assert_eq!(found.len(), wanted.len());
    assert_eq!(schemas(database), ["App", "public"]);
}

/// A role that owns its schema and nothing else.
fn tenant(project: &Project) -> (String, String) {
    let database = project.database();
    let role = format!("tenant_{}", database.name());
    database.execute(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'tenant'; GRANT CREATE ON DATABASE {} TO {role}; ALTER SCHEMA public OWNER TO {role};
         ALTER TABLE \"Song\" OWNER TO {role}; ALTER TABLE _prisma_migrations OWNER TO {role}",
        database.name()
    ));
    let mut url = url::Url::parse(database.url()).expect("a URL");
    url.set_username(&role).expect("a user");
    url.set_password(Some("tenant")).expect("a password");
    (role, url.into())
}

fn leave(project: &Project, role: &str) {
    project
        .database()
        .execute(&format!("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_role_that_may_not_rename_swaps_schemas_by_itself() {
    let (project, _) = backed_up(300);
    let (role, url) = tenant(&project);
    let backup = backup(&project);
    project.database().execute("DELETE FROM \"Song\"");
    restore(&project, &backup, &["--url", &url]).succeeds().says("schemas are swapped within the database, because");
    assert_eq!(project.database().count("Song"), 300);
    assert_eq!(
        project.database().value("SELECT tableowner FROM pg_tables WHERE tablename = 'Song' AND schemaname = 'public'"),
        role
    );
    restore(&project, &backup, &["--url", &url, "--swap", "database"]).exits(3).says("CREATEDB");
    leave(&project, &role);
}

#[test]
fn what_cannot_be_swapped_is_named_and_left_alone() {
    let (project, backup) = backed_up(10);
    let database = project.database();
    let before = |database: &Database| (schemas(database), database.count("Song"));
    let known = before(database);
    // created after the backup, so it would go on looking at the old table
    database.execute("CREATE SCHEMA later; CREATE VIEW later.look AS SELECT * FROM public.\"Song\"");
    restore(&project, &backup, &["--swap", "schemas"]).exits(3).says("later.look");
    database.execute("DROP SCHEMA later CASCADE; SELECT lo_create(0)");
    let with_objects = super::backup(&project);
    restore(&project, &with_objects, &["--swap", "schemas"]).exits(3).says("large objects");
    assert_eq!(before(database), known);

    database.execute("SELECT lo_unlink(oid) FROM pg_largeobject_metadata; CREATE EXTENSION citext");
    let (role, url) = tenant(&project);
    restore(&project, &backup, &["--url", &url])
        .exits(3)
        .says("the extension citext in the schema public belongs to another role");
    assert_eq!(before(database), known);
    leave(&project, &role);
}
