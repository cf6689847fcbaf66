//! `@@index` in schema.prisma, so that Prisma finds the index declared and does not drop it again.

use std::path::PathBuf;

use crate::rename::schema::Schema;
use crate::rules::ModelIndex;
use crate::sql::Edit;

/// A file of the schema with its text.
pub type File = (PathBuf, String);

/// The edit that declares the index, with the place of its file in `files`; none where the model or a field is not found.
pub fn declare(files: &[File], index: &ModelIndex, default_schema: &str) -> Option<(usize, Edit)> {
    let schema = index.table.schema.as_deref().unwrap_or(default_schema);
    files.iter().enumerate().find_map(|(at, (_, text))| {
        let read = Schema::read(std::slice::from_ref(text));
        let model = read.model_of_table(schema, &index.table.name)?;
        let field = |column: &String| Some(model.fields.iter().find(|field| field.column == *column)?.name.clone());
        let fields: Vec<String> = index.columns.iter().map(field).collect::<Option<_>>()?;
        let end = end_of_model(text, &model.name)?;
        let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let before = text[..end].lines().next_back().unwrap_or_default().trim();
        let gap = if before.is_empty() || before.starts_with("@@") { "" } else { line_end };
        let line = format!("{gap}  @@index([{}]){line_end}", fields.join(", "));
        Some((at, Edit { range: end..end, text: line }))
    })
}

/// Where the line of a model's closing brace begins.
fn end_of_model(text: &str, name: &str) -> Option<usize> {
    let mut at = 0;
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        let code = line.trim();
        if inside && code.starts_with('}') {
            return Some(at);
        }
        let mut words = code.split(|c: char| c.is_whitespace() || c == '{');
        inside = inside || words.next() == Some("model") && words.find(|word| !word.is_empty()) == Some(name);
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Name, edit};

    fn declared(text: &str, table: &str, columns: &[&str]) -> Option<String> {
        let index = ModelIndex { table: Name::bare(table), columns: columns.iter().map(ToString::to_string).collect() };
        let files = [("schema.prisma".into(), text.to_owned())];
        let (_, edit) = declare(&files, &index, "public")?;
        edit::apply(text, &[edit]).ok()
    }

    #[test]
    fn an_index_is_declared_by_its_fields() {
        let text = "model Album {\n  id Int @id\n}\n\nmodel Song{\n  id Int @id\n  albumId Int @map(\"album_id\")\n\n  @@map(\"songs\")\n}\n";
        let of_song = |columns: &[&str]| declared(text, "songs", columns);
        let expected = text.replace("(\"songs\")\n", "(\"songs\")\n  @@index([albumId])\n");
        assert_eq!(of_song(&["album_id"]), Some(expected));
        assert_eq!(of_song(&["gone"]), None);
        assert_eq!(declared(text, "Album", &["id"]), Some(text.replacen("@id\n}", "@id\n\n  @@index([id])\n}", 1)));
    }
}
