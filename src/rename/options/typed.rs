//! Options as typed, taken apart.

use super::Options;
use crate::error::{Error, Result};
use crate::rename::directive::path;
use crate::rename::names::alike;

/// What an option is about, by its prefix and its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A table or a column.
    Plain,
    Enum,
    Value,
}

/// One option, taken apart.
pub(super) struct Typed<'a> {
    pub(super) flag: &'static str,
    pub(super) text: &'a str,
    pub(super) kind: Kind,
    pub(super) left: Vec<String>,
    /// None for `--delete`.
    pub(super) right: Option<Vec<String>>,
}

impl Typed<'_> {
    fn flag(&self) -> String {
        format!("{} {}", self.flag, self.text)
    }

    pub(super) fn error(&self, why: impl std::fmt::Display) -> Error {
        Error::usage(format!("{}: {why}", self.flag()))
    }
}

/// Every option.
///
/// # Errors
/// One that cannot be read.
pub(super) fn typed(options: &Options) -> Result<Vec<Typed<'_>>> {
    let all = [("--rename", &options.rename), ("--map", &options.map), ("--delete", &options.delete)];
    all.into_iter().flat_map(|(flag, texts)| texts.iter().map(move |text| take_apart(flag, text))).collect()
}

fn take_apart<'a>(flag: &'static str, text: &'a str) -> Result<Typed<'a>> {
    let rename = flag != "--delete";
    let (kind, rest) = match text.split_once(':') {
        Some(("enum", rest)) => (Kind::Enum, rest),
        Some(("value", rest)) => (Kind::Value, rest),
        _ => (Kind::Plain, text),
    };
    let broken = || {
        let form = if rename { "Song.artist:artist_name" } else { "Song.artist" };
        Error::usage(format!("{flag} {text}: cannot be read")).help(format!("write it like `{flag} {form}`"))
    };
    let (left, right) = if rename { split(rest).ok_or_else(broken)? } else { (rest, "") };
    let left = parts(left).ok_or_else(broken)?;
    let right = if rename { Some(parts(right).ok_or_else(broken)?) } else { None };
    Ok(Typed { flag, text, kind, left, right })
}

/// At the colon that stands outside quotes.
fn split(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ':' if !quoted => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

/// Names joined by dots; quotes are needed only around a dot, a colon or a quote.
fn parts(text: &str) -> Option<Vec<String>> {
    match path(text) {
        Some((parts, "")) => Some(parts),
        _ if text.contains('"') => None,
        _ => Some(text.split('.').map(str::to_owned).collect::<Vec<_>>())
            .filter(|parts| parts.iter().all(|part| !part.is_empty())),
    }
}

/// The one object found; none or several are errors that say what would do.
pub(super) fn only<T: std::fmt::Debug>(
    typed: &Typed<'_>,
    what: &str,
    name: &[String],
    mut found: Vec<T>,
    known: impl FnOnce() -> Vec<String>,
) -> Result<T> {
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => Err(typed
            .error(format!("{} names more than one {what}", name.join(".")))
            .help("put the schema before it: `schema.Table`")),
        (None, _) => {
            let error = typed.error(format!("there is no {what} {}", name.join(".")));
            let wanted = name.last().map_or("", String::as_str);
            let near = known().into_iter().map(|name| (alike(wanted, &name).score, name));
            let near = near.filter(|(score, _)| *score >= 0.5).max_by(|a, b| a.0.total_cmp(&b.0));
            Err(match near {
                Some((_, name)) => error.help(format!("did you mean {name}?")),
                None => error.help("`prisma-safe renames MIGRATION` lists what may be renamed"),
            })
        }
    }
}
