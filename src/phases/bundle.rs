//! Several tables in one transaction: what Prisma drafts for them, in the order of their foreign keys, what is referred to first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::error::{Error, Result};
use crate::sql::{ActionKind, ConstraintKind, Name, Script, Statement, StatementKind};

/// A migration for several tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    pub sql: String,
    /// The draft holds more than what was asked for.
    pub rest: bool,
}

/// What a draft says of one table.
#[derive(Debug, Default)]
struct Part {
    /// The table is new.
    new: bool,
    statements: Vec<String>,
    /// Each with the table that it refers to.
    keys: Vec<(Name, String)>,
}

/// The statements of a draft.
#[derive(Debug, Default)]
struct Draft {
    /// Schemas and enums, with their names.
    first: Vec<(Name, String)>,
    /// By table, in the draft's order.
    parts: Vec<(Name, Part)>,
}

impl Bundle {
    /// Puts a draft into order. `tables` are those that are meant; all of them without any.
    ///
    /// # Errors
    /// Exit status 2 for a table that the draft does not have, or that refers to a new one which is not named; 3 for a statement
    /// that does more than add.
    pub fn of(draft: &str, tables: &[Name]) -> Result<Self> {
        let Draft { first, mut parts } = Draft::read(draft)?;
        let known: Vec<String> = parts.iter().map(|(name, _)| name.to_string()).collect();
        if parts.is_empty() {
            return Err(Error::usage("schema.prisma has no new table, and no column or key that no migration adds")
                .help("add the models first"));
        }
        if let Some(missing) = tables.iter().find(|table| !parts.iter().any(|(name, _)| name == *table)) {
            return Err(Error::usage(format!("nothing is to be added for {missing}"))
                .help(format!("schema.prisma is ahead of the migrations in {}", known.join(", "))));
        }
        let meant = |name: &Name| tables.is_empty() || tables.contains(name);
        let new: BTreeSet<String> =
            parts.iter().filter(|(_, part)| part.new).map(|(name, _)| name.to_string()).collect();
        let mut rest = false;
        parts.retain(|(name, _)| {
            rest |= !meant(name);
            meant(name)
        });
        for (name, part) in &parts {
            if let Some((other, _)) =
                part.keys.iter().find(|(other, _)| new.contains(&other.to_string()) && !meant(other))
            {
                return Err(Error::usage(format!("{name} refers to {other}, which is new too"))
                    .help(format!("name {other} as well")));
            }
        }
        let ordered = ordered(parts);
        let texts: Vec<&str> = ordered.iter().flat_map(|(_, part)| &part.statements).map(String::as_str).collect();
        // an enum that only the rest uses comes with the rest
        let used = |name: &Name| !rest || texts.iter().any(|text| text.contains(&name.quoted()));
        let first: Vec<String> = first.into_iter().filter(|(name, _)| used(name)).map(|(_, text)| text).collect();
        Ok(Self { sql: written(&first, &ordered), rest })
    }
}

impl Draft {
    fn read(draft: &str) -> Result<Self> {
        let script = Script::parse(draft);
        let mut read = Self::default();
        for statement in script.statements() {
            let text = draft.get(statement.range.clone()).unwrap_or_default().trim().to_owned();
            if !read.take(statement, &text) {
                return Err(Error::refused("schema.prisma holds a change that does more than add")
                    .because(text)
                    .help("draft that first, where renames and losses are looked at: prisma-safe migrate dev"));
            }
        }
        Ok(read)
    }

    /// `false` for what does not belong into a bundle.
    fn take(&mut self, statement: &Statement, text: &str) -> bool {
        match &statement.kind {
            StatementKind::CreateSchema { name, .. } => {
                self.first.push((Name { schema: None, name: name.clone() }, text.to_owned()));
            }
            StatementKind::CreateEnum { name, .. } => self.first.push((name.clone(), text.to_owned())),
            StatementKind::CreateTable { table, .. } => {
                let part = self.part(table);
                part.new = true;
                part.statements.push(text.to_owned());
            }
            StatementKind::CreateIndex(index) => self.part(&index.table).statements.push(text.to_owned()),
            StatementKind::AlterTable { table, actions, .. } => {
                let adds =
                    |kind: &ActionKind| matches!(kind, ActionKind::AddColumn { .. } | ActionKind::AddConstraint(_));
                if !actions.iter().all(|action| adds(&action.kind)) {
                    return false;
                }
                let key = actions.iter().find_map(|action| match &action.kind {
                    ActionKind::AddConstraint(constraint) => match &constraint.kind {
                        ConstraintKind::ForeignKey { table, .. } => Some(table.clone()),
                        _ => None,
                    },
                    _ => None,
                });
                let part = self.part(table);
                match key {
                    Some(other) => part.keys.push((other, text.to_owned())),
                    None => part.statements.push(text.to_owned()),
                }
            }
            _ => return false,
        }
        true
    }

    fn part(&mut self, table: &Name) -> &mut Part {
        let at = self.parts.iter().position(|(name, _)| name == table).unwrap_or_else(|| {
            self.parts.push((table.clone(), Part::default()));
            self.parts.len() - 1
        });
        &mut self.parts[at].1
    }
}

/// Each table behind those that it refers to; where tables refer to each other, in the draft's order.
fn ordered(mut parts: Vec<(Name, Part)>) -> Vec<(Name, Part)> {
    let mut done: Vec<(Name, Part)> = Vec::new();
    while !parts.is_empty() {
        let waits = |(name, part): &(Name, Part)| {
            part.keys.iter().any(|(other, _)| other != name && parts.iter().any(|(left, _)| left == other))
        };
        let next = parts.iter().position(|part| !waits(part)).unwrap_or(0);
        done.push(parts.remove(next));
    }
    done
}

fn written(first: &[String], parts: &[(Name, Part)]) -> String {
    let names: Vec<String> = parts.iter().map(|(name, _)| name.to_string()).collect();
    let mut sql = format!("-- All of it or nothing, in the order of the foreign keys: {}.\nBEGIN;\n", names.join(", "));
    // writing to a String does not fail
    for text in first {
        let _ = write!(sql, "\n{text}\n");
    }
    let place: BTreeMap<String, (usize, bool)> =
        parts.iter().enumerate().map(|(at, (name, part))| (name.to_string(), (at, part.new))).collect();
    let mut last = Vec::new();
    let mut keys: Vec<Vec<&str>> = vec![Vec::new(); parts.len()];
    for (at, (_, part)) in parts.iter().enumerate() {
        for (other, text) in &part.keys {
            match place.get(&other.to_string()) {
                Some((there, true)) if part.new => keys[at.max(*there)].push(text),
                _ => last.push(text),
            }
        }
    }
    for ((name, part), keys) in parts.iter().zip(&keys) {
        if part.statements.is_empty() && keys.is_empty() {
            continue;
        }
        let _ = write!(sql, "\n-- {name}\n");
        for text in part.statements.iter().map(String::as_str).chain(keys.iter().copied()) {
            let _ = writeln!(sql, "{text}");
        }
    }
    if !last.is_empty() {
        let _ = write!(sql, "\n-- Last, since these lock tables that are in use.\n");
        for text in last {
            let _ = writeln!(sql, "{text}");
        }
    }
    sql.push_str("\nCOMMIT;\n");
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAFT: &str = "-- CreateEnum\nCREATE TYPE \"Mood\" AS ENUM ('a');\n\nCREATE TABLE \"Entry\" (\"id\" INT, \"mood\" \"Mood\");\n\
        CREATE TABLE \"List\" (\"id\" INT);\nCREATE TABLE \"Other\" (\"id\" INT);\nCREATE INDEX \"i\" ON \"Entry\"(\"id\");\n\
        ALTER TABLE \"Song\" ADD COLUMN \"list\" INT;\n\
        ALTER TABLE \"Entry\" ADD CONSTRAINT \"a\" FOREIGN KEY (\"id\") REFERENCES \"List\"(\"id\");\n\
        ALTER TABLE \"Entry\" ADD CONSTRAINT \"b\" FOREIGN KEY (\"id\") REFERENCES \"Song\"(\"id\");\n\
        ALTER TABLE \"Song\" ADD CONSTRAINT \"c\" FOREIGN KEY (\"list\") REFERENCES \"List\"(\"id\");\n";

    fn name(name: &str) -> Name {
        Name { schema: None, name: name.into() }
    }

    /// The statements of a script by their beginning.
    fn order(sql: &str) -> Vec<String> {
        let script = Script::parse(sql);
        assert!(script.errors().is_empty(), "{sql}");
        script
            .statements()
            .iter()
            .map(|one| sql[one.range.clone()].replace('"', "").replace("ALTER TABLE", ""))
            .collect()
    }

    #[test]
    fn what_is_referred_to_comes_first_and_tables_in_use_last() {
        let Bundle { sql, rest } = Bundle::of(DRAFT, &[]).unwrap();
        let order = order(&sql);
        let at =
            |what: &str| order.iter().position(|text| text.contains(what)).unwrap_or_else(|| panic!("{what}: {sql}"));
        assert!(!rest && order[0] == "BEGIN;" && order.last().unwrap() == "COMMIT;", "{sql}");
        assert!(at("TYPE Mood") < at("TABLE List") && at("TABLE List") < at("TABLE Entry"), "{sql}");
        assert!(at("TABLE Entry") < at("INDEX i") && at("INDEX i") < at("CONSTRAINT a"), "{sql}");
        assert!(at("CONSTRAINT a") < at("CONSTRAINT b") && at("ADD COLUMN list") < at("CONSTRAINT c"), "{sql}");
        assert_eq!(order.len(), Script::parse(DRAFT).statements().len() + 2, "{sql}");
    }

    #[test]
    fn some_tables_come_with_what_they_need() {
        let Bundle { sql, rest } = Bundle::of(DRAFT, &[name("List"), name("Other")]).unwrap();
        assert!(rest && !sql.contains("Mood") && !sql.contains("Entry") && sql.contains("Other"), "{sql}");
        let error = Bundle::of(DRAFT, &[name("Entry")]).unwrap_err();
        assert!(error.to_string().contains("Entry refers to List"), "{error}");
        let error = Bundle::of(DRAFT, &[name("Nope")]).unwrap_err();
        assert!(error.help_text().unwrap().contains("Entry, List, Other, Song"), "{error:?}");
        assert!(Bundle::of("ALTER TABLE \"Song\" DROP COLUMN \"x\";", &[]).is_err());
    }

    #[test]
    fn tables_that_refer_to_each_other_are_both_there_before_their_keys() {
        let draft = "CREATE TABLE a (id INT);\nCREATE TABLE b (id INT);\nALTER TABLE a ADD CONSTRAINT x FOREIGN KEY (id) REFERENCES b(id);\n\
                     ALTER TABLE b ADD CONSTRAINT y FOREIGN KEY (id) REFERENCES a(id);\nALTER TABLE a ADD CONSTRAINT z FOREIGN KEY (id) REFERENCES a(id);";
        let order = order(&Bundle::of(draft, &[]).unwrap().sql);
        let at = |what: &str| order.iter().position(|text| text.contains(what)).unwrap();
        assert!(at("TABLE b") < at("CONSTRAINT x") && at("TABLE b") < at("CONSTRAINT y"), "{order:?}");
    }
}
