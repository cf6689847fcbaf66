//! A column's type on its way back. Where the capsule has the column's values, each row gets its own: a cast of what is there now
//! need not lead back to them, and may fail. What was written since goes through the cast of the reverse.

use postgres::Client;

use super::super::capture::{Capture, Kind, became, joined, place};
use super::super::facts::{Column, Facts};
use crate::database::Failure;
use crate::sql::tokens::{Kind as TokenKind, tokens};
use crate::sql::{ActionKind, Script, StatementKind, quote_identifier, quote_literal};

/// How many values written since had no counterpart in the type before; counted by the function while the table is rewritten.
const COUNTER: &str = "prisma_safe.unconverted";
/// The function's name in our schema.
const FUNCTION: &str = "converted_back";

/// `ALTER TABLE t ALTER COLUMN c TYPE type USING (expression)`, as the reverse has it.
#[derive(Debug)]
pub(super) struct Retyping<'a> {
    pub table: &'a str,
    pub column: &'a str,
    using: &'a str,
    /// The statement up to `USING`.
    head: &'a str,
    data_type: &'a str,
}

impl<'a> Retyping<'a> {
    /// The statement, if that is all it does.
    pub(super) fn of(sql: &'a str, script: &'a Script) -> Option<Self> {
        let [statement] = script.statements() else { return None };
        let StatementKind::AlterTable { table, actions, .. } = &statement.kind else { return None };
        let [action] = actions.as_slice() else { return None };
        let ActionKind::SetType { column, using: Some(using), .. } = &action.kind else { return None };
        // the parts as written, after the column's name
        let written = tokens(sql);
        let first =
            |word: &str, from: usize| written[from..].iter().position(|token| token.is(word)).map(|at| from + at);
        let type_at = first("type", 0)?;
        let using_at = first("using", type_at)?;
        let type_end = first("collate", type_at).filter(|at| *at < using_at).unwrap_or(using_at);
        Some(Self {
            table: &table.name,
            column,
            using: &using.text,
            head: sql.get(..written.get(using_at)?.start)?,
            data_type: sql.get(written.get(type_at)?.end..written.get(type_end)?.start)?.trim(),
        })
    }

    /// Whether the expression reads other columns of the table: then only the statement itself can compute it.
    fn reads_others(&self, facts: &Facts) -> bool {
        let other = |name: &str| name != self.column && facts.column(name).is_some();
        tokens(self.using).iter().any(|token| match token.kind {
            TokenKind::Word => other(&token.text.to_ascii_lowercase()),
            TokenKind::Quoted => other(&token.text.replace("\"\"", "\"")),
            TokenKind::Literal | TokenKind::Symbol => false,
        })
    }
}

/// How rows find their kept values.
enum By {
    Key(Vec<String>),
    /// By what the migration made of the value, where no two rows have the same.
    NewValue,
}

/// What the function is made of.
pub(super) struct Conversion<'a> {
    retyping: &'a Retyping<'a>,
    capture: &'a Capture,
    facts: Facts,
    by: By,
    /// The column's place among the captured ones.
    at: usize,
    /// A literal for values that have no counterpart.
    fill: Option<&'a str>,
}

impl<'a> Conversion<'a> {
    /// `None` where the capsule does not help: another table or column, or no way to tell the rows apart.
    pub(super) fn new(
        client: &mut Client,
        retyping: &'a Retyping<'a>,
        capture: &'a Capture,
        fill: Option<&'a str>,
    ) -> Result<Option<Self>, Failure> {
        if capture.kind != Kind::Casts || capture.table != retyping.table {
            return Ok(None);
        }
        let Some(at) = capture.columns.iter().position(|own| own == retyping.column) else { return Ok(None) };
        let Some(facts) = Facts::read(client, &capture.table())? else { return Ok(None) };
        let known = capture.key.iter().all(|own| facts.column(own).is_some());
        if !known || facts.column(retyping.column).is_none() || retyping.reads_others(&facts) {
            return Ok(None);
        }
        let by = if capture.key.is_empty() {
            let new = became(at);
            let ask = format!("SELECT count(*) = count(DISTINCT {new}::text) FROM {}", capture.place());
            match client.query_typed_one(&ask, &[])?.try_get(0)? {
                true => By::NewValue,
                false => return Ok(None),
            }
        } else {
            By::Key(capture.key.clone())
        };
        Ok(Some(Self { retyping, capture, facts, by, at, fill }))
    }

    /// Makes the function; gives the statement that uses it.
    pub(super) fn prepare(&self, client: &mut Client) -> Result<String, Failure> {
        self.index(client)?;
        client.batch_execute(&self.function())?;
        client.batch_execute(&format!("SELECT pg_catalog.set_config('{COUNTER}', '0', true)"))?;
        Ok(format!("{} USING {}", self.retyping.head, self.call()))
    }

    /// After the statement: drops the function, says how many values have become NULL.
    pub(super) fn finish(&self, client: &mut Client) -> Result<u64, Failure> {
        client.batch_execute(&format!("DROP FUNCTION {}", place(FUNCTION)))?;
        counted(client)
    }

    /// How many rows have a value that has no counterpart: what a `NOT NULL` refused.
    pub(super) fn unconverted(&self, client: &mut Client) -> Result<u64, Failure> {
        client.batch_execute(&format!("SELECT count({}) FROM {}", self.call(), self.facts.place))?;
        counted(client)
    }

    /// Rows whose value was changed since the migration.
    pub(super) fn changed_since(&self, client: &mut Client) -> Result<u64, Failure> {
        let By::Key(key) = &self.by else { return Ok(0) };
        let (column, new) = (quote_identifier(self.retyping.column), became(self.at));
        let ask = format!(
            "SELECT count(*) FROM {} AS k JOIN {} AS t ON {} WHERE t.{column}::text IS DISTINCT FROM k.{new}::text",
            self.capture.place(),
            self.facts.place,
            joined(&self.facts, key, "t", "k")
        );
        Ok(client.query_typed_one(&ask, &[])?.try_get::<_, i64>(0)?.unsigned_abs())
    }

    fn live(&self) -> Option<&Column> {
        self.facts.column(self.retyping.column)
    }

    /// The columns that the function is given, the converted one last.
    fn arguments(&self) -> Vec<&Column> {
        let key = match &self.by {
            By::Key(key) => key.as_slice(),
            By::NewValue => &[],
        };
        key.iter().filter_map(|own| self.facts.column(own)).chain(self.live()).collect()
    }

    fn call(&self) -> String {
        let arguments = self.arguments().into_iter().map(|column| quote_identifier(&column.name));
        format!("{}({})", place(FUNCTION), arguments.collect::<Vec<_>>().join(", "))
    }

    fn index(&self, client: &mut Client) -> Result<(), Failure> {
        let on: Vec<String> = match &self.by {
            By::Key(key) => key.iter().map(|own| quote_identifier(own)).collect(),
            By::NewValue => vec![format!("({}::text)", became(self.at))],
        };
        let storage = self.capture.place();
        Ok(client.batch_execute(&format!("CREATE INDEX ON {storage} ({}); ANALYZE {storage}", on.join(", ")))?)
    }

    fn function(&self) -> String {
        let arguments = self.arguments();
        let types = arguments.iter().map(|column| column.data_type.as_str()).collect::<Vec<_>>().join(", ");
        let (live, column, new) =
            (format!("${}", arguments.len()), quote_identifier(self.retyping.column), became(self.at));
        let found = match &self.by {
            By::Key(key) => {
                let typed = |(at, own): (usize, &String)| {
                    let text = if self.facts.column(own).is_some_and(|own| own.built_in) { "" } else { "::text" };
                    format!("k.{} = ${}{text}", quote_identifier(own), at + 1)
                };
                key.iter().enumerate().map(typed).collect::<Vec<_>>().join(" AND ")
            }
            By::NewValue => format!("k.{new}::text = {live}::text"),
        };
        let (to, using) = (self.retyping.data_type, self.retyping.using);
        let otherwise = self.fill.map_or_else(|| "NULL".to_owned(), quote_literal);
        let body = format!(
            "
#variable_conflict use_column
DECLARE
  prisma_safe_found boolean; prisma_safe_old text; prisma_safe_new text;
BEGIN
  SELECT true, k.{column}::text, k.{new}::text INTO prisma_safe_found, prisma_safe_old, prisma_safe_new
  FROM {} AS k WHERE {found};
  IF prisma_safe_found AND prisma_safe_new IS NOT DISTINCT FROM {live}::text THEN
    RETURN prisma_safe_old::{to};
  END IF;
  BEGIN
    RETURN (SELECT ({using}) FROM (SELECT {live} AS {column}) AS made);
  EXCEPTION WHEN OTHERS THEN
    PERFORM pg_catalog.set_config('{COUNTER}', (pg_catalog.current_setting('{COUNTER}')::bigint + 1)::text, true);
    RETURN {otherwise};
  END;
END",
            self.capture.place()
        );
        format!(
            "CREATE FUNCTION {}({types}) RETURNS {to} LANGUAGE plpgsql AS {}",
            place(FUNCTION),
            quote_literal(&body)
        )
    }
}

fn counted(client: &mut Client) -> Result<u64, Failure> {
    let ask = format!("SELECT current_setting('{COUNTER}')::int8");
    Ok(client.query_typed_one(&ask, &[])?.try_get::<_, i64>(0)?.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retyping_is_taken_apart() {
        let sql = r#"ALTER TABLE "So.ng" ALTER COLUMN "type" SET DATA TYPE varchar(8) COLLATE "C" USING ("type"::text::varchar(8));"#;
        let script = Script::parse(sql);
        let found = Retyping::of(sql, &script).unwrap();
        assert_eq!((found.table, found.column, found.data_type), ("So.ng", "type", "varchar(8)"));
        assert!(found.head.ends_with(r#"COLLATE "C" "#), "{}", found.head);
        for other in ["ALTER TABLE t ALTER a TYPE int", "ALTER TABLE t ALTER a TYPE int USING a, DROP b", "SELECT 1"] {
            assert!(Retyping::of(other, &Script::parse(other)).is_none(), "{other}");
        }
    }
}
