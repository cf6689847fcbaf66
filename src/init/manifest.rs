//! package.json as text: scripts are rewired and one is added, every other byte stays.

use std::ops::Range;

use serde_json::Value;

use super::script;
use crate::error::{Error, Result};

/// The script that practices.md of every careful team has, by hand.
const BACKUP: (&str, &str) = ("prod:backup", "prisma-safe backup");

/// The new text, and what a person should know.
#[derive(Debug)]
pub(super) struct Rewired {
    pub(super) text: String,
    pub(super) notes: Vec<String>,
}

/// Rewires the scripts and adds `prod:backup`.
///
/// # Errors
/// Exit status 2 if the text is no JSON object.
pub(super) fn rewire(text: &str) -> Result<Rewired> {
    rewire_and(text, true)
}

/// The text of another package's manifest with its scripts rewired.
///
/// # Errors
/// As [`rewire`].
pub(super) fn rewired_scripts(text: &str) -> Result<String> {
    Ok(rewire_and(text, false)?.text)
}

fn rewire_and(text: &str, add_backup: bool) -> Result<Rewired> {
    // npm, too, accepts a byte order mark
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: Value = serde_json::from_str(json).map_err(|error| {
        Error::usage("package.json is not valid JSON").because(error).help("correct it, then run this again")
    })?;
    let root = text.len() - json.len() + leading_space(json);
    if !value.is_object() {
        return Err(Error::usage("package.json holds no JSON object"));
    }

    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut notes = Vec::new();
    let scripts = members(text, root).into_iter().find(|member| member.key == "scripts");
    let of_scripts = match &scripts {
        Some(scripts) if text[scripts.value.start..].starts_with('{') => members(text, scripts.value.start),
        Some(_) => return Err(Error::usage("\"scripts\" in package.json is not an object")),
        None => Vec::new(),
    };
    let shadowed = of_scripts.iter().any(|member| member.key == "prisma");
    for member in of_scripts.iter().filter(|member| text[member.value.clone()].starts_with('"')) {
        let (script, places) = decode(text, member.value.start);
        for call in script::calls(&script, shadowed) {
            if call.pinned {
                notes.push(format!(
                    "the script `{}` asks for a version of Prisma of its own and stays as it is",
                    member.key
                ));
            } else {
                edits.push((places[call.at.start]..places[call.at.end], "prisma-safe".into()));
            }
        }
    }
    let (name, command) = BACKUP;
    if !add_backup {
        return Ok(Rewired { text: edited(text, edits), notes });
    }
    match of_scripts.iter().find(|member| member.key == name) {
        Some(member) if decode(text, member.value.start).0.contains("prisma-safe") => {}
        Some(_) => {
            notes.push(format!("there is a script `{name}` already, which stays: deploys take their backup anyway"));
        }
        None => {
            let member = format!("\"{name}\": \"{command}\"");
            edits.push(match &scripts {
                Some(scripts) => added(text, scripts.value.start, &member),
                None => {
                    let (newline, unit) = (newline(text), indent_unit(text));
                    let object = format!("\"scripts\": {{{newline}{unit}{unit}{member}{newline}{unit}}}");
                    added(text, root, &object)
                }
            });
        }
    }
    Ok(Rewired { text: edited(text, edits), notes })
}

/// The text with a member added to one of its objects, which is made where it is not there. The text is valid JSON.
pub(super) fn with_member(text: &str, object: &str, member: &str) -> String {
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    let root = text.len() - json.len() + leading_space(json);
    let there = members(text, root).into_iter().find(|each| each.key == object);
    let edit = match there {
        Some(there) => added(text, there.value.start, member),
        None => {
            let (newline, unit) = (newline(text), indent_unit(text));
            added(text, root, &format!("\"{object}\": {{{newline}{unit}{unit}{member}{newline}{unit}}}"))
        }
    };
    edited(text, vec![edit])
}

/// Scripts that run Prisma with whatever their caller adds, and stay as they are.
pub(super) fn aliases(text: &str) -> Vec<(String, String)> {
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    let scripts = value["scripts"].as_object().into_iter().flatten();
    let texts = scripts.filter_map(|(name, script)| Some((name.clone(), script.as_str()?.to_owned())));
    texts
        .filter(|(name, script)| {
            let last = script.split_whitespace().next_back();
            let shadowed = value["scripts"]["prisma"].is_string();
            matches!(last, Some("prisma" | "prisma7")) && name != script && script::calls(script, shadowed).is_empty()
        })
        .collect()
}

/// The names of the scripts that [`rewire`] would change.
///
/// # Errors
/// As [`rewire`].
pub(super) fn open(text: &str) -> Result<Vec<String>> {
    let names = |text: &str| -> Result<Vec<(String, String)>> {
        let json = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value: Value = serde_json::from_str(json)
            .map_err(|error| Error::usage("package.json is not valid JSON").because(error))?;
        let scripts = value["scripts"].as_object().into_iter().flatten();
        Ok(scripts.map(|(name, script)| (name.clone(), script.to_string())).collect())
    };
    let (before, after) = (names(text)?, names(&rewire(text)?.text)?);
    Ok(before.into_iter().filter(|script| !after.contains(script)).map(|(name, _)| name).collect())
}

fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let mut text = text.to_owned();
    for (range, new) in edits.into_iter().rev() {
        text.replace_range(range, &new);
    }
    text
}

/// The edit that adds a member at the end of the object at `object`, formatted as its neighbours are.
fn added(text: &str, object: usize, member: &str) -> (Range<usize>, String) {
    let newline = newline(text);
    match members(text, object).last() {
        Some(last) => {
            let end = last.value.end;
            match own_line_indent(text, last.start) {
                Some(indent) => (end..end, format!(",{newline}{indent}{member}")),
                None => (end..end, format!(", {member}")),
            }
        }
        None => {
            let close = skip_space(text, object + 1);
            let outer = line_indent(text, object);
            let inner = format!("{outer}{}", indent_unit(text));
            (object + 1..close, format!("{newline}{inner}{member}{newline}{outer}"))
        }
    }
}

/// The indentation of what stands at `at`, if it begins its line.
fn own_line_indent(text: &str, at: usize) -> Option<&str> {
    let line = &text[text[..at].rfind('\n').map_or(0, |newline| newline + 1)..at];
    (line.trim().is_empty() && line.len() < at).then_some(line)
}

/// The indentation of the line that holds `at`.
fn line_indent(text: &str, at: usize) -> &str {
    let line = &text[text[..at].rfind('\n').map_or(0, |newline| newline + 1)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// One step of indentation: that of the first indented line.
fn indent_unit(text: &str) -> &str {
    let indents = text.lines().map(|line| &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]);
    indents.into_iter().find(|indent| !indent.is_empty()).unwrap_or("  ")
}

/// The line ending that a text uses.
pub(super) fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// A member of an object, by its places in the text.
struct Member {
    key: String,
    start: usize,
    value: Range<usize>,
}

/// The members of the object that begins at `object`, in valid JSON.
fn members(text: &str, object: usize) -> Vec<Member> {
    let mut members = Vec::new();
    let mut at = skip_space(text, object + 1);
    while text[at..].starts_with('"') {
        let (key, places) = decode(text, at);
        let colon = skip_space(text, places.last().map_or(at, |end| end + 1));
        let start = skip_space(text, colon + 1);
        let end = skip_value(text, start);
        members.push(Member { key, start: at, value: start..end });
        at = skip_space(text, end);
        if !text[at..].starts_with(',') {
            break;
        }
        at = skip_space(text, at + 1);
    }
    members
}

/// Where the value that begins at `start` ends.
fn skip_value(text: &str, start: usize) -> usize {
    let mut depth = 0_u32;
    let mut at = start;
    while let Some(letter) = text[at..].chars().next() {
        match letter {
            '"' => {
                at = decode(text, at).1.last().map_or(at, |end| end + 1);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            '{' | '[' => depth += 1,
            '}' | ']' if depth <= 1 => return if depth == 0 { at } else { at + 1 },
            '}' | ']' => depth -= 1,
            ',' | ' ' | '\t' | '\r' | '\n' if depth == 0 => return at,
            _ => {}
        }
        at += letter.len_utf8();
    }
    at
}

/// The string whose opening quote is at `quote`, and for each of its bytes, and for its end, the place in the text.
fn decode(text: &str, quote: usize) -> (String, Vec<usize>) {
    let mut string = String::new();
    let mut places = Vec::new();
    let mut at = quote + 1;
    while let Some(letter) = text[at..].chars().next().filter(|letter| *letter != '"') {
        let escape = text[at..].strip_prefix('\\').and_then(|rest| rest.chars().next());
        let (decoded, length) = match escape {
            None => (letter, letter.len_utf8()),
            Some('n') => ('\n', 2),
            Some('t') => ('\t', 2),
            Some('r') => ('\r', 2),
            Some('b' | 'f') => (' ', 2),
            Some('u') => {
                let code = text.get(at + 2..at + 6).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                // half of a pair outside the basic plane: no letter of a command
                (code.and_then(char::from_u32).unwrap_or('\u{fffd}'), 6)
            }
            Some(itself) => (itself, 1 + itself.len_utf8()),
        };
        string.push(decoded);
        places.resize(string.len(), at);
        at += length;
    }
    places.push(at);
    (string, places)
}

fn skip_space(text: &str, at: usize) -> usize {
    at + leading_space(&text[at..])
}

fn leading_space(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t', '\r', '\n']).len()
}

#[cfg(test)]
mod tests;
