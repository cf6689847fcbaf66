//! JSON for people with large databases: what stands in a list has one line.

use std::io::{self, Write};

use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// Pretty outside of lists, compact in their entries.
#[derive(Default)]
pub(super) struct Lines {
    pretty: PrettyFormatter<'static>,
    compact: CompactFormatter,
    /// Objects within a list that are open.
    depth: u32,
    in_list: bool,
}

impl Lines {
    fn inside(&self) -> bool {
        self.depth > 0
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.inside() {
            return self.compact.begin_array(writer);
        }
        self.in_list = true;
        self.pretty.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.inside() {
            return self.compact.end_array(writer);
        }
        self.in_list = false;
        self.pretty.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if self.inside() {
            return self.compact.begin_array_value(writer, first);
        }
        self.pretty.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.inside() { Ok(()) } else { self.pretty.end_array_value(writer) }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.in_list {
            self.depth += 1;
            return self.compact.begin_object(writer);
        }
        self.pretty.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.in_list {
            self.depth -= 1;
            return self.compact.end_object(writer);
        }
        self.pretty.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if self.inside() {
            return self.compact.begin_object_key(writer, first);
        }
        self.pretty.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.inside() { writer.write_all(b":") } else { self.pretty.begin_object_value(writer) }
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.inside() { Ok(()) } else { self.pretty.end_object_value(writer) }
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_of_lists_have_a_line_each() {
        let value = json!({"a": 1, "b": {"c": [], "d": ["x", "y"]}, "e": [{"f": {"g": [1, 2]}, "h": "i"}, {}]});
        let mut text = Vec::new();
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, Lines::default())).unwrap();
        let expected = "{
  \"a\": 1,
  \"b\": {
    \"c\": [],
    \"d\": [
      \"x\",
      \"y\"
    ]
  },
  \"e\": [
    {\"f\":{\"g\":[1,2]},\"h\":\"i\"},
    {}
  ]
}";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
