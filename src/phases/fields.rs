//! schema.prisma for each phase, edited by bytes: the new fields optional beside the old ones, which the new release's client does
//! not see (`@ignore`); then the new ones alone.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use super::plan::{Kind, Plan, Side};
use super::table;
use crate::error::{Error, Explain as _, Result};
use crate::rename::schema::lines::{self, Rewrite};

/// Where the schema is to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// From before the plan to the expand.
    Expand,
    /// From there to the contract.
    Contract,
    /// From there back to before the plan.
    Abort,
}

/// A file of the schema, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    pub path: PathBuf,
    pub old: String,
    pub new: String,
}

impl Edited {
    /// Every file of the schema; the one that declares the model is edited.
    ///
    /// # Errors
    /// Exit status 2 where schema.prisma does not say what the plan expects there.
    pub fn all(files: &[PathBuf], plan: &Plan, phase: Phase, shown: &str) -> Result<Vec<Self>> {
        let read = |path: &PathBuf| -> Result<Self> {
            let old = std::fs::read_to_string(path).explain(|| format!("could not read {}", path.display()))?;
            Ok(Self { path: path.clone(), new: old.clone(), old })
        };
        let mut all: Vec<Self> = files.iter().map(read).collect::<Result<_>>()?;
        if plan.kind == Kind::Table {
            return table::edited(all, plan, phase);
        }
        let edited = all.iter_mut().find_map(|file| {
            let new = match phase {
                Phase::Expand => expanded(&file.old, plan, shown),
                Phase::Contract => contracted(&file.old, plan),
                Phase::Abort => aborted(&file.old, plan),
            }?;
            Some((file, new))
        });
        let Some((file, new)) = edited else {
            return Err(Error::usage(format!("no file of the schema declares {} as the plan left it", plan.model))
                .help(format!("the model needs the fields of the plan: see {shown}")));
        };
        file.new = new;
        Ok(all)
    }
}

fn optional(kind: &str) -> String {
    if kind.ends_with(['?', ']']) { kind.to_owned() } else { format!("{kind}?") }
}

/// The type in a field's line.
pub(super) fn kind_of(line: &str) -> Option<&str> {
    let rest = line.trim_start();
    let rest = rest[rest.find(char::is_whitespace)?..].trim_start();
    Some(rest.split(|c: char| c.is_whitespace() || c == '@').next().unwrap_or(rest))
}

/// The database knows no default that the client fills in by itself, and an ignored field has no client.
const CLIENTS: [&str; 6] =
    ["@default(uuid", "@default(cuid", "@default(nanoid", "@default(ulid", "@updatedAt", "@default(autoincrement"];

fn expanded(text: &str, plan: &Plan, shown: &str) -> Option<String> {
    let mut edits = BTreeMap::new();
    for (at, old) in plan.old.iter().enumerate() {
        let original = old.before.as_deref()?;
        let range = lines::field(text, &plan.model, original.split_whitespace().next()?)?;
        if text.get(range.clone()) != Some(original) {
            return None;
        }
        let newline = if original.ends_with("\r\n") { "\r\n" } else { "\n" };
        let hidden = match plan.kind {
            // the database's check demands a value; Prisma sees no check
            Kind::Require => continue,
            Kind::Drop => left_out(plan, original, shown)?,
            _ => ignored(old, original, shown)?,
        };
        let added = plan.new.iter().filter(|_| at == 0).map(|new| new_line(plan.kind, new, original));
        let added = added.collect::<Option<String>>()?;
        edits.insert(range.start, (range.end, format!("{added}{hidden}{newline}")));
    }
    relist(apply(text, edits), plan)
}

/// A line without its comment, and the comment that says how long it stays.
fn until<'t>(original: &'t str, shown: &str) -> (&'t str, String) {
    let plain = original.split("//").next().unwrap_or(original).trim_end();
    (plain, format!("@ignore // until the contract of {shown}"))
}

/// The line of a column that the new release leaves out.
fn left_out(plan: &Plan, original: &str, shown: &str) -> Option<String> {
    let (plain, comment) = until(original, shown);
    let default = prisma_default(plan, kind_of(original)?);
    let required = plan.old.iter().any(|old| old.required);
    let kind = if required { kind_of(original)?.to_owned() } else { optional(kind_of(original)?) };
    let with = [default.as_str(), &comment].join(" ");
    let without = if default.is_empty() { &CLIENTS[..4] } else { &CLIENTS[..] };
    Rewrite { kind: Some(&kind), without, with: with.trim_start(), ..Rewrite::default() }.of(plain)
}

/// The line of a column whose place others take.
fn ignored(old: &Side, original: &str, shown: &str) -> Option<String> {
    let (plain, comment) = until(original, shown);
    let kind = optional(kind_of(original)?);
    let map = (old.field != old.column).then_some(old.column.as_str());
    Rewrite { name: Some(&old.field), kind: Some(&kind), map: Some(map), without: &CLIENTS, with: &comment }.of(plain)
}

/// The line of a new column, like the first old one's as far as that says the same of it.
fn new_line(plan: Kind, new: &Side, original: &str) -> Option<String> {
    let (kind, attributes) = new_kind(plan, new, original)?;
    let kind = optional(&kind);
    let map = (new.field != new.column).then_some(new.column.as_str());
    let (line, without): (String, &[&str]) = match plan {
        Kind::Rename => (original.to_owned(), &[]),
        Kind::Retype => (original.to_owned(), &["@db.", "@default"]),
        _ => (bare(original)?, &[]),
    };
    Rewrite { name: Some(&new.field), kind: Some(&kind), map: Some(map), without, with: &attributes }.of(&line)
}

/// A field's name and type, where they stand.
fn bare(line: &str) -> Option<String> {
    let name = line.split_whitespace().next()?;
    let (kind, behind) = (kind_of(line)?, line.find(name)? + name.len());
    let end = behind + line.get(behind..)?.find(kind)? + kind.len();
    Some(format!("{}{}", line.get(..end)?, if line.ends_with("\r\n") { "\r\n" } else { "\n" }))
}

/// The new field's type and the attributes that come with it.
fn new_kind(plan: Kind, new: &Side, original: &str) -> Option<(String, String)> {
    let Some(becomes) = &new.becomes else { return Some((kind_of(original)?.to_owned(), String::new())) };
    let (kind, native) = becomes.split_once(char::is_whitespace).unwrap_or((becomes, ""));
    let default = lines::default_of(original).filter(|_| plan == Kind::Retype);
    let default = default.map(|default| format!("@default({})", respelled(&default, kind)));
    let attributes = [default.as_deref().unwrap_or_default(), native.trim()].join(" ");
    Some((kind.to_owned(), attributes.trim().to_owned()))
}

/// A constant default as another type writes it: 0, "0".
fn respelled(default: &str, kind: &str) -> String {
    let bare = default.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let quoted = ["String", "DateTime", "Json", "Bytes"].contains(&kind);
    match bare {
        // a function stays what it is
        None if default.contains(['(', '[']) => default.to_owned(),
        None if quoted => format!("\"{default}\""),
        Some(bare) if !quoted => bare.to_owned(),
        None | Some(_) => default.to_owned(),
    }
}

/// `@default("x")` for a column that the new release leaves out.
fn prisma_default(plan: &Plan, kind: &str) -> String {
    match &plan.left_out {
        Some(value) if ["Int", "BigInt", "Float", "Decimal", "Boolean"].contains(&kind) => format!("@default({value})"),
        Some(value) if ["String", "DateTime", "Json", "Bytes"].contains(&kind) => {
            format!("@default(\"{}\")", value.replace('\\', "\\\\").replace('"', "\\\""))
        }
        Some(value) => format!("@default({value})"),
        None => String::new(),
    }
}

/// Lists that name an old column: each stays, and gets a fellow with the new field where one takes the place of one.
fn relist(mut text: String, plan: &Plan) -> Option<String> {
    // a new field may have the name that the old one had
    let names: Vec<(&str, &str)> =
        plan.old.iter().filter_map(|old| Some((old_name(old)?, old.field.as_str()))).collect();
    let mut listings = lines::listings(&text, &plan.model);
    listings.retain(|listing| listing.fields.iter().any(|field| names.iter().any(|(before, _)| field == before)));
    for listing in listings.into_iter().rev() {
        let line = text.get(listing.range.clone())?.to_owned();
        let of = |own: &str| names.iter().find(|(before, _)| own == *before).map(|(_, now)| (*now).to_owned());
        let mut lists = lines::relisted(&line, &of)?;
        if let ([new], Kind::Rename | Kind::Retype) = (plan.new.as_slice(), plan.kind) {
            let fellow = lines::relisted(&line, &|own| of(own).map(|_| new.field.clone()))?;
            let newline = if line.ends_with('\n') { "" } else { "\n" };
            lists = format!("{lists}{newline}{}", with_own_name(fellow, &new.column)?);
        }
        text.replace_range(listing.range, &lists);
    }
    Some(text)
}

/// An index of the new column beside the old one's needs another name.
fn with_own_name(mut list: String, column: &str) -> Option<String> {
    if let Some(at) = list.find("map:") {
        let open = at + list[at..].find('"')?;
        let close = open + 1 + list[open + 1..].find('"')?;
        list.insert_str(close, &format!("_{column}"));
    }
    Some(list)
}

/// The name that an old column's field had before the plan.
fn old_name(old: &Side) -> Option<&str> {
    old.before.as_deref()?.split_whitespace().next()
}

fn contracted(text: &str, plan: &Plan) -> Option<String> {
    let mut edits: BTreeMap<usize, (usize, String)> = BTreeMap::new();
    let mut edit = |range: Range<usize>, to: String| drop(edits.insert(range.start, (range.end, to)));
    for target in plan.targets().iter().filter(|side| side.required) {
        let range = lines::field(text, &plan.model, &target.field)?;
        let line = text.get(range.clone())?;
        let kind = kind_of(line)?.trim_end_matches('?').to_owned();
        edit(range, Rewrite { kind: Some(&kind), ..Rewrite::default() }.of(line)?);
    }
    if plan.kind != Kind::Require {
        for (at, old) in plan.old.iter().enumerate() {
            let range = lines::field(text, &plan.model, &old.field)?;
            // the new fields stand behind the first one's comment
            let replaced = at == 0 && plan.kind.replaces();
            edit(if replaced { range } else { documented(text, range) }, String::new());
        }
        for listing in lines::listings(text, &plan.model) {
            if plan.old.iter().any(|old| listing.fields.contains(&old.field)) {
                edit(listing.range, String::new());
            }
        }
    }
    Some(apply(text, edits))
}

/// A field with the comment above it that is about nothing else.
fn documented(text: &str, field: Range<usize>) -> Range<usize> {
    let before = text.get(..field.start).unwrap_or_default();
    let comment = before.split_inclusive('\n').rev().take_while(|line| line.trim_start().starts_with("///"));
    field.start - comment.map(str::len).sum::<usize>()..field.end
}

fn aborted(text: &str, plan: &Plan) -> Option<String> {
    let mut edits: BTreeMap<usize, (usize, String)> = BTreeMap::new();
    let mut edit = |range: Range<usize>, to: String| drop(edits.insert(range.start, (range.end, to)));
    for old in &plan.old {
        let range = lines::field(text, &plan.model, &old.field)?;
        if plan.kind != Kind::Require {
            edit(range, old.before.clone()?);
        }
    }
    for new in &plan.new {
        edit(lines::field(text, &plan.model, &new.field)?, String::new());
    }
    for listing in lines::listings(text, &plan.model).into_iter().filter(|_| plan.kind.replaces()) {
        let line = text.get(listing.range.clone())?;
        if plan.new.iter().any(|new| listing.fields.contains(&new.field)) {
            edit(listing.range, String::new());
        } else if plan.old.iter().any(|old| listing.fields.contains(&old.field)) {
            let before = |own: &str| plan.old.iter().find(|old| own == old.field).and_then(old_name).map(str::to_owned);
            edit(listing.range.clone(), lines::relisted(line, &before)?);
        }
    }
    Some(apply(text, edits))
}

fn apply(text: &str, edits: BTreeMap<usize, (usize, String)>) -> String {
    let mut text = text.to_owned();
    for (start, (end, to)) in edits.into_iter().rev() {
        text.replace_range(start..end, &to);
    }
    text
}
