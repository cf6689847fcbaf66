//! Pieces of SQL, and the comments that move with a statement.

use std::ops::Range;

use crate::sql::tokens::tokens;
use crate::sql::{Action, CreateIndex, Edit, IndexKey, Name, Script, Statement, StatementKind, quote_identifier};

/// `"a", "b"`
pub(super) fn list(columns: &[String]) -> String {
    columns.iter().map(|column| quote_identifier(column)).collect::<Vec<_>>().join(", ")
}

/// A unique index over plain columns.
pub(super) fn plain_index(table: &Name, columns: &[String]) -> CreateIndex {
    CreateIndex {
        name: None,
        table: table.clone(),
        unique: true,
        concurrently: true,
        if_not_exists: false,
        method: "btree".into(),
        keys: columns
            .iter()
            .map(|column| IndexKey { column: Some(column.clone()), text: quote_identifier(column) })
            .collect(),
        include: Vec::new(),
        predicate: None,
        nulls_not_distinct: false,
    }
}

/// A `CREATE INDEX` with `CONCURRENTLY` and a semicolon; what has both, and any other statement, is as it was.
pub(super) fn concurrently(statement: &str) -> String {
    let tokens = tokens(statement);
    let index = tokens.iter().position(|token| token.is("index"));
    let creates = tokens.first().is_some_and(|token| token.is("create"));
    let mut text = statement.to_owned();
    if let Some(at) = index.filter(|at| creates && !tokens.get(at + 1).is_some_and(|next| next.is("concurrently"))) {
        text.insert_str(tokens[at].end, " CONCURRENTLY");
    }
    if !text.ends_with(';') {
        text.push(';');
    }
    text
}

/// The statement goes, with Prisma's step comment above it (`-- CreateIndex`) and the empty line below.
pub(super) fn removal(script: &Script, statement: &Range<usize>) -> Edit {
    let text = script.text();
    let mut start = statement.start;
    let line = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    if text[line..start].trim().is_empty() {
        start = line;
        let above = text[..line].trim_end_matches(['\n', '\r']).rfind('\n').map_or(0, |newline| newline + 1);
        let is_step = |line: &str| {
            let word = line.trim_end().trim_start_matches('\u{feff}').strip_prefix("-- ");
            word.is_some_and(|word| {
                word.starts_with(|c: char| c.is_ascii_uppercase()) && word.chars().all(|c| c.is_ascii_alphabetic())
            })
        };
        if is_step(&text[above..line]) {
            // a byte order mark stays
            start = above + if text[above..].starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        }
    }
    let mut end = statement.end;
    for _ in 0..2 {
        let rest = &text[end..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
        if !rest[blank..].starts_with('\n') {
            break;
        }
        end += blank + 1;
    }
    if text[end..].trim().is_empty() {
        end = text.len();
    }
    Edit { range: start..end, text: String::new() }
}

/// An action goes, with a comma; the last one takes its statement with it.
pub fn removal_of(script: &Script, statement: &Statement, action: &Action) -> Edit {
    let StatementKind::AlterTable { actions, .. } = &statement.kind else { return removal(script, &statement.range) };
    let at = actions.iter().position(|other| other.range == action.range).unwrap_or(0);
    let range = match (at.checked_sub(1).and_then(|before| actions.get(before)), actions.get(at + 1)) {
        (None, None) => return removal(script, &statement.range),
        (Some(before), _) => before.range.end..action.range.end,
        (None, Some(next)) => action.range.start..next.range.start,
    };
    Edit { range, text: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::edit;

    fn without(text: &str, at: usize) -> String {
        let script = Script::parse(text);
        edit::apply(text, &[removal(&script, &script.statements()[at].range)]).unwrap()
    }

    #[test]
    fn a_statement_goes_with_its_comment() {
        let text = "-- AlterTable\nALTER TABLE \"a\" ADD \"b\" INT;\n\n-- CreateIndex\nCREATE INDEX \"i\" ON \"a\"(\"b\");\n\n-- why\nSELECT 1;\n";
        assert_eq!(without(text, 1), "-- AlterTable\nALTER TABLE \"a\" ADD \"b\" INT;\n\n-- why\nSELECT 1;\n");
        assert_eq!(without(text, 2).matches("-- why").count(), 1);
        assert_eq!(without("SELECT 1; SELECT 2;\r\n\r\nSELECT 3;", 1), "SELECT 1; SELECT 3;");
    }

    #[test]
    fn an_index_is_built_concurrently_once() {
        assert_eq!(
            concurrently("CREATE UNIQUE INDEX \"i\" ON a(b)"),
            "CREATE UNIQUE INDEX CONCURRENTLY \"i\" ON a(b);"
        );
        assert_eq!(concurrently("create index concurrently i on a(b);"), "create index concurrently i on a(b);");
        assert_eq!(concurrently("DROP INDEX CONCURRENTLY i"), "DROP INDEX CONCURRENTLY i;");
    }
}
