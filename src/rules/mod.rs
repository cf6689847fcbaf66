//! The review's rules. One rule is a constant with its page (`x.md`) and a check (`x.rs`); [`RULES`] is the registry
//! that `explain`, SARIF, `docs/rules.md` and the tests read.

mod client;
pub mod columns;
pub mod cost;
pub mod delivery;
pub mod live;
pub mod origins;

mod scratch;
pub mod settings;
pub mod subject;
#[cfg(test)]
pub(crate) mod tests;

pub mod acceptance;
mod access;
mod add_unique;
mod batch;
mod blocking_index;
mod blocking_index_drop;
mod blocking_statement;
mod breaking_rename;
mod bulk_write;
mod concurrently_in_transaction;
mod contradicted_decision;
mod delete_rows;
mod delete_without_where;
pub(crate) mod dependent_object;
mod drop_cascade;
mod drop_column;
mod drop_enum_value;
mod drop_object;
mod drop_table;
mod drop_then_add;
mod dropped_guarantee;
mod duplicate_after_cast;
pub mod exchanged_columns;
mod explicit_ids;
mod finding;
mod fix;
mod foreign_key_type;
pub mod history;
mod impossible_statement;
mod index_of_constraint;
mod lock_held;
pub(crate) mod locks;
mod long_identifier;
pub mod many_to_many_swap;
mod narrow_type;
mod new_enum_value_used;
pub(crate) mod no_lock_timeout;
pub(crate) mod opaque_code;
mod outside_database;
mod overwritten_values;
mod partial_apply;
mod partitions;
mod redirected_foreign_key;
mod redundant_index;
mod rehearsed_loss;
mod required_column;
mod running_release;
mod safeguards;
mod sequence_position;
mod set_not_null;
mod several_tables;
pub(crate) mod squawk;
mod table_rewrite;
mod time_zone_cast;
mod truncate_table;
mod unenforced_constraint;
mod unexplained_index_drop;
mod unindexed_foreign_key;
mod unknown_object;
mod unpaired_transaction;
mod unreadable_sql;
mod unsound_index;
mod update_without_where;
mod validated_constraint;
mod volatile_check;

pub use self::acceptance::Acceptance;
use self::finding::NOTHING_LOST;
pub use self::finding::{Evidence, Finding, Severity};
pub use self::fix::{Fix, Following, ModelIndex, Stage};
pub use self::live::{Key, Live, Lost, Unchecked, Which};
pub use self::rehearsed_loss::REHEARSED_LOSS;
pub use self::scratch::Scratch;
pub use self::settings::{Deployed, Level, Levels, Settings};
pub use self::subject::{Step, Subject};

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Names the problem, in kebab-case: `drop-column`.
    pub id: &'static str,
    /// What a finding has unless the facts say otherwise.
    pub severity: Severity,
    /// Whether it is off until prisma-safe.toml turns it on: matters of style.
    pub optional: bool,
    /// Whether `-- prisma-safe:allow` may accept it.
    pub acceptable: bool,
    /// Whether an accepted error destroys data: a deploy to production then asks for more than the line in the file.
    pub destroys: bool,
    /// The page: what, why, bad, instead, version, source.
    pub page: &'static str,
    /// Where its findings come from.
    pub check: Check,
}

impl Rule {
    /// What it flags, in a line: the first of its page.
    pub fn summary(&self) -> &'static str {
        let (_, text) = self.page.split_once("\n\n").unwrap_or_default();
        text.lines().next().unwrap_or_default().trim_end_matches('.')
    }

    /// Its severity, or that it is off by default.
    pub fn by_default(&self) -> &'static str {
        if self.optional { "off" } else { self.severity.as_str() }
    }
}

/// Where a rule's findings come from.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Looks at each statement, with the catalog just before it.
    Statement(fn(&Step<'_>, &mut Vec<Finding>)),
    /// Looks at the migration as a whole.
    Migration(fn(&Subject<'_>, &mut Vec<Finding>)),
    /// One of those that [`squawk`] finds together.
    Squawk,
    /// The review itself finds it: the history, the accepting lines.
    Review,
}

/// Every rule, in the order of the table in `docs/rules.md`.
pub const RULES: &[&Rule] = &[
    &drop_column::RULE,
    &drop_table::RULE,
    &drop_then_add::RULE,
    &drop_enum_value::RULE,
    &narrow_type::RULE,
    &drop_cascade::RULE,
    &drop_object::RULE,
    &truncate_table::RULE,
    &delete_without_where::RULE,
    &update_without_where::RULE,
    &overwritten_values::RULE,
    &sequence_position::RULE,
    &time_zone_cast::RULE,
    &explicit_ids::RULE,
    &delete_rows::RULE,
    &many_to_many_swap::RULE,
    &exchanged_columns::RULE,
    &redirected_foreign_key::RULE,
    &dropped_guarantee::RULE,
    &index_of_constraint::RULE,
    &impossible_statement::RULE,
    &duplicate_after_cast::RULE,
    &unexplained_index_drop::RULE,
    &opaque_code::RULE,
    &outside_database::RULE,
    &unknown_object::RULE,
    &REHEARSED_LOSS,
    &required_column::RULE,
    &set_not_null::RULE,
    &add_unique::RULE,
    &new_enum_value_used::RULE,
    &concurrently_in_transaction::RULE,
    &partial_apply::RULE,
    &unsound_index::RULE,
    &table_rewrite::RULE,
    &blocking_index::RULE,
    &blocking_index_drop::RULE,
    &blocking_statement::RULE,
    &lock_held::RULE,
    &several_tables::RULE,
    &no_lock_timeout::RULE,
    &bulk_write::RULE,
    &validated_constraint::RULE,
    &unindexed_foreign_key::RULE,
    &unenforced_constraint::RULE,
    &breaking_rename::RULE,
    &running_release::RULE,
    &dependent_object::RULE,
    &contradicted_decision::RULE,
    &long_identifier::RULE,
    &foreign_key_type::RULE,
    &redundant_index::RULE,
    &volatile_check::RULE,
    &partitions::ATTACH,
    &partitions::DETACH,
    &partitions::INDEX,
    &safeguards::TIMEOUT,
    &safeguards::TRIGGER,
    &safeguards::VACUUM,
    &safeguards::UNLOGGED,
    &safeguards::REPLICATION,
    &access::ACCESS,
    &access::ROWS,
    &access::SEARCH_PATH,
    &access::SERVER,
    &squawk::UNCOMMITTED,
    &unpaired_transaction::RULE,
    &squawk::DROP_DATABASE,
    &blocking_statement::REINDEX,
    &squawk::BLOCKING_DETACH,
    &squawk::DOMAIN_CONSTRAINT,
    &squawk::DUPLICATE,
    &history::EDITED,
    &history::MISSING,
    &history::LATE,
    &acceptance::MALFORMED,
    &acceptance::UNUSED,
    &unreadable_sql::RULE,
    &squawk::INT_COLUMN,
    &squawk::SERIAL_COLUMN,
    &squawk::VARCHAR_COLUMN,
    &squawk::TIMESTAMP_COLUMN,
    &squawk::CHAR_COLUMN,
    &squawk::NOT_IDEMPOTENT,
    &squawk::UNORDERED_ENUM,
];

/// The rule with this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.id == id)
}

/// Ids that a person may have meant by `id`, nearest first, three at most.
pub fn near(id: &str) -> Vec<&'static str> {
    let id = id.to_lowercase();
    let distance = |rule: &str| {
        let shared = rule.split('-').filter(|word| id.split(['-', '_', ' ']).any(|typed| typed == *word)).count();
        strsim::levenshtein(&id, rule).saturating_sub(3 * shared)
    };
    let mut ranked: Vec<_> = RULES.iter().map(|rule| (distance(rule.id), rule.id)).collect();
    ranked.sort_unstable();
    let nearest = ranked.first().map_or(0, |(distance, _)| *distance);
    ranked
        .into_iter()
        .filter(|(distance, id)| *distance <= (nearest + 1).min(id.len() / 2))
        .map(|(_, id)| id)
        .take(3)
        .collect()
}
