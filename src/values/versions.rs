//! Rows that are the very ones that were copied: PostgreSQL never changes a row in place, but writes a version anew and gives it
//! the number of the transaction that did. Where a table still has the file that was copied, a row whose version is not younger
//! than the copy holds what it held. Only those that are younger have to be read, and nothing that a migration sets can hide
//! a write.

use postgres::Client;

use super::matches::{Match, at_once};
use super::sums::quoted;
use super::tables::{Column, FIRST_OWN_TYPE, Table};
use crate::database::Failure;

/// The first transaction that may have written to a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since(u32);

impl Since {
    /// Asked of the copy's server just after the copy was made, before anything is written to it.
    ///
    /// # Errors
    /// The server's own.
    pub fn read(client: &mut Client) -> Result<Self, Failure> {
        // without the epoch, as rows have it; no transaction has a number below 3
        const NEXT: &str = "SELECT greatest(txid_snapshot_xmax(txid_current_snapshot()) & 4294967295, 3)";
        let next: i64 = client.query_one(NEXT, &[])?.try_get(0)?;
        Ok(Self(u32::try_from(next).unwrap_or(u32::MAX)))
    }

    /// Whether a row of the copy was written since. Numbers go round: one that was frozen long ago may look young, and is read then.
    pub(super) fn is_young(self) -> String {
        format!("age(xmin) <= age('{}'::xid)", self.0)
    }
}

/// What a table holds on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) rows: i64,
    /// The values of the columns that only this side has, in their order.
    pub(super) own: Vec<i64>,
    /// Rows that were written since the copy was made; none where that is not known.
    pub(super) young: Option<i64>,
}

/// Counts every table on the sides that have it, both sides at once.
///
/// # Errors
/// The servers' own.
pub(super) fn count(
    base: &mut Client,
    clone: &mut Client,
    matches: &mut [Match<'_>],
    since: Since,
) -> Result<(), Failure> {
    let (was, is) = at_once(
        || {
            let each = matches.iter().map(|it| it.was.map(|was| side(base, it, was, None)).transpose());
            each.collect::<Result<Vec<_>, Failure>>()
        },
        || {
            let each = matches.iter().map(|it| it.is.map(|is| side(clone, it, is, Some(since))).transpose());
            each.collect::<Result<Vec<_>, Failure>>()
        },
    )?;
    for (it, counted) in matches.iter_mut().zip(was.into_iter().zip(is)) {
        it.counted = counted;
    }
    Ok(())
}

fn side(client: &mut Client, it: &Match<'_>, table: &Table, since: Option<Since>) -> Result<Counts, Failure> {
    // one that is stored in another way has no versions
    let young = since
        .filter(|_| table.heap)
        .map_or("NULL::int8".to_owned(), |since| format!("count(*) FILTER (WHERE {})", since.is_young()));
    let own = it.own(table);
    let asked: String = own.iter().map(|(_, column)| format!(", count({})", quoted(column))).collect();
    let row = client.query_one(&format!("SELECT count(*), {young}{asked} FROM ONLY {}", table.quoted()), &[])?;
    let own = (0..own.len()).map(|at| row.try_get(2 + at)).collect::<Result<_, _>>()?;
    Ok(Counts { rows: row.try_get(0)?, young: row.try_get(1)?, own })
}

/// Whether each row of a table is the very one that was copied.
pub(super) fn all_copied(it: &Match<'_>) -> bool {
    let (Some((was, is)), (Some(before), Some(after))) = (it.was.zip(it.is), &it.counted) else { return false };
    was.file == is.file && after.young == Some(0) && before.rows == after.rows
}

/// The rows that were written since, where they and the number of rows tell what became of each: a key finds what they were, and
/// all others hold what they held.
pub(super) fn followed(it: &Match<'_>) -> Option<i64> {
    let (was, is) = it.was.zip(it.is)?;
    let alike = was.file == is.file && !it.key.is_empty() && was.key == is.key;
    // what has moved from one column to another is looked for in every row
    let moved = || !it.own(was).is_empty() && !it.own(is).is_empty();
    let same = || it.pairs.values().all(|pair| same_meaning(pair.before, pair.after));
    it.counted.1.as_ref()?.young.filter(|_| alike && !moved() && same())
}

/// Whether a column means the same by the same stored value before and after.
pub(super) fn same_meaning(before: &Column, after: &Column) -> bool {
    // what is computed when it is read has no stored value
    let plain = |column: &Column| column.type_id < FIRST_OWN_TYPE && !column.generated;
    plain(before) && plain(after) && before.type_id == after.type_id && before.kind == after.kind
}

#[cfg(test)]
mod tests {
    use super::super::fate::Touched;
    use super::super::tables;
    use super::super::{Fate, TableFate, compare, matches};
    use super::*;
    use crate::database::connect;
    use crate::env::Env;
    use crate::tools::scratch::small_with_room;

    /// The same twice, once with a type of its own.
    const TABLES: &str = "
CREATE TYPE mood AS ENUM ('GLAD', 'SAD');
CREATE TABLE song (id int PRIMARY KEY, title text, plays int, mood mood);
INSERT INTO song SELECT i, 'song ' || i, i % 7, 'GLAD' FROM generate_series(1, 1000) i;
CREATE TABLE track (id int PRIMARY KEY, title text, plays int, mood text);
INSERT INTO track SELECT * FROM song;";

    /// What is done to a table of the copy, whether its rows are then the copied ones, and what is told of it: rows that went and
    /// came, and the fates that differ from `preserved`, with the rows that are other ones and those of them that held a value.
    const CASES: &[(&str, bool, &[&str])] = &[
        ("ALTER TABLE it RENAME COLUMN title TO name", true, &["title: renamed"]),
        (
            "ALTER TABLE it ADD COLUMN genre text NOT NULL DEFAULT 'pop', DROP COLUMN plays",
            true,
            &["plays: lost", "genre: new"],
        ),
        ("ALTER TABLE it ALTER COLUMN plays SET NOT NULL; CREATE INDEX ON it (plays); VACUUM it", true, &[]),
        ("UPDATE it SET plays = plays", false, &[]),
        ("BEGIN; UPDATE it SET plays = 8; ROLLBACK", true, &[]),
        ("SET track_counts = off; UPDATE it SET plays = 8 WHERE id = 5", false, &["plays: changed 1 1"]),
        ("UPDATE it SET plays = NULL WHERE id <= 3", false, &["plays: changed 3 3"]),
        ("UPDATE it SET plays = 6 - plays, title = title", false, &["plays: changed 857 857"]),
        ("UPDATE it SET id = id + 10000 WHERE id <= 5", false, &["-5 +5"]),
        ("UPDATE it SET id = id + 10 WHERE id > 990", false, &["-10 +10"]),
        ("SET session_replication_role = replica; DELETE FROM it WHERE id = 5", false, &["-1 +0"]),
        ("DELETE FROM it WHERE id = 5; INSERT INTO it VALUES (1001, 'new', 1, 'SAD')", false, &["-1 +1"]),
        ("DELETE FROM it WHERE id = 5; INSERT INTO it VALUES (5, 'it 5', 5, 'GLAD')", false, &["title: changed 1 1"]),
        (
            "DELETE FROM it WHERE id < 11; INSERT INTO it VALUES (5, 'it 5', NULL, 'GLAD'), (1001, '', 1, 'SAD')",
            false,
            &["-9 +1", "title: changed 1 1", "plays: changed 1 1"],
        ),
        (
            "ALTER TABLE it ADD COLUMN genre text; UPDATE it SET genre = 'pop' WHERE id = 5; DELETE FROM it WHERE id = 6",
            false,
            &["-1 +0", "genre: new"],
        ),
        (
            "ALTER TABLE it ADD COLUMN name text; UPDATE it SET name = title; ALTER TABLE it DROP COLUMN title",
            false,
            &["title: moved", "name: new"],
        ),
        (
            "ALTER TABLE it DROP CONSTRAINT it_pkey; INSERT INTO it VALUES (5, 'again', 5, 'GLAD')",
            false,
            &["title: changed 1 1"],
        ),
        ("UPDATE it SET plays = 8; VACUUM FREEZE it", false, &["plays: changed 1000 1000"]),
        ("CLUSTER it USING it_pkey", false, &[]),
        (
            "BEGIN; TRUNCATE it; COPY it FROM PROGRAM 'printf \"1\\tit 1\\t1\\tGLAD\\n\"' WITH (FREEZE); COMMIT",
            false,
            &["-999 +0", "title: changed 1 1"],
        ),
        ("ALTER TABLE it ALTER COLUMN title TYPE varchar", true, &["title: converted"]),
    ];

    fn told(table: &TableFate) -> Vec<String> {
        let rows = table.deleted.zip(table.inserted).filter(|rows| *rows != (0, 0));
        let rows = rows.map(|(went, came)| format!("-{went} +{came}"));
        let columns = table.columns.iter().filter_map(|column| {
            let fate = serde_json::to_value(&column.fate).unwrap();
            let numbers = [&fate["rows"], &fate["overwritten"]].into_iter().filter(|number| number.is_number());
            let numbers: String = numbers.map(|number| format!(" {number}")).collect();
            (column.fate != Fate::Preserved)
                .then(|| format!("{}: {}{numbers}", column.column, fate["fate"].as_str().unwrap()))
        });
        rows.into_iter().chain(columns).collect()
    }

    #[test]
    fn a_row_that_was_not_written_is_known_by_its_version_and_any_other_is_compared() {
        let server = small_with_room(1 << 26, &Env::read()).unwrap();
        server.connect("postgres").unwrap().batch_execute("CREATE DATABASE was").unwrap();
        server.connect("was").unwrap().batch_execute(TABLES).unwrap();
        let label = ("ALTER TYPE mood RENAME VALUE 'GLAD' TO 'HAPPY'", true, &["mood: changed 1000 1000"] as &[&str]);
        let cases = |table| CASES.iter().map(move |case| (table, case));
        for (table, (sql, copied, fates)) in cases("song").chain(cases("track")).chain([("song", &label)]) {
            server.clone_database("was", "copy").unwrap();
            let [mut was, mut is] = ["was", "copy"].map(|name| connect(&server.url(name).unwrap(), "values").unwrap());
            let since = Since::read(&mut is).unwrap();
            let sql = format!("{sql} ").replace(" it;", " it ;").replace(" it ", &format!(" {table} "));
            let sql = sql.replace("it_pkey", &format!("{table}_pkey"));
            for statement in sql.split_inclusive(';') {
                is.batch_execute(statement).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
            }
            let (before, after) = (tables::read(&mut was).unwrap(), tables::read(&mut is).unwrap());
            let mut found = matches::find((&before, &after), &Touched::All, false, 0);
            count(&mut was, &mut is, &mut found, since).unwrap();
            let at = found.iter().position(|it| it.was.is_some_and(|was| was.name == table)).unwrap();
            assert_eq!(all_copied(&found[at]), *copied, "{sql}");
            let found = compare((&mut was, &mut is), (&Touched::All, since), "public").unwrap();
            assert_eq!(told(&found[at]), *fates, "{sql}");
            drop(is);
            server.drop_database("copy").unwrap();
        }
    }
}
