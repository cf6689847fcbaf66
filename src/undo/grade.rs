//! How far a migration can be rolled back, for people who skim: decided by what its reverse says, and by nothing else.

use super::down::{self, Down, Item};
use super::losses::Loss;
use super::reverse::reverse;
use super::{losses, plan};
use crate::catalog::{Catalog, Certainty, Index};
use crate::project::Migration;
use crate::review::against::Found;
use crate::review::{Grade, Graded, Review};
use crate::sql::Script;

/// More reasons than this are not read at a glance.
const REASONS: usize = 5;

/// Grades every migration of a review. `folder` is the whole folder, in order of name: the migrations before one build the world that it
/// is rolled back to. Where it is `found` what the target holds, what is not applied there yet is rolled back to that: the deploy keeps
/// its definitions.
pub fn grade(review: &mut Review, folder: &[Migration], default_schema: &str, found: Option<Found>) {
    let (world, applied) = found.map(|found| (found.world, found.applied)).unzip();
    let applied = applied.unwrap_or_default();
    let (mut written, mut target) = (Before::of(Catalog::new(default_schema)), world.map(Before::of));
    for reviewed in review.migrations.iter_mut().filter(|reviewed| !reviewed.sql.is_empty()) {
        // what is not in the folder yet stands behind it
        let place = folder.iter().position(|other| other.name == reviewed.name).unwrap_or(folder.len());
        let own = down::edited(&reviewed.migration());
        let before = match target.as_mut().filter(|_| !applied.contains(&reviewed.name)) {
            Some(target) => {
                target.go_to(place, folder, |migration| !applied.contains(&migration.name));
                target
            }
            None => {
                written.go_to(place, folder, |_| true);
                &mut written
            }
        };
        reviewed.undo = Some(reviewed.sql.look(|script| {
            let graded = own.as_ref().map_or_else(|| graded(&before.catalog, script), by_hand);
            // not what the folder has: of one that was cut short only the rest is reviewed
            before.catalog.apply(script, &reviewed.name);
            graded
        }));
        before.built = (place + 1).min(folder.len());
    }
}

/// What is there before a migration runs.
struct Before {
    start: Catalog,
    catalog: Catalog,
    /// So many migrations of the folder are in it.
    built: usize,
}

impl Before {
    fn of(start: Catalog) -> Self {
        Self { catalog: start.clone(), start, built: 0 }
    }

    /// Runs the migrations before this place that are to `count`. A review's are in order; one that stands before the last begins anew.
    fn go_to(&mut self, place: usize, folder: &[Migration], count: impl Fn(&Migration) -> bool) {
        if place < self.built {
            (self.catalog, self.built) = (self.start.clone(), 0);
        }
        for migration in folder[self.built..place].iter().filter(|migration| count(migration)) {
            migration.sql.look(|script| self.catalog.apply(script, &migration.name));
        }
        self.built = place;
    }
}

/// A person answers for a reverse of their own; what it says to stay, stays.
fn by_hand(down: &Down) -> Graded {
    let values = down.items.iter().any(|item| matches!(item, Item::PutBack(_)));
    let why = vec!["by a down.sql that was edited by hand".to_owned()];
    match (down.impossible.is_empty(), values || !down.defined.is_empty()) {
        (false, _) => Graded { grade: Grade::Backup, why: first(down.impossible.clone()) },
        (true, true) => Graded { grade: Grade::Kept, why },
        (true, false) => Graded { grade: Grade::Reversible, why },
    }
}

/// What a rollback could do about one migration.
pub fn graded(before: &Catalog, script: &Script) -> Graded {
    if !script.errors().is_empty() {
        return Graded { grade: Grade::Backup, why: vec!["not all of it could be read".into()] };
    }
    let steps = reverse(before, script);
    let mut stays: Vec<String> = steps.iter().flat_map(|step| step.impossible.iter().cloned()).collect();
    let lost = losses::losses(before, script);
    stays.extend(lost.unknown.into_iter().chain(lost.elsewhere));
    stays.extend(lost.losses.iter().filter(|(_, loss)| is_without_key(before, loss)).map(|(_, loss)| {
        format!("{}: {} has no key by which they could be put back", plan::what_of(loss), loss.table().name)
    }));
    if !stays.is_empty() {
        return Graded { grade: Grade::Backup, why: first(stays) };
    }
    let mut kept: Vec<String> = lost.losses.iter().map(|(_, loss)| plan::what_of(loss)).collect();
    kept.extend(steps.into_iter().flat_map(|step| step.defined));
    match kept.is_empty() {
        true => Graded { grade: Grade::Reversible, why: Vec::new() },
        false => Graded { grade: Grade::Kept, why: first(kept) },
    }
}

/// Whether values are lost of rows that nothing tells apart without them: they are kept, for a person to put back.
fn is_without_key(before: &Catalog, loss: &Loss) -> bool {
    if !matches!(loss, Loss::Columns { .. } | Loss::Casts { .. } | Loss::Updated { .. }) {
        return false;
    }
    // what is not known may have one
    let Some(table) = before.tables.get(loss.table()).filter(|table| table.certainty == Certainty::Whole) else {
        return false;
    };
    let lost = loss.columns();
    let tells = |columns: &[String]| {
        let never_null = |column: &String| table.columns.get(column).is_none_or(|column| column.not_null);
        !columns.is_empty() && columns.iter().all(|column| !lost.contains(column) && never_null(column))
    };
    let constraints = table.constraints.values().map(|constraint| &constraint.kind);
    let unique = constraints.filter(|kind| kind.has_index()).map(|kind| kind.columns().to_vec());
    let plain = |index: &Index| {
        let columns = index.keys.iter().map(|key| key.column.clone()).collect::<Option<Vec<_>>>();
        columns.filter(|_| index.unique && index.predicate.is_none())
    };
    !unique.chain(table.indexes.values().filter_map(plain)).any(|columns| tells(&columns))
}

fn first(mut reasons: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    reasons.retain(|reason| seen.insert(reason.clone()));
    let more = reasons.len().saturating_sub(REASONS);
    if more > 0 {
        reasons.truncate(REASONS);
        reasons.push(format!("and {more} more"));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grade_of(sql: &str) -> (Grade, Vec<String>) {
        let mut before = Catalog::new("public");
        before.apply(
            &Script::parse(
                "CREATE TABLE \"Song\" (\"id\" SERIAL NOT NULL, \"title\" TEXT NOT NULL, \"artist\" TEXT, \"plays\" INTEGER, \
                 CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\"));",
            ),
            "1_init",
        );
        let Graded { grade, why } = graded(&before, &Script::parse(sql));
        (grade, why)
    }

    #[test]
    fn values_of_rows_that_nothing_tells_apart_do_not_come_back() {
        let drops = "ALTER TABLE n DROP COLUMN b;";
        for (columns, grade) in [
            ("a INT, b TEXT", Grade::Backup),
            ("a INT UNIQUE, b TEXT", Grade::Backup),
            ("a INT NOT NULL UNIQUE, b TEXT", Grade::Kept),
            ("a INT, b TEXT PRIMARY KEY", Grade::Backup),
            ("a INT, b TEXT, PRIMARY KEY (a)", Grade::Kept),
        ] {
            let mut before = Catalog::new("public");
            before.apply(&Script::parse(format!("CREATE TABLE n ({columns});")), "1_init");
            assert_eq!(graded(&before, &Script::parse(drops)).grade, grade, "{columns}");
        }
    }

    #[test]
    fn a_migration_is_graded_by_what_its_reverse_can_do() {
        for sql in [
            "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;",
            "ALTER TABLE \"Song\" RENAME COLUMN \"artist\" TO \"artist_name\";",
            "CREATE INDEX \"i\" ON \"Song\" (\"artist\");",
            "CREATE TABLE \"Tag\" (\"id\" INTEGER); ALTER TABLE \"Tag\" RENAME TO \"Label\"; INSERT INTO \"Label\" VALUES (1);",
        ] {
            assert_eq!(grade_of(sql), (Grade::Reversible, Vec::new()), "{sql}");
        }
        for sql in ["ALTER TABLE \"Song\" DROP COLUMN \"artist\";", "DROP TABLE \"Song\";", "DELETE FROM \"Song\";"] {
            let (grade, why) = grade_of(sql);
            assert_eq!(grade, Grade::Kept, "{sql}: {why:?}");
            assert!(!why.is_empty(), "{sql}");
        }
        for sql in [
            "CREATE TABLE IF NOT EXISTS \"Tag\" (\"id\" INTEGER); INSERT INTO \"Tag\" VALUES (1);",
            "CREATE TABLE \"Tag\" (\"id\" INTEGER); DROP TABLE \"Tag\"; ALTER TABLE \"Song\" RENAME TO \"Tag\"; INSERT INTO \"Tag\" VALUES (1);",
            "SELECT reset_everything();",
            "CREATE TABEL \"x\" (\"id\" INTEGER);",
        ] {
            let (grade, why) = grade_of(sql);
            assert_eq!(grade, Grade::Backup, "{sql}: {why:?}");
            assert!(!why.is_empty(), "{sql}");
        }
    }
}
