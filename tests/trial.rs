//! `test FILE.sql`: any SQL on a copy, which tells what it did; the target is left alone.

use crate::support::{Project, schema};

const INIT: &str = "CREATE TABLE \"Song\" (\"id\" SERIAL NOT NULL, \"artist\" TEXT NOT NULL, \"plays\" INTEGER NOT NULL, \
                    \"note\" TEXT, CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\"));\n";

#[test]
fn any_sql_runs_on_the_copy_and_is_told() {
    let project = Project::prisma7().migration("20250101000000_init", INIT).rows("Song", 1_000);
    project.write("one.sql", "SELECT 1;\n");
    project.run(["test", "one.sql"]).exits(1).says("no backup of").says("prisma-safe backup");
    project.run(["backup"]).succeeds();
    let before = project.database().contents();

    // as practices of a project have it: tables in one transaction; with values that are other ones afterwards
    project.write(
        "playlists.sql",
        "BEGIN;\nCREATE TABLE \"Playlist\" (id SERIAL PRIMARY KEY, song_id INTEGER REFERENCES \"Song\"(id));\n\
         UPDATE \"Song\" SET plays = 0 WHERE id <= 10;\nDELETE FROM \"Song\" WHERE id > 995;\nCOMMIT;\n",
    );
    let told = project.run(["test", "playlists.sql", "--format", "json"]).succeeds().json();
    schema::assert_valid("test", &told);
    assert_eq!((&told["verdict"], &told["atomic"]), (&"pass".into(), &true.into()), "{told:#}");
    let update = &told["statements"][1];
    assert_eq!((&update["line"], &update["rows"][0]["updated"]), (&3.into(), &10.into()), "{told:#}");
    assert_eq!(told["losses"][0]["object"], "Song", "{told:#}");
    assert!(told["locks"].as_array().unwrap().iter().any(|lock| lock["mode"] == "ShareRowExclusive"), "{told:#}");
    project.run(["test", "playlists.sql"]).succeeds().says("10 rows updated in Song").says("Playlist: new, 0 rows");

    // the server's refusal with its line; what cannot be in one transaction runs as psql runs it
    project.write("wrong.sql", "UPDATE \"Song\" SET plays = 1;\nUPDATE \"Song\"\n  SET nope = 1;\n");
    let refused = project.run(["test", "wrong.sql", "--format", "json"]).exits(1).says("fails at line 3");
    let told = refused.json();
    schema::assert_valid("test", &told);
    assert_eq!((&told["error"]["line"], &told["error"]["code"]), (&3.into(), &"42703".into()), "{told:#}");
    project.write(
        "alone.sql",
        "CREATE INDEX CONCURRENTLY by_plays ON \"Song\"(plays);\nUPDATE \"Song\" SET note = 'x' WHERE id < 4;\nVACUUM nope;\n",
    );
    project
        .run(["test", "alone.sql"])
        .exits(1)
        .says("builds by_plays")
        .says("note holds other values in 3 rows")
        .says("at line 3");

    // nothing outside of the copy is reached
    project.write("out.sql", "SELECT 1;\nCOPY \"Song\" TO PROGRAM 'cat > /tmp/song';\n");
    project.run(["test", "out.sql"]).exits(3).says("would reach beyond the copy").says("out.sql, line 2");
    assert_eq!(project.database().contents(), before);
}
