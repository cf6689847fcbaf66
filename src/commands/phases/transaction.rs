//! `phases transaction`: several tables in one migration, all of it or nothing.

use super::scene::{Scene, Write};
use crate::context::Context;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::phases::{Bundle, Edited, stamp};
use crate::rename::schema::Schema;
use crate::sql::Name;

/// Arguments of `phases transaction`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The migration's name
    name: String,
    /// The models or tables to bundle [default: all that schema.prisma adds]
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,
    #[command(flatten)]
    write: Write,
}

/// Bundles what schema.prisma adds to the migrations in the order of the foreign keys, within `BEGIN` and `COMMIT`.
///
/// # Errors
/// Exit status 2 for what makes no sense, 3 where schema.prisma does more than add; nothing is written then.
pub(super) fn run(args: &Args, context: &Context) -> Result<Exit> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if args.name.is_empty() || args.name.len() > 100 || !args.name.chars().all(fits) {
        return Err(Error::usage(format!("`{}` is not a name for a migration", args.name))
            .help("letters, digits, _ and -: prisma-safe phases transaction add_playlists"));
    }
    let scene = Scene::find(context)?;
    let mut shadow = scene.shadow();
    shadow.begin(&scene.target.url);
    let mut files = Vec::new();
    for path in &scene.discovered.schema_files {
        let old = std::fs::read_to_string(path).explain(|| format!("could not read {}", path.display()))?;
        files.push(Edited { path: path.clone(), new: old.clone(), old });
    }
    let declared = Schema::read(&files.iter().map(|file| file.new.clone()).collect::<Vec<_>>());
    let table = |asked: &String| -> Name {
        let model = declared.models.iter().find(|model| model.name == *asked || model.table == *asked);
        let name = model.map_or(asked, |model| &model.table);
        Name { schema: model.and_then(|model| model.schema.clone()), name: name.clone() }
    };
    let tables: Vec<Name> = args.tables.iter().map(table).collect();
    let name = format!("{}_{}", stamp(&scene.discovered.migrations, &[]), args.name);
    let draft = scene.remaining(&files, &name, "-- nothing yet\n", &mut shadow)?;
    let Bundle { sql, rest } = Bundle::of(&draft, &tables)?;
    if rest {
        // what is left stays for the next migration; this one must run by itself
        scene.remaining(&files, &name, &sql, &mut shadow)?;
    } else {
        scene.prove(&files, &name, &sql, &mut shadow)?;
    }
    let changes: Vec<_> = scene.migration(&name, sql).into_iter().collect();
    if scene.offer(&changes, &[], args.write)? {
        let file = changes.first().map_or_else(String::new, |change| change.path.display().to_string());
        context.shell.note(format!("next: see what it does on a copy (prisma-safe test {file}), then deploy it"));
    }
    Ok(Exit::Done)
}
