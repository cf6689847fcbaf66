//! The plan of a rewrite: what goes from the draft, what is put at its first place, what replaces a table's own statement.

use std::collections::{BTreeMap, BTreeSet};

use super::atoms::{At, Atoms};
use super::moves::Moves;
use super::{columns, enums, keys, new_names};
use crate::catalog::{Catalog, ObjectName, Table};
use crate::error::Result;
use crate::rename::scene::Scene;
use crate::sql::ActionKind;

/// A table that a rename concerns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Touched {
    /// Its name before.
    pub(crate) from: ObjectName,
    /// Its name after.
    pub(crate) to: ObjectName,
    /// It was dropped and created as a whole: nothing of it is left to the draft's own statements.
    pub(crate) whole: bool,
    /// Its columns that keep their values, by their names after, with their names before.
    pub(crate) renamed: BTreeMap<String, String>,
    /// Keys of `renamed`.
    pub(crate) columns: BTreeSet<String>,
    /// Values of `renamed`.
    pub(crate) sources: BTreeSet<String>,
}

impl Touched {
    fn new(from: &ObjectName, to: &ObjectName) -> Self {
        Self {
            from: from.clone(),
            to: to.clone(),
            whole: from != to,
            renamed: BTreeMap::new(),
            columns: BTreeSet::new(),
            sources: BTreeSet::new(),
        }
    }

    fn keep(&mut self, from: &str, to: &str) {
        self.renamed.insert(to.to_owned(), from.to_owned());
        self.columns.insert(to.to_owned());
        self.sources.insert(from.to_owned());
    }

    /// A column's name before.
    pub(crate) fn source_of<'a>(&'a self, name: &'a str) -> &'a str {
        self.renamed.get(name).map_or(name, String::as_str)
    }
}

/// What stands in place of a table's own statement.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// Actions of one `ALTER TABLE`, with their order: drops, additions, changes, constraints.
    pub(crate) actions: Vec<(u8, String)>,
    /// Statements after it.
    pub(crate) statements: Vec<String>,
}

/// The plan as it grows.
pub(crate) struct Plan<'a> {
    pub(crate) scene: &'a Scene<'a>,
    pub(crate) moves: &'a Moves,
    /// After the renames alone.
    pub(crate) renamed: Catalog,
    pub(crate) atoms: Atoms,
    pub(crate) touched: Vec<Touched>,
    /// Columns, by table before and name, that a person gave up for lost.
    given_up: BTreeSet<(ObjectName, String)>,
    replaced: Vec<(ObjectName, BTreeSet<String>)>,
    pub(crate) cuts: BTreeSet<At>,
    /// Keys, indexes and sequences that get another name.
    pub(crate) new_names: Vec<new_names::NewName>,
    /// Statements after the renames.
    pub(crate) block: Vec<String>,
    pub(crate) places: BTreeMap<ObjectName, Place>,
    /// What the draft would have destroyed without naming it, by sentence; by table and name in `kept`.
    pub(crate) kept: Vec<(ObjectName, String, bool)>,
    pub(crate) notes: Vec<String>,
}

impl<'a> Plan<'a> {
    /// Makes the whole plan.
    ///
    /// # Errors
    /// Refused where values could be lost.
    pub(crate) fn new(
        scene: &'a Scene<'a>,
        moves: &'a Moves,
        given_up: BTreeSet<(ObjectName, String)>,
    ) -> Result<Self> {
        let mut plan = Self {
            scene,
            moves,
            renamed: moves.apply(scene),
            atoms: Atoms::read(scene.draft.script, scene.before),
            touched: Vec::new(),
            given_up,
            replaced: Vec::new(),
            cuts: BTreeSet::new(),
            new_names: Vec::new(),
            block: Vec::new(),
            places: BTreeMap::new(),
            kept: Vec::new(),
            notes: Vec::new(),
        };
        plan.touch();
        enums::plan(&mut plan);
        let touched = plan.touched.clone();
        plan.replaced = touched.iter().flat_map(|touched| keys::replaced(&plan, touched)).collect();
        for touched in &touched {
            for at in [plan.atoms.drop_table.get(&touched.from), plan.atoms.create_table.get(&touched.to)] {
                if let Some(at) = at.copied().filter(|_| touched.whole) {
                    plan.cuts.insert(at);
                }
            }
            if touched.whole && scene.before.tables.contains_key(&touched.to) {
                plan.cut_columns(&touched.to);
            }
            columns::plan(&mut plan, touched)?;
        }
        // keys of other tables follow as well: their foreign keys lead here
        let mut with_keys = touched.clone();
        for pair in scene.kept_tables().filter(|pair| !touched.iter().any(|touched| touched.to == pair.to)) {
            with_keys.push(Touched::new(&pair.from, &pair.to));
        }
        for touched in &with_keys {
            keys::plan(&mut plan, touched);
        }
        new_names::rename_all(&mut plan);
        Ok(plan)
    }

    /// Finds the tables concerned, with the columns that keep their values.
    fn touch(&mut self) {
        let mut found: BTreeMap<ObjectName, Touched> = BTreeMap::new();
        for pair in self.moves.pairs() {
            let touched = found.entry(pair.from.clone()).or_insert_with(|| Touched::new(&pair.from, &pair.to));
            for (from, to) in self.moves.columns.get(&pair.from).into_iter().flatten() {
                touched.keep(from, to);
            }
        }
        // columns that Prisma recreates only because their enum has another name
        for pair in self.scene.kept_tables() {
            let (gone, come) = self.scene.columns(&pair);
            for name in gone.iter().filter(|name| come.contains(name)) {
                let old = self.renamed.tables.get(&pair.to).and_then(|table| table.columns.get(name));
                let new = self.scene.after.tables.get(&pair.to).and_then(|table| table.columns.get(name));
                let follows = match (old, new) {
                    (Some(old), Some(new)) => {
                        old.data_type == new.data_type && !self.given_up.contains(&(pair.from.clone(), name.clone()))
                    }
                    _ => false,
                };
                let taken = found
                    .get(&pair.from)
                    .is_some_and(|touched| touched.sources.contains(name) || touched.columns.contains(name));
                if follows && !taken {
                    found
                        .entry(pair.from.clone())
                        .or_insert_with(|| Touched::new(&pair.from, &pair.to))
                        .keep(name, name);
                }
            }
        }
        self.touched = found.into_values().collect();
    }

    /// Takes a statement or an action out of the draft. What stands inside an enum's block stays as long as the block does.
    pub(crate) fn cut(&mut self, at: At) {
        let blocked = self.atoms.enum_block.values().any(|block| {
            block.contains(&at.statement) && !self.cuts.contains(&At { statement: block.start, action: None })
        });
        if !blocked {
            self.cuts.insert(at);
        }
    }

    /// Takes out every change of columns of a table: the draft means another table of this name.
    fn cut_columns(&mut self, table: &ObjectName) {
        let of = |((name, _), at): (&(ObjectName, String), &At)| (name == table).then_some(*at);
        let single = self.atoms.drop_column.iter().chain(&self.atoms.add_column).filter_map(of);
        let altered = self.atoms.alter_column.iter().filter(|((name, _), _)| name == table);
        let all: Vec<At> = single.chain(altered.flat_map(|(_, at)| at.iter().copied())).collect();
        all.into_iter().for_each(|at| self.cut(at));
    }

    /// Whether a column is dropped by a person's decision although its table lives on.
    pub(crate) fn recreates(&self, touched: &Touched, name: &str) -> bool {
        self.given_up.contains(&(touched.from.clone(), name.to_owned()))
    }

    /// Whether a default is dropped by a statement that stays (in an enum's block) and not set again.
    pub(crate) fn default_goes(&self, touched: &Touched, name: &str) -> bool {
        let statements = self.scene.draft.script.statements();
        let mut gone = false;
        for (table, column) in [(&touched.from, touched.source_of(name)), (&touched.to, name)] {
            for at in self.atoms.alter_column.get(&(table.clone(), column.to_owned())).into_iter().flatten() {
                let kept = !self.cuts.contains(at) && !self.cuts.contains(&At { action: None, ..*at });
                let crate::sql::StatementKind::AlterTable { actions, .. } = &statements[at.statement].kind else {
                    continue;
                };
                match at.action.and_then(|action| actions.get(action)).map(|action| &action.kind) {
                    Some(ActionKind::DropDefault { .. }) if kept => gone = true,
                    Some(ActionKind::SetDefault { .. }) if kept => gone = false,
                    _ => {}
                }
            }
        }
        gone
    }

    /// Whether a foreign key to these columns changes because of a rename.
    pub(crate) fn moves_under(&self, table: &ObjectName, columns: &[String]) -> bool {
        self.touched.iter().any(|touched| {
            touched.to == *table && (touched.whole || columns.iter().any(|column| touched.columns.contains(column)))
        })
    }

    /// Whether a foreign key can stay in place: none of its columns changes its type, and the key it leans on stays too.
    pub(crate) fn may_stay(
        &self,
        own: &ObjectName,
        table: &Table,
        name: &str,
        target: &ObjectName,
        referenced: &[String],
    ) -> bool {
        let retyped = |of: &ObjectName, column: &String| {
            let find = |catalog: &Catalog| {
                catalog
                    .tables
                    .get(of)
                    .and_then(|table| table.columns.get(column))
                    .map(|column| column.data_type.clone())
            };
            find(&self.renamed) != find(&self.scene.after)
        };
        let columns =
            table.constraints.get(name).map(|constraint| constraint.kind.columns().to_vec()).unwrap_or_default();
        let leaned_on: BTreeSet<String> = referenced.iter().cloned().collect();
        !columns.iter().any(|column| retyped(own, column))
            && !referenced.iter().any(|column| retyped(target, column))
            && !self.replaced.contains(&(target.clone(), leaned_on))
    }

    /// Names of tables, indexes and sequences of a schema, before and after: they share one name space.
    pub(crate) fn relations(&self, schema: &str) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for catalog in [&self.renamed, &self.scene.after] {
            for (name, table) in catalog.tables.iter().filter(|(name, _)| name.schema == schema) {
                names.insert(name.name.clone());
                names.extend(table.constraints.keys().cloned());
                names.extend(table.indexes.keys().cloned());
            }
            names.extend(catalog.sequences.keys().filter(|name| name.schema == schema).map(|name| name.name.clone()));
        }
        names
    }

    /// Something Prisma does not see, which the draft would have destroyed without a word.
    pub(crate) fn preserve(&mut self, touched: &Touched, name: &str, index: bool) {
        let what = if index { "index" } else { "constraint" };
        self.notes.push(format!(
            "{what} {name} of {} is kept; the draft would have dropped it without a word",
            touched.to.name
        ));
        self.kept.push((touched.to.clone(), name.to_owned(), index));
    }

    fn place(&mut self, touched: &Touched) -> &mut Place {
        self.places.entry(touched.to.clone()).or_default()
    }

    /// Adds a drop or an addition of a column.
    pub(crate) fn early_actions(&mut self, touched: &Touched, text: String) {
        let rank = u8::from(!text.starts_with("DROP"));
        self.place(touched).actions.push((rank, text));
    }

    /// Adds a change of a column.
    pub(crate) fn actions(&mut self, touched: &Touched, text: String) {
        self.place(touched).actions.push((2, text));
    }

    /// Adds a constraint.
    pub(crate) fn late_actions(&mut self, touched: &Touched, text: String) {
        self.place(touched).actions.push((3, text));
    }

    /// Adds a statement after the table's own.
    pub(crate) fn late_statement(&mut self, touched: &Touched, text: String) {
        self.place(touched).statements.push(text);
    }
}
