//! `BEGIN`, timeouts, `COMMIT` around a migration, for deploys by plain Prisma: from 7.4 it sends a file statement by
//! statement and commits each, and no version of it limits the wait for a lock.

use crate::sql::{Atomicity, Script};

/// How long a statement may wait and run, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a lock.
    pub lock: u64,
    /// Altogether; 0 is without limit.
    pub statement: u64,
}

/// The text in a transaction; none where it cannot run in one, has its own, or does nothing.
pub(super) fn wrapped(text: &str, timeouts: Timeouts) -> Option<String> {
    let script = Script::parse(text);
    if script.statements().is_empty() || script.atomicity() != Atomicity::Transaction {
        return None;
    }
    let line = if text.contains("\r\n") { "\r\n" } else { "\n" };
    // behind a byte order mark and Prisma's warnings
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let start = script.warnings_header().map_or(start, |header| header.end);
    let (head, body) = text.split_at(start);
    let gap = if script.warnings_header().is_some() { line } else { "" };
    let body = body.trim_start_matches(['\r', '\n']);
    let last = script.statements().last().and_then(|last| text.get(last.range.clone()))?;
    let end = if last.ends_with(';') { "" } else { ";" };
    let Timeouts { lock, statement } = timeouts;
    // a line of its own before the semicolon: the text may end in a comment
    let body = format!("{}{line}{end}", body.trim_end());
    Some(format!(
        "{head}{gap}BEGIN;{line}SET LOCAL lock_timeout = '{lock}ms';{line}SET LOCAL statement_timeout = '{statement}ms';\
         {line}{line}{body}{}COMMIT;{line}",
        if end.is_empty() { line } else { "\n" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: Timeouts = Timeouts { lock: 3000, statement: 0 };
    const HEAD: &str = "BEGIN;\nSET LOCAL lock_timeout = '3000ms';\nSET LOCAL statement_timeout = '0ms';\n\n";

    fn wrap(text: &str) -> Option<String> {
        let wrapped = wrapped(text, TIMEOUTS)?;
        let script = Script::parse(wrapped.as_str());
        assert!(matches!(script.atomicity(), Atomicity::OwnTransaction { .. }), "{wrapped}");
        Some(wrapped)
    }

    #[test]
    fn a_migration_becomes_one_transaction() {
        assert_eq!(wrap("SELECT 1;\n"), Some(format!("{HEAD}SELECT 1;\n\nCOMMIT;\n")));
        assert_eq!(wrap("SELECT 1 -- one"), Some(format!("{HEAD}SELECT 1 -- one\n;\nCOMMIT;\n")));
        let header = "/*\n  Warnings:\n\n  - x\n\n*/\n-- AlterTable\nSELECT 1;\n";
        assert!(wrap(header).is_some_and(|text| text.starts_with("/*\n  Warnings:\n\n  - x\n\n*/\nBEGIN;\n")));
        assert!(wrap("\u{feff}SELECT 1;\r\n").is_some_and(|text| text.starts_with("\u{feff}BEGIN;\r\nSET LOCAL")));
    }

    #[test]
    fn what_has_or_takes_no_transaction_stays() {
        for text in ["", "-- nothing\n", "BEGIN; SELECT 1; COMMIT;", "CREATE INDEX CONCURRENTLY a ON b(c);", "SELEC 1"]
        {
            assert_eq!(wrapped(text, TIMEOUTS), None, "{text}");
        }
    }
}
