//! What a project sets about the review: which rules look, how bad their findings are, what counts as small and as long.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Finding, RULES, Rule, Severity, find, near, unreadable_sql};
use crate::project::Version;
use crate::rename::schema::Schema;

/// `[review]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Review {
    /// A table with fewer rows counts as small: no lock or scan of it is worth a finding.
    pub small_table_rows: u64,
    /// Keeping others out of a table for longer than this, in seconds, is an error.
    pub lock_budget_seconds: u64,
    /// The release that runs: a schema.prisma, its folder, or a git revision.
    pub deployed: Option<String>,
    /// Severities of rules, or whether they look at all.
    pub rules: Levels,
    /// So many rows are named by their primary key where a probe finds some; 0 names none.
    pub sample_keys: usize,
}

impl Default for Review {
    fn default() -> Self {
        Self {
            small_table_rows: 10_000,
            lock_budget_seconds: 5,
            deployed: None,
            rules: Levels::default(),
            sample_keys: 3,
        }
    }
}

/// What the rules know besides the SQL and the target.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Tables with fewer rows are small: locks and scans of them are not findings.
    pub small_table_rows: u64,
    /// Keeping others out of a table for longer than this, in seconds, is an error.
    pub lock_budget_seconds: u64,
    /// `[review.rules]`
    pub levels: Levels,
    /// Major and minor version of the project's Prisma, where known: from 7.4 on it sends a file statement by statement.
    pub prisma: Option<(u64, u64)>,
    /// The release that runs while the migration is deployed, where it is given.
    pub deployed: Option<Deployed>,
    /// Whether nothing shows that prisma-safe deploys this project: plain Prisma waits for locks without end.
    pub plain_deploys: bool,
    /// What schema.prisma was before the draft, where that is known.
    pub schema_before: Option<Schema>,
    /// The files of the schema as it is now, where they are known.
    pub schema_files: Vec<PathBuf>,
}

/// The release that runs while a migration is deployed.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// Its schema.prisma.
    pub schema: Schema,
    /// What the person called it: a file, a folder, a git revision.
    pub named: String,
}

impl Settings {
    /// What the schema said before the migration: at the draft's time, or in the release that runs.
    pub fn earlier_schema(&self) -> Option<&Schema> {
        self.schema_before.as_ref().or(self.deployed.as_ref().map(|deployed| &deployed.schema))
    }

    /// From `[review]` and the project's Prisma.
    pub fn new(config: &Review, prisma: Option<&Version>) -> Self {
        Self {
            small_table_rows: config.small_table_rows,
            lock_budget_seconds: config.lock_budget_seconds,
            levels: config.rules.clone(),
            prisma: prisma.map(|version| (version.major(), version.minor())),
            deployed: None,
            plain_deploys: false,
            schema_before: None,
            schema_files: Vec::new(),
        }
    }
}

/// What a rule is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The rule does not look.
    Off,
    /// It looks, as its page says; turns a rule on that is off by itself.
    On,
    /// At most, or at least, a note.
    Info,
    /// At most, or at least, a warning.
    Warning,
    /// At least an error.
    Error,
}

impl Level {
    fn severity(self) -> Option<Severity> {
        match self {
            Self::Off | Self::On => None,
            Self::Info => Some(Severity::Info),
            Self::Warning => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
        }
    }
}

/// Levels by rule. Names of no rule, and levels below what a rule must have, are refused as they are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Levels(BTreeMap<&'static str, Level>);

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Rules)
    }
}

/// Reads one line after the other, so that an error is about its line.
struct Rules;

impl<'de> Visitor<'de> for Rules {
    type Value = Levels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rules with their levels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Levels, A::Error> {
        let mut levels = BTreeMap::new();
        while let Some(Known(rule)) = map.next_key()? {
            levels.insert(rule.id, map.next_value_seed(LevelOf(rule))?);
        }
        Ok(Levels(levels))
    }
}

/// A rule that there is.
struct Known(&'static Rule);

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        find(&id).map(Self).ok_or_else(|| {
            D::Error::custom(match near(&id).first() {
                Some(near) => format!("review.rules: unknown rule `{id}`; did you mean `{near}`?"),
                None => format!("review.rules: unknown rule `{id}`"),
            })
        })
    }
}

/// Why a rule must stay an error for every file at once, where it must.
fn firm(rule: &Rule) -> Option<&'static str> {
    match rule.id {
        id if id == unreadable_sql::RULE.id => {
            Some("what a file does that cannot be read is not known; accept it in the one file, with a reason")
        }
        _ if !rule.acceptable && rule.severity == Severity::Error => Some("nothing may accept what it finds"),
        _ => None,
    }
}

/// A level that a rule may have.
struct LevelOf(&'static Rule);

impl<'de> DeserializeSeed<'de> for LevelOf {
    type Value = Level;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Level, D::Error> {
        let Self(rule) = self;
        let level = Level::deserialize(deserializer)?;
        let lowers = level == Level::Off || level.severity().is_some_and(|level| level < rule.severity);
        if let Some(why) = firm(rule).filter(|_| lowers) {
            let id = rule.id;
            return Err(D::Error::custom(format!("review.rules: `{id}` cannot be less than an error: {why}")));
        }
        Ok(level)
    }
}

impl Levels {
    fn of(&self, rule: &Rule) -> Option<Level> {
        self.0.get(rule.id).copied()
    }

    /// Whether the rule looks.
    pub fn on(&self, rule: &Rule) -> bool {
        self.of(rule).map_or(!rule.optional, |level| level != Level::Off)
    }

    /// Rules that are on by default, and are off or lowered here.
    pub fn weakened(&self) -> impl Iterator<Item = (&'static Rule, Level)> {
        RULES.iter().copied().filter(|rule| !rule.optional).filter_map(|rule| {
            let level = self.of(rule)?;
            // its own level is the most a finding may have, where facts would raise it
            let weaker = level == Level::Off
                || level.severity().is_some_and(|level| level <= rule.severity.min(Severity::Warning));
            weaker.then_some((rule, level))
        })
    }

    /// Gives findings the severity that is set. The rule's own, or a lower one, is the most a finding may have; a higher
    /// one is the least, except where the facts have made it harmless.
    pub fn apply(&self, findings: &mut Vec<Finding>) {
        findings.retain(|finding| find(finding.rule).is_none_or(|rule| self.on(rule)));
        for finding in findings {
            let Some(rule) = find(finding.rule) else { continue };
            let Some(set) = self.of(rule).and_then(Level::severity) else { continue };
            finding.severity = if set <= rule.severity {
                finding.severity.min(set)
            } else if finding.severity >= rule.severity {
                finding.severity.max(set)
            } else {
                finding.severity
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(text: &str) -> Result<Levels, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    fn severity(levels: &Levels, rule: &str, severity: Severity) -> Option<Severity> {
        let mut findings = vec![Finding::new(find(rule).unwrap(), "x", 0..0, "m").severity(severity)];
        levels.apply(&mut findings);
        findings.first().map(|finding| finding.severity)
    }

    #[test]
    fn a_level_is_a_ceiling_or_a_floor() {
        use Severity::{Error, Info, Warning};
        let levels =
            levels("blocking-index = \"info\"\nunindexed-foreign-key = \"error\"\nadd-unique = \"off\"").unwrap();
        assert_eq!(severity(&levels, "blocking-index", Error), Some(Info));
        assert_eq!(severity(&levels, "blocking-index", Warning), Some(Info));
        assert_eq!(severity(&levels, "unindexed-foreign-key", Info), Some(Error));
        assert_eq!(severity(&levels, "add-unique", Error), None);
        assert_eq!(severity(&levels, "drop-table", Warning), Some(Warning));
        let own = self::levels("opaque-code = \"warning\"").unwrap();
        assert_eq!(severity(&own, "opaque-code", Error), Some(Warning));
        assert_eq!(severity(&own, "opaque-code", Info), Some(Info));
        let weaker: Vec<&str> = levels.weakened().map(|(rule, _)| rule.id).collect();
        assert_eq!(weaker, ["add-unique", "blocking-index"]);
    }

    #[test]
    fn what_the_facts_made_harmless_stays_so() {
        let levels = levels("set-not-null = \"error\"").unwrap();
        assert_eq!(severity(&levels, "set-not-null", Severity::Warning), Some(Severity::Error));
        assert_eq!(severity(&levels, "set-not-null", Severity::Info), Some(Severity::Info));
    }

    #[test]
    fn nobody_is_talked_round() {
        assert!(levels("malformed-acceptance = \"warning\"").unwrap_err().contains("cannot be less than an error"));
        assert!(levels("malformed-acceptance = \"off\"").unwrap_err().contains("cannot be less than an error"));
        assert!(levels("unreadable-sql = \"warning\"").unwrap_err().contains("accept it in the one file"));
        assert!(levels("unreadable-sql = \"error\"").is_ok());
        assert!(levels("drop-colum = \"off\"").unwrap_err().contains("`drop-column`?"));
        assert!(levels("drop-column = \"loud\"").unwrap_err().contains("loud"));
    }
}
