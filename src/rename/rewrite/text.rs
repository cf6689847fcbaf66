//! From the plan to edits: pieces are cut, with the step comment above and the blank line below; what is new stands where
//! the first piece stood.

use std::collections::BTreeMap;
use std::ops::Range;

use super::atoms::At;
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

/// What is put at a statement.
#[derive(Debug, Default)]
struct Put {
    /// Actions in place of the first one cut.
    actions: Vec<String>,
    /// Statements in place of the whole, or after it.
    statements: Vec<String>,
}

/// Gives each table's new actions and statements a place: at its own statement, or in the block where it has none.
fn place(plan: &Plan<'_>, block: &mut Vec<String>) -> BTreeMap<usize, Put> {
    let mut placed: BTreeMap<usize, Put> = BTreeMap::new();
    for (table, place) in &plan.places {
        let mut actions = place.actions.clone();
        actions.sort_by_key(|(rank, _)| *rank);
        let actions: Vec<String> = actions.into_iter().map(|(_, text)| text).collect();
        let touched = plan.touched.iter().find(|touched| touched.to == *table);
        let whole = touched.is_some_and(|touched| touched.whole);
        let statement = if whole {
            plan.atoms.create_table.get(table).map(|at| at.statement)
        } else {
            touched.and_then(|touched| {
                let key = |column: &String| (table.clone(), column.clone());
                let add = touched.columns.iter().filter_map(|column| plan.atoms.add_column.get(&key(column)));
                let drop = touched.sources.iter().filter_map(|column| plan.atoms.drop_column.get(&key(column)));
                let alter =
                    touched.columns.iter().filter_map(|column| plan.atoms.alter_column.get(&key(column))).flatten();
                add.chain(drop).chain(alter).filter(|at| plan.cuts.contains(at)).map(|at| at.statement).max()
            })
        };
        let alter = |actions: &[String]| {
            (!actions.is_empty())
                .then(|| format!("ALTER TABLE {} {};", object(plan.scene.before, table), actions.join(",\n")))
        };
        match statement {
            Some(statement) => {
                let put = placed.entry(statement).or_default();
                if whole {
                    put.statements.extend(alter(&actions));
                } else {
                    put.actions.extend(actions);
                }
                put.statements.extend(place.statements.iter().cloned());
            }
            None => {
                block.extend(alter(&actions));
                block.extend(place.statements.iter().cloned());
            }
        }
    }
    placed
}

/// The first statement that a rename concerns: the renames go before it. One inside an enum's block means the block.
fn first(plan: &Plan<'_>) -> Option<usize> {
    let new_names = |statement: &Statement| match &statement.kind {
        StatementKind::AlterTable { table, actions, .. } => {
            let table = plan.scene.before.resolve(table);
            plan.touched.iter().any(|touched| {
                (touched.whole && (table == touched.to || table == touched.from))
                    || (table == touched.to
                        && actions
                            .iter()
                            .filter_map(|action| column_of(&action.kind))
                            .any(|name| touched.columns.contains(name)))
            })
        }
        _ => false,
    };
    let statements = plan.scene.draft.script.statements();
    // an enum's block that stays works on the renamed values
    let enums = plan.moves.values.keys().filter_map(|of| plan.atoms.enum_block.get(of)).map(|block| block.start).min();
    let first = (0..statements.len()).find(|number| {
        let cut =
            plan.cuts.range(At { statement: *number, action: None }..).next().is_some_and(|at| at.statement == *number);
        cut || enums == Some(*number) || new_names(&statements[*number])
    })?;
    let block = plan.atoms.enum_block.values().find(|block| block.contains(&first));
    Some(block.map_or(first, |block| block.start))
}

/// The statement that drops something.
fn drop_of(plan: &Plan<'_>, dropped: &Rename) -> Option<usize> {
    let atoms = &plan.atoms;
    let at = match dropped {
        Rename::Table { from, .. } => atoms.drop_table.get(from),
        Rename::Enum { from, .. } => atoms.drop_type.get(from),
        Rename::Column { table, from, .. } => atoms.drop_column.get(&(table.clone(), from.clone())),
        Rename::EnumValue { of, .. } => return atoms.enum_block.get(of).map(|block| block.start),
    };
    at.map(|at| at.statement)
}

/// The column that an action is about.
pub(crate) fn column_of(kind: &ActionKind) -> Option<&String> {
    match kind {
        ActionKind::SetType { column, .. }
        | ActionKind::SetNotNull { column }
        | ActionKind::DropNotNull { column }
        | ActionKind::SetDefault { column, .. }
        | ActionKind::DropDefault { column }
        | ActionKind::AddIdentity { column }
        | ActionKind::DropIdentity { column } => Some(column),
        _ => None,
    }
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
            if range.start == at {
                texts.insert(0, block.clone());
                blocked = true;
            }
            edits.push(close(source, range, &texts, newline));
        }
        if !blocked {
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

/// A text's lines in the file's own line breaks.
fn self_lines(text: &str, newline: &str) -> String {
    if newline == "\n" { text.to_owned() } else { text.replace('\n', newline) }
}

/// Replaces a run of statements by others; without any, the blank line below goes too.
fn close(source: &str, range: Range<usize>, texts: &[String], newline: &str) -> Edit {
    let text = texts.join(&format!("{newline}{newline}"));
    if !text.is_empty() {
        return Edit { range, text };
    }
    let rest = &source[range.end..];
    let blank = rest.len() - rest.trim_start_matches(['\r', '\n', ' ', '\t']).len();
    if blank == rest.len() {
        // the last of the file: the blank line above goes instead
        let head = source[..range.start].trim_end_matches(['\r', '\n', ' ', '\t']).len();
        let text = if head == 0 { String::new() } else { newline.to_owned() };
        return Edit { range: head..source.len(), text };
    }
    let after_line = rest.trim_start_matches([' ', '\t']);
    if after_line.starts_with(['\r', '\n']) {
        // up to the next text, but not its indentation
        let end = range.end + blank;
        let line = source[..end].rfind('\n').map_or(end, |at| at + 1);
        return Edit { range: range.start..line.max(range.end), text };
    }
    Edit { range, text }
}

/// Puts a text before what stands at a place, with a blank line between.
fn insert(source: &str, at: usize, text: &str, newline: &str) -> Edit {
    let text = if at < source.len() {
        format!("{text}{newline}{newline}")
    } else {
        let head = if source.is_empty() || source.ends_with('\n') { "" } else { newline };
        format!("{head}{text}{newline}")
    };
    Edit { range: at..at, text }
}

/// The bytes of the last (dotted) name of a text.
fn last_name(text: &str) -> Option<Range<usize>> {
    let mut offset = 0;
    let placed: Vec<(usize, Piece<'_>)> = pieces(text)
        .into_iter()
        .map(|piece| {
            let start = offset;
            offset += piece.text().len();
            (start, piece)
        })
        .filter(|(_, piece)| !matches!(piece, Piece::Space(_)))
        .collect();
    let last = placed.iter().rposition(|(_, piece)| piece.name().is_some())?;
    let mut first = last;
    while first >= 2 && placed[first - 1].1 == Piece::Symbol(".") && placed[first - 2].1.name().is_some() {
        first -= 2;
    }
    let (end, piece) = placed[last];
    Some(placed[first].0..end + piece.text().len())
}
