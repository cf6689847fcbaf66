//! Whole lines of a model in schema.prisma: where a field stands, and the same line for another field. Everything that is not
//! about the change stays as it is written: spaces, comments, the other attributes.

use std::ops::Range;

use super::edit::{attribute, block_of, start_of_line};
use super::read::{listed, logical_lines};

/// The bytes of a field, from the start of its line to the end of its last.
pub fn field(text: &str, model: &str, field: &str) -> Option<Range<usize>> {
    let lines = logical_lines(text);
    let (body, _) = block_of(&lines, &["model"], model)?;
    let line = body.iter().find(|line| line.code.split_whitespace().next() == Some(field))?;
    Some(whole(text, &line.range))
}

/// An `@@index`, `@@unique` or `@@id` of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Whole lines.
    pub range: Range<usize>,
    /// The fields it names.
    pub fields: Vec<String>,
    /// `index`, `unique`, `id`, …
    pub word: String,
}

/// The lists of fields that a model ends with.
pub fn listings(text: &str, model: &str) -> Vec<Listing> {
    let lines = logical_lines(text);
    let Some((body, _)) = block_of(&lines, &["model"], model) else { return Vec::new() };
    let listing = |line: &super::read::Line| {
        let code = line.code.trim();
        let rest = code.strip_prefix("@@")?;
        let word: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        let fields = listed(rest);
        (!fields.is_empty()).then(|| Listing { range: whole(text, &line.range), fields, word })
    };
    body.iter().filter_map(listing).collect()
}

fn whole(text: &str, code: &Range<usize>) -> Range<usize> {
    let end =
        text.get(code.end..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| code.end + newline + 1);
    start_of_line(text, code.start)..end
}

/// What a field's line is to become.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewrite<'a> {
    pub name: Option<&'a str>,
    /// The type with `?` or `[]`.
    pub kind: Option<&'a str>,
    /// `@map`: a name, or none that it be taken away; left as it is without.
    pub map: Option<Option<&'a str>>,
    /// Attributes that go, by the beginning of their names.
    pub without: &'a [&'a str],
    /// Attributes that come behind the others.
    pub with: &'a str,
}

impl Rewrite<'_> {
    /// The line rewritten; none if it is not a field.
    pub fn of(&self, line: &str) -> Option<String> {
        let start = line.len() - line.trim_start().len();
        let name_end = start + line[start..].find(char::is_whitespace)?;
        let kind_start = name_end + (line[name_end..].len() - line[name_end..].trim_start().len());
        let rest = &line[kind_start..];
        let kind_end = kind_start + end_of_kind(rest)?;
        let (name, kind) = (&line[start..name_end], &line[kind_start..kind_end]);
        let (new_name, new_kind) = (self.name.unwrap_or(name), self.kind.unwrap_or(kind));
        let after = line[kind_end..].len() - line[kind_end..].trim_start_matches(' ').len();
        // columns stay where they are as long as there is room
        let gap = (name.len() + kind_start - name_end).saturating_sub(new_name.len()).max(1);
        let attributes = name.len() + (kind_start - name_end) + kind.len() + after;
        let space = match line[kind_end + after..].starts_with('@') {
            true => attributes.saturating_sub(new_name.len() + gap + new_kind.len()).max(1),
            false => after,
        };
        let mut new = format!(
            "{}{new_name}{}{new_kind}{}{}",
            &line[..start],
            " ".repeat(gap),
            " ".repeat(space),
            &line[kind_end + after..]
        );
        for gone in self.without {
            while let Some(range) = attribute_named(&new, gone) {
                cut(&mut new, range);
            }
        }
        if let Some(map) = self.map {
            if let Some(range) = attribute(&new, &(0..new.len()), "@map") {
                cut(&mut new, range);
            }
            if let Some(name) = map {
                append(&mut new, &format!("@map(\"{}\")", name.replace('\\', "\\\\").replace('"', "\\\"")));
            }
        }
        if !self.with.is_empty() {
            append(&mut new, self.with);
        }
        Some(new)
    }
}

/// A type ends where an attribute, a comment or a space begins; `Unsupported("x y")` holds spaces.
fn end_of_kind(rest: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, c) in rest.char_indices() {
        match c {
            '"' => quoted = !quoted,
            c if !quoted && (c.is_whitespace() || c == '@') => return (at > 0).then_some(at),
            '/' if !quoted => return (at > 0).then_some(at),
            _ => {}
        }
    }
    (!rest.is_empty()).then_some(rest.len())
}

/// What stands in a field's `@default(…)`.
pub fn default_of(line: &str) -> Option<String> {
    let range = attribute(line, &(0..code_end(line)), "@default")?;
    let (_, rest) = line.get(range)?.split_once('(')?;
    Some(rest.strip_suffix(')')?.trim().to_owned())
}

/// The type of a field's line in Prisma's words: `Int`, `Decimal @db.Decimal(10, 2)`.
pub fn type_of(line: &str) -> Option<String> {
    let code = line.split("//").next().unwrap_or(line);
    let kind = code.split_whitespace().nth(1)?.trim_end_matches('?').to_owned();
    let Some(at) = code.find("@db.") else { return Some(kind) };
    let native = &code[at..];
    let end = match (native.find('('), native.find(char::is_whitespace)) {
        (Some(open), space) if space.is_none_or(|space| open < space) => native.find(')')? + 1,
        (_, space) => space.unwrap_or(native.len()),
    };
    Some(format!("{kind} {}", &native[..end]))
}

/// An attribute whose name begins so, with its arguments if it has any.
fn attribute_named(line: &str, beginning: &str) -> Option<Range<usize>> {
    let code = ..code_end(line);
    let (mut quoted, mut escaped, mut depth, mut start) = (false, false, 0_u32, None::<usize>);
    let text = line.get(code)?;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '@' if depth == 0 => {
                if let Some(start) = start {
                    return Some(start..at);
                }
                start = text[at..].starts_with(beginning).then_some(at);
            }
            c if depth == 0 && c.is_whitespace() => {
                if let Some(start) = start {
                    return Some(start..at);
                }
            }
            _ => {}
        }
    }
    start.map(|start| start..text.len())
}

/// Where a comment or the end of the line begins, without the spaces before it.
fn code_end(line: &str) -> usize {
    let (mut quoted, mut escaped, mut end) = (false, false, line.len());
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '/' if !quoted && line[at..].starts_with("//") => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    line[..end].trim_end().len()
}

/// Takes bytes out, with the spaces before them.
fn cut(line: &mut String, range: Range<usize>) {
    let start = line[..range.start].trim_end().len();
    line.replace_range(start..range.end, "");
}

/// Adds an attribute behind the others, before a comment.
fn append(line: &mut String, attribute: &str) {
    let at = code_end(line);
    line.insert_str(at, &format!(" {attribute}"));
}

/// A list's line with other fields in it: `names` gives the new name for an old one.
pub fn relisted(line: &str, names: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let open = line.find('[')?;
    let close = open + line[open..].find(']')?;
    let list = &line[open + 1..close];
    let renamed: Vec<String> = list
        .split(',')
        .map(|part| {
            let start = part.len() - part.trim_start().len();
            let end =
                part[start..].find(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(part.len(), |end| start + end);
            match names(&part[start..end]) {
                Some(new) => format!("{}{new}{}", &part[..start], &part[end..]),
                None => part.to_owned(),
            }
        })
        .collect();
    Some(format!("{}{}{}", &line[..=open], renamed.join(","), &line[close..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "model Song {\n  id     Int    @id // the key\n  /// who sings\n  artist String @default(\"a // @x\") @map( \"art\" ) @db.VarChar(9) // sings\n  x Int\n\n  @@index([artist(ops: raw(\"a\")), x], map: \"i\")\n  @@map(\"songs\")\n}\n";

    #[test]
    fn a_field_and_a_list_are_whole_lines() {
        let range = field(TEXT, "Song", "artist").unwrap();
        assert_eq!(&TEXT[range], "  artist String @default(\"a // @x\") @map( \"art\" ) @db.VarChar(9) // sings\n");
        let lists = listings(TEXT, "Song");
        assert_eq!(lists.len(), 1);
        assert_eq!((lists[0].word.as_str(), lists[0].fields.clone()), ("index", vec!["artist".into(), "x".into()]));
        assert_eq!(field(TEXT, "Song", "nobody"), None);
        let line = &TEXT[lists[0].range.clone()];
        let renamed = relisted(line, &|name| (name == "artist").then(|| "singer".into())).unwrap();
        assert_eq!(renamed, "  @@index([singer(ops: raw(\"a\")), x], map: \"i\")\n");
    }

    #[test]
    fn only_what_is_meant_changes_in_a_line() {
        let line = "  artist   String   @default(\"a // @x\") @map( \"art\" ) @db.VarChar(9) // sings\r\n";
        let rewrite = Rewrite { name: Some("artist_name"), kind: Some("String?"), ..Rewrite::default() };
        assert_eq!(
            rewrite.of(line).unwrap(),
            "  artist_name String? @default(\"a // @x\") @map( \"art\" ) @db.VarChar(9) // sings\r\n"
        );
        let rewrite = Rewrite { map: Some(None), without: &["@db."], with: "@ignore", ..Rewrite::default() };
        assert_eq!(rewrite.of(line).unwrap(), "  artist   String   @default(\"a // @x\") @ignore // sings\r\n");
        let rewrite = Rewrite { map: Some(Some("b")), without: &["@default"], ..Rewrite::default() };
        assert_eq!(rewrite.of(line).unwrap(), "  artist   String @db.VarChar(9) @map(\"b\") // sings\r\n");
        let rewrite = Rewrite { name: Some("a"), ..Rewrite::default() };
        assert_eq!(rewrite.of("  artist String\n").unwrap(), "  a      String\n");
        let rewrite = Rewrite { kind: Some("String?"), ..Rewrite::default() };
        assert_eq!(rewrite.of("\tartist String // x\n").unwrap(), "\tartist String? // x\n");
        assert_eq!(rewrite.of("}\n"), None);
        assert_eq!(type_of("  a Int @default(0) // @db.X").unwrap(), "Int");
        assert_eq!(type_of("  a String? @db.Text").unwrap(), "String @db.Text");
    }
}
