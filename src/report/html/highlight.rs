//! SQL in colours: each line as pieces with a class, all of it text that the template escapes.

use serde::Serialize;

use crate::sql::Script;
use crate::sql::tokens::{Kind, tokens};

/// Words that carry a migration's meaning.
const KEYWORDS: &[&str] = &[
    "add",
    "after",
    "all",
    "alter",
    "and",
    "as",
    "asc",
    "before",
    "begin",
    "by",
    "cascade",
    "case",
    "check",
    "column",
    "commit",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "data",
    "default",
    "delete",
    "desc",
    "distinct",
    "do",
    "drop",
    "else",
    "end",
    "enum",
    "exists",
    "extension",
    "false",
    "foreign",
    "from",
    "function",
    "generated",
    "group",
    "having",
    "if",
    "in",
    "include",
    "index",
    "insert",
    "into",
    "is",
    "join",
    "key",
    "language",
    "left",
    "limit",
    "not",
    "null",
    "on",
    "or",
    "order",
    "primary",
    "references",
    "rename",
    "replace",
    "restrict",
    "returning",
    "returns",
    "schema",
    "select",
    "sequence",
    "set",
    "table",
    "temporary",
    "then",
    "to",
    "trigger",
    "true",
    "truncate",
    "type",
    "unique",
    "update",
    "using",
    "valid",
    "validate",
    "value",
    "values",
    "view",
    "when",
    "where",
    "with",
];

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Span<'a> {
    /// `k` keyword, `s` string, `c` comment, `n` quoted name; none for the rest.
    class: &'static str,
    text: &'a str,
}

/// Every line of the script, in pieces.
pub(super) fn lines(script: &Script) -> Vec<Vec<Span<'_>>> {
    let text = script.text();
    let mut marks: Vec<(std::ops::Range<usize>, &'static str)> =
        script.comments().iter().map(|comment| (comment.range.clone(), "c")).collect();
    marks.extend(tokens(text).iter().filter_map(|token| {
        let class = match token.kind {
            Kind::Word if KEYWORDS.contains(&token.text.to_ascii_lowercase().as_str()) => "k",
            Kind::Literal => "s",
            Kind::Quoted => "n",
            Kind::Word | Kind::Symbol => return None,
        };
        Some((token.start..token.end, class))
    }));
    marks.sort_by_key(|(range, _)| range.start);
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end_matches(['\n', '\r']).len();
        lines.push(spans(text, start..end, &marks));
        start += line.len();
    }
    lines
}

fn spans<'a>(
    text: &'a str,
    line: std::ops::Range<usize>,
    marks: &[(std::ops::Range<usize>, &'static str)],
) -> Vec<Span<'a>> {
    let mut spans = Vec::new();
    let mut at = line.start;
    // marks are sorted by where they begin, and those that overlap an earlier one are passed over
    let first = marks.partition_point(|(range, _)| range.end <= line.start);
    for (range, class) in marks[first..].iter().take_while(|(range, _)| range.start < line.end) {
        let (from, to) = (range.start.max(at), range.end.min(line.end));
        if from >= to {
            continue;
        }
        for (class, part) in [("", at..from), (*class, from..to)] {
            spans.extend(text.get(part).filter(|text| !text.is_empty()).map(|text| Span { class, text }));
        }
        at = to;
    }
    spans.extend(text.get(at..line.end).filter(|text| !text.is_empty()).map(|text| Span { class: "", text }));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_nothing_twice() {
        let text = "-- AlterTable\r\nALTER TABLE \"A\" ADD b TEXT DEFAULT 'x\ny'; /* a\nb */\n\nSELECT $$ c\n$$";
        let script = Script::parse(text);
        let shown: Vec<String> =
            lines(&script).iter().map(|line| line.iter().map(|span| span.text).collect()).collect();
        assert_eq!(shown, text.lines().collect::<Vec<_>>());
        let first = &lines(&script)[1];
        assert_eq!((first[0].class, first[0].text), ("k", "ALTER"));
        assert!(lines(&script)[2].iter().any(|span| span.class == "s"));
    }
}
