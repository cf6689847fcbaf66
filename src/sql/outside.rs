//! Statements that reach beyond the database: another server, a file or a program of the server's machine. A copy of the
//! database is not the place to try them, since they would reach the same things from there.

use super::options::is_on;
use super::tokens::{Kind, Token, after, calls, tokens};

/// Functions that reach beyond the database, by their whole name or by how it begins.
const REACHING: &[(&str, &str)] = &[
    ("dblink", "another server"),
    ("http_get", "another server"),
    ("http_post", "another server"),
    ("http_put", "another server"),
    ("http_patch", "another server"),
    ("http_delete", "another server"),
    ("lo_import", "a file of the server"),
    ("lo_export", "a file of the server"),
    ("pg_read_file", "a file of the server"),
    ("pg_read_binary_file", "a file of the server"),
    ("pg_file_", "a file of the server"),
];

/// What a statement reaches beyond the database, as far as its text says: `a program of the server`. `body` is the text of a
/// `DO` block where it is one.
pub(crate) fn reaches_outside(text: &str, body: Option<&str>) -> Option<&'static str> {
    let within = body.map(tokens).unwrap_or_default();
    let outer = tokens(text);
    subscription(&outer, text)
        .or_else(|| copy(&outer))
        .or_else(|| copy(&within))
        .or_else(|| call(text))
        .or_else(|| call(body.unwrap_or_default()))
}

fn call(text: &str) -> Option<&'static str> {
    let called = calls(text);
    REACHING.iter().find(|(name, _)| called.iter().any(|call| call.starts_with(name))).map(|(_, what)| *what)
}

/// `COPY … FROM PROGRAM 'x'`, `COPY … TO '/a/file'`; not `COPY … FROM STDIN`.
fn copy(tokens: &[Token<'_>]) -> Option<&'static str> {
    let rest = after(tokens, "copy")?;
    let way = |token: &Token<'_>| token.is("from") || token.is("to");
    rest.windows(2).filter(|pair| way(&pair[0])).find_map(|pair| match pair[1].kind {
        Kind::Literal => Some("a file of the server"),
        _ if pair[1].is("program") => Some("a program of the server"),
        _ => None,
    })
}

/// `CREATE SUBSCRIPTION` connects at once unless an option says otherwise.
fn subscription(tokens: &[Token<'_>], text: &str) -> Option<&'static str> {
    after(tokens, "create subscription")?;
    (is_on(text, "connect") != Some(false)).then_some("another server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_beyond_the_database_is_known_by_its_text() {
        for (sql, reached) in [
            ("COPY t FROM PROGRAM 'curl x'", Some("a program of the server")),
            ("COPY (SELECT 1) TO '/tmp/x'", Some("a file of the server")),
            ("COPY t (a, b) FROM STDIN", None),
            ("COPY t TO STDOUT", None),
            ("SELECT dblink_exec('c', 'DELETE FROM t')", Some("another server")),
            ("SELECT public.dblink_connect('c')", Some("another server")),
            ("INSERT INTO t SELECT * FROM dblink('c', 'SELECT 1') AS x(a int)", Some("another server")),
            ("SELECT lo_export(1, '/tmp/x')", Some("a file of the server")),
            ("CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", Some("another server")),
            ("CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false)", None),
            ("SELECT max(id) FROM t", None),
            ("CREATE TABLE copy_from (program text)", None),
        ] {
            assert_eq!(reaches_outside(sql, None), reached, "{sql}");
        }
        assert_eq!(
            reaches_outside("DO $$…$$", Some("BEGIN PERFORM dblink_exec('c', 'x'); END")),
            Some("another server")
        );
    }
}
