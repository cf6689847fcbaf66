//! `demo`: the whole journey on a scratch database, told stage by stage.

use std::path::PathBuf;

use console::Style;

use crate::context::Context;
use crate::demo::{Demo, SCHEMA, SONGS};
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::ui::{Shell, diff};

/// What the renamed column holds, whatever its name: equal before and after, or something was lost.
const FINGERPRINT: &str = "md5(string_agg({column}, '|' ORDER BY isrc))";

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Leave the project and its database running, to play with
    #[arg(long)]
    keep: bool,
    /// Use the Prisma 7 that is installed in a directory instead of installing one
    #[arg(long, value_name = "DIR")]
    prisma_from: Option<PathBuf>,
}

/// Plays: build → rename → what Prisma would do → draft → deploy → proof → what is refused.
///
/// # Errors
/// Exit status 1 if a stage does not end as it should; 130 after Ctrl-C, with everything cleaned up.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let story = Story { shell: &context.shell };
    story.tell(
        "This demo builds a PostgreSQL server, a database and a small Prisma project of its own in a\n\
         temporary directory. It touches nothing else on this machine, and everything is removed at the end.",
    );

    story.act("1. A music library with 5,000 songs");
    let demo = Demo::build(&context.env)?;
    story.done("a PostgreSQL server of the demo's own");
    demo.install_prisma(args.prisma_from.as_deref(), context)?;
    story.done("Prisma in the project");
    story.expect(&demo, &["migrate", "deploy"], 0)?;
    demo.query(SONGS)?;
    let before = fingerprint(&demo, "artist")?;
    story.tell("From here on this database stands for production: its songs must not lose their artists.");
    story.rows(&demo, "SELECT isrc || '  ' || rpad(title, 22) || artist FROM \"Song\" ORDER BY isrc LIMIT 4")?;

    story.act("2. A wish: `artist` shall be called `artist_name`");
    let renamed = renamed();
    demo.write("prisma/schema.prisma", &renamed)?;
    context.shell.block(&diff::unified(&context.shell, "prisma/schema.prisma", Some(SCHEMA), &renamed));

    story.act("3. What Prisma alone would do");
    story.tell(
        "Prisma compares two schemas. It cannot know that the new column is the old one, so it drops one and\n\
         adds the other. This is its SQL (prisma-safe hands commands that change nothing to Prisma as they are):",
    );
    let alone = ["migrate", "diff", "--from-config-datasource", "--to-schema", "prisma/schema.prisma", "--script"];
    story.expect(&demo, &alone, 0)?;
    story.tell("On production this fails, or it loses the artist of every song.");

    story.act("4. The same wish through prisma-safe");
    story.tell(
        "`migrate dev` drafts the migration with Prisma, finds that a column went and a similar one came, and\n\
         rewrites the draft to a rename, which it then proves. At a terminal it would ask you; here the answer\n\
         stands on the command line. As this database is production, nothing is applied yet.",
    );
    story.expect(&demo, &["migrate", "dev", "--name", "rename_artist", "--rename", "Song.artist:artist_name"], 0)?;

    story.act("5. Deploy");
    story.tell("`migrate deploy` reviews the SQL, takes a backup and proves it, rehearses on a copy of that, applies the\nmigration as a whole or not at all, and checks the result.");
    story.expect(&demo, &["migrate", "deploy"], 0)?;
    story.rows(&demo, "SELECT isrc || '  ' || rpad(title, 22) || artist_name FROM \"Song\" ORDER BY isrc LIMIT 4")?;
    if fingerprint(&demo, "artist_name")? != before {
        return Err(
            Error::failed("the demo's artists are not what they were").help("please report this with the output above")
        );
    }
    story.done("all 5,000 artists are in `artist_name`, unchanged, and the backup is in backups/");

    story.act("6. And if data would really be lost?");
    story.tell("Now the column `plays` is deleted from the schema, and an option says that this is meant.");
    demo.write("prisma/schema.prisma", &without_plays(&renamed))?;
    story.expect(&demo, &["migrate", "dev", "--name", "drop_plays", "--delete", "Song.plays"], 0)?;
    story.tell("The migration is there, but it does not reach production until its file says why:");
    story.expect(&demo, &["migrate", "deploy"], Exit::Refused.code())?;
    if demo.query("SELECT count(plays)::text FROM \"Song\"")? != ["5000"] {
        return Err(Error::failed("the demo's play counts are gone").help("please report this with the output above"));
    }
    story.done("refused, and every play count is still there");

    story.act("That is prisma-safe");
    if args.keep {
        let (project, end) = demo.keep();
        story.tell(&format!(
            "The project is still there, its database running:\n\n    cd {}\n\n\
             Accept the loss in the newest migration with the line that the review named, and deploy again; or edit\n\
             prisma/schema.prisma and start over. This ends and removes everything:\n\n    {end}",
            project.display()
        ));
    } else {
        drop(demo);
        story.tell("The server and the project are gone again; `prisma-safe demo --keep` leaves them to play with.\nIn a project of your own, begin with `prisma-safe init`.");
    }
    Ok(Exit::Done)
}

/// The schema with `artist` called `artist_name`.
fn renamed() -> String {
    SCHEMA.replace("  artist    String", "  artist_name String").replace("[artist]", "[artist_name]")
}

/// The schema without the column `plays`.
fn without_plays(schema: &str) -> String {
    schema.lines().filter(|line| !line.trim_start().starts_with("plays ")).map(|line| format!("{line}\n")).collect()
}

/// One text for all values of a column of `Song`.
fn fingerprint(demo: &Demo, column: &str) -> Result<Vec<String>> {
    let expression = FINGERPRINT.replace("{column}", column);
    demo.query(&format!("SELECT count(*) || ' ' || {expression} FROM \"Song\""))
        .explain(|| format!("could not read the column {column}"))
}

/// The narrator.
struct Story<'a> {
    shell: &'a Shell,
}

impl Story<'_> {
    fn act(&self, title: &str) {
        let line = self.shell.paint(
            &format!("── {title} {}", "─".repeat(92_usize.saturating_sub(title.chars().count()))),
            &Style::new().cyan().bold(),
        );
        self.shell.block(&format!("\n{line}\n\n"));
    }

    fn tell(&self, text: &str) {
        self.shell.block(&format!("{text}\n\n"));
    }

    fn done(&self, what: &str) {
        self.shell.block(&format!("{} {what}\n", self.shell.paint("✓", &Style::new().green().bold())));
    }

    /// Runs prisma-safe, its words shown, and insists on the exit status.
    fn expect(&self, demo: &Demo, arguments: &[&str], status: u8) -> Result<()> {
        let line = self.shell.paint(&format!("$ prisma-safe {}", arguments.join(" ")), &Style::new().bold());
        self.shell.block(&format!("{line}\n"));
        let ended = demo.prisma_safe(arguments)?;
        self.shell.block("\n");
        if ended == i32::from(status) {
            return Ok(());
        }
        Err(Error::failed(format!(
            "`prisma-safe {}` ended with exit status {ended} instead of {status}",
            arguments.join(" ")
        )))
    }

    fn rows(&self, demo: &Demo, query: &str) -> Result<()> {
        let rows: String = demo.query(query)?.iter().map(|row| format!("    {row}\n")).collect();
        self.shell.block(&format!("{rows}\n"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_s_schemas_differ_in_what_it_tells() {
        let renamed = renamed();
        assert_eq!(renamed.matches("artist").count(), SCHEMA.matches("artist").count());
        assert_eq!(renamed.matches("artist_name").count(), 2);
        assert_eq!(without_plays(&renamed).lines().count(), renamed.lines().count() - 1);
    }
}
