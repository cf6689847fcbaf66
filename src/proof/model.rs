//! What the generator knows of the database that it has built, so that what it writes next is about something.

use super::random::Random;

/// A column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Int,
    Big,
    Text,
    Varchar,
    Char,
    Numeric,
    Bool,
    Timestamp,
    Timestamptz,
    Date,
    Jsonb,
    Mood,
    Array,
}

impl Type {
    pub(super) const ALL: [Self; 13] = [
        Self::Int,
        Self::Big,
        Self::Text,
        Self::Varchar,
        Self::Char,
        Self::Numeric,
        Self::Bool,
        Self::Timestamp,
        Self::Timestamptz,
        Self::Date,
        Self::Jsonb,
        Self::Mood,
        Self::Array,
    ];

    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Int => "integer",
            Self::Big => "bigint",
            Self::Text => "text",
            Self::Varchar => "varchar(20)",
            Self::Char => "char(6)",
            Self::Numeric => "numeric(8,2)",
            Self::Bool => "boolean",
            Self::Timestamp => "timestamp(3)",
            Self::Timestamptz => "timestamptz(3)",
            Self::Date => "date",
            Self::Jsonb => "jsonb",
            Self::Mood => "\"Mood\"",
            Self::Array => "integer[]",
        }
    }

    /// A value, not NULL.
    pub(super) fn literal(self, random: &mut Random) -> String {
        let number = random.below(1000);
        match self {
            Self::Int | Self::Big => format!("{}", number as i64 - 200),
            Self::Text | Self::Varchar => {
                let word = random.word(&["calm sea", "Wild", "lost and found", "7", " x ", "Ünder", ""]);
                format!("'{word}{}'", random.below(40))
            }
            Self::Char => format!("'c{}'", number % 60),
            Self::Numeric => format!("{}.{}", number, random.below(100)),
            Self::Bool => random.word(&["true", "false"]).to_owned(),
            Self::Timestamp | Self::Timestamptz => {
                format!("'2024-0{}-1{} 1{}:20:30.5'", 1 + number % 9, number % 9, number % 9)
            }
            Self::Date => format!("'2023-0{}-1{}'", 1 + number % 9, number % 9),
            Self::Jsonb => format!("'{{\"a\": {number}}}'"),
            Self::Mood => format!("'{}'", random.word(&["calm", "wild", "lost"])),
            Self::Array => format!("'{{{number},{}}}'", random.below(9)),
        }
    }

    /// What it may become: the type, and how. The first of each keep every value.
    pub(super) fn retypes(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Int => &[
                ("bigint", ""),
                ("text", ""),
                ("numeric(12,2)", ""),
                ("text", "{}::text"),
                ("smallint", ""),
                ("integer", "abs({})"),
                ("integer", "{} / 10"),
                ("boolean", "{} > 0"),
                ("varchar(2)", "left({}::text, 2)"),
                ("integer", "NULL"),
                ("integer", "{} + 1"),
                ("bigint", "coalesce({}, 0)"),
            ],
            Self::Big => &[
                ("numeric", ""),
                ("text", ""),
                ("integer", ""),
                ("smallint", "({} % 100)::smallint"),
                ("bigint", "greatest({}, 0)"),
                ("double precision", ""),
                ("real", ""),
            ],
            Self::Text | Self::Varchar => &[
                ("text", ""),
                ("varchar(200)", ""),
                ("varchar(30)", "{}::varchar(30)"),
                ("varchar(4)", ""),
                ("varchar(4)", "left({}, 4)"),
                ("varchar(4)", "{}::varchar(4)"),
                ("text", "upper({})"),
                ("text", "lower({})"),
                ("text", "trim({})"),
                ("text", "md5({})"),
                ("text", "nullif({}, '')"),
                ("integer", "length({})"),
                ("text", "coalesce({}, 'none')"),
                ("text", "NULL"),
                ("text", "'all the same'"),
                ("jsonb", "to_jsonb({})"),
                ("text[]", "ARRAY[{}]"),
                ("char(3)", "{}::char(3)"),
                ("text", "{} || '!'"),
                ("text", "CASE WHEN {} LIKE 'W%' THEN 'W' ELSE {} END"),
                ("text", "substr({}, 1, 100)"),
            ],
            Self::Char => {
                &[("text", ""), ("varchar(6)", ""), ("char(10)", ""), ("char(2)", "left({}, 2)"), ("char(2)", "")]
            }
            Self::Numeric => &[
                ("numeric(10,2)", ""),
                ("numeric", ""),
                ("text", ""),
                ("numeric(8,0)", ""),
                ("numeric(8,1)", "round({}, 1)"),
                ("integer", ""),
                ("bigint", "trunc({})"),
                ("double precision", ""),
                ("real", ""),
            ],
            Self::Bool => &[("text", ""), ("integer", "{}::integer"), ("boolean", "NOT {}"), ("boolean", "true")],
            Self::Timestamp => &[
                ("timestamp(6)", ""),
                ("timestamptz(3)", ""),
                ("timestamptz(3)", "{} AT TIME ZONE 'UTC'"),
                ("timestamptz(3)", "{} AT TIME ZONE 'America/Lima'"),
                ("timestamp(0)", ""),
                ("date", ""),
                ("date", "{}::date"),
                ("timestamp(3)", "date_trunc('day', {})"),
                ("text", ""),
                ("time", ""),
            ],
            Self::Timestamptz => &[
                ("timestamptz(6)", ""),
                ("timestamp(3)", ""),
                ("timestamp(3)", "{} AT TIME ZONE 'UTC'"),
                ("timestamp(3)", "{} AT TIME ZONE 'Asia/Tokyo'"),
                ("date", ""),
                ("timestamptz(0)", ""),
            ],
            Self::Date => &[
                ("timestamp(3)", ""),
                ("text", ""),
                ("date", "date_trunc('month', {})::date"),
                ("integer", "extract(year from {})::integer"),
            ],
            Self::Jsonb => {
                &[("text", ""), ("json", ""), ("text", "{} ->> 'a'"), ("jsonb", "'{}'::jsonb"), ("jsonb", "{} - 'a'")]
            }
            Self::Mood => &[
                ("text", ""),
                ("text", "{}::text"),
                ("\"Mood\"", "'calm'::\"Mood\""),
                ("text", "upper({}::text)"),
                ("boolean", "{} = 'calm'"),
            ],
            Self::Array => &[
                ("bigint[]", ""),
                ("text", ""),
                ("integer", "{}[1]"),
                ("integer[]", "{}[1:1]"),
                ("integer", "array_length({}, 1)"),
            ],
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Type,
    pub(super) default: bool,
    pub(super) not_null: bool,
    pub(super) by_hand: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Table {
    /// As it is, `Song`.
    pub(super) name: String,
    /// Without `id`.
    pub(super) columns: Vec<Column>,
    /// Whether `id` is the primary key.
    pub(super) keyed: bool,
    pub(super) by_hand: bool,
    pub(super) rows: usize,
}

impl Table {
    pub(super) fn sql(&self) -> String {
        quoted(&self.name)
    }
}

/// Something that belongs to a table.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) table: String,
    pub(super) name: String,
}

/// Everything there is.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) tables: Vec<Table>,
    pub(super) constraints: Vec<Part>,
    pub(super) indexes: Vec<Part>,
    pub(super) triggers: Vec<Part>,
    pub(super) policies: Vec<Part>,
    /// The table that each one reads.
    pub(super) views: Vec<Part>,
    pub(super) materialized: Vec<Part>,
    /// Names without arguments; none takes any.
    pub(super) functions: Vec<String>,
    /// Functions that write when they are called.
    pub(super) writers: Vec<String>,
    pub(super) sequences: Vec<String>,
    pub(super) rules: Vec<Part>,
    /// Generated columns.
    pub(super) generated: Vec<Part>,
    /// Whether there is a partitioned table `Log`.
    pub(super) log: bool,
    /// Whether there is a domain `short`.
    pub(super) domain: bool,
    /// Whether there is a schema `side`.
    pub(super) side: bool,
    /// The table in it that has the name of another.
    pub(super) twin: Option<Table>,
    pub(super) statistics: Option<String>,
    /// Where something can be granted and revoked: `TABLE "Song"`, with its bare name.
    pub(super) granted: Vec<(String, String)>,
    /// How many names were made up.
    pub(super) made_up: usize,
}

impl World {
    pub(super) fn fresh(&mut self, what: &str) -> String {
        self.made_up += 1;
        format!("{what}_{}", self.made_up)
    }

    pub(super) fn table(&self, random: &mut Random) -> Table {
        random.pick(&self.tables).clone()
    }

    /// A table with a column of it.
    pub(super) fn column(&self, random: &mut Random) -> Option<(Table, Column)> {
        let with: Vec<&Table> = self.tables.iter().filter(|table| !table.columns.is_empty()).collect();
        if with.is_empty() {
            return None;
        }
        let table = (*random.pick(&with)).clone();
        let column = random.pick(&table.columns).clone();
        Some((table, column))
    }

    /// It goes with all its parts.
    pub(super) fn forget_table(&mut self, name: &str) {
        self.tables.retain(|table| table.name != name);
        for parts in [
            &mut self.constraints,
            &mut self.indexes,
            &mut self.triggers,
            &mut self.policies,
            &mut self.views,
            &mut self.materialized,
        ] {
            parts.retain(|part| part.table != name);
        }
        self.granted.retain(|(_, bare)| bare != name);
    }

    pub(super) fn forget_column(&mut self, table: &str, column: &str) {
        for known in self.tables.iter_mut().filter(|known| known.name == table) {
            known.columns.retain(|known| known.name != column);
        }
    }
}

pub(super) fn quoted(name: &str) -> String {
    crate::sql::quote_identifier(name)
}
