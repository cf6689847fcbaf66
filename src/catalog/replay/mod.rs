//! What migrations build, statement by statement, as PostgreSQL would.

mod add;
mod alter;
mod create;
#[cfg(test)]
mod dependents_tests;
mod drop;
mod inherit;
mod rename;
#[cfg(test)]
mod tests;
mod types;
mod user_types;

use super::{Catalog, Coverage, ObjectName, Opaque};
use crate::sql::code::Reach;
use crate::sql::{Name, Script, SearchPath, Statement, StatementKind, ends_with_transaction};

impl Catalog {
    /// Replays scripts in order, each with its migration's name.
    pub fn replay<'a>(default_schema: &str, scripts: impl IntoIterator<Item = (&'a str, &'a Script)>) -> Self {
        let mut catalog = Self::new(default_schema);
        for (migration, script) in scripts {
            catalog.apply(script, migration);
        }
        catalog
    }

    /// Replays one more script. What cannot be followed is added to [`Catalog::opaque`].
    pub fn apply(&mut self, script: &Script, migration: &str) {
        self.walk(script, migration, |_, _| {});
    }

    /// Replays one more script, and shows each statement with the catalog just before it.
    pub fn walk<'s>(&mut self, script: &'s Script, migration: &str, mut look: impl FnMut(&Self, &'s Statement)) {
        let mut replay = Replay::start(self, migration);
        for statement in script.statements() {
            look(replay.catalog, statement);
            replay.statement(statement, script);
        }
        replay.end(script);
        // the next script begins with the session's own
        self.sight.path = SearchPath::default();
    }

    /// Replays a script, and shows each statement with the catalogs just before and just after it. Two go one behind the other:
    /// a copy for every statement would cost the square of a large migration.
    pub fn walk_pairs(&self, script: &Script, migration: &str, mut look: impl FnMut(&Statement, &Self, &Self)) {
        let (mut before, mut after) = (self.clone(), self.clone());
        let (mut behind, mut ahead) = (Replay::start(&mut before, migration), Replay::start(&mut after, migration));
        for (at, statement) in script.statements().iter().enumerate() {
            ahead.statement(statement, script);
            if at + 1 == script.statements().len() {
                ahead.end(script);
            }
            look(statement, behind.catalog, ahead.catalog);
            behind.statement(statement, script);
        }
    }
}

/// A replay of one script.
struct Replay<'a> {
    catalog: &'a mut Catalog,
    migration: &'a str,
}

impl<'a> Replay<'a> {
    fn start(catalog: &'a mut Catalog, migration: &'a str) -> Self {
        catalog.learn_owners();
        catalog.sight.temporary.clear();
        (catalog.sight.path, catalog.sight.path_behind) = (SearchPath::default(), None);
        Self { catalog, migration }
    }

    /// After the last statement.
    fn end(&mut self, script: &Script) {
        if !script.errors().is_empty() {
            self.code("a statement that could not be read");
        }
        // they go with the session
        self.catalog.sight.temporary.clear();
    }

    fn statement(&mut self, statement: &Statement, script: &Script) {
        let text = script.text().get(statement.range.clone()).unwrap_or_default();
        // a function may do what a DO block does
        if let Some(call) = self.catalog.runs(statement, text).filter(|call| call.reach == Reach::Anything) {
            self.code(&call.to_string());
        }
        if let Some(path) = SearchPath::set_by(statement, text) {
            let own = || self.catalog.sight.own_path.clone().map_or(SearchPath::Own, SearchPath::Schemas);
            let path = if path == SearchPath::Own { own() } else { path };
            let sight = &mut self.catalog.sight;
            if let Some(behind) = sight.path_behind.as_mut().filter(|_| !ends_with_transaction(statement, text)) {
                behind.clone_from(&path);
            }
            sight.path = path;
        }
        match &statement.kind {
            StatementKind::Select | StatementKind::Set { .. } => {}
            StatementKind::Begin => self.catalog.sight.path_behind = Some(self.catalog.sight.path.clone()),
            StatementKind::Commit => {
                let sight = &mut self.catalog.sight;
                sight.path = sight.path_behind.take().unwrap_or_else(|| sight.path.clone());
            }
            StatementKind::CreateFunction { .. } | StatementKind::CreateTrigger { .. } => {
                self.catalog.learn_code(statement, text);
            }
            StatementKind::CreateSchema { name, .. } => {
                self.catalog.schemas.insert(name.clone());
            }
            StatementKind::CreateTable { table, temporary: true, .. } => {
                self.catalog.sight.temporary.insert(table.name.clone());
            }
            StatementKind::CreateTable { .. } => self.create_table(&statement.kind),
            StatementKind::AlterTable { table, actions, if_exists, only } => {
                self.alter_table(table, (actions, script.text()), (*if_exists, *only));
            }
            StatementKind::CreateIndex(index) => self.create_index(index),
            StatementKind::RenameIndex { index, to } => self.rename_index(&self.resolve(index), to),
            StatementKind::CreateSequence { name, owned_by, .. } => self.create_sequence(name, owned_by.as_ref()),
            StatementKind::AlterSequence { name, rename_to, set_schema, owned_by } => {
                self.alter_sequence(name, rename_to.as_deref(), set_schema.as_deref(), owned_by.as_ref());
            }
            StatementKind::CreateView { name, .. } => {
                let view = self.catalog.made(name);
                self.catalog.views.insert(view);
                self.catalog.learn_code(statement, text);
            }
            StatementKind::RenameView { name, to } => self.rename_table(&self.resolve(name), to),
            StatementKind::Do { .. } => self.code("DO"),
            StatementKind::Other { words } if self.user_type(words, script, statement) => {}
            StatementKind::Other { words } if !is_harmless(words) => self.code(words),
            StatementKind::Other { .. } => {
                self.catalog.learn_code(statement, text);
            }
            other => {
                if !self.type_statement(other) {
                    self.drop_statement(other);
                }
            }
        }
    }

    /// Code has run that may have made or dropped anything: what is not here is no longer known to be absent.
    fn code(&mut self, words: &str) {
        self.catalog.sight.coverage = Coverage::Files;
        self.opaque(words);
    }

    fn opaque(&mut self, words: &str) {
        self.catalog.opaque.push(Opaque { migration: self.migration.to_owned(), words: words.to_owned() });
    }

    fn resolve(&self, name: &Name) -> ObjectName {
        self.catalog.resolve(name)
    }

    /// [`Replay::resolve`], in the form that values of the catalog have.
    fn short(&self, name: &Name) -> Name {
        self.catalog.short(&self.resolve(name))
    }
}

/// Whether a statement we do not follow leaves tables, indexes, enums, sequences and views as they are.
fn is_harmless(words: &str) -> bool {
    const FIRST: &[&str] = &[
        "ABORT",
        "ANALYSE",
        "ANALYZE",
        "BEGIN",
        "CHECKPOINT",
        "CLOSE",
        "CLUSTER",
        "COMMENT",
        "COMMIT",
        "COPY",
        "DEALLOCATE",
        "DECLARE",
        "DISCARD",
        "END",
        "FETCH",
        "GRANT",
        "LISTEN",
        "LOCK",
        "MERGE",
        "MOVE",
        "NOTIFY",
        "REASSIGN",
        "REFRESH",
        "REINDEX",
        "RELEASE",
        "RESET",
        "REVOKE",
        "ROLLBACK",
        "SAVEPOINT",
        "SECURITY",
        "SET",
        "SHOW",
        "START",
        "UNLISTEN",
        "VACUUM",
        "WITH",
    ];
    const OBJECTS: &[&str] = &[
        "ACCESS",
        "AGGREGATE",
        "CAST",
        "COLLATION",
        "CONVERSION",
        "DATABASE",
        "DEFAULT",
        "EVENT",
        "FUNCTION",
        "GROUP",
        "INDEX",
        "LANGUAGE",
        "MATERIALIZED",
        "OPERATOR",
        "OR",
        "POLICY",
        "PROCEDURE",
        "PUBLICATION",
        "ROLE",
        "ROUTINE",
        "RULE",
        "SERVER",
        "STATISTICS",
        "SUBSCRIPTION",
        "SYSTEM",
        "TABLESPACE",
        "TEXT",
        "TRIGGER",
        "TRUSTED",
        "USER",
        "VIEW",
    ];
    let mut parts = words.split(' ');
    let first = parts.next().unwrap_or_default();
    let object = parts.next().unwrap_or_default();
    match first {
        "CREATE" => OBJECTS.contains(&object) || matches!(object, "DOMAIN" | "TYPE"),
        "ALTER" | "DROP" => OBJECTS.contains(&object),
        first => FIRST.contains(&first),
    }
}
