//! What else in the database mentions a renamed or dropped column, and that PostgreSQL does to it what the review says.

use super::songs;
use crate::support::Prisma;

const DEPENDENTS: &str = r#"
CREATE VIEW names AS SELECT artist FROM "Song";
CREATE MATERIALIZED VIEW counted AS SELECT artist, count(*) FROM "Song" GROUP BY 1;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW."artist" := trim(NEW."artist"); RETURN NEW; END';
CREATE FUNCTION asked() RETURNS bigint LANGUAGE sql AS 'SELECT count(artist) FROM "Song"';
CREATE FUNCTION other() RETURNS int LANGUAGE sql AS 'SELECT 1 /* artist */';
CREATE TRIGGER t BEFORE UPDATE OF artist ON "Song" FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE "Song" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON "Song" USING (artist <> 'x');
ALTER TABLE "Song" ADD COLUMN up text GENERATED ALWAYS AS (upper(artist)) STORED;
CREATE RULE r AS ON DELETE TO "Song" WHERE OLD.artist = 'x' DO INSTEAD NOTHING;
"#;

#[test]
fn are_listed_with_their_fate() {
    let project = songs(Prisma::V7, 10);
    project.database().execute(DEPENDENTS);
    project.add_migration("20250102000000_x", "ALTER TABLE \"Song\" RENAME COLUMN \"artist\" TO \"singer\";\n");
    let found = |severity: &str| -> Vec<String> {
        let json = project.run(["review", "--format", "json"]).json();
        let findings = json["migrations"][0]["findings"].as_array().expect("findings").clone();
        let own = findings.iter().filter(|each| each["rule"] == "dependent-object" && each["severity"] == severity);
        own.map(|each| each["evidence"][0]["text"].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(found("warning"), ["function asked()", "function touch()"]);
    let follow = [
        "generated column up of \"Song\"",
        "materialized view public.counted",
        "policy own of \"Song\"",
        "rule r of public.\"Song\"",
        "trigger t of \"Song\"",
        "view public.names",
    ];
    assert_eq!(found("info"), follow);

    // a copy of the database shows that it is so
    let copy = project.database().copy();
    copy.execute("ALTER TABLE \"Song\" RENAME COLUMN \"artist\" TO \"singer\"");
    assert_eq!(copy.value("SELECT count(artist) FROM names"), "10");
    for broken in ["SELECT asked()", "UPDATE \"Song\" SET singer = 'y'"] {
        assert!(copy.connect().batch_execute(broken).is_err(), "{broken}");
    }

    project.add_migration("20250102000000_x", "ALTER TABLE \"Song\" DROP COLUMN \"artist\";\n");
    assert_eq!(found("error"), follow);
    let refused = copy.connect().batch_execute("ALTER TABLE \"Song\" DROP COLUMN singer").unwrap_err();
    assert_eq!(refused.code(), Some(&postgres::error::SqlState::DEPENDENT_OBJECTS_STILL_EXIST));
}
