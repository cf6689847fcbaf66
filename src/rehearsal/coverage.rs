//! Every loss that the rehearsal measures is one that an effect of the migrations brings about, and that people have seen or accepted
//! there; or the deploy is refused.
//!
//! | module | what it is |
//! |---|---|
//! | `deeds` | the effects of each statement, by the names of before |
//! | `effect` | which effect a loss of data is one of, and which finding judges it |
//! | `definition` | the same for definitions |

mod deeds;
mod definition;
mod effect;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::deeds::{Act, Acting, acting};
use super::Rehearsed;
use crate::catalog::Catalog;
use crate::conservation::{Kind, Loss};
use crate::project::Migration;
use crate::review::{Reviewed, acceptances};
use crate::rules::{Acceptance, Finding, REHEARSED_LOSS};
use crate::sql::tokens::tokens;

/// What people have said about the pending migrations.
pub(super) struct Coverage<'a> {
    pending: &'a [Migration],
    /// What the review found in them.
    reviewed: &'a [Reviewed],
    schema: &'a str,
    acting: Vec<Acting<'a>>,
    /// The accepting lines, each with its migration.
    lines: Vec<(String, Acceptance)>,
}

impl<'a> Coverage<'a> {
    /// `world` is the database before the migrations.
    pub(super) fn new(world: &Catalog, pending: &'a [Migration], reviewed: &'a [Reviewed], schema: &'a str) -> Self {
        let of = |migration: &Migration| {
            let name = migration.name.clone();
            let (lines, _) = acceptances::read(migration.script());
            lines.into_iter().map(move |line| (name.clone(), line.acceptance)).collect::<Vec<_>>()
        };
        let lines = pending.iter().flat_map(of).collect();
        Self { pending, reviewed, schema, acting: acting(world, pending), lines }
    }

    /// Writes who did each loss and why it may happen, where that is known. Gives the accepting lines that no loss needs.
    pub(super) fn cover(&self, losses: &mut [Loss], rehearsed: &[Rehearsed]) -> Vec<String> {
        let mut used = BTreeSet::new();
        for loss in losses {
            let stranger = self.stranger(loss, rehearsed);
            self.attribute(loss, rehearsed, stranger);
            let accepted = self.accepted(loss, &mut used);
            loss.covered_by = match stranger {
                // what is accepted for one statement does not cover another one
                Some(_) => accepted,
                None => accepted.or_else(|| self.covered(loss)),
            };
        }
        let unused = |(at, line): (usize, &(String, Acceptance))| {
            let (migration, line) = line;
            (line.rule == REHEARSED_LOSS.id && !used.contains(&at)).then(|| {
                format!("{migration} accepts {}({}), which the rehearsal has not found", line.rule, line.object)
            })
        };
        self.lines.iter().enumerate().filter_map(unused).collect()
    }

    /// The line that would accept a loss: the review's own, where it found this too.
    pub(super) fn line_for(&self, loss: &Loss) -> String {
        let blocking = self.judging(loss).find(|finding| finding.blocks());
        match blocking {
            Some(Finding { rule, object, .. }) => format!("-- prisma-safe:allow {rule}({object}): why"),
            None => {
                format!("-- prisma-safe:allow {}({}{}): why", REHEARSED_LOSS.id, loss.kind_words(), loss.object)
            }
        }
    }

    /// A line about just this loss.
    fn accepted(&self, loss: &Loss, used: &mut BTreeSet<usize>) -> Option<String> {
        let covers = |line: &Acceptance| line.covers(REHEARSED_LOSS.id, &loss.object, self.schema);
        let accepts = |at: &usize| {
            let line = &self.lines[*at].1;
            let of_kind = line.object.strip_prefix(loss.kind_words());
            // without the kind, as earlier versions wrote it, every loss of the object
            covers(line)
                || of_kind.is_some_and(|object| covers(&Acceptance { object: object.to_owned(), ..line.clone() }))
        };
        let accepting: Vec<usize> = (0..self.lines.len()).filter(accepts).collect();
        used.extend(&accepting);
        let (migration, line) = self.lines.get(*accepting.first()?)?;
        Some(format!("{}({}) in {migration}", line.rule, line.object))
    }

    /// A finding about an effect that brings the loss about, or a statement that says so by itself.
    fn covered(&self, loss: &Loss) -> Option<String> {
        let admits = |finding: &&Finding| effect::admits(finding, loss);
        if let Some(finding) = self.judging(loss).find(admits) {
            return Some(match &finding.accepted {
                Some(line) => format!("{}({}), accepted in line {}", finding.rule, finding.object, line.line),
                None => format!("the review: {}({})", finding.rule, finding.object),
            });
        }
        let says = |(_, act): &(&Acting<'_>, &Act<'_>)| {
            definition::says(act, loss) || act.deeds.iter().any(|deed| deed.brings(loss) && deed.is_said(act, loss))
        };
        let (acting, act) = self.acts().find(says)?;
        Some(format!("line {} of {}, which names it", act.line, acting.name))
    }

    /// The findings about effects that bring the loss about, or that name it among what goes along.
    fn judging(&self, loss: &Loss) -> impl Iterator<Item = &Finding> {
        self.acts().flat_map(move |(acting, act)| {
            let reviewed = self.reviewed.iter().filter(|reviewed| reviewed.name == acting.name);
            reviewed.flat_map(|reviewed| &reviewed.findings).filter(move |finding| {
                let brings = act.deeds.iter().any(|deed| deed.brings(loss) && deed.judged_by(act, finding, loss));
                let within = finding.range.as_ref().is_some_and(|range| {
                    act.statement.range.start <= range.start && range.end <= act.statement.range.end
                });
                let cascades = act.deeds.iter().any(deeds::Deed::cascades);
                brings || within && cascades && definition::is_victim(finding, loss, self.schema)
            })
        })
    }

    fn acts(&self) -> impl Iterator<Item = (&Acting<'a>, &Act<'a>)> {
        self.acting.iter().flat_map(|acting| acting.acts.iter().map(move |act| (acting, act)))
    }

    /// A statement that was seen to delete or overwrite rows of the table though none of its effects says so: code. Which of the
    /// rows are its own is not known.
    fn stranger<'r>(&self, loss: &Loss, rehearsed: &'r [Rehearsed]) -> Option<(&'r str, usize)> {
        rehearsed.iter().zip(&self.acting).find_map(|(migration, acting)| {
            let strange = migration.statements.iter().find(|statement| {
                let own = || acting.acts.iter().filter(|act| act.is(statement)).flat_map(|act| &act.deeds);
                let told = own().any(|deed| deed.touches(loss));
                // a change of type writes a table anew as well, and says so
                let code = || own().any(|deed| deed.what.is_code());
                !told && (acting.wrote(statement, loss) || acting.emptied(statement, loss) && code())
            });
            strange.map(|statement| (migration.name.as_str(), statement.line))
        })
    }

    /// The statement that the trace saw doing it; else the one whose effect it is; else the only one that could have.
    fn attribute(&self, loss: &mut Loss, rehearsed: &[Rehearsed], stranger: Option<(&str, usize)>) {
        let traced = rehearsed.iter().zip(&self.acting).find_map(|(migration, acting)| {
            let did = migration.statements.iter().find(|statement| {
                let rewrote =
                    |table: &super::Sized| acting.was(&table.name).is_some_and(|was| loss.parents.contains(was));
                acting.wrote(statement, loss)
                    || matches!(loss.kind, Kind::Rows | Kind::Values) && statement.rewrites.iter().any(rewrote)
            });
            did.map(|statement| (migration.name.as_str(), statement.line))
        });
        let brings = |(_, act): &(&Acting<'_>, &Act<'_>)| act.deeds.iter().any(|deed| deed.brings(loss));
        let known = || self.acts().find(brings).map(|(acting, act)| (acting.name, act.line));
        if let Some((migration, line)) = stranger.or(traced).or_else(known) {
            let migration = migration.to_owned();
            (loss.migration, loss.line) = (Some(migration), Some(line));
            return;
        }
        let name = loss.name.clone();
        let mut mentioning = self.acts().filter(|(_, act)| definition::mentions(&tokens(act.text), &name));
        if let (Some((acting, act)), None) = (mentioning.next(), mentioning.next()) {
            let (migration, line) = (acting.name.to_owned(), act.line);
            (loss.migration, loss.line) = (Some(migration), Some(line));
        } else if let [only] = self.pending {
            loss.migration = Some(only.name.clone());
        }
    }
}

impl Act<'_> {
    /// Whether this is the statement that was traced.
    fn is(&self, traced: &super::Statement) -> bool {
        match traced.range.is_empty() {
            true => self.line == traced.line,
            false => self.statement.range.contains(&traced.range.start),
        }
    }
}

impl Acting<'_> {
    /// What a table that has this name just before the migration was called before all of them.
    fn was(&self, name: &str) -> Option<&String> {
        self.before.get(name)
    }

    /// Whether a traced statement left nothing of what was lost where it was: `TRUNCATE`, or the table written anew.
    fn emptied(&self, statement: &super::Statement, loss: &Loss) -> bool {
        let data = matches!(loss.kind, Kind::Rows | Kind::Values);
        let here = |table| self.was(table).is_some_and(|was| loss.parents.contains(was));
        data && statement.writes.iter().any(|write| write.anew && here(&write.table))
    }

    /// Whether a traced statement deleted or overwrote rows of what was lost.
    fn wrote(&self, statement: &super::Statement, loss: &Loss) -> bool {
        statement.writes.iter().any(|write| {
            let counts = match loss.kind {
                Kind::Rows => write.deleted > 0,
                // without a key, rows that are deleted show by their values
                Kind::Values => write.updated > 0 || loss.keyless && write.deleted > 0,
                _ => false,
            };
            counts && self.was(&write.table).is_some_and(|was| loss.parents.contains(was))
        })
    }
}
