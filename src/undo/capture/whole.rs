//! Tables as a whole.

use postgres::Client;
use postgres::types::{ToSql, Type};

use super::super::facts::Facts;
use super::{Capture, Rest, copy, kept, lock};
use crate::catalog::ObjectName;
use crate::catalog::live::OWN_SCHEMA;
use crate::database::Failure;
use crate::sql::{quote_identifier, quote_qualified};

/// A table that is dropped. Moved away it costs nothing, whatever its size; an empty one in its place is what the statement
/// then drops. Where something depends on it, the statement must meet the table itself: to refuse, or to cascade.
pub(super) fn table(client: &mut Client, facts: &Facts, capture: &mut Capture, movable: bool) -> Result<Rest, Failure> {
    lock(client, facts, "ACCESS EXCLUSIVE")?;
    capture.columns = facts.stored();
    capture.sequences = positions(client, facts)?;
    if movable {
        capture.moved = true;
        capture.rows = facts.rows.unwrap_or_default();
        capture.rows = counted(client, facts)?.unwrap_or(capture.rows);
        move_away(client, facts, capture)?;
    } else {
        let of = quote_identifier(&capture.table);
        let select = kept(facts, &of, &capture.columns);
        capture.rows = copy(client, facts, &capture.place(), &of, &select, "")?;
    }
    Ok(Rest::Nothing)
}

/// Whether the bare name means this table just now: code may have set another `search_path`, under which it is another one.
pub(super) fn is_meant(client: &mut Client, facts: &Facts, table: &ObjectName) -> Result<bool, Failure> {
    const MEANT: &str = "SELECT coalesce(to_regclass($1)::oid = $2, false)";
    let bare = quote_identifier(&table.name);
    Ok(client.query_typed_one(MEANT, &[(&bare, Type::TEXT), (&facts.id, Type::OID)])?.try_get(0)?)
}

/// Tables up to this size are counted when they are moved; of larger ones the server's estimate stands.
const COUNTED_BYTES: u64 = 64 << 20;

fn counted(client: &mut Client, facts: &Facts) -> Result<Option<u64>, Failure> {
    if facts.bytes > COUNTED_BYTES {
        return Ok(None);
    }
    let row = client.query_typed_one(&format!("SELECT count(*) FROM {}", facts.place), &[])?;
    Ok(Some(row.try_get::<_, i64>(0)?.unsigned_abs()))
}

fn positions(client: &mut Client, facts: &Facts) -> Result<Vec<(String, i64)>, Failure> {
    let mut positions = Vec::new();
    for column in &facts.columns {
        let Some(sequence) = &column.sequence else { continue };
        let row = client.query_typed_one(&format!("SELECT last_value, is_called FROM {sequence}"), &[])?;
        if row.try_get::<_, bool>(1)? {
            positions.push((column.name.clone(), row.try_get(0)?));
        }
    }
    Ok(positions)
}

/// Only the rows are kept: constraints and indexes would hold on to other tables and take part in their writes.
fn move_away(client: &mut Client, facts: &Facts, capture: &Capture) -> Result<(), Failure> {
    const PARTS: &str = "
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', $2::text, conname) FROM pg_constraint
        WHERE conrelid = $1 AND contype IN ('f', 'c', 'x', 'u', 'p') ORDER BY contype = 'f' DESC";
    const INDEXES: &str = "SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index WHERE indrelid = $1";
    let name = &facts.name;
    let ask = |client: &mut Client, query: &str, with_name: bool| -> Result<Vec<String>, Failure> {
        let mut values: Vec<(&(dyn ToSql + Sync), Type)> = vec![(&facts.id, Type::OID)];
        if with_name {
            values.push((name, Type::TEXT));
        }
        let rows = client.query_typed(query, &values)?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, postgres::Error>>()?)
    };
    for sql in ask(client, PARTS, true)? {
        client.batch_execute(&sql)?;
    }
    for sql in ask(client, INDEXES, false)? {
        client.batch_execute(&sql)?;
    }
    for column in facts.columns.iter().filter(|column| !column.generated) {
        let own = quote_identifier(&column.name);
        let sql =
            format!("ALTER TABLE {name} ALTER COLUMN {own} DROP IDENTITY IF EXISTS, ALTER COLUMN {own} DROP DEFAULT");
        client.batch_execute(&sql)?;
        // an identity's sequence is gone with it
        if let Some(sequence) = &column.sequence {
            client.batch_execute(&format!("DROP SEQUENCE IF EXISTS {sequence}"))?;
        }
    }
    let aside = quote_qualified(&capture.schema, &capture.storage);
    client.batch_execute(&format!(
        "ALTER TABLE {name} RENAME TO {}; ALTER TABLE {aside} SET SCHEMA {}; CREATE TABLE {name} (); REVOKE ALL ON {} FROM PUBLIC",
        quote_identifier(&capture.storage),
        quote_identifier(OWN_SCHEMA),
        capture.place()
    ))?;
    Ok(())
}
