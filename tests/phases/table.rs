//! A table that two releases use at once under two names.

use super::releases::{LOAD, generated};
use super::{contract, deployed};
use crate::journey::prisma_is_content;
use crate::support::servers::Server;
use crate::support::{Prisma, Project, soon};

const SCHEMA: &str = "model Album {
  id    Int    @id @default(autoincrement())
  name  String
  songs Song[]
}
/// a song
model Song {
  id      Int     @id @default(autoincrement())
  title   String  @unique
  plays   Int     @default(0)
  albumId Int
  album   Album   @relation(fields: [albumId], references: [id], onDelete: Cascade)
  likes   Like[]

  @@index([albumId, plays])
}
model Like {
  songId Int
  who    String
  song   Song   @relation(fields: [songId], references: [id])

  @@id([songId, who])
}
";

const SQL: &str = "CREATE TABLE \"Album\" (\"id\" SERIAL NOT NULL, \"name\" TEXT NOT NULL, CONSTRAINT \"Album_pkey\" PRIMARY KEY (\"id\"));
CREATE TABLE \"Song\" (\"id\" SERIAL NOT NULL, \"title\" TEXT NOT NULL, \"plays\" INTEGER NOT NULL DEFAULT 0, \"albumId\" INTEGER NOT NULL,
  CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\"));
CREATE TABLE \"Like\" (\"songId\" INTEGER NOT NULL, \"who\" TEXT NOT NULL, CONSTRAINT \"Like_pkey\" PRIMARY KEY (\"songId\", \"who\"));
CREATE UNIQUE INDEX \"Song_title_key\" ON \"Song\"(\"title\");
CREATE INDEX \"Song_albumId_plays_idx\" ON \"Song\"(\"albumId\", \"plays\");
ALTER TABLE \"Song\" ADD CONSTRAINT \"Song_albumId_fkey\" FOREIGN KEY (\"albumId\") REFERENCES \"Album\"(\"id\") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE \"Like\" ADD CONSTRAINT \"Like_songId_fkey\" FOREIGN KEY (\"songId\") REFERENCES \"Song\"(\"id\") ON DELETE RESTRICT ON UPDATE CASCADE;
";

/// Each release creates, upserts, updates, deletes, nests, counts and locks; what one writes the other reads.
const SCRIPT: &str = r"
const [before, after] = [await load('before'), await load('after')];
const task = async (client, model, list, release) => {
  for (let n = 0; n < 40; n++) {
    const made = await client[model].create({ data: { title: `${release} ${n}`, albumId: 1, likes: { create: { who: release } } }, include: { likes: true } });
    if (made.plays !== 0 || made.likes.length !== 1) throw new Error(JSON.stringify(made));
    await client[model].upsert({ where: { title: `shared ${n}` }, create: { title: `shared ${n}`, albumId: 2 }, update: { plays: { increment: 1 } } });
    await client[model].createMany({ data: [{ title: `many ${n}`, albumId: 1 }, { title: `many ${n} too`, albumId: 1, plays: 5 }], skipDuplicates: true });
    await client.album.update({ where: { id: 2 }, data: { [list]: { updateMany: { where: { plays: { lt: 9 } }, data: { plays: { increment: 1 } } } } } });
    await client.$transaction(async (inside) => {
      const table = String.fromCharCode(34) + (model === 'song' ? 'Song' : 'Track') + String.fromCharCode(34);
      await inside.$queryRawUnsafe(`SELECT id FROM ${table} WHERE id = ${made.id} FOR UPDATE`);
      await inside[model].update({ where: { id: made.id }, data: { plays: n } });
    });
    if (n % 4 === 0) {
      await client.like.deleteMany({ where: { songId: made.id } });
      await client[model].delete({ where: { id: made.id } });
    }
  }
};
await Promise.all([task(before, 'song', 'songs', 'before'), task(after, 'track', LIST, 'after')]);
const read = async (client, model) => JSON.stringify(await client[model].findMany({ orderBy: { id: 'asc' }, include: { album: true, likes: true } }));
const [old, renewed] = [await read(before, 'song'), await read(after, 'track')];
console.log(JSON.parse(old).length, old === renewed ? 'same' : 'different');
await before.$disconnect();
await after.$disconnect();
";

#[test]
fn a_table_is_used_under_both_names() {
    let project = Project::prisma7().schema(SCHEMA).migration("20250101000000_init", SQL).applied();
    project.write("prisma-safe.toml", "[contract]\nafter = \"0s\"\n");
    let database = project.database();
    database.execute("INSERT INTO \"Album\" (name) VALUES ('a'), ('b'); GRANT SELECT ON \"Song\" TO PUBLIC");
    let before = project.read("prisma/schema.prisma");
    for (words, exit, says) in [
        (&["table", "Song"][..], 2, "Song:Track"),
        (&["table", "Song:Album"], 2, "there is a public.Album already"),
        (&["table", "Nix:Track"], 2, "no model Nix"),
        (&["table", "Song:Track", "--model", "Album"], 2, "has a Album already"),
    ] {
        project.run([&["phases"], words].concat()).exits(exit).says(says);
    }
    generated(&project, "before", &before);
    project.run(["phases", "table", "Song:Track"]).succeeds().says("RENAME CONSTRAINT \"Song_pkey\" TO \"Track_pkey\"");
    project.run(["phases", "rename", "Track.title:name"]).exits(2);
    let schema = project.read("prisma/schema.prisma");
    assert!(
        schema.contains("model Track {") && schema.contains("songs Track[]") && schema.contains("song   Track "),
        "{schema}"
    );
    generated(&project, "after", &schema);
    project.run(["review", "--pending"]).succeeds().says("pass");
    // reviewed, rehearsed, applied
    project.run(["migrate", "deploy"]).succeeds();
    prisma_is_content(Prisma::V7, &project);
    // the table's own rights decide, through the view too
    let role = format!("reader_{}", database.value("SELECT oid FROM pg_database WHERE datname = current_database()"));
    database.execute(&format!("CREATE ROLE {role}; GRANT UPDATE (plays) ON \"Track\" TO {role}"));
    let as_reader = |statement: &str| {
        database.connect().batch_execute(&format!("BEGIN; SET LOCAL ROLE {role}; {statement}; ROLLBACK")).is_ok()
    };
    let may = [
        "SELECT FROM \"Song\"",
        "UPDATE \"Song\" SET plays = 1",
        "DELETE FROM \"Song\"",
        "UPDATE \"Song\" SET title = ''",
    ]
    .map(as_reader);
    assert_eq!(may, [true, true, false, false]);
    project.write("releases.mjs", &[LOAD, SCRIPT].concat().replace("LIST", "'songs'"));
    let output = project.program("node", ["releases.mjs"]).succeeds();
    assert!(output.stdout.contains("180 same"), "{}", output.stdout);

    // an abort drops the view and gives every name back
    project.run(["phases", "abort"]).succeeds();
    assert_eq!(project.read("prisma/schema.prisma"), before);
    deployed(&project);
    let names = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname LIKE 'Song%' OR relname LIKE 'Track%'";
    assert_eq!(database.value(names), "Song Song_albumId_plays_idx Song_id_seq Song_pkey Song_title_key");
    assert_eq!(database.value("SELECT count(*) FROM \"Song\""), "180");

    // to the end, with the evidence
    project.run(["phases", "table", "Song:Track"]).succeeds();
    deployed(&project);
    project.run(["backfill"]).exits(2).says("have no backfill");
    database.execute("CREATE VIEW tops AS SELECT id FROM \"Song\"");
    project
        .run(["phases", "next"])
        .exits(3)
        .says("the view has served the old name for")
        .says("the view public.tops names it");
    database.execute("DROP VIEW tops");
    contract(&project, "song_track_2");
    project.run(["migrate", "deploy"]).succeeds();
    prisma_is_content(Prisma::V7, &project);
    assert_eq!(database.value("SELECT to_regclass('\"Song\"') IS NULL"), "t");
    project.run(["phases"]).succeeds().says("contracted");
    project.run(["rollback"]).succeeds();
    assert!(as_reader("SELECT FROM \"Song\""));
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

/// Before PostgreSQL 15 a view has rights of its own: those of the table, for each role and column, whatever new views get by default.
#[test]
fn before_postgresql_15_the_old_name_gives_the_same_rights() {
    let server = Server::start(
        14,
        "wal_level = logical\nmax_wal_senders = 4\nmax_replication_slots = 4\nmax_worker_processes = 8\nmax_logical_replication_workers = 4\n",
    );
    let project = Project::on(Prisma::V7).schema(SCHEMA).on_server(&server.database("app"), Some(14));
    project.add_migration("20250101000000_init", SQL);
    project.prisma(["migrate", "deploy"]).succeeds();
    let mut client = server.connect("app");
    client
        .batch_execute(
            "CREATE ROLE owning; CREATE ROLE reading; CREATE ROLE \"In parts\"; CREATE ROLE nothing; GRANT owning TO CURRENT_USER;
             GRANT ALL ON SCHEMA public TO owning; ALTER TABLE \"Song\" OWNER TO owning;
             ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO nothing;
             INSERT INTO \"Album\" (name) VALUES ('a'); INSERT INTO \"Song\" (title, \"albumId\") VALUES ('one', 1);
             ALTER TABLE \"Song\" ADD COLUMN gone int; GRANT TRIGGER ON \"Song\" TO reading; GRANT SELECT (gone) ON \"Song\" TO reading; ALTER TABLE \"Song\" DROP COLUMN gone;
             GRANT SELECT ON \"Song\" TO reading; GRANT SELECT (id, title), UPDATE (plays) ON \"Song\" TO \"In parts\" WITH GRANT OPTION",
        )
        .unwrap();
    let rights = |client: &mut postgres::Client| -> Vec<(String, bool)> {
        let statements = [
            "SELECT * FROM \"Song\"",
            "SELECT id, title FROM \"Song\"",
            "SELECT plays FROM \"Song\"",
            "SELECT FROM \"Song\" WHERE id = 1 FOR UPDATE",
            "UPDATE \"Song\" SET plays = 1 WHERE id = 1",
            "UPDATE \"Song\" SET title = 'x'",
            "INSERT INTO \"Song\" (id, title, \"albumId\") VALUES (9, 'nine', 1)",
            "DELETE FROM \"Song\"",
            "GRANT SELECT (title) ON \"Song\" TO nothing",
        ];
        let mut found = Vec::new();
        for role in ["owning", "reading", "\"In parts\"", "nothing"] {
            for statement in statements {
                client.batch_execute(&format!("BEGIN; SET LOCAL ROLE {role}")).unwrap();
                // a grant of what one does not have is a warning
                let granted = "SELECT has_column_privilege('nothing', '\"Song\"', 'title', 'SELECT')";
                let may = client.batch_execute(statement).is_ok()
                    && (!statement.starts_with("GRANT") || client.query_one(granted, &[]).unwrap().get(0));
                client.batch_execute("ROLLBACK").unwrap();
                found.push((format!("{role}: {statement}"), may));
            }
        }
        found
    };
    let before = rights(&mut client);
    assert_eq!(before.iter().filter(|(_, may)| *may).count(), 9 + 4 + 3, "{before:?}");

    client.batch_execute("ALTER TABLE \"Song\" ENABLE ROW LEVEL SECURITY").unwrap();
    project.run(["phases", "table", "Song:Track"]).exits(3).says("row level security").says("PostgreSQL 15");
    client.batch_execute("ALTER TABLE \"Song\" DISABLE ROW LEVEL SECURITY").unwrap();
    project.run(["phases", "table", "Song:Track"]).succeeds().says("has to be granted on the view too");
    project.run(["review", "--pending"]).succeeds().says("can be deployed");
    // it came after the plan: the migration itself looks once more
    client.batch_execute("ALTER TABLE \"Song\" ENABLE ROW LEVEL SECURITY").unwrap();
    project.run(["migrate", "deploy"]).exits(1).says("has row level security");
    client.batch_execute("ALTER TABLE \"Song\" DISABLE ROW LEVEL SECURITY").unwrap();
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(
        client.query_one("SELECT relkind::text FROM pg_class WHERE relname = 'Song'", &[]).unwrap().get::<_, String>(0),
        "v"
    );
    assert_eq!(rights(&mut client), before);
    // what no release needs of a view is not given
    let more = client.query_one("SELECT has_table_privilege('reading', '\"Song\"', 'TRIGGER')", &[]).unwrap();
    assert!(!more.get::<_, bool>(0));
    project.run(["phases", "abort"]).succeeds();
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(rights(&mut client), before);

    // a subscriber knows the table by its name: it stops at the first row, and loses none
    let mut subscriber = {
        server.database("elsewhere");
        server.connect("elsewhere")
    };
    client.batch_execute("CREATE PUBLICATION news FOR TABLE \"Song\"").unwrap();
    client.batch_execute("SELECT pg_create_logical_replication_slot('news', 'pgoutput')").unwrap();
    subscriber
        .batch_execute("CREATE TABLE \"Song\" (id int PRIMARY KEY, title text, plays int, \"albumId\" int)")
        .unwrap();
    let from = server.url("app");
    subscriber
        .batch_execute(&format!(
            "CREATE SUBSCRIPTION news CONNECTION '{from}' PUBLICATION news WITH (create_slot = false, copy_data = false)"
        ))
        .unwrap();
    let insert = "INSERT INTO \"Song\" (title, \"albumId\") VALUES";
    client.batch_execute(&format!("{insert} ('two', 1)")).unwrap();
    let mut rows = |table: &str| -> i64 {
        subscriber.query_one(&format!("SELECT count(*) FROM \"{table}\""), &[]).unwrap().get(0)
    };
    soon("the row", || rows("Song") == 1);
    project.run(["phases", "table", "Song:Track"]).exits(3).says("the publication news").says("--subscribers");
    let accepted = ["phases", "table", "Song:Track", "--subscribers", "the warehouse renames at nine"];
    project.run(accepted).succeeds().says("keeps the WAL").says("-- Publications send its rows under the new name");
    project.run(["migrate", "deploy"]).succeeds();
    client.batch_execute(&format!("{insert} ('three', 1)")).unwrap();
    let active = "SELECT active FROM pg_replication_slots WHERE slot_name = 'news'";
    soon("the subscriber's stop", || !client.query_one(active, &[]).unwrap().get::<_, bool>(0));
    assert_eq!(rows("Song"), 1);
    server.connect("elsewhere").batch_execute("ALTER TABLE \"Song\" RENAME TO \"Track\"").unwrap();
    soon("the row that it missed", || rows("Track") == 2);
    server.connect("elsewhere").batch_execute("DROP SUBSCRIPTION news").unwrap();
}

/// The table of a many-to-many relation has its name, and the order of its columns, from the models: the model keeps its name.
#[test]
fn a_table_of_a_many_to_many_relation_keeps_its_model() {
    let schema = "model Song {\n  id Int @id\n  tags Tag[]\n}\nmodel Tag {\n  id Int @id\n  songs Song[]\n}\n";
    let sql = "CREATE TABLE \"Song\" (\"id\" INTEGER NOT NULL, CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\"));
CREATE TABLE \"Tag\" (\"id\" INTEGER NOT NULL, CONSTRAINT \"Tag_pkey\" PRIMARY KEY (\"id\"));
CREATE TABLE \"_SongToTag\" (\"A\" INTEGER NOT NULL, \"B\" INTEGER NOT NULL, CONSTRAINT \"_SongToTag_AB_pkey\" PRIMARY KEY (\"A\",\"B\"));
CREATE INDEX \"_SongToTag_B_index\" ON \"_SongToTag\"(\"B\");
ALTER TABLE \"_SongToTag\" ADD CONSTRAINT \"_SongToTag_A_fkey\" FOREIGN KEY (\"A\") REFERENCES \"Song\"(\"id\") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE \"_SongToTag\" ADD CONSTRAINT \"_SongToTag_B_fkey\" FOREIGN KEY (\"B\") REFERENCES \"Tag\"(\"id\") ON DELETE CASCADE ON UPDATE CASCADE;
";
    let project = Project::prisma7().schema(schema).migration("20250101000000_init", sql).applied();
    project
        .run(["phases", "table", "Song:Track"])
        .exits(3)
        .says("_SongToTag, the table of a many-to-many relation")
        .says("prisma-safe phases table Song:Track --model Song");
    project.run(["phases", "table", "Song:Track", "--model", "Song"]).succeeds();
    deployed(&project);
    project.database().execute(
        "INSERT INTO \"Song\" VALUES (1); INSERT INTO \"Tag\" VALUES (2); INSERT INTO \"_SongToTag\" VALUES (1, 2)",
    );
    assert_eq!(project.database().value("SELECT count(*) FROM \"Track\""), "1");
}
