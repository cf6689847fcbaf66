//! What a plain dump holds, found in one pass while it streams by, and whether it is whole.

use super::scan::{Event, Mark, ScanError, Scanner, TableName};

/// The line that `pg_dump` writes when it has written everything.
const COMPLETE: &str = "PostgreSQL database dump complete";

/// The rows of one `COPY` block and where they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub table: TableName,
    pub rows: u64,
    /// Bytes of the dump before the first row.
    pub offset: u64,
    /// Bytes of the rows, with the closing `\.` line.
    pub length: u64,
}

/// What a whole dump holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    pub bytes: u64,
    /// In the order of the dump.
    pub blocks: Vec<Block>,
}

/// Where a table's rows begin or end in the dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Bytes before the first row.
    Begin(u64),
    /// Bytes before what follows the closing `\.` line.
    End(u64),
}

/// Why a dump is not whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error("it ends within the rows of {table}, after {rows} of them")]
    EndsInRows { table: String, rows: u64 },
    #[error("it ends within a statement")]
    EndsInStatement,
    #[error("its last line, `-- {COMPLETE}`, is missing")]
    NotComplete,
    #[error("the `\\unrestrict` line after its end is missing")]
    NotUnrestricted,
    #[error("it goes on after its end, at byte {at}")]
    AfterEnd { at: u64 },
    #[error("it holds the psql command `\\{command}` at byte {at}, which pg_dump never writes")]
    Command { command: String, at: u64 },
}

/// Reads a dump chunk by chunk.
#[derive(Debug, Default)]
pub struct Reader {
    scanner: Scanner,
    marks: Vec<Mark>,
    contents: Contents,
    cuts: Vec<Cut>,
    /// The block that is being read, and where it begins.
    open: Option<(TableName, u64)>,
    /// The key of `\restrict`, until `\unrestrict` gives it back.
    restricted: Option<String>,
    complete: bool,
    /// What was found wrong first; nothing is read after it.
    defect: Option<Defect>,
}

impl Reader {
    /// Reads the next bytes. What is wrong with them is said at the end.
    pub fn feed(&mut self, chunk: &[u8]) {
        if self.defect.is_none() {
            self.defect = self.read(chunk).err();
        }
    }

    fn read(&mut self, chunk: &[u8]) -> Result<(), Defect> {
        let mut marks = std::mem::take(&mut self.marks);
        self.scanner.feed(chunk, &mut marks)?;
        for mark in marks.drain(..) {
            self.take(mark)?;
        }
        self.marks = marks;
        Ok(())
    }

    /// Where rows began and ended in what was read since the last call.
    pub(super) fn cuts(&mut self) -> Vec<Cut> {
        std::mem::take(&mut self.cuts)
    }

    /// The table whose rows are being read, and the bytes of it so far.
    pub fn current(&self) -> Option<(&TableName, u64)> {
        self.open.as_ref().map(|(table, offset)| (table, self.scanner.position() - offset))
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.scanner.position()
    }

    /// The blocks that are read.
    pub fn blocks(&self) -> &[Block] {
        &self.contents.blocks
    }

    /// The end of the dump.
    ///
    /// # Errors
    /// If the dump is not whole.
    pub fn finish(mut self) -> Result<Contents, Defect> {
        if let Some(defect) = self.defect {
            return Err(defect);
        }
        if let Some((table, _)) = self.open {
            return Err(Defect::EndsInRows { table: table.to_string(), rows: self.scanner.rows() });
        }
        if !self.scanner.at_rest() {
            return Err(Defect::EndsInStatement);
        }
        if !self.complete {
            return Err(Defect::NotComplete);
        }
        if self.restricted.is_some() {
            return Err(Defect::NotUnrestricted);
        }
        self.contents.bytes = self.scanner.position();
        Ok(self.contents)
    }

    fn take(&mut self, Mark { at, event }: Mark) -> Result<(), Defect> {
        match event {
            Event::Comment(text) if text == COMPLETE => self.complete = true,
            Event::Comment(_) => {}
            Event::Statement | Event::Data(_) | Event::DataEnd { .. } if self.complete => {
                return Err(Defect::AfterEnd { at });
            }
            Event::Statement => {}
            Event::Data(table) => {
                self.cuts.push(Cut::Begin(at));
                self.open = Some((table, at));
            }
            Event::DataEnd { rows } => {
                self.cuts.push(Cut::End(at));
                if let Some((table, offset)) = self.open.take() {
                    self.contents.blocks.push(Block { table, rows, offset, length: at - offset });
                }
            }
            Event::Command(command) => self.command(command, at)?,
        }
        Ok(())
    }

    /// Only the pair that fences the dump in is allowed: psql would run anything else during a restore.
    fn command(&mut self, command: String, at: u64) -> Result<(), Defect> {
        if let Some(key) = command.strip_prefix("restrict ")
            && self.restricted.is_none()
            && !self.complete
        {
            self.restricted = Some(key.to_owned());
            return Ok(());
        }
        if command.strip_prefix("unrestrict ").is_some_and(|key| self.restricted.as_deref() == Some(key))
            && self.complete
        {
            self.restricted = None;
            return Ok(());
        }
        Err(Defect::Command { command, at })
    }
}

#[cfg(test)]
mod tests;
