//! What falls with a table or a column comes back with it: what leaned on it, what was said of it, who might use it.

use super::story::Story;

const INIT: &str = "CREATE TABLE album (id INT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE song (id INT PRIMARY KEY, artist TEXT, album INT REFERENCES album (id));
INSERT INTO album SELECT n, 'album ' || n FROM generate_series(1, 10) n;
INSERT INTO song SELECT n, 'artist ' || n, 1 + n % 10 FROM generate_series(1, 100) n;";

/// What no migration of the folder knows: made by hand, or by another tool.
const BY_HAND: &str = r#"
CREATE VIEW songs WITH (security_barrier = true) AS SELECT s.id, s.artist, a.name FROM song s JOIN album a ON a.id = s.album;
CREATE VIEW artists AS SELECT DISTINCT artist FROM songs;
CREATE MATERIALIZED VIEW counts AS SELECT artist, count(*) AS songs FROM song GROUP BY artist;
CREATE UNIQUE INDEX counts_artist ON counts (artist);
CREATE INDEX "song.artist" ON song (lower(artist)) WHERE artist IS NOT NULL;
CREATE STATISTICS song_statistics ON artist, album FROM song;
ALTER TABLE song ADD CONSTRAINT "named" CHECK (artist <> '');
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.artist := upper(NEW.artist); RETURN NEW; END $$;
CREATE TRIGGER shouting BEFORE UPDATE OF artist ON song FOR EACH ROW EXECUTE FUNCTION shout();
ALTER TABLE song DISABLE TRIGGER shouting;
ALTER TABLE song ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON song FOR SELECT USING (artist = current_user);
COMMENT ON COLUMN song.artist IS 'who''s singing';
COMMENT ON VIEW songs IS 'all of them';
COMMENT ON CONSTRAINT named ON song IS 'nobody';"#;

/// The catalog, without what differs by its place in the file only.
fn catalog(story: &Story) -> Vec<String> {
    story.database.execute("REFRESH MATERIALIZED VIEW counts; DROP SCHEMA IF EXISTS _prisma_safe CASCADE");
    // statistics name the columns in the table's order
    let text = story.database.catalog();
    let lines = text.lines().filter(|line| !line.starts_with("CREATE STATISTICS"));
    let mut lines: Vec<String> = lines.map(|line| line.trim_end_matches(',').into()).collect();
    lines.sort();
    lines
}

#[test]
fn what_leaned_on_a_column_is_made_again() {
    let mut story = Story::new(INIT);
    story.database.execute(BY_HAND);
    let before = catalog(&story);
    story.apply("2_drop", "ALTER TABLE song DROP COLUMN artist CASCADE;").unwrap();
    assert_eq!(story.count("pg_class WHERE relname IN ('songs', 'artists', 'counts', 'song.artist')"), 0);
    let done = story.back(&[]).unwrap();
    assert_eq!(done.put_back[0].restored, 100);
    for made in [
        "view public.artists",
        "trigger public.song.shouting",
        "policy public.song.own",
        "index public.\"song.artist\"",
    ] {
        assert!(done.recreated.iter().any(|each| each == made), "{made}: {:?}", done.recreated);
    }
    assert_eq!(done.lost, [""; 0]);
    assert_eq!(catalog(&story), before);
    assert_eq!(story.count("artists"), 100);
}

#[test]
fn a_table_comes_back_with_its_rights_and_its_security() {
    let mut story = Story::new(INIT);
    story.database.execute(BY_HAND);
    let role = format!("listener_{}", story.database.name());
    story.database.execute(&format!(
        "CREATE ROLE {role}; GRANT SELECT, INSERT ON song TO {role}; GRANT UPDATE (artist) ON song TO {role}; GRANT SELECT ON song TO PUBLIC"
    ));
    let before = catalog(&story);
    story.apply("2_drop", "DROP TABLE song CASCADE;").unwrap();
    let done = story.back(&[]).unwrap();
    assert_eq!(done.put_back[0].restored, 100);
    assert_eq!(catalog(&story), before);
    story.database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

/// What somebody has made in its place since is not touched, and what was dropped later is not missed.
#[test]
fn what_was_made_since_stays() {
    let mut story = Story::new(INIT);
    story
        .database
        .execute("CREATE VIEW songs AS SELECT artist FROM song; CREATE VIEW albums AS SELECT name FROM album");
    story.apply("2_drop", "ALTER TABLE song DROP COLUMN artist CASCADE;").unwrap();
    story.database.execute("CREATE VIEW songs AS SELECT id FROM song; DROP VIEW albums");
    let error = story.back(&[]).unwrap_err();
    assert!(error.causes().join("").contains("view public.songs"), "{error:?}");
    story.database.execute("DROP VIEW songs");
    assert_eq!(story.back(&[]).unwrap().recreated, ["view public.songs"]);
    assert_eq!(story.count("pg_class WHERE relname = 'albums'"), 0);
}

#[test]
fn partitioned_tables_and_partitions_get_their_owner_back() {
    let mut story = Story::new(INIT);
    story.database.execute(
        "CREATE TABLE log (id INT, day DATE) PARTITION BY RANGE (day); CREATE TABLE log_a PARTITION OF log DEFAULT",
    );
    let role = format!("listener_{}", story.database.name());
    story.database.execute(&format!("CREATE ROLE {role}"));
    let owners = |story: &Story| {
        story.database.rows("SELECT concat(relname, relowner::regrole) FROM pg_class WHERE relname ~ '^log' ORDER BY 1")
    };
    let before = owners(&story);
    story.apply("2_owner", &format!("ALTER TABLE log OWNER TO {role}; ALTER TABLE log_a OWNER TO {role};")).unwrap();
    assert_ne!(owners(&story), before);
    story.back(&[]).unwrap();
    assert_eq!(owners(&story), before);
    story.database.execute(&format!("DROP ROLE {role}"));
}
