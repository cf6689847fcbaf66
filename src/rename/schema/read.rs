//! From text to models and enums.

use std::ops::Range;

use super::{Enum, Field, Model, Schema};

/// One line of a block: its words, its attributes, its comment.
pub(super) struct Line {
    pub(super) code: String,
    comment: String,
    /// The bytes from its first to its last character of code; empty without any.
    pub(super) range: Range<usize>,
}

impl Line {
    fn empty(at: usize) -> Self {
        Self { code: String::new(), comment: String::new(), range: at..at }
    }

    /// A character of code, and where it stands.
    fn push(&mut self, at: usize, c: char) {
        self.code.push(c);
        if !c.is_whitespace() {
            let start = if self.range.is_empty() { at } else { self.range.start };
            self.range = start..at + c.len_utf8();
        }
    }
}

pub(super) fn read_file(text: &str, schema: &mut Schema) {
    let mut lines = logical_lines(text).into_iter();
    while let Some(line) = lines.next() {
        let mut words = line.code.split_whitespace();
        let (Some(keyword), Some(name)) = (words.next(), words.next()) else { continue };
        if !line.code.trim_end().ends_with('{') {
            continue;
        }
        let name = name.trim_end_matches('{').to_owned();
        let mut body = Vec::new();
        for line in lines.by_ref() {
            if line.code.trim() == "}" {
                break;
            }
            body.push(line);
        }
        match keyword {
            "model" | "view" => schema.models.push(read_model(name, &body)),
            "enum" => schema.enums.push(read_enum(name, &body)),
            "datasource" => schema.schemas.extend(read_schemas(&body)),
            _ => {}
        }
    }
}

/// The names in `schemas = ["billing", "public"]`, which may stand over several lines.
fn read_schemas(body: &[Line]) -> Vec<String> {
    let code = body.iter().map(|line| line.code.trim()).collect::<Vec<_>>().join(" ");
    let list = code
        .split_once("schemas")
        .and_then(|(_, rest)| rest.split_once('['))
        .and_then(|(_, rest)| rest.split_once(']'));
    let Some((list, _)) = list else { return Vec::new() };
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn read_model(name: String, body: &[Line]) -> Model {
    let mut model = Model { table: name.clone(), name, ..Model::default() };
    let mut above = String::new();
    for line in body {
        let code = line.code.trim();
        if code.is_empty() {
            above.push_str(&line.comment);
        } else if let Some(attribute) = code.strip_prefix("@@") {
            if let Some(mapped) = argument(attribute, "map") {
                model.table = mapped;
            } else if let Some(schema) = argument(attribute, "schema") {
                model.schema = Some(schema);
            } else if ["index", "unique", "id"].iter().any(|word| attribute.starts_with(word)) {
                model.indexes.push(listed(attribute));
            }
        } else {
            let comment = std::mem::take(&mut above) + &line.comment;
            model.fields.extend(read_field(code, comment));
        }
    }
    model
}

fn read_field(code: &str, comment: String) -> Option<Field> {
    let (name, rest) = code.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let (kind, attributes) =
        rest.find(|c: char| c.is_whitespace() || c == '@').map_or((rest, ""), |at| rest.split_at(at));
    let mut field = Field {
        name: name.to_owned(),
        column: name.to_owned(),
        kind: kind.to_owned(),
        comment: comment.trim().to_owned(),
        ..Field::default()
    };
    let mut kept = Vec::new();
    for attribute in attribute_texts(attributes) {
        if let Some(mapped) = argument(&attribute, "map") {
            field.column = mapped;
            continue;
        }
        if let Some(arguments) = attribute.strip_prefix("relation") {
            field.relation_name = strings(arguments).into_iter().next();
            field.relation_fields = arguments
                .split_once("fields:")
                .and_then(|(_, rest)| rest.split_once('[')?.1.split_once(']'))
                .map(|(list, _)| list.split(',').map(|name| name.trim().to_owned()).collect())
                .unwrap_or_default();
        }
        kept.push(format!("@{}", attribute.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    field.attributes = kept.join(" ");
    Some(field)
}

fn read_enum(name: String, body: &[Line]) -> Enum {
    let mut result = Enum { database: name.clone(), name, ..Enum::default() };
    for line in body {
        let code = line.code.trim();
        if let Some(attribute) = code.strip_prefix("@@") {
            if let Some(mapped) = argument(attribute, "map") {
                result.database = mapped;
            } else if let Some(schema) = argument(attribute, "schema") {
                result.schema = Some(schema);
            }
        } else if let Some(value) = code.split_whitespace().next() {
            let mapped = code.split_once('@').and_then(|(_, attribute)| argument(attribute, "map"));
            result.values.push((value.to_owned(), mapped.unwrap_or_else(|| value.to_owned())));
        }
    }
    result
}

/// The names in the first `[…]` of an attribute, without what stands in parentheses behind them.
pub(super) fn listed(attribute: &str) -> Vec<String> {
    let Some((_, rest)) = attribute.split_once('[') else { return Vec::new() };
    let (mut depth, mut names, mut name) = (0_u32, Vec::new(), String::new());
    for c in rest.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' | ']' if depth == 0 => {
                names.push(std::mem::take(&mut name).trim().to_owned());
                if c == ']' {
                    break;
                }
            }
            c if depth == 0 => name.push(c),
            _ => {}
        }
    }
    names
}

/// `map("x")` or `map(name: "x")`: the first string of the attribute `name`, which stands without its `@`.
fn argument(attribute: &str, name: &str) -> Option<String> {
    let rest = attribute.strip_prefix(name)?.trim_start();
    rest.starts_with('(').then(|| strings(rest).into_iter().next()).flatten()
}

/// The string literals of a text, unescaped.
fn strings(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut chars = text.chars();
    while chars.any(|c| c == '"') {
        let mut string = String::new();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => match chars.next() {
                    Some('n') => string.push('\n'),
                    Some(c) => string.push(c),
                    None => break,
                },
                c => string.push(c),
            }
        }
        found.push(string);
    }
    found
}

/// The attributes of a field, each without its `@`, split outside strings and brackets.
fn attribute_texts(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth = depth.saturating_sub(1),
            '@' if !quoted && depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = found.last_mut() {
            last.push(c);
        }
    }
    for attribute in &mut found {
        attribute.truncate(attribute.trim_end().len());
    }
    found
}

/// Lines with code and comment apart; a line that ends inside brackets goes on in the next.
pub(super) fn logical_lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = Line::empty(0);
    let mut depth = 0usize;
    let mut block_comment = false;
    let mut next = 0;
    for raw in text.split_inclusive('\n') {
        let start = next;
        next += raw.len();
        let raw = raw.trim_end_matches('\n').trim_end_matches('\r');
        let mut chars = raw.char_indices().peekable();
        let (mut quoted, mut escaped) = (false, false);
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, c)| *c);
            if block_comment {
                if c == '*' && next == Some('/') {
                    chars.next();
                    block_comment = false;
                }
                continue;
            }
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                '/' if !quoted && next == Some('/') => {
                    line.comment.push_str(raw[at..].trim_start_matches('/').trim());
                    line.comment.push('\n');
                    break;
                }
                '/' if !quoted && next == Some('*') => {
                    block_comment = true;
                    continue;
                }
                '(' | '[' if !quoted => depth += 1,
                ')' | ']' if !quoted => depth = depth.saturating_sub(1),
                _ => {}
            }
            line.push(start + at, c);
        }
        if depth > 0 {
            line.code.push(' ');
            continue;
        }
        // `enum E { A }` on one line is not valid Prisma, so a line holds one thing
        lines.push(std::mem::replace(&mut line, Line::empty(next)));
    }
    lines
}
