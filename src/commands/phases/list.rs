//! `phases`: every plan, and where it stands on each environment.

use super::scene::Scene;
use crate::commands::output;
use crate::context::Context;
use crate::database::{DatabaseUrl, History};
use crate::error::{Explain as _, Result};
use crate::exit::Exit;
use crate::phases::session;
use crate::phases::standing::Standing;
use crate::report::phases::{self as report, Place, Row};

/// Asks every database that prisma-safe.toml names; one that cannot be asked is shown as unknown, with the reason.
///
/// # Errors
/// Exit status 2 for a plan that makes no sense.
pub(super) fn run(output: &output::Args, context: &Context) -> Result<Exit> {
    let scene = Scene::find(context)?;
    let places = if scene.plans.all.is_empty() { Vec::new() } else { places(&scene, false) };
    let row = |plan| Row { plan, file: scene.shown(&plan.name), missing: scene.missing(plan), places: Vec::new() };
    let mut rows: Vec<Row<'_>> = scene.plans.all.iter().map(row).collect();
    for (name, url, production) in places {
        let stand = |row: &Row<'_>, client: &mut postgres::Client, history: Option<&History>| {
            Standing::read(client, row.plan, history).explain(|| "could not ask it".into())
        };
        let mut opened = session::open(&url, "prisma-safe phases").and_then(|mut client| {
            let history = History::read(&mut client, &url.schema())?;
            Ok((client, history))
        });
        for row in &mut rows {
            let standing = match &mut opened {
                Ok((client, history)) => stand(row, client, history.as_ref()).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            let environment = (!row.places.is_empty()).then(|| name.clone());
            row.places.push(Place { name: name.clone(), target: url.identity(), production, environment, standing });
        }
    }
    if !output.json(&report::document(&rows), &context.shell)? {
        context.shell.print(&report::text(&rows));
    }
    Ok(Exit::Done)
}

/// The target, and every environment that names a database of its own; where one is chosen, only with `all`.
pub(super) fn places(scene: &Scene<'_>, all: bool) -> Vec<(String, DatabaseUrl, bool)> {
    let (target, global) = (&scene.target, &scene.context.global);
    let name = target.environment.clone().unwrap_or_else(|| "target".to_owned());
    let mut places = vec![(name, target.url.clone(), target.production)];
    if global.url.is_some() || global.environment.is_some() && !all {
        return places;
    }
    for (name, environment) in &scene.config.environments {
        let Some(url) = environment.own_url(&scene.context.env) else { continue };
        if !places.iter().any(|(_, known, _)| known.same_database(&url)) {
            places.push((name.clone(), url, environment.production));
        }
    }
    places
}
