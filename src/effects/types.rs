//! What goes with a type: the columns that have it, the rules of a domain, the attributes of a composite type.

use super::unknown::{self, Reference};
use super::{Definition, Guarantee, Scene, What, statement};
use crate::catalog::{Known, ObjectName, UserType};
use crate::sql::ConstraintKind;
use crate::sql::tokens::{Token, after, name};

fn unknown_type(scene: &Scene<'_>, name: &ObjectName) -> Option<What> {
    let reference = || Reference { kind: unknown::Kind::Type, name: name.clone() };
    scene.before.is_type_unknown(name).then(reference).map(What::UnknownObject)
}

/// A type that is dropped; by CASCADE every column of it goes as well, and of the domains over it.
pub(super) fn dropped(scene: &Scene<'_>, kind: Definition, own: ObjectName, cascade: bool) -> Vec<What> {
    let mut found = Vec::new();
    if cascade {
        for (table, column) in scene.before.columns_of_type(&own) {
            if is_of_whole(scene, &table, &column) {
                continue;
            }
            let known = scene.before.tables.get(&table).and_then(|known| known.columns.get(&column));
            let generated = known.is_some_and(|known| known.generated.is_some());
            found.push(What::ColumnGone { table, column, generated, cascade });
        }
        // attributes of it in composite types go too
        let gone = scene.before.columns_of_type(&own);
        let rest = scene.before.columns_made_of(&own).into_iter().filter(|column| !gone.contains(column));
        found.extend(rest.map(|column| cut(column, &own)));
        found.extend(unknown_type(scene, &own));
    }
    found.push(statement::gone(scene, kind, own, cascade));
    found
}

/// Whether it is a partition's column of the partitioned table: that one tells it, with the rows of all partitions.
fn is_of_whole(scene: &Scene<'_>, table: &ObjectName, column: &str) -> bool {
    let own = scene.before.tables.get(table);
    let whole = own.and_then(|own| own.partition.of.as_ref()).and_then(|(whole, _)| scene.before.tables.get(whole));
    whole.is_some_and(|whole| whole.columns.contains_key(column))
}

fn cut((table, column): (ObjectName, String), of: &ObjectName) -> What {
    What::AttributeGone { table, column, of: of.clone() }
}

/// `ALTER DOMAIN` and `ALTER TYPE` of a composite type, from what follows the name.
pub(super) fn altered(scene: &Scene<'_>, own: &ObjectName, action: &[Token<'_>]) -> Vec<What> {
    let drops = |what: &str| after(action, what).is_some();
    let mut found = Vec::new();
    match scene.before.user_type(own) {
        // with CASCADE, another type of an attribute converts the rows of the tables that are made of it
        Known::Unknown
            if ["drop attribute", "alter attribute", "drop constraint", "drop not null"].into_iter().any(drops) =>
        {
            found.extend(unknown_type(scene, own));
        }
        Known::There(UserType::Composite(_)) if drops("drop attribute") => {
            found.extend(scene.before.columns_made_of(own).into_iter().map(|column| cut(column, own)));
            if action.iter().any(|token| token.is("cascade")) {
                // to tables that are made OF the type: which ones these are is not known here
                found.push(What::UnknownObject(Reference { kind: unknown::Kind::Type, name: own.clone() }));
            }
        }
        Known::There(UserType::Domain(domain)) => {
            let rest = after(action, "drop constraint").unwrap_or_default();
            let constraint = name(after(rest, "if exists").unwrap_or(rest)).map(|(name, _)| name.name);
            let check = constraint.and_then(|name| domain.checks.get_key_value(&name));
            for (table, column) in scene.before.columns_of_type(own) {
                if let Some((name, expr)) = check {
                    let guarantee = Guarantee::Constraint(ConstraintKind::Check { expr: expr.clone() });
                    found.push(What::GuaranteeGone { table, name: name.clone(), guarantee });
                } else if domain.not_null && drops("drop not null") {
                    found.push(What::GuaranteeGone {
                        table,
                        name: column.clone(),
                        guarantee: Guarantee::NotNull(column),
                    });
                }
            }
        }
        _ => {}
    }
    found
}
