//! What a dropped column's values look like, and which added columns they fit: counts and forms, never a value.

use std::collections::BTreeSet;

use super::exchange::Exchange;
use super::scene::Scene;
use super::score::Scale;
use super::weights::Sign;
use crate::catalog::{Column, ObjectName, Table};
use crate::sql::ConstraintKind;

/// What texts can look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    Email,
    Url,
    Uuid,
    Integer,
}

impl Form {
    /// Every form, with the regular expression (PostgreSQL's, case-insensitive) of its texts.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Email, r"^[^@\s]+@[^@\s]+\.[^@\s]+$"),
        (Self::Url, r"^[a-z][a-z0-9+.-]*://\S+$"),
        (Self::Uuid, r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$"),
        (Self::Integer, r"^\s*[+-]?\d{1,9}\s*$"),
    ];

    /// The form that a name promises.
    fn promised(words: &[String]) -> Option<Self> {
        words.iter().find_map(|word| match word.as_str() {
            "email" | "mail" => Some(Self::Email),
            "url" | "uri" | "link" | "website" | "href" => Some(Self::Url),
            "uuid" | "guid" => Some(Self::Uuid),
            _ => None,
        })
    }

    fn said(self) -> &'static str {
        match self {
            Self::Email => "e-mail addresses",
            Self::Url => "URLs",
            Self::Uuid => "UUIDs",
            Self::Integer => "whole numbers",
        }
    }
}

/// A column whose values would tell something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub table: ObjectName,
    pub column: String,
    /// Enums that may take its place, with their values.
    pub enums: Vec<(ObjectName, Vec<String>)>,
}

/// What was seen of a column's values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Rows that were looked at.
    pub rows: u64,
    /// Values among them that are not NULL.
    pub values: u64,
    /// Different ones.
    pub distinct: u64,
    /// Characters of the longest.
    pub longest: u64,
    /// The forms that every value has.
    pub forms: BTreeSet<Form>,
    /// The enums of [`Wanted`] that know every value.
    pub enums: BTreeSet<ObjectName>,
}

/// Dropped columns that something may take the place of.
pub(crate) fn wanted(scene: &Scene<'_>) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for pair in scene.kept_tables() {
        let (gone, come) = scene.columns(&pair);
        let Some(after) = scene.after.tables.get(&pair.to).filter(|_| !come.is_empty()) else { continue };
        let types: BTreeSet<ObjectName> =
            come.iter().filter_map(|name| Some(scene.after.type_name(&after.columns.get(name)?.data_type))).collect();
        let enums = types.into_iter().filter_map(|name| Some((name.clone(), scene.after.enums.get(&name)?.clone())));
        let enums: Vec<_> = enums.collect();
        wanted.extend(gone.into_iter().map(|column| Wanted { table: pair.from.clone(), column, enums: enums.clone() }));
    }
    wanted
}

/// Weighs what is known of the old column's values. Gives whether they speak against the new one.
pub(crate) fn weigh(scene: &Scene<'_>, exchange: &Exchange<'_>, from: &str, to: &str, scale: &mut Scale<'_>) -> bool {
    if let Some(count) = scene.counted.values.get(&(exchange.pair.from.name.clone(), from.to_owned())) {
        scale.line(format!("{from} holds {count} values"));
    }
    let known = scene.draft.hints.profiles.get(&(exchange.pair.from.clone(), from.to_owned()));
    let (Some(profile), Some(old), Some(new)) = (known, exchange.before(from), exchange.after(to)) else {
        return false;
    };
    if profile.values == 0 {
        if profile.rows > 0 {
            scale.line(format!("{from} holds no value in {} rows", profile.rows));
        }
        return false;
    }
    let unique = |table: Option<&Table>, column: &str| table.is_some_and(|table| is_unique(table, column));
    let becomes_unique = unique(scene.after.tables.get(&exchange.pair.to), to)
        && !unique(scene.before.tables.get(&exchange.pair.from), from);
    let objections = against(profile, (from, old), (to, new), becomes_unique);
    let mut objected = !objections.is_empty();
    for line in objections {
        scale.say(Sign::ValuesAgainst, 1.0, line);
    }
    let of_type = scene.after.type_name(&new.data_type);
    let belong = if scene.after.enums.contains_key(&of_type) && of_type != scene.before.type_name(&old.data_type) {
        Some(profile.enums.contains(&of_type))
    } else {
        let number = matches!(new.data_type.name.as_str(), "smallint" | "integer" | "bigint");
        (number && is_text(old)).then(|| profile.forms.contains(&Form::Integer))
    };
    match belong {
        Some(true) => scale.say(Sign::ValuesOfType, 1.0, format!("every value of {from} can be {}", of_type.name)),
        Some(false) => {
            scale.say(Sign::ValuesAgainst, 1.0, format!("not every value of {from} can be {}", of_type.name));
        }
        None => {}
    }
    objected |= belong == Some(false);
    objected | promises(scene, profile, (from, old), to, scale)
}

/// What the new column's definition does not let in.
fn against(
    profile: &Profile,
    (from, old): (&str, &Column),
    (to, new): (&str, &Column),
    becomes_unique: bool,
) -> Vec<String> {
    let mut lines = Vec::new();
    let empty = profile.rows - profile.values;
    if empty > 0 && new.not_null && !old.not_null {
        lines.push(format!("{from} is empty in {empty} of {} rows, {to} may not be", profile.rows));
    }
    if becomes_unique && profile.distinct < profile.values {
        lines.push(format!("{from} holds the same value twice, {to} may not"));
    }
    let room = new.data_type.modifiers.first().map(|length| length.unsigned_abs());
    if let Some(room) = room.filter(|room| is_text(new) && *room < profile.longest) {
        lines.push(format!("{from} holds {} characters, {to} has room for {room}", profile.longest));
    }
    lines
}

/// What the new name promises and the old one does not: the values keep it, or they do not.
fn promises(
    scene: &Scene<'_>,
    profile: &Profile,
    (from, old): (&str, &Column),
    to: &str,
    scale: &mut Scale<'_>,
) -> bool {
    let words = |name: &str| Form::promised(&scene.spelling(name).parts.words);
    let Some(form) = words(to).filter(|form| is_text(old) && words(from) != Some(*form)) else { return false };
    if profile.forms.contains(&form) {
        scale.say(Sign::ValuesKeepPromise, 1.0, format!("the values of {from} are {}", form.said()));
        return false;
    }
    scale.say(Sign::ValuesAgainst, 1.0, format!("the values of {from} are no {}", form.said()));
    true
}

fn is_text(column: &Column) -> bool {
    !column.data_type.array && matches!(column.data_type.name.as_str(), "text" | "character varying" | "character")
}

/// Whether no two rows may have the same value in this column alone.
fn is_unique(table: &Table, column: &str) -> bool {
    let alone = |columns: &[String]| columns.len() == 1 && columns[0] == column;
    let constraint = table.constraints.values().any(|constraint| {
        matches!(constraint.kind, ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. })
            && alone(constraint.kind.columns())
    });
    constraint
        || table.indexes.values().any(|index| {
            index.unique
                && index.predicate.is_none()
                && index.keys.len() == 1
                && index.keys[0].column.as_deref() == Some(column)
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::catalog::Catalog;
    use crate::rename::{Candidate, Draft, Hints, Rename, candidates};
    use crate::sql::Script;

    const BEFORE: &str =
        "CREATE TABLE \"Song\" (\"id\" INTEGER PRIMARY KEY, \"contact\" TEXT, \"code\" TEXT NOT NULL);";

    fn found(draft: &str, column: &str, profile: Profile) -> Vec<Candidate> {
        let script = Script::parse(draft);
        let before = Catalog::replay("public", [("m", &Script::parse(BEFORE))]);
        let song = ObjectName { schema: "public".into(), name: "Song".into() };
        let hints = Hints { profiles: BTreeMap::from([((song, column.into()), profile)]), ..Hints::default() };
        candidates(&Draft { migration: "n", script: &script, before: &before, hints: &hints })
    }

    fn score(candidates: &[Candidate], to: &str) -> f64 {
        let own = candidates.iter().filter(|each| matches!(&each.rename, Rename::Column { to: new, .. } if new == to));
        own.map(|each| each.score).next().unwrap_or_default()
    }

    fn values(count: u64, forms: &[Form]) -> Profile {
        let forms = forms.iter().copied().collect();
        Profile { rows: count, values: count, distinct: count, longest: 20, forms, ..Profile::default() }
    }

    #[test]
    fn values_decide_between_columns_that_are_alike_otherwise() {
        let draft =
            "ALTER TABLE \"Song\" DROP COLUMN \"contact\", ADD COLUMN \"email\" TEXT, ADD COLUMN \"website\" TEXT;";
        let mails = found(draft, "contact", values(9, &[Form::Email]));
        let urls = found(draft, "contact", values(9, &[Form::Url]));
        let nothing = found(draft, "contact", Profile::default());
        assert!((score(&nothing, "email") - score(&nothing, "website")).abs() < 0.1, "{nothing:?}");
        assert!(score(&mails, "email") > score(&nothing, "email").max(score(&mails, "website")), "{mails:?}");
        assert!(score(&urls, "website") > score(&urls, "email"), "{urls:?}");
        assert!(mails[0].evidence.iter().any(|line| line == "the values of contact are e-mail addresses"), "{mails:?}");
    }

    #[test]
    fn values_that_do_not_fit_leave_nothing_certain() {
        let draft = "ALTER TABLE \"Song\" DROP COLUMN \"code\", ADD COLUMN \"Code\" VARCHAR(10) NOT NULL;";
        let plain = "ALTER TABLE \"Song\" DROP COLUMN \"code\", ADD COLUMN \"Code\" TEXT NOT NULL;";
        assert!(found(plain, "code", values(9, &[]))[0].certain);
        let unique = format!("{plain} CREATE UNIQUE INDEX \"i\" ON \"Song\"(\"Code\");");
        let twice = Profile { distinct: 8, ..values(9, &[]) };
        assert!(!found(&unique, "code", twice.clone())[0].certain);
        assert!(score(&found(&unique, "code", twice), "Code") < score(&found(&unique, "code", values(9, &[])), "Code"));
        assert!(
            score(&found(draft, "code", values(9, &[])), "Code") < score(&found(plain, "code", values(9, &[])), "Code")
        );
    }

    #[test]
    fn texts_become_numbers_or_an_enum_where_all_of_them_do() {
        let number = "ALTER TABLE \"Song\" DROP COLUMN \"code\", ADD COLUMN \"codeNumber\" INTEGER;";
        let all = score(&found(number, "code", values(9, &[Form::Integer])), "codeNumber");
        assert!(all > score(&found(number, "code", values(9, &[])), "codeNumber"));
        let kind = "CREATE TYPE \"Kind\" AS ENUM ('A', 'B'); ALTER TABLE \"Song\" DROP COLUMN \"code\", ADD COLUMN \"kindCode\" \"Kind\";";
        let own = BTreeSet::from([ObjectName { schema: "public".into(), name: "Kind".into() }]);
        let all = score(&found(kind, "code", Profile { enums: own, ..values(9, &[]) }), "kindCode");
        assert!(all > score(&found(kind, "code", values(9, &[])), "kindCode"));
    }
}
