//! A live database against what the migrations build, by names alone: for a database without kept
//! definitions.

use std::collections::BTreeSet;

use crate::catalog::Catalog;
use crate::catalog::live::{Kind, Live};

/// What is missing in the live database, and what is there in addition; the same words for the same finding.
pub(super) fn differences(expected: &Catalog, live: &Live) -> BTreeSet<String> {
    let (expected, found) = (of_catalog(expected), of_live(live));
    let missing = expected.difference(&found).map(|name| format!("{name} is missing"));
    missing.chain(found.difference(&expected).map(|name| format!("{name} is additional"))).collect()
}

fn of_catalog(catalog: &Catalog) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, table) in &catalog.tables {
        names.insert(format!("table {name}"));
        names.extend(table.columns.iter().map(|(own, column)| {
            let null = if column.not_null { "NOT NULL" } else { "NULL" };
            format!("column {name}.{own} {null}")
        }));
        names.extend(table.constraints.keys().map(|own| format!("constraint {name}.{own}")));
        names.extend(table.indexes.keys().map(|own| format!("index {}.{own}", name.schema)));
    }
    let values =
        |values: &[String]| values.iter().map(|value| format!("'{}'", value.replace('\'', "''"))).collect::<Vec<_>>();
    names.extend(catalog.enums.iter().map(|(name, own)| format!("enum {name} ({})", values(own).join(", "))));
    names.extend(catalog.sequences.keys().map(|name| format!("sequence {name}")));
    names
}

fn of_live(live: &Live) -> BTreeSet<String> {
    let plain = |name: &str| name.replace("\"\"", "\u{0}").replace('"', "").replace('\u{0}', "\"");
    let part =
        |definition: &crate::catalog::live::Definition, part: &str| definition.get(part).cloned().unwrap_or_default();
    let mut names: BTreeSet<String> = live.of(Kind::Table).map(|(name, _)| format!("table {}", plain(name))).collect();
    names.extend(
        live.of(Kind::Column)
            .map(|(name, definition)| format!("column {} {}", plain(name), part(definition, "nullability"))),
    );
    names.extend(live.of(Kind::Constraint).map(|(name, _)| format!("constraint {}", plain(name))));
    let constraints: BTreeSet<String> = live
        .of(Kind::Constraint)
        .filter_map(|(name, _)| plain(name).rsplit_once('.').map(|(_, own)| own.to_owned()))
        .collect();
    // those behind constraints go by the constraint
    let free = |name: &&str| !name.rsplit_once('.').is_some_and(|(_, own)| constraints.contains(&plain(own)));
    names.extend(live.of(Kind::Index).map(|(name, _)| name).filter(free).map(|name| format!("index {}", plain(name))));
    names.extend(
        live.of(Kind::Enum).map(|(name, definition)| format!("enum {} ({})", plain(name), part(definition, "values"))),
    );
    names.extend(live.of(Kind::Sequence).map(|(name, _)| format!("sequence {}", plain(name))));
    names
}
