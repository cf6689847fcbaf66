//! schema.prisma for each phase, edited by bytes: the new field optional beside the old one, which the new release's client does
//! not see (`@ignore`); then the new one alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::plan::{Kind, Plan};
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
                .help(format!(
                    "the model needs the field {}: see {shown}",
                    plan.new.as_ref().map_or(&plan.old.field, |new| &new.field)
                )));
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
    let original = plan.before.field.as_str();
    let range = lines::field(text, &plan.model, original.split_whitespace().next()?)?;
    if text.get(range.clone()) != Some(original) {
        return None;
    }
    if plan.kind == Kind::Require {
        // the database's check demands a value; Prisma sees no check
        return Some(text.to_owned());
    }
    let newline = if original.ends_with("\r\n") { "\r\n" } else { "\n" };
    let comment = format!("@ignore // until the contract of {shown}");
    let plain = original.split("//").next().unwrap_or(original).trim_end();
    let mut replaced = text.to_owned();
    let Some(new) = &plan.new else {
        let default = prisma_default(plan, kind_of(original)?);
        let kind = if plan.required { kind_of(original)?.to_owned() } else { optional(kind_of(original)?) };
        let with = [default.as_str(), &comment].join(" ");
        let without = if default.is_empty() { &CLIENTS[..4] } else { &CLIENTS[..] };
        let ignored =
            Rewrite { kind: Some(&kind), without, with: with.trim_start(), ..Rewrite::default() }.of(plain)?;
        replaced.replace_range(range, &format!("{ignored}{newline}"));
        return Some(replaced);
    };
    let old_kind = optional(kind_of(original)?);
    let map = (plan.old.field != plan.old.column).then_some(plan.old.column.as_str());
    let ignored = Rewrite {
        name: Some(&plan.old.field),
        kind: Some(&old_kind),
        map: Some(map),
        without: &CLIENTS,
        with: &comment,
    };
    let new_map = (new.field != new.column).then_some(new.column.as_str());
    let (kind, attributes) = new_kind(plan, original)?;
    let kind = optional(&kind);
    let retyped = Rewrite {
        name: Some(&new.field),
        kind: Some(&kind),
        map: Some(new_map),
        without: if plan.kind == Kind::Retype { &["@db.", "@default"] } else { &[] },
        with: &attributes,
    };
    let both = format!("{}{}{newline}", retyped.of(original)?, ignored.of(plain)?);
    replaced.replace_range(range, &both);
    relist(replaced, plan)
}

/// The new field's type and the attributes that come with it.
fn new_kind(plan: &Plan, original: &str) -> Option<(String, String)> {
    let Some(becomes) = &plan.becomes else { return Some((kind_of(original)?.to_owned(), String::new())) };
    let (kind, native) = becomes.split_once(char::is_whitespace).unwrap_or((becomes, ""));
    let default = lines::default_of(original).map(|default| format!("@default({})", respelled(&default, kind)));
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

/// Lists that name the column: each stays, and gets a fellow with the new field.
fn relist(text: String, plan: &Plan) -> Option<String> {
    let new = plan.new.as_ref()?;
    // the new field may have the name that the old one had
    let before = plan.before.field.split_whitespace().next()?;
    let mut listings = lines::listings(&text, &plan.model);
    listings.retain(|listing| listing.fields.iter().any(|field| field == before));
    let mut text = text;
    for listing in listings.into_iter().rev() {
        let line = text.get(listing.range.clone())?.to_owned();
        let named = |name: &str| lines::relisted(&line, &|own| (own == before).then(|| name.to_owned()));
        let (old, mut fellow) = (named(&plan.old.field)?, named(&new.field)?);
        if let Some(at) = fellow.find("map:") {
            let open = at + fellow[at..].find('"')?;
            let close = open + 1 + fellow[open + 1..].find('"')?;
            fellow.insert_str(close, &format!("_{}", new.column));
        }
        let newline = if line.ends_with('\n') { "" } else { "\n" };
        text.replace_range(listing.range, &format!("{old}{newline}{fellow}"));
    }
    Some(text)
}

fn contracted(text: &str, plan: &Plan) -> Option<String> {
    let mut edits: BTreeMap<usize, (usize, String)> = BTreeMap::new();
    let mut edit = |range: std::ops::Range<usize>, to: String| drop(edits.insert(range.start, (range.end, to)));
    if let Some(target) = plan.target().filter(|_| plan.required) {
        let range = lines::field(text, &plan.model, &target.field)?;
        let line = text.get(range.clone())?;
        let kind = kind_of(line)?.trim_end_matches('?').to_owned();
        edit(range, Rewrite { kind: Some(&kind), ..Rewrite::default() }.of(line)?);
    }
    if plan.kind != Kind::Require {
        edit(lines::field(text, &plan.model, &plan.old.field)?, String::new());
        for listing in lines::listings(text, &plan.model) {
            if listing.fields.contains(&plan.old.field) {
                edit(listing.range, String::new());
            }
        }
    }
    Some(apply(text, edits))
}

fn aborted(text: &str, plan: &Plan) -> Option<String> {
    let mut edits: BTreeMap<usize, (usize, String)> = BTreeMap::new();
    let mut edit = |range: std::ops::Range<usize>, to: String| drop(edits.insert(range.start, (range.end, to)));
    if plan.kind == Kind::Require {
        return lines::field(text, &plan.model, &plan.old.field).map(|_| text.to_owned());
    }
    let old = lines::field(text, &plan.model, &plan.old.field)?;
    let Some(new) = &plan.new else {
        edit(old, plan.before.field.clone());
        return Some(apply(text, edits));
    };
    edit(old, String::new());
    edit(lines::field(text, &plan.model, &new.field)?, plan.before.field.clone());
    let before = plan.before.field.split_whitespace().next()?;
    for listing in lines::listings(text, &plan.model) {
        let line = text.get(listing.range.clone())?;
        if listing.fields.contains(&new.field) {
            edit(listing.range, String::new());
        } else if listing.fields.contains(&plan.old.field) {
            edit(
                listing.range.clone(),
                lines::relisted(line, &|own| (own == plan.old.field).then(|| before.to_owned()))?,
            );
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
