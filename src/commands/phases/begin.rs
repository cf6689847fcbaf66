//! `phases rename|retype|split|merge|require|drop`: a new plan with its first migration.

use super::scene::{Scene, Write};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::phases::obstacles::Unfit;
use crate::phases::{
    Asked, Back, Drafted, Edited, Kind, NewColumn, Phase, Plan, Scripts, Side, after, begin, check_expression,
    losing_indexes, obstacles, session,
};
use crate::ui::listed;

/// `phases rename`.
#[derive(Debug, clap::Args)]
pub(super) struct Rename {
    /// The column and its new name, as the database calls them
    #[arg(value_name = "OLD:NEW")]
    column: String,
    /// The new field's name in schema.prisma [default: like the column]
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
    #[command(flatten)]
    pub(super) write: Write,
}

/// `phases retype`.
#[derive(Debug, clap::Args)]
pub(super) struct Retype {
    /// The column
    column: String,
    /// The new type as in schema.prisma: Int, 'Decimal @db.Decimal(10, 2)'
    #[arg(value_name = "TYPE")]
    becomes: String,
    /// The new value, as SQL over the row's columns [default: a cast]
    #[arg(long, value_name = "EXPR", value_parser = expression, requires = "back")]
    using: Option<String>,
    /// The old value where the new release wrote, as SQL over the row's columns [default: a cast]
    #[arg(long, value_name = "EXPR", value_parser = expression, requires = "using")]
    back: Option<String>,
    /// The new column's name [default: the old one's and the type]
    #[arg(long = "column", value_name = "NAME")]
    to: Option<String>,
    #[command(flatten)]
    pub(super) write: Write,
}

/// `phases split`.
#[derive(Debug, clap::Args)]
pub(super) struct Split {
    /// The column
    column: String,
    /// A new column and its value, as SQL over the row's columns; with its type where that is another: 'minutes Int: EXPR', 'last?: EXPR'
    #[arg(long, value_name = "NEW: EXPR", value_parser = NewColumn::read, required = true)]
    into: Vec<NewColumn>,
    /// The old value where the new release wrote, as SQL over the new columns
    #[arg(long, value_name = "EXPR", value_parser = expression)]
    back: String,
    #[command(flatten)]
    lossy: Lossy,
    #[command(flatten)]
    pub(super) write: Write,
}

/// `phases merge`.
#[derive(Debug, clap::Args)]
pub(super) struct Merge {
    /// The columns of one model
    #[arg(value_name = "COLUMN", num_args = 2.., required = true)]
    columns: Vec<String>,
    /// The new column and its value, as SQL over the row's columns; with its type where that is another: 'seconds Int: EXPR'
    #[arg(long, value_name = "NEW: EXPR", value_parser = NewColumn::read)]
    into: NewColumn,
    /// What an old column holds where the new release wrote, as SQL over the new column; once for each
    #[arg(long, value_name = "OLD: EXPR", value_parser = Back::read, required = true)]
    back: Vec<Back>,
    #[command(flatten)]
    lossy: Lossy,
    #[command(flatten)]
    pub(super) write: Write,
}

/// What the way back need not give.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
#[group(skip)]
struct Lossy {
    /// Accept that old values need not come back from the new ones; without it they are refused, in rows and when they are written
    #[arg(long)]
    lossy: bool,
}

/// `phases require`.
#[derive(Debug, clap::Args)]
pub(super) struct Require {
    /// The column
    column: String,
    /// What it holds where it is empty
    #[arg(long, value_name = "VALUE", conflicts_with = "from")]
    value: Option<String>,
    /// The same, as SQL over the row's other columns
    #[arg(long, value_name = "EXPR", value_parser = expression)]
    from: Option<String>,
    #[command(flatten)]
    pub(super) write: Write,
}

/// `phases drop`.
#[derive(Debug, clap::Args)]
pub(super) struct DropColumn {
    /// The column
    column: String,
    /// What the old release reads in rows of the new one, where the column is required
    #[arg(long, value_name = "VALUE")]
    value: Option<String>,
    #[command(flatten)]
    pub(super) write: Write,
}

fn expression(text: &str) -> std::result::Result<String, String> {
    check_expression(text).map(|()| text.to_owned())
}

impl Rename {
    pub(super) fn asked(&self) -> Result<(Kind, Asked)> {
        let (column, to) = self.column.rsplit_once(':').ok_or_else(|| {
            Error::usage(format!("{}: cannot be read", self.column)).help("write it like Song.artist:artist_name")
        })?;
        let column_name = Some(to.trim_matches('"').to_owned());
        let new = NewColumn { column: column_name, field: self.field.clone(), ..NewColumn::default() };
        Ok((Kind::Rename, Asked { columns: vec![column.to_owned()], into: vec![new], ..Asked::default() }))
    }
}

impl Retype {
    pub(super) fn asked(&self) -> (Kind, Asked) {
        let kind = Some(self.becomes.trim().to_owned());
        let new = NewColumn { column: self.to.clone(), kind, value: self.using.clone(), ..NewColumn::default() };
        let back = self.back.iter().map(|value| Back { column: None, value: value.clone() }).collect();
        (Kind::Retype, Asked { columns: vec![self.column.clone()], into: vec![new], back, ..Asked::default() })
    }
}

impl Split {
    pub(super) fn asked(&self) -> (Kind, Asked) {
        let back = vec![Back { column: None, value: self.back.clone() }];
        let (columns, into, lossy) = (vec![self.column.clone()], self.into.clone(), self.lossy.lossy);
        (Kind::Split, Asked { columns, into, back, lossy, ..Asked::default() })
    }
}

impl Merge {
    pub(super) fn asked(&self) -> (Kind, Asked) {
        let (columns, into, lossy) = (self.columns.clone(), vec![self.into.clone()], self.lossy.lossy);
        (Kind::Merge, Asked { columns, into, back: self.back.clone(), lossy, ..Asked::default() })
    }
}

impl Require {
    pub(super) fn asked(&self) -> (Kind, Asked) {
        let (value, forward) = (self.value.clone(), self.from.clone());
        (Kind::Require, Asked { columns: vec![self.column.clone()], value, forward, ..Asked::default() })
    }
}

impl DropColumn {
    pub(super) fn asked(&self) -> (Kind, Asked) {
        (Kind::Drop, Asked { columns: vec![self.column.clone()], value: self.value.clone(), ..Asked::default() })
    }
}

/// Makes the plan, proves its first migration by Prisma's own word, looks at the target, shows, writes.
///
/// # Errors
/// Exit status 2 for what makes no sense, 3 where the column cannot change in phases; nothing is written then.
pub(super) fn run((kind, asked): (Kind, Asked), write: Write, context: &Context) -> Result<Exit> {
    let scene = Scene::find(context)?;
    let (shell, schema, catalog) = (&context.shell, scene.schema(), scene.catalog());
    let mut shadow = scene.shadow();
    shadow.begin(&scene.target.url);
    let texts = scene.schema_texts()?;
    let mut plan = begin::plan(kind, &asked, &catalog, &texts, &scene.plans, &scene.discovered.migrations)?;
    let shown = scene.shown(&plan.name);
    let edited = Edited::all(&scene.discovered.schema_files, &plan, Phase::Expand, &shown)?;

    let expand = plan.migrations.expand.clone();
    let draft = scene.remaining(&edited, &expand, "-- nothing yet\n", &mut shadow)?;
    let drafted = Drafted::read(&draft, &plan)?;
    complete(&mut plan, &drafted, &scene)?;
    let scripts = scene.scripts(&plan, &schema, &shown);
    let sql = scripts.expand()?;
    let alone: Vec<&str> = drafted.indexes.iter().map(|(_, sql)| sql.as_str()).collect();
    let all = format!("{sql}\n{}", alone.join("\n").replace(" CONCURRENTLY", ""));
    scene.prove(&edited, &expand, &all, &mut shadow)?;
    let mut notes = look(&scene, &scripts)?;
    notes.extend(losing_indexes(&plan, &catalog));
    plan.contract.sql = scene.scripts(&plan, &schema, &shown).contract()?;

    let mut changes = scene.schema_changes(&edited);
    changes.extend(scene.migration(&expand, sql));
    for (name, (index, sql)) in plan.migrations.indexes.iter().zip(&drafted.indexes) {
        let text =
            format!("-- {}: the index {index} of the new column, built while everyone writes.\n{sql}\n", plan.title());
        changes.extend(scene.migration(name, text));
    }
    changes.extend(scene.plan(&plan)?);
    if scene.offer(&changes, &notes, write)? {
        shell.note(format!(
            "next: deploy it, then release code that {}; `prisma-safe phases` shows what comes then",
            release(&plan)
        ));
    }
    Ok(Exit::Done)
}

/// What new code does.
fn release(plan: &Plan) -> String {
    let of = |sides: &[Side]| listed(&sides.iter().map(|side| side.field.as_str()).collect::<Vec<_>>());
    match plan.kind {
        Kind::Require => format!("always gives {} a value", of(&plan.old)),
        Kind::Drop => format!("does not use {}", of(&plan.old)),
        _ => format!("uses {}", of(&plan.new)),
    }
}

/// What only Prisma knew.
fn complete(plan: &mut Plan, drafted: &Drafted, scene: &Scene<'_>) -> Result<()> {
    for new in &mut plan.new {
        if let Some((data_type, default)) = drafted.added.get(&new.column) {
            (new.data_type, new.default) = (data_type.clone(), default.clone());
        }
    }
    if plan.left_out.is_some() {
        plan.old.iter_mut().for_each(|old| old.default.clone_from(&drafted.old_default));
    }
    let mut taken = vec![plan.migrations.expand.clone()];
    for (index, _) in &drafted.indexes {
        let word: String = index.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(40).collect();
        taken.push(after(&scene.discovered.migrations, &taken, "build", &word));
    }
    plan.migrations.indexes = taken.split_off(1);
    plan.settle_casts()
}

/// Looks at the target, where it can be reached.
fn look(scene: &Scene<'_>, scripts: &Scripts<'_>) -> Result<Vec<String>> {
    let place = scene.target.url.identity();
    let mut client = match session::open(&scene.target.url, "prisma-safe phases") {
        Ok(client) => client,
        Err(error) => return Ok(vec![format!("not looked at {place}, its triggers, views and rows: {error}")]),
    };
    let against = obstacles::against(&mut client, scripts)?;
    if !against.is_empty() {
        return Err(Error::refused(format!("{} cannot change in phases on {place}", scripts.plan.title()))
            .because(against.join("; "))
            .help("change that first; nothing was written"));
    }
    match obstacles::unfit(&mut client, scripts)? {
        None => Ok(Vec::new()),
        Some(Unfit::Forward(rows)) => Err(Error::refused(format!("values of {place} do not go over"))
            .because(format!("the expression gives nothing, or fails, for the rows {rows}"))
            .help("correct these rows, or give another expression; nothing was written")),
        Some(Unfit::Back(rows)) => Err(Error::refused(format!("values of {place} would not come back"))
            .because(format!("{} would not give the old value of the rows {rows}", scripts.plan.new_columns()))
            .help("give expressions that keep it, or accept with --lossy that it may go; nothing was written")),
    }
}
