//! What a statement destroys, as far as its text and the catalog before it say.

use std::collections::BTreeSet;

use super::render;
use super::reverse::{Scene, states};
use crate::catalog::{Catalog, ObjectName};
use crate::effects::retype::{self, Retype};
use crate::sql::expression::{Piece, pieces};
use crate::sql::{ActionKind, ConstraintKind, Name, Script, StatementKind, quote_identifier};

/// Something a statement destroys. Names are those just before the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// Columns are dropped with their values.
    Columns { table: ObjectName, columns: Vec<String> },
    /// Columns change their type, and values may not survive it.
    Casts { table: ObjectName, casts: Vec<Cast> },
    /// A table is dropped with its rows.
    Table { table: ObjectName },
    /// Rows are deleted.
    Deleted { table: ObjectName, which: Which },
    /// Values are overwritten; without columns, any column's.
    Updated { table: ObjectName, which: Which, columns: Vec<String> },
}

/// A change of type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cast {
    pub column: String,
    /// What becomes of the value, as SQL.
    pub value: String,
    /// Whether the new type is PostgreSQL's own.
    pub built_in: bool,
}

/// Which rows a statement may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Any.
    All,
    /// Every one, by `TRUNCATE`.
    Emptied,
    /// Those of a condition, in a statement that names the table `alias`.
    Where { alias: Option<String>, condition: String },
    /// Those that refer to what another loss of the same statement has captured.
    Referring { to: ObjectName, columns: Vec<String>, referenced: Vec<String> },
}

impl Loss {
    /// The table.
    pub fn table(&self) -> &ObjectName {
        match self {
            Self::Columns { table, .. }
            | Self::Casts { table, .. }
            | Self::Table { table }
            | Self::Deleted { table, .. }
            | Self::Updated { table, .. } => table,
        }
    }

    /// The columns, where not all of the table's.
    pub fn columns(&self) -> Vec<String> {
        match self {
            Self::Columns { columns, .. } | Self::Updated { columns, .. } => columns.clone(),
            Self::Casts { casts, .. } => casts.iter().map(|cast| cast.column.clone()).collect(),
            Self::Table { .. } | Self::Deleted { .. } => Vec::new(),
        }
    }
}

/// What a migration destroys: each loss with the number of its statement, from 1, and what could not be found out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Losses {
    pub losses: Vec<(usize, Loss)>,
    /// Code whose effect is not known, a sentence each.
    pub unknown: Vec<String>,
}

/// What a migration destroys of what was there before it.
pub fn losses(before: &Catalog, script: &Script) -> Losses {
    let mut found = Losses::default();
    let states = states(before, script);
    let mut own: BTreeSet<ObjectName> = BTreeSet::new();
    for (at, statement) in script.statements().iter().enumerate() {
        let (before, after) = (&states[at], &states[at + 1]);
        let text = script.text().get(statement.range.clone()).unwrap_or_default();
        let scene = Scene { statement, text, before, after };
        let lost = of(&scene).into_iter().filter(|loss| !own.contains(loss.table()));
        found.losses.extend(lost.map(|loss| (at + 1, loss)));
        if let Some(unknown) = unknown(&scene) {
            found.unknown.push(format!("statement {}: {unknown}", at + 1));
        }
        follow(&mut own, &scene);
    }
    found
}

/// The tables that this very migration has made.
fn follow(own: &mut BTreeSet<ObjectName>, scene: &Scene<'_>) {
    match &scene.statement.kind {
        StatementKind::CreateTable { table, .. } if !scene.before.tables.contains_key(&scene.before.resolve(table)) => {
            own.insert(scene.before.resolve(table));
        }
        StatementKind::AlterTable { table, actions, .. } => {
            let name = scene.before.resolve(table);
            for action in actions {
                let to = match &action.kind {
                    ActionKind::RenameTable { to } => ObjectName { schema: name.schema.clone(), name: to.clone() },
                    ActionKind::SetSchema { schema } => ObjectName { schema: schema.clone(), name: name.name.clone() },
                    _ => continue,
                };
                if own.remove(&name) {
                    own.insert(to);
                } else {
                    own.remove(&to);
                }
            }
        }
        _ => {}
    }
}

fn unknown(scene: &Scene<'_>) -> Option<String> {
    match &scene.statement.kind {
        StatementKind::Do { .. } => Some("a DO block may change rows".into()),
        StatementKind::Other { words }
            if ["MERGE", "WITH", "CALL", "EXECUTE"].iter().any(|own| words.starts_with(own)) =>
        {
            Some(format!("`{words}` may change rows"))
        }
        _ => None,
    }
}

/// What one statement destroys.
pub(super) fn of(scene: &Scene<'_>) -> Vec<Loss> {
    let catalog = scene.before;
    let known = |name: &Name| Some(catalog.resolve(name)).filter(|name| catalog.tables.contains_key(name));
    match &scene.statement.kind {
        StatementKind::AlterTable { table, actions, .. } => {
            let Some(table) = known(table) else { return Vec::new() };
            let actions: Vec<&ActionKind> = actions.iter().map(|action| &action.kind).collect();
            [columns(scene, &table, &actions), casts(scene, &table, &actions)].into_iter().flatten().collect()
        }
        StatementKind::DropTable { tables, .. } => {
            tables.iter().filter_map(known).map(|table| Loss::Table { table }).collect()
        }
        StatementKind::DropSchema { names, cascade: true } => {
            let gone = catalog.tables.keys().filter(|table| names.contains(&table.schema));
            gone.map(|table| Loss::Table { table: table.clone() }).collect()
        }
        StatementKind::Truncate { tables, cascade } => {
            let mut emptied: Vec<ObjectName> = tables.iter().filter_map(known).collect();
            let mut at = 0;
            while *cascade && at < emptied.len() {
                let more: Vec<ObjectName> = referring(catalog, &emptied[at]).map(|(table, ..)| table.clone()).collect();
                emptied.extend(more.into_iter().filter(|table| !emptied.contains(table)).collect::<BTreeSet<_>>());
                at += 1;
            }
            emptied.into_iter().map(|table| Loss::Deleted { table, which: Which::Emptied }).collect()
        }
        StatementKind::Delete { table, .. } => known(table)
            .map_or_else(Vec::new, |table| deleted(catalog, Loss::Deleted { table, which: which(scene.text) })),
        StatementKind::Update { table, columns, .. } => known(table)
            .map(|table| Loss::Updated { table, which: which(scene.text), columns: columns.clone() })
            .into_iter()
            .collect(),
        StatementKind::Insert { table } if upserts(scene.text) => known(table)
            .map(|table| Loss::Updated { table, which: Which::All, columns: Vec::new() })
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

fn columns(scene: &Scene<'_>, table: &ObjectName, actions: &[&ActionKind]) -> Option<Loss> {
    let definition = scene.before.tables.get(table)?;
    let dropped = actions.iter().filter_map(|action| match action {
        // a generated column's values come back by themselves
        ActionKind::DropColumn { name, .. } => {
            definition.columns.get(name).filter(|column| column.generated.is_none()).map(|_| name.clone())
        }
        _ => None,
    });
    let columns: Vec<String> = dropped.collect();
    (!columns.is_empty()).then(|| Loss::Columns { table: table.clone(), columns })
}

fn casts(scene: &Scene<'_>, table: &ObjectName, actions: &[&ActionKind]) -> Option<Loss> {
    let definition = scene.before.tables.get(table)?;
    let cast = |action: &&ActionKind| {
        let ActionKind::SetType { column, data_type, using } = action else { return None };
        let from = &definition.columns.get(column)?.data_type;
        let is_enum = |data_type| scene.before.enum_values(data_type).is_some();
        // every enum has a text, and the text is the value
        let by_text = is_enum(from) && (is_enum(data_type) || data_type.name == "text");
        if by_text
            || matches!(retype::judge(from, data_type, using.as_ref(), column), Retype::Instant | Retype::Rewrites)
        {
            return None;
        }
        let target = render::data_type(scene.before, data_type);
        let value =
            using.as_ref().map_or_else(|| format!("{}::{target}", quote_identifier(column)), |own| own.text.clone());
        Some(Cast { column: column.clone(), value, built_in: retype::built_in(data_type) })
    };
    let casts: Vec<Cast> = actions.iter().filter_map(cast).collect();
    (!casts.is_empty()).then(|| Loss::Casts { table: table.clone(), casts })
}

/// The foreign keys to a table: child, its columns, what they refer to, and what happens on delete.
fn referring<'a>(
    catalog: &'a Catalog,
    to: &ObjectName,
) -> impl Iterator<Item = (&'a ObjectName, &'a [String], &'a [String], Option<&'a str>)> {
    let target = catalog.short(to);
    catalog.tables.iter().flat_map(move |(name, table)| {
        let target = target.clone();
        table.constraints.values().filter_map(move |constraint| match &constraint.kind {
            ConstraintKind::ForeignKey { columns, table, referenced, on_delete, .. } if *table == target => {
                Some((name, columns.as_slice(), referenced.as_slice(), on_delete.as_deref()))
            }
            _ => None,
        })
    })
}

/// A deletion with what foreign keys do about it.
fn deleted(catalog: &Catalog, first: Loss) -> Vec<Loss> {
    let mut seen = BTreeSet::from([first.table().clone()]);
    let mut found = vec![first];
    let mut at = 0;
    while at < found.len() {
        if let Loss::Deleted { table, .. } = found[at].clone() {
            for (child, columns, referenced, action) in referring(catalog, &table) {
                let which =
                    Which::Referring { to: table.clone(), columns: columns.into(), referenced: referenced.into() };
                match action {
                    Some("CASCADE") if seen.insert(child.clone()) => {
                        found.push(Loss::Deleted { table: child.clone(), which });
                    }
                    Some("SET NULL" | "SET DEFAULT") => {
                        found.push(Loss::Updated { table: child.clone(), which, columns: columns.into() });
                    }
                    _ => {}
                }
            }
        }
        at += 1;
    }
    found
}

fn upserts(text: &str) -> bool {
    let words: Vec<String> = pieces(text)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Word(word) => Some(word.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    words.windows(2).any(|pair| pair == ["do", "update"])
}

/// The rows of a `DELETE` or `UPDATE`: its condition, if nothing else takes part in it.
fn which(text: &str) -> Which {
    simple(text).unwrap_or(Which::All)
}

fn simple(text: &str) -> Option<Which> {
    let all = pieces(text);
    let solid: Vec<(usize, Piece<'_>)> =
        all.iter().copied().enumerate().filter(|(_, piece)| !matches!(piece, Piece::Space(_))).collect();
    let word = |at: usize| match solid.get(at) {
        Some((_, Piece::Word(word))) => word.to_ascii_lowercase(),
        _ => String::new(),
    };
    let symbol = |at: usize, symbol: &str| matches!(solid.get(at), Some((_, Piece::Symbol(own))) if *own == symbol);
    let update = word(0) == "update";
    let mut at = if update { 1 } else { 2 };
    at += usize::from(word(at) == "only");
    at += 1;
    while symbol(at, ".") {
        at += 2;
    }
    at += usize::from(symbol(at, "*"));
    at += usize::from(word(at) == "as");
    let follows = ["set", "where", "using", "returning"];
    let mut alias = None;
    if let Some((_, piece)) = solid.get(at)
        && let Some(name) = piece.name()
        && !follows.contains(&word(at).as_str())
    {
        alias = Some(name);
        at += 1;
    }
    let mut depth = 0_i32;
    let mut condition = None;
    for (index, (position, piece)) in solid.iter().enumerate().skip(at) {
        match piece {
            Piece::Symbol("(" | "[") => depth += 1,
            Piece::Symbol(")" | "]") => depth -= 1,
            Piece::Word(_) if depth == 0 => match word(index).as_str() {
                "where" if condition.is_none() => condition = Some(position + 1),
                "from" if condition.is_none() => return None,
                "using" | "returning" | "current" => return None,
                _ => {}
            },
            _ => {}
        }
    }
    let Some(start) = condition else { return Some(Which::All) };
    let condition: String = all[start..].iter().map(|piece| piece.text()).collect();
    Some(Which::Where { alias, condition: condition.trim().trim_end_matches(';').trim_end().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn which_of(text: &str) -> (Option<String>, String) {
        match which(text) {
            Which::All | Which::Emptied => (None, "all".into()),
            Which::Where { alias, condition } => (alias, condition),
            Which::Referring { .. } => unreachable!("of no text"),
        }
    }

    #[test]
    fn conditions_are_found_where_they_are_all_that_matters() {
        assert_eq!(which_of("DELETE FROM \"Song\";"), (None, "all".into()));
        assert_eq!(
            which_of("delete from only public.\"Song\" as s where s.a = 'x;' ;"),
            (Some("s".into()), "s.a = 'x;'".into())
        );
        assert_eq!(
            which_of("UPDATE \"Song\" SET a = (SELECT 1 FROM b WHERE c), d = 2 WHERE e IN (1)"),
            (None, "e IN (1)".into())
        );
        assert_eq!(which_of("UPDATE \"Song\" SET a = b.x FROM b WHERE b.id = 1"), (None, "all".into()));
        assert_eq!(which_of("DELETE FROM a USING b WHERE a.x = b.x"), (None, "all".into()));
        assert_eq!(which_of("DELETE FROM a WHERE x RETURNING y"), (None, "all".into()));
    }

    fn found(before: &str, sql: &str) -> Vec<(usize, Loss)> {
        let before = Script::parse(before);
        losses(&Catalog::replay("public", [("1", &before)]), &Script::parse(sql)).losses
    }

    fn name(name: &str) -> ObjectName {
        ObjectName { schema: "public".into(), name: name.into() }
    }

    const BEFORE: &str = "CREATE TYPE r AS ENUM ('a', 'b'); CREATE TABLE a (id INT PRIMARY KEY, x TEXT, n BIGINT, r r); \
         CREATE TABLE b (id INT PRIMARY KEY, a INT REFERENCES a ON DELETE CASCADE, c INT REFERENCES a ON DELETE SET NULL);";

    #[test]
    fn columns_tables_and_lossy_types_are_lost() {
        let lost =
            found(BEFORE, "ALTER TABLE a DROP COLUMN x, ALTER COLUMN n TYPE INT; DROP TABLE b; DROP TABLE unknown;");
        assert_eq!(lost.len(), 3);
        assert_eq!(lost[0], (1, Loss::Columns { table: name("a"), columns: vec!["x".into()] }));
        assert!(matches!(&lost[1].1, Loss::Casts { casts, .. } if casts[0].value == "\"n\"::integer"));
        assert_eq!(lost[2], (2, Loss::Table { table: name("b") }));
    }

    #[test]
    fn what_the_migration_makes_itself_is_no_loss() {
        assert_eq!(
            found(BEFORE, "CREATE TABLE t (x INT); UPDATE t SET x = 1; ALTER TABLE t RENAME TO u; DROP TABLE u;"),
            []
        );
        assert_eq!(found(BEFORE, "ALTER TABLE a ALTER x TYPE VARCHAR(9), ALTER n TYPE NUMERIC;").len(), 1);
        assert_eq!(found(BEFORE, "ALTER TABLE a ALTER r TYPE TEXT; ALTER TABLE a RENAME TO c;"), []);
    }

    #[test]
    fn a_deletion_reaches_what_refers_to_it() {
        let lost = found(BEFORE, "DELETE FROM a WHERE id = 1;");
        assert!(matches!(&lost[0].1, Loss::Deleted { which: Which::Where { .. }, .. }));
        let reached: Vec<String> =
            lost.iter().map(|(_, loss)| format!("{} {:?}", loss.table().name, loss.columns())).collect();
        assert_eq!(reached, ["a []", "b []", "b [\"c\"]"]);
        assert_eq!(found(BEFORE, "TRUNCATE a CASCADE").len(), 2);
    }

    #[test]
    fn an_upsert_may_overwrite() {
        assert_eq!(found(BEFORE, "INSERT INTO a (id) VALUES (1)"), []);
        assert_eq!(found(BEFORE, "INSERT INTO a (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 'y'").len(), 1);
    }
}
