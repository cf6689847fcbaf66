//! What a reverse does not name, because no migration of the folder has its definition: views, functions, triggers, policies,
//! comments and rights. The definitions read just before the migration and just after it say what it made, replaced and
//! dropped; that is undone here, and what was changed since stays as it is.

mod aside;
mod dress;
mod object;
mod rights;
mod settings;
mod tries;

use std::collections::BTreeSet;
use std::rc::Rc;

use postgres::Client;
use postgres::types::Type;

use self::object::Object;
pub(in crate::undo) use self::tries::attempt;
use self::tries::until_nothing_succeeds;
use crate::catalog::live::{Definition, Kind, Live, Without};
use crate::database::Failure;
use crate::sql::quote_literal;

/// What can be made from its definition alone, in the order in which that mostly succeeds.
const MADE: [Kind; 11] = [
    Kind::Domain,
    Kind::Type,
    Kind::Function,
    Kind::Constraint,
    Kind::Index,
    Kind::Statistics,
    Kind::View,
    Kind::MaterializedView,
    Kind::Rule,
    Kind::Trigger,
    Kind::Policy,
];

/// What statements of the reverse may need, and the reverse never makes itself.
const NEEDED: [Kind; 5] = [Kind::Domain, Kind::Type, Kind::Function, Kind::View, Kind::MaterializedView];

/// What holds no values, and so may be dropped: what leans on others first.
const DROPPED: [Kind; 9] = [
    Kind::Policy,
    Kind::Trigger,
    Kind::Rule,
    Kind::MaterializedView,
    Kind::View,
    Kind::Statistics,
    Kind::Function,
    Kind::Domain,
    Kind::Type,
];

/// The objects of a database on their way back.
#[derive(Debug)]
pub(super) struct Objects<'a> {
    before: &'a Live,
    after: &'a Live,
    /// As the rollback found them.
    start: Live,
    /// As they should be after it.
    target: Live,
    /// `view public.songs`
    made: BTreeSet<String>,
    /// As they are just now, where nothing was done since they were read: reading them all is dear.
    now: Option<Rc<Live>>,
}

/// What was done about them.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// `view public.songs`
    pub made: Vec<String>,
    /// What is not as it was, a sentence each.
    pub lost: Vec<String>,
    /// What was made since the migration and would go, though PostgreSQL lets nothing be dropped under it, a sentence each.
    pub refused: Vec<String>,
}

impl<'a> Objects<'a> {
    /// `start` are the definitions before the reverse runs, with the rights.
    pub(super) fn new(start: Live, (before, after): &'a (Live, Live)) -> Self {
        let target = target(before, after, &start);
        Self { before, after, start, target, made: BTreeSet::new(), now: None }
    }

    fn now(&mut self, client: &mut Client) -> Result<Rc<Live>, Failure> {
        let now = match self.now.take() {
            Some(now) => now,
            None => Rc::new(Live::read_within(client, &Without::default())?),
        };
        Ok(Rc::clone(self.now.insert(now)))
    }

    /// After a statement of the reverse was refused and its savepoint restored: makes what it may need, or sets aside what stands
    /// in its way. Says whether anything was done, so that the statement is worth another try.
    pub(super) fn make_way(&mut self, client: &mut Client, sql: &str, refused: &Failure) -> Result<bool, Failure> {
        self.now = None;
        match refused.code.as_ref().map(postgres::error::SqlState::code) {
            // feature not supported: the type of a column that a view reads; dependent objects still exist
            Some("0A000" | "2BP01") => aside::set_aside(client, sql),
            // undefined object, function, table
            Some("42704" | "42883" | "42P01") => Ok(self.make(client, &NEEDED)? > 0),
            // invalid table definition: a foreign key of a logged table to one that is not
            Some("42P16") => self.log(client),
            _ => Ok(false),
        }
    }

    /// Lets tables be logged, or not, as they were.
    fn log(&mut self, client: &mut Client) -> Result<bool, Failure> {
        let now = self.now(client)?;
        let open = objects(&self.target, Kind::Table).filter_map(|table| {
            let set = settings::persistence(table.definition, now.get(table.kind, table.name)?)?;
            Some((title(&table), format!("ALTER TABLE {} {set}", table.name)))
        });
        let done = until_nothing_succeeds(client, open.collect())?;
        self.now = None;
        Ok(!done.is_empty())
    }

    /// After the reverse: what it left undone.
    pub(super) fn finish(mut self, client: &mut Client) -> Result<Done, Failure> {
        // the definitions are qualified, as they were read
        let path: String = client.query_typed_one("SELECT current_setting('search_path')", &[])?.try_get(0)?;
        client.batch_execute("SELECT set_config('search_path', '', true)")?;
        self.now = None;
        self.drop_new(client)?;
        self.replace(client)?;
        self.make(client, &MADE)?;
        // a new function stayed as long as a replaced object called it
        self.drop_new(client)?;
        self.dress(client)?;
        self.count_on(client)?;
        let (refused, mut lost) = self.fallen_since(client)?;
        lost.extend(self.rights(client)?);
        client.query_typed("SELECT set_config('search_path', $1, true)", &[(&path, Type::TEXT)])?;
        Ok(Done { made: self.made.into_iter().collect(), lost, refused })
    }

    /// Makes what should be there and is not. What cannot be made is left to the comparison of the definitions, which tells it.
    fn make(&mut self, client: &mut Client, kinds: &[Kind]) -> Result<usize, Failure> {
        let now = self.now(client)?;
        let objects = kinds.iter().flat_map(|kind| objects(&self.target, *kind));
        let missing = objects.filter(|object| now.get(object.kind, object.name).is_none());
        let open = missing.filter_map(|object| Some((title(&object), object.statements()?.join(";\n")))).collect();
        let made = until_nothing_succeeds(client, open)?;
        let count = made.len();
        if count > 0 {
            self.now = None;
        }
        self.made.extend(made);
        Ok(count)
    }

    fn drop_new(&mut self, client: &mut Client) -> Result<(), Failure> {
        let now = self.now(client)?;
        let new = DROPPED.iter().flat_map(|kind| objects(&now, *kind)).filter(|object| {
            let of = |live: &Live| live.get(object.kind, object.name).is_some();
            !of(&self.target) && (of(&self.start) || !of(self.before) && self.moved(object, &now))
        });
        let open = new.filter_map(|object| Some((title(&object), object.drop()?))).collect();
        if !until_nothing_succeeds(client, open)?.is_empty() {
            self.now = None;
        }
        Ok(())
    }

    /// Whether the migration made it on a table that it renamed, too: the reverse has given the table its name back, and so this one.
    fn moved(&self, object: &Object<'_>, now: &Live) -> bool {
        let own = |object: &Object<'_>| object.of_table().map(|(_, own)| own.to_owned());
        objects(self.after, object.kind).any(|made| {
            let of = |live: &Live| live.get(made.kind, made.name).is_some();
            own(&made).is_some() && own(&made) == own(object) && !of(self.before) && of(&self.start) && !of(now)
        })
    }

    /// What is there, but with another definition.
    fn replace(&mut self, client: &mut Client) -> Result<(), Failure> {
        let now = self.now(client)?;
        let mut replaced = Vec::new();
        for object in DROPPED.iter().rev().flat_map(|kind| objects(&self.target, *kind)) {
            let differs = |found: &Definition| itself(found) != itself(object.definition);
            if !now.get(object.kind, object.name).is_some_and(differs) {
                continue;
            }
            let Some(make) = object.statements() else { continue };
            let make = make.join(";\n");
            // also where it fails: what leaned on it may have been set aside
            self.now = None;
            // views and functions on which others lean can only be replaced in place
            let in_place = match object.kind {
                Kind::Function => attempt(client, &make)?,
                Kind::View => attempt(client, &make.replacen("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))?,
                _ => false,
            };
            if in_place {
                replaced.push(title(&object));
            } else if let Some(drop) = object.drop()
                && (attempt(client, &drop)? || aside::set_aside(client, &drop)? && attempt(client, &drop)?)
                && attempt(client, &make)?
            {
                replaced.push(title(&object));
            }
        }
        self.made.extend(replaced);
        Ok(())
    }

    /// Comments and settings.
    fn dress(&mut self, client: &mut Client) -> Result<(), Failure> {
        let now = self.now(client)?;
        for object in self.target.objects.keys().flat_map(|kind| objects(&self.target, *kind)) {
            let found = now.get(object.kind, object.name);
            for statement in found.into_iter().flat_map(|found| object.dress(found)) {
                self.now = None;
                attempt(client, &statement)?;
            }
        }
        Ok(())
    }

    /// Sequences that the migration dropped or set back give out no number twice. Where one has gone on, it stays.
    fn count_on(&self, client: &mut Client) -> Result<(), Failure> {
        let positions = |live: &'a Live| &live.beside.positions;
        let moved = positions(self.before).iter().filter(|(name, at)| positions(self.after).get(*name) != Some(at));
        for (name, position) in moved {
            let sequence = quote_literal(name);
            let set = format!(
                "SELECT setval(q.seqrelid::regclass, {position}) FROM pg_catalog.pg_sequence q \
                 WHERE q.seqrelid = to_regclass({sequence}) AND {position} BETWEEN q.seqmin AND q.seqmax \
                   AND coalesce(sign(q.seqincrement) * (pg_sequence_last_value(q.seqrelid) - {position}), -1) < 0"
            );
            attempt(client, &set)?;
        }
        Ok(())
    }

    /// What was made since the migration and does not fit the database before it: what was set aside, and what went with its
    /// table or column.
    fn fallen_since(&mut self, client: &mut Client) -> Result<(Vec<String>, Vec<String>), Failure> {
        let now = self.now(client)?;
        let made_since = |object: &Object<'_>| {
            [self.before, self.after, now.as_ref()].iter().all(|live| live.get(object.kind, object.name).is_none())
        };
        let fallen = MADE.iter().flat_map(|kind| objects(&self.target, *kind)).filter(made_since);
        let (refused, lost): (Vec<_>, Vec<_>) =
            fallen.partition(|object| matches!(object.kind, Kind::View | Kind::MaterializedView | Kind::Function));
        let say = |objects: Vec<Object<'_>>| {
            objects.iter().map(|object| format!("{}, made since the migration", title(object))).collect()
        };
        Ok((say(refused), say(lost)))
    }
}

/// What should be there: what the migration made, replaced and dropped as it was before it, where it was not changed since.
fn target(before: &Live, after: &Live, start: &Live) -> Live {
    let mut target = start.clone();
    let kinds: BTreeSet<&Kind> = before.objects.keys().chain(after.objects.keys()).collect();
    for kind in kinds {
        let names = [before, after].into_iter().flat_map(|live| live.of(*kind)).map(|(name, _)| name);
        for name in names.collect::<BTreeSet<_>>() {
            let (was, is) = (before.get(*kind, name), after.get(*kind, name));
            if was == is || start.get(*kind, name) != is {
                continue;
            }
            let objects = target.objects.entry(*kind).or_default();
            match was {
                Some(definition) => drop(objects.insert(name.to_owned(), definition.clone())),
                None => drop(objects.remove(name)),
            }
        }
    }
    target
}

fn objects(live: &Live, kind: Kind) -> impl Iterator<Item = Object<'_>> {
    live.of(kind).map(move |(name, definition)| Object { kind, name, definition })
}

fn title(object: &Object<'_>) -> String {
    format!("{} {}", object.kind, object.name)
}

/// What it is itself, without what is set on it.
fn itself(definition: &Definition) -> impl PartialEq + use<'_> {
    const SET: [&str; 4] = ["comment", "column comments", "column defaults", "statistics target"];
    definition.iter().filter(|(part, _)| !SET.contains(&part.as_str())).collect::<Vec<_>>()
}
