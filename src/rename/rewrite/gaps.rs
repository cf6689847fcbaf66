//! Where text goes and comes: blank lines are closed and kept between statements.

use std::ops::Range;

use crate::sql::Edit;
use crate::sql::expression::{Piece, pieces};

/// A text's lines in the file's own line breaks.
pub(super) fn self_lines(text: &str, newline: &str) -> String {
    if newline == "\n" { text.to_owned() } else { text.replace('\n', newline) }
}

/// Replaces a run of statements by others; without any, the blank line below goes too.
pub(super) fn close(source: &str, range: Range<usize>, texts: &[String], newline: &str) -> Edit {
    let text = texts.join(&format!("{newline}{newline}"));
    if !text.is_empty() {
        return Edit { range, text };
    }
    let rest = &source[range.end..];
    let blank = rest.len() - rest.trim_start_matches(['\r', '\n', ' ', '\t']).len();
    if blank == rest.len() {
        // the last of the file: the blank line above goes instead
        let head = source[..range.start].trim_end_matches(['\r', '\n', ' ', '\t']).len();
        let text = if head == 0 { String::new() } else { newline.to_owned() };
        return Edit { range: head..source.len(), text };
    }
    let after_line = rest.trim_start_matches([' ', '\t']);
    if after_line.starts_with(['\r', '\n']) {
        // up to the next text, but not its indentation
        let end = range.end + blank;
        let line = source[..end].rfind('\n').map_or(end, |at| at + 1);
        return Edit { range: range.start..line.max(range.end), text };
    }
    Edit { range, text }
}

/// Puts a text before what stands at a place, with a blank line between.
pub(super) fn insert(source: &str, at: usize, text: &str, newline: &str) -> Edit {
    let text = if at < source.len() {
        format!("{text}{newline}{newline}")
    } else {
        let head = if source.is_empty() || source.ends_with('\n') { "" } else { newline };
        format!("{head}{text}{newline}")
    };
    Edit { range: at..at, text }
}

/// The bytes of the last (dotted) name of a text.
pub(super) fn last_name(text: &str) -> Option<Range<usize>> {
    let mut offset = 0;
    let placed: Vec<(usize, Piece<'_>)> = pieces(text)
        .into_iter()
        .map(|piece| {
            let start = offset;
            offset += piece.text().len();
            (start, piece)
        })
        .filter(|(_, piece)| !matches!(piece, Piece::Space(_)))
        .collect();
    let last = placed.iter().rposition(|(_, piece)| piece.name().is_some())?;
    let mut first = last;
    while first >= 2 && placed[first - 1].1 == Piece::Symbol(".") && placed[first - 2].1.name().is_some() {
        first -= 2;
    }
    let (end, piece) = placed[last];
    Some(placed[first].0..end + piece.text().len())
}
