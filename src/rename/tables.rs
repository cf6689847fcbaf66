//! What speaks for a dropped and a created table being the same one.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::around::Around;
use super::candidate::Rename;
use super::columns;
use super::followers::Followers;
use super::given::Given;
use super::kind::kind;
use super::names::{self, Identifier};
use super::scene::{Pair, Scene, Spelling};
use super::score::Scale;
use super::settle::Compare;
use super::weights::Sign;
use crate::catalog::{Catalog, Column, ObjectName, Table};
use crate::effects::cast::Cast;
use crate::sql::{ConstraintKind, DataType};

/// Every pair of a dropped and a created table; those of implicit many-to-many relations follow their models and are left
/// out.
pub(crate) fn compared<'w>(scene: &Scene<'w>, given: &Given, around: &Around) -> super::settle::Table<'w> {
    let (gone, come) = scene.tables();
    let rename = |from: &ObjectName, to: &ObjectName| Rename::Table { from: from.clone(), to: to.clone(), join: false };
    let gone: Vec<_> = gone
        .into_iter()
        .filter(|from| !is_join(scene.before.tables.get(from)) && !given.settles(&rename(from, from)))
        .collect();
    let come: Vec<_> =
        come.into_iter().filter(|to| !is_join(scene.after.tables.get(to)) && !given.takes(&rename(to, to))).collect();
    let mut shared = Shared::default();
    let (gone, come) = (sides(scene, &mut shared, scene.before, &gone), sides(scene, &mut shared, &scene.after, &come));
    let followers = Followers::of(scene);
    let compared = gone.iter().map(|from| {
        let row = come.iter().map(|to| {
            let mut compare = compare(scene, around, &followers, &mut shared, [from, to]);
            if gone.len() == 1 && come.len() == 1 {
                compare.scale.say(Sign::OnlyTables, 1.0, "the only dropped and the only created table");
            }
            Some(compare)
        });
        row.collect()
    });
    compared.collect()
}

/// Whether a table is shaped like Prisma's for an implicit many-to-many relation: columns A and B, each a foreign key.
pub(crate) fn is_join(table: Option<&Table>) -> bool {
    table.is_some_and(|table| {
        let keys = table
            .constraints
            .values()
            .filter(|constraint| matches!(constraint.kind, ConstraintKind::ForeignKey { .. }));
        table.columns.keys().map(String::as_str).eq(["A", "B"]) && keys.count() == 2
    })
}

/// A table of one of the two catalogs, its names taken apart once for all tables that it is compared with.
struct Side<'s> {
    name: &'s ObjectName,
    table: &'s Table,
    own: Rc<Spelling>,
    columns: Vec<Part<'s>>,
    /// Where a column stands among them, by the number of its name.
    places: FxHashMap<usize, usize>,
}

impl<'s> Side<'s> {
    /// Its column of the same name as this one of another table.
    fn counterpart(&self, other: &Part<'_>) -> Option<&Part<'s>> {
        self.columns.get(*self.places.get(&other.spelling.number())?)
    }
}

/// A column of it.
struct Part<'s> {
    name: &'s String,
    column: &'s Column,
    spelling: Rc<Spelling>,
    /// One type, one number.
    of_type: usize,
}

/// These tables of a catalog.
fn sides<'s>(scene: &Scene<'_>, shared: &mut Shared, catalog: &'s Catalog, names: &[&'s ObjectName]) -> Vec<Side<'s>> {
    let side = |name: &&'s ObjectName| {
        let table = catalog.tables.get(name)?;
        let columns = table.columns.iter().map(|(own, column)| Part {
            name: own,
            column,
            spelling: scene.spelling(own),
            of_type: shared.number(&column.data_type),
        });
        let columns: Vec<Part<'_>> = columns.collect();
        let places = columns.iter().enumerate().map(|(at, part)| (part.spelling.number(), at)).collect();
        Some(Side { name, table, own: scene.spelling(&name.name), columns, places })
    };
    names.iter().filter_map(side).collect()
}

fn compare<'w>(
    scene: &Scene<'w>,
    around: &Around,
    followers: &Followers,
    shared: &mut Shared,
    [old, new]: [&Side<'_>; 2],
) -> Compare<'w> {
    let (from, to) = (old.name, new.name);
    let mut scale = Scale::starting(scene.weights, Sign::TableBase);
    let overlap = share(scene, around, shared, old, new, &mut scale);
    let likeness = scene.alike(&old.own, &new.own, &[]);
    let moved = from.name == to.name;
    if moved {
        scale.say(Sign::SameTableName, 1.0, format!("the same name in schema {}", to.schema));
    } else if likeness.opposed {
        scale.say(Sign::OpposedTableName, 1.0, "the names mean opposite things");
    } else {
        scale.say(Sign::TableName, likeness.score, likeness.reason.clone());
    }
    let followers = followers.count(from, to);
    if followers > 0 {
        scale.say(Sign::Followers, 1.0, format!("{followers} foreign keys to {} now lead to {}", from.name, to.name));
    }
    if let Some(count) = scene.counted.rows.get(&from.name) {
        scale.line(format!("{} holds {count} rows", from.name));
    }
    let pair = Pair { from: from.clone(), to: to.clone() };
    let mut proved = false;
    let mut lives_on = false;
    if let (Some(a), Some(b)) = scene.models(&pair) {
        if a.name == b.name {
            scale.say(Sign::SameModel, 1.0, format!("the model {} stayed, only its table's name changed", a.name));
            proved = overlap >= 0.5;
        } else if scene.work.model(&a.name).is_some() || scene.head.model(&b.name).is_some() {
            scale.say(Sign::OtherModel, 1.0, format!("the models {} and {} are two", a.name, b.name));
            lives_on = true;
        }
    }
    // people write the tables of their links in singular and plural
    let style = moved || likeness.style_only || (likeness.endings_only && is_link(old.table) && is_link(new.table));
    let clear = style && overlap >= 0.999 && same_shape(old.table, new.table) && !scale.is_doubted();
    proved &= !scale.is_doubted();
    Compare {
        rename: Rename::Table { from: from.clone(), to: to.clone(), join: false },
        scale,
        clear,
        exact: likeness.style_only,
        proved,
        stays: false,
        quiet: false,
        asked: !lives_on && holds(old.table, new.table),
        lossy: None,
    }
}

/// Whether tables of equal columns are also alike in what these may hold.
fn same_shape(old: &Table, new: &Table) -> bool {
    let pairs = old.columns.iter().map(|(name, column)| (column, new.columns.get(name)));
    let key = |table: &Table| {
        let keys = table.constraints.values().filter_map(|constraint| match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } => Some(columns.clone()),
            _ => None,
        });
        keys.collect::<Vec<_>>()
    };
    pairs.into_iter().all(|(a, b)| b.is_some_and(|b| columns::same_shape(a, b))) && key(old) == key(new)
}

/// Whether a table could hold another one's rows: most columns of each find one of their kind in the other.
fn holds(old: &Table, new: &Table) -> bool {
    let kinds = |table: &Table| -> Vec<_> {
        let telling = |name: &String| !COMMON.contains(&name.as_str());
        let all = || table.columns.iter();
        let own = if all().any(|(name, _)| telling(name)) {
            all().filter(|(name, _)| telling(name)).collect()
        } else {
            all().collect::<Vec<_>>()
        };
        own.into_iter().map(|(_, column)| (kind(&column.data_type), column.data_type.array)).collect()
    };
    let (own, mut free) = (kinds(old), kinds(new));
    let all = own.len().max(free.len());
    let found = own.iter().filter(|kind| {
        let at = free.iter().position(|other| other == *kind);
        at.map(|at| free.swap_remove(at)).is_some()
    });
    found.count() * 2 > all
}

/// Whether a table only links others: every column is of a foreign key.
fn is_link(table: &Table) -> bool {
    let keys = || table.constraints.values().filter(|own| matches!(own.kind, ConstraintKind::ForeignKey { .. }));
    keys().count() > 1
        && table.columns.keys().all(|name| keys().any(|own| own.kind.columns().iter().any(|column| column == name)))
}

/// What comparing two columns came to: many tables have the same ones.
#[derive(Default)]
struct Shared {
    /// Types by number.
    types: FxHashMap<DataType, usize>,
    /// By both types: what a column of the one is worth as the other.
    worth: FxHashMap<(usize, usize), f64>,
    /// By both names, and the words of each that the tables' names have said.
    likely: FxHashMap<[(usize, u64); 2], f64>,
}

impl Shared {
    fn number(&mut self, data_type: &DataType) -> usize {
        if let Some(known) = self.types.get(data_type) {
            return *known;
        }
        let number = self.types.len();
        self.types.insert(data_type.clone(), number);
        number
    }

    fn worth(&mut self, scene: &Scene<'_>, around: &Around, from: &Part<'_>, to: &Part<'_>) -> f64 {
        let old = || scene.renamed_type(&around.enums, &from.column.data_type);
        let cast = || match scene.cast(&old(), &to.column.data_type) {
            Cast::Same => 1.0,
            Cast::None | Cast::Loses { .. } => 0.2,
            Cast::Keeps { .. } | Cast::Checked { .. } => 0.6,
        };
        *self.worth.entry((from.of_type, to.of_type)).or_insert_with(cast)
    }

    fn likely(&mut self, scene: &Scene<'_>, [from, to]: [&Told<'_>; 2], context: &[&Identifier]) -> f64 {
        let likely = || scene.alike(&from.part.spelling, &to.part.spelling, context).score * 0.8;
        match (from.said, to.said) {
            (Some(old), Some(new)) => {
                let key = [(from.part.spelling.number(), old), (to.part.spelling.number(), new)];
                *self.likely.entry(key).or_insert_with(likely)
            }
            _ => likely(),
        }
    }
}

/// A column's name beside the names of two tables.
struct Told<'s> {
    part: &'s Part<'s>,
    /// The words that the tables have said.
    said: Option<u64>,
}

/// Weighs how many columns both tables share, by name and type. Gives the share, 0 to 1.
fn share(
    scene: &Scene<'_>,
    around: &Around,
    shared: &mut Shared,
    from: &Side<'_>,
    to: &Side<'_>,
    scale: &mut Scale<'_>,
) -> f64 {
    let (old, new) = (from.table, to.table);
    let context = [&from.own.parts, &to.own.parts];
    let told = |part: &'_ Part<'_>| names::said(&part.spelling.parts, &context);
    let free = to.columns.iter().filter(|other| from.counterpart(other).is_none());
    let free: Vec<Told<'_>> = free.map(|part| Told { part, said: told(part) }).collect();
    let (mut same, mut telling, mut equal) = (0.0, 0.0, 0);
    for part in &from.columns {
        let name = part.name;
        let best = match to.counterpart(part) {
            Some(counterpart) => {
                equal += 1;
                shared.worth(scene, around, part, counterpart)
            }
            None => {
                let own = Told { part, said: told(part) };
                free.iter().fold(0.0, |best: f64, other| {
                    let name = shared.likely(scene, [&own, other], &context);
                    // the type makes it no better
                    if name < 0.4 || name <= best {
                        best
                    } else {
                        best.max(name * shared.worth(scene, around, part, other.part))
                    }
                })
            }
        };
        same += best;
        if !COMMON.contains(&name.as_str()) {
            telling += best;
        }
    }
    let size = old.columns.len() + new.columns.len();
    let share = if size == 0 { 0.0 } else { 2.0 * same / f64::from(u32::try_from(size).unwrap_or(u32::MAX)) };
    let own = old.columns.keys().filter(|name| !COMMON.contains(&name.as_str())).count();
    // columns that nearly every table has say nothing
    if own > 0 {
        scale.note(Sign::TellingColumns, telling.min(4.0) / 4.0);
    }
    let all = old.columns.len();
    let line = if equal == all && new.columns.len() == all {
        format!("the same {all} columns")
    } else {
        format!("{equal} of {all} columns have the same name")
    };
    scale.say(Sign::SharedColumns, share - 0.5, line);
    share
}

/// Columns that nearly every table has.
const COMMON: &[&str] =
    &["id", "uuid", "createdAt", "updatedAt", "created_at", "updated_at", "deletedAt", "deleted_at", "name"];
