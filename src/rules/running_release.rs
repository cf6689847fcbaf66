//! What the deployed release still asks for, and a migration takes away or changes: which model and field, and which operations
//! fail between the deploy of the migration and that of the next release.

use std::ops::Range;

use super::breaking_rename::both_names;
use super::client::{self, family};
use super::subject::Existing;
use super::{Check, Deployed, Finding, Rule, Severity, Step};
use crate::catalog::ObjectName;
use crate::rename::schema::{Enum, Field, Model};
use crate::sql::{ActionKind, ColumnDef, DataType, Name, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "running-release",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("running_release.md"),
    check: Check::Statement(check),
};

const VIEW: &str = "leave a view under the old name";

/// Finds what breaks, with the release at hand.
struct Release<'a> {
    step: &'a Step<'a>,
    deployed: &'a Deployed,
    findings: &'a mut Vec<Finding>,
}

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let Some(deployed) = &step.subject.settings.deployed else { return };
    let mut release = Release { step, deployed, findings };
    let range = step.statement.range.clone();
    match &step.statement.kind {
        StatementKind::DropTable { tables: names, .. } | StatementKind::DropView { names, .. } => {
            names.iter().for_each(|name| release.table_gone(name, &range, VIEW));
        }
        StatementKind::RenameView { name, .. } => release.table_gone(name, &range, VIEW),
        StatementKind::RenameType { name, .. } => release.enum_gone(name, &range),
        StatementKind::RenameEnumValue { name, from, to } => {
            release.value_gone(name, from, &range);
            release.value_new(name, to, &range);
        }
        StatementKind::AddEnumValue { name, value, .. } => release.value_new(name, value, &range),
        _ => {}
    }
    for (table, action) in step.actions() {
        release.action(table, &action.kind, &action.range);
    }
}

impl Release<'_> {
    fn add(&mut self, object: String, range: &Range<usize>, what: &str, breaks: &str, help: &str) {
        let message = format!("{what}, and the deployed release ({}) has it: {breaks}", self.deployed.named);
        self.findings.push(Finding::new(&RULE, object, range.clone(), message).help(help));
    }

    fn model(&self, table: &Existing) -> Option<&Model> {
        self.deployed.schema.model_of_table(&table.target.schema, &table.target.name)
    }

    /// The model and field behind a column as it was before the statement.
    fn field(&self, table: &Existing, column: &str) -> Option<(Model, Field)> {
        let column = self.step.column_before(table, column)?;
        let model = self.model(table)?;
        Some((model.clone(), model.field_of_column(&column)?.clone()))
    }

    fn action(&mut self, table: &Name, action: &ActionKind, range: &Range<usize>) {
        let Some(existing) = self.step.existing(table) else { return };
        match action {
            ActionKind::RenameTable { to } => {
                let view = both_names(self.step, &existing, to);
                self.table_gone(table, range, &view);
            }
            ActionKind::SetSchema { .. } => self.table_gone(table, range, VIEW),
            ActionKind::DropColumn { name, .. } | ActionKind::RenameColumn { from: name, .. } => {
                self.column_gone(&existing, name, range);
            }
            ActionKind::AddColumn { column, .. } => self.column_required(&existing, column, range),
            ActionKind::SetType { column, data_type, .. } => self.retyped(&existing, column, data_type, range),
            ActionKind::SetNotNull { column } => self.required(&existing, column, range),
            ActionKind::DropNotNull { column } => self.optional(&existing, column, range),
            ActionKind::DropDefault { column } | ActionKind::DropIdentity { column } => {
                self.default_gone(&existing, column, range);
            }
            _ => {}
        }
    }

    /// `view`: how the old name can stay.
    fn table_gone(&mut self, name: &Name, range: &Range<usize>, view: &str) {
        let name = self.step.catalog.resolve(name);
        let Some(target) = self.step.origins.table(&name) else { return };
        let after = self.step.subject.after;
        if after.tables.contains_key(&name) || after.views.contains(&name) {
            return; // something stands under the old name again
        }
        let label = self.step.subject.label(&name);
        let schema = &self.deployed.schema;
        if let Some(model) = schema.model_of_table(&target.schema, &target.name).cloned() {
            let relations = client::relations_to(schema, &model);
            let relations = if relations.is_empty() {
                String::new()
            } else {
                format!(", and queries through {}", relations.join(", "))
            };
            let what = format!("takes table `{label}` away (model `{}`)", model.name);
            let breaks = format!("every operation of `{}` fails{relations}", client::delegate(&model));
            self.add(label, range, &what, &breaks, &format!("deploy a release without the model first, or {view}"));
        } else if let Some((left, right)) = client::many_to_many(schema, &target.name) {
            let what = format!("takes table `{label}` away (many-to-many relation)");
            let breaks = format!("queries and writes through {left} and {right} fail");
            self.add(label, range, &what, &breaks, "deploy a release without the relation first");
        }
    }

    fn column_gone(&mut self, table: &Existing, column: &str, range: &Range<usize>) {
        let Some((model, field)) = self.field(table, column) else { return };
        let object = format!("{}.{column}", table.label);
        let before = self.step.catalog.tables.get(&table.name).and_then(|table| table.columns.get(column));
        let after = self.step.subject.after.tables.get(&table.name).and_then(|table| table.columns.get(column));
        match (before, after) {
            (Some(before), Some(after)) if family(&before.data_type) == family(&after.data_type) => {}
            (_, Some(after)) => {
                let what =
                    format!("gives `{object}` the type {} (field `{}.{}`)", after.data_type, model.name, field.name);
                let breaks = format!("{} fail", client::reading(&model));
                self.add(object, range, &what, &breaks, RETYPED);
            }
            (_, None) => {
                let what = format!("takes column `{object}` away (field `{}.{}`)", model.name, field.name);
                let breaks = format!("{} fail", client::reading(&model));
                let help = "deploy a release without the field first; it can also leave the field out with `@ignore`";
                self.add(object, range, &what, &breaks, help);
            }
        }
    }

    fn column_required(&mut self, table: &Existing, column: &ColumnDef, range: &Range<usize>) {
        let generated = column.identity || column.generated.is_some() || column.data_type.name.ends_with("serial");
        let known = self.model(table).filter(|model| model.field_of_column(&column.name).is_none()).cloned();
        let (Some(model), true) = (known, column.not_null && column.default.is_none() && !generated) else { return };
        let object = format!("{}.{}", table.label, column.name);
        self.findings.push(
            Finding::new(
                &RULE,
                &object,
                range.clone(),
                format!(
                    "`{object}` is required and has no default, and the deployed release ({}) does not know it: {} fail",
                    self.deployed.named,
                    client::creating(&model)
                ),
            )
            .help("add it as optional or with a database default, and make it required a release later"),
        );
    }

    fn retyped(&mut self, table: &Existing, column: &str, to: &DataType, range: &Range<usize>) {
        let Some((model, field)) = self.field(table, column) else { return };
        let known = self.step.catalog.tables.get(&table.name).and_then(|table| table.columns.get(column));
        let Some(from) = known.map(|column| column.data_type.clone()) else { return };
        let object = format!("{}.{column}", table.label);
        let values = |data_type| self.step.catalog.enum_values(data_type).map(<[String]>::to_vec);
        if let (Some(before), Some(after)) = (values(&from), values(to)) {
            let name = self.step.catalog.short(&self.step.catalog.type_name(&from));
            for value in before.iter().filter(|value| !after.contains(value)) {
                self.value_gone(&name, value, range);
            }
            for value in after.iter().filter(|value| !before.contains(value)) {
                self.value_new(&name, value, range);
            }
        } else if family(&from) != family(to) {
            let what = format!("changes `{object}` from {from} to {to} (field `{}.{}`)", model.name, field.name);
            let breaks = format!("{} fail", client::reading(&model));
            self.add(object, range, &what, &breaks, RETYPED);
        }
    }

    fn required(&mut self, table: &Existing, column: &str, range: &Range<usize>) {
        let Some((model, field)) = self.field(table, column) else { return };
        if !field.kind.ends_with('?') {
            return;
        }
        let object = format!("{}.{column}", table.label);
        let what = format!("makes `{object}` required (field `{}.{}` is optional)", model.name, field.name);
        let breaks = format!("{} fail where they leave it out or set null", client::creating(&model));
        self.add(object, range, &what, &breaks, "deploy a release that always writes a value first");
    }

    fn optional(&mut self, table: &Existing, column: &str, range: &Range<usize>) {
        let Some((model, field)) = self.field(table, column) else { return };
        if client::is_filled(&field) && field.kind.ends_with(['?', ']']) {
            return;
        }
        let object = format!("{}.{column}", table.label);
        let what = format!("lets `{object}` be NULL (field `{}.{}` is required)", model.name, field.name);
        let breaks = format!("{} fail on the first row with NULL", client::reading(&model));
        let help = "write no NULL before the release that knows the field as optional is everywhere";
        self.add(object, range, &what, &breaks, help);
        if let Some(finding) = self.findings.last_mut() {
            finding.severity = Severity::Info;
        }
    }

    fn default_gone(&mut self, table: &Existing, column: &str, range: &Range<usize>) {
        let Some((model, field)) = self.field(table, column) else { return };
        let after = self.step.subject.after.tables.get(&table.name).and_then(|table| table.columns.get(column));
        let lives = after.is_none_or(|column| column.default.is_some() || column.identity || !column.not_null);
        if lives || !client::relies_on_default(&field) {
            return;
        }
        let object = format!("{}.{column}", table.label);
        let what = format!("drops the default of `{object}` (field `{}.{}`)", model.name, field.name);
        let breaks = format!("{} fail: the client leaves the value to the database", client::creating(&model));
        self.add(object, range, &what, &breaks, "deploy a release that gives the value itself first");
    }

    /// The enum, with the models and fields of its type, as `User.role`.
    fn users(&self, name: &ObjectName) -> Option<(&Enum, Vec<String>)> {
        let schema = &self.deployed.schema;
        let known = schema.enums.iter().find(|known| known.database == name.name)?;
        let fields = schema.models.iter().flat_map(|model| {
            let of_type = model.fields.iter().filter(|field| client::bare(&field.kind) == known.name);
            of_type.map(|field| format!("`{}.{}`", model.name, field.name))
        });
        Some((known, fields.collect()))
    }

    fn enum_gone(&mut self, name: &Name, range: &Range<usize>) {
        let name = self.step.catalog.resolve(name);
        let subject = self.step.subject;
        if subject.after.enums.contains_key(&name) || !subject.before.enums.contains_key(&name) {
            return;
        }
        let Some((known, fields)) = self.users(&name) else { return };
        let what = format!("renames enum `{}` (`{}`)", subject.label(&name), known.name);
        let breaks = format!("writes and filters of {} fail, as they cast to the old name", fields.join(", "));
        self.add(subject.label(&name), range, &what, &breaks, "keep the old name in the database with `@@map`");
    }

    fn value_gone(&mut self, name: &Name, value: &str, range: &Range<usize>) {
        let name = self.step.catalog.resolve(name);
        let Some((known, fields)) = self.users(&name) else { return };
        let Some((prisma, _)) = known.values.iter().find(|(_, database)| database == value) else { return };
        let what = format!("takes value `{value}` of `{}` away (`{}.{prisma}`)", name.name, known.name);
        let breaks = format!("writes and filters of {} with it fail", fields.join(", "));
        let object = format!("{}.{value}", self.step.subject.label(&name));
        self.add(object, range, &what, &breaks, "deploy a release that no longer uses the value first");
    }

    fn value_new(&mut self, name: &Name, value: &str, range: &Range<usize>) {
        let name = self.step.catalog.resolve(name);
        let Some((known, fields)) = self.users(&name) else { return };
        if known.values.iter().any(|(_, database)| database == value) {
            return;
        }
        let object = format!("{}.{value}", self.step.subject.label(&name));
        if self.findings.iter().any(|finding| finding.rule == RULE.id && finding.object == object) {
            return; // one enum, several columns
        }
        let message = format!(
            "adds value `{value}` to `{}`, which the deployed release ({}) does not know: its reads of {} fail on the first row with it",
            known.name,
            self.deployed.named,
            fields.join(", ")
        );
        let help = "write the value only once the release that knows it is everywhere";
        self.findings.push(Finding::new(&RULE, object, range.clone(), message).severity(Severity::Info).help(help));
    }
}

const RETYPED: &str =
    "add a column of the new type beside the old one, move over release by release, then drop the old one";
