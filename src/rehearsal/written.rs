//! What each statement wrote, beside what its table lacks in the end: what an undo has to keep.

use super::Rehearsed;
use crate::conservation::{Lacks, Written};
use crate::values::{Fate, TableFate};

/// Of the migrations that ran statement by statement in a transaction.
pub(super) fn written(migrations: &[Rehearsed], tables: &[TableFate]) -> Vec<Written> {
    let of = |migration: &Rehearsed| {
        let statements = migration.statements.iter().filter(|_| migration.atomic);
        let writes = statements.flat_map(|statement| statement.writes.iter().map(|write| (&statement.range, write)));
        let written = writes.map(|(range, write)| Written {
            migration: migration.name.clone(),
            statement: range.clone(),
            table: write.name.clone(),
            inserted: write.inserted,
            updated: write.updated,
            deleted: write.deleted,
            anew: write.anew,
            gone: write.gone,
            derived: write.derived,
            lacks: lacks(tables, &write.table),
        });
        written.collect::<Vec<_>>()
    };
    migrations.iter().flat_map(of).collect()
}

/// `name` is the table's before its own migration; an earlier one may have renamed it.
fn lacks(tables: &[TableFate], name: &str) -> Lacks {
    let called = |table: &&TableFate| table.table == name || table.renamed_to.as_deref() == Some(name);
    let Some(table) = tables.iter().find(called) else { return Lacks::unknown() };
    let (Some(before), Some(after)) = (table.rows_before, table.rows_after) else { return Lacks::unknown() };
    let differs = |fate: &Fate| match fate {
        Fate::Changed { rows, .. } => *rows != Some(0),
        Fate::Lost { values } => *values > 0,
        Fate::Moved { .. } => true,
        Fate::Preserved | Fate::Renamed { .. } | Fate::Converted { .. } | Fate::New => false,
    };
    let values = table.columns.iter().filter(|own| differs(&own.fate)).map(|own| own.column.clone());
    let values: Vec<String> = values.collect();
    // without a key rows cannot be told apart
    let other = before != after || !values.is_empty();
    Lacks {
        // what is in another part now is not to be put back into this one
        rows: table.deleted.map_or(other, |rows| rows > table.within.unwrap_or_default()),
        came: table.inserted.map_or(other, |rows| rows > 0),
        values: Some(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::ColumnFate;

    #[test]
    fn what_was_not_compared_may_lack() {
        let column = |name: &str, fate| ColumnFate { column: name.into(), fate };
        let table = TableFate {
            table: "a".into(),
            renamed_to: Some("b".into()),
            rows_before: Some(3),
            rows_after: Some(3),
            deleted: Some(0),
            inserted: Some(0),
            within: None,
            columns: vec![
                column("x", Fate::Preserved),
                column("y", Fate::Changed { rows: Some(2), overwritten: Some(0) }),
                column("z", Fate::New),
            ],
        };
        let keyless = TableFate { deleted: None, inserted: None, ..table.clone() };
        let lacks_y = Lacks { rows: false, values: Some(vec!["y".into()]), came: false };
        assert_eq!(lacks(std::slice::from_ref(&table), "a"), lacks_y);
        assert_eq!(lacks(&[table], "b"), lacks_y);
        assert_eq!(lacks(&[keyless], "a"), Lacks { rows: true, came: true, ..lacks_y });
        assert_eq!(lacks(&[], "a"), Lacks::unknown());
    }
}
