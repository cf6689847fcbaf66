//! Domains and composite types: created, altered, dropped.

use super::Replay;
use crate::catalog::{Domain, ObjectName, UserType};
use crate::sql::tokens::{Token, after, name, tokens};
use crate::sql::{ActionKind, ColumnDef, ConstraintKind, DataType, Name, Script, Statement, StatementKind};

impl Replay<'_> {
    pub(super) fn create_domain(&mut self, name: &Name, definition: &ColumnDef) {
        let own = self.catalog.made(name);
        let mut domain = Domain {
            base: self.bind_type(&definition.data_type),
            not_null: definition.not_null,
            checks: std::collections::BTreeMap::new(),
        };
        for constraint in &definition.constraints {
            if let ConstraintKind::Check { expr } = &constraint.kind {
                let base = format!("{}_check", own.name);
                let numbered = (1..).map(|number| format!("{base}{number}"));
                let free = std::iter::once(base.clone()).chain(numbered).find(|own| !domain.checks.contains_key(own));
                domain.checks.extend(constraint.name.clone().or(free).map(|name| (name, expr.clone())));
            }
        }
        self.catalog.types.insert(own, UserType::Domain(domain));
    }

    pub(super) fn create_composite(&mut self, name: &Name, attributes: &[(String, DataType)]) {
        let attributes = attributes.iter().map(|(name, own)| (name.clone(), self.bind_type(own))).collect();
        self.catalog.types.insert(self.catalog.made(name), UserType::Composite(attributes));
    }

    /// Follows `DROP DOMAIN`, `ALTER DOMAIN`, and `ALTER TYPE` of a composite type; false for what is none of these, or is about an
    /// unknown type.
    pub(super) fn user_type(&mut self, words: &str, script: &Script, statement: &Statement) -> bool {
        let text = script.text().get(statement.range.clone()).unwrap_or_default();
        let tokens = tokens(text);
        if let Some(rest) = after(&tokens, "drop domain") {
            let rest = after(rest, "if exists").unwrap_or(rest);
            let cascade = tokens.iter().any(|token| token.is("cascade"));
            let names = names(rest);
            names.iter().for_each(|name| self.drop_type(&self.resolve(name), cascade));
            return !names.is_empty();
        }
        let altered = ["alter domain", "alter type"].iter().find_map(|first| after(&tokens, first)).and_then(name);
        let (true, Some((name, rest))) = (words.starts_with("ALTER"), altered) else { return false };
        let own = self.resolve(&name);
        match self.catalog.types.get(&own) {
            Some(UserType::Domain(_)) => self.alter_domain(&own, rest, text),
            Some(UserType::Composite(_)) => self.alter_composite(&own, rest, text),
            None => false,
        }
    }

    fn alter_domain(&mut self, own: &ObjectName, action: &[Token<'_>], text: &str) -> bool {
        let ident = |rest: &[Token<'_>]| name(rest).map(|(name, _)| name.name);
        if let Some(to) = after(action, "rename to").and_then(ident) {
            self.move_type(own, &ObjectName { schema: own.schema.clone(), name: to });
            return true;
        }
        if let Some(schema) = after(action, "set schema").and_then(ident) {
            self.move_type(own, &ObjectName { schema, name: own.name.clone() });
            return true;
        }
        let Some(UserType::Domain(domain)) = self.catalog.types.get_mut(own) else { return false };
        let renamed = after(action, "rename constraint").and_then(name);
        if let Some((from, rest)) = renamed {
            let check = domain.checks.remove(&from.name);
            domain.checks.extend(after(rest, "to").and_then(ident).zip(check));
        } else if after(action, "set not null").is_some() {
            domain.not_null = true;
        } else if after(action, "drop not null").is_some() {
            domain.not_null = false;
        } else if let Some(rest) = after(action, "drop constraint") {
            let rest = after(rest, "if exists").unwrap_or(rest);
            if let Some(constraint) = ident(rest) {
                domain.checks.remove(&constraint);
            }
        } else if let Some(rest) = after(action, "add") {
            // as the constraint of a table is read
            let constraint = rest.first().and_then(|token| text.get(token.start..)).unwrap_or_default();
            let script = Script::parse(format!("ALTER TABLE domain ADD {constraint}"));
            let Some(StatementKind::AlterTable { actions, .. }) = script.statements().first().map(|own| &own.kind)
            else {
                return false;
            };
            for action in actions {
                if let ActionKind::AddConstraint(constraint) = &action.kind
                    && let ConstraintKind::Check { expr } = &constraint.kind
                {
                    let name = constraint.name.clone().unwrap_or_else(|| format!("{}_check", own.name));
                    domain.checks.insert(name, expr.clone());
                }
            }
        }
        // a default and an owner are not followed
        true
    }

    /// `ADD`, `DROP`, `ALTER` and `RENAME ATTRIBUTE`, several behind one another: PostgreSQL takes a composite type for a table too.
    fn alter_composite(&mut self, own: &ObjectName, action: &[Token<'_>], text: &str) -> bool {
        let Some(start) = action.first().map(|token| token.start) else { return false };
        let mut alter = String::from("ALTER TABLE composite ");
        let mut at = start;
        for token in action.iter().filter(|token| token.is("attribute")) {
            alter.push_str(text.get(at..token.start).unwrap_or_default());
            alter.push_str("COLUMN");
            at = token.end;
        }
        alter.push_str(text.get(at..).unwrap_or_default());
        let script = Script::parse(alter);
        let Some(StatementKind::AlterTable { actions, .. }) = script.statements().first().map(|own| &own.kind) else {
            return false;
        };
        let bind = |own: &DataType| self.bind_type(own);
        let followed: Vec<(ActionKind, Option<DataType>)> = actions
            .iter()
            .map(|action| {
                let data_type = match &action.kind {
                    ActionKind::AddColumn { column, .. } => Some(bind(&column.data_type)),
                    ActionKind::SetType { data_type, .. } => Some(bind(data_type)),
                    _ => None,
                };
                (action.kind.clone(), data_type)
            })
            .collect();
        let Some(UserType::Composite(attributes)) = self.catalog.types.get_mut(own) else { return false };
        for (action, data_type) in followed {
            match (action, data_type) {
                (ActionKind::AddColumn { column, .. }, Some(data_type)) => attributes.push((column.name, data_type)),
                (ActionKind::SetType { column, .. }, Some(data_type)) => {
                    attributes.iter_mut().filter(|(name, _)| *name == column).for_each(|own| own.1 = data_type.clone());
                }
                (ActionKind::DropColumn { name, .. }, _) => attributes.retain(|(own, _)| *own != name),
                (ActionKind::RenameColumn { from, to }, _) => {
                    attributes.iter_mut().filter(|(name, _)| *name == from).for_each(|own| own.0.clone_from(&to));
                }
                _ => {}
            }
        }
        true
    }

    /// Attributes of a type that goes fall with it by `CASCADE`.
    pub(super) fn forget_attributes_of(&mut self, gone: &ObjectName) {
        let resolver = crate::catalog::Catalog::new(&self.catalog.default_schema);
        for own in self.catalog.types.values_mut() {
            if let UserType::Composite(attributes) = own {
                attributes.retain(|(_, data_type)| resolver.type_name(data_type) != *gone);
            }
        }
    }
}

/// Names behind one another.
fn names(mut rest: &[Token<'_>]) -> Vec<Name> {
    let mut names = Vec::new();
    while let Some((found, behind)) = name(rest) {
        names.push(found);
        match behind {
            [comma, next @ ..] if comma.is_symbol(",") => rest = next,
            _ => break,
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    const BEFORE: &str =
        "CREATE DOMAIN short AS TEXT NOT NULL CONSTRAINT few CHECK (length(VALUE) < 9) CHECK (VALUE <> '');
        CREATE DOMAIN code AS short; CREATE TYPE place AS (street short, zip INT);
        CREATE TABLE t (id INT, a short[], b code, c place, d TEXT);";

    fn after(sql: &str) -> Catalog {
        Catalog::replay("public", [("1", &Script::parse(format!("{BEFORE}{sql}")))])
    }

    fn columns(catalog: &Catalog) -> Vec<&str> {
        catalog.tables.values().flat_map(|table| table.columns.keys()).map(String::as_str).collect()
    }

    fn attributes(catalog: &Catalog) -> Vec<String> {
        let of = |own: &UserType| match own {
            UserType::Composite(attributes) => {
                attributes.iter().map(|(name, data_type)| format!("{name} {data_type}")).collect()
            }
            UserType::Domain(_) => Vec::new(),
        };
        catalog.types.values().flat_map(of).collect()
    }

    #[test]
    fn a_type_takes_along_what_is_of_it() {
        assert_eq!(columns(&after("")), ["a", "b", "c", "d", "id"]);
        let gone = after("DROP DOMAIN IF EXISTS short CASCADE;");
        assert_eq!((columns(&gone), attributes(&gone)), (vec!["c", "d", "id"], vec!["zip integer".to_owned()]));
        assert_eq!(gone.types.len(), 1);
        assert_eq!(columns(&after("DROP TYPE place CASCADE;")), ["a", "b", "d", "id"]);
        assert_eq!(gone.opaque.iter().filter(|opaque| opaque.words.contains("DOMAIN")).count(), 0);
    }

    #[test]
    fn attributes_and_rules_are_followed() {
        let altered = after(
            "ALTER TYPE place ADD ATTRIBUTE town TEXT, DROP ATTRIBUTE zip; ALTER TYPE place RENAME ATTRIBUTE street TO road;
             ALTER DOMAIN short RENAME TO brief; ALTER DOMAIN brief DROP CONSTRAINT few; ALTER DOMAIN brief DROP NOT NULL;
             ALTER DOMAIN brief ADD CONSTRAINT more CHECK (length(VALUE) < 99);",
        );
        assert_eq!(attributes(&altered), ["road brief", "town text"]);
        let domain = altered.types.iter().find_map(|(name, own)| match own {
            UserType::Domain(domain) if name.name == "brief" => Some(domain),
            _ => None,
        });
        let domain = domain.unwrap();
        assert!(!domain.not_null);
        assert_eq!(domain.checks.keys().map(String::as_str).collect::<Vec<_>>(), ["more", "short_check"]);
        let of = |column: &str| altered.tables.values().next().unwrap().columns[column].data_type.name.clone();
        assert_eq!((of("a"), of("b")), ("brief".to_owned(), "code".to_owned()));
    }

    #[test]
    fn a_type_that_nobody_knows_is_unknown() {
        let name = |name: &str| ObjectName { schema: "public".into(), name: name.into() };
        let files = after("");
        assert!(files.user_type(&name("other")).is_unknown());
        assert!(files.user_type(&name("short")).there().is_some());
        assert!(after("DROP DOMAIN code;").user_type(&name("code")).is_absent());
    }
}
