//! What a change of a column's type does to its values, judged by the expression that computes them.

use super::retype::{self, Retype};
use super::using::{Form, form};
use crate::catalog::Catalog;
use crate::sql::{DataType, Expr};

/// What becomes of the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conversion {
    /// The same type: nothing.
    Same,
    /// Each value leads back by a plain cast.
    Kept,
    /// Each value becomes one of its own (a list of one, a list as JSON, another label of an enum), and NULL stays NULL: nothing
    /// is lost, though no cast leads back.
    Mapped,
    /// Each value is read in a time zone: the named one, or the session's. Read in the same one it leads back, but for the hours
    /// that a change of clocks skips or repeats.
    Zoned { zone: Option<String> },
    /// A value that does not fit makes the statement fail.
    Refused,
    /// Values that do not fit are cut or rounded without an error.
    Altered,
    /// `USING` is more than a cast of the column: values may be merged, cut or replaced.
    Computed,
    /// A type that is not PostgreSQL's own, nor a known enum.
    Unknown,
}

impl Conversion {
    /// Whether a plain cast is known to give every value back.
    pub fn leads_back(&self) -> bool {
        matches!(self, Self::Same | Self::Kept)
    }
}

/// The enums that types may be. A type that a migration makes is in the catalog after it only, and labels that it renames have
/// their new names there.
#[derive(Debug, Clone, Copy)]
pub struct Enums<'a> {
    pub before: &'a Catalog,
    pub after: &'a Catalog,
}

impl<'a> Enums<'a> {
    /// Of one world.
    pub fn of(catalog: &'a Catalog) -> Self {
        Self { before: catalog, after: catalog }
    }

    /// The labels that values of a type can be before.
    pub(super) fn labels_before(self, of: &DataType) -> Option<&'a [String]> {
        self.before.enum_values(of).or_else(|| self.after.enum_values(of))
    }

    /// The labels that a type has afterwards.
    pub(super) fn labels_after(self, of: &DataType) -> Option<&'a [String]> {
        self.after.enum_values(of).or_else(|| self.before.enum_values(of))
    }
}

/// Judges a change of type.
pub fn judge(enums: Enums<'_>, from: &DataType, to: &DataType, using: Option<&Expr>, column: &str) -> Conversion {
    let casts = match using.map_or(Form::Casts(Vec::new()), |using| form(&using.text, column)) {
        Form::Casts(casts) => casts,
        Form::Zone(zone) => return zoned(from, to, zone),
        Form::List if DataType { array: true, ..from.clone() } == *to && !from.array => return Conversion::Mapped,
        Form::Json(kind) if kind == to.name && from.array && !to.array => {
            // elements that are JSON already change as they would by themselves
            return if from.name == "json" && kind == "jsonb" { Conversion::Altered } else { Conversion::Mapped };
        }
        Form::Labels { pairs, others, to: own } if own == *to => return relabelled(enums, from, to, &pairs, others),
        Form::List | Form::Json(_) | Form::Labels { .. } | Form::Computed => return Conversion::Computed,
    };
    if casts.is_empty() && from == to {
        return Conversion::Same;
    }
    let mut worst = Conversion::Same;
    let mut value = Value { data_type: from, labels: enums.labels_before(from) };
    for cast in &casts {
        let step = value.cast(enums, cast, true);
        worst = worse(worst, step);
        value.data_type = cast;
    }
    worse(worst, value.cast(enums, to, false))
}

/// Labels that become others: kept where no two become one and each new one is there.
fn relabelled(
    enums: Enums<'_>,
    from: &DataType,
    to: &DataType,
    pairs: &[(String, String)],
    others: bool,
) -> Conversion {
    let (Some(old), Some(new)) = (enums.labels_before(from), enums.labels_after(to)) else {
        return Conversion::Computed;
    };
    let becomes = |label: &String| {
        let pair = pairs.iter().find(|(own, _)| own == label).map(|(_, other)| other.clone());
        pair.or_else(|| others.then(|| label.clone()))
    };
    let Some(mut images) = old.iter().map(becomes).collect::<Option<Vec<String>>>() else {
        return Conversion::Computed;
    };
    let fit = images.iter().all(|label| new.contains(label));
    images.sort();
    images.dedup();
    match (from.array || to.array || images.len() < old.len(), fit) {
        (true, _) => Conversion::Computed,
        (false, true) => Conversion::Mapped,
        (false, false) => Conversion::Refused,
    }
}

/// Whether the values take no detour: they are cast to the new type and to no other on the way.
pub fn is_direct(to: &DataType, using: Option<&Expr>, column: &str) -> bool {
    using.is_none_or(|using| match form(&using.text, column) {
        Form::Casts(casts) => casts.iter().all(|cast| cast == to),
        Form::Zone(_) | Form::List | Form::Json(_) | Form::Labels { .. } | Form::Computed => false,
    })
}

/// Labels of an enum that the enum in its place does not have.
pub fn labels_gone(catalog: &Catalog, from: &DataType, to: &DataType) -> Vec<String> {
    match (catalog.enum_values(from), catalog.enum_values(to)) {
        (Some(before), Some(after)) => before.iter().filter(|label| !after.contains(label)).cloned().collect(),
        _ => Vec::new(),
    }
}

/// The zone of `column AT TIME ZONE 'zone'`, if that is all there is.
pub fn zone(using: &str, column: &str) -> Option<String> {
    match form(using, column) {
        Form::Zone(zone) => Some(zone),
        Form::Casts(_) | Form::List | Form::Json(_) | Form::Labels { .. } | Form::Computed => None,
    }
}

fn zoned(from: &DataType, to: &DataType, zone: String) -> Conversion {
    const WITH: &str = "timestamp with time zone";
    const WITHOUT: &str = "timestamp without time zone";
    let crosses = matches!((from.name.as_str(), to.name.as_str()), (WITH, WITHOUT) | (WITHOUT, WITH));
    if !crosses || from.array || to.array {
        return Conversion::Computed;
    }
    match retype::between(from, to) {
        Retype::Alters => Conversion::Altered,
        _ => Conversion::Zoned { zone: Some(zone) },
    }
}

/// The worse of two steps: a value that was cut stays cut, whatever follows.
fn worse(left: Conversion, right: Conversion) -> Conversion {
    let rank = |of: &Conversion| match of {
        Conversion::Same => 0,
        Conversion::Kept => 1,
        Conversion::Mapped => 2,
        Conversion::Zoned { .. } => 3,
        Conversion::Refused => 4,
        Conversion::Altered => 5,
        Conversion::Unknown => 6,
        Conversion::Computed => 7,
    };
    if rank(&right) > rank(&left) { right } else { left }
}

/// A value on its way through casts.
struct Value<'a> {
    data_type: &'a DataType,
    /// All that it can be, where it came out of an enum; a detour by text does not change that.
    labels: Option<&'a [String]>,
}

impl Value<'_> {
    fn cast(&self, enums: Enums<'_>, to: &DataType, explicit: bool) -> Conversion {
        let from = self.data_type;
        if from == to {
            return Conversion::Same;
        }
        if from.array != to.array {
            return Conversion::Unknown;
        }
        if let Some(labels) = self.labels {
            if let Some(after) = enums.labels_after(to) {
                let fits = labels.iter().all(|label| after.contains(label));
                return if fits { Conversion::Kept } else { Conversion::Refused };
            }
            let Some(widest) = retype::is_text(to).then(|| labels.iter().map(|label| label.chars().count()).max())
            else {
                return Conversion::Unknown;
            };
            let longest = i64::try_from(widest.unwrap_or(0)).unwrap_or(i64::MAX);
            return match retype::width(to) {
                Some(limit) if limit < longest && explicit => Conversion::Altered,
                Some(limit) if limit < longest => Conversion::Refused,
                _ => Conversion::Kept,
            };
        }
        if enums.labels_after(to).is_some() {
            return if retype::is_text(from) { Conversion::Refused } else { Conversion::Unknown };
        }
        match retype::between(from, to) {
            // repeated keys, the order of keys and white space are not kept
            _ if from.name == "json" && to.name == "jsonb" => Conversion::Altered,
            Retype::Instant | Retype::Rewrites if retype::reads_zone(from, to) => Conversion::Zoned { zone: None },
            Retype::Instant | Retype::Rewrites => Conversion::Kept,
            // an explicit cast to varchar(n) cuts where an assignment refuses
            Retype::Refuses if explicit && retype::is_text(to) && retype::is_text(from) => Conversion::Altered,
            Retype::Refuses => Conversion::Refused,
            Retype::Alters => Conversion::Altered,
            Retype::Unknown => Conversion::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::using::read_type;
    use super::*;
    use crate::sql::Script;

    /// What becomes of the values of a column `a` of this type.
    fn judged(from: &str, to: &str, using: Option<&str>) -> Conversion {
        let world = Script::parse(
            "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TYPE less AS ENUM ('glad'); CREATE TYPE more AS ENUM ('sad', 'glad', 'so');",
        );
        let catalog = Catalog::replay("public", [("1", &world)]);
        let (from, to) = (read_type(from).unwrap(), read_type(to).unwrap());
        let using = using.map(|text| Expr { text: text.into() });
        judge(Enums::of(&catalog), &from, &to, using.as_ref(), "a")
    }

    #[test]
    fn a_chain_of_casts_is_as_good_as_its_worst_step() {
        assert_eq!(judged("text", "text", Some("\"a\"::varchar(3)::text")), Conversion::Altered);
        assert_eq!(judged("bigint", "text", Some("(a::integer)::text")), Conversion::Refused);
        assert_eq!(judged("integer", "text", Some("CAST(a AS bigint)::text")), Conversion::Kept);
        assert_eq!(judged("text", "integer", None), Conversion::Refused);
        assert_eq!(judged("integer", "bigint", Some("t.\"a\"")), Conversion::Kept);
        assert_eq!(judged("text", "text", Some("left(a, 3)")), Conversion::Computed);
        assert_eq!(judged("text", "text", Some("b")), Conversion::Computed);
        assert_eq!(judged("text", "text", None), Conversion::Same);
        assert_eq!(judged("json", "jsonb", None), Conversion::Altered);
    }

    #[test]
    fn a_list_of_one_keeps_each_value() {
        let using = Some("(CASE WHEN \"a\" IS NULL THEN NULL ELSE ARRAY[\"a\"] END)");
        assert_eq!(judged("text", "text[]", using), Conversion::Mapped);
        assert_eq!(judged("text", "text[]", Some("ARRAY[a]")), Conversion::Mapped);
        assert_eq!(judged("text", "integer[]", Some("ARRAY[a]")), Conversion::Computed);
        assert_eq!(judged("text", "text[]", Some("ARRAY[b]")), Conversion::Computed);
        assert_eq!(judged("text", "text[]", Some("ARRAY[a, a]")), Conversion::Computed);
        assert_eq!(judged("jsonb[]", "jsonb", Some("to_jsonb(\"a\")")), Conversion::Mapped);
        assert_eq!(judged("json[]", "jsonb", Some("to_jsonb(a)")), Conversion::Altered);
        assert_eq!(judged("text[]", "jsonb", Some("to_jsonb(b)")), Conversion::Computed);
    }

    #[test]
    fn an_enum_is_its_labels() {
        assert_eq!(judged("mood", "more", Some("a::text::more")), Conversion::Kept);
        assert_eq!(judged("mood", "less", Some("(\"a\"::text::\"less\")")), Conversion::Refused);
        assert_eq!(judged("mood[]", "less[]", Some("a::text[]::less[]")), Conversion::Refused);
        assert_eq!(judged("mood", "text", None), Conversion::Kept);
        assert_eq!(judged("mood", "varchar(3)", None), Conversion::Refused);
        assert_eq!(judged("mood", "varchar(4)", Some("a::varchar(4)")), Conversion::Kept);
        assert_eq!(judged("text", "mood", Some("a::mood")), Conversion::Refused);
        assert_eq!(
            judged("mood", "text", Some("CASE a WHEN 'sad' THEN 'glad' ELSE a::text END")),
            Conversion::Computed
        );
        let labels = |arms: &str| judged("mood", "more", Some(&format!("(CASE \"a\"::text {arms} END)::\"more\"")));
        assert_eq!(labels("WHEN 'glad' THEN 'so' ELSE \"a\"::text"), Conversion::Mapped);
        assert_eq!(labels("WHEN 'glad' THEN 'sad' WHEN 'sad' THEN 'glad'"), Conversion::Mapped);
        assert_eq!(labels("WHEN 'glad' THEN 'sad' ELSE \"a\"::text"), Conversion::Computed);
        assert_eq!(labels("WHEN 'glad' THEN 'so'"), Conversion::Computed);
        assert_eq!(labels("WHEN 'glad' THEN 'other' ELSE \"a\"::text"), Conversion::Refused);
        assert_eq!(labels("WHEN 'glad' THEN 'so' ELSE \"b\"::text"), Conversion::Computed);
    }

    #[test]
    fn a_time_zone_is_read() {
        let zoned = |zone: &str| Conversion::Zoned { zone: Some(zone.into()) };
        assert_eq!(judged("timestamp(3)", "timestamptz(3)", Some("a AT TIME ZONE 'UTC'")), zoned("UTC"));
        assert_eq!(judged("timestamp(3)", "timestamptz(3)", None), Conversion::Zoned { zone: None });
        assert_eq!(judged("timestamptz(6)", "timestamp(3)", Some("(a AT TIME ZONE 'UTC')")), Conversion::Altered);
        assert_eq!(judged("date", "timestamptz", Some("a AT TIME ZONE 'UTC'")), Conversion::Computed);
        assert_eq!(judged("date", "timestamptz", None), Conversion::Zoned { zone: None });
    }
}
