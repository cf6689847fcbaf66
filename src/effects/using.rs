//! How a `USING` expression makes the new value: a chain of casts, a time zone, a list, JSON, other labels, or anything else.

use crate::sql::tokens::{Kind, Token, tokens};
use crate::sql::{ActionKind, DataType, Script, StatementKind};

/// How a `USING` expression makes the new value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// The column, cast to these types one after the other.
    Casts(Vec<DataType>),
    /// `column AT TIME ZONE 'zone'`.
    Zone(String),
    /// `ARRAY[column]`, also within `CASE WHEN column IS NULL THEN NULL ELSE … END`.
    List,
    /// `to_json(column)` or `to_jsonb(column)`, by the type it gives.
    Json(String),
    /// `(CASE column::text WHEN 'a' THEN 'b' … [ELSE column::text] END)::type`.
    Labels {
        pairs: Vec<(String, String)>,
        /// Whether the others stay what they are.
        others: bool,
        to: DataType,
    },
    Computed,
}

/// Reads an expression over a column.
pub(super) fn form(using: &str, column: &str) -> Form {
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
    if let [function, name] = bare.as_slice()
        && is_name(name, column)
        && (function.is("to_json") || function.is("to_jsonb"))
    {
        return Form::Json(function.text.to_lowercase().replace("to_", ""));
    }
    if let Some(labels) = labels(using, &bare, column) {
        return labels;
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

/// Other labels for those of an enum, as a change from one enum to another is written.
fn labels(text: &str, tokens: &[&Token<'_>], column: &str) -> Option<Form> {
    let read = |tokens: &[&Token<'_>]| {
        matches!(tokens, [name, a, b, text]
            if is_name(name, column) && a.is_symbol(":") && b.is_symbol(":") && text.is("text"))
    };
    let (case, mut rest) = tokens.split_first()?;
    let (value, arms) = rest.split_at_checked(4)?;
    if !case.is("case") || !read(value) {
        return None;
    }
    rest = arms;
    let literal = |token: &Token<'_>| (token.kind == Kind::Literal).then(|| token.text.replace("''", "'"));
    let mut pairs = Vec::new();
    while let [when, from, then, to, more @ ..] = rest
        && when.is("when")
        && then.is("then")
    {
        pairs.push((literal(from)?, literal(to)?));
        rest = more;
    }
    let others = rest.first().is_some_and(|token| token.is("else"));
    if others {
        let (value, more) = rest.get(1..)?.split_at_checked(4)?;
        rest = more;
        if !read(value) {
            return None;
        }
    }
    let [end, a, b, first, ..] = rest else { return None };
    let to = text.get(first.start..)?.trim_end_matches([')', ' ', '\n']);
    (!pairs.is_empty() && end.is("end") && a.is_symbol(":") && b.is_symbol(":"))
        .then(|| Some(Form::Labels { pairs, others, to: read_type(to)? }))?
}

fn is_name(token: &Token<'_>, column: &str) -> bool {
    token.identifier().is_some_and(|name| name == column)
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
pub(super) fn read_type(text: &str) -> Option<DataType> {
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
