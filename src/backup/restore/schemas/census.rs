//! What a swap of schemas would touch, and what it cannot do: each is refused by its name before anything happens.

use std::collections::BTreeSet;

use postgres::Client;

use super::super::super::archive::Archive;
use super::super::super::pieces::{Piece, Pieces};
use super::super::super::scan::identifier;
use super::super::target::texts;
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::guard::dump::is_own;
use crate::sql::{quote_identifier, quote_literal};

/// Beginnings of statements about what belongs to the whole database: the live one has it already, under the same name.
const OF_THE_DATABASE: &[(&str, &str)] = &[
    ("BEGIN;", "large objects"),
    ("SELECT pg_catalog.lo_create(", "large objects"),
    ("CREATE CAST ", "a cast"),
    ("CREATE EVENT TRIGGER ", "an event trigger"),
    ("CREATE FOREIGN DATA WRAPPER ", "a foreign-data wrapper"),
    ("CREATE SERVER ", "a foreign server"),
    ("CREATE SUBSCRIPTION ", "a subscription"),
    ("CREATE USER MAPPING ", "a user mapping"),
    ("CREATE OR REPLACE PROCEDURAL LANGUAGE ", "a language"),
];

const SCHEMAS: &str = "
SELECT n.nspname::text, pg_catalog.pg_get_userbyid(n.nspowner)::text, pg_catalog.pg_has_role(n.nspowner, 'MEMBER'),
       n.nspacl IS NOT NULL, pg_catalog.obj_description(n.oid, 'pg_namespace')
FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY ($1) ORDER BY 1";

const GRANTS: &str = "
SELECT CASE a.grantee WHEN 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END, a.privilege_type
FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a WHERE n.nspname = $1";

const EXTENSIONS: &str = "
SELECT e.extname::text, e.extrelocatable, pg_catalog.pg_has_role(e.extowner, 'MEMBER')
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE n.nspname = $1";

/// What stands in other schemas and leans on these: it would go on looking at the old objects.
const OUTSIDE: &str = "
WITH swapped AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1)),
inside AS (
    SELECT 'pg_catalog.pg_class'::regclass::oid AS class, oid AS object FROM pg_catalog.pg_class WHERE relnamespace IN (TABLE swapped)
    UNION ALL SELECT 'pg_catalog.pg_type'::regclass, oid FROM pg_catalog.pg_type WHERE typnamespace IN (TABLE swapped)
    UNION ALL SELECT 'pg_catalog.pg_proc'::regclass, oid FROM pg_catalog.pg_proc WHERE pronamespace IN (TABLE swapped)
),
dependent AS (
    SELECT DISTINCT d.classid, d.objid, d.objsubid FROM pg_catalog.pg_depend d
    JOIN inside ON inside.class = d.refclassid AND inside.object = d.refobjid
    WHERE d.deptype IN ('n', 'a') AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend e WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e')
),
placed AS (
    SELECT d.*, coalesce(
        (SELECT relnamespace FROM pg_catalog.pg_class WHERE d.classid = 'pg_catalog.pg_class'::regclass AND oid = d.objid),
        (SELECT pronamespace FROM pg_catalog.pg_proc WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND oid = d.objid),
        (SELECT typnamespace FROM pg_catalog.pg_type WHERE d.classid = 'pg_catalog.pg_type'::regclass AND oid = d.objid),
        (SELECT connamespace FROM pg_catalog.pg_constraint WHERE d.classid = 'pg_catalog.pg_constraint'::regclass AND oid = d.objid),
        (SELECT relnamespace FROM pg_catalog.pg_class c JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid
         WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = d.objid),
        (SELECT relnamespace FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attrdef a ON a.adrelid = c.oid
         WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass AND a.oid = d.objid),
        (SELECT relnamespace FROM pg_catalog.pg_class c JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid
         WHERE d.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = d.objid)
    ) AS place FROM dependent d
)
SELECT pg_catalog.pg_describe_object(classid, objid, objsubid) FROM placed
JOIN pg_catalog.pg_namespace n ON n.oid = place
WHERE place NOT IN (TABLE swapped) AND n.nspname !~ '^pg_' AND n.nspname !~ '^_prisma_safe_old_' LIMIT 5";

/// A schema that is set aside.
pub(super) struct Schema {
    pub(super) name: String,
    pub(super) owner: String,
    /// Statements that give the new schema the old one's rights.
    pub(super) grants: Vec<String>,
    pub(super) comment: Option<String>,
    /// Extensions that live in it and move to the new one.
    pub(super) extensions: Vec<String>,
}

/// What there is to do.
pub(super) struct Census {
    pub(super) schemas: Vec<Schema>,
    /// Publications of the backup that the live database has too: they are renamed.
    pub(super) publications: Vec<String>,
    /// Every setting that this server knows.
    pub(super) settings: BTreeSet<String>,
}

impl Census {
    /// Looks at backup and database.
    ///
    /// # Errors
    /// Exit status 3, with what a swap of schemas cannot do.
    pub(super) fn take(client: &mut Client, archive: &Archive) -> Result<Self> {
        let Held { schemas, publications } = Held::read(archive)?;
        let failed = || "could not look at the schemas of the database".to_owned();
        let rows = client.query(SCHEMAS, &[&schemas]).map_err(Failure::from).explain(failed)?;
        let mut found = Vec::new();
        for row in rows {
            let (name, owner, ours, restricted): (String, String, bool, bool) =
                (row.get(0), row.get(1), row.get(2), row.get(3));
            if !ours {
                return Err(cannot(format!("the schema {name} belongs to {owner}")));
            }
            let mut grants = Vec::new();
            if restricted {
                for row in client.query(GRANTS, &[&name]).map_err(Failure::from).explain(failed)? {
                    let (grantee, privilege): (Option<String>, String) = (row.get(0), row.get(1));
                    let grantee = grantee.map_or("PUBLIC".into(), |role| quote_identifier(&role));
                    grants.push(format!("GRANT {privilege} ON SCHEMA {} TO {grantee}", quote_identifier(&name)));
                }
            }
            let mut extensions = Vec::new();
            for row in client.query(EXTENSIONS, &[&name]).map_err(Failure::from).explain(failed)? {
                let (extension, relocatable, ours): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
                if !relocatable {
                    return Err(cannot(format!("the extension {extension} in the schema {name} cannot be moved")));
                }
                if !ours {
                    return Err(cannot(format!(
                        "the extension {extension} in the schema {name} belongs to another role"
                    )));
                }
                extensions.push(extension);
            }
            found.push(Schema { name, owner, grants, comment: row.get(4), extensions });
        }
        let names: Vec<&str> = found.iter().map(|schema| schema.name.as_str()).collect();
        let outside = texts(client.query(OUTSIDE, &[&names]))?;
        if !outside.is_empty() {
            return Err(cannot(format!("{} would go on using the old objects", outside.join(", "))));
        }
        let mut standing = Vec::new();
        if !publications.is_empty() {
            let list = publications.iter().map(|name| quote_literal(name)).collect::<Vec<_>>().join(", ");
            let query = format!("SELECT pubname::text FROM pg_catalog.pg_publication WHERE pubname IN ({list})");
            standing = texts(client.query(&query, &[]))?;
        }
        let settings = texts(client.query("SELECT name FROM pg_catalog.pg_settings", &[]))?;
        Ok(Self { schemas: found, publications: standing, settings: settings.into_iter().collect() })
    }
}

/// What the backup holds that matters here.
struct Held {
    schemas: Vec<String>,
    publications: Vec<String>,
}

impl Held {
    fn read(archive: &Archive) -> Result<Self> {
        let manifest = archive.manifest();
        let mut schemas: BTreeSet<String> = manifest.tables.iter().map(|table| table.name.schema.clone()).collect();
        // it is in every dump of all schemas, though hardly ever named
        if !manifest.without.as_ref().is_some_and(|without| without.schemas.iter().any(|schema| schema == "public")) {
            schemas.insert("public".into());
        }
        let mut publications = Vec::new();
        let mut pieces = Pieces::new(archive.read_script()?);
        while let Some(piece) = pieces.next().explain(|| "could not read the dump".into())? {
            let Piece::Statement(text) = piece else { continue };
            let text = text.trim_ascii();
            if std::str::from_utf8(text).is_ok_and(is_own) {
                continue;
            }
            if let Some((_, what)) = OF_THE_DATABASE.iter().find(|(begin, _)| text.starts_with(begin.as_bytes())) {
                return Err(cannot(format!("the backup holds {what}, which belongs to the whole database")));
            }
            schemas.extend(created(text, "CREATE SCHEMA "));
            publications.extend(created(text, "CREATE PUBLICATION "));
        }
        Ok(Self { schemas: schemas.into_iter().collect(), publications })
    }
}

/// The name in `CREATE SCHEMA name…`.
pub(super) fn created(text: &[u8], begin: &str) -> Option<String> {
    let (name, _) = identifier(text.strip_prefix(begin.as_bytes())?)?;
    String::from_utf8(name).ok()
}

fn cannot(why: String) -> Error {
    Error::refused("the schemas of this database cannot be swapped; nothing was changed")
        .because(why)
        .help("restore with a role that may create and rename databases, or into another database: --into URL")
}
