//! Code that statements of a migration make and drop.

use super::super::Catalog;
use crate::sql::tokens::{after, name, tokens};
use crate::sql::{Statement, StatementKind};

impl Catalog {
    /// Learns of code by a statement that makes or drops it.
    pub(in crate::catalog) fn learn_code(&mut self, statement: &Statement, text: &str) {
        let own = |text: &str, first: &str| {
            let tokens = tokens(text);
            let rest = after(&tokens, first)?;
            let rest = after(rest, "if exists").unwrap_or(rest);
            let (own, rest) = name(rest)?;
            Some((own.name, after(rest, "on").or_else(|| after(rest, "to")).and_then(name).map(|(table, _)| table)))
        };
        match &statement.kind {
            StatementKind::CreateFunction { name } => self.sight.code.define(&name.name, text),
            StatementKind::CreateTrigger { name, table } => {
                let table = self.resolve(table);
                self.sight.code.trigger(table, name, text);
            }
            StatementKind::CreateView { name, .. } => {
                let view = self.resolve(name);
                self.sight.code.view(view, text);
            }
            StatementKind::Other { words } => match words {
                words if words.starts_with("CREATE CAST") || words.starts_with("CREATE OPERATOR") => {
                    // classes and families are words behind it
                    self.sight.code.operator_or_cast(text);
                }
                words if words.starts_with("DROP CAST") => self.sight.code.hidden.drop_cast(text),
                words if words.starts_with("CREATE POLICY") || words.starts_with("ALTER POLICY") => {
                    if let Some((name, Some(table))) = own(text, "policy") {
                        let table = self.resolve(&table);
                        self.sight.code.policy(table, &name, conditions(text));
                    }
                }
                words if words.starts_with("CREATE") && words.ends_with(" RULE") => {
                    if let Some((name, Some(table))) = rule(text) {
                        let table = self.resolve(&table);
                        self.sight.code.rule(table, &name);
                    }
                }
                words if words.starts_with("DROP FUNCTION") || words.starts_with("DROP ROUTINE") => {
                    if let Some((name, _)) = own(text, "function").or_else(|| own(text, "routine")) {
                        self.sight.code.forget(&name);
                    }
                }
                words if ["DROP TRIGGER", "DROP RULE", "DROP POLICY"].iter().any(|drop| words.starts_with(drop)) => {
                    let named = ["trigger", "rule", "policy"].iter().find_map(|kind| own(text, kind));
                    if let Some((name, Some(table))) = named {
                        let table = self.resolve(&table);
                        self.sight.code.drop_of_table(&table, &name);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// The name and the table of `CREATE RULE name AS ON INSERT TO table …`.
fn rule(text: &str) -> Option<(String, Option<crate::sql::Name>)> {
    let tokens = tokens(text);
    let (own, rest) = after(&tokens, "rule").and_then(name)?;
    Some((own.name, after(rest, "to").and_then(name).map(|(table, _)| table)))
}

/// What stands behind `USING` and `WITH CHECK`: before it are roles.
fn conditions(policy: &str) -> &str {
    let tokens = tokens(policy);
    let begins =
        ["using", "check"].iter().filter_map(|word| after(&tokens, word)?.first()).map(|token| token.start).min();
    begins.and_then(|start| policy.get(start..)).unwrap_or_default()
}
