//! Fixes: which finding has a machine-applicable way out, and what it is. A fix is offered only where no later statement of
//! the migration relies on what it moves away; [`plan`] applies it and proves that the same catalog comes out.

mod guard;
pub mod job;
pub mod plan;
pub mod schema;
mod text;
pub mod wrap;

pub use self::text::removal_of;
use self::text::{concurrently, removal};
use crate::catalog::Catalog;
use crate::rules::{Finding, Fix, Following, ModelIndex, Stage};
use crate::sql::{
    Action, ActionKind, ConstraintDef, ConstraintKind, CreateIndex, DefaultName, Edit, Name, Script, Statement,
    StatementKind, default_name, quote_identifier,
};

/// Offers a fix for each finding that has one. `after` is the catalog behind the migration.
pub(super) fn offer(script: &Script, after: &Catalog, findings: &mut [Finding]) {
    let scene = Scene { script, after };
    for finding in findings.iter_mut().filter(|finding| finding.accepted.is_none()) {
        finding.fix = finding.range.clone().and_then(|range| scene.fix(finding.rule, &range));
    }
    stay(&scene, findings);
}

/// A migration all of whose statements would move away keeps the first.
fn stay(scene: &Scene<'_>, findings: &mut [Finding]) {
    let statements = scene.script.statements();
    let moved = |statement: &Statement| {
        let gone = |edit: &Edit| {
            edit.text.is_empty() && edit.range.start <= statement.range.start && edit.range.end >= statement.range.end
        };
        findings.iter().filter_map(|finding| finding.fix.as_ref()).any(|fix| fix.edits.iter().any(gone))
    };
    if !statements.iter().all(moved) {
        return;
    }
    let Some(first) = statements.first() else { return };
    for finding in findings.iter_mut().filter(|finding| finding.range.as_ref() == Some(&first.range)) {
        finding.fix = scene.in_place(first);
    }
}

struct Scene<'a> {
    script: &'a Script,
    after: &'a Catalog,
}

impl<'a> Scene<'a> {
    fn fix(&self, rule: &str, range: &std::ops::Range<usize>) -> Option<Fix> {
        if rule == "unreadable-sql" {
            return self.encoding();
        }
        let statements = self.script.statements();
        let whole = statements.iter().find(|statement| statement.range == *range);
        if let Some(statement) = whole.filter(|_| matches!(rule, "blocking-index" | "concurrently-in-transaction")) {
            return self.alone(statement);
        }
        let (statement, table, action) = statements.iter().find_map(|statement| match &statement.kind {
            StatementKind::AlterTable { table, actions, .. } => {
                let action = actions.iter().find(|action| action.range == *range)?;
                Some((statement, table, action))
            }
            _ => None,
        })?;
        match (rule, &action.kind) {
            ("blocking-index", ActionKind::AddConstraint(constraint)) => {
                self.using_index(statement, table, action, constraint)
            }
            ("validated-constraint", ActionKind::AddConstraint(constraint)) => {
                self.not_valid(statement, table, action, constraint)
            }
            ("validated-constraint", ActionKind::ValidateConstraint { name }) => {
                self.validate_later(statement, table, action, name)
            }
            ("set-not-null", ActionKind::SetNotNull { column }) => self.required(statement, table, action, column),
            ("unindexed-foreign-key", ActionKind::AddConstraint(constraint)) => {
                self.index_of_foreign_key(statement, table, constraint)
            }
            _ => None,
        }
    }

    /// The file in the encoding that Prisma and PostgreSQL read.
    fn encoding(&self) -> Option<Fix> {
        let text = self.script.text();
        let corrected = crate::sql::in_utf8(text)?;
        Some(Fix {
            title: "save it as UTF-8 without a byte order mark".into(),
            edits: vec![Edit { range: 0..text.len(), text: corrected }],
            following: Vec::new(),
            index: None,
        })
    }

    fn text(&self, range: &std::ops::Range<usize>) -> &'a str {
        self.script.text().get(range.clone()).unwrap_or_default()
    }

    /// An index, or another statement that cannot run in a transaction, in a migration of its own.
    fn alone(&self, statement: &Statement) -> Option<Fix> {
        if self.script.statements().len() == 1 {
            return self.in_place(statement);
        }
        let object = match &statement.kind {
            StatementKind::CreateIndex(index) => {
                if !guard::may_move(self.script, statement, &index.table)
                    || !guard::nobody_needs(self.script, statement, index)
                {
                    return None;
                }
                index.name.clone().unwrap_or_else(|| index.table.name.clone())
            }
            StatementKind::DropIndex { indexes, concurrently: true, .. } => {
                let name = indexes.first()?.name.clone();
                if guard::named_later(self.script, statement, &name) {
                    return None;
                }
                name
            }
            StatementKind::Other { words } if words.starts_with("REINDEX") => "reindex".to_owned(),
            _ => return None,
        };
        let sql = concurrently(self.text(&statement.range));
        Some(Fix {
            title: "run it CONCURRENTLY, in a migration of its own after this one".into(),
            edits: vec![removal(self.script, &statement.range)],
            following: vec![Following { stage: Stage::Alone, object, sql }],
            index: None,
        })
    }

    /// The same for the only statement of a file.
    fn in_place(&self, statement: &Statement) -> Option<Fix> {
        let StatementKind::CreateIndex(CreateIndex { concurrently: false, .. }) = &statement.kind else { return None };
        let text = concurrently(self.text(&statement.range));
        Some(Fix {
            title: "build it CONCURRENTLY".into(),
            edits: vec![Edit { range: statement.range.clone(), text }],
            following: Vec::new(),
            index: None,
        })
    }

    /// A unique constraint or primary key through an index that is built concurrently.
    fn using_index(
        &self,
        statement: &Statement,
        table: &Name,
        action: &Action,
        constraint: &ConstraintDef,
    ) -> Option<Fix> {
        let (columns, word) = match &constraint.kind {
            ConstraintKind::Unique { columns, using_index: None } => (columns, "UNIQUE"),
            ConstraintKind::PrimaryKey { columns, using_index: None } => (columns, "PRIMARY KEY"),
            _ => return None,
        };
        // what stands beside it (INCLUDE, DEFERRABLE, NULLS NOT DISTINCT) has no place in an index
        let plain = self.text(&action.range).trim_end().ends_with(')');
        let name = constraint.name.as_ref()?;
        let index = CreateIndex { name: Some(name.clone()), ..text::plain_index(table, columns) };
        let free =
            guard::may_move(self.script, statement, table) && guard::nobody_needs(self.script, statement, &index);
        if !plain || !free || self.text(&action.range).to_ascii_uppercase().contains("INCLUDE") {
            return None;
        }
        let (table, quoted, list) = (table.quoted(), quote_identifier(name), text::list(columns));
        let build = format!("CREATE UNIQUE INDEX CONCURRENTLY {quoted} ON {table}({list});");
        let take = format!("ALTER TABLE {table} ADD CONSTRAINT {quoted} {word} USING INDEX {quoted};");
        Some(Fix {
            title: "build its index CONCURRENTLY in a migration of its own, then let the constraint take it over"
                .into(),
            edits: vec![removal_of(self.script, statement, action)],
            following: vec![
                Following { stage: Stage::Alone, object: name.clone(), sql: build },
                Following { stage: Stage::Constraint, object: name.clone(), sql: take },
            ],
            index: None,
        })
    }

    /// NOT VALID now, VALIDATE in a following migration.
    fn not_valid(
        &self,
        statement: &Statement,
        table: &Name,
        action: &Action,
        constraint: &ConstraintDef,
    ) -> Option<Fix> {
        let name = constraint.name.as_ref()?;
        let provable = matches!(constraint.kind, ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. });
        if !provable || constraint.not_valid || !guard::may_move(self.script, statement, table) {
            return None;
        }
        let end = action.range.start + self.text(&action.range).trim_end().len();
        Some(Fix {
            title: "add it NOT VALID, and VALIDATE it in a migration after this one".into(),
            edits: vec![Edit { range: end..end, text: " NOT VALID".into() }],
            following: vec![validate(table, name)],
            index: None,
        })
    }

    fn validate_later(&self, statement: &Statement, table: &Name, action: &Action, name: &str) -> Option<Fix> {
        if !guard::may_move(self.script, statement, table) {
            return None;
        }
        Some(Fix {
            title: "VALIDATE it in a migration after this one".into(),
            edits: vec![removal_of(self.script, statement, action)],
            following: vec![validate(table, name)],
            index: None,
        })
    }

    /// NOT NULL through a check: added unproved, proved while everybody goes on, then believed by SET NOT NULL.
    fn required(&self, statement: &Statement, table: &Name, action: &Action, column: &str) -> Option<Fix> {
        if !guard::may_move(self.script, statement, table) || guard::needs_not_null(self.script, statement, table) {
            return None;
        }
        let known = self.after.tables.get(&self.after.resolve(table))?;
        let base = default_name(DefaultName::Check, &table.name, &[column, "not_null"]);
        let name = (0..).map(|pass| if pass == 0 { base.clone() } else { format!("{base}{pass}") });
        let name = name.take(9).find(|name| !known.constraints.contains_key(name))?;
        let (quoted, check, place) = (table.quoted(), quote_identifier(&name), quote_identifier(column));
        let require = format!(
            "ALTER TABLE {quoted} ALTER COLUMN {place} SET NOT NULL;\nALTER TABLE {quoted} DROP CONSTRAINT {check};"
        );
        Some(Fix {
            title:
                "demand it by a check that is validated in a migration after this one; SET NOT NULL then reads nothing"
                    .into(),
            edits: vec![Edit {
                range: action.range.clone(),
                text: format!("ADD CONSTRAINT {check} CHECK ({place} IS NOT NULL) NOT VALID"),
            }],
            following: vec![
                validate(table, &name),
                Following { stage: Stage::Require, object: format!("{}_{column}", table.name), sql: require },
            ],
            index: None,
        })
    }

    /// The index that Prisma does not add, in the model as well.
    fn index_of_foreign_key(&self, statement: &Statement, table: &Name, constraint: &ConstraintDef) -> Option<Fix> {
        let ConstraintKind::ForeignKey { columns, .. } = &constraint.kind else { return None };
        if !guard::may_move(self.script, statement, table) {
            return None;
        }
        let parts: Vec<&str> = columns.iter().map(String::as_str).collect();
        let name = default_name(DefaultName::Index, &table.name, &parts);
        let known = self.after.tables.get(&self.after.resolve(table))?;
        if known.indexes.contains_key(&name) {
            return None;
        }
        let sql = format!(
            "CREATE INDEX CONCURRENTLY {} ON {}({});",
            quote_identifier(&name),
            table.quoted(),
            text::list(columns)
        );
        Some(Fix {
            title: "add the index in a migration after this one, and `@@index` to the model".into(),
            edits: Vec::new(),
            following: vec![Following { stage: Stage::Alone, object: name, sql }],
            index: Some(ModelIndex { table: table.clone(), columns: columns.clone() }),
        })
    }
}

fn validate(table: &Name, name: &str) -> Following {
    let sql = format!("ALTER TABLE {} VALIDATE CONSTRAINT {};", table.quoted(), quote_identifier(name));
    Following { stage: Stage::Validate, object: name.to_owned(), sql }
}
