//! Definitions: a plain statement that names a definition and says that it goes is enough, and so is a finding that names it among
//! what CASCADE takes along. Code names nothing.

use super::deeds::{Act, Deed};
use crate::conservation::{Kind, Loss};
use crate::effects::{Definition, Guarantee, What};
use crate::rules::Finding;
use crate::sql::tokens::{Token, tokens};
use crate::sql::{ActionKind, StatementKind};

/// Whether a statement says by itself that this goes.
pub(super) fn says(act: &Act<'_>, loss: &Loss) -> bool {
    if act.deeds.iter().any(|deed| deed.drops(act, loss)) {
        return true;
    }
    let tokens = tokens(act.text);
    let begins = |words: &str| words.split(' ').zip(&tokens).all(|(word, token)| token.is(word));
    let holds = |word: &str| tokens.iter().any(|token| token.is(word));
    let named = || mentions(&tokens, &loss.name);
    let alters = || act.altered.as_ref().is_some_and(|table| loss.parents.contains(table));
    match loss.kind {
        Kind::Constraint | Kind::Index => drops_by_name(act, loss),
        Kind::Population => holds("no") && holds("data") && (begins("refresh") || begins("create")) && named(),
        Kind::State => alters() && holds("disable") && (named() || holds("all") || holds("user")),
        Kind::RowSecurity => alters() && holds("security"),
        Kind::Published => (begins("alter publication") || begins("drop publication")) && named(),
        Kind::Privileges => begins("revoke") && (named() || holds("all") && holds("in")) || begins("reassign"),
        Kind::Owner => begins("alter") && holds("owner") && named() || begins("reassign"),
        Kind::DefaultPrivileges => begins("alter default privileges"),
        Kind::Comment => begins("comment") && named(),
        _ => false,
    }
}

/// `DROP CONSTRAINT` of the loss's own table, or `DROP INDEX`.
fn drops_by_name(act: &Act<'_>, loss: &Loss) -> bool {
    match &act.statement.kind {
        StatementKind::AlterTable { actions, .. } => {
            act.altered.as_ref().is_some_and(|table| loss.parents.contains(table))
                && actions
                    .iter()
                    .any(|action| matches!(&action.kind, ActionKind::DropConstraint { name, .. } if *name == loss.name))
        }
        StatementKind::DropIndex { indexes, .. } => {
            loss.kind == Kind::Index && indexes.iter().any(|index| index.name == loss.name)
        }
        _ => false,
    }
}

impl Deed {
    /// Whether this drops, by its name, the definition that went.
    fn drops(&self, act: &Act<'_>, loss: &Loss) -> bool {
        let here = || self.table.as_ref().is_some_and(|table| loss.parents.contains(table));
        match &self.what {
            What::DefinitionGone { kind, name, .. } => {
                let of_table = matches!(loss.kind, Kind::Trigger | Kind::Rule | Kind::Policy);
                let tokens = || tokens(act.text);
                let on_it = || loss.parents.iter().any(|parent| mentions(&tokens(), last(parent)));
                is_kind(*kind, loss.kind) && name.name == loss.name && (!of_table || on_it())
            }
            What::DefinitionReplaced { kind: Definition::Function, name } => {
                loss.kind == Kind::Definition && name.name == loss.name
            }
            What::DefaultChanged { .. } | What::IdentityChanged { .. } | What::ExpressionChanged { .. } => {
                loss.kind == Kind::Default && here() && self.columns.contains(&loss.name)
            }
            What::GuaranteeGone { guarantee: Guarantee::NotNull(column), .. } => {
                loss.kind == Kind::NotNull && here() && *column == loss.name
            }
            _ => false,
        }
    }
}

fn is_kind(definition: Definition, kind: Kind) -> bool {
    match definition {
        Definition::View => kind == Kind::View,
        Definition::MaterializedView => kind == Kind::MaterializedView,
        Definition::Function => kind == Kind::Function,
        Definition::Trigger => matches!(kind, Kind::Trigger | Kind::EventTrigger),
        Definition::Rule => kind == Kind::Rule,
        Definition::Policy => kind == Kind::Policy,
        Definition::Sequence => kind == Kind::Sequence,
        Definition::Domain | Definition::Enum => kind == Kind::Type,
        Definition::Schema => kind == Kind::Schema,
        Definition::Extension => kind == Kind::Extension,
        Definition::Publication => kind == Kind::Publication,
        Definition::Statistics => kind == Kind::Statistics,
        Definition::Other => false,
    }
}

/// Whether a finding names the loss among what CASCADE takes along.
pub(super) fn is_victim(finding: &Finding, loss: &Loss, schema: &str) -> bool {
    if !["drop-cascade", "dependent-object"].contains(&finding.rule) {
        return false;
    }
    // what no word names is covered by none
    let Some(words) = words(loss.kind) else { return false };
    finding.evidence.iter().any(|evidence| {
        let text = evidence.text.strip_prefix("CASCADE drops ").unwrap_or(&evidence.text);
        words
            .iter()
            .filter_map(|word| text.strip_prefix(word)?.strip_prefix(' '))
            .any(|name| named(name, schema) == loss.object)
    })
}

/// `public."Song".plays`, `check_it on public."Song"` and `check_it of "Song"` as a loss is called.
fn named(identity: &str, schema: &str) -> String {
    let plain = |name: &str| {
        let name = name.replace('"', "");
        name.strip_prefix(schema).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned).unwrap_or(name)
    };
    match identity.split_once(" on ").or_else(|| identity.split_once(" of ")) {
        Some((own, table)) => format!("{}.{}", plain(table), plain(own)),
        None => plain(identity),
    }
}

/// What PostgreSQL calls it in a dependency.
fn words(kind: Kind) -> Option<&'static [&'static str]> {
    Some(match kind {
        Kind::Table => &["table", "foreign table"],
        Kind::Column => &["table column", "generated column"],
        Kind::View => &["view"],
        Kind::MaterializedView => &["materialized view"],
        Kind::Function => &["function", "procedure", "aggregate"],
        Kind::Trigger => &["trigger"],
        Kind::Policy => &["policy"],
        Kind::Rule => &["rule"],
        Kind::Sequence => &["sequence"],
        Kind::Constraint => &["table constraint"],
        Kind::Index => &["index"],
        Kind::Type => &["composite type", "type", "domain"],
        Kind::Statistics => &["statistics object"],
        Kind::Publication => &["publication"],
        _ => return None,
    })
}

/// Whether an identifier stands in a statement.
pub(super) fn mentions(tokens: &[Token<'_>], name: &str) -> bool {
    tokens.iter().any(|token| token.identifier().is_some_and(|own| own == name))
}

/// A name without its schema.
fn last(label: &str) -> &str {
    label.rsplit('.').next().unwrap_or(label)
}
