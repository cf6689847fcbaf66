//! Changes at random, with what is known about them: two models with fields of every kind, keys, an enum, relations; each
//! thing keeps its name, gets another one, or goes.

use std::fmt::Write as _;

use prisma_safe::rename::Options;
use proptest::prelude::*;

use super::Change;

/// What becomes of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Renamed,
    Goes,
}

/// A field.
#[derive(Debug, Clone)]
struct Field {
    kind: usize,
    optional: bool,
    default: bool,
    key: Key,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    None,
    Index,
    Unique,
}

/// The whole change.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    fields: [Vec<Field>; 2],
    /// The models' tables, the enum, one of its values, the foreign key's column, the primary key's column.
    renamed: [bool; 6],
    added: bool,
    many: bool,
    self_relation: bool,
    /// Columns are named by `@map`, with what Prisma's own names cannot have.
    mapped: bool,
}

/// Type, and a default.
const KINDS: [(&str, &str); 9] = [
    ("String", "\"it's\""),
    ("Int", "7"),
    ("BigInt", "8"),
    ("Boolean", "true"),
    ("DateTime", "now()"),
    ("Decimal", "1.5"),
    ("Json", "\"{}\""),
    ("Kind", "B"),
    ("String[]", "[\"a\"]"),
];

/// Old and new names; whatever is alike in them says nothing.
const NAMES: [(&str, &str); 6] = [
    ("artist", "performer"),
    ("select", "group"),
    ("two words", "three more words"),
    ("Größe", "größe"),
    ("a\\\"b", "it's"),
    ("x.y:z", "a_name_that_is_long_enough_to_make_every_derived_name_longer_than_what_fits"),
];

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![2 => Just(Fate::Stays), 3 => Just(Fate::Renamed), 1 => Just(Fate::Goes)]
}

fn field() -> impl Strategy<Value = Field> {
    let key = prop_oneof![3 => Just(Key::None), 1 => Just(Key::Index), 1 => Just(Key::Unique)];
    (0..KINDS.len(), any::<bool>(), any::<bool>(), key, fate()).prop_map(|(kind, optional, default, key, fate)| Field {
        kind,
        optional,
        default,
        key,
        fate,
    })
}

pub(super) fn plans() -> impl Strategy<Value = Plan> {
    let fields = || proptest::collection::vec(field(), 1..5);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    ([fields(), fields()], any::<[bool; 6]>(), flags).prop_map(
        |(fields, renamed, (added, many, self_relation, mapped))| Plan {
            fields,
            renamed,
            added,
            many,
            self_relation,
            mapped,
        },
    )
}

/// Which state of the schema is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    After,
}

impl Plan {
    fn either<'a>(&self, what: usize, state: State, names: (&'a str, &'a str)) -> &'a str {
        if state == State::After && self.renamed[what] { names.1 } else { names.0 }
    }

    fn model(&self, which: usize, state: State) -> &'static str {
        self.either(which, state, [("Song", "Zong"), ("Album", "Record")][which])
    }

    fn kind(&self, state: State) -> &'static str {
        self.either(2, state, ("Kind", "Sort"))
    }

    fn key(&self, state: State) -> &'static str {
        self.either(5, state, ("id", "uid"))
    }

    fn foreign(&self, state: State) -> &'static str {
        self.either(4, state, ("songId", "zongId"))
    }

    /// The column of a field; none where it is gone.
    fn column(&self, at: usize, field: &Field, state: State) -> Option<&'static str> {
        let names = NAMES[at];
        match (state, field.fate) {
            (State::Before, _) | (State::After, Fate::Stays) => Some(names.0),
            (State::After, Fate::Renamed) => Some(names.1),
            (State::After, Fate::Goes) => None,
        }
    }

    /// A list of enum values stays what it is, and a field's name is its own: only its column moves.
    fn schema(&self, state: State) -> String {
        let (one, two, kind) = (self.model(0, state), self.model(1, state), self.kind(state));
        let value = self.either(3, state, ("A", "FIRST"));
        let (id, foreign) = (self.key(state), self.foreign(state));
        let mut text = String::from("datasource db {\n  provider = \"postgresql\"\n}\n");
        let _ = writeln!(text, "enum {kind} {{\n  {value}\n  B\n  C\n}}");
        let _ = writeln!(
            text,
            "model {one} {{\n  {id} Int @id @default(autoincrement())\n  albums {two}[] @relation(\"Of\")"
        );
        if self.many {
            let _ = writeln!(text, "  liked {two}[]");
        }
        if self.self_relation {
            let _ = writeln!(
                text,
                "  aboveId Int?\n  above {one}? @relation(\"Tree\", fields: [aboveId], references: [{id}])\n  below {one}[] @relation(\"Tree\")"
            );
        }
        self.write_fields(0, state, &mut text);
        let _ = writeln!(text, "}}\nmodel {two} {{\n  no BigInt @id @default(autoincrement())");
        let _ =
            writeln!(text, "  {foreign} Int\n  song {one} @relation(\"Of\", fields: [{foreign}], references: [{id}])");
        if self.many {
            let _ = writeln!(text, "  likers {one}[]");
        }
        self.write_fields(1, state, &mut text);
        let _ = writeln!(text, "  @@index([{foreign}])\n}}");
        text
    }

    fn write_fields(&self, model: usize, state: State, text: &mut String) {
        let mut keys = Vec::new();
        for (at, field) in self.fields[model].iter().enumerate() {
            let Some(column) = self.column(at, field, state) else { continue };
            let (kind, default) = KINDS[field.kind];
            let list = kind.ends_with("[]");
            let own = if kind == "Kind" { self.kind(state) } else { kind };
            let optional = if field.optional && !list { "?" } else { "" };
            let default = if field.default { format!(" @default({default})") } else { String::new() };
            let (name, map) = if self.mapped {
                (format!("f{at}{}", if state == State::After { "n" } else { "" }), format!(" @map(\"{column}\")"))
            } else {
                (format!("f{at}{}", if column == NAMES[at].1 { "new" } else { "" }), String::new())
            };
            let _ = writeln!(text, "  {name} {own}{optional}{default}{map}");
            match field.key {
                Key::None => {}
                Key::Index if kind == "Json" => {}
                Key::Unique if matches!(kind, "Json" | "Boolean" | "Kind") => {}
                Key::Index => keys.push(format!("  @@index([{name}])")),
                Key::Unique => keys.push(format!("  @@unique([{name}])")),
            }
        }
        if self.added && state == State::After {
            let _ = writeln!(text, "  extra{model} Float?");
        }
        for key in keys {
            let _ = writeln!(text, "{key}");
        }
    }

    /// The change with the options that say what is meant.
    pub(super) fn change(&self) -> Change {
        let mut options = Options::default();
        let (song, album) = (self.model(0, State::Before), self.model(1, State::Before));
        for which in [0, 1].into_iter().filter(|which| self.renamed[*which]) {
            options.rename.push(format!("{}:{}", self.model(which, State::Before), self.model(which, State::After)));
        }
        if self.renamed[2] {
            options.rename.push("enum:Kind:Sort".into());
        }
        if self.renamed[3] {
            options.rename.push("value:Kind.A:FIRST".into());
        }
        if self.renamed[4] {
            options.rename.push(format!("{album}.songId:zongId"));
        }
        if self.renamed[5] {
            options.rename.push(format!("{song}.id:uid"));
        }
        for (table, fields) in [song, album].into_iter().zip(&self.fields) {
            for (at, field) in fields.iter().enumerate() {
                let (old, new) = if self.mapped {
                    (format!("\"{}\"", NAMES[at].0), format!("\"{}\"", NAMES[at].1))
                } else {
                    (format!("f{at}"), format!("f{at}new"))
                };
                match field.fate {
                    Fate::Stays => {}
                    Fate::Renamed => options.rename.push(format!("{table}.{old}:{new}")),
                    Fate::Goes => options.delete.push(format!("{table}.{old}")),
                }
            }
        }
        let (before, after) = (self.schema(State::Before), self.schema(State::After));
        Change { before, after, options, ..Change::default() }
    }
}
