//! `phases rename|retype|require|drop`: a new plan with its first migration.

use super::scene::{Scene, Write};
use crate::context::Context;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::phases::{
    Asked, Drafted, Edited, Kind, Phase, Plan, Scripts, after, begin, check_expression, obstacles, session,
};

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
        let to = to.trim_matches('"').to_owned();
        Ok((
            Kind::Rename,
            Asked { column: column.to_owned(), to: Some(to), field: self.field.clone(), ..Asked::default() },
        ))
    }
}

impl Retype {
    pub(super) fn asked(&self) -> (Kind, Asked) {
        let asked = Asked {
            column: self.column.clone(),
            to: self.to.clone(),
            becomes: Some(self.becomes.trim().to_owned()),
            forward: self.using.clone(),
            back: self.back.clone(),
            ..Asked::default()
        };
        (Kind::Retype, asked)
    }
}

impl Require {
    pub(super) fn asked(&self) -> (Kind, Asked) {
        let (value, forward) = (self.value.clone(), self.from.clone());
        (Kind::Require, Asked { column: self.column.clone(), value, forward, ..Asked::default() })
    }
}

impl DropColumn {
    pub(super) fn asked(&self) -> (Kind, Asked) {
        (Kind::Drop, Asked { column: self.column.clone(), value: self.value.clone(), ..Asked::default() })
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
    let read = |path: &std::path::PathBuf| {
        std::fs::read_to_string(path).explain(|| format!("could not read {}", path.display()))
    };
    let texts = scene.discovered.schema_files.iter().map(read).collect::<Result<Vec<_>>>()?;
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
    let notes = look(&scene, &scripts)?;
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
            "next: deploy it, then release code that uses {}; `prisma-safe phases` shows what comes then",
            plan.target().map_or("nothing of it", |side| side.field.as_str())
        ));
    }
    Ok(Exit::Done)
}

/// What only Prisma knew.
fn complete(plan: &mut Plan, drafted: &Drafted, scene: &Scene<'_>) -> Result<()> {
    let default = drafted.default.clone();
    if let Some(new) = &mut plan.new {
        new.data_type = drafted.data_type.clone().unwrap_or_else(|| new.data_type.clone());
        new.default = default;
    }
    if plan.left_out.is_some() {
        plan.old.default.clone_from(&drafted.old_default);
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
        Some(rows) => Err(Error::refused(format!("values of {place} do not go over"))
            .because(format!("the expression gives nothing, or fails, for the rows {rows}"))
            .help("correct these rows, or give another expression; nothing was written")),
    }
}
