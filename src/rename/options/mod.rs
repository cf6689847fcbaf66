//! `--rename` and `--delete` as typed, resolved against the state before (left) and after (right).

mod typed;

use std::collections::BTreeMap;

use super::candidate::Rename;
use super::given::Given;
use super::lookup::{column_before, column_named, enum_named, tables_before, tables_named, value_named};
use super::question::Answer;
use super::scene::{Pair, Scene};
use crate::catalog::{Catalog, ObjectName};
use crate::error::{Error, Result};
use typed::{Kind, Typed, only, typed};

/// Decisions from the command line, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `--rename`: `Song.artist:artist_name`, `Song:Track`, `enum:Role:UserRole`, `value:Role.USER:MEMBER`.
    pub rename: Vec<String>,
    /// `--map`, as `--rename`, but in Prisma only.
    pub map: Vec<String>,
    /// `--delete`: `Song.artist`, `Song`, `enum:Role`, `value:Role.USER`.
    pub delete: Vec<String>,
    /// Whether schema.prisma may be edited, so that renaming in Prisma only can be offered.
    pub maps: bool,
    /// What a person has answered already, by what was asked.
    pub answers: Vec<(Rename, Answer)>,
}

impl Options {
    /// The options as typed, the first of them; none without any.
    pub fn first(&self) -> Option<String> {
        let all = [("--rename", &self.rename), ("--map", &self.map), ("--delete", &self.delete)];
        all.into_iter().find_map(|(flag, given)| Some(format!("{flag} {}", given.first()?)))
    }
}

/// Resolves the options that name tables and enums. They come first: columns are looked for in their light.
pub(crate) fn objects(scene: &Scene<'_>, options: &Options) -> Result<Given> {
    let mut given = Given::default();
    for typed in typed(options)? {
        let found = match typed.kind {
            Kind::Plain if is_column(scene, &typed) => continue,
            Kind::Value => continue,
            Kind::Plain => table(scene, &typed)?,
            Kind::Enum => enumeration(scene, &typed)?,
        };
        given.add(&typed, found)?;
    }
    tables_stay(scene, &given)?;
    Ok(given)
}

/// Every renamed table must go away under its old name, or give it to another one; a name that is taken must become free.
fn tables_stay(scene: &Scene<'_>, given: &Given) -> Result<()> {
    for rename in &given.renames {
        let Rename::Table { from, to, join } = rename else { continue };
        let object =
            |from: &ObjectName, to: &ObjectName| Rename::Table { from: from.clone(), to: to.clone(), join: *join };
        if scene.after.tables.contains_key(from) && !given.takes(&object(from, from)) {
            return Err(Error::usage(format!("--rename: {} is not dropped by this migration", from.name))
                .help("leave the option out, or say which table takes its name"));
        }
        let settled = given.renames.iter().any(|other| other.same_origin(&object(to, to)));
        if scene.before.tables.contains_key(to) && !settled {
            return Err(Error::usage(format!("--rename: {} exists already", to.name))
                .help(format!("say what it is renamed to: `--rename {}:…`", to.name)));
        }
    }
    Ok(())
}

/// Resolves the options that name columns and values, given which tables and enums are taken to be renamed.
pub(crate) fn members(
    scene: &Scene<'_>,
    options: &Options,
    tables: &BTreeMap<ObjectName, ObjectName>,
    enums: &BTreeMap<ObjectName, ObjectName>,
    given: &mut Given,
) -> Result<()> {
    for typed in typed(options)? {
        let found = match typed.kind {
            Kind::Plain if is_column(scene, &typed) => column(scene, tables, &typed)?,
            Kind::Value => value(scene, enums, &typed)?,
            Kind::Plain | Kind::Enum => continue,
        };
        given.add(&typed, found)?;
    }
    stays(scene, tables, given)?;
    values_stay(scene, enums, given)
}

/// Every renamed value must go away under its old name, or give it to another one (a chain, a swap).
fn values_stay(scene: &Scene<'_>, enums: &BTreeMap<ObjectName, ObjectName>, given: &Given) -> Result<()> {
    for rename in &given.renames {
        let Rename::EnumValue { of, from, .. } = rename else { continue };
        let after = scene.after.enums.get(enums.get(of).unwrap_or(of));
        let taken = given.takes(&Rename::EnumValue { of: of.clone(), from: String::new(), to: from.clone() });
        if after.is_some_and(|values| values.contains(from)) && !taken {
            return Err(Error::usage(format!("--rename: this migration does not remove {}.{from}", of.name))
                .help("leave the option out, or say which value takes its name"));
        }
    }
    Ok(())
}

/// Every renamed column must go away under its old name, or give it to another one (a chain, a swap); a name that is
/// taken must become free.
fn stays(scene: &Scene<'_>, tables: &BTreeMap<ObjectName, ObjectName>, given: &Given) -> Result<()> {
    for rename in &given.renames {
        let Rename::Column { table, from, to } = rename else { continue };
        let pair = Pair { from: table.clone(), to: tables.get(table).unwrap_or(table).clone() };
        let (gone, come) = scene.columns(&pair);
        let (_, spoken_from, spoken_to) = rename.spoken(scene.before);
        let taken = given.takes(&Rename::Column { table: table.clone(), from: String::new(), to: from.clone() });
        if !gone.contains(from) && !taken {
            return Err(Error::usage(format!(
                "--rename: {}.{spoken_from} is not dropped by this migration",
                table.name
            ))
            .help("leave the option out, or say which column takes its name"));
        }
        let there = scene.before.tables.get(table).is_some_and(|table| table.columns.contains_key(to));
        let settled = given.settles(&Rename::Column { table: table.clone(), from: to.clone(), to: String::new() });
        if from != to && there && !settled && !come.contains(to) {
            return Err(Error::usage(format!("--rename: {}.{spoken_to} exists already and stays", table.name))
                .help(format!("say what becomes of it: `--rename {}.{to}:…`", table.name)));
        }
    }
    Ok(())
}

impl Given {
    /// Adds what an option said; refuses what contradicts an earlier one.
    fn add(&mut self, typed: &Typed<'_>, rename: Rename) -> Result<()> {
        let map = typed.flag == "--map";
        if map && !rename.can_be_mapped() {
            return Err(typed.error("Prisma has no `@map` for that").help("rename it in the database: `--rename`"));
        }
        let known = if typed.right.is_some() { &self.renames } else { &self.deletes };
        if known.contains(&rename) && map == self.maps.contains(&rename) {
            return Ok(());
        }
        if self.settles(&rename) {
            return Err(typed.error("another option says something else about it"));
        }
        if typed.right.is_some() && self.takes(&rename) {
            return Err(typed.error("another option gives this name to something else"));
        }
        if typed.right.is_some() {
            self.maps.extend(map.then(|| rename.clone()));
            self.renames.push(rename);
        } else {
            self.deletes.push(rename);
        }
        Ok(())
    }
}

/// Whether the left side names a column: three parts do, two do unless they are a schema and a table.
fn is_column(scene: &Scene<'_>, typed: &Typed<'_>) -> bool {
    match typed.left.as_slice() {
        [parent, name] => {
            let parents = tables_before(scene, std::slice::from_ref(parent));
            let known = parents.iter().any(|table| column_before(scene, table, name).is_some());
            let object = ObjectName { schema: parent.clone(), name: name.clone() };
            known || !scene.before.tables.contains_key(&object)
        }
        parts => parts.len() > 2,
    }
}

fn table(scene: &Scene<'_>, typed: &Typed<'_>) -> Result<Rename> {
    let from = only(typed, "table", &typed.left, tables_before(scene, &typed.left), || {
        scene.before.tables.keys().map(|table| table.name.clone()).collect()
    })?;
    let join = from.name.starts_with('_') && super::tables::is_join(scene.before.tables.get(&from));
    let Some(right) = &typed.right else {
        if scene.after.tables.contains_key(&from) {
            return Err(typed.error("this migration does not drop it"));
        }
        return Ok(Rename::Table { to: from.clone(), from, join });
    };
    let mut found = tables_named(&scene.after, &scene.work, right);
    if found.len() > 1 {
        found.retain(|to| to.schema == from.schema);
    }
    let to = only(typed, "table after the migration", right, found, || {
        scene.after.tables.keys().map(|table| table.name.clone()).collect()
    })?;
    Ok(Rename::Table { from, to, join })
}

fn enumeration(scene: &Scene<'_>, typed: &Typed<'_>) -> Result<Rename> {
    let from = enum_named(scene.before, &scene.head, &typed.left);
    let all = |catalog: &Catalog| catalog.enums.keys().map(|name| name.name.clone()).collect();
    let from = only(typed, "enum", &typed.left, from, || all(scene.before))?;
    if scene.after.enums.contains_key(&from) {
        return Err(typed.error("this migration does not drop it"));
    }
    let Some(right) = &typed.right else { return Ok(Rename::Enum { to: from.clone(), from }) };
    let mut found = enum_named(&scene.after, &scene.work, right);
    if found.len() > 1 {
        found.retain(|to| to.schema == from.schema);
    }
    let to = only(typed, "enum after the migration", right, found, || all(&scene.after))?;
    if scene.before.enums.contains_key(&to) {
        return Err(typed.error(format!("{} was there before", to.name)));
    }
    Ok(Rename::Enum { from, to })
}

fn column(scene: &Scene<'_>, tables: &BTreeMap<ObjectName, ObjectName>, typed: &Typed<'_>) -> Result<Rename> {
    let (name, parent) = typed.left.split_last().ok_or_else(|| typed.error("names nothing"))?;
    let mut parents = tables_before(scene, parent);
    if parents.len() > 1 {
        let has = |table: &ObjectName| column_before(scene, table, name).is_some();
        parents.retain(has);
    }
    let table =
        only(typed, "table", parent, parents, || scene.before.tables.keys().map(|table| table.name.clone()).collect())?;
    let columns = |catalog: &Catalog, table: &ObjectName| -> Vec<String> {
        catalog.tables.get(table).map(|table| table.columns.keys().cloned().collect()).unwrap_or_default()
    };
    let from = column_before(scene, &table, name);
    let from = only(typed, "column", &typed.left, from.into_iter().collect(), || columns(scene.before, &table))?;
    let target = tables.get(&table).unwrap_or(&table);
    let pair = Pair { from: table.clone(), to: target.clone() };
    if !scene.after.tables.contains_key(target) {
        return Err(typed
            .error(format!("{} is dropped as a whole by this migration", table.name))
            .help(format!("if the table was renamed, say so: `--rename {}:…`", table.name)));
    }
    let Some(right) = &typed.right else {
        if !scene.columns(&pair).0.contains(&from) {
            return Err(typed.error("this migration does not drop it"));
        }
        return Ok(Rename::Column { table, to: from.clone(), from });
    };
    let wanted = right.last().ok_or_else(|| typed.error("names nothing"))?;
    let to = column_named(&scene.after, &scene.work, target, wanted);
    let to =
        only(typed, "column after the migration", right, to.into_iter().collect(), || columns(&scene.after, target))?;
    Ok(Rename::Column { table, from, to })
}

fn value(scene: &Scene<'_>, enums: &BTreeMap<ObjectName, ObjectName>, typed: &Typed<'_>) -> Result<Rename> {
    let (name, parent) = typed.left.split_last().ok_or_else(|| typed.error("names nothing"))?;
    let of = only(typed, "enum", parent, enum_named(scene.before, &scene.head, parent), || {
        scene.before.enums.keys().map(|name| name.name.clone()).collect()
    })?;
    let target = enums.get(&of).unwrap_or(&of);
    let values = |catalog: &Catalog, of: &ObjectName| catalog.enums.get(of).cloned().unwrap_or_default();
    let from = value_named(scene.before, &scene.head, &of, name);
    let from = only(typed, "value", &typed.left, from.into_iter().collect(), || values(scene.before, &of))?;
    let Some(right) = &typed.right else {
        if values(&scene.after, target).contains(&from) {
            return Err(typed.error("this migration does not remove it"));
        }
        return Ok(Rename::EnumValue { of, to: from.clone(), from });
    };
    let wanted = right.last().ok_or_else(|| typed.error("names nothing"))?;
    let to = value_named(&scene.after, &scene.work, target, wanted);
    let to =
        only(typed, "value after the migration", right, to.into_iter().collect(), || values(&scene.after, target))?;
    Ok(Rename::EnumValue { of, from, to })
}
