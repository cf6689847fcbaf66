//! How a column's values are carried to another type: what PostgreSQL 15 takes for it (`pg_cast`), and what becomes of them, as
//! a review judges it. Renames, fixes and advice are written from here.

use super::conversion::{self, Conversion, Enums};
use super::retype;
use crate::sql::data_type::spelled;
use crate::sql::{DataType, Expr, quote_identifier, quote_literal};

/// What happens to the values when a column's type changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cast {
    /// The same type.
    Same,
    /// Every value is kept; `using` where `SET DATA TYPE` alone is refused.
    Keeps { using: Option<String> },
    /// A value that does not fit makes the statement fail; none is changed.
    Checked { using: Option<String>, risk: String },
    /// Values may be changed without an error.
    Loses { reason: String },
    /// PostgreSQL has none.
    None,
}

/// A change of type. `relabelled` are labels of an enum that are others in the enum after, where it is known which.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    pub enums: Enums<'a>,
    pub from: &'a DataType,
    pub to: &'a DataType,
    pub relabelled: &'a [(String, String)],
}

impl<'a> Change<'a> {
    /// Labels stay what they are.
    pub fn new(enums: Enums<'a>, from: &'a DataType, to: &'a DataType) -> Self {
        Self { enums, from, to, relabelled: &[] }
    }

    /// The cast. `column` is the name that the column has when it runs.
    pub fn cast(&self, column: &str) -> Cast {
        let Self { enums, from, to, .. } = *self;
        if from == to {
            return Cast::Same;
        }
        if from.array && !self.relabelled.is_empty() {
            // a cast would keep the labels, which are other values there
            return Cast::Loses { reason: "labels that have other names there cannot be mapped within a list".into() };
        }
        let Some(using) = self.way(column) else { return Cast::None };
        let expression = using.as_ref().map(|text| Expr { text: text.clone() });
        match conversion::judge(enums, from, to, expression.as_ref(), column) {
            Conversion::Same | Conversion::Kept | Conversion::Mapped => Cast::Keeps { using },
            Conversion::Refused => Cast::Checked { using, risk: self.risk() },
            Conversion::Zoned { .. } => Cast::Loses { reason: "values depend on the session's time zone".into() },
            Conversion::Altered => Cast::Loses { reason: reason(from, to).into() },
            Conversion::Computed | Conversion::Unknown => Cast::None,
        }
    }

    /// What is written behind `SET DATA TYPE …`: nothing where PostgreSQL casts by itself, a `USING` expression where it has to be
    /// told; none where it has no cast.
    fn way(&self, column: &str) -> Option<Option<String>> {
        let Self { enums, from, to, .. } = *self;
        let (name, target) = (quote_identifier(column), spelled(to));
        let explicit = Some(Some(format!("{name}::{target}")));
        if from.array != to.array {
            let listed = DataType { array: true, ..from.clone() } == *to;
            return if listed {
                // NULL stays NULL, which Prisma reads as an empty list
                Some(Some(format!("CASE WHEN {name} IS NULL THEN NULL ELSE ARRAY[{name}] END")))
            } else {
                (from.array && is_json(to)).then(|| Some(format!("to_{}({name})", to.name)))
            };
        }
        // the detour of an array's elements goes through an array
        let text = if from.array { "text[]" } else { "text" };
        match (enums.labels_before(from).is_some(), enums.labels_after(to).is_some()) {
            (true, true) if !self.relabelled.is_empty() => {
                return Some(Some(self.labels(&name, &target)));
            }
            (true, true) => return Some(Some(format!("{name}::{text}::{target}"))),
            (false, true) => return if retype::is_text(from) { explicit } else { None },
            (true, false) if !retype::is_text(to) => return None,
            _ => {}
        }
        let integer = |of: &DataType| of.name == "integer";
        match (from.name.as_str(), to.name.as_str()) {
            _ if retype::is_text(from) && retype::is_text(to) => Some(None),
            _ if retype::is_number(from) && retype::is_number(to) => Some(None),
            _ if retype::is_time(from) && retype::is_time(to) => retype::has_time_cast(from, to).then_some(None),
            ("json", "jsonb") | ("jsonb", "json") | ("cidr", "inet") | ("inet", "cidr") => Some(None),
            ("boolean", _) if integer(to) => explicit,
            (_, "boolean") if integer(from) => explicit,
            // an explicit cast to varchar(n) cuts, an assignment refuses
            _ if retype::is_text(to) && retype::width(to).is_some() => Some(Some(format!("{name}::{text}"))),
            _ if retype::is_text(to) => explicit,
            _ if retype::is_text(from) && from_text(to) => explicit,
            _ => None,
        }
    }

    fn labels(&self, name: &str, target: &str) -> String {
        let arms: Vec<String> = self
            .relabelled
            .iter()
            .map(|(from, to)| format!("WHEN {} THEN {}", quote_literal(from), quote_literal(to)))
            .collect();
        let renamed = |label: &String| self.relabelled.iter().any(|(from, _)| from == label);
        let others = self.enums.labels_before(self.from).is_some_and(|labels| !labels.iter().all(renamed));
        let others = if others { format!(" ELSE {name}::text") } else { String::new() };
        format!("(CASE {name}::text {}{others} END)::{target}", arms.join(" "))
    }

    /// What makes the statement fail.
    fn risk(&self) -> String {
        let Self { enums, from, to, .. } = *self;
        let name = &to.name;
        match retype::width(to) {
            _ if enums.labels_after(to).is_some() && enums.labels_before(from).is_some() => {
                format!("a value that {name} has not makes it fail")
            }
            _ if enums.labels_after(to).is_some() => format!("a value that is none of {name}'s makes it fail"),
            Some(length) if retype::is_text(to) => format!("a value longer than {length} characters makes it fail"),
            _ if retype::is_text(from) => format!("a text that is no {name} makes it fail"),
            _ if name == "numeric" => "a number with too many digits makes it fail".into(),
            _ if retype::is_number(to) => format!("a number too large for {name} makes it fail"),
            _ => format!("a value that is no {name} makes it fail"),
        }
    }
}

/// What values would lose.
fn reason(from: &DataType, to: &DataType) -> &'static str {
    match (from.name.as_str(), to.name.as_str()) {
        (_, "character") | ("character", _) => "CHAR(n) pads or cuts trailing spaces",
        (_, "boolean") => "all numbers but 0 would become true",
        ("json", "jsonb") => "jsonb keeps neither repeated keys nor their order",
        (_, "smallint" | "integer" | "bigint") => "fractions would be rounded",
        (_, "real" | "double precision") => "digits beyond a float's precision would be lost",
        ("numeric", "numeric") => "digits after the point would be rounded",
        (_, "numeric") => "digits would be rounded",
        (a, b) if a == b && a.starts_with("time") => "fractions of seconds would be rounded",
        (a, "date") if a.starts_with("timestamp") => "the time of day would be lost",
        (a, b) if a.starts_with("timestamp") && b.starts_with("time ") => "the date would be lost",
        (a, b) if a.starts_with("time") && b.starts_with("time") => "parts of the time would be lost",
        _ if retype::is_text(to) => "texts that are too long would be cut",
        _ => "values would be changed without an error",
    }
}

fn is_json(of: &DataType) -> bool {
    matches!(of.name.as_str(), "json" | "jsonb")
}

/// Types whose input of a text either fails or means the same value.
fn from_text(to: &DataType) -> bool {
    matches!(
        to.name.as_str(),
        "smallint"
            | "integer"
            | "bigint"
            | "uuid"
            | "boolean"
            | "jsonb"
            | "json"
            | "numeric"
            | "date"
            | "inet"
            | "xml"
            | "timestamp without time zone"
    )
}
