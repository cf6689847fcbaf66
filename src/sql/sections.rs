//! A script in sections: what is applied as one transaction, and what must run alone. People separate on purpose (a file's own
//! transactions), and PostgreSQL demands it (`CONCURRENTLY`, an enum value that has to be committed before it is used).

use std::ops::Range;

use super::ast::{Statement, StatementKind};
use super::atomicity::{forbidden, is_control};
use super::local::ends_with_transaction;
use super::new_value::Types;
use super::script::Script;

/// How a section runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// As one transaction.
    Transaction,
    /// Its only statement runs outside of any transaction.
    Alone {
        /// Why, as a sentence's end: "`VACUUM` cannot run inside a transaction".
        why: String,
    },
}

/// A part of a script that is there as a whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// How it runs.
    pub way: Way,
    /// Its statements by their place in the script, without `BEGIN` and `COMMIT`.
    pub statements: Vec<usize>,
    /// From its first statement to its last.
    pub range: Range<usize>,
}

/// Why a script cannot be taken apart, and what is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// As a sentence's end.
    pub why: String,
    /// Its place.
    pub range: Range<usize>,
}

impl Script {
    /// The sections in order. Settings of the session (`SET`) before a statement that runs alone are not a section: they are sent
    /// again before each one that follows.
    ///
    /// # Errors
    /// Why it cannot be taken apart: it could not be read, or controls transactions beyond pairs of `BEGIN` and `COMMIT`.
    pub fn sections(&self, types: &dyn Types) -> Result<Vec<Section>, Whole> {
        if let Some(error) = self.errors().first() {
            return Err(Whole { why: "it could not be read in full".to_owned(), range: error.range.clone() });
        }
        let mut cut = Cutter { script: self, found: Vec::new(), current: Vec::new() };
        let (own, ends) = (self.own_blocks()?, self.ends_before_use(types));
        let separate = own.iter().filter(|block| !self.is_drafted(block)).count() > 1;
        let local: Vec<usize> = own.iter().filter(|block| self.sets_locally(block)).map(|block| block.end).collect();
        for (at, Statement { kind, range, .. }) in self.statements().iter().enumerate() {
            let in_block = own.iter().any(|block| block.contains(&at));
            match kind {
                StatementKind::Begin | StatementKind::Commit => {
                    if separate || local.contains(&at) {
                        cut.end();
                    }
                    continue;
                }
                _ => {}
            }
            match forbidden(kind, &self.text()[range.clone()]) {
                Some(why) if in_block || is_control(kind) => return Err(Whole { why, range: range.clone() }),
                Some(why) => cut.alone(at, why),
                None => cut.current.push(at),
            }
            if ends.contains(&at) {
                cut.end();
            }
        }
        cut.end();
        Ok(cut.found)
    }

    /// The statements from each `BEGIN` to its `COMMIT`.
    fn own_blocks(&self) -> Result<Vec<Range<usize>>, Whole> {
        let mut blocks = Vec::new();
        let mut open: Option<(usize, Range<usize>)> = None;
        for (at, Statement { kind, range, .. }) in self.statements().iter().enumerate() {
            let whole = |why: &str| Err(Whole { why: why.to_owned(), range: range.clone() });
            match (kind, open.take()) {
                (StatementKind::Begin, None) => open = Some((at, range.clone())),
                (StatementKind::Begin, Some(_)) => return whole("a `BEGIN` stands inside another"),
                (StatementKind::Commit, Some((begin, _))) => blocks.push(begin..at),
                (StatementKind::Commit, None) => return whole("a `COMMIT` has no `BEGIN`"),
                (_, still) => open = still,
            }
        }
        match open {
            Some((_, range)) => Err(Whole { why: "a `BEGIN` has no `COMMIT`".to_owned(), range }),
            None => Ok(blocks),
        }
    }

    /// Whether something in it ends at its `COMMIT`.
    fn sets_locally(&self, block: &Range<usize>) -> bool {
        let text = |statement: &Statement| self.text().get(statement.range.clone()).unwrap_or_default();
        let inside = self.statements().get(block.clone()).unwrap_or_default();
        inside.iter().any(|statement| ends_with_transaction(statement, text(statement)))
    }

    /// Whether Prisma wrote these `BEGIN` and `COMMIT`: around an enum that it recreates, and not to separate anything.
    fn is_drafted(&self, block: &Range<usize>) -> bool {
        let new = |statement: &Statement| matches!(&statement.kind, StatementKind::CreateEnum { name, .. } if name.name.ends_with("_new"));
        self.statements().get(block.clone()).is_some_and(|inside| inside.iter().any(new))
    }

    /// The statements after which a commit must come: the last of those that add values, before one of these is used.
    fn ends_before_use(&self, types: &dyn Types) -> Vec<usize> {
        let adds = |at: usize| {
            matches!(
                self.statements().get(at).map(|it| &it.kind),
                Some(StatementKind::AddEnumValue { .. } | StatementKind::Comment)
            )
        };
        let used = self.used_new_values(types).into_iter();
        used.map(|used| (used.added..used.used).take_while(|at| adds(*at)).last().unwrap_or(used.added)).collect()
    }
}

/// Puts statements into sections.
struct Cutter<'a> {
    script: &'a Script,
    found: Vec<Section>,
    current: Vec<usize>,
}

impl Cutter<'_> {
    /// Ends a transaction; one that would only set something for the session is none, unless nothing else is there.
    fn end(&mut self) {
        let statements = std::mem::take(&mut self.current);
        let sets = |at: &usize| {
            matches!(
                self.script.statements().get(*at).map(|it| &it.kind),
                Some(StatementKind::Set { local: false, .. })
            )
        };
        let all = self.script.statements();
        let only_sets =
            statements.iter().all(sets) && all.iter().any(|it| !matches!(it.kind, StatementKind::Set { .. }));
        if !only_sets {
            self.push(Way::Transaction, statements);
        }
    }

    fn alone(&mut self, at: usize, why: String) {
        self.end();
        self.push(Way::Alone { why }, vec![at]);
    }

    fn push(&mut self, way: Way, statements: Vec<usize>) {
        let all = self.script.statements();
        let (Some(first), Some(last)) = (statements.first(), statements.last()) else { return };
        let range = all[*first].range.start..all[*last].range.end;
        self.found.push(Section { way, statements, range });
    }
}

#[cfg(test)]
mod tests {
    use super::super::new_value::Untold;
    use super::*;

    /// Each section as its statements, `!` before one that runs alone.
    fn cut(text: &str) -> Result<Vec<String>, String> {
        let script = Script::parse(text);
        let sections = script.sections(&Untold).map_err(|whole| whole.why)?;
        let said = |section: &Section| {
            let texts: Vec<&str> = section
                .statements
                .iter()
                .map(|at| script.text()[script.statements()[*at].range.clone()].trim_end_matches(';'))
                .collect();
            format!("{}{}", if section.way == Way::Transaction { "" } else { "!" }, texts.join(" + "))
        };
        Ok(sections.iter().map(said).collect())
    }

    #[test]
    fn what_must_run_alone_runs_alone() {
        assert_eq!(cut("CREATE TABLE a (b INT); DROP TABLE c;").unwrap(), ["CREATE TABLE a (b INT) + DROP TABLE c"]);
        assert_eq!(
            cut("SET lock_timeout = '4s'; CREATE INDEX CONCURRENTLY i ON a (b); CREATE INDEX CONCURRENTLY j ON a (b);")
                .unwrap(),
            ["!CREATE INDEX CONCURRENTLY i ON a (b)", "!CREATE INDEX CONCURRENTLY j ON a (b)"]
        );
        assert_eq!(
            cut("CREATE TABLE a (b INT); SET lock_timeout = 0; DROP INDEX CONCURRENTLY i; DROP TABLE c; RESET lock_timeout").unwrap(),
            ["CREATE TABLE a (b INT) + SET lock_timeout = 0", "!DROP INDEX CONCURRENTLY i", "DROP TABLE c + RESET lock_timeout"]
        );
        assert_eq!(cut("SET a = 1; SET b = 2").unwrap(), ["SET a = 1 + SET b = 2"]);
        assert_eq!(cut("").unwrap(), [""; 0]);
    }

    #[test]
    fn a_new_value_is_committed_before_its_use() {
        assert_eq!(
            cut("SELECT 1; ALTER TYPE t ADD VALUE 'C'; ALTER TYPE t ADD VALUE 'D'; DROP TABLE x; INSERT INTO a VALUES ('C')").unwrap(),
            ["SELECT 1 + ALTER TYPE t ADD VALUE 'C' + ALTER TYPE t ADD VALUE 'D'", "DROP TABLE x + INSERT INTO a VALUES ('C')"]
        );
        assert_eq!(
            cut("ALTER TYPE t ADD VALUE 'C'; DROP TABLE x").unwrap(),
            ["ALTER TYPE t ADD VALUE 'C' + DROP TABLE x"]
        );
    }

    #[test]
    fn own_transactions_stay_apart_but_not_prismas() {
        assert_eq!(cut("BEGIN; SELECT 1; COMMIT; SELECT 2;").unwrap(), ["SELECT 1 + SELECT 2"]);
        assert_eq!(
            cut("SELECT 0; BEGIN; SELECT 1; COMMIT; SELECT 2; BEGIN; SELECT 3; SELECT 4; COMMIT;").unwrap(),
            ["SELECT 0", "SELECT 1", "SELECT 2", "SELECT 3 + SELECT 4"]
        );
        let drafted = "BEGIN; CREATE TYPE \"R_new\" AS ENUM ('A'); DROP TYPE \"R\"; COMMIT;";
        assert_eq!(cut(&format!("{drafted} {drafted} SELECT 1; BEGIN; SELECT 2; COMMIT;")).unwrap().len(), 1);
    }

    #[test]
    fn what_a_transaction_sets_for_itself_ends_with_it() {
        for local in ["SET LOCAL a = 1", "SET CONSTRAINTS ALL DEFERRED", "SELECT set_config('a', 'b', true)"] {
            assert_eq!(
                cut(&format!("SELECT 0; BEGIN; {local}; SELECT 1; COMMIT; SELECT 2;")).unwrap(),
                [format!("SELECT 0 + {local} + SELECT 1"), "SELECT 2".to_owned()]
            );
            assert_eq!(cut(&format!("BEGIN; {local}; SELECT 1; COMMIT;")).unwrap().len(), 1);
        }
    }

    #[test]
    fn what_cannot_be_taken_apart_says_why() {
        for (text, why) in [
            ("BEGIN; CREATE INDEX CONCURRENTLY i ON a (b); COMMIT;", "cannot run inside a transaction"),
            ("SELECT 1; ROLLBACK", "rolls back by itself"),
            ("BEGIN; SELECT 1", "has no `COMMIT`"),
            ("COMMIT", "has no `BEGIN`"),
            ("SAVEPOINT a; RELEASE a", "controls transactions"),
            ("ALTER TABL a", "could not be read"),
        ] {
            let found = cut(text).unwrap_err();
            assert!(found.contains(why), "{text}: {found}");
        }
    }
}
