//! What a person asks for, as commands give it.

use super::written::check_expression;

/// A change of columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// `Song.artist`, `shop.Song.artist`: names of the database, or of Prisma.
    pub columns: Vec<String>,
    /// The columns that take their place.
    pub into: Vec<NewColumn>,
    /// What fills an empty value, or what a column holds that is left out.
    pub value: Option<String>,
    /// What fills an empty value, as an expression.
    pub forward: Option<String>,
    /// The old values where the new release wrote.
    pub back: Vec<Back>,
    /// Old values need not come back from the new ones.
    pub lossy: bool,
}

/// A new column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewColumn {
    /// Its name; like the field's without one.
    pub column: Option<String>,
    /// The field's name in Prisma; like the column's without one.
    pub field: Option<String>,
    /// Its type in Prisma's words, without `?`; like the old one's without one.
    pub kind: Option<String>,
    /// Whether it may be empty; like the old one without a word.
    pub optional: Option<bool>,
    /// What it holds, as SQL about the row.
    pub value: Option<String>,
}

/// What an old column holds where the new release wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Back {
    /// The only one without a name.
    pub column: Option<String>,
    pub value: String,
}

impl NewColumn {
    /// Reads `first_name: EXPR`, `last_name?: EXPR`, `minutes Int @map("min"): EXPR`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let (head, value) = named(text).ok_or("write it like: first_name: split_part(artist, ' ', 1)")?;
        check_expression(value)?;
        let (name, kind) = head.split_once(char::is_whitespace).unwrap_or((head, ""));
        let (field, bare_optional) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
        if !is_field_name(field) {
            return Err(format!(
                "`{field}` is not a name for a field of Prisma; the column's name follows in @map(\"…\")"
            ));
        }
        let (kind, column) = without_map(kind.trim())?;
        let (word, native) = kind.split_once(char::is_whitespace).unwrap_or((&kind, ""));
        let (plain, optional) = word.strip_suffix('?').map_or((word, false), |word| (word, true));
        if plain.ends_with(']') {
            return Err(format!("{word}: a type of one value is expected"));
        }
        if word.starts_with('@') || native.split_whitespace().any(|attribute| !attribute.starts_with("@db.")) {
            return Err(format!("{kind}: a type is expected, and @db.… or @map(\"…\") behind it"));
        }
        let optional = match (bare_optional || optional, plain.is_empty()) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        };
        Ok(Self {
            column: Some(column.unwrap_or_else(|| field.to_owned())),
            field: Some(field.to_owned()),
            kind: (!plain.is_empty()).then(|| format!("{plain} {native}").trim().to_owned()),
            optional,
            value: Some(value.to_owned()),
        })
    }
}

impl Back {
    /// Reads `first_name: EXPR`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let (column, value) = named(text).ok_or("write it like: first_name: split_part(full_name, ' ', 1)")?;
        check_expression(value)?;
        Ok(Self { column: Some(column.trim_matches('"').to_owned()), value: value.to_owned() })
    }
}

/// Whether Prisma takes it for a field's name.
pub(super) fn is_field_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What stands before the first colon that is in no quotes, and what stands behind it. Two colons are a cast, and no name.
fn named(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let colon = text.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == ':' && !quoted
    });
    let (head, value) = text.split_at_checked(colon?.0)?;
    let value = value.strip_prefix(':')?;
    let fits = !head.trim().is_empty() && !value.starts_with(':');
    fits.then(|| (head.trim(), value.trim()))
}

/// A type without `@map("…")`, and the name in it.
fn without_map(kind: &str) -> Result<(String, Option<String>), String> {
    let Some((before, rest)) = kind.split_once("@map(") else { return Ok((kind.to_owned(), None)) };
    let name = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
    match name.and_then(|(name, rest)| Some((name, rest.trim_start().strip_prefix(')')?))) {
        Some((name, rest)) => {
            Ok((format!("{} {}", before.trim(), rest.trim()).trim().to_owned(), Some(name.to_owned())))
        }
        None => Err(format!("{kind}: @map(\"name\") is expected")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_column_is_read_with_its_type_and_expression() {
        let read = |text: &str| {
            let new = NewColumn::read(text).unwrap();
            (new.column.unwrap(), new.field.unwrap(), new.kind, new.optional, new.value.unwrap())
        };
        let own = |text: &str| text.to_owned();
        assert_eq!(
            read("first: split_part(artist, ':', 1)::text"),
            (own("first"), own("first"), None, None, own("split_part(artist, ':', 1)::text"))
        );
        assert_eq!(read("last?:x"), (own("last"), own("last"), None, Some(true), own("x")));
        assert_eq!(
            read("min Int? @db.SmallInt @map(\"the: min\"): 1"),
            (own("the: min"), own("min"), Some(own("Int @db.SmallInt")), Some(true), own("1"))
        );
        assert_eq!(read("a @map(\"b\"): c"), (own("b"), own("a"), None, None, own("c")));
        assert_eq!(read("a Int: c").3, Some(false));
        for (text, why) in [
            ("artist::text", "write it like"),
            ("artist", "write it like"),
            ("a: 1 +", "not an expression"),
            ("a b: DROP TABLE x", "not"),
            ("a Int[]: b", "of one value"),
            ("1a: b", "not a name"),
            ("a @unique: b", "a type is expected"),
            ("a Int @map(b): b", "is expected"),
        ] {
            assert!(NewColumn::read(text).unwrap_err().contains(why), "{text}");
        }
        assert_eq!(
            Back::read("\"First\": a || ': '").unwrap(),
            Back { column: Some(own("First")), value: own("a || ': '") }
        );
        assert!(Back::read("a::text").is_err());
    }
}
