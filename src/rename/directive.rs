//! The lines in a migration that keep decisions: `-- prisma-safe:rename column Song.artist -> artist_name` for what was
//! renamed, `-- prisma-safe:map column Song.artist -> artistName` for what is renamed in Prisma only,
//! `-- prisma-safe:delete column Song.artist` for what a person was asked about and really drops.
//!
//! `kind` is `column`, `table`, `enum` or `value`. Names of other than letters, digits, `_`, `-` and `$` stand in double
//! quotes with JSON's escapes. A schema comes first where it is not the default one: `table auth.User -> auth.Account`.

use super::candidate::{Rename, object, part};
use crate::catalog::{Catalog, ObjectName};

const RENAME: &str = "-- prisma-safe:rename ";
const MAP: &str = "-- prisma-safe:map ";
const DELETE: &str = "-- prisma-safe:delete ";

/// The line for a rename, without its line break.
pub fn render(catalog: &Catalog, rename: &Rename) -> String {
    let to = match rename {
        Rename::Table { to, .. } | Rename::Enum { to, .. } => object(catalog, to),
        Rename::Column { to, .. } | Rename::EnumValue { to, .. } => part(to),
    };
    format!("{RENAME}{} -> {to}", left(catalog, rename))
}

/// The line for a rename in Prisma only: the database's name, which stays, and the name in Prisma.
pub fn render_map(catalog: &Catalog, kept: &Rename, in_prisma: &str) -> String {
    format!("{MAP}{} -> {}", left(catalog, kept), part(in_prisma))
}

/// The line for a drop, without its line break.
pub fn render_delete(catalog: &Catalog, dropped: &Rename) -> String {
    format!("{DELETE}{}", left(catalog, dropped))
}

/// The kind and the object before.
fn left(catalog: &Catalog, rename: &Rename) -> String {
    match rename {
        Rename::Table { from, .. } => format!("table {}", object(catalog, from)),
        Rename::Enum { from, .. } => format!("enum {}", object(catalog, from)),
        Rename::Column { table, from, .. } => format!("column {}.{}", object(catalog, table), part(from)),
        Rename::EnumValue { of, from, .. } => format!("value {}.{}", object(catalog, of), part(from)),
    }
}

/// Reads the line for a drop; the rename it gives ends where it starts. None where it is something else or broken.
pub fn parse_delete(catalog: &Catalog, comment: &str) -> Option<Rename> {
    let (kind, rest) = comment.trim_end().strip_prefix(DELETE)?.split_once(' ')?;
    let (left, rest) = path(rest)?;
    let last = std::slice::from_ref(left.last()?);
    let whole = matches!(kind, "table" | "enum");
    rest.is_empty().then(|| build(catalog, kind, &left, if whole { &left } else { last }))?
}

/// Reads the line for a rename in Prisma only; its right side is the name in Prisma.
pub fn parse_map(catalog: &Catalog, comment: &str) -> Option<Rename> {
    arrow(catalog, comment.trim_end().strip_prefix(MAP)?)
}

/// Reads such a line; none where it is something else or broken.
pub fn parse(catalog: &Catalog, comment: &str) -> Option<Rename> {
    arrow(catalog, comment.trim_end().strip_prefix(RENAME)?)
}

/// `kind left -> right`
fn arrow(catalog: &Catalog, text: &str) -> Option<Rename> {
    let (kind, rest) = text.split_once(' ')?;
    let (left, rest) = path(rest)?;
    let (right, rest) = path(rest.strip_prefix(" -> ")?)?;
    rest.is_empty().then(|| build(catalog, kind, &left, &right))?
}

fn build(catalog: &Catalog, kind: &str, left: &[String], right: &[String]) -> Option<Rename> {
    let name = |parts: &[String]| match parts {
        [name] => Some(ObjectName { schema: catalog.default_schema.clone(), name: name.clone() }),
        [schema, name] => Some(ObjectName { schema: schema.clone(), name: name.clone() }),
        _ => None,
    };
    match (kind, left, right) {
        ("table", ..) => {
            let (from, to) = (name(left)?, name(right)?);
            Some(Rename::Table { join: from.name.starts_with('_') && to.name.starts_with('_'), from, to })
        }
        ("enum", ..) => Some(Rename::Enum { from: name(left)?, to: name(right)? }),
        ("column", [parent @ .., from], [to]) => {
            Some(Rename::Column { table: name(parent)?, from: from.clone(), to: to.clone() })
        }
        ("value", [parent @ .., from], [to]) => {
            Some(Rename::EnumValue { of: name(parent)?, from: from.clone(), to: to.clone() })
        }
        _ => None,
    }
}

/// Names joined by dots; gives them and what follows.
pub(crate) fn path(text: &str) -> Option<(Vec<String>, &str)> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (name, after) = if rest.starts_with('"') {
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let name = stream.next()?.ok()?;
            (name, &rest[stream.byte_offset()..])
        } else {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '$'))).unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        };
        if name.is_empty() {
            return None;
        }
        parts.push(name);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None => return Some((parts, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_as_written() {
        let catalog = Catalog { default_schema: "public".into(), ..Catalog::default() };
        let table = ObjectName { schema: "public".into(), name: "Song".into() };
        let rename = Rename::Column { table, from: "artist".into(), to: "artist_name".into() };
        assert_eq!(render(&catalog, &rename), "-- prisma-safe:rename column Song.artist -> artist_name");
        assert_eq!(parse(&catalog, "-- prisma-safe:rename column Song.artist ->"), None);
        assert_eq!(parse(&catalog, "-- prisma-safe:rename column artist -> b"), None);
    }

    proptest! {
        #[test]
        fn any_name_survives(schema in ".{1,6}", table in ".{1,6}", from in ".{1,6}", to in "(?s).{1,6}") {
            let catalog = Catalog { default_schema: "public".into(), ..Catalog::default() };
            let table = ObjectName { schema, name: table };
            let rename = Rename::Column { table, from, to };
            let line = render(&catalog, &rename);
            prop_assert!(!line.contains('\n') && !line.contains('\r'));
            prop_assert_eq!(parse(&catalog, &line), Some(rename.clone()));
            let dropped = parse_delete(&catalog, &render_delete(&catalog, &rename));
            prop_assert!(dropped.is_some_and(|dropped| dropped.same_origin(&rename)));
        }
    }
}
