//! What a copy is without because its server lacks an extension: asked of the database before a dump is taken, and read from
//! what a load left out. Nothing of it may be in the pending migrations: they would run on something else than production.

use std::collections::BTreeSet;

use postgres::Client;
use postgres::types::Type;

use crate::database::Failure;
use crate::sql::tokens::{self, Kind, Token, tokens};

/// Objects that are named before the rest is counted.
const SHOWN: usize = 6;

/// What belongs to the extensions `$1`, and all that leans on it. An extension's own names count where a statement may write
/// them bare (its schema is on the search path, or among `$2`), else its schema does. A table of which an index, a trigger, a
/// policy or a key is missing is named too: it is another one in the copy.
const LEANING: &str = "
WITH RECURSIVE missing AS (SELECT oid, extname, extnamespace FROM pg_catalog.pg_extension WHERE extname = ANY ($1)),
member AS (
    SELECT d.classid, d.objid FROM pg_catalog.pg_depend d JOIN missing ON d.refobjid = missing.oid
    WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e'
),
edge AS (
    SELECT refclassid, refobjid, classid, objid FROM pg_catalog.pg_depend WHERE deptype IN ('n', 'a', 'i')
    UNION ALL
    SELECT 'pg_catalog.pg_rewrite'::regclass, oid, 'pg_catalog.pg_class'::regclass, ev_class FROM pg_catalog.pg_rewrite
    UNION ALL
    SELECT 'pg_catalog.pg_attrdef'::regclass, oid, 'pg_catalog.pg_class'::regclass, adrelid FROM pg_catalog.pg_attrdef
    UNION ALL
    SELECT 'pg_catalog.pg_constraint'::regclass, oid, 'pg_catalog.pg_class'::regclass, conrelid
    FROM pg_catalog.pg_constraint WHERE contype = 'c' AND conrelid <> 0
),
reached AS (
    SELECT classid, objid FROM member
    UNION
    SELECT e.classid, e.objid FROM edge e JOIN reached r ON e.refclassid = r.classid AND e.refobjid = r.objid
),
relation AS (
    SELECT c.oid, c.relname, c.relkind, c.relnamespace, member.objid IS NOT NULL AS own
    FROM reached r JOIN pg_catalog.pg_class c ON c.oid = r.objid AND r.classid = 'pg_catalog.pg_class'::regclass
    LEFT JOIN member ON member.classid = r.classid AND member.objid = r.objid
),
beside AS (
    SELECT confrelid AS oid FROM pg_catalog.pg_constraint JOIN relation ON conrelid = relation.oid WHERE contype = 'f'
    UNION SELECT unnest(ARRAY[conrelid, confrelid]) FROM pg_catalog.pg_constraint c JOIN reached r
          ON r.classid = 'pg_catalog.pg_constraint'::regclass AND r.objid = c.oid
    UNION SELECT tgrelid FROM pg_catalog.pg_trigger t JOIN reached r
          ON r.classid = 'pg_catalog.pg_trigger'::regclass AND r.objid = t.oid
    UNION SELECT polrelid FROM pg_catalog.pg_policy p JOIN reached r
          ON r.classid = 'pg_catalog.pg_policy'::regclass AND r.objid = p.oid
    UNION SELECT indrelid FROM pg_catalog.pg_index i JOIN relation ON relation.oid = i.indexrelid
),
named AS (
    SELECT relname AS name, relnamespace AS space, own FROM relation
    UNION SELECT c.relname, c.relnamespace, false FROM beside JOIN pg_catalog.pg_class c USING (oid)
    UNION SELECT t.typname, t.typnamespace, member.objid IS NOT NULL FROM reached r
          JOIN pg_catalog.pg_type t ON t.oid = r.objid AND r.classid = 'pg_catalog.pg_type'::regclass AND t.typelem = 0
          LEFT JOIN member ON member.classid = r.classid AND member.objid = r.objid
    UNION SELECT p.proname, p.pronamespace, member.objid IS NOT NULL FROM reached r
          JOIN pg_catalog.pg_proc p ON p.oid = r.objid AND r.classid = 'pg_catalog.pg_proc'::regclass
          LEFT JOIN member ON member.classid = r.classid AND member.objid = r.objid
)
SELECT false, CASE WHEN NOT own OR n.nspname = ANY ($2) OR n.nspname = ANY (pg_catalog.current_schemas(false))
                   THEN named.name ELSE n.nspname END::text
FROM named JOIN pg_catalog.pg_namespace n ON n.oid = space
UNION SELECT false, amname::text FROM pg_catalog.pg_am JOIN member ON classid = 'pg_catalog.pg_am'::regclass AND objid = pg_am.oid
UNION SELECT true, CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END
                   || ' ' || n.nspname || '.' || relname
FROM relation JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace WHERE NOT own AND relkind IN ('r', 'p', 'v', 'm')
ORDER BY 1, 2";

/// What a copy is without.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lacking {
    /// Extensions that its server has not.
    pub extensions: Vec<String>,
    /// What goes with them, for people: `table public.doc`.
    pub objects: Vec<String>,
    /// The name of each thing, as a statement writes it.
    names: BTreeSet<String>,
}

impl Lacking {
    /// What a copy of this database will be without on a server that lacks `extensions`. `schemas` are Prisma's.
    ///
    /// # Errors
    /// The server's own.
    pub(super) fn in_database(client: &mut Client, extensions: &[String], schemas: &[&str]) -> Result<Self, Failure> {
        let mut found = Self { extensions: extensions.to_vec(), ..Self::default() };
        found.names.extend(extensions.iter().cloned());
        let parameters: [(&(dyn postgres::types::ToSql + Sync), Type); 2] =
            [(&extensions, Type::TEXT_ARRAY), (&schemas, Type::TEXT_ARRAY)];
        for row in client.query_typed(LEANING, &parameters)? {
            let (told, name): (bool, String) = (row.try_get(0)?, row.try_get(1)?);
            match told {
                true => found.objects.push(name),
                false => drop(found.names.insert(name)),
            }
        }
        // every database has it, and nothing tells whose table it is
        found.names.remove("public");
        Ok(found)
    }

    /// What the statements name that a load left out.
    pub(super) fn of_load(extensions: Vec<String>, lacked: &[String]) -> Self {
        let mut found = Self { names: extensions.iter().cloned().collect(), extensions, objects: Vec::new() };
        for statement in lacked {
            let Some((what, names)) = subject(statement) else { continue };
            found.names.extend(names);
            if let Some(what) = what.filter(|what| !found.objects.contains(what)) {
                found.objects.push(what);
            }
        }
        found
    }

    /// Whether the copy is whole.
    pub fn is_empty(&self) -> bool {
        self.extensions.is_empty() && self.objects.is_empty()
    }

    /// The first thing of these that a script names, also inside the bodies of code.
    pub fn named_in(&self, sql: &str) -> Option<String> {
        let is = |token: &Token<'_>| token.identifier().filter(|name| self.names.contains(name));
        tokens(sql).iter().find_map(|token| match token.kind {
            Kind::Literal => tokens(token.text).iter().find_map(is),
            _ => is(token),
        })
    }

    /// How the copy is unlike the original, as a clause; none where it is not.
    pub fn said(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let (shown, more) = self.objects.split_at(self.objects.len().min(SHOWN));
        let mut what: Vec<String> = shown.to_vec();
        if !more.is_empty() {
            what.push(format!("{} more", more.len()));
        }
        let what = what.join(", ");
        Some(match (self.extensions.as_slice(), what.is_empty()) {
            ([], _) => format!("the copy is without {what}"),
            (extensions, true) => format!("the copy is without the {}", plural(extensions)),
            (extensions, false) => format!("the copy is without the {} and what needs it: {what}", plural(extensions)),
        })
    }
}

/// The first of these schemas that a script names as one: `billing.invoice`, `SCHEMA billing`; also inside the bodies of code.
pub(super) fn schema_in(sql: &str, schemas: &[String]) -> Option<String> {
    let all = tokens(sql);
    let named = all.iter().enumerate().find_map(|(at, token)| {
        let name = token.identifier().filter(|name| schemas.contains(name))?;
        let qualifies = all.get(at + 1).is_some_and(|next| next.is_symbol("."));
        let follows = at > 0 && all[at - 1].is("SCHEMA");
        (qualifies || follows).then_some(name)
    });
    let code = || all.iter().filter(|token| token.kind == Kind::Literal && token.text.contains('.'));
    named.or_else(|| code().find_map(|token| schema_in(token.text, schemas)))
}

/// `extension a`, `extensions a, b`
pub(super) fn plural(extensions: &[String]) -> String {
    let what = if extensions.len() == 1 { "extension" } else { "extensions" };
    format!("{what} {}", extensions.join(", "))
}

/// What a statement of a dump makes, for people where it is worth a word, and the names that it goes by.
fn subject(statement: &str) -> Option<(Option<String>, Vec<String>)> {
    const KINDS: &[&str] =
        &["TABLE", "VIEW", "FUNCTION", "PROCEDURE", "AGGREGATE", "TYPE", "DOMAIN", "SEQUENCE", "SERVER"];
    /// Of a table, which is named behind `ON`.
    const PARTS: &[&str] = &["INDEX", "TRIGGER", "POLICY"];
    let all = tokens(statement);
    let at = |words: &[&str]| {
        let head = all.iter().take(5);
        head.clone().position(|token| words.iter().any(|word| token.is(word)))
    };
    let qualified = |name: &crate::sql::Name| match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.clone(),
    };
    match all.first()? {
        first if first.is("CREATE") => {
            if let Some(place) = at(PARTS) {
                let (name, rest) = tokens::name(&all[place + 1..])?;
                let behind = rest.iter().position(|token| token.is("ON"))? + 1;
                let behind = behind + usize::from(rest.get(behind).is_some_and(|token| token.is("ONLY")));
                let (table, _) = tokens::name(&rest[behind..])?;
                let what = format!("{} {} of {}", all[place].text.to_lowercase(), name.name, qualified(&table));
                return Some((Some(what), vec![name.name, table.name]));
            }
            let place = at(KINDS)?;
            let (name, _) = tokens::name(&all[place + 1..])?;
            Some((Some(format!("{} {}", all[place].text.to_lowercase(), qualified(&name))), vec![name.name]))
        }
        first if first.is("ALTER") => {
            let only = tokens::after(&all, "ALTER TABLE ONLY").or_else(|| tokens::after(&all, "ALTER TABLE"))?;
            let (table, _) = tokens::name(only)?;
            let constraint = tokens::after(only, "ADD CONSTRAINT").and_then(tokens::name);
            let what = constraint.map(|(name, _)| format!("constraint {} of {}", name.name, qualified(&table)));
            Some((what, vec![table.name]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_load_left_out_is_known_by_its_names() {
        let lacked = [
            "CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;",
            "CREATE TABLE public.\"Doc\" (\n    id integer NOT NULL,\n    at public.vector(3)\n);",
            "ALTER TABLE public.\"Doc\" OWNER TO music;",
            "CREATE INDEX song_idx ON ONLY public.\"Song\" USING hnsw (title);",
            "ALTER TABLE ONLY public.\"Page\"\n    ADD CONSTRAINT \"Page_doc_fkey\" FOREIGN KEY (doc) REFERENCES public.\"Doc\"(id);",
            "COMMENT ON TABLE public.\"Doc\" IS 'x';",
        ]
        .map(str::to_owned);
        let lacking = Lacking::of_load(vec!["vector".into()], &lacked);
        assert_eq!(
            lacking.said().unwrap(),
            "the copy is without the extension vector and what needs it: table public.Doc, index song_idx of public.Song, \
             constraint Page_doc_fkey of public.Page"
        );
        for sql in [
            "DROP TABLE \"Doc\"",
            "SELECT 1::vector",
            "UPDATE \"Song\" SET a = 1",
            "DO $$BEGIN DELETE FROM \"Page\"; END$$",
        ] {
            assert!(lacking.named_in(sql).is_some(), "{sql}");
        }
        assert_eq!(lacking.named_in("ALTER TABLE \"User\" ADD COLUMN doc TEXT -- Doc"), None);
    }

    #[test]
    fn a_schema_is_named_where_it_qualifies() {
        let schemas = ["billing".to_owned()];
        for sql in ["UPDATE billing.x SET a = 1", "DROP SCHEMA billing", "DO $$BEGIN DELETE FROM billing.x; END$$"] {
            assert_eq!(schema_in(sql, &schemas).as_deref(), Some("billing"), "{sql}");
        }
        assert_eq!(schema_in("ALTER TABLE a ADD COLUMN billing TEXT DEFAULT 'billing'", &schemas), None);
    }
}
