//! `phases table`: a table that both releases use under names of their own.

use super::scene::{Scene, Write};
use crate::context::Context;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::phases::{AskedTable, Edited, Phase, Plan, obstacles, session, table_plan};

/// Arguments of `phases table`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The table and its new name, as the database calls them
    #[arg(value_name = "OLD:NEW")]
    table: String,
    /// The new model's name in schema.prisma [default: like the table]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    #[command(flatten)]
    write: Write,
}

/// Makes the plan, with the names that Prisma gives what belongs to the table; shows it, writes it.
///
/// # Errors
/// Exit status 2 for what makes no sense, 3 for more than a name; nothing is written then.
pub(super) fn run(args: &Args, context: &Context) -> Result<Exit> {
    let (table, to) = args
        .table
        .rsplit_once(':')
        .ok_or_else(|| Error::usage(format!("{}: cannot be read", args.table)).help("write it like Song:Track"))?;
    let scene = Scene::find(context)?;
    let (schema, catalog) = (scene.schema(), scene.catalog());
    let mut shadow = scene.shadow();
    shadow.begin(&scene.target.url);
    let texts = scene.schema_texts()?;
    let asked = AskedTable { table, to: to.trim_matches('"'), model: args.model.as_deref() };
    let mut plan = table_plan(asked, &catalog, &texts, &scene.plans, &scene.discovered.migrations)?;
    let shown = scene.shown(&plan.name);
    let edited = Edited::all(&scene.discovered.schema_files, &plan, Phase::Expand, &shown)?;
    let (expand, scripts) = (plan.migrations.expand.clone(), scene.scripts(&plan, &schema, &shown));
    let names = scene.names(&scripts, &edited, &expand, false, &mut shadow)?;
    let (notes, invoker) = look(&scene, &plan)?;
    let sql = scripts.expand_table(&names, invoker)?;
    scene.prove(&edited, &expand, &sql, &mut shadow)?;
    let contract = scripts.contract()?;
    plan.contract.sql = contract;
    let mut changes = scene.schema_changes(&edited);
    changes.extend(scene.migration(&expand, sql));
    changes.extend(scene.plan(&plan)?);
    if scene.offer(&changes, &notes, args.write)? {
        context.shell.note(
            "next: deploy it, then release code that uses the new name; `prisma-safe phases` shows what comes then",
        );
    }
    Ok(Exit::Done)
}

/// Looks at the target, where it can be reached; gives notes, and whether its views can have the rights of who asks.
fn look(scene: &Scene<'_>, plan: &Plan) -> Result<(Vec<String>, bool)> {
    let place = scene.target.url.identity();
    let mut client = match session::open(&scene.target.url, "prisma-safe phases") {
        Ok(client) => client,
        // the other view is right on every version
        Err(error) => {
            return Ok((vec![format!("not looked at {place}, its policies and publications: {error}")], false));
        }
    };
    let viewed = obstacles::against_table(&mut client, plan).explain(|| format!("could not look at {place}"))?;
    if viewed.against.is_empty() {
        let note = "what is granted on the table from now on has to be granted on the view too: before PostgreSQL 15 it has rights of \
                    its own, those that the table has when this is deployed";
        return Ok((if viewed.invoker { Vec::new() } else { vec![note.to_owned()] }, viewed.invoker));
    }
    Err(Error::refused(format!("{} cannot get another name in phases on {place}", plan.table))
        .because(viewed.against.join("; "))
        .help("change that first; nothing was written"))
}
