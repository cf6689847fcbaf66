//! The parser's and linter's panics become values, and no text overflows their stack. squawk 2.68 panics on
//! `x::flo$1at` where it names columns, and recurses without a limit; a migration must never end the program.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::thread;

use super::expression::{Piece, pieces};

/// Stack for one level of recursion, generously: a build without optimisation takes up to 9 KiB.
const LEVEL: usize = 16 << 10;

/// Levels that any thread's stack has room for.
const SHALLOW: usize = 64;

/// As many levels as PostgreSQL's own parser takes (`YYMAXDEPTH`). Their stack is 160 MiB of address space, barely touched.
const DEEPEST: usize = 10_000;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, which parses `text`, with stack enough for it. A panic inside is caught, prints nothing, and gives its
/// message.
///
/// # Errors
/// The panic's message, or why it was not tried.
pub(crate) fn catch<T: Send>(text: &str, work: impl FnOnce() -> T + Send) -> Result<T, String> {
    match depth(text) {
        ..=SHALLOW => quietly(work),
        depth @ ..=DEEPEST => thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(depth * LEVEL).spawn_scoped(scope, || quietly(work));
            let thread = thread.map_err(|error| format!("no thread to read it in: {error}"))?;
            thread.join().unwrap_or_else(|_| Err("unknown reason".to_owned()))
        }),
        _ => Err("it is nested too deeply".to_owned()),
    }
}

fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    hush_own_panics();
    let before = QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    result.map_err(|payload| {
        let message = payload.downcast_ref::<&str>().map(ToString::to_string);
        message.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown reason".to_owned())
    })
}

/// Puts a hook before the one in place that stays silent on threads inside [`catch`]. Others' panics print as before.
fn hush_own_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                next(info);
            }
        }));
    });
}

/// How deep a parser may recurse: brackets open at once, and in each of them what else nests to the right, since the
/// last comma.
fn depth(text: &str) -> usize {
    let mut deepest = 0;
    let mut depth: usize = 0;
    let mut groups = vec![0]; // the depth at which each open group began
    for piece in pieces(text) {
        match piece {
            Piece::Symbol("(" | "[") => {
                depth += 1;
                groups.push(depth);
            }
            Piece::Symbol(")" | "]") if groups.len() > 1 => depth = groups.pop().unwrap_or_default() - 1,
            Piece::Symbol(",") => depth = groups.last().copied().unwrap_or_default(),
            Piece::Symbol(";") => {
                groups.truncate(1);
                depth = 0;
            }
            Piece::Symbol("." | "::" | ":") => {}
            Piece::Symbol(operator) => depth += operator.len(), // `+-+1` may be three
            Piece::Word(word) if nests(word) => depth += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Words after which the grammar may nest without a bracket.
fn nests(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "not",
        "case",
        "explain",
        "join",
        "between",
        "prepare",
        "also",
        "instead",
        "do",
        "with",
        "for",
        "as",
        "begin",
        "create",
        "atomic",
        "materialized",
    ];
    word.len() <= 12 && WORDS.iter().any(|own| word.eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_message() {
        assert_eq!(catch("", || 1), Ok(1));
        assert_eq!(catch("", || -> u8 { panic!("boom {}", 2) }), Err("boom 2".to_owned()));
        assert_eq!(catch("", || -> u8 { panic!("boom") }), Err("boom".to_owned()));
        let deep = "(".repeat(1000);
        assert_eq!(catch(&deep, || -> u8 { panic!("boom") }), Err("boom".to_owned()));
    }

    #[test]
    fn counts_what_nests() {
        assert_eq!(depth("select ((1), (2), 'a(((', -- (((\n \"(\" /* ( */)"), 2);
        assert_eq!(depth("select not not 1, not 2; not"), 2);
        assert_eq!(depth(&"create table a (b int default -1, c int);".repeat(9)), 3);
    }
}
