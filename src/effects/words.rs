//! Statements and actions that the lowering knows by their first words only. What stands in none of these lists is unknown
//! code: a statement that a later PostgreSQL brings is never taken for harmless.

use super::unknown::{self, Reference};
use super::{Definition, Scene, What, types};
use crate::catalog::ObjectName;
use crate::sql::Name;
use crate::sql::options::explain_runs;
use crate::sql::tokens::{Token, after, name, tokens};

/// Definitions that `DROP …` and `ALTER …` name.
const KINDS: &[(&str, Definition)] = &[
    ("FUNCTION", Definition::Function),
    ("PROCEDURE", Definition::Function),
    ("ROUTINE", Definition::Function),
    ("AGGREGATE", Definition::Function),
    ("TRIGGER", Definition::Trigger),
    ("RULE", Definition::Rule),
    ("POLICY", Definition::Policy),
    ("DOMAIN", Definition::Domain),
    ("PUBLICATION", Definition::Publication),
    ("STATISTICS", Definition::Statistics),
    ("EVENT TRIGGER", Definition::Trigger),
    ("COLLATION", Definition::Other),
    ("CONVERSION", Definition::Other),
    ("CAST", Definition::Other),
    ("OPERATOR", Definition::Other),
    ("TEXT SEARCH", Definition::Other),
    ("SUBSCRIPTION", Definition::Other),
    ("SERVER", Definition::Other),
    ("FOREIGN DATA WRAPPER", Definition::Other),
    ("USER MAPPING", Definition::Other),
    ("ACCESS METHOD", Definition::Other),
    ("LANGUAGE", Definition::Other),
    ("TRANSFORM", Definition::Other),
    ("VIEW", Definition::View),
    ("MATERIALIZED VIEW", Definition::MaterializedView),
    ("TYPE", Definition::Enum),
    ("SCHEMA", Definition::Schema),
    ("EXTENSION", Definition::Extension),
    ("INDEX", Definition::Other),
    ("TABLESPACE", Definition::Other),
    ("DATABASE", Definition::Other),
];

/// First words of statements that change nothing that was there: sessions, locks, plans, new definitions, upkeep.
const HARMLESS: &[&str] = &[
    "ABORT",
    "ANALYSE",
    "ANALYZE",
    "BEGIN",
    "CHECKPOINT",
    "CLOSE",
    "CLUSTER",
    "COMMENT",
    "COMMIT",
    "CREATE ACCESS METHOD",
    "CREATE AGGREGATE",
    "CREATE CAST",
    "CREATE COLLATION",
    "CREATE CONVERSION",
    "CREATE DATABASE",
    "CREATE DOMAIN",
    "CREATE EVENT TRIGGER",
    "CREATE FOREIGN",
    "CREATE GROUP",
    "CREATE LANGUAGE",
    "CREATE OPERATOR",
    "CREATE POLICY",
    "CREATE PUBLICATION",
    "CREATE RECURSIVE VIEW",
    "CREATE ROLE",
    "CREATE RULE",
    "CREATE SCHEMA",
    "CREATE SERVER",
    "CREATE STATISTICS",
    "CREATE SUBSCRIPTION",
    "CREATE TABLESPACE",
    "CREATE TEXT SEARCH",
    "CREATE TRANSFORM",
    "CREATE TRUSTED",
    "CREATE TYPE",
    "CREATE USER",
    "DEALLOCATE",
    "DECLARE",
    "DISCARD",
    "END",
    "FETCH",
    "GRANT",
    "LISTEN",
    "LOCK",
    "MOVE",
    "NOTIFY",
    "PREPARE TRANSACTION",
    "REFRESH",
    "REINDEX",
    "RELEASE",
    "RESET",
    "ROLLBACK",
    "SAVEPOINT",
    "SET",
    "SHOW",
    "START",
    "UNLISTEN",
    "VACUUM",
];

/// First words of what changes who may do what.
const ACCESS: &[&str] = &[
    "REVOKE",
    "REASSIGN",
    "SECURITY",
    "ALTER DEFAULT PRIVILEGES",
    "ALTER ROLE",
    "ALTER USER",
    "ALTER GROUP",
    "ALTER SYSTEM",
    "DROP ROLE",
    "DROP USER",
    "DROP GROUP",
];

/// Actions of `ALTER TABLE` that change how a table is stored or found, and nothing in it.
const STORAGE: &[&str] = &[
    "ALTER COLUMN RESET",
    "ALTER COLUMN SET COMPRESSION",
    "ALTER COLUMN SET STATISTICS",
    "ALTER COLUMN SET STORAGE",
    "ALTER CONSTRAINT",
    "ALTER INDEX",
    "CLUSTER ON",
    "ENABLE",
    "NOT OF",
    "OF",
    "REPLICA IDENTITY",
    "RESET",
    "SET ACCESS METHOD",
    "SET LOGGED",
    "SET TABLESPACE",
    "SET UNLOGGED",
    "SET WITHOUT",
];

fn begins(words: &str, first: &str) -> bool {
    words.strip_prefix(first).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// A statement.
pub(super) fn effects(scene: &Scene<'_>, words: &str) -> Vec<What> {
    if begins(words, "DROP OWNED") {
        return vec![What::UnknownCode { words: words.to_owned() }];
    }
    if let Some(rest) = words.strip_prefix("DROP ") {
        return dropped(scene, rest).unwrap_or_else(|| vec![What::UnknownCode { words: words.to_owned() }]);
    }
    if ACCESS.iter().any(|first| begins(words, first)) {
        return vec![What::AccessChanged { words: words.to_owned() }];
    }
    if let Some(rest) = words.strip_prefix("ALTER ") {
        return altered(scene, rest).unwrap_or_else(|| vec![What::UnknownCode { words: words.to_owned() }]);
    }
    if let Some(rest) = words.strip_prefix("CREATE OR REPLACE ") {
        return altered(scene, rest).unwrap_or_else(|| vec![What::UnknownCode { words: words.to_owned() }]);
    }
    if begins(words, "EXPLAIN") && !explain_runs(scene.text) {
        return Vec::new();
    }
    if begins(words, "COPY") {
        return super::rows::copied(scene);
    }
    if HARMLESS.iter().any(|first| begins(words, first)) {
        return Vec::new();
    }
    vec![What::UnknownCode { words: words.to_owned() }]
}

fn kind(words: &str) -> Option<(&'static str, Definition)> {
    KINDS.iter().copied().find(|(first, _)| begins(words, first))
}

/// The names behind these words, without arguments; a trigger's, rule's or policy's without its table.
fn named(scene: &Scene<'_>, text: &str, first: &str) -> Vec<ObjectName> {
    let tokens = tokens(text);
    let Some(rest) = after(&tokens, &first.to_lowercase()) else { return Vec::new() };
    let mut rest = after(rest, "if exists").unwrap_or(rest);
    let mut names = Vec::new();
    while let Some((found, behind)) = name(rest) {
        names.push(scene.before.resolve(&found));
        let behind = behind.get(arguments(behind)..).unwrap_or_default();
        let [comma, next @ ..] = behind else { break };
        if !comma.is_symbol(",") {
            break;
        }
        rest = next;
    }
    names
}

/// How many tokens the arguments in parentheses take, with the parentheses.
fn arguments(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        depth = match token.text {
            "(" if token.is_symbol("(") => depth + 1,
            ")" if token.is_symbol(")") => depth.saturating_sub(1),
            _ => depth,
        };
        if depth == 0 {
            return if at == 0 { 0 } else { at + 1 };
        }
    }
    tokens.len()
}

fn dropped(scene: &Scene<'_>, words: &str) -> Option<Vec<What>> {
    let (first, kind) = kind(words)?;
    let tokens = tokens(scene.text);
    let cascade = tokens.iter().any(|token| token.is("cascade"));
    let names = named(scene, scene.text, first);
    let gone = |name| match kind {
        Definition::Domain => types::dropped(scene, kind, name, cascade),
        _ => vec![What::DefinitionGone { kind, name, cascade, replaced: false }],
    };
    (!names.is_empty()).then(|| names.into_iter().flat_map(gone).collect())
}

/// `ALTER VIEW`, `ALTER FUNCTION` and the like. A new owner is a matter of access.
fn altered(scene: &Scene<'_>, words: &str) -> Option<Vec<What>> {
    let (first, kind) = kind(words)?;
    if after(&tokens(scene.text), "owner to").is_some() {
        return Some(vec![What::AccessChanged { words: format!("ALTER {words}") }]);
    }
    let own = named(scene, scene.text, first).into_iter().next()?;
    let mut found = Vec::new();
    if matches!(kind, Definition::Domain | Definition::Enum) {
        let tokens = tokens(scene.text);
        let action = after(&tokens, &first.to_lowercase()).and_then(name).map(|(_, rest)| rest);
        found.extend(types::altered(scene, &own, action.unwrap_or_default()));
    }
    found.push(What::DefinitionReplaced { kind, name: own });
    Some(found)
}

/// `CREATE [OR REPLACE] TRIGGER`: without the words the name was free.
pub(super) fn trigger(scene: &Scene<'_>, trigger: &str, table: &Name) -> Vec<What> {
    if after(&tokens(scene.text), "or replace trigger").is_none() {
        return Vec::new();
    }
    let table = scene.before.resolve(table);
    let name = ObjectName { schema: table.schema, name: trigger.to_owned() };
    vec![What::DefinitionReplaced { kind: Definition::Trigger, name }]
}

/// An action of `ALTER TABLE`.
pub(super) fn action(scene: &Scene<'_>, table: &ObjectName, text: &str, words: &str) -> Vec<What> {
    let access =
        ["OWNER TO", "DISABLE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY", "NO FORCE", "ENABLE ROW LEVEL SECURITY"];
    if access.iter().any(|first| begins(words, first)) {
        return vec![What::AccessChanged { words: words.to_owned() }];
    }
    if begins(words, "DISABLE") {
        let name = ObjectName { schema: table.schema.clone(), name: table.name.clone() };
        return vec![What::DefinitionReplaced { kind: Definition::Trigger, name }];
    }
    if begins(words, "ATTACH PARTITION") {
        return named(scene, text, "ATTACH PARTITION")
            .into_iter()
            .map(|part| What::PartJoined { table: table.clone(), part, partition: true })
            .collect();
    }
    if begins(words, "INHERIT") {
        return named(scene, text, "INHERIT")
            .into_iter()
            .map(|whole| What::PartJoined { table: whole, part: table.clone(), partition: false })
            .collect();
    }
    if begins(words, "DETACH PARTITION") {
        return named(scene, text, "DETACH PARTITION")
            .into_iter()
            .map(|part| What::RowsDetached { table: table.clone(), part })
            .collect();
    }
    if begins(words, "NO INHERIT") {
        return named(scene, text, "NO INHERIT")
            .into_iter()
            .map(|whole| What::RowsDetached { table: whole, part: table.clone() })
            .collect();
    }
    let column = |of: fn(ObjectName, String) -> What| vec![of(table.clone(), column_of(text))];
    if begins(words, "ALTER COLUMN DROP EXPRESSION") || begins(words, "ALTER COLUMN SET EXPRESSION") {
        return column(|table, column| What::ExpressionChanged { table, column });
    }
    // SET GENERATED, SET INCREMENT and the like, RESTART
    if ["ALTER COLUMN SET GENERATED", "ALTER COLUMN SET SEQUENCE", "ALTER COLUMN RESTART"]
        .iter()
        .any(|first| begins(words, first))
    {
        return column(|table, column| What::IdentityChanged { table, column });
    }
    // with nothing behind it, storage parameters in parentheses
    if matches!(words, "SET" | "ALTER COLUMN SET") || STORAGE.iter().any(|first| begins(words, first)) {
        return Vec::new();
    }
    vec![What::UnknownObject(Reference { kind: unknown::Kind::Table, name: table.clone() })]
}

/// The column of an `ALTER COLUMN`; the words do not hold it.
fn column_of(action: &str) -> String {
    let tokens = tokens(action);
    let rest = after(&tokens, "alter").unwrap_or_default();
    let rest = if rest.first().is_some_and(|token| token.is("column")) { &rest[1..] } else { rest };
    name(rest).map(|(name, _)| name.name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::of_script;
    use super::*;
    use crate::catalog::Catalog;
    use crate::sql::Script;

    fn effects_of(sql: &str) -> Vec<What> {
        let before = Script::parse("CREATE TABLE a (id INT, x TEXT);");
        let catalog = Catalog::replay("public", [("1", &before)]);
        of_script(&catalog, &Script::parse(sql)).into_iter().flatten().map(|effect| effect.what).collect()
    }

    #[test]
    fn actions_have_words() {
        for (action, words) in [
            ("SET (fillfactor = 70)", "SET"),
            ("ALTER COLUMN x SET (n_distinct = 5)", "ALTER COLUMN SET"),
            ("ALTER COLUMN x SET STATISTICS 100", "ALTER COLUMN SET STATISTICS"),
            ("ALTER COLUMN x DROP EXPRESSION", "ALTER COLUMN DROP EXPRESSION"),
            ("ALTER COLUMN id RESTART WITH 5", "ALTER COLUMN RESTART WITH"),
            ("ALTER COLUMN id SET GENERATED ALWAYS", "ALTER COLUMN SET GENERATED ALWAYS"),
            ("DISABLE TRIGGER ALL", "DISABLE TRIGGER ALL"),
            ("DISABLE TRIGGER t", "DISABLE TRIGGER"),
            ("SET UNLOGGED", "SET UNLOGGED"),
            ("INHERIT b", "INHERIT"),
            ("NO INHERIT b", "NO INHERIT"),
            ("REPLICA IDENTITY FULL", "REPLICA IDENTITY FULL"),
            ("OWNER TO r", "OWNER TO"),
        ] {
            let script = Script::parse(format!("ALTER TABLE a {action}"));
            let crate::sql::StatementKind::AlterTable { actions, .. } = &script.statements()[0].kind else { panic!() };
            let crate::sql::ActionKind::Other { words: found } = &actions[0].kind else { panic!("{action}") };
            assert_eq!(found, words, "{action}");
        }
    }

    #[test]
    fn what_is_in_no_list_is_unknown() {
        for harmless in [
            "VACUUM a",
            "ANALYZE a",
            "ALTER TABLE a SET (fillfactor = 70)",
            "CREATE DOMAIN d AS TEXT",
            "GRANT SELECT ON a TO b",
            "LOCK TABLE a",
            "REFRESH MATERIALIZED VIEW m",
        ] {
            assert_eq!(effects_of(harmless), [], "{harmless}");
        }
        for unknown in [
            "MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DELETE",
            "CALL p()",
            "EXECUTE q",
            "DROP OWNED BY r",
            "IMPORT FOREIGN SCHEMA s FROM SERVER f INTO public",
        ] {
            assert!(
                matches!(effects_of(unknown).as_slice(), [What::UnknownCode { .. }]),
                "{unknown}: {:?}",
                effects_of(unknown)
            );
        }
        assert!(matches!(effects_of("REVOKE ALL ON a FROM b").as_slice(), [What::AccessChanged { .. }]));
        assert!(matches!(
            effects_of("DROP FUNCTION IF EXISTS f(int) CASCADE").as_slice(),
            [What::DefinitionGone { kind: Definition::Function, cascade: true, .. }]
        ));
        assert!(matches!(effects_of("ALTER TABLE a DETACH PARTITION b").as_slice(), [What::RowsDetached { .. }]));
    }
}
