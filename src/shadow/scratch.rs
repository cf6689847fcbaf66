//! A shadow database on a server of our own. Its server starts beside Prisma, which hides the time it takes.
//!
//! Prisma resets a shadow database that it is given by dropping the schemas it manages, several times in one command, and
//! leaves everything else that the replay before has made: other schemas, extensions, publications. An event trigger drops that
//! too, so that each replay begins as in a new database, and puts back the extensions that the target has and no migration
//! creates.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::thread::JoinHandle;

use postgres::Client;

use super::held::{extensions, literals, new_schemas};
use crate::database::{DatabaseUrl, Failure, connect};
use crate::engine::ShadowUse;
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::rename::schema::Schema;
use crate::sql::quote_identifier;
use crate::tools::scratch::{self, Asking, Locale, ScratchServer, Search};

const APPLICATION_NAME: &str = "prisma-safe shadow";

/// Where its programs are looked for.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub(super) env: Env,
    pub(super) pg_bin: Option<PathBuf>,
    pub(super) project: PathBuf,
}

impl Programs {
    fn search(&self) -> Search<'_> {
        Search { env: &self.env, pg_bin: self.pg_bin.as_deref(), project: &self.project }
    }
}

/// What a replay expects to find, by the target.
#[derive(Debug)]
struct Surroundings {
    major: u32,
    locale: [String; 3],
    /// Roles belong to a server: migrations grant to them.
    roles: Vec<String>,
    /// With their schemas.
    extensions: Vec<(String, String)>,
}

const SURROUNDINGS: &str = "
SELECT current_setting('server_version_num')::int4 / 10000, pg_catalog.pg_encoding_to_char(d.encoding)::text,
       d.datcollate::text, d.datctype::text,
       ARRAY(SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' ORDER BY 1),
       ARRAY(SELECT e.extname::text FROM pg_catalog.pg_extension e WHERE e.extname <> 'plpgsql' ORDER BY e.oid),
       ARRAY(SELECT n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
             WHERE e.extname <> 'plpgsql' ORDER BY e.oid)
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()";

impl Surroundings {
    fn read(client: &mut Client) -> Result<Self, Failure> {
        let row = client.query_one(SURROUNDINGS, &[])?;
        let (extensions, places): (Vec<String>, Vec<String>) = (row.get(5), row.get(6));
        Ok(Self {
            major: u32::try_from(row.get::<_, i32>(0)).unwrap_or_default(),
            locale: [row.get(1), row.get(2), row.get(3)],
            roles: row.get(4),
            extensions: extensions.into_iter().zip(places).collect(),
        })
    }
}

/// A server that starts before anything is known of the target; none where several could be wanted.
#[derive(Debug)]
pub(super) struct Warming(JoinHandle<Option<(u32, ScratchServer)>>);

impl Warming {
    pub(super) fn begin(programs: Programs) -> Self {
        // what is wrong comes again, and is said, when it starts for the target
        Self(std::thread::spawn(move || scratch::open_only(&programs.search()).ok().flatten()))
    }

    /// The server, if it is of this major version.
    fn join(self, major: u32) -> Option<ScratchServer> {
        let (own, server) = self.0.join().ok().flatten()?;
        (own == major).then_some(server)
    }
}

/// A server that starts.
#[derive(Debug)]
pub(super) struct Starting(JoinHandle<Result<Started>>);

/// One that runs, with an empty database.
#[derive(Debug)]
pub(super) struct Started {
    server: ScratchServer,
    database: String,
    extensions: Vec<(String, String)>,
    available: BTreeSet<String>,
}

impl Starting {
    /// Begins to start it, like the server of `target`.
    pub(super) fn begin(programs: Programs, warming: Option<Warming>, target: DatabaseUrl) -> Self {
        Self(std::thread::spawn(move || Started::start(&programs, warming, &target)))
    }

    /// Waits for it.
    pub(super) fn join(self) -> Result<Started> {
        self.0.join().unwrap_or_else(|_| Err(Error::failed("the shadow database's server could not be started")))
    }
}

impl Started {
    pub(super) fn server(&self) -> &ScratchServer {
        &self.server
    }

    fn start(programs: &Programs, warming: Option<Warming>, target: &DatabaseUrl) -> Result<Self> {
        let search = programs.search();
        let mut client = connect(target, APPLICATION_NAME)?;
        let explain = || format!("could not ask {} what a shadow database needs", target.address());
        let around = Surroundings::read(&mut client).explain(explain)?;
        drop(client);
        let server = match warming.and_then(|warming| warming.join(around.major)) {
            Some(server) => server,
            // Prisma is at the terminal
            None => scratch::open_small_of(around.major, &search, Asking::MayNot)?,
        };
        let database = target.database();
        let taken = ["postgres", "template0", "template1"].contains(&database.as_str());
        if !taken {
            let [encoding, collate, ctype] = &around.locale;
            server.create_database(&database, Locale { encoding, collate, ctype })?;
        }
        let database = if taken { "postgres".to_owned() } else { database };
        let mut client = server.connect(&database)?;
        // a role that no session uses
        let roles: String = around
            .roles
            .iter()
            .filter(|role| *role != "postgres")
            .map(|role| format!("CREATE ROLE {};\n", quote_identifier(role)))
            .collect();
        client.batch_execute(&roles).map_err(Failure::from).explain(|| "could not make the target's roles".into())?;
        let available = server.extensions()?.into_iter().collect();
        Ok(Self { server, database, extensions: around.extensions, available })
    }

    /// Makes it fit for a replay of these migrations; gives its URL.
    ///
    /// # Errors
    /// Exit status 1 with what is missing where a migration needs an extension that is not installed here.
    pub(super) fn prepare(&self, used: &ShadowUse, schema: &str) -> Result<DatabaseUrl> {
        let created = extensions(&used.migrations);
        let missing: Vec<&str> = created.difference(&self.available).map(String::as_str).collect();
        if !missing.is_empty() {
            return Err(Error::failed(format!(
                "the scratch server for the shadow database is without extensions that migrations create: {}",
                missing.join(", ")
            ))
            .help("install them on this machine, or set shadow = \"prisma\" in prisma-safe.toml"));
        }
        let mut managed: BTreeSet<String> = Schema::read(&used.schemas).schemas.into_iter().collect();
        managed.extend(["public".to_owned(), schema.to_owned()]);
        // a reset of Prisma's makes the schemas that it manages anew, where a new database of Prisma's has none of them
        let made = new_schemas(&used.migrations);
        if let Some(name) = managed.iter().find(|name| *name != "public" && made.contains(&name.to_lowercase())) {
            return Err(Error::failed(format!(
                "a migration creates the schema {name}, which is there already in a shadow database that Prisma is given"
            ))
            .help("write CREATE SCHEMA IF NOT EXISTS, or set shadow = \"prisma\" in prisma-safe.toml"));
        }
        let brought =
            self.extensions.iter().filter(|(name, _)| self.available.contains(name) && !created.contains(name));
        let brought: Vec<String> = brought.map(|(name, place)| format!("({})", literals([name, place]))).collect();
        let mut script = GUARD.replace("{managed}", &literals(&managed));
        if !brought.is_empty() {
            script.extend(["INSERT INTO _prisma_safe.extension VALUES ", &brought.join(", "), ";\n"]);
        }
        for schema in &managed {
            script.extend(["CREATE SCHEMA IF NOT EXISTS ", &quote_identifier(schema), ";\n"]);
        }
        script.push_str("SELECT _prisma_safe.fill();");
        let mut client = self.server.connect(&self.database)?;
        let made = client.batch_execute(&script).map_err(Failure::from);
        made.explain(|| "could not prepare the shadow database".into())?;
        Ok(self.server.url("postgres")?.with_database(&self.database).with_schema(schema))
    }
}

/// Ours, in a database of its own.
const GUARD: &str = r"
CREATE SCHEMA _prisma_safe;
CREATE TABLE _prisma_safe.extension (name text, place text);
CREATE FUNCTION _prisma_safe.fill() RETURNS void LANGUAGE plpgsql AS $fill$
DECLARE wanted record;
BEGIN
  FOR wanted IN SELECT * FROM _prisma_safe.extension WHERE name NOT IN (SELECT extname FROM pg_catalog.pg_extension) LOOP
    BEGIN
      -- the migrations may make the schema later, and one that must be preloaded cannot be created here
      EXECUTE format('CREATE EXTENSION %I SCHEMA %I', wanted.name, wanted.place);
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
END $fill$;
CREATE FUNCTION _prisma_safe.created() RETURNS event_trigger LANGUAGE plpgsql AS $created$
BEGIN
  IF coalesce(current_setting('prisma_safe.busy', true), '') <> 'on' THEN
    PERFORM set_config('prisma_safe.busy', 'on', true);
    PERFORM _prisma_safe.fill();
    PERFORM set_config('prisma_safe.busy', 'off', true);
  END IF;
END $created$;
CREATE FUNCTION _prisma_safe.dropped() RETURNS event_trigger LANGUAGE plpgsql AS $dropped$
DECLARE other record; gone text[];
BEGIN
  IF coalesce(current_setting('prisma_safe.busy', true), '') = 'on' THEN RETURN; END IF;
  SELECT array_agg(object_name) INTO gone FROM pg_event_trigger_dropped_objects()
   WHERE object_type = 'schema' AND object_name IN ({managed});
  IF gone IS NULL THEN RETURN; END IF;
  PERFORM set_config('prisma_safe.busy', 'on', true);
  FOR other IN SELECT pubname AS name FROM pg_catalog.pg_publication LOOP
    EXECUTE format('DROP PUBLICATION %I', other.name);
  END LOOP;
  FOR other IN SELECT srvname AS name FROM pg_catalog.pg_foreign_server LOOP
    EXECUTE format('DROP SERVER %I CASCADE', other.name);
  END LOOP;
  FOR other IN SELECT nspname AS name FROM pg_catalog.pg_namespace
                WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', '_prisma_safe') LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', other.name);
  END LOOP;
  FOR other IN SELECT extname AS name FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql' LOOP
    EXECUTE format('DROP EXTENSION IF EXISTS %I CASCADE', other.name);
  END LOOP;
  FOR other IN SELECT unnest(ARRAY[{managed}]) AS name LOOP
    IF other.name <> ALL (gone) THEN EXECUTE format('CREATE SCHEMA %I', other.name); END IF;
  END LOOP;
  PERFORM _prisma_safe.fill();
  PERFORM set_config('prisma_safe.busy', 'off', true);
END $dropped$;
CREATE EVENT TRIGGER prisma_safe_created ON ddl_command_end WHEN TAG IN ('CREATE SCHEMA')
  EXECUTE FUNCTION _prisma_safe.created();
CREATE EVENT TRIGGER prisma_safe_dropped ON sql_drop WHEN TAG IN ('DROP SCHEMA')
  EXECUTE FUNCTION _prisma_safe.dropped();
";
