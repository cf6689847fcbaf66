//! Generated drafts with known renames.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::*;
use super::journey;

/// A table's columns before, with what becomes of each: kept, renamed to a fresh name, given to the next (a chain or a
/// circle), dropped.
#[derive(Debug, Clone)]
struct Plan {
    columns: Vec<(usize, bool, u8)>,
    index: Vec<usize>,
    unique: bool,
    table_renamed: bool,
}

const TYPES: [&str; 4] = ["TEXT", "INTEGER", "BOOLEAN", "TIMESTAMP(3)"];

fn plans() -> impl Strategy<Value = Plan> {
    let column = (0usize..4, any::<bool>(), 0u8..4);
    (proptest::collection::vec(column, 1..6), proptest::collection::vec(0usize..6, 1..3), any::<bool>(), any::<bool>())
        .prop_map(|(columns, mut index, unique, table_renamed)| {
            index.retain(|at| *at < columns.len());
            index.dedup();
            Plan { columns, index, unique, table_renamed }
        })
}

/// Column names with what PostgreSQL allows and people avoid.
fn name(at: usize, new: bool) -> String {
    let stems = ["a", "select", "two words", "Größe", "it's", "x.y:z"];
    format!("{}{}", stems[at % stems.len()], if new { " neu" } else { "" })
}

impl Plan {
    fn target(&self, at: usize) -> Option<String> {
        match self.columns[at].2 {
            0 => Some(name(at, false)),
            1 | 2 => Some(name(at, true)),
            _ => None,
        }
    }

    fn table(&self, after: bool) -> &'static str {
        if after && self.table_renamed { "New Table" } else { "T" }
    }

    fn definition(&self, at: usize, name: &str) -> String {
        let (kind, required, _) = self.columns[at];
        format!("\"{name}\" {}{}", TYPES[kind], if required { " NOT NULL" } else { "" })
    }

    fn create(&self, after: bool) -> String {
        let mut text = format!("CREATE TABLE \"{}\" (\n    \"id\" SERIAL NOT NULL,\n", self.table(after));
        for at in 0..self.columns.len() {
            let name = if after { self.target(at) } else { Some(name(at, false)) };
            if let Some(name) = name {
                let _ = writeln!(text, "    {},", self.definition(at, &name));
            }
        }
        let _ = writeln!(text, "    CONSTRAINT \"{}_pkey\" PRIMARY KEY (\"id\")\n);", self.table(after));
        text
    }

    fn index(&self, after: bool) -> Option<(String, String)> {
        let columns: Option<Vec<String>> =
            self.index.iter().map(|at| if after { self.target(*at) } else { Some(name(*at, false)) }).collect();
        let columns = columns.filter(|columns| !columns.is_empty())?;
        let table = self.table(after);
        let index = format!("{table}_{}_{}", columns.join("_"), if self.unique { "key" } else { "idx" });
        let unique = if self.unique { "UNIQUE " } else { "" };
        let list = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let statement = format!("-- CreateIndex\nCREATE {unique}INDEX \"{index}\" ON \"{table}\"({list});\n");
        Some((index, statement))
    }

    /// The draft as Prisma would write it.
    fn draft(&self) -> String {
        let (old, new) = (self.index(false), self.index(true));
        let changed = old != new;
        let mut text = String::new();
        if let Some((index, _)) = old.filter(|_| changed && !self.table_renamed) {
            let _ = writeln!(text, "-- DropIndex\nDROP INDEX \"{index}\";\n");
        }
        if self.table_renamed {
            let _ = writeln!(text, "-- DropTable\nDROP TABLE \"T\";\n\n-- CreateTable\n{}", self.create(true));
        } else {
            let moved: Vec<usize> = (0..self.columns.len()).filter(|at| self.columns[*at].2 != 0).collect();
            let drops = moved.iter().map(|at| format!("DROP COLUMN \"{}\"", name(*at, false)));
            let adds = moved.iter().filter_map(|at| {
                self.target(*at).map(|name| format!("ADD COLUMN     {}", self.definition(*at, &name)))
            });
            let actions: Vec<String> = drops.chain(adds).collect();
            if !actions.is_empty() {
                let _ = writeln!(text, "-- AlterTable\nALTER TABLE \"T\" {};\n", actions.join(",\n"));
            }
        }
        if let Some((_, statement)) = new.filter(|_| changed) {
            text.push_str(&statement);
        }
        text
    }

    fn options(&self) -> Options {
        let mut options = Options::default();
        if self.table_renamed {
            options.rename.push("T:\"New Table\"".into());
        }
        for at in 0..self.columns.len() {
            let quoted = |name: &str| format!("{name:?}");
            let old = name(at, false);
            match self.target(at) {
                Some(new) if new != old => options.rename.push(format!("T.{}:{}", quoted(&old), quoted(&new))),
                Some(_) => {}
                None => options.delete.push(format!("T.{}", quoted(&old))),
            }
        }
        options
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever is renamed and dropped together: the rewrite ends where the draft ends, every renamed column is renamed,
    /// and a second run leaves it alone.
    #[test]
    fn generated_renames_are_proved(plan in plans()) {
        let before = plan.create(false) + &plan.index(false).map(|(_, statement)| statement).unwrap_or_default();
        let text = journey(&before, &plan.draft(), &plan.options(), &Hints::default()).expect("a rewrite");
        for at in 0..plan.columns.len() {
            let (old, new) = (name(at, false), plan.target(at));
            let moved = text.contains(&format!("RENAME COLUMN \"{old}\" TO"));
            prop_assert_eq!(moved, new.as_ref().is_some_and(|new| *new != old), "{}\n{}", old, text);
            if new.is_some() {
                prop_assert!(!text.contains(&format!("DROP COLUMN \"{old}\"")), "{}", text);
            }
        }
        prop_assert!(!plan.table_renamed || !text.contains("DROP TABLE"));
    }
}
