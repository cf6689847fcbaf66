//! Every loss that the rehearsal measures is covered by something that people have seen or accepted, or the deploy is refused.

use std::collections::BTreeSet;

use super::Rehearsed;
use crate::conservation::{Kind, Loss};
use crate::project::Migration;
use crate::review::{Reviewed, acceptances};
use crate::rules::{Acceptance, Finding, REHEARSED_LOSS, Severity};
use crate::sql::tokens::{Token, tokens};
use crate::sql::{ActionKind, Script, Statement, StatementKind};

/// What people have said about the pending migrations.
pub(super) struct Coverage<'a> {
    pub(super) pending: &'a [Migration],
    pub(super) scripts: &'a [Script],
    /// What the review found in them.
    pub(super) reviewed: &'a [Reviewed],
    pub(super) schema: &'a str,
}

impl Coverage<'_> {
    /// Writes who did each loss and why it may happen, where that is known. Gives the accepting lines that no loss needs.
    pub(super) fn cover(&self, losses: &mut [Loss], rehearsed: &[Rehearsed]) -> Vec<String> {
        let lines = self.lines();
        let mut used = BTreeSet::new();
        for loss in losses {
            self.attribute(loss, rehearsed);
            loss.covered_by = self.covered(loss, &lines, &mut used);
        }
        let unused = |(at, line): (usize, &(String, Acceptance))| {
            let (migration, line) = line;
            (line.rule == REHEARSED_LOSS.id && !used.contains(&at)).then(|| {
                format!("{migration} accepts {}({}), which the rehearsal has not found", line.rule, line.object)
            })
        };
        lines.iter().enumerate().filter_map(unused).collect()
    }

    /// The line that would accept a loss: the review's own, where it found this too.
    pub(super) fn line_for(&self, loss: &Loss) -> String {
        let rules = rules(loss.kind);
        let findings =
            self.findings().filter(|finding| rules.contains(&finding.rule) && about(finding, loss, self.schema));
        let (rule, object) = findings
            .filter(|finding| finding.blocks())
            .map(|finding| (finding.rule, finding.object.as_str()))
            .next()
            .unwrap_or((REHEARSED_LOSS.id, &loss.object));
        format!("-- prisma-safe:allow {rule}({object}): why")
    }

    fn lines(&self) -> Vec<(String, Acceptance)> {
        let of = |(migration, script): (&Migration, &Script)| {
            let name = migration.name.clone();
            acceptances::read(script).0.into_iter().map(move |line| (name.clone(), line.acceptance)).collect::<Vec<_>>()
        };
        self.pending.iter().zip(self.scripts).flat_map(of).collect()
    }

    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.reviewed.iter().flat_map(|migration| &migration.findings)
    }

    fn covered(&self, loss: &Loss, lines: &[(String, Acceptance)], used: &mut BTreeSet<usize>) -> Option<String> {
        let rules = rules(loss.kind);
        let accepts = |line: &Acceptance| {
            line.covers(REHEARSED_LOSS.id, &loss.object, self.schema)
                || rules.iter().any(|rule| aliases(loss).iter().any(|name| line.covers(rule, name, self.schema)))
        };
        let accepting: Vec<usize> = (0..lines.len()).filter(|at| accepts(&lines[*at].1)).collect();
        used.extend(&accepting);
        if let Some(at) = accepting.first() {
            let (migration, line) = &lines[*at];
            return Some(format!("{}({}) in {migration}", line.rule, line.object));
        }
        // a warning is seen by whoever reads the review, an error stops the deploy until it is accepted; what is only worth
        // knowing says that nothing of the data goes
        let data = matches!(loss.kind, Kind::Rows | Kind::Values | Kind::Column | Kind::Table);
        let least = if data { Severity::Warning } else { Severity::Info };
        let seen = |finding: &&Finding| finding.accepted.is_some() || !finding.blocks() && finding.severity >= least;
        let found = self
            .findings()
            .filter(seen)
            .find(|finding| rules.contains(&finding.rule) && about(finding, loss, self.schema));
        if let Some(finding) = found {
            return Some(format!("the review: {}({})", finding.rule, finding.object));
        }
        self.statements()
            .find(|(_, _, statement, text)| names(loss, statement, text))
            .map(|(migration, line, ..)| format!("line {line} of {migration}, which names it"))
    }

    /// Each statement with its migration, its line and its text.
    fn statements(&self) -> impl Iterator<Item = (&str, usize, &Statement, &str)> {
        self.pending.iter().zip(self.scripts).flat_map(|(migration, script)| {
            script.statements().iter().map(move |statement| {
                let text = script.text().get(statement.range.clone()).unwrap_or_default();
                (migration.name.as_str(), script.position(statement.range.start).line, statement, text)
            })
        })
    }

    /// The statement that the trace saw doing it; else the only one that could have.
    fn attribute(&self, loss: &mut Loss, rehearsed: &[Rehearsed]) {
        let wrote = rehearsed.iter().flat_map(|migration| {
            let did = |statement: &&super::Statement| match loss.kind {
                Kind::Rows => {
                    statement.writes.iter().any(|write| write.deleted > 0 && loss.parents.contains(&write.table))
                }
                Kind::Values => {
                    statement.writes.iter().any(|write| write.updated > 0 && loss.parents.contains(&write.table))
                }
                _ => false,
            };
            migration.statements.iter().filter(did).map(|statement| (migration.name.clone(), statement.line))
        });
        let rewrote = rehearsed.iter().flat_map(|migration| {
            let did = |statement: &&super::Statement| {
                matches!(loss.kind, Kind::Rows | Kind::Values)
                    && statement.rewrites.iter().any(|table| loss.parents.contains(&table.name))
            };
            migration.statements.iter().filter(did).map(|statement| (migration.name.clone(), statement.line))
        });
        if let Some((migration, line)) = wrote.chain(rewrote).next() {
            (loss.migration, loss.line) = (Some(migration), Some(line));
            return;
        }
        let mentions = |(_, _, _, text): &(&str, usize, &Statement, &str)| mentions(&tokens(text), &loss.name);
        let mut mentioning = self.statements().filter(mentions).map(|(migration, line, ..)| (migration, line));
        if let (Some((migration, line)), None) = (mentioning.next(), mentioning.next()) {
            (loss.migration, loss.line) = (Some(migration.to_owned()), Some(line));
        } else if let [only] = self.pending {
            loss.migration = Some(only.name.clone());
        }
    }
}

/// The rules whose findings and accepting lines are about losses of this kind.
fn rules(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Rows => {
            &["delete-rows", "delete-without-where", "truncate-table", "drop-table", "drop-then-add", "drop-cascade"]
        }
        Kind::Values => &[
            "update-without-where",
            "narrow-type",
            "time-zone-cast",
            "drop-enum-value",
            "drop-then-add",
            "many-to-many-swap",
            "delete-rows",
            "delete-without-where",
        ],
        Kind::Column => &["drop-column", "drop-table", "drop-then-add", "drop-cascade"],
        Kind::Table => &["drop-table", "drop-then-add", "drop-cascade"],
        Kind::Label => &["drop-enum-value"],
        Kind::Constraint | Kind::Index => &[
            "dropped-guarantee",
            "index-of-constraint",
            "unexplained-index-drop",
            "drop-then-add",
            "dependent-object",
            "redirected-foreign-key",
            "drop-cascade",
        ],
        Kind::State => &["disabled-trigger"],
        Kind::Privileges | Kind::Owner | Kind::DefaultPrivileges => &["access-change"],
        Kind::RowSecurity | Kind::Policy => &["row-security", "drop-object", "drop-cascade", "dependent-object"],
        Kind::Position => &["truncate-table"],
        _ => &["drop-object", "drop-cascade", "dependent-object"],
    }
}

/// A loss by every name that its table or type has had.
fn aliases(loss: &Loss) -> Vec<String> {
    let of_table = matches!(loss.kind, Kind::Rows | Kind::Table | Kind::Position);
    let alias = |parent: &String| if of_table { parent.clone() } else { format!("{parent}.{}", loss.name) };
    std::iter::once(loss.object.clone()).chain(loss.parents.iter().map(alias)).collect()
}

/// Whether a finding is about a loss, or names it among what goes with its own object.
fn about(finding: &Finding, loss: &Loss, schema: &str) -> bool {
    let texts = || std::iter::once(&finding.message).chain(finding.evidence.iter().map(|evidence| &evidence.text));
    let inside = |text: &String, name: &str| {
        let part = |c: char| c.is_alphanumeric() || "._$()".contains(c);
        let short = |word: &'_ str| word.strip_prefix(schema).and_then(|rest| rest.strip_prefix('.')) == Some(name);
        text.split(|c: char| !part(c)).map(|word| word.trim_end_matches('.')).any(|word| word == name || short(word))
    };
    aliases(loss).iter().any(|name| finding.object == *name || texts().any(|text| inside(text, name)))
}

/// Whether a plain statement says by itself that this goes. Code does not, and neither do data that go: for these there are
/// the review's findings.
fn names(loss: &Loss, statement: &Statement, text: &str) -> bool {
    let tokens = tokens(text);
    let begins = |words: &str| words.split(' ').zip(&tokens).all(|(word, token)| token.is(word));
    let holds = |word: &str| tokens.iter().any(|token| token.is(word));
    let named = || mentions(&tokens, &loss.name);
    let of_parent = || loss.parents.iter().any(|parent| mentions(&tokens, last(parent)));
    let alters = || begins("alter table") && of_parent();
    match loss.kind {
        Kind::Values => match &statement.kind {
            StatementKind::Update { columns, has_where: true, .. } => columns.contains(&loss.name) && of_parent(),
            // an upsert says what a conflict overwrites
            StatementKind::Insert { .. } => holds("conflict") && holds("update") && named() && of_parent(),
            _ => false,
        },
        Kind::Column if loss.count == Some(0) => {
            matches!(&statement.kind, StatementKind::AlterTable { actions, .. } if of_parent() && actions.iter().any(
                |action| matches!(&action.kind, ActionKind::DropColumn { name, .. } if *name == loss.name)))
        }
        Kind::Table if loss.count == Some(0) => begins("drop table") && named(),
        Kind::Rows | Kind::Column | Kind::Table | Kind::Label | Kind::Position => false,
        Kind::Schema => begins("drop schema") && named(),
        Kind::Extension => begins("drop extension") && named(),
        Kind::View => begins("drop view") && named(),
        Kind::MaterializedView => begins("drop materialized") && named(),
        Kind::Population => holds("no") && holds("data") && (begins("refresh") || begins("create")) && named(),
        Kind::Sequence => begins("drop sequence") && named(),
        Kind::Type => (begins("drop type") || begins("drop domain")) && named(),
        Kind::Constraint => alters() && named(),
        Kind::Index => begins("drop index") && named() || alters() && named(),
        Kind::Function => begins("drop") && !holds("trigger") && named(),
        Kind::Definition => {
            matches!(statement.kind, StatementKind::CreateFunction { .. }) || begins("create or replace")
        }
        Kind::Trigger => begins("drop trigger") && named(),
        Kind::State => alters() && holds("disable") && (named() || holds("all") || holds("user")),
        Kind::Rule => begins("drop rule") && named(),
        Kind::Policy => begins("drop policy") && named(),
        Kind::RowSecurity => alters() && holds("security"),
        Kind::Publication => begins("drop publication") && named(),
        Kind::Published => (begins("alter publication") || begins("drop publication")) && named(),
        Kind::Statistics => begins("drop statistics") && named(),
        Kind::EventTrigger => begins("drop event") && named(),
        Kind::Privileges => begins("revoke") && (named() || holds("all") && holds("in")) || begins("reassign"),
        Kind::Owner => begins("alter") && holds("owner") && named() || begins("reassign"),
        Kind::DefaultPrivileges => begins("alter default privileges"),
        Kind::Comment => begins("comment") && named(),
        Kind::Default | Kind::NotNull => alters() && holds("drop") && named(),
    }
}

/// Whether an identifier stands in a statement.
fn mentions(tokens: &[Token<'_>], name: &str) -> bool {
    use crate::sql::tokens::Kind as Is;
    tokens.iter().any(|token| match token.kind {
        Is::Quoted => token.text.replace("\"\"", "\"") == name,
        Is::Word => token.text.to_lowercase() == name,
        _ => false,
    })
}

/// A name without its schema.
fn last(label: &str) -> &str {
    label.rsplit('.').next().unwrap_or(label)
}
