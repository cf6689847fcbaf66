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
    /// Accept that publications send the table's rows under the new name, for the reason given: why their subscribers can take that
    #[arg(long, value_name = "REASON", value_parser = reason)]
    subscribers: Option<String>,
    #[command(flatten)]
    write: Write,
}

/// It stands in a comment of the migration.
fn reason(text: &str) -> std::result::Result<String, String> {
    match text.trim() {
        "" => Err("say why".to_owned()),
        text if text.contains(char::is_control) => Err("write it in one line".to_owned()),
        text => Ok(text.to_owned()),
    }
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
    let asked = AskedTable {
        table,
        to: to.trim_matches('"'),
        model: args.model.as_deref(),
        subscribers: args.subscribers.as_deref(),
    };
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
    let refused = |because: String| {
        Error::refused(format!("{} cannot get another name in phases on {place}", plan.table)).because(because)
    };
    if !viewed.against.is_empty() {
        return Err(refused(viewed.against.join("; ")).help("change that first; nothing was written"));
    }
    let mut notes = Vec::new();
    let accepted = plan.renamed.as_ref().is_some_and(|renamed| renamed.subscribers.is_some());
    match viewed.publication {
        Some(name) if !accepted => {
            let why = format!("the publication {name} sends its rows to subscribers that know it by its name");
            return Err(refused(why).help(
                "a subscriber stops at the first row until its own table has the new name, and then goes on without a loss: agree \
                 on that moment, and accept it with --subscribers 'REASON'; nothing was written",
            ));
        }
        Some(name) => notes.push(format!(
            "the publication {name} sends the rows under the new name once this is deployed: rename the table at its subscribers then; \
             until that, and for as long, this server keeps the WAL that they miss"
        )),
        None if accepted => {
            return Err(Error::usage(format!("--subscribers: no publication of {place} sends {}", plan.table)));
        }
        None => {}
    }
    if !viewed.invoker {
        notes.push(
            "what is granted on the table from now on has to be granted on the view too: before PostgreSQL 15 it has rights of its \
             own, those that the table has when this is deployed"
                .to_owned(),
        );
    }
    Ok((notes, viewed.invoker))
}
