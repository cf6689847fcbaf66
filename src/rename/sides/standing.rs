//! The same for migrations that stand in the folder: whether the links still mean what they meant.

use super::relation::{Relation, Turn, turn};
use super::{Recorded, SIDES, part, recorded};
use crate::catalog::{Catalog, ObjectName};
use crate::project::Migration;
use crate::rename::schema::Schema;
use crate::rename::tables::is_join;
use crate::sql::{ActionKind, StatementKind};

/// What is known of the join tables of self-relations.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Those whose columns will not stand for the fields that they stood for.
    pub turned: Vec<Turned>,
    /// Those of which nothing is known from before.
    pub unchecked: Vec<ObjectName>,
}

/// A join table whose links will be read the wrong way round, or may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// By its name after the migrations.
    pub table: ObjectName,
    /// What happens, and why.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// Looks at the join tables that `earlier` migrations have left, behind the `pending` ones; `was` gives the schema that they were
/// read by, which is asked for where there is such a relation; by `now` they will be read.
pub fn standing(
    default_schema: &str,
    (earlier, pending): (&[Migration], &[Migration]),
    was: &dyn Fn() -> Schema,
    now: &Schema,
) -> Links {
    let mut links = Links::default();
    if !now.models.iter().any(Relation::is_in) {
        return links;
    }
    let was = was();
    let before = Catalog::of(default_schema, earlier);
    let (kept, new) = (recorded(earlier), recorded(pending));
    for (from, _) in before.tables.iter().filter(|(_, table)| is_join(Some(table))) {
        let Some(Way { to, swapped }) = Way::of(&before, from, pending) else { continue };
        let Some(relation) = Relation::of(now, &to) else { continue };
        let given = new.get(&to.name).map(|own| Relation { model: relation.model.clone(), fields: own.fields.clone() });
        let old = kept.get(&from.name).and_then(|own: &Recorded| own.relation(&relation));
        match given.map(|given| (given, false)).or_else(|| Some((old.or_else(|| Relation::of(&was, from))?, swapped))) {
            Some((old, swapped)) => links.turned.extend(turned(&to, &old, &relation, swapped)),
            None => links.unchecked.push(to),
        }
    }
    links
}

/// What becomes of a join table.
struct Way {
    to: ObjectName,
    /// The migrations exchange its columns.
    swapped: bool,
}

impl Way {
    /// None where it is dropped.
    fn of(before: &Catalog, from: &ObjectName, migrations: &[Migration]) -> Option<Self> {
        let mut to = from.clone();
        let mut first = "A".to_owned();
        for statement in migrations.iter().flat_map(|migration| migration.script().statements()) {
            match &statement.kind {
                StatementKind::AlterTable { table, actions, .. } if before.resolve(table) == to => {
                    for action in actions {
                        match &action.kind {
                            ActionKind::RenameColumn { from, to } if *from == first => to.clone_into(&mut first),
                            kind => to = kind.moved(&to).unwrap_or(to),
                        }
                    }
                }
                StatementKind::DropTable { tables, .. } if tables.iter().any(|name| before.resolve(name) == to) => {
                    return None;
                }
                _ => {}
            }
        }
        Some(Self { to, swapped: first == "B" })
    }
}

fn turned(table: &ObjectName, old: &Relation, new: &Relation, swapped: bool) -> Option<Turned> {
    let Relation { model, fields: [one, other] } = new;
    let mut sorted = [part(one), part(other)];
    sorted.sort();
    let kept = format!("`{SIDES}{} {}`", part(&table.name), sorted.join(" "));
    let name = &table.name;
    let (message, help) = match (turn(old, new), swapped) {
        (Turn::Kept, false) | (Turn::Swapped { .. }, true) => return None,
        (Turn::Swapped { from, to }, false) => (
            format!(
                "{model}.{from} became {model}.{to}, and Prisma takes \"A\" of `{name}` for the field that comes first in the \
                 alphabet, now {}: each link is read the wrong way round",
                new.first()
            ),
            format!(
                "exchange the columns in a migration before this schema is released: `prisma-safe migrate dev` writes it\n\
                 if the links are right as they are, keep that in a migration: {kept}"
            ),
        ),
        (Turn::Kept, true) => (
            format!(
                "the columns \"A\" and \"B\" of `{name}` are exchanged, but {model}.{one} and {model}.{other} keep their order: \
                     each link is read the wrong way round"
            ),
            format!(
                "take the exchange out; or, if it sets links right that were wrong, keep that in the migration: {kept}"
            ),
        ),
        (Turn::Unknown, _) => (
            format!(
                "both fields of a self-relation have new names ({model}.{one}, {model}.{other}): which of them \"A\" and \"B\" of \
                 `{name}` stand for cannot be told"
            ),
            format!(
                "rename one field at a time, each with `prisma-safe migrate dev`; or exchange the columns by hand where the order of \
                 the names has changed, and keep what they stand for in that migration: {kept}"
            ),
        ),
    };
    Some(Turned { table: table.clone(), message, help })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{TABLE, schema};
    use super::*;

    fn migration(sql: &str) -> Migration {
        Migration { name: "m".into(), path: "/nowhere/m/migration.sql".into(), sql: sql.into() }
    }

    /// The tables that turn, by the fields before and after and the pending migration.
    fn turned(old: (&str, &str), new: (&str, &str), pending: &str) -> Vec<String> {
        let [was, now] = [old, new].map(|(one, other)| Schema::read(&schema(one, other)));
        let links = standing("public", (&[migration(TABLE)], &[migration(pending)]), &|| was.clone(), &now);
        assert_eq!(links.unchecked, []);
        links.turned.into_iter().map(|turned| turned.table.name).collect()
    }

    const SWAP: &str = "ALTER TABLE \"_Mentoring\" RENAME COLUMN \"A\" TO \"t\"; ALTER TABLE \"_Mentoring\" RENAME COLUMN \"B\" TO \"A\"; \
                        ALTER TABLE \"_Mentoring\" RENAME COLUMN \"t\" TO \"B\";";

    #[test]
    fn links_turn_where_the_order_of_the_fields_changes_and_nothing_exchanges_the_columns() {
        let (old, flipped, same) = (("mentors", "pupils"), ("mentors", "juniors"), ("mentors", "scholars"));
        assert_eq!(turned(old, flipped, ""), ["_Mentoring"]);
        assert_eq!(turned(old, flipped, SWAP), [""; 0]);
        assert_eq!(turned(old, same, ""), [""; 0]);
        assert_eq!(turned(old, same, SWAP), ["_Mentoring"]);
        assert_eq!(turned(old, ("seniors", "juniors"), ""), ["_Mentoring"]);
        let line = |fields: &str| format!("-- prisma-safe:sides _Mentoring {fields}\n");
        assert_eq!(turned(old, ("seniors", "juniors"), &line("juniors seniors")), [""; 0]);
        assert_eq!(turned(old, flipped, &format!("{}{SWAP}", line("juniors mentors"))), [""; 0]);
        assert_eq!(turned(old, flipped, "DROP TABLE \"_Mentoring\";"), [""; 0]);
    }

    #[test]
    fn what_is_not_known_from_before_is_said() {
        let now = Schema::read(&schema("mentors", "juniors"));
        let links = standing("public", (&[migration(TABLE)], &[]), &Schema::default, &now);
        assert_eq!(links.unchecked.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["_Mentoring"]);
        let renamed = migration("ALTER TABLE \"_Mentoring\" RENAME TO \"_Guidance\";");
        let guidance = |text: Vec<String>| Schema::read(&[text[0].replace("\"Mentoring\"", "\"Guidance\"")]);
        let links = standing(
            "public",
            (&[migration(TABLE)], &[renamed]),
            &|| Schema::read(&schema("mentors", "pupils")),
            &guidance(schema("mentors", "juniors")),
        );
        assert_eq!(links.turned.iter().map(|turned| turned.table.name.as_str()).collect::<Vec<_>>(), ["_Guidance"]);
    }
}
