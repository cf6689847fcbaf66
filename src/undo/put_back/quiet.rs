//! Triggers and rules are off while values come back: what they did when the migration ran is put back like anything else, and
//! they would do it again.

use std::collections::BTreeMap;

use postgres::Client;
use postgres::types::Type;

use super::super::facts::Facts;
use super::super::objects::attempt;
use crate::database::Failure;

/// Those that fire for the table `$1` and its parts: object, the statement that stops it, and the one that lets it fire again.
const FIRING: &str = "
WITH RECURSIVE part(id) AS (SELECT $1::oid UNION SELECT i.inhrelid FROM part p JOIN pg_inherits i ON i.inhparent = p.id)
SELECT g.oid, format('ALTER TABLE ONLY %s DISABLE TRIGGER %I', g.tgrelid::regclass, g.tgname)
FROM part p JOIN pg_trigger g ON g.tgrelid = p.id WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
UNION ALL
SELECT r.oid, format('ALTER TABLE ONLY %s DISABLE RULE %I', r.ev_class::regclass, r.rulename)
FROM part p JOIN pg_rewrite r ON r.ev_class = p.id WHERE r.rulename <> '_RETURN' AND r.ev_enabled IN ('O', 'A')";

/// By the names they have by now.
const AGAIN: &str = "
SELECT format('ALTER TABLE ONLY %s ENABLE %s TRIGGER %I', tgrelid::regclass, $2::text, tgname) FROM pg_trigger
WHERE oid = $1 AND tgenabled = 'D'
UNION ALL
SELECT format('ALTER TABLE ONLY %s ENABLE %s RULE %I', ev_class::regclass, $2::text, rulename) FROM pg_rewrite
WHERE oid = $1 AND ev_enabled = 'D'";

/// What is off until [`Quiet::end`].
#[derive(Debug, Default)]
pub(in crate::undo) struct Quiet {
    /// By object id: whether it fires always.
    off: BTreeMap<u32, bool>,
}

impl Quiet {
    /// Stops what fires for a table. What the role may not stop goes on firing: the comparison with the kept values tells whether
    /// it did harm.
    pub(super) fn add(&mut self, client: &mut Client, facts: &Facts) -> Result<(), Failure> {
        const ALWAYS: &str = "SELECT EXISTS (SELECT FROM pg_trigger WHERE oid = $1 AND tgenabled = 'A')
            OR EXISTS (SELECT FROM pg_rewrite WHERE oid = $1 AND ev_enabled = 'A')";
        for row in client.query_typed(FIRING, &[(&facts.id, Type::OID)])? {
            let (id, stop): (u32, String) = (row.try_get(0)?, row.try_get(1)?);
            let always = client.query_typed_one(ALWAYS, &[(&id, Type::OID)])?.try_get(0)?;
            if attempt(client, &stop)? {
                self.off.insert(id, always);
            }
        }
        Ok(())
    }

    /// Lets everything that is still there fire again.
    pub(in crate::undo) fn end(self, client: &mut Client) -> Result<(), Failure> {
        if self.off.is_empty() {
            return Ok(());
        }
        // no trigger of a table is altered while a check of its rows is still to come
        client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE")?;
        for (id, always) in self.off {
            let how = if always { "ALWAYS" } else { "" };
            for row in client.query_typed(AGAIN, &[(&id, Type::OID), (&how, Type::TEXT)])? {
                client.batch_execute(row.try_get(0)?)?;
            }
        }
        Ok(())
    }
}
