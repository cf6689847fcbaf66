//! A change in phases: schema.prisma says of the column again what it said before, and the plan begins from there.

use std::path::PathBuf;

use crate::atomic;
use crate::error::{Error, Explain as _, Result};
use crate::rename::schema::{Schema, lines};
use crate::rename::{Decision, Decisions, Rename};

/// A plan that is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phased {
    path: PathBuf,
    old: String,
    new: String,
    /// What follows `phases`: `rename Song.artist:artist_name`.
    pub words: Vec<String>,
}

impl Phased {
    /// What the decisions ask for; none where nothing is to change in phases, or where it is not known what schema.prisma said before.
    ///
    /// # Errors
    /// Exit status 2 for more than one: each plan is begun by itself.
    pub fn of(decisions: &Decisions, before: &[String], files: &[PathBuf]) -> Result<Option<Self>> {
        let mut expanded = decisions.candidates.iter().filter(|each| each.decision == Decision::Expand);
        let Some(Rename::Column { table, from, to }) = expanded.next().map(|candidate| &candidate.rename) else {
            return Ok(None);
        };
        if let Some(second) = expanded.next() {
            return Err(Error::usage(format!("{from} and {} are both to change in phases", second.from)).help(
                "begin one plan after the other: take the second change out of schema.prisma until the first is begun",
            ));
        }
        for path in files {
            let text = std::fs::read_to_string(path).explain(|| format!("could not read {}", path.display()))?;
            if let Some((new, words)) = back(&text, before, (&table.schema, &table.name), (from, to)) {
                return Ok(Some(Self { path: path.clone(), old: text, new, words }));
            }
        }
        Ok(None)
    }

    /// Writes schema.prisma as it was for this column.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self) -> Result<()> {
        atomic::write(&self.path, &self.new).explain(|| format!("could not write {}", self.path.display()))
    }

    /// The file as the person had left it, unless it was changed since.
    pub fn take_back(&self) {
        if std::fs::read_to_string(&self.path).is_ok_and(|text| text == self.new) {
            // an error is on its way to the person already
            let _ = atomic::write(&self.path, &self.old);
        }
    }
}

/// A file's text with the column as before, and the words of the plan; none where the file does not declare it.
fn back(
    text: &str,
    before: &[String],
    (schema, table): (&str, &str),
    (from, to): (&str, &str),
) -> Option<(String, Vec<String>)> {
    let earlier = Schema::read(before);
    let (model, now) = (earlier.model_of_table(schema, table)?, Schema::read(&[text.to_owned()]));
    let (field, named) = (model.field_of_column(from)?, now.model_of_table(schema, table)?);
    let was = before.iter().find_map(|text| text.get(lines::field(text, &model.name, &field.name)?))?;
    let new = named.field_of_column(to)?;
    let range = lines::field(text, &named.name, &new.name)?;
    let line = text.get(range.clone())?;
    let words = match from == to {
        false if new.name == to => vec!["rename".to_owned(), format!("{}.{from}:{to}", named.name)],
        false => {
            let own = ["rename".to_owned(), format!("{}.{from}:{to}", named.name)];
            own.into_iter().chain(["--field".to_owned(), new.name.clone()]).collect()
        }
        true => vec!["retype".to_owned(), format!("{}.{}", named.name, field.name), lines::type_of(line)?],
    };
    let mut text = text.to_owned();
    text.replace_range(range, was);
    if new.name != field.name {
        for listing in lines::listings(&text, &named.name).into_iter().rev() {
            if listing.fields.contains(&new.name) {
                let own = |name: &str| (name == new.name).then(|| field.name.clone());
                let relisted = lines::relisted(text.get(listing.range.clone())?, &own)?;
                text.replace_range(listing.range, &relisted);
            }
        }
    }
    Some((text, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "model Song {\n  id     Int    @id\n  artist String @db.VarChar(9) // who\n  length String\n\n  @@index([artist])\n}\n";

    #[test]
    fn the_column_is_as_it_was_and_the_rest_as_it_is() {
        let after = BEFORE
            .replace("artist String @db.VarChar(9) // who", "artist_name String")
            .replace("([artist])", "([artist_name])");
        let after = after.replace("length String", "length String?");
        let (text, words) = back(&after, &[BEFORE.to_owned()], ("public", "Song"), ("artist", "artist_name")).unwrap();
        assert_eq!(text, BEFORE.replace("length String", "length String?"));
        assert_eq!(words, ["rename", "Song.artist:artist_name"]);
    }

    #[test]
    fn another_type_is_named_with_its_native_one() {
        let after = BEFORE.replace("length String", "length Decimal? @db.Decimal(10, 2) @default(0)");
        let (text, words) = back(&after, &[BEFORE.to_owned()], ("public", "Song"), ("length", "length")).unwrap();
        assert_eq!((text.as_str(), words.last().unwrap().as_str()), (BEFORE, "Decimal @db.Decimal(10, 2)"));
        assert!(back(BEFORE, &[], ("public", "Song"), ("a", "b")).is_none());
    }
}
