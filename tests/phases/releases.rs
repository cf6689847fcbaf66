//! Two releases of one application, each with its own generated Prisma Client, write at the same time.

use super::{SONG, SONG_SQL, deployed};
use crate::support::Project;

/// Generates a client of a schema's text in a folder of its own.
fn generated(project: &Project, folder: &str, schema: &str) {
    let generator =
        format!("generator client {{\n  provider = \"prisma-client\"\n  output = \"../generated/{folder}\"\n}}\n");
    let file = format!("client-{folder}/schema.prisma");
    project.write(&file, &format!("{generator}{schema}"));
    project.prisma(["generate", "--schema", &file]).succeeds();
}

/// Each release creates, updates, upserts and reads songs, four tasks at a time, among them the same rows; a value that one has
/// written is what the other reads.
const SCRIPT: &str = r"
import { createJiti } from 'jiti';
process.loadEnvFile();
const { PrismaPg } = await import('@prisma/adapter-pg');
const load = async (folder) => {
  const { PrismaClient } = await createJiti(import.meta.url).import(`./generated/${folder}/client.ts`);
  return new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) });
};
const [before, after] = [await load('before'), await load('after')];
const data = (field, value, n) => ({ title: `t${n}`, duration: '1', legacy: 'l', [field]: value });
const task = async (client, field, release, worker) => {
  for (let n = 0; n < 60; n++) {
    const value = `${release} ${worker} ${n}`;
    const created = await client.song.create({ data: data(field, value, n) });
    if (created[field] !== value) throw new Error(`created ${created[field]}`);
    const id = 1 + ((n * 7 + worker) % 40);
    await client.song.update({ where: { id }, data: { [field]: `${value} updated` } });
    await client.song.upsert({ where: { id: 10_000 + n }, create: { id: 10_000 + n, ...data(field, value, n) }, update: { [field]: value } });
    await client.song.updateMany({ where: { id: { lt: 5 } }, data: { plays: { increment: 1 } } });
    await client.$transaction([
      client.song.update({ where: { id: 41 }, data: { [field]: value } }),
      client.song.create({ data: { title: 'default', duration: '1', legacy: 'l' } }),
    ]);
  }
};
const tasks = [];
for (let worker = 0; worker < 2; worker++) {
  tasks.push(task(before, 'artist', 'before', worker), task(after, 'artist_name', 'after', worker));
}
await Promise.all(tasks);
const read = async (client, field) =>
  (await client.song.findMany({ orderBy: { id: 'asc' } })).map((song) => `${song.id} ${song[field]}`).join('\n');
const [old, renewed] = [await read(before, 'artist'), await read(after, 'artist_name')];
console.log(old.split('\n').length, old === renewed ? 'same' : 'different');
await before.$disconnect();
await after.$disconnect();
";

#[test]
fn both_releases_run_between_expand_and_contract() {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", SONG_SQL).applied();
    project.database().execute(super::ROWS);
    generated(&project, "before", &project.read("prisma/schema.prisma"));
    project.run(["phases", "rename", "Song.artist:artist_name"]).succeeds();
    deployed(&project);
    generated(&project, "after", &project.read("prisma/schema.prisma"));
    project.write("releases.mjs", SCRIPT);
    // the backfill runs while both write
    let mut releases =
        project.command("node", ["releases.mjs"]).stdout(std::process::Stdio::piped()).spawn().expect("node");
    project.run(["backfill", "--target", "5ms"]).succeeds();
    releases.wait().expect("node");
    project.run(["backfill"]).succeeds();
    let output = project.program("node", ["releases.mjs"]).succeeds();
    assert!(output.stdout.contains(" same"), "{}", output.stdout);
    let rows = "SELECT count(*), count(*) FILTER (WHERE artist IS DISTINCT FROM artist_name) FROM \"Song\"";
    // each run: 4 tasks of 60 songs and 60 by default; the upserts are of 60 keys
    assert_eq!(project.database().rows(rows), [format!("{}|0", 500 + 2 * 4 * 120 + 60)]);
}
