//! The table of an implicit many-to-many relation whose columns A and B change sides: Prisma takes A for the model whose name
//! comes first in the alphabet, so a rename can turn every link around.

use super::{Check, Finding, Rule, Severity, Subject};
use crate::catalog::{Catalog, ObjectName, Table};
use crate::rename::sides::Turned;
use crate::sql::{ActionKind, ConstraintKind, StatementKind};

/// The rule.
pub const RULE: Rule = Rule {
    id: "many-to-many-swap",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("many_to_many_swap.md"),
    check: Check::Migration(check),
};

/// A join table of a self-relation whose links are read the wrong way round by the schema as it is.
pub fn turned(label: &str, turned: &Turned) -> Finding {
    let help = format!(
        "{}\nor accept it in the migration: `-- prisma-safe:allow many-to-many-swap({label}): why`",
        turned.help
    );
    let mut finding = Finding::new(&RULE, label, 0..0, turned.message.clone()).help(help);
    finding.range = None;
    finding
}

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let renames = renames(subject);
    if renames.is_empty() {
        return;
    }
    for (name, table) in &subject.after.tables {
        let Some((a, b)) = sides(subject.after, table) else { continue };
        let old_name = renames.iter().find(|(_, to, _)| to == name).map_or(name, |(from, ..)| from);
        let before = subject.before.tables.get(old_name).and_then(|table| sides(subject.before, table));
        let Some((old_a, old_b)) = before else { continue };
        let place = renames.iter().find(|(_, to, _)| *to == a || *to == b || to == name);
        let Some((.., range)) = place else { continue };
        let label = subject.label(name);
        let says_swapped = name.name == format!("_{}To{}", b.name, a.name) && a.name != b.name;
        let flips = old_a.name < old_b.name && a.name > b.name;
        let severity = if says_swapped {
            Severity::Error
        } else if flips && name.name != format!("_{}To{}", a.name, b.name) {
            Severity::Warning
        } else {
            continue;
        };
        findings.push(
            Finding::new(
                &RULE,
                &label,
                range.clone(),
                format!(
                    "`{label}` keeps \"A\" for `{}` and \"B\" for `{}`, but Prisma now takes \"A\" for `{}`, whose name comes first: \
                     each link is read the wrong way round",
                    a.name, b.name, b.name
                ),
            )
            .severity(severity)
            .help(format!(
                "swap the columns in the same migration (`prisma-safe rewrite` writes it): rename \"A\" aside, \"B\" to \"A\", the \
                 other to \"B\", and make primary key and index anew\nif the models keep their names by `@@map`, accept it: \
                 `-- prisma-safe:allow many-to-many-swap({label}): why`"
            )),
        );
    }
}

/// Tables that are renamed, from and to, and where.
fn renames(subject: &Subject<'_>) -> Vec<(ObjectName, ObjectName, std::ops::Range<usize>)> {
    let statements = subject.script.statements().iter();
    let renamed = statements.filter_map(|statement| {
        let StatementKind::AlterTable { table, actions, .. } = &statement.kind else { return None };
        let from = subject.before.resolve(table);
        actions.iter().find_map(|action| match &action.kind {
            ActionKind::RenameTable { to } => {
                let to = ObjectName { schema: from.schema.clone(), name: to.clone() };
                Some((from.clone(), to, action.range.clone()))
            }
            _ => None,
        })
    });
    renamed.collect()
}

/// The tables that A and B of a join table lead to.
fn sides(catalog: &Catalog, table: &Table) -> Option<(ObjectName, ObjectName)> {
    if table.columns.len() != 2 {
        return None;
    }
    let leads = |column: &str| {
        table.constraints.values().find_map(|constraint| match &constraint.kind {
            ConstraintKind::ForeignKey { columns, table, .. } if columns.as_slice() == [column] => {
                Some(catalog.resolve(table))
            }
            _ => None,
        })
    };
    Some((leads("A")?, leads("B")?))
}
