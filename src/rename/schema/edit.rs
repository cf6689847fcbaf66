//! schema.prisma edited so that an object keeps its name in the database under a new name in Prisma: `@map`, `@@map`. Only
//! the bytes concerned change.

use std::ops::Range;

use super::read::{Line, logical_lines};

/// What stands for an object of the database, by its names in Prisma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    Model(String),
    Field { model: String, field: String },
    Enum(String),
    Value { of: String, value: String },
}

impl Spot {
    /// The keywords of its block, the block's name, and the entry in it.
    fn parts(&self) -> (&'static [&'static str], &str, Option<&str>) {
        match self {
            Self::Model(name) => (&["model", "view"], name, None),
            Self::Field { model, field } => (&["model", "view"], model, Some(field)),
            Self::Enum(name) => (&["enum"], name, None),
            Self::Value { of, value } => (&["enum"], of, Some(value)),
        }
    }

    /// The name in Prisma.
    pub fn name(&self) -> &str {
        match self {
            Self::Model(name) | Self::Enum(name) => name,
            Self::Field { field, .. } => field,
            Self::Value { value, .. } => value,
        }
    }
}

/// The text in which `spot` has the name `database` in the database; none where it does not stand in this text.
pub fn mapped(text: &str, spot: &Spot, database: &str) -> Option<String> {
    let (keywords, block, entry) = spot.parts();
    let lines = logical_lines(text);
    let (body, close) = block_of(&lines, keywords, block)?;
    let string = format!("\"{}\"", database.replace('\\', "\\\\").replace('"', "\\\""));
    let (range, new) = match entry {
        Some(entry) => {
            let line = body.iter().find(|line| line.code.split_whitespace().next() == Some(entry))?;
            match attribute(text, &line.range, "@map") {
                Some(range) => (range, format!("@map({string})")),
                None => (line.range.end..line.range.end, format!(" @map({string})")),
            }
        }
        None => match body.iter().find_map(|line| attribute(text, &line.range, "@@map")) {
            Some(range) => (range, format!("@@map({string})")),
            None => {
                let at = start_of_line(text, close.range.start);
                (at..at, last_line(text, body, &string))
            }
        },
    };
    let mut edited = text.to_owned();
    edited.replace_range(range, &new);
    Some(edited)
}

/// The text in which a model has the name of its table again: without `@@map`.
pub fn unmapped(text: &str, model: &str) -> Option<String> {
    let lines = logical_lines(text);
    let (body, close) = block_of(&lines, &["model"], model)?;
    let Some(map) = body.iter().find(|line| attribute(text, &line.range, "@@map").is_some()) else {
        return Some(text.to_owned());
    };
    let end = text.get(map.range.end..)?.find('\n').map_or(text.len(), |newline| map.range.end + newline + 1);
    let mut start = start_of_line(text, map.range.start);
    // the empty line that set it apart goes too
    if end == start_of_line(text, close.range.start) {
        let before = start_of_line(text, start.saturating_sub(1));
        start = if text.get(before..start)?.trim().is_empty() { before } else { start };
    }
    let mut edited = text.to_owned();
    edited.replace_range(start..end, "");
    Some(edited)
}

/// The text in which a model is called otherwise: where it is declared, and as the type of fields.
pub fn renamed(text: &str, from: &str, to: &str) -> String {
    let (mut edited, mut within, mut found) = (text.to_owned(), false, Vec::new());
    for line in logical_lines(text) {
        let mut words = line.code.split_whitespace();
        let (Some(first), Some(second)) = (words.next(), words.next()) else { continue };
        let opens = line.code.trim_end().ends_with('{');
        if opens {
            within = ["model", "view", "type"].contains(&first);
        }
        let named = if opens { within && second.trim_end_matches('{') == from } else { within };
        let bare = second.trim_end_matches(['?', '[', ']', '{']);
        let behind = line.range.start + first.len();
        let gap = text.get(behind..line.range.end).map_or(0, |rest| rest.len() - rest.trim_start().len());
        let place = behind + gap..behind + gap + from.len();
        if named && bare == from && text.get(place.clone()) == Some(from) {
            found.push(place);
        }
    }
    for place in found.into_iter().rev() {
        edited.replace_range(place, to);
    }
    edited
}

/// The lines of a block, and the one that closes it.
pub(super) fn block_of<'l>(lines: &'l [Line], keywords: &[&str], block: &str) -> Option<(&'l [Line], &'l Line)> {
    let open = lines.iter().position(|line| {
        let mut words = line.code.split_whitespace();
        let keyword = words.next().is_some_and(|word| keywords.contains(&word));
        keyword && words.next().is_some_and(|word| word.trim_end_matches('{') == block) && line.code.contains('{')
    })?;
    let body = lines.get(open + 1..)?;
    let close = body.iter().position(|line| line.code.trim() == "}")?;
    Some((body.get(..close)?, body.get(close)?))
}

/// `@@map("…")` as a block's last line, indented as the others.
fn last_line(text: &str, body: &[Line], string: &str) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let written = |line: &&Line| !line.range.is_empty();
    let last = body.iter().rev().find(written);
    let indent =
        last.map_or("  ", |line| text.get(start_of_line(text, line.range.start)..line.range.start).unwrap_or("  "));
    let apart = if last.is_some_and(|line| line.code.trim_start().starts_with("@@")) { "" } else { newline };
    format!("{apart}{indent}@@map({string}){newline}")
}

pub(super) fn start_of_line(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Where an attribute with its brackets stands in a line, outside strings.
pub(super) fn attribute(text: &str, line: &Range<usize>, name: &str) -> Option<Range<usize>> {
    let code = text.get(line.clone())?;
    let (mut quoted, mut escaped) = (false, false);
    let mut start = None;
    let mut depth = 0_u32;
    for (at, c) in code.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '@' if start.is_none() && !code.get(..at).is_some_and(|before| before.ends_with('@')) => {
                let rest = code.get(at..)?.strip_prefix(name);
                start = rest.filter(|rest| rest.trim_start().starts_with('(')).map(|_| at);
            }
            '(' if start.is_some() => depth += 1,
            ')' if start.is_some() => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return start.map(|start| line.start + start..line.start + at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "/// songs\r\nmodel Song {\r\n  id     Int    @id // the key\r\n  artistName String @default(\"@map(\\\"x\\\")\") /* who */ @db.Text // sings\r\n  plays  Int    @map( name: \"play_count\" ) @default(0)\r\n  owner  User   @relation(fields: [ownerId],\r\n    references: [id])\r\n  ownerId Int\r\n}\r\nenum Role {\r\n  MEMBER // of a band\r\n  ADMIN\r\n\r\n  @@map(\"roles\")\r\n}\r\n";

    fn field(name: &str) -> Spot {
        Spot::Field { model: "Song".into(), field: name.into() }
    }

    #[test]
    fn a_model_is_renamed_where_it_is_declared_and_as_a_type() {
        let text = "/// a Song\nmodel Song{\n  Song  Int @id // Song\n  next Song? @relation(\"Song\", fields: [Song], references: [Song])\n  all Song[] @relation(\"Song\")\n}\nenum Kind {\n  a Song\n}\nmodel A {\n  song   Song   @ignore\n  songs Songs\n}\n";
        let renamed = renamed(text, "Song", "Track");
        assert_eq!(
            renamed,
            text.replace("model Song{", "model Track{")
                .replace("next Song?", "next Track?")
                .replace("all Song[]", "all Track[]")
                .replace("song   Song ", "song   Track ")
        );
        let mapped = mapped(&renamed, &Spot::Model("Track".into()), "songs").unwrap();
        assert!(mapped.contains("\n\n  @@map(\"songs\")\n}\nenum"), "{mapped}");
        assert_eq!(unmapped(&mapped, "Track").unwrap(), renamed);
        assert_eq!(unmapped(&renamed, "Track").unwrap(), renamed);
    }

    #[test]
    fn only_the_bytes_concerned_change() {
        for (spot, database, old, new) in [
            (field("artistName"), "artist", "@db.Text // sings", "@db.Text @map(\"artist\") // sings"),
            (field("plays"), "count", "@map( name: \"play_count\" )", "@map(\"count\")"),
            (field("ownerId"), "own \"er\"", "ownerId Int\r\n}", "ownerId Int @map(\"own \\\"er\\\"\")\r\n}"),
            (Spot::Model("Song".into()), "Track", "ownerId Int\r\n}", "ownerId Int\r\n\r\n  @@map(\"Track\")\r\n}"),
            (Spot::Enum("Role".into()), "Kind", "@@map(\"roles\")", "@@map(\"Kind\")"),
            (
                Spot::Value { of: "Role".into(), value: "MEMBER".into() },
                "USER",
                "MEMBER //",
                "MEMBER @map(\"USER\") //",
            ),
        ] {
            assert_eq!(mapped(TEXT, &spot, database), Some(TEXT.replacen(old, new, 1)), "{spot:?}");
            // it reads as meant, and once more changes nothing
            let once = mapped(TEXT, &spot, database).unwrap();
            assert_eq!(mapped(&once, &spot, database), Some(once.clone()));
        }
        assert_eq!(mapped(TEXT, &field("nobody"), "x"), None);
        assert_eq!(mapped(TEXT, &Spot::Enum("Song".into()), "x"), None);
    }

    #[test]
    fn prisma_reads_the_name_back() {
        let text = mapped(TEXT, &field("artistName"), "artist").unwrap();
        let text = mapped(&text, &Spot::Model("Song".into()), "Track").unwrap();
        let schema = super::super::Schema::read(&[text]);
        let model = schema.model_of_table("public", "Track").unwrap();
        assert_eq!(model.field_of_column("artist").unwrap().name, "artistName");
    }
}
