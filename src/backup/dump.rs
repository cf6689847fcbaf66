//! The dump itself: `pg_dump` and the count side by side in one snapshot, which must agree.

use std::collections::BTreeMap;

use super::aside::Aside;
use super::contents::{Contents, Reader};
use super::directory::Directory;
use super::encryption::{Recipients, Sealing};
use super::frames::Encoded;
use super::manifest::{Format, Sum, Table};
use super::scan::TableName;
use super::scope::Without;
use super::snapshot::{Counting, Relation, Snapshot};
use super::stream::{self, Estimate, Written};
use crate::database::DatabaseUrl;
use crate::error::{Error, Result};
use crate::guard::dump::TABLES;
use crate::tools::pg_dump::{PgDump, What};
use crate::ui::Shell;
use crate::ui::interrupt::Guard;
use crate::ui::progress::Progress;

/// What a dump needs besides its snapshot.
pub(super) struct Dump<'a> {
    pub(super) pg_dump: &'a PgDump,
    pub(super) url: &'a DatabaseUrl,
    /// As the server names it.
    pub(super) snapshot: &'a str,
    pub(super) lock_wait_seconds: u64,
    pub(super) directory: &'a Directory,
    pub(super) guard: &'a Guard,
    pub(super) format: Format,
    pub(super) recipients: Option<&'a Recipients>,
    /// Tables of which no row is dumped.
    pub(super) without_rows: &'a [String],
    pub(super) without: Option<&'a Without>,
}

impl Dump<'_> {
    /// Dumps and counts at the same time; what pg_dump says of itself goes before what we find.
    pub(super) fn run(
        &self,
        snapshot: Snapshot,
        relations: &[Relation],
        aside: &mut Aside,
        shell: &Shell,
    ) -> Result<Taken> {
        let mut progress = Progress::start(shell, "Dumping");
        let mut estimate = Estimate::new(relations);
        // counting holds the snapshot open until the dump has ended
        let mut counting = Counting::start(snapshot, relations.to_vec(), self.url);
        let what = What {
            snapshot: Some(self.snapshot),
            lock_wait_seconds: self.lock_wait_seconds,
            without_rows: self.without_rows,
            without_schemas: self.without.map_or(&[], |without| &without.schemas),
            without_large_objects: self.without.is_some_and(|without| without.large_objects),
            without_tables: TABLES,
        };
        let (running, stdout) = self.pg_dump.start(self.url, &what)?;
        let check = || self.guard.check().and_then(|()| counting.check());
        let show = |reader: &Reader| estimate.show(reader, &mut progress);
        let mut sealing = Sealing::begin(aside, self.recipients)?;
        let sink = |bytes: &[u8]| sealing.write(bytes);
        let to = stream::Destination { format: self.format, sink, directory: self.directory };
        let written = stream::write(stdout, to, check, show)?;
        // a dump that is cut short has a cause, and pg_dump knows it
        running.wait()?;
        let Written { contents, dump, file } = written;
        let contents = contents.map_err(|defect| Error::failed("the dump is not whole").because(defect))?;
        let counts = counting.finish(self.guard)?;
        let on_disk = sealing.finish()?.unwrap_or_else(|| Sum::new(file.bytes, &file.sha256));
        Ok(Taken { contents, counts, dump, file, on_disk })
    }
}

/// A whole dump, and the rows that the server counted in the same snapshot.
pub(super) struct Taken {
    contents: Contents,
    counts: Vec<u64>,
    pub(super) dump: Sum,
    /// Before it was encrypted.
    pub(super) file: Encoded,
    pub(super) on_disk: Sum,
}

/// Compares the rows that were dumped with those that the server counted in the same snapshot.
pub(super) fn agree(relations: &[Relation], taken: &Taken) -> Result<Vec<Table>> {
    let Taken { contents, counts, file, .. } = taken;
    let mut dumped: BTreeMap<&TableName, u64> = BTreeMap::new();
    for block in &contents.blocks {
        *dumped.entry(&block.table).or_default() += block.rows;
    }
    let differs = |table: &TableName, what: String| {
        Err(Error::failed(format!("the dump does not hold what the database holds: {what} of table {table}"))
            .because("the dump and the count saw the same snapshot, so one of them is wrong")
            .help("try again; if it stays so, please report it with the versions of PostgreSQL and pg_dump"))
    };
    for (relation, count) in relations.iter().zip(counts) {
        match dumped.remove(&relation.name) {
            Some(rows) if rows == *count => {}
            Some(rows) => return differs(&relation.name, format!("{rows} instead of {count} rows")),
            None => return differs(&relation.name, format!("none of the {count} rows")),
        }
    }
    if let Some((table, rows)) = dumped.first_key_value() {
        return differs(table, format!("{rows} rows that were not counted"));
    }
    let tables = contents.blocks.iter().zip(&file.digests).map(|(block, digest)| Table {
        name: block.table.clone(),
        rows: block.rows,
        offset: block.offset,
        length: block.length,
        digest: Some(digest.to_string()),
    });
    Ok(tables.collect())
}
