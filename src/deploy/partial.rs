//! How far a failed migration came. Outside of a transaction each statement is committed by itself, so the definitions of the
//! database show which of them took effect.

use std::collections::BTreeSet;

use postgres::Client;

use super::Route;
use crate::catalog::Catalog;
use crate::catalog::live::{Kind, Live, Without};
use crate::database::history::Progress;
use crate::database::{History, Standing};
use crate::project::Migration;

/// What of a failed migration is in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Nothing,
    /// The statements up to this line of the file.
    Part(usize),
    Everything,
    /// Its statements change rows, or other things that no definition shows.
    Unknown,
}

/// How far each failed migration came, in the order of [`Standing::failed`]. Where the definitions cannot be read, or the file
/// is gone, that is not known.
pub fn extents(client: &mut Client, schema: &str, migrations: &[Migration], standing: &Standing) -> Vec<Extent> {
    if standing.failed.is_empty() {
        return Vec::new();
    }
    let live = Live::read(client, &Without::default()).ok();
    let earlier: Vec<Migration> =
        migrations.iter().filter(|migration| standing.applied.contains(&migration.name)).cloned().collect();
    let of = |name: &str| {
        let migration = migrations.iter().find(|migration| migration.name == name)?;
        Some(Extent::of(live.as_ref()?, schema, &earlier, migration))
    };
    standing.failed.iter().map(|row| of(&row.name).unwrap_or(Extent::Unknown)).collect()
}

/// A migration that is applied in sections and has not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Half {
    pub name: String,
    pub progress: Progress,
    /// What each section is; empty where that cannot be told.
    pub sections: Vec<String>,
}

/// The migrations that the next deploy goes on with.
pub fn halves(client: &mut Client, schema: &str, migrations: &[Migration], history: &History) -> Vec<Half> {
    let going_on = migrations.iter().filter_map(|migration| Some((migration, history.going_on(migration)?.1)));
    let of = |(migration, progress): (&Migration, Progress)| {
        let live = Live::read(client, &Without::default()).ok();
        let routes = live.and_then(|live| {
            let world = Catalog::of_target(schema, &live);
            super::routes(std::slice::from_ref(migration), world, history).ok()
        });
        let sections = match routes.as_deref() {
            Some([Route::Sections(sections)]) => sections.said(),
            _ => Vec::new(),
        };
        Half { name: migration.name.clone(), progress, sections }
    };
    going_on.map(of).collect()
}

impl Half {
    /// How far it came, and the command that goes on.
    pub fn remedy(&self) -> String {
        let Progress { done, of, begun } = self.progress;
        let told = |from: usize, to: usize| match self.sections.get(from..to) {
            Some(sections) if !sections.is_empty() => format!(" ({})", sections.join("; ")),
            _ => String::new(),
        };
        let applied = match done {
            0 => format!("none of the {of} sections of {} is applied", self.name),
            1 => format!("section 1 of {of} of {} is applied{}", self.name, told(0, 1)),
            _ => format!("sections 1 to {done} of {of} of {} are applied{}", self.name, told(0, done)),
        };
        let next = match begun {
            true => format!(
                "section {}{} was begun, and the next deploy finds out what became of it",
                done + 1,
                told(done, done + 1)
            ),
            false => format!("the next is section {}{}", done + 1, told(done, done + 1)),
        };
        format!("{applied}; {next}: `prisma-safe deploy` goes on there")
    }
}

impl Extent {
    /// Compares the database with what each statement of the migration would make of it. `earlier` are the migrations before it.
    pub fn of(live: &Live, schema: &str, earlier: &[Migration], migration: &Migration) -> Self {
        let script = migration.script();
        let all = earlier.iter().chain([migration]);
        let found = readable(Catalog::of_target_after(schema, live, all));
        let before = Catalog::of(schema, earlier);
        let mut differences = vec![readable(before.clone()).differences(&found)];
        before.walk_pairs(script, &migration.name, |_, _, after| {
            differences.push(readable(after.clone()).differences(&found));
        });
        let lines: Vec<usize> =
            script.statements().iter().map(|statement| script.position(statement.range.start).line).collect();
        match judge(&differences, &lines) {
            // an index that could not be built is there too
            Self::Everything if has_invalid_index(live) => Self::Unknown,
            extent => extent,
        }
    }

    /// What is known of it, as the end of a sentence that begins with the migration.
    pub fn said(self) -> Option<String> {
        match self {
            Self::Nothing => Some("none of its statements took effect".to_owned()),
            Self::Part(line) => Some(format!("its statements up to line {line} took effect, the rest did not")),
            Self::Everything => Some("all of its statements took effect".to_owned()),
            Self::Unknown => None,
        }
    }

    /// What to do about the migration `name`.
    pub fn remedy(self, name: &str) -> String {
        let (undo, nothing, all) = (
            format!("prisma-safe rollback {name}"),
            format!("prisma-safe migrate resolve --rolled-back {name}"),
            format!("prisma-safe migrate resolve --applied {name}"),
        );
        match self {
            Self::Nothing => format!("say so in the history: {nothing}; then correct the file and deploy again"),
            Self::Part(_) => format!("undo them: {undo}; then correct the file and deploy again"),
            Self::Everything => format!("say so in the history: {all}"),
            Self::Unknown => format!(
                "see what of it is in the database. If part of it is: {undo}, which undoes what can be undone. If nothing is: \
                 {nothing}. Then correct the file and deploy again. If all of it is: {all}"
            ),
        }
    }
}

/// What could not be followed is in no database.
fn readable(mut catalog: Catalog) -> Catalog {
    catalog.opaque.clear();
    catalog
}

fn has_invalid_index(live: &Live) -> bool {
    live.of(Kind::Index).any(|(_, definition)| definition.get("state").is_some_and(|state| state == "invalid"))
}

/// `differences` are those of the database from each state in turn, the first before any statement; `lines` are the statements'.
/// What differs from every state is not the migration's.
fn judge(differences: &[Vec<String>], lines: &[usize]) -> Extent {
    let sets: Vec<BTreeSet<&String>> = differences.iter().map(|found| found.iter().collect()).collect();
    let Some(mut constant) = sets.first().cloned() else { return Extent::Unknown };
    for set in &sets {
        constant.retain(|difference| set.contains(difference));
    }
    let fitting: Vec<usize> = (0..sets.len()).filter(|at| sets[*at] == constant).collect();
    match fitting.as_slice() {
        [0] => Extent::Nothing,
        [only] if *only == lines.len() => Extent::Everything,
        // whether a statement that changes no definition was run cannot be told
        [first, ..] if *first > 0 => lines.get(first - 1).map_or(Extent::Unknown, |line| Extent::Part(*line)),
        _ => Extent::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(states: &[&[&str]]) -> Extent {
        let differences: Vec<Vec<String>> =
            states.iter().map(|state| state.iter().map(|own| (*own).to_owned()).collect()).collect();
        judge(&differences, &(1..states.len()).map(|line| line * 10).collect::<Vec<_>>())
    }

    #[test]
    fn the_state_that_fits_tells_how_far_it_came() {
        // by hand: a view that no migration makes
        assert_eq!(judged(&[&["v"], &["v", "a"], &["v", "a", "b"]]), Extent::Nothing);
        assert_eq!(judged(&[&["v", "a"], &["v"], &["v", "b"]]), Extent::Part(10));
        assert_eq!(judged(&[&["a", "b"], &["b"], &[]]), Extent::Everything);
        assert_eq!(judged(&[&["a"], &[], &[], &["b"]]), Extent::Part(10));
        // an UPDATE
        assert_eq!(judged(&[&[], &[]]), Extent::Unknown);
        assert_eq!(judged(&[&[], &[], &["b"]]), Extent::Unknown);
        assert_eq!(judged(&[&["a"], &["a"], &[]]), Extent::Everything);
        // the same thing was changed by something else
        assert_eq!(judged(&[&["a"], &["b"]]), Extent::Unknown);
    }
}
