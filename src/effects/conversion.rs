//! What a change of a column's type does to its values, judged by the expression that computes them: a chain of casts of the
//! column, a time zone, or anything else.

use super::retype::{self, Retype};
use crate::catalog::Catalog;
use crate::sql::tokens::{Kind, Token, tokens};
use crate::sql::{ActionKind, DataType, Expr, Script, StatementKind};

/// What becomes of the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conversion {
    /// The same type: nothing.
    Same,
    /// Each value leads back by a plain cast.
    Kept,
    /// Each value becomes a list of one, and NULL stays NULL: nothing is lost, though no cast leads back.
    Listed,
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

/// How a `USING` expression makes the new value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// The column, cast to these types one after the other.
    Casts(Vec<DataType>),
    /// `column AT TIME ZONE 'zone'`.
    Zone(String),
    /// `ARRAY[column]`, also within `CASE WHEN column IS NULL THEN NULL ELSE … END`.
    List,
    Computed,
}

/// Judges a change of type. `catalog` is the world just before it.
pub fn judge(catalog: &Catalog, from: &DataType, to: &DataType, using: Option<&Expr>, column: &str) -> Conversion {
    let casts = match using.map_or(Form::Casts(Vec::new()), |using| form(&using.text, column)) {
        Form::Casts(casts) => casts,
        Form::Zone(zone) => return zoned(from, to, zone),
        Form::List if DataType { array: true, ..from.clone() } == *to && !from.array => return Conversion::Listed,
        Form::List => return Conversion::Computed,
        Form::Computed => return Conversion::Computed,
    };
    if casts.is_empty() && from == to {
        return Conversion::Same;
    }
    let mut worst = Conversion::Same;
    let mut value = Value { data_type: from, labels: catalog.enum_values(from) };
    for cast in &casts {
        let step = value.cast(catalog, cast, true);
        worst = worse(worst, step);
        value.data_type = cast;
    }
    worse(worst, value.cast(catalog, to, false))
}

/// Whether the values take no detour: they are cast to the new type and to no other on the way.
pub fn is_direct(to: &DataType, using: Option<&Expr>, column: &str) -> bool {
    using.is_none_or(|using| match form(&using.text, column) {
        Form::Casts(casts) => casts.iter().all(|cast| cast == to),
        Form::Zone(_) | Form::List | Form::Computed => false,
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
        Form::Casts(_) | Form::List | Form::Computed => None,
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
        Conversion::Listed => 2,
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
    fn cast(&self, catalog: &Catalog, to: &DataType, explicit: bool) -> Conversion {
        let from = self.data_type;
        if from == to {
            return Conversion::Same;
        }
        if from.array != to.array {
            return Conversion::Unknown;
        }
        if let Some(labels) = self.labels {
            if let Some(after) = catalog.enum_values(to) {
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
        if catalog.enum_values(to).is_some() {
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

fn form(using: &str, column: &str) -> Form {
    let tokens = tokens(using);
    let bare: Vec<&Token<'_>> = tokens.iter().filter(|it| !it.is_symbol("(") && !it.is_symbol(")")).collect();
    if let [name, at, time, zone, literal] = bare.as_slice()
        && is_name(name, column)
        && at.is("at")
        && time.is("time")
        && zone.is("zone")
        && literal.kind == Kind::Literal
    {
        return Form::Zone(literal.text.replace("''", "'"));
    }
    if is_list(&bare, column) {
        return Form::List;
    }
    let mut reader = Reader { text: using, tokens: &tokens, at: 0, column };
    match reader.value() {
        Some(casts) if reader.at == tokens.len() => Form::Casts(casts),
        _ => Form::Computed,
    }
}

/// A list of one, as a rename to a list is written.
fn is_list(tokens: &[&Token<'_>], column: &str) -> bool {
    let list = |tokens: &[&Token<'_>]| {
        matches!(tokens, [array, open, name, close]
            if array.is("array") && open.is_symbol("[") && is_name(name, column) && close.is_symbol("]"))
    };
    match tokens {
        [case, when, name, is, null, then, none, or, list_of_one @ .., end] => {
            case.is("case")
                && when.is("when")
                && is_name(name, column)
                && [is, null, then, none, or]
                    .iter()
                    .zip(["is", "null", "then", "null", "else"])
                    .all(|(it, word)| it.is(word))
                && list(list_of_one)
                && end.is("end")
        }
        tokens => list(tokens),
    }
}

fn is_name(token: &Token<'_>, column: &str) -> bool {
    match token.kind {
        Kind::Quoted => token.text.replace("\"\"", "\"") == column,
        Kind::Word => token.text.to_lowercase() == column,
        Kind::Literal | Kind::Symbol => false,
    }
}

/// Reads `"a"`, `("a")`, `"a"::text::"Role"` and `CAST("a" AS integer)`, however they stand in one another.
struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token<'a>],
    at: usize,
    column: &'a str,
}

impl Reader<'_> {
    fn symbol(&mut self, symbol: &str) -> Option<()> {
        self.tokens.get(self.at).filter(|token| token.is_symbol(symbol))?;
        self.at += 1;
        Some(())
    }

    fn value(&mut self) -> Option<Vec<DataType>> {
        let mut casts = self.operand()?;
        while self.symbol(":").is_some() {
            self.symbol(":")?;
            casts.push(self.data_type()?);
        }
        Some(casts)
    }

    fn operand(&mut self) -> Option<Vec<DataType>> {
        if self.symbol("(").is_some() {
            let casts = self.value()?;
            self.symbol(")")?;
            return Some(casts);
        }
        let first = self.tokens.get(self.at)?;
        self.at += 1;
        if first.is("cast") && self.symbol("(").is_some() {
            let mut casts = self.value()?;
            self.tokens.get(self.at).filter(|token| token.is("as"))?;
            self.at += 1;
            casts.push(self.data_type()?);
            self.symbol(")")?;
            return Some(casts);
        }
        let name = if self.symbol(".").is_some() {
            self.at += 1;
            self.tokens.get(self.at - 1)?
        } else {
            first
        };
        is_name(name, self.column).then(Vec::new)
    }

    /// A type's name with its modifiers: up to the next `::`, the closing parenthesis, or the end.
    fn data_type(&mut self) -> Option<DataType> {
        let start = self.tokens.get(self.at)?.start;
        let mut depth = 0_usize;
        let mut end = start;
        while let Some(token) = self.tokens.get(self.at) {
            match token.text {
                ":" if token.kind == Kind::Symbol => break,
                ")" if token.kind == Kind::Symbol && depth == 0 => break,
                "(" if token.kind == Kind::Symbol => depth += 1,
                ")" if token.kind == Kind::Symbol => depth -= 1,
                "." | "," | "[" | "]" if token.kind == Kind::Symbol => {}
                _ if token.kind == Kind::Symbol || token.kind == Kind::Literal => return None,
                _ => {}
            }
            end = token.end;
            self.at += 1;
        }
        read_type(self.text.get(start..end)?)
    }
}

/// A type as the parser reads it.
fn read_type(text: &str) -> Option<DataType> {
    let script = Script::parse(format!("ALTER TABLE t ALTER c TYPE {text}"));
    let [statement] = script.statements() else { return None };
    let StatementKind::AlterTable { actions, .. } = &statement.kind else { return None };
    match actions.as_slice() {
        [action] if script.errors().is_empty() => match &action.kind {
            ActionKind::SetType { data_type, using: None, .. } => Some(data_type.clone()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of the values of a column `a` of this type.
    fn judged(from: &str, to: &str, using: Option<&str>) -> Conversion {
        let world = Script::parse(
            "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TYPE less AS ENUM ('glad'); CREATE TYPE more AS ENUM ('sad', 'glad', 'so');",
        );
        let catalog = Catalog::replay("public", [("1", &world)]);
        let (from, to) = (read_type(from).unwrap(), read_type(to).unwrap());
        let using = using.map(|text| Expr { text: text.into() });
        judge(&catalog, &from, &to, using.as_ref(), "a")
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
        assert_eq!(judged("text", "text[]", using), Conversion::Listed);
        assert_eq!(judged("text", "text[]", Some("ARRAY[a]")), Conversion::Listed);
        assert_eq!(judged("text", "integer[]", Some("ARRAY[a]")), Conversion::Computed);
        assert_eq!(judged("text", "text[]", Some("ARRAY[b]")), Conversion::Computed);
        assert_eq!(judged("text", "text[]", Some("ARRAY[a, a]")), Conversion::Computed);
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
