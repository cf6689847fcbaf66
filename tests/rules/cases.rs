//! Labelled cases for the rules: `tests/rules/RULE.sql`, several a file. A case is a migration on top of `base.sql`, with
//! what is given about the target and every finding that is expected, of any rule, in the order of the text (`accepted` at its end where a line accepts it):
//!
//! ```sql
//! -- case: what it shows
//! -- given: rows Song 5000000
//! -- before
//! CREATE INDEX "Song_title_idx" ON "Song"("title");
//! -- migration
//! ALTER TABLE "Song" DROP COLUMN "artist";
//! -- expect: error drop-column(Song.artist)
//! ```
//!
//! `-- before` is optional and is appended to `base.sql`. No `-- expect` line means that nothing is found. A case in the file of
//! its rule is a positive one if the rule is expected, else a negative one. Facts, several a line with `;` between:
//!
//! | fact | the target |
//! |---|---|
//! | `online` | was asked, and knows nothing more |
//! | `server 140002` | its `server_version_num` |
//! | `rows TABLE N`, `bytes TABLE N` | size |
//! | `values TABLE.COLUMN N`, `nulls TABLE.COLUMN N` | rows with a value, without one |
//! | `duplicates TABLE N`, `orphans TABLE N`, `breaking TABLE N` | groups of equal rows, rows without a partner, against a check |
//! | `holding TABLE.COLUMN N` | rows that hold a removed enum value |
//! | `lost TABLE.COLUMN N` | values that do not fit the new type |
//! | `invalid INDEX` | the index is invalid |
//! | `partitioned TABLE` | is partitioned |
//! | `published TABLE PUBLICATION` | is sent by the publication, rows told apart by the primary key |
//! | `default TABLE PARTITION` | the partition takes the rows that belong to no other |
//! | `dependent KIND TABLE[.COLUMN] NAME` | an object of this kind mentions it |
//! | `utc`, `local` | the session's time zone is UTC, is another |
//!
//! and of the project: `exchanged MODEL COLUMN COLUMN` (two fields have exchanged these names of columns by `@map`), `plain` (nothing shows that prisma-safe deploys it), `prisma 7.4`, `rule ID LEVEL`, `deployed` (the running release has `base.prisma`), `edited`, `missing`
//! and `late` (the migration was edited after it was applied, is gone, is older than an applied one).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use prisma_safe::catalog::ObjectName;
use prisma_safe::database::Standing;
use prisma_safe::database::dependents::{Dependent, Kind};
use prisma_safe::effects::retype::Loss;
use prisma_safe::project::Migration;
use prisma_safe::rename::schema::Schema;
use prisma_safe::review::history::standing;
use prisma_safe::review::links::of_draft;
use prisma_safe::review::{Request, Review, Reviewed, review};
use prisma_safe::rules::{Deployed, Live, Lost, Settings, Unchecked, Which};

const BASE: &str = include_str!("base.sql");
const BASE_SCHEMA: &str = include_str!("base.prisma");

/// A migration with what is known around it, and what the review shall find.
#[derive(Debug, Clone, Default)]
pub(crate) struct Case {
    /// What it shows.
    pub(crate) name: String,
    /// Facts, as written.
    pub(crate) given: Vec<String>,
    /// SQL after `base.sql`, before the migration.
    pub(crate) before: String,
    /// The migration.
    pub(crate) migration: String,
    /// `severity rule(object)`, in the order of the text.
    pub(crate) expected: Vec<String>,
}

/// Reviews a migration behind what was applied earlier, offline, in a project that sets nothing.
pub(crate) fn reviewed(earlier: &str, sql: &str) -> Review {
    let migration = |name: &str, sql: &str| Migration {
        name: name.into(),
        path: format!("prisma/migrations/{name}/migration.sql").into(),
        sql: sql.into(),
    };
    review(Request {
        migrations: &[migration("20250121120000_change", sql)],
        world: None,
        earlier: &[migration("20250101120000_init", earlier)],
        default_schema: "public",
        live: None,
        identity: None,
        settings: &settings(),
        standing: Vec::new(),
    })
}

/// Reads a file of cases. Panics with the line where it is no such file: it is a test's own.
pub(crate) fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut in_migration = false;
    for (at, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix("-- case: ") {
            cases.push(Case { name: name.to_owned(), ..Case::default() });
            in_migration = false;
            continue;
        }
        let Some(case) = cases.last_mut() else {
            assert!(line.trim().is_empty(), "line {}: stands before the first `-- case: `", at + 1);
            continue;
        };
        if let Some(given) = line.strip_prefix("-- given: ") {
            case.given.extend(given.split(';').map(|fact| fact.trim().to_owned()));
        } else if let Some(expected) = line.strip_prefix("-- expect: ") {
            case.expected.push(expected.to_owned());
        } else if line == "-- before" {
            in_migration = false;
        } else if line == "-- migration" {
            in_migration = true;
        } else {
            let part = if in_migration { &mut case.migration } else { &mut case.before };
            part.push_str(line);
            part.push('\n');
        }
    }
    cases
}

impl Case {
    /// Reviews it.
    pub(crate) fn review(&self) -> Review {
        let facts = Facts::read(&self.given);
        let migration = |name: &str, sql: String| Migration {
            name: name.into(),
            path: format!("prisma/migrations/{name}/migration.sql").into(),
            sql: sql.into(),
        };
        let earlier = migration("20250101120000_init", format!("{BASE}{}", self.before));
        let migrations = [migration("20250121120000_change", self.migration.clone())];
        let name = |told: bool| if told { vec![migrations[0].name.clone()] } else { Vec::new() };
        let later = if facts.late { vec!["20250131120000_later".to_owned()] } else { Vec::new() };
        let known = Standing {
            edited: name(facts.edited),
            missing: name(facts.missing),
            pending: name(facts.late),
            applied: later,
            ..Standing::default()
        };
        let applied = facts.edited || facts.missing;
        let mut standing = standing(&known, &migrations, "prisma/migrations".as_ref());
        if let Some([was, now]) = &facts.exchanged {
            let exchanged = of_draft("public", &[], &migrations[0], (was, now));
            standing.extend(exchanged.into_iter().map(|own| Reviewed::standing(migrations[0].clone(), own.finding)));
        }
        review(Request {
            migrations: if applied { &[] } else { &migrations },
            world: None,
            earlier: &[earlier],
            default_schema: "public",
            live: facts.online.then_some(&facts as &dyn Live),
            identity: None,
            settings: &facts.settings,
            standing,
        })
    }

    /// Every finding as the case would expect it.
    pub(crate) fn found(&self) -> Vec<String> {
        let line = |finding: &prisma_safe::rules::Finding| {
            let accepted = if finding.accepted.is_some() { " accepted" } else { "" };
            format!("{} {}({}){accepted}", finding.severity.as_str(), finding.rule, finding.object)
        };
        self.review().findings().map(line).collect()
    }
}

/// What a case gives: a target that answers from a table.
#[derive(Debug)]
struct Facts {
    online: bool,
    numbers: BTreeMap<String, u64>,
    dependents: Vec<(Kind, String, String)>,
    /// By partitioned table.
    defaults: BTreeMap<String, String>,
    /// By table.
    published: BTreeMap<String, String>,
    settings: Settings,
    /// The schema before and now.
    exchanged: Option<[Schema; 2]>,
    edited: bool,
    missing: bool,
    late: bool,
}

/// The settings of a project that sets nothing.
pub(crate) fn settings() -> Settings {
    Settings { small_table_rows: 10_000, lock_budget_seconds: 5, ..Settings::default() }
}

impl Facts {
    fn read(given: &[String]) -> Self {
        let mut facts = Self {
            online: false,
            numbers: BTreeMap::new(),
            dependents: Vec::new(),
            defaults: BTreeMap::new(),
            published: BTreeMap::new(),
            settings: settings(),
            exchanged: None,
            edited: false,
            missing: false,
            late: false,
        };
        let mut levels = String::new();
        for fact in given {
            match fact.split(' ').collect::<Vec<_>>().as_slice() {
                ["prisma", version] => {
                    let (major, minor) = version.split_once('.').expect("major.minor");
                    facts.settings.prisma = Some((major.parse().unwrap(), minor.parse().unwrap()));
                }
                ["rule", id, level] => {
                    writeln!(levels, "{id} = \"{level}\"").unwrap();
                }
                ["plain"] => facts.settings.plain_deploys = true,
                ["published", table, publication] => {
                    facts.online = true;
                    facts.published.insert((*table).to_owned(), (*publication).to_owned());
                }
                ["deployed"] => {
                    let schema = Schema::read(&[BASE_SCHEMA.to_owned()]);
                    facts.settings.deployed = Some(Deployed { schema, named: "v1".into() });
                }
                ["exchanged", model, one, other] => {
                    let schema = |first: &str, second: &str| {
                        let fields = format!("  a String @map(\"{first}\")\n  b String @map(\"{second}\")\n");
                        Schema::read(&[format!("model {model} {{\n{fields}}}\n")])
                    };
                    facts.exchanged = Some([schema(one, other), schema(other, one)]);
                }
                ["edited"] => facts.edited = true,
                ["missing"] => facts.missing = true,
                ["late"] => facts.late = true,
                ["online"] => facts.online = true,
                ["dependent", kind, name, own] => {
                    let kind = serde_json::from_str(&format!("\"{kind}\"")).expect("a kind");
                    facts.dependents.push((kind, (*name).to_owned(), (*own).to_owned()));
                    facts.online = true;
                }
                ["default", table, partition] => {
                    facts.defaults.insert((*table).to_owned(), (*partition).to_owned());
                    facts.online = true;
                }
                [flag @ ("utc" | "local")] => facts.fact(flag, 1),
                [kind @ ("invalid" | "partitioned"), name] => facts.fact(&format!("{kind} {name}"), 1),
                ["server", version] => facts.fact("server", version.parse().unwrap()),
                [
                    kind @ ("rows" | "bytes" | "values" | "nulls" | "duplicates" | "orphans" | "breaking" | "holding"
                    | "lost"),
                    name,
                    number,
                ] => facts.fact(&format!("{kind} {name}"), number.parse().expect(fact)),
                _ => panic!("`{fact}` is no fact"),
            }
        }
        facts.settings.levels = toml::from_str(&levels).unwrap();
        facts
    }

    fn fact(&mut self, key: &str, number: u64) {
        self.online = true;
        self.numbers.insert(key.to_owned(), number);
    }

    fn number(&self, kind: &str, name: &str) -> Option<u64> {
        self.numbers.get(&format!("{kind} {name}")).copied()
    }

    fn of_column(&self, kind: &str, table: &ObjectName, column: &str) -> Option<u64> {
        self.number(kind, &format!("{}.{column}", table.name))
    }
}

impl Live for Facts {
    fn server_version(&self) -> u32 {
        self.numbers.get("server").map_or(150_000, |version| u32::try_from(*version).unwrap())
    }

    fn rows(&self, table: &ObjectName) -> Option<u64> {
        self.number("rows", &table.name)
    }

    fn bytes(&self, table: &ObjectName) -> Option<u64> {
        self.number("bytes", &table.name)
    }

    fn count(&self, table: &ObjectName, which: &Which<'_>) -> Option<u64> {
        match which {
            Which::Set { column } => self.of_column("values", table, column),
            Which::Null { column } => self.of_column("nulls", table, column),
            Which::Duplicated { .. } => self.number("duplicates", &table.name),
            Which::Orphaned { .. } => self.number("orphans", &table.name),
            Which::Breaking { .. } => self.number("breaking", &table.name),
            Which::Holding { column, .. } => self.of_column("holding", table, column),
            Which::Unfit { column, .. } => self.of_column("lost", table, column),
        }
    }

    fn keys(&self, _: &ObjectName, _: &Which<'_>) -> Option<String> {
        None
    }

    fn lost(&self, table: &ObjectName, column: &str, _: &Loss) -> Option<Lost> {
        self.of_column("lost", table, column).map(Lost::Rows)
    }

    fn invalid_index(&self, index: &ObjectName) -> Option<bool> {
        Some(self.number("invalid", &index.name).is_some())
    }

    fn partitioned(&self, table: &ObjectName) -> Option<bool> {
        Some(self.number("partitioned", &table.name).is_some())
    }

    fn default_partition(&self, table: &ObjectName) -> Option<ObjectName> {
        self.defaults.get(&table.name).map(|name| ObjectName { schema: "public".into(), name: name.clone() })
    }

    fn published_by_key(&self, table: &ObjectName) -> Option<Vec<String>> {
        Some(self.published.get(&table.name).into_iter().cloned().collect())
    }

    fn utc(&self) -> Option<bool> {
        match (self.numbers.contains_key("utc"), self.numbers.contains_key("local")) {
            (false, false) => None,
            (utc, _) => Some(utc),
        }
    }

    fn dependents(&self, table: &ObjectName, column: Option<&str>) -> Option<Vec<Dependent>> {
        let name = column.map_or_else(|| table.name.clone(), |column| format!("{}.{column}", table.name));
        let of = |(_, at, _): &&(Kind, String, String)| *at == name;
        let found = self.dependents.iter().filter(of);
        Some(found.map(|(kind, _, own)| Dependent { kind: *kind, name: own.clone(), own: own.clone() }).collect())
    }

    fn unchecked(&self) -> Vec<Unchecked> {
        Vec::new()
    }
}
