//! From the plan to edits: pieces are cut, with the step comment above and the blank line below; what is new stands where
//! the first piece stood.

use std::ops::Range;

use super::atoms::At;
use super::gaps::{close, insert, last_name, self_lines};
use super::place::{Put, drop_of, first, place};
use super::plan::Plan;
use crate::rename::Rename;
use crate::rename::render::object;
use crate::sql::expression::{Piece, pieces};
use crate::sql::{Action, ActionKind, Edit, Script, Statement, StatementKind, quote_identifier};

/// The names that Prisma writes above its steps.
const STEPS: &[&str] = &[
    "CreateSchema",
    "AlterSequence",
    "DropView",
    "DropUserDefinedType",
    "CreateEnum",
    "AlterEnum",
    "DropForeignKey",
    "DropIndex",
    "AlterTable",
    "AlterPrimaryKey",
    "DropTable",
    "DropEnum",
    "CreateTable",
    "RedefineTables",
    "CreateIndex",
    "RenameForeignKey",
    "AddForeignKey",
    "RenameIndex",
    "RedefineIndex",
];

/// The edits, in order and without overlaps. `block` are the new lines, renames first.
pub(crate) fn edits(plan: &Plan<'_>, block: &[String], dropped: &[Rename]) -> Vec<Edit> {
    let script = plan.scene.draft.script;
    let newline = if script.text().contains("\r\n") { "\r\n" } else { "\n" };
    let mut work = Work { script, newline, removed: Vec::new(), small: Vec::new() };
    let mut block: Vec<String> = block.to_vec();
    let mut placed = place(plan, &mut block);
    for (number, statement) in script.statements().iter().enumerate() {
        let put = placed.remove(&number).unwrap_or_default();
        work.statement(plan, number, statement, put);
    }
    let first = first(plan).or_else(|| dropped.iter().filter_map(|rename| drop_of(plan, rename)).min());
    work.finish(first, &block)
}

struct Work<'a> {
    script: &'a Script,
    newline: &'static str,
    /// Whole pieces that go, with what stands there instead.
    removed: Vec<(Range<usize>, String)>,
    /// Edits inside statements that stay.
    small: Vec<Edit>,
}

impl Work<'_> {
    fn statement(&mut self, plan: &Plan<'_>, number: usize, statement: &Statement, put: Put) {
        let is_cut = |action: Option<usize>| plan.cuts.contains(&At { statement: number, action });
        let after = |put: &[String], newline: &str| {
            put.iter().map(|text| self_lines(text, newline)).collect::<Vec<_>>().join(newline)
        };
        let actions: &[Action] = match &statement.kind {
            StatementKind::AlterTable { actions, .. } => actions,
            _ => &[],
        };
        let cut: Vec<bool> = (0..actions.len()).map(|action| is_cut(Some(action))).collect();
        let gone = is_cut(None) || (!cut.is_empty() && cut.iter().all(|cut| *cut) && put.actions.is_empty());
        if gone {
            let text = if put.statements.is_empty() {
                String::new()
            } else {
                format!("-- AlterTable{}{}", self.newline, after(&put.statements, self.newline))
            };
            self.remove(statement, text);
            return;
        }
        if cut.iter().any(|cut| *cut) {
            self.cut_actions(statement, actions, &cut, &put.actions);
        }
        if !put.statements.is_empty() {
            let text = format!("{0}{1}", self.newline, after(&put.statements, self.newline));
            self.small.push(Edit { range: statement.range.end..statement.range.end, text });
        }
        self.retarget(plan, statement, actions, &cut);
    }

    /// A statement goes, with the step's comment above it and the blank line below; other comments stay.
    fn remove(&mut self, statement: &Statement, text: String) {
        let source = self.script.text();
        let mut start = statement.range.start;
        for comment in self.script.comments().iter().rev().filter(|comment| comment.range.end <= statement.range.start)
        {
            let between = &source[comment.range.end..start];
            let adjacent = between.trim().is_empty() && between.matches('\n').count() <= 1;
            let step = comment.text.strip_prefix("--").is_some_and(|text| STEPS.contains(&text.trim()));
            if !adjacent || !step {
                break;
            }
            start = comment.range.start;
        }
        let inner = self.script.comments().iter().filter(|comment| statement.range.contains(&comment.range.start));
        let kept: Vec<&str> = inner.map(|comment| comment.text.as_str()).collect();
        let text = match (kept.is_empty(), text.is_empty()) {
            (true, _) => text,
            (false, true) => kept.join(self.newline),
            (false, false) => format!("{}{}{text}", kept.join(self.newline), self.newline),
        };
        self.removed.push((start..statement.range.end, text));
    }

    /// Cuts actions out of an `ALTER TABLE` that goes on without them.
    fn cut_actions(&mut self, statement: &Statement, actions: &[Action], cut: &[bool], put: &[String]) {
        let mut put_text = put.join(&format!(",{}", self.newline));
        let first_cut = cut.iter().position(|cut| *cut).unwrap_or(0);
        // with new actions, the first one cut is replaced and counts as staying
        let stays = |at: usize| !cut[at] || (at == first_cut && !put.is_empty());
        let mut at = 0;
        while at < actions.len() {
            if stays(at) {
                if cut[at] {
                    self.small.push(Edit { range: actions[at].range.clone(), text: std::mem::take(&mut put_text) });
                }
                at += 1;
                continue;
            }
            let end = (at..actions.len()).find(|next| stays(*next)).unwrap_or(actions.len());
            let range = if end < actions.len() {
                actions[at].range.start..actions[end].range.start
            } else if at > 0 {
                actions[at - 1].range.end..actions[end - 1].range.end
            } else {
                statement.range.clone()
            };
            self.delete(range);
            at = end;
        }
    }

    /// Deletes a range but for the comments inside.
    fn delete(&mut self, range: Range<usize>) {
        let mut start = range.start;
        for comment in self.script.comments().iter().filter(|comment| range.contains(&comment.range.start)) {
            self.small.push(Edit { range: start..comment.range.start, text: " ".into() });
            let line_end = self.script.text()[comment.range.end..]
                .find('\n')
                .map_or(comment.range.end, |at| comment.range.end + at + 1);
            start = line_end.min(range.end);
        }
        self.small.push(Edit { range: start..range.end, text: String::new() });
    }

    /// Statements that stay and name a renamed table or column by its old name get the new one.
    fn retarget(&mut self, plan: &Plan<'_>, statement: &Statement, actions: &[Action], cut: &[bool]) {
        let StatementKind::AlterTable { table, .. } = &statement.kind else { return };
        let table = plan.scene.before.resolve(table);
        let Some(touched) = plan.touched.iter().find(|touched| touched.from == table) else { return };
        let source = self.script.text();
        if touched.whole
            && let Some(first) = actions.first()
        {
            let head = statement.range.start..first.range.start;
            if let Some(name) = last_name(&source[head.clone()]) {
                let range = head.start + name.start..head.start + name.end;
                self.small.push(Edit { range, text: object(plan.scene.before, &touched.to) });
            }
        }
        for (action, _) in actions.iter().zip(cut).filter(|(_, cut)| !**cut) {
            // only this one names columns as they were before, in an enum's block
            let ActionKind::DropDefault { column } = &action.kind else { continue };
            let Some(new) = touched.renamed.iter().find(|(_, from)| *from == column).map(|(to, _)| to) else {
                continue;
            };
            let mut offset = action.range.start;
            for piece in pieces(&source[action.range.clone()]) {
                if matches!(piece, Piece::Quoted(_) | Piece::Word(_)) && piece.name().as_ref() == Some(column) {
                    self.small.push(Edit { range: offset..offset + piece.text().len(), text: quote_identifier(new) });
                }
                offset += piece.text().len();
            }
        }
    }

    /// Merges what was removed, puts the block at its place, and closes the gaps.
    fn finish(mut self, first: Option<usize>, block: &[String]) -> Vec<Edit> {
        let source = self.script.text();
        let newline = self.newline;
        let statements = self.script.statements();
        let block = block.iter().map(|text| self_lines(text, newline)).collect::<Vec<_>>().join(newline);
        let at = first.map_or(source.len(), |first| self.start_of(&statements[first]));
        let mut edits = std::mem::take(&mut self.small);
        let mut merged: Vec<(Range<usize>, Vec<String>)> = Vec::new();
        for (range, text) in self.removed {
            let texts = if text.is_empty() { Vec::new() } else { vec![text] };
            match merged.last_mut() {
                Some((last, all)) if source[last.end..range.start].trim().is_empty() => {
                    last.end = range.end;
                    all.extend(texts);
                }
                _ => merged.push((range, texts)),
            }
        }
        let mut blocked = false;
        for (range, mut texts) in merged {
            if range.start == at && !block.is_empty() {
                texts.insert(0, block.clone());
                blocked = true;
            }
            edits.push(close(source, range, &texts, newline));
        }
        if !blocked && !block.is_empty() {
            edits.push(insert(source, at, &block, newline));
        }
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        edits
    }

    /// Where a statement starts, with the step's comment above it.
    fn start_of(&self, statement: &Statement) -> usize {
        let source = self.script.text();
        let mut start = statement.range.start;
        for comment in self.script.comments().iter().rev().filter(|comment| comment.range.end <= statement.range.start)
        {
            let between = &source[comment.range.end..start];
            let step = comment.text.strip_prefix("--").is_some_and(|text| STEPS.contains(&text.trim()));
            if !between.trim().is_empty() || between.matches('\n').count() > 1 || !step {
                break;
            }
            start = comment.range.start;
        }
        start
    }
}
