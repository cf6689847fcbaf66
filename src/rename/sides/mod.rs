//! Which of a self-relation's fields the columns A and B of its join table stand for. Prisma takes A for the field whose name
//! comes first in the alphabet, so renaming a field can turn every link round, and no draft says anything of it.

mod relation;
mod standing;

use std::collections::BTreeMap;

pub use self::standing::{Links, Turned, standing};

use self::relation::{Relation, Turn, turn};
use super::candidate::{Candidate, Rename, part};
use super::given::Given;
use super::scene::Scene;
use crate::catalog::ObjectName;
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::tools::git;

/// The start of the line that keeps, in a migration, which fields A and B stand for after it.
const SIDES: &str = "-- prisma-safe:sides ";

/// What a migration keeps of a join table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The fields that A and B stand for after it.
    pub fields: [String; 2],
    /// Whether it is committed: then the committed schema may be newer.
    pub committed: bool,
}

impl Recorded {
    /// The relation as it was kept; none where a committed schema has come further than that.
    fn relation(&self, now: &Relation) -> Option<Relation> {
        let counts = !self.committed || self.fields.iter().all(|field| now.fields.contains(field));
        counts.then(|| Relation { model: now.model.clone(), fields: self.fields.clone() })
    }
}

/// What migrations keep of self-relations' join tables; the last one counts.
pub fn recorded(migrations: &[Migration]) -> BTreeMap<String, Recorded> {
    let mut sides = BTreeMap::new();
    for migration in migrations.iter().filter(|migration| migration.sql.contains("prisma-safe:sides ")) {
        let committed = git::committed(&migration.path).is_some_and(|text| text == migration.sql);
        let lines = migration.script().comments().iter().filter_map(|comment| parse(&comment.text));
        sides.extend(lines.map(|(table, fields)| (table, Recorded { fields, committed })));
    }
    sides
}

/// A self-relation's join table, by its names before and after.
struct Linked {
    from: ObjectName,
    to: ObjectName,
    /// As it is now.
    relation: Relation,
    turn: Turn,
}

/// The join tables of self-relations, and those whose relation is not known from before.
fn turns(scene: &Scene<'_>, given: &Given) -> (Vec<Linked>, Vec<ObjectName>) {
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    let renamed = given.renames.iter().filter_map(|rename| match rename {
        Rename::Table { from, to, .. } => Some((from, to)),
        _ => None,
    });
    let kept = scene.before.tables.keys().filter(|name| scene.after.tables.contains_key(name));
    for (from, to) in renamed.chain(kept.map(|name| (name, name))) {
        let Some(new) = Relation::of(&scene.work, to).filter(|_| super::tables::is_join(scene.before.tables.get(from)))
        else {
            continue;
        };
        let recorded = scene.draft.hints.sides.get(&from.name);
        match recorded.and_then(|own| own.relation(&new)).or_else(|| Relation::of(&scene.head, from)) {
            Some(old) => {
                let turn = turn(&old, &new);
                found.push(Linked { from: from.clone(), to: to.clone(), relation: new, turn });
            }
            None => unknown.push(from.clone()),
        }
    }
    (found, unknown)
}

/// A and B of tables whose fields' order has changed: each becomes the other, which is certain.
pub(crate) fn find(scene: &Scene<'_>, given: &Given) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for Linked { from: table, relation, turn, .. } in turns(scene, given).0 {
        let Turn::Swapped { from, to } = turn else { continue };
        for (a, b) in [("A", "B"), ("B", "A")] {
            let rename = Rename::Column { table: table.clone(), from: a.into(), to: b.into() };
            if given.settles(&rename) {
                continue;
            }
            let model = &relation.model;
            let evidence = vec![
                format!("{model}.{from} became {model}.{to}"),
                format!("Prisma takes A for the field that comes first in the alphabet, now {}", relation.first()),
            ];
            candidates.push(Candidate::new(scene.before, rename, 1.0, true, evidence));
        }
    }
    candidates
}

/// Whether A and B of any join table changed places, or may have.
pub(crate) fn concern(scene: &Scene<'_>) -> bool {
    turns(scene, &Given::default()).0.iter().any(|linked| linked.turn != Turn::Kept)
}

/// Join tables of self-relations that the committed schema does not know: whether their columns changed places was not checked.
pub(crate) fn unchecked(scene: &Scene<'_>) -> Vec<ObjectName> {
    turns(scene, &Given::default()).1
}

/// Refuses a change after which it is not known which field A stands for.
///
/// # Errors
/// Exit status 3 then.
pub(crate) fn refuse_unknown(scene: &Scene<'_>, given: &Given) -> Result<()> {
    let all = turns(scene, given).0;
    let unknown = all.into_iter().find(|linked| linked.turn == Turn::Unknown);
    let Some(Linked { from: table, relation, .. }) = unknown else { return Ok(()) };
    let (model, [one, other]) = (&relation.model, &relation.fields);
    Err(Error::refused(format!(
        "both fields of a self-relation have new names ({model}.{one}, {model}.{other}): which of them columns A and B of {} \
         stand for cannot be told",
        table.name
    ))
    .because("Prisma takes A for the field that comes first in the alphabet: a wrong guess turns every link round")
    .help("rename one of the fields, run `prisma-safe migrate dev`, commit, then rename the other"))
}

/// The lines that keep which fields A and B stand for, for each table whose columns change places.
pub(crate) fn lines(scene: &Scene<'_>, renames: &[Rename]) -> Vec<String> {
    let given = Given { renames: renames.to_vec(), ..Given::default() };
    let swapped = turns(scene, &given).0.into_iter().filter(|linked| matches!(linked.turn, Turn::Swapped { .. }));
    let line = |Linked { to, relation, .. }: Linked| {
        let mut fields = relation.fields;
        fields.sort();
        format!("{SIDES}{} {} {}", part(&to.name), part(&fields[0]), part(&fields[1]))
    };
    swapped.map(line).collect()
}

/// Reads such a line: the table, and the fields that A and B stand for.
pub fn parse(comment: &str) -> Option<(String, [String; 2])> {
    let mut names = Vec::new();
    let mut rest = comment.trim_end().strip_prefix(SIDES)?;
    while !rest.is_empty() {
        let (path, after) = super::directive::path(rest)?;
        names.extend(path);
        rest = after.trim_start();
    }
    let [table, a, b]: [String; 3] = names.try_into().ok()?;
    Some((table, [a, b]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::rename::{Draft, Hints, Options, rewrite, settle};
    use crate::sql::Script;

    pub(super) const TABLE: &str = "CREATE TABLE \"Pupil\" (\"id\" SERIAL NOT NULL, CONSTRAINT \"Pupil_pkey\" PRIMARY KEY (\"id\"));\nCREATE TABLE \"_Mentoring\" (\"A\" INTEGER NOT NULL, \"B\" INTEGER NOT NULL, CONSTRAINT \"_Mentoring_AB_pkey\" PRIMARY KEY (\"A\",\"B\"));\nCREATE INDEX \"_Mentoring_B_index\" ON \"_Mentoring\"(\"B\");\nALTER TABLE \"_Mentoring\" ADD CONSTRAINT \"_Mentoring_A_fkey\" FOREIGN KEY (\"A\") REFERENCES \"Pupil\"(\"id\") ON DELETE CASCADE ON UPDATE CASCADE;\nALTER TABLE \"_Mentoring\" ADD CONSTRAINT \"_Mentoring_B_fkey\" FOREIGN KEY (\"B\") REFERENCES \"Pupil\"(\"id\") ON DELETE CASCADE ON UPDATE CASCADE;\n";

    pub(super) fn schema(one: &str, other: &str) -> Vec<String> {
        vec![format!(
            "model Pupil {{\n  id Int @id\n  {one} Pupil[] @relation(\"Mentoring\")\n  {other} Pupil[] @relation(\"Mentoring\")\n}}\n"
        )]
    }

    /// The rewrite of an empty draft.
    fn after(old: (&str, &str), new: (&str, &str), sides: Option<[&str; 2]>) -> Result<String> {
        let before = Catalog::replay("public", [("1", &Script::parse(TABLE))]);
        let recorded = |fields: [&str; 2]| Recorded { fields: fields.map(str::to_owned), committed: false };
        let sides = sides.map(|sides| ("_Mentoring".to_owned(), recorded(sides))).into_iter().collect();
        let hints = Hints {
            schema_before: schema(old.0, old.1),
            schema_after: schema(new.0, new.1),
            sides,
            ..Hints::default()
        };
        let script = Script::parse("");
        let draft = Draft { migration: "m", script: &script, before: &before, hints: &hints };
        let decisions = settle(&draft, &Options::default(), None)?;
        Ok(rewrite(&draft, &decisions)?.text.to_string())
    }

    #[test]
    fn only_a_change_of_order_swaps() {
        let swap = after(("mentors", "pupils"), ("mentors", "juniors"), None).unwrap();
        assert!(swap.contains("RENAME COLUMN \"A\" TO"), "{swap}");
        assert!(swap.contains("-- prisma-safe:sides _Mentoring juniors mentors\n"), "{swap}");
        for new in [("mentors", "scholars"), ("pupils", "mentors"), ("mentorz", "pupils")] {
            assert_eq!(after(("mentors", "pupils"), new, None).unwrap(), "", "{new:?}");
        }
        assert!(after(("mentors", "pupils"), ("seniors", "juniors"), None).is_err());
        // by bytes, as Prisma compares: capitals come first
        assert!(after(("mentors", "pupils"), ("mentors", "Pupils"), None).unwrap().contains("RENAME COLUMN"));
    }

    #[test]
    fn what_a_migration_records_counts_before_the_committed_schema() {
        let recorded = Some(["juniors", "mentors"]);
        assert_eq!(after(("mentors", "pupils"), ("mentors", "juniors"), recorded).unwrap(), "");
        assert!(after(("mentors", "pupils"), ("mentors", "pupils"), recorded).unwrap().contains("RENAME COLUMN"));
        assert_eq!(parse("-- prisma-safe:sides _M a \"b c\""), Some(("_M".into(), ["a".into(), "b c".into()])));
        assert_eq!(parse("-- prisma-safe:sides _M a"), None);
    }
}
