//! A change in phases: schema.prisma says of the column or the table again what it said before, and the plan begins from there.

use std::path::PathBuf;

use crate::atomic;
use crate::catalog::{Catalog, ObjectName};
use crate::error::{Error, Explain as _, Result};
use crate::rename::schema::edit::{self, Spot};
use crate::rename::schema::{Schema, lines};
use crate::rename::{Decision, Decisions, Rename, in_phases};

/// A plan that is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phased {
    files: Vec<Restored>,
    /// What follows `phases`: `rename Song.artist:artist_name`.
    pub words: Vec<String>,
}

/// A file of the schema as the person left it, and as it was for what is to change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Restored {
    path: PathBuf,
    old: String,
    new: String,
}

impl Phased {
    /// What the decisions ask for; none where nothing is to change in phases, or where it is not known what schema.prisma said before.
    ///
    /// # Errors
    /// Exit status 2 for more than one: each plan is begun by itself.
    pub fn of(decisions: &Decisions, catalog: &Catalog, before: &[String], files: &[PathBuf]) -> Result<Option<Self>> {
        let mut expanded = decisions.candidates.iter().filter(|each| each.decision == Decision::Expand);
        let Some(rename) = expanded.next().map(|candidate| &candidate.rename) else {
            return Ok(None);
        };
        if let Some(second) = expanded.next() {
            let (_, from, _) = rename.spoken(catalog);
            return Err(Error::usage(format!("{from} and {} are both to change in phases", second.from)).help(
                "begin one plan after the other: take the second change out of schema.prisma until the first is begun",
            ));
        }
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).explain(|| format!("could not read {}", path.display()))?;
            Ok((path.clone(), text))
        };
        let now = files.iter().map(read).collect::<Result<Vec<_>>>()?;
        let (earlier, texts) = (Schema::read(before), now.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>());
        let schema = Schema::read(&texts);
        let Some(words) = in_phases(catalog, rename, (&earlier, &schema), &texts) else { return Ok(None) };
        let back = |(path, old): (PathBuf, String)| {
            let new = match rename {
                Rename::Column { table, from, to } => column_back(&old, before, (&earlier, table), (from, to))?,
                Rename::Table { from, to, .. } => table_back(&old, &earlier, &schema, (from, to))?,
                Rename::Enum { .. } | Rename::EnumValue { .. } => return None,
            };
            (new != old).then_some(Restored { path, old, new })
        };
        let files: Vec<Restored> = now.into_iter().filter_map(back).collect();
        Ok((!files.is_empty()).then_some(Self { files, words }))
    }

    /// Writes schema.prisma as it was for this change.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self) -> Result<()> {
        self.files.iter().try_for_each(|Restored { path, new, .. }| {
            atomic::write(path, new).explain(|| format!("could not write {}", path.display()))
        })
    }

    /// The files as the person had left them, unless they were changed since.
    pub fn take_back(&self) {
        for Restored { path, old, new } in &self.files {
            if std::fs::read_to_string(path).is_ok_and(|text| text == *new) {
                // an error is on its way to the person already
                let _ = atomic::write(path, old);
            }
        }
    }
}

/// A file's text with the model under the name that its table had, wherever it is named; none where nobody knows that name.
fn table_back(text: &str, earlier: &Schema, now: &Schema, (from, to): (&ObjectName, &ObjectName)) -> Option<String> {
    let (was, is) = (earlier.model_of_table(&from.schema, &from.name)?, now.model_of_table(&to.schema, &to.name)?);
    let back = edit::renamed(text, &is.name, &was.name);
    let declares = Schema::read(std::slice::from_ref(&back)).models.iter().any(|model| model.name == was.name);
    match declares {
        true if was.name == was.table => edit::unmapped(&back, &was.name),
        true => edit::mapped(&back, &Spot::Model(was.name.clone()), &was.table),
        false => Some(back),
    }
}

/// A file's text with the column as before; none where the file does not declare it.
fn column_back(
    text: &str,
    before: &[String],
    (earlier, table): (&Schema, &ObjectName),
    (from, to): (&str, &str),
) -> Option<String> {
    let now = Schema::read(&[text.to_owned()]);
    let model = earlier.model_of_table(&table.schema, &table.name)?;
    let (field, named) = (model.field_of_column(from)?, now.model_of_table(&table.schema, &table.name)?);
    let was = before.iter().find_map(|text| text.get(lines::field(text, &model.name, &field.name)?))?;
    let new = named.field_of_column(to)?;
    let mut text = text.to_owned();
    text.replace_range(lines::field(&text, &named.name, &new.name)?, was);
    if new.name != field.name {
        for listing in lines::listings(&text, &named.name).into_iter().rev() {
            if listing.fields.contains(&new.name) {
                let own = |name: &str| (name == new.name).then(|| field.name.clone());
                let relisted = lines::relisted(text.get(listing.range.clone())?, &own)?;
                text.replace_range(listing.range, &relisted);
            }
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "model Song {\n  id     Int    @id\n  artist String @db.VarChar(9) // who\n  length String\n\n  @@index([artist])\n}\n";

    fn named(name: &str) -> ObjectName {
        ObjectName { schema: "public".into(), name: name.into() }
    }

    fn back(after: &str, before: &[String], from: &str, to: &str) -> Option<String> {
        column_back(after, before, (&Schema::read(before), &named("Song")), (from, to))
    }

    #[test]
    fn the_column_is_as_it_was_and_the_rest_as_it_is() {
        let after = BEFORE
            .replace("artist String @db.VarChar(9) // who", "artist_name String")
            .replace("([artist])", "([artist_name])");
        let after = after.replace("length String", "length String?");
        let text = back(&after, &[BEFORE.to_owned()], "artist", "artist_name").unwrap();
        assert_eq!(text, BEFORE.replace("length String", "length String?"));
        assert!(back(BEFORE, &[], "a", "b").is_none());
    }

    #[test]
    fn the_table_is_as_it_was_wherever_it_is_named() {
        let before = BEFORE.to_owned() + "model Like {\n  song Song\n}\n";
        let after = before.replace("Song", "Track").replace("\n}\nmodel", "\n  @@map(\"tracks\")\n}\nmodel");
        let (earlier, now) = (Schema::read(std::slice::from_ref(&before)), Schema::read(std::slice::from_ref(&after)));
        let names = (&named("Song"), &named("tracks"));
        assert_eq!(table_back(&after, &earlier, &now, names).unwrap(), before);
        let mapped = before.replace("@@index", "@@map(\"songs\")\n  @@index");
        let earlier = Schema::read(&[mapped]);
        let text = table_back(&after, &earlier, &now, (&named("songs"), &named("tracks"))).unwrap();
        assert!(text.contains("model Song {") && text.contains("@@map(\"songs\")"), "{text}");
        assert!(table_back(&after, &earlier, &now, (&named("Song"), &named("tracks"))).is_none());
    }
}
