//! What is certain, over generated names: another style and nothing else.

use proptest::prelude::*;

use super::super::*;

const WORDS: [&str; 12] =
    ["price", "owner", "start", "song", "list", "team", "weight", "token", "email", "country", "status", "amount"];

/// Words that say what the values are like, or which ones: one more or one less is another thing.
const MEANINGS: [&str; 16] = [
    "hash",
    "cents",
    "code",
    "id",
    "encrypted",
    "utc",
    "net",
    "at",
    "ms",
    "new",
    "raw",
    "count",
    "total",
    "kind",
    "v2",
    "not",
];

fn snake(words: &[&str]) -> String {
    words.join("_")
}

fn camel(words: &[&str]) -> String {
    let mut name = String::new();
    for word in words {
        let (first, rest) = word.split_at(1);
        name.push_str(&if name.is_empty() { (*word).to_owned() } else { first.to_uppercase() + rest });
    }
    name
}

/// A name in one of the styles that people use.
fn styled(words: &[&str], style: usize) -> String {
    match style {
        0 => camel(words),
        1 => snake(words),
        2 => snake(words).to_uppercase(),
        _ => {
            let name = camel(words);
            name[..1].to_uppercase() + &name[1..]
        }
    }
}

/// The only candidate of a draft: whether it is certain, and what it is.
fn only(before: &str, draft: &str) -> Option<Candidate> {
    let (script, earlier) = (Script::parse(draft), Script::parse(before));
    let catalog = Catalog::replay("public", [("before", &earlier)]);
    let hints = Hints::default();
    candidates(&Draft { migration: "m", script: &script, before: &catalog, hints: &hints }).pop()
}

/// The same change of a name for a column, a table, an enum and a value.
fn everywhere(from: &str, to: &str) -> Vec<(&'static str, Candidate)> {
    let table = |name: &str, column: &str| {
        format!(
            "CREATE TABLE \"{name}\" (\n \"key\" INTEGER NOT NULL,\n \"{column}\" TEXT NOT NULL,\n CONSTRAINT \"{name}_pkey\" PRIMARY KEY (\"key\")\n);\n"
        )
    };
    let of_enum = |name: &str, value: &str| format!("CREATE TYPE \"{name}\" AS ENUM ('left', '{value}', 'right');\n");
    let values = |name: &str, value: &str| {
        format!(
            "BEGIN;\n{}ALTER TABLE \"T\" ALTER COLUMN \"e\" TYPE \"{name}_new\" USING (\"e\"::text::\"{name}_new\");\nALTER TYPE \"{name}\" RENAME TO \"{name}_old\";\nALTER TYPE \"{name}_new\" RENAME TO \"{name}\";\nDROP TYPE \"{name}_old\";\nCOMMIT;\n",
            of_enum(&format!("{name}_new"), value)
        )
    };
    let uses = |name: &str| format!("CREATE TABLE \"T\" (\"key\" INTEGER PRIMARY KEY, \"e\" \"{name}\" NOT NULL);\n");
    let changes = [
        (
            "column",
            table("T", from),
            format!("ALTER TABLE \"T\" DROP COLUMN \"{from}\",\nADD COLUMN     \"{to}\" TEXT NOT NULL;\n"),
        ),
        ("table", table(from, "words"), format!("DROP TABLE \"{from}\";\n{}", table(to, "words"))),
        (
            "enum",
            of_enum(from, "up") + &uses(from),
            format!(
                "{}ALTER TABLE \"T\" DROP COLUMN \"e\",\nADD COLUMN     \"e\" \"{to}\" NOT NULL;\nDROP TYPE \"{from}\";\n",
                of_enum(to, "up")
            ),
        ),
        ("value", of_enum("E", from) + &uses("E"), values("E", to)),
    ];
    let found = changes.into_iter().map(|(kind, before, draft)| {
        let script = Script::parse(draft.as_str());
        let catalog = Catalog::replay("public", [("before", &Script::parse(before.as_str()))]);
        let hints = Hints::default();
        let all = candidates(&Draft { migration: "m", script: &script, before: &catalog, hints: &hints });
        let own = all.into_iter().find(|candidate| candidate.from == from && candidate.to == to);
        (kind, own.unwrap_or_else(|| panic!("{kind} {from} -> {to} is not even found: {draft}")))
    });
    found.collect()
}

fn words() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn another_style_is_certain(words in words(), from in 0usize..4, to in 0usize..4) {
        let (from, to) = (styled(&words, from), styled(&words, to));
        prop_assume!(from != to);
        for (kind, candidate) in everywhere(&from, &to) {
            prop_assert!(candidate.certain, "{} {} -> {}: {:?}", kind, from, to, candidate);
        }
    }

    #[test]
    fn a_word_more_or_less_is_a_question(
        words in words(),
        meaning in proptest::sample::select(MEANINGS.to_vec()),
        first in any::<bool>(),
        longer in any::<bool>(),
        styles in (0usize..4, 0usize..4),
    ) {
        let mut more = words.clone();
        more.insert(if first { 0 } else { words.len() }, meaning);
        let (short, long) = (styled(&words, styles.0), styled(&more, styles.1));
        let (from, to) = if longer { (short, long) } else { (long, short) };
        for (kind, candidate) in everywhere(&from, &to) {
            prop_assert!(!candidate.certain, "{} {} -> {}: {:?}", kind, from, to, candidate);
            prop_assert_eq!(candidate.decision, Decision::Open, "{} {} -> {}", kind, from, to);
        }
    }

    /// Whatever the names are, a column of the same type beside a dropped one is a decision.
    #[test]
    fn what_could_hold_the_values_is_asked_about(from in "[a-m]{1,12}", to in "[n-z]{1,12}", kind in 0usize..4, other in 0usize..3) {
        let kind = ["TEXT", "INTEGER", "TIMESTAMP(3)", "JSONB"][kind];
        let others = (0..other).map(|at| format!(",\nADD COLUMN     \"other{at}\" BOOLEAN")).collect::<String>();
        let before = format!("CREATE TABLE \"T\" (\"key\" INTEGER PRIMARY KEY, \"{from}\" {kind});");
        let draft = format!("ALTER TABLE \"T\" DROP COLUMN \"{from}\",\nADD COLUMN     \"{to}\" {kind}{others};\n");
        let found = only(&before, &draft).expect("a candidate");
        prop_assert_eq!((found.from.as_str(), found.to.as_str(), found.decision), (from.as_str(), to.as_str(), Decision::Open));
    }
}

/// Two columns go and one comes: each of them is asked about, and the answer for one settles the name.
#[test]
fn every_dropped_column_is_asked_about() {
    let before = "CREATE TABLE \"T\" (\"key\" INTEGER PRIMARY KEY, \"slogan\" TEXT, \"motto\" TEXT, \"size\" INTEGER);";
    let draft = "ALTER TABLE \"T\" DROP COLUMN \"slogan\",\nDROP COLUMN \"motto\",\nDROP COLUMN \"size\",\nADD COLUMN     \"plaque\" TEXT;\n";
    let (script, earlier) = (Script::parse(draft), Script::parse(before));
    let catalog = Catalog::replay("public", [("before", &earlier)]);
    let hints = Hints::default();
    let draft = Draft { migration: "m", script: &script, before: &catalog, hints: &hints };
    let open = |options: &Options| settle(&draft, options, None).expect("decisions").open;
    let asked = open(&Options::default());
    assert_eq!(asked.len(), 2, "{asked:?}");
    let one = Options { rename: vec!["T.motto:plaque".into()], ..Options::default() };
    assert!(open(&one).is_empty());
    let other = Options { delete: vec!["T.motto".into()], ..Options::default() };
    assert_eq!(open(&other)[0].options, ["--rename T.slogan:plaque", "--delete T.slogan"]);
}

/// No option is listed that could not be taken: names that are given away, types that lose values, keys of other tables.
#[test]
fn every_option_can_be_taken() {
    let before = "CREATE TABLE \"A\" (\"id\" INTEGER PRIMARY KEY);\nCREATE TABLE \"B\" (\"id\" INTEGER PRIMARY KEY);\nCREATE TABLE \"T\" (\"key\" INTEGER PRIMARY KEY, \"fullName\" TEXT, \"note\" TEXT, \"price\" DOUBLE PRECISION, \"aId\" INTEGER CONSTRAINT \"T_aId_fkey\" REFERENCES \"A\"(\"id\"));";
    let draft = "ALTER TABLE \"T\" DROP CONSTRAINT \"T_aId_fkey\";\nALTER TABLE \"T\" DROP COLUMN \"fullName\",\nDROP COLUMN \"note\",\nDROP COLUMN \"price\",\nDROP COLUMN \"aId\",\nADD COLUMN     \"full_name\" TEXT,\nADD COLUMN     \"remark\" TEXT,\nADD COLUMN     \"prices\" INTEGER,\nADD COLUMN     \"bId\" INTEGER;\nALTER TABLE \"T\" ADD CONSTRAINT \"T_bId_fkey\" FOREIGN KEY (\"bId\") REFERENCES \"B\"(\"id\");\n";
    let (script, earlier) = (Script::parse(draft), Script::parse(before));
    let catalog = Catalog::replay("public", [("before", &earlier)]);
    let hints = Hints::default();
    let draft = Draft { migration: "m", script: &script, before: &catalog, hints: &hints };
    let open = settle(&draft, &Options::default(), None).expect("decisions").open;
    let options: Vec<&String> = open.iter().flat_map(|open| &open.options).collect();
    for wrong in ["T.note:full_name", "T.price:prices", "T.aId:bId"] {
        assert!(!options.iter().any(|option| option.contains(wrong)), "{wrong}: {options:?}");
    }
    assert!(options.iter().any(|option| *option == "--rename T.note:remark"), "{options:?}");
}
