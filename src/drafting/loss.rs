//! What applying a drafted migration would destroy in a development database, which is not emptied unasked either: the effects of
//! the migration that is written, where Prisma has counted rows or values.

use std::sync::LazyLock;

use regex::Regex;

use crate::catalog::{Catalog, ObjectName};
use crate::effects::{self, Conversion, Scene, What};
use crate::engine::{DataLoss, StepNote};
use crate::error::{Error, Result};
use crate::rename::{self, Dropped, Regroup};
use crate::rules::origins::Origins;
use crate::sql::{ActionKind, Script, StatementKind};
use crate::ui::{Shell, prompt};

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("`([^`]+)`").ok());

/// Something that goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lost {
    /// In Prisma's words, where they fit.
    message: String,
    /// The object that `--delete` names, before the migration; none for values that a change of type may cost.
    option: Option<String>,
    /// The same in phases, a line each.
    phases: Vec<String>,
}

/// A loss by the names that it has before the migration, and now.
struct Loss {
    was: ObjectName,
    column: Option<String>,
    now: ObjectName,
    dropped: bool,
}

/// What the written migration loses, of what Prisma has counted rows or values in: it says nothing of an empty table.
pub(super) fn lost(data_loss: &DataLoss, before: &Catalog, text: &str, dropped: &[Dropped]) -> Vec<Lost> {
    let losses = losses(before, &Script::parse(text));
    let mut told: Vec<&Regroup> = Vec::new();
    let mut offered = |loss: &Loss| {
        let own = dropped.iter().find(|own| own.table == loss.was && Some(&own.column) == loss.column.as_ref());
        let Some(own) = own.filter(|_| loss.dropped) else { return Vec::new() };
        let new = own.regroup.as_ref().filter(|regroup| !told.contains(regroup));
        told.extend(new);
        rename::offered(Some(&own.drop), new)
    };
    let found = losses.iter().filter_map(|loss| {
        let said = data_loss.warnings.iter().find_map(|note| loss.said_by(note))?;
        Some(Lost { phases: offered(loss), ..said })
    });
    found.collect()
}

fn losses(before: &Catalog, script: &Script) -> Vec<Loss> {
    let mut end = before.clone();
    end.apply(script, "");
    let mut origins = Origins::default();
    let mut losses = Vec::new();
    before.clone().walk(script, "", |catalog, statement| {
        let scene = Scene::new(script, statement, catalog, &end);
        let effects = effects::of(&scene);
        for effect in &effects {
            let (table, column, dropped) = match &effect.what {
                What::TableGone { table, .. } => (table, None, true),
                What::ColumnGone { table, column, generated: false, .. } => (table, Some(column), true),
                What::Converted { table, column, how, .. } if !how.leads_back() && *how != Conversion::Mapped => {
                    (table, Some(column), false)
                }
                _ => continue,
            };
            // what the migration itself has made was not counted, and is not lost
            let Some(was) = origins.table(table) else { continue };
            let column = match column.map(|column| origins.column(table, column)) {
                Some(None) => continue,
                column => column.flatten(),
            };
            losses.push(Loss { was, column, now: table.clone(), dropped });
        }
        origins.follow(&scene, &effects);
    });
    losses
}

impl Loss {
    /// The loss in words, if this note has counted what goes. Prisma leaves schemas out.
    fn said_by(&self, note: &StepNote) -> Option<Lost> {
        let subject = Subject::of(&note.message);
        if subject.drops() != self.dropped || !self.dropped && !subject.alters() {
            return None;
        }
        let option = match &self.column {
            Some(column) => format!("{}.{column}", self.was.name),
            None => self.was.name.clone(),
        };
        let message = match (subject.names.as_slice(), &self.column) {
            ([column, table], Some(own)) if column == own && *table == self.was.name => note.message.clone(),
            ([table], None) if *table == self.was.name => note.message.clone(),
            // the draft dropped the table, and the rewrite renames it without this column
            ([table], Some(own)) if *table == self.was.name => format!(
                "You are about to drop the column `{own}` on the `{table}` table, which becomes `{}` and is not empty.",
                self.now.name
            ),
            _ => return None,
        };
        Some(Lost { message, option: self.dropped.then_some(option), phases: Vec::new() })
    }
}

/// What a note is about: its words and the names in it.
struct Subject<'a> {
    message: &'a str,
    names: Vec<&'a str>,
}

impl<'a> Subject<'a> {
    fn of(message: &'a str) -> Self {
        let names = NAME.iter().flat_map(|pattern| pattern.captures_iter(message));
        // types of a cast are not names of objects
        let names = names.filter_map(|found| found.get(1)).map(|name| name.as_str()).take(2).collect();
        Self { message, names }
    }

    fn drops(&self) -> bool {
        self.message.starts_with("You are about to drop the") || self.message.contains("dropped and recreated")
    }

    fn alters(&self) -> bool {
        self.message.starts_with("You are about to alter the column")
    }
}

/// What Prisma itself refuses before it applies, and what the written migration still does: it cannot run on the rows that are
/// there.
pub(super) fn refuse_unexecutable(data_loss: &DataLoss, text: &str) -> Result<()> {
    let script = Script::parse(text);
    let steps: Vec<&str> = data_loss
        .unexecutable_steps
        .iter()
        .map(|note| note.message.as_str())
        .filter(|message| demands(&script, &Subject::of(message)))
        .collect();
    if steps.is_empty() {
        return Ok(());
    }
    Err(Error::failed("the migration cannot be applied to the rows that are there; nothing was created")
        .because(steps.join("\n"))
        .help("create it with --create-only, edit it, then run `prisma-safe migrate dev` to apply it"))
}

/// Whether the script still adds the column, or makes it required, that a note is about.
fn demands(script: &Script, subject: &Subject<'_>) -> bool {
    let [column, table] = subject.names.as_slice() else { return true };
    let made = subject.message.starts_with("Made");
    script.statements().iter().any(|statement| match &statement.kind {
        StatementKind::AlterTable { table: altered, actions, .. } if altered.name == *table => {
            actions.iter().any(|action| match &action.kind {
                ActionKind::AddColumn { column: added, .. } => !made && added.name == *column,
                ActionKind::SetNotNull { column: required } => made && required == column,
                _ => false,
            })
        }
        _ => false,
    })
}

/// Asks before a development database loses data. `deleted` are answers that were given already.
pub(super) fn consent(lost: &[Lost], deleted: &[String], shell: &Shell) -> Result<()> {
    let answered = |loss: &&Lost| loss.option.as_ref().is_some_and(|option| deleted.contains(option));
    let losses: Vec<&Lost> = lost.iter().filter(|loss| !answered(loss)).collect();
    if losses.is_empty() {
        return Ok(());
    }
    if shell.interactive() {
        for loss in &losses {
            shell.warn(&loss.message);
            loss.phases.iter().for_each(|line| shell.detail(line));
        }
        return match prompt::confirm(shell, "Are you sure you want to create and apply this migration?", false)? {
            true => Ok(()),
            false => Err(Error::cancelled()),
        };
    }
    let options: Vec<String> = losses
        .iter()
        .map(|loss| {
            let option = loss.option.as_ref().map_or("--create-only".to_owned(), |option| format!("--delete {option}"));
            let lines = [loss.message.clone(), format!("  {option}")].into_iter();
            lines.chain(loss.phases.iter().map(|line| format!("  {line}"))).collect::<Vec<_>>().join("\n")
        })
        .collect();
    let mut help = "answer each with the option under it, or only create the migration with --create-only".to_owned();
    if losses.iter().any(|loss| !loss.phases.is_empty()) {
        help = format!("{help}; {}, and each EXPR and VALUE is what you write", rename::BEGINS);
    }
    Err(Error::decision("applying this migration would lose data of the development database; nothing was created")
        .because(options.join("\n"))
        .help(help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::shell::ColorChoice;

    const BASE: &str = "CREATE TABLE \"Song\" (id int, artist text, n text); CREATE TABLE \"Old\" (id int, x text);";
    const DROPS: &str =
        "You are about to drop the column `artist` on the `Song` table, which still contains 3 non-null values.";
    const EMPTIES: &str = "You are about to drop the `Old` table, which is not empty (2 rows).";
    const ALTERS: &str = "You are about to alter the column `n` on the `Song` table, which contains 3 non-null values. The data in \
                          that column will be cast from `Text` to `VarChar(3)`.";
    const REQUIRES: &str = "Added the required column `name` to the `Song` table without a default value. There are 3 rows in this \
                            table, it is not possible to execute this step.";

    fn note(message: &str) -> StepNote {
        StepNote { message: message.into(), step_index: 0 }
    }

    /// Everything that the migration loses, with `--delete`'s names.
    fn lost_by(sql: &str) -> Vec<(String, Option<String>)> {
        let before = Catalog::replay("public", [("1", &Script::parse(BASE))]);
        let counted = DataLoss { warnings: [DROPS, EMPTIES, ALTERS].map(note).into(), unexecutable_steps: Vec::new() };
        lost(&counted, &before, sql, &[]).into_iter().map(|loss| (loss.message, loss.option)).collect()
    }

    #[test]
    fn what_the_written_migration_still_does_is_asked_about() {
        let says = |message: &str, option: Option<&str>| vec![(message.to_owned(), option.map(str::to_owned))];
        assert_eq!(lost_by("ALTER TABLE \"Song\" DROP COLUMN artist;"), says(DROPS, Some("Song.artist")));
        assert_eq!(lost_by("DROP TABLE \"Old\";"), says(EMPTIES, Some("Old")));
        assert_eq!(lost_by("ALTER TABLE \"Song\" ALTER n TYPE varchar(3);"), says(ALTERS, None));
        // the rewrite of the draft loses none of it
        assert_eq!(
            lost_by("ALTER TABLE \"Song\" RENAME COLUMN artist TO name; ALTER TABLE \"Old\" RENAME TO \"New\";"),
            []
        );
        // nor does a column that holds nothing, or one that the migration itself has made
        assert_eq!(
            lost_by("ALTER TABLE \"Song\" DROP COLUMN id; CREATE TABLE \"N\" (artist int); DROP TABLE \"N\";"),
            []
        );
        // a renamed table may lose a column that Prisma has counted with the table only
        let renamed = lost_by("ALTER TABLE \"Old\" RENAME TO \"New\"; ALTER TABLE \"New\" DROP COLUMN x;");
        assert_eq!(renamed.len(), 1);
        assert!(
            renamed[0].0.contains("which becomes `New`") && renamed[0].1.as_deref() == Some("Old.x"),
            "{renamed:?}"
        );
        // no header of Prisma's is needed, and none deceives
        assert_eq!(lost_by("/*\n  Warnings:\n\n  - You are about to drop the `Old` table.\n*/\nSELECT 1;"), []);
    }

    #[test]
    fn what_phases_could_do_stands_below_the_option() {
        let before = Catalog::replay("public", [("1", &Script::parse(BASE))]);
        let counted = DataLoss { warnings: vec![note(DROPS)], unexecutable_steps: Vec::new() };
        let table = ObjectName { schema: "public".into(), name: "Song".into() };
        let regroup = Some(Regroup { what: "split into a and b".into(), command: "the split".into() });
        let dropped = ["artist", "n"].map(|column| Dropped {
            table: table.clone(),
            column: column.into(),
            drop: format!("drop {column}"),
            regroup: regroup.clone(),
        });
        let lost = lost(&counted, &before, "ALTER TABLE \"Song\" DROP COLUMN artist;", &dropped);
        let error = consent(&lost, &[], &Shell::new(true, 0, ColorChoice::Never, true, &|_| None)).unwrap_err();
        let text = format!("{error:?}");
        assert!(
            text.contains("--delete Song.artist")
                && text.contains("split into a and b")
                && text.contains("drop artist"),
            "{text}"
        );
        assert!(!text.contains("drop n") && error.help_text().unwrap().contains(rename::BEGINS), "{text}");
    }

    #[test]
    fn what_cannot_run_is_refused_while_the_migration_does_it() {
        let counted = DataLoss { warnings: Vec::new(), unexecutable_steps: vec![note(REQUIRES)] };
        let refused = |sql: &str| refuse_unexecutable(&counted, sql).is_err();
        assert!(refused("ALTER TABLE \"Song\" DROP COLUMN artist, ADD COLUMN name text NOT NULL;"));
        assert!(!refused("ALTER TABLE \"Song\" RENAME COLUMN artist TO name;"));
        assert!(!refused("ALTER TABLE \"Song\" RENAME COLUMN artist TO name, ALTER COLUMN name SET NOT NULL;"));
    }
}
