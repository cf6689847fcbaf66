//! A generated database as applications have them.
#![allow(dead_code, reason = "each benchmark takes what it needs")]

use postgres::Client;

/// For 100 MB: rows of many kinds, as applications have them; long texts, JSON, numbers, bytes.
const ROWS: &str = r#"
INSERT INTO "User" SELECT i, 'user' || i || '@example.com', initcap(left(md5(i::text), 8)) || ' ' || initcap(left(md5((i * 7)::text), 10)),
    timestamp '2020-01-01' + i * interval '1 minute', i % 7 = 0 FROM generate_series({from} * 20000 + 1, {from} * 20000 + 20000) i;
INSERT INTO "Post" SELECT i, 1 + (i::bigint * 7919) % ({from} * 20000 + 20000), 'Post ' || md5(i::text),
    (SELECT string_agg(md5((i::bigint * 31 + j)::text), ' ') FROM generate_series(1, 12) j) || repeat(' the quick brown fox jumps over the lazy dog', 12),
    timestamp '2021-01-01' + i * interval '1 second' FROM generate_series({from} * 20000 + 1, {from} * 20000 + 20000) i;
INSERT INTO "AuditLog" SELECT i, 1 + i % ({from} * 20000 + 20000), (ARRAY['login', 'logout', 'update', 'view'])[1 + i % 4],
    jsonb_build_object('ip', '10.' || i % 256 || '.' || i % 199 || '.1', 'agent', 'Mozilla/5.0', 'ms', i % 997, 'path', '/posts/' || i % 5000),
    timestamp '2022-01-01' + i * interval '1 second' FROM generate_series({from} * 150000 + 1, {from} * 150000 + 150000) i;
INSERT INTO "Account" SELECT i, i % 60, (i::bigint * 7919) % 100000, '' FROM generate_series({from} * 250000 + 1, {from} * 250000 + 250000) i;
INSERT INTO "Blob" SELECT i, 'image/png', (SELECT string_agg(decode(md5((i::bigint * 131 + j)::text), 'hex'), '') FROM generate_series(1, 250) j)
    FROM generate_series({from} * 1000 + 1, {from} * 1000 + 1000) i;
"#;

pub(crate) const TABLES: &str = r#"
CREATE TABLE "User" (id bigint, email text NOT NULL, name text NOT NULL, "createdAt" timestamp NOT NULL, admin boolean NOT NULL);
CREATE TABLE "Post" (id bigint, "authorId" bigint NOT NULL, title text NOT NULL, body text NOT NULL, "publishedAt" timestamp);
CREATE TABLE "AuditLog" (id bigint, "userId" bigint NOT NULL, action text NOT NULL, detail jsonb NOT NULL, at timestamp NOT NULL);
CREATE TABLE "Account" (aid int, bid int, abalance int, filler char(84));
CREATE TABLE "Blob" (id bigint, type text NOT NULL, data bytea NOT NULL);
"#;

const KEYS: &str = r#"
ALTER TABLE "User" ADD PRIMARY KEY (id);
ALTER TABLE "Post" ADD PRIMARY KEY (id);
ALTER TABLE "AuditLog" ADD PRIMARY KEY (id);
ALTER TABLE "Account" ADD PRIMARY KEY (aid);
ALTER TABLE "Blob" ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX "User_email_key" ON "User" (email);
CREATE INDEX "Post_authorId_idx" ON "Post" ("authorId");
CREATE INDEX "AuditLog_userId_at_idx" ON "AuditLog" ("userId", at);
ALTER TABLE "Post" ADD FOREIGN KEY ("authorId") REFERENCES "User";
ALTER TABLE "AuditLog" ADD FOREIGN KEY ("userId") REFERENCES "User";
VACUUM ANALYZE;
"#;

/// Creates tables, rows and keys until the database holds so many megabytes; gives how many it is with its indexes.
pub(crate) fn fill(client: &mut Client, megabytes: u64) -> f64 {
    client.batch_execute(TABLES).expect("tables");
    let limit = i64::try_from(megabytes * 1_000_000).expect("a size");
    for from in 0.. {
        if bytes(client) >= limit {
            break;
        }
        client.batch_execute(&ROWS.replace("{from}", &from.to_string())).expect("rows");
    }
    KEYS.split_inclusive(';').for_each(|statement| client.batch_execute(statement).expect("keys"));
    bytes(client) as f64 / 1e6
}

fn bytes(client: &mut Client) -> i64 {
    client.query_one("SELECT pg_database_size(current_database())", &[]).expect("a size").get(0)
}
