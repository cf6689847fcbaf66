//! What a rule looks at: one migration, one statement of it, and what is known around them.

use std::cell::OnceCell;
use std::ops::Range;

use super::cost::{self, Work};
use super::delivery::Delivery;
use super::locks::Hold;
use super::origins::Origins;
use super::{Acceptance, Finding, Live, Scratch, Settings, Severity, Which};
use crate::catalog::{Catalog, ObjectName};
use crate::effects::{self, Effect, Scene, What};
use crate::sql::{Action, ActionKind, ConstraintDef, Expr, Name, Script, Statement, StatementKind, code};

/// One migration and what is known around it.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The migration's directory name.
    pub migration: &'a str,
    /// Its SQL.
    pub script: &'a Script,
    /// The catalog just before it.
    pub before: &'a Catalog,
    /// The catalog after it.
    pub after: &'a Catalog,
    /// Copies of the catalog before it.
    pub scratch: &'a Scratch,
    /// What of the catalog before it stands on the target.
    pub origins: &'a Origins,
    /// What the target says, where it was asked.
    pub live: Option<&'a dyn Live>,
    /// Whether these are the first migrations of a target without any table: there is nothing that they could destroy.
    pub target_is_empty: bool,
    /// The accepting lines of the migration.
    pub acceptances: &'a [Acceptance],
    /// What the project sets.
    pub settings: &'a Settings,
    /// How the migration reaches the target.
    pub delivery: Delivery,
    /// What its statements lock, once a walk has seen them.
    pub holds: OnceCell<Vec<Hold>>,
}

/// One statement, the catalog just before it, and what of that stands on the target.
#[derive(Debug)]
pub struct Step<'a> {
    /// The migration.
    pub subject: &'a Subject<'a>,
    /// The statement.
    pub statement: &'a Statement,
    /// The catalog just before it.
    pub catalog: &'a Catalog,
    /// What of the catalog stands on the target.
    pub origins: &'a Origins,
    /// What the statement does to data.
    pub effects: &'a [Effect],
}

/// A table that stands on the target.
#[derive(Debug, Clone)]
pub struct Existing {
    /// Its name at this point of the migration.
    pub name: ObjectName,
    /// Its name on the target.
    pub target: ObjectName,
    /// Its name as people read it.
    pub label: String,
    /// Its rows on the target, where known.
    pub rows: Option<u64>,
    /// Whether a statement before this one changed its rows.
    pub written: bool,
}

impl Subject<'_> {
    /// Shows each statement with what is known just before it; gives what stands on the target after the last.
    pub fn walk(&self, mut look: impl FnMut(&Step<'_>)) -> Origins {
        let mut origins = self.origins.clone();
        let mut catalog = self.scratch.take(self.before);
        catalog.walk(self.script, self.migration, |catalog, statement| {
            let scene = Scene::new(self.script, statement, catalog, self.after);
            let effects = effects::of(&scene);
            look(&Step { subject: self, statement, catalog, origins: &origins, effects: &effects });
            origins.follow(&scene, &effects);
        });
        self.scratch.give(catalog);
        origins
    }

    /// What each statement locks and works on, in their order.
    pub fn holds(&self) -> &[Hold] {
        self.holds.get_or_init(|| {
            let mut holds = Vec::with_capacity(self.script.statements().len());
            self.walk(|step| holds.push(Hold::of(step)));
            holds
        })
    }

    /// A name as people read it: the default schema is left out.
    pub fn label(&self, name: &ObjectName) -> String {
        if name.schema == self.before.default_schema {
            name.name.clone()
        } else {
            format!("{}.{}", name.schema, name.name)
        }
    }

    /// Whether a line in the migration accepts this.
    pub fn accepts(&self, rule: &str, object: &str) -> bool {
        self.acceptances.iter().any(|line| line.covers(rule, object, &self.before.default_schema))
    }

    /// What a table, or a column of it, is called after the migration, if it is called so just before the byte `start` of it;
    /// none if it is gone.
    pub fn followed(
        &self,
        start: usize,
        table: &ObjectName,
        column: Option<&String>,
    ) -> Option<(ObjectName, Option<String>)> {
        let (mut table, mut column) = (table.clone(), column.cloned());
        // asked for each of thousands of renames
        let is = |name: &Name, table: &ObjectName| {
            name.name == table.name && *name.schema.as_ref().unwrap_or(&self.before.default_schema) == table.schema
        };
        for statement in self.script.statements().iter().filter(|statement| statement.range.start >= start) {
            match &statement.kind {
                StatementKind::DropTable { tables, .. } if tables.iter().any(|name| is(name, &table)) => {
                    return None;
                }
                StatementKind::AlterTable { table: altered, actions, .. } if is(altered, &table) => {
                    for action in actions {
                        match &action.kind {
                            ActionKind::RenameColumn { from, to } if column.as_ref() == Some(from) => {
                                column = Some(to.clone());
                            }
                            ActionKind::DropColumn { name, .. } if column.as_ref() == Some(name) => return None,
                            kind => table = kind.moved(&table).unwrap_or(table),
                        }
                    }
                }
                _ => {}
            }
        }
        let found = self.after.tables.get(&table)?;
        let there = column.as_ref().is_none_or(|column| found.columns.contains_key(column));
        there.then_some((table, column))
    }
}

impl<'a> Step<'a> {
    /// Shows the statement, and each one that writes inside its `WITH` as the statement that it is.
    pub fn apart(&self, mut look: impl FnMut(&Step<'_>)) {
        let start = self.statement.range.start;
        let mut own = self.effects.to_vec();
        for code::Inner { range, kind } in code::inner(self.text()) {
            let statement = Statement { range: start + range.start..start + range.end, kind, calls: Vec::new() };
            let scene = Scene::new(self.subject.script, &statement, self.catalog, self.subject.after);
            let effects = effects::of(&scene);
            own.retain(|effect| !effects.iter().any(|inner| inner.what == effect.what));
            look(&Step { statement: &statement, effects: &effects, ..*self });
        }
        look(&Step { effects: &own, ..*self });
    }

    /// The table as it stands on the target; none if the migrations under review created it.
    pub fn existing(&self, name: &Name) -> Option<Existing> {
        self.existing_object(&self.catalog.resolve(name))
    }

    /// As [`Step::existing`].
    pub fn existing_object(&self, name: &ObjectName) -> Option<Existing> {
        let target = self.origins.table(name)?;
        let rows = self.subject.live.and_then(|live| live.rows(&target));
        Some(Existing {
            label: self.subject.label(name),
            name: name.clone(),
            rows,
            written: self.origins.written(name),
            target,
        })
    }

    /// Names the tables that inherit from this one and that the statement reaches too.
    #[must_use]
    pub fn with_heirs(&self, table: &ObjectName, finding: Finding) -> Finding {
        let heirs = self.catalog.heirs(table);
        let reached = |heir: &&ObjectName| self.effects.iter().any(|effect| effect.what.table() == Some(*heir));
        let names: Vec<String> = heirs.iter().filter(reached).map(|heir| self.subject.label(heir)).collect();
        if names.is_empty() {
            return finding;
        }
        finding.replayed(format!("it reaches the tables that inherit from it: {}", names.join(", ")))
    }

    /// A finding with what foreign keys do about the keys that the statement changes.
    pub fn with_followers(&self, finding: Finding) -> Finding {
        let follows = |effect: &Effect| match &effect.what {
            What::ValuesOverwritten { table, which: effects::Which::Following { .. }, columns } => {
                let table = self.subject.label(table);
                Some(columns.iter().map(|column| format!("{table}.{column}")).collect::<Vec<_>>().join(", "))
            }
            _ => None,
        };
        let columns: Vec<String> = self.effects.iter().filter_map(follows).collect();
        match columns.is_empty() {
            true => finding,
            false => {
                finding.replayed(format!("values that refer to it change along (ON UPDATE): {}", columns.join(", ")))
            }
        }
    }

    /// The label of a table that the migrations under review have created and filled: how many rows it holds cannot be asked. What
    /// a target without any table gets is what the shadow database got, where the same statements have run.
    pub fn filled(&self, name: &Name) -> Option<String> {
        if self.subject.target_is_empty {
            return None;
        }
        let name = self.catalog.resolve(name);
        self.origins.filled(&name).then(|| self.subject.label(&name))
    }

    /// The column's name on the target, as it is before this statement; none if the migrations under review added it.
    pub fn column_before(&self, table: &Existing, column: &str) -> Option<String> {
        self.origins.column(&table.name, column)
    }

    /// As [`Step::column_before`], but a column that this very statement adds is new as well.
    pub fn column(&self, table: &Existing, column: &str) -> Option<String> {
        let added = self.actions().any(|(_, action)| match &action.kind {
            // with the words it may be there, and stays as it is
            ActionKind::AddColumn { column: added, if_not_exists } => {
                added.name == column && (!if_not_exists || self.catalog.column(&table.name, column).is_absent())
            }
            _ => false,
        });
        if added { None } else { self.column_before(table, column) }
    }

    /// The columns' names on the target; none if one of them is new.
    pub fn columns(&self, table: &Existing, columns: &[String]) -> Option<Vec<String>> {
        columns.iter().map(|column| self.column(table, column)).collect()
    }

    /// Whether every column that an expression names is on the target under that name.
    pub fn holds_on_target(&self, table: &Existing, expression: &Expr) -> bool {
        let known = self.catalog.tables.get(&table.name).map(|table| table.columns.keys());
        let mut mentioned = known.into_iter().flatten().filter(|column| expression.mentions(column));
        mentioned.all(|column| self.column(table, column).as_ref() == Some(column))
    }

    /// The actions of an `ALTER TABLE`, each with its table.
    pub fn actions(&self) -> impl Iterator<Item = (&'a Name, &'a Action)> + use<'a> {
        let (table, actions) = match &self.statement.kind {
            StatementKind::AlterTable { table, actions, .. } => (Some(table), actions.as_slice()),
            _ => (None, &[][..]),
        };
        actions.iter().filter_map(move |action| Some((table?, action)))
    }

    /// The constraints that an `ALTER TABLE` adds, by themselves or with a new column.
    pub fn added_constraints(&self) -> impl Iterator<Item = (&'a Name, Range<usize>, &'a ConstraintDef)> + use<'a> {
        self.actions().flat_map(|(table, action)| {
            let constraints = match &action.kind {
                ActionKind::AddConstraint(constraint) => std::slice::from_ref(constraint),
                ActionKind::AddColumn { column, .. } => column.constraints.as_slice(),
                _ => &[],
            };
            constraints.iter().map(move |constraint| (table, action.range.clone(), constraint))
        })
    }

    /// The statement as written.
    pub fn text(&self) -> &'a str {
        self.subject.script.text().get(self.statement.range.clone()).unwrap_or_default()
    }

    /// How many rows of the target hold a value in a column, which is named as it is there; none where that was not counted.
    pub fn held(&self, table: &Existing, on_target: &str) -> Option<u64> {
        self.subject.live?.count(&table.target, &Which::Set { column: on_target })
    }

    /// Names a few of the rows that stand in the way by their keys.
    #[must_use]
    pub fn naming(&self, table: &Existing, which: &Which<'_>, finding: Finding) -> Finding {
        match self.subject.live.and_then(|live| live.keys(&table.target, which)) {
            Some(keys) => finding.measured(format!("among them {keys}")),
            None => finding,
        }
    }

    /// Gives a finding about work under a lock the severity that the table's size earns: nothing for a small table, a
    /// warning for one of unknown size, an error for one that would be blocked beyond the budget.
    pub fn weigh(&self, table: &Existing, work: Work, finding: Finding) -> Option<Finding> {
        let Some(rows) = table.rows else {
            return Some(finding.severity(Severity::Warning));
        };
        if self.is_small(table) {
            return None;
        }
        let by_rows = work.seconds(rows);
        let by_size =
            self.subject.live.and_then(|live| live.bytes(&table.target)).map_or(0, |bytes| work.seconds_for(bytes));
        let seconds = by_rows.max(by_size);
        let rate = if by_size > by_rows {
            format!("{} MB", work.megabytes())
        } else {
            format!("{} rows", cost::count(work.rate()))
        };
        let severity =
            if seconds > self.subject.settings.lock_budget_seconds { Severity::Error } else { Severity::Warning };
        Some(
            finding
                .severity(severity)
                .measured(format!("{} holds {}", table.label, cost::rows(rows)))
                .estimated(format!("about {seconds} s, at {rate} a second")),
        )
    }

    /// Whether the table is known to be small.
    pub fn is_small(&self, table: &Existing) -> bool {
        table.rows.is_some_and(|rows| rows < self.subject.settings.small_table_rows)
    }
}
