//! What went with what was dropped, and is no table's own: views, triggers, rules, policies, row security, comments. The
//! definitions that were read before the migration make them anew.

use std::collections::BTreeMap;

use postgres::Client;

use super::comparison::definitions;
use super::{Broken, Request};
use crate::catalog::live::{Definition, Kind, Live, Without};
use crate::sql::{quote_identifier, quote_literal};

/// Makes anew what the migration took along; gives what was made. What depends on another comes after it.
pub(super) fn make_anew(client: &mut Client, request: &Request<'_>) -> Result<Vec<String>, Broken> {
    let Some((before, after)) = definitions(request) else { return Ok(Vec::new()) };
    let now = Live::read_within(client, &Without::default())?;
    let mut wanted = statements(before, after, &now);
    let mut made = Vec::new();
    loop {
        let mut left = Vec::new();
        let all = wanted.len();
        for (what, sql) in wanted {
            match super::super::tried(client, &sql)? {
                true => made.push(what),
                // the comparison tells what cannot be made
                false => left.push((what, sql)),
            }
        }
        if left.is_empty() || left.len() == all {
            made.sort();
            made.dedup();
            return Ok(made);
        }
        wanted = left;
    }
}

/// What was there before the migration, went with it, and is not there now: its name and the SQL that makes it.
fn statements(before: &Live, after: &Live, now: &Live) -> Vec<(String, String)> {
    const MADE: &[Kind] = &[
        Kind::Function,
        Kind::View,
        Kind::MaterializedView,
        Kind::Index,
        Kind::Trigger,
        Kind::Rule,
        Kind::Policy,
        Kind::Statistics,
    ];
    let mut wanted = Vec::new();
    for kind in MADE {
        for (name, definition) in gone(before, after, *kind).filter(|(name, _)| !has(now, *kind, name)) {
            let sql = made(*kind, name, definition);
            wanted.extend(sql.into_iter().map(|sql| (format!("{kind} {name}"), sql)));
        }
    }
    for (name, definition) in gone(before, after, Kind::Table) {
        let security: &[&str] = match definition.get("row security").map(String::as_str) {
            Some("enabled") => &["ENABLE"],
            Some("forced") => &["ENABLE", "FORCE"],
            _ => &[],
        };
        let what = format!("row security of {name}");
        wanted.extend(
            security.iter().map(|word| (what.clone(), format!("ALTER TABLE {name} {word} ROW LEVEL SECURITY"))),
        );
    }
    for (kind, word) in [
        (Kind::Table, "TABLE"),
        (Kind::Column, "COLUMN"),
        (Kind::Constraint, "CONSTRAINT"),
        (Kind::Index, "INDEX"),
        (Kind::View, "VIEW"),
        (Kind::MaterializedView, "MATERIALIZED VIEW"),
        (Kind::Function, "FUNCTION"),
    ] {
        for (name, definition) in gone(before, after, kind) {
            let Some(comment) = definition.get("comment") else { continue };
            let object = match kind {
                Kind::Constraint => split(name).map_or_else(String::new, |(table, own)| format!("{own} ON {table}")),
                _ => name.clone(),
            };
            let sql = format!("COMMENT ON {word} {object} IS {}", quote_literal(comment));
            wanted.push((format!("comment on {kind} {name}"), sql));
        }
    }
    wanted
}

fn objects(live: &Live, kind: Kind) -> impl Iterator<Item = (&String, &Definition)> {
    live.objects.get(&kind).into_iter().flatten()
}

fn has(live: &Live, kind: Kind, name: &str) -> bool {
    live.objects.get(&kind).is_some_and(|objects| objects.contains_key(name))
}

fn gone<'a>(before: &'a Live, after: &'a Live, kind: Kind) -> impl Iterator<Item = (&'a String, &'a Definition)> {
    objects(before, kind).filter(move |(name, _)| !has(after, kind, name))
}

/// The SQL of one object; nothing where its definition is no SQL.
fn made(kind: Kind, name: &str, definition: &Definition) -> Vec<String> {
    let text = definition.get("definition").map(|text| text.trim_end().trim_end_matches(';').to_owned());
    let with = definition.get("options").map(|options| format!(" WITH ({options})")).unwrap_or_default();
    match (kind, text) {
        (Kind::View, Some(query)) => vec![format!("CREATE VIEW {name}{with} AS {query}")],
        (Kind::MaterializedView, Some(query)) => {
            let data = if definition.get("state").is_some_and(|state| state == "populated") { "" } else { "NO " };
            vec![format!("CREATE MATERIALIZED VIEW {name}{with} AS {query} WITH {data}DATA")]
        }
        (Kind::Trigger, Some(sql)) => vec![sql].into_iter().chain(switched("TRIGGER", name, definition)).collect(),
        (Kind::Rule, Some(sql)) => vec![sql].into_iter().chain(switched("RULE", name, definition)).collect(),
        (Kind::Policy, None) => policy(name, definition).into_iter().collect(),
        (Kind::Function | Kind::Index | Kind::Statistics, Some(sql)) if sql.starts_with("CREATE ") => vec![sql],
        _ => Vec::new(),
    }
}

/// What turns a trigger or rule on or off as it was.
fn switched(what: &str, name: &str, definition: &Definition) -> Option<String> {
    let (table, own) = split(name)?;
    let word = match definition.get("state")?.as_str() {
        "disabled" => "DISABLE",
        "replica only" => "ENABLE REPLICA",
        "always" => "ENABLE ALWAYS",
        _ => return None,
    };
    Some(format!("ALTER TABLE {table} {word} {what} {own}"))
}

fn policy(name: &str, definition: &Definition) -> Option<String> {
    let (table, own) = split(name)?;
    let part = |key: &str| definition.get(key).map(String::as_str);
    let commands = BTreeMap::from([("r", "SELECT"), ("a", "INSERT"), ("w", "UPDATE"), ("d", "DELETE"), ("*", "ALL")]);
    let command = commands.get(part("command")?)?;
    let role = |role: &str| if role == "public" { "PUBLIC".to_owned() } else { quote_identifier(role) };
    let roles: Vec<String> = part("roles")?.split(", ").map(role).collect();
    let using = part("condition").map(|condition| format!(" USING ({condition})")).unwrap_or_default();
    let check = part("check").map(|check| format!(" WITH CHECK ({check})")).unwrap_or_default();
    let kind = part("kind")?.to_uppercase();
    Some(format!("CREATE POLICY {own} ON {table} AS {kind} FOR {command} TO {}{using}{check}", roles.join(", ")))
}

/// A name as SQL writes it, before and after its last dot.
fn split(name: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let dots = name.char_indices().filter(|(_, c)| {
        quoted ^= *c == '"';
        *c == '.' && !quoted
    });
    let at = dots.last()?.0;
    Some((&name[..at], &name[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_at_its_last_dot_outside_of_quotes() {
        assert_eq!(split("public.\"Song\".\"a.b\"\"c\""), Some(("public.\"Song\"", "\"a.b\"\"c\"")));
        assert_eq!(split("public.song.guard"), Some(("public.song", "guard")));
        assert_eq!(split("song"), None);
    }
}
