//! Two releases of one application, each with its own generated Prisma Client, write at the same time.

use super::{SONG, SONG_SQL, contract, deployed};
use crate::journey::prisma_is_content;
use crate::support::{Prisma, Project};

/// Generates a client of a schema's text in a folder of its own.
pub(super) fn generated(project: &Project, folder: &str, schema: &str) {
    let generator =
        format!("generator client {{\n  provider = \"prisma-client\"\n  output = \"../generated/{folder}\"\n}}\n");
    let file = format!("client-{folder}/schema.prisma");
    project.write(&file, &format!("{generator}{schema}"));
    project.prisma(["generate", "--schema", &file]).succeeds();
}

/// The beginning of a script that loads generated clients.
pub(super) const LOAD: &str = r"
import { createJiti } from 'jiti';
process.loadEnvFile();
const { PrismaPg } = await import('@prisma/adapter-pg');
const load = async (folder) => {
  const { PrismaClient } = await createJiti(import.meta.url).import(`./generated/${folder}/client.ts`);
  return new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) });
};
";

/// Each release creates, updates, upserts and reads songs, four tasks at a time, among them the same rows; a value that one has
/// written is what the other reads. `written` says how each release writes a value, `read` how it reads one.
const SCRIPT: &str = r"
const clients = { before: await load('before'), after: await load('after') };
const written = WRITTEN;
const read = READ;
const data = (release, value, n) => ({ title: `t${n}`, duration: '1', legacy: 'l', ...written[release](value) });
const task = async (release, worker) => {
  const client = clients[release];
  for (let n = 0; n < 60; n++) {
    const value = `${release} ${worker}-${n}`;
    const created = await client.song.create({ data: data(release, value, n) });
    if (read[release](created) !== value) throw new Error(`created ${JSON.stringify(created)}`);
    const id = 1 + ((n * 7 + worker) % 40);
    await client.song.update({ where: { id }, data: written[release](`${value}updated`) });
    await client.song.upsert({ where: { id: 10_000 + n }, create: { id: 10_000 + n, ...data(release, value, n) }, update: written[release](value) });
    await client.song.updateMany({ where: { id: { lt: 5 } }, data: { plays: { increment: 1 } } });
    await client.$transaction([
      client.song.update({ where: { id: 41 }, data: written[release](value) }),
      client.song.create({ data: { title: 'default', duration: '1', legacy: 'l', ...DEFAULT[release] } }),
    ]);
  }
};
const tasks = [];
for (let worker = 0; worker < 2; worker++) tasks.push(task('before', worker), task('after', worker));
await Promise.all(tasks);
const all = async (release) =>
  (await clients[release].song.findMany({ orderBy: { id: 'asc' } })).map((song) => `${song.id} ${read[release](song)}`).join('\n');
const [old, renewed] = [await all('before'), await all('after')];
console.log(old.split('\n').length, old === renewed ? 'same' : 'different');
await clients.before.$disconnect();
await clients.after.$disconnect();
";

/// Runs both releases, the first time beside a backfill, and compares every row as each reads it.
fn released(project: &Project, [written, read, default]: [&str; 3]) {
    let script = [LOAD, SCRIPT].concat().replace("WRITTEN", written).replace("READ", read).replace("DEFAULT", default);
    project.write("releases.mjs", &script);
    let mut releases =
        project.command("node", ["releases.mjs"]).stdout(std::process::Stdio::piped()).spawn().expect("node");
    project.run(["backfill", "--target", "5ms"]).succeeds();
    releases.wait().expect("node");
    project.run(["backfill"]).succeeds();
    let output = project.program("node", ["releases.mjs"]).succeeds();
    assert!(output.stdout.contains(" same"), "{}", output.stdout);
}

#[test]
fn both_releases_run_between_expand_and_contract() {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", SONG_SQL).applied();
    project.database().execute(super::ROWS);
    generated(&project, "before", &project.read("prisma/schema.prisma"));
    project.run(["phases", "rename", "Song.artist:artist_name"]).succeeds();
    deployed(&project);
    generated(&project, "after", &project.read("prisma/schema.prisma"));
    let written = "{ before: (artist) => ({ artist }), after: (artist_name) => ({ artist_name }) }";
    let read = "{ before: (song) => song.artist, after: (song) => song.artist_name }";
    released(&project, [written, read, "({ before: {}, after: {} })"]);
    let rows = "SELECT count(*), count(*) FILTER (WHERE artist IS DISTINCT FROM artist_name) FROM \"Song\"";
    // each run: 4 tasks of 60 songs and 60 by default; the upserts are of 60 keys
    assert_eq!(project.database().rows(rows), [format!("{}|0", 500 + 2 * 4 * 120 + 60)]);
}

/// A split: a column of one release is two of the other.
#[test]
fn both_releases_run_while_a_column_is_split() {
    // a default is a value like any other
    let (song, sql) = (SONG.replace("nobody", "no body"), SONG_SQL.replace("nobody", "no body"));
    let project = Project::prisma7().schema(&song).migration("20250101000000_init", &sql).applied();
    project.write("prisma-safe.toml", "[contract]\nafter = \"0s\"\n");
    let database = project.database();
    database.execute(super::ROWS);
    database
        .execute("UPDATE \"Song\" SET artist = 'a' || id || ' ' || CASE WHEN id % 3 > 0 THEN 'z' || id ELSE 'y y' END");
    let before = project.read("prisma/schema.prisma");
    let split = |last: &str| {
        let last = format!("last_name: {last}");
        let first = "givenName @map(\"first_name\"): split_part(artist, ' ', 1)";
        let back = "first_name || ' ' || last_name";
        project.run(["phases", "split", "Song.artist", "--into", first, "--into", &last, "--back", back])
    };
    // what would not come back is found before anything is written: 'a3 y y'
    split("split_part(artist, ' ', 2)").exits(3).says("would not come back").says("id = 3, id = 6");
    assert_eq!((project.read("prisma/schema.prisma"), project.migrations().len()), (before.clone(), 1));
    split("substr(artist, strpos(artist, ' ') + 1)").succeeds();
    let schema = project.read("prisma/schema.prisma");
    assert!(
        schema.contains(
            "  /// who sings\n  givenName String? @map(\"first_name\") @db.VarChar(90)\n  last_name String? @db.VarChar(90)\n  \
             artist   String? @default(\"no body\") @db.VarChar(90) @ignore // until the contract"
        ),
        "{schema}"
    );
    project.run(["review", "--pending"]).succeeds().says("pass");
    deployed(&project);
    generated(&project, "before", &before);
    generated(&project, "after", &schema);

    // the new release writes one column of a row that is not carried over: the other is what it was
    database.execute("UPDATE \"Song\" SET last_name = 'only' WHERE id = 450");
    assert_eq!(database.rows("SELECT artist, first_name FROM \"Song\" WHERE id = 450"), ["a450 only|a450"]);
    let refused = database.connect().batch_execute("UPDATE \"Song\" SET artist = 'one' WHERE id = 451").unwrap_err();
    assert!(
        refused.to_string().contains("would not give back") || format!("{refused:?}").contains("would not give back")
    );
    let written = "{ before: (artist) => ({ artist }),
      after: (artist) => ({ givenName: artist.split(' ')[0], last_name: artist.split(' ').slice(1).join(' ') }) }";
    let read = "{ before: (song) => song.artist, after: (song) => `${song.givenName} ${song.last_name}` }";
    let default = "({ before: {}, after: {} })";
    released(&project, [written, read, default]);
    let rows =
        "SELECT count(*), count(*) FILTER (WHERE artist IS DISTINCT FROM first_name || ' ' || last_name) FROM \"Song\"";
    assert_eq!(database.rows(rows), [format!("{}|0", 500 + 2 * 4 * 120 + 60)]);

    project.run(["phases", "next"]).succeeds();
    deployed(&project);
    database.execute("SET session_replication_role = replica; UPDATE \"Song\" SET artist = 'behind' WHERE id = 7");
    project.run(["phases", "next"]).exits(3).says("rows differ: id = 7");
    database.execute("UPDATE \"Song\" SET first_name = 'new' WHERE id = 7");
    contract(&project, "song_artist");
    let schema = project.read("prisma/schema.prisma");
    assert!(
        schema.contains(
            "  givenName String  @map(\"first_name\") @db.VarChar(90)\n  last_name String  @db.VarChar(90)\n"
        ),
        "{schema}"
    );
    assert!(!schema.contains("artist"), "{schema}");
    project.run(["migrate", "deploy"]).succeeds();
    prisma_is_content(Prisma::V7, &project);
    assert_eq!(
        database.rows("SELECT first_name, last_name FROM \"Song\" WHERE id IN (102, 450) ORDER BY id"),
        ["a102|y y", "a450|only"]
    );
    // the undo capsule
    project.run(["rollback"]).succeeds().says("column Song.artist");
    database.execute("UPDATE \"Song\" SET artist = 'after all' WHERE id = 6");
    let differ = "SELECT count(*) FROM \"Song\" WHERE artist IS DISTINCT FROM first_name || ' ' || last_name";
    assert_eq!(database.value(differ), "0");
    assert_eq!(database.value("SELECT last_name FROM \"Song\" WHERE id = 6"), "all");
}
