//! Running a step: on a copy, or on the target with its note.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use postgres::Client;

use super::state::record;
use super::{Due, Step};
use crate::database::{Cancelling, DatabaseUrl, Failure, connect};
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::project::path_with_bin;
use crate::tools::script::{self, Heard, Script};
use crate::wait::Waited;

/// The name that the server shows for our sessions.
const APPLICATION: &str = "prisma-safe step";
/// Lines of its output that an error shows.
const SHOWN: usize = 20;
/// So much of the end of its output is kept.
const KEPT: usize = 16 * 1024;

/// What a step is run with.
#[derive(Debug, Clone)]
pub struct Starter<'a> {
    /// The project's root, in which it runs.
    pub root: &'a Path,
    /// Our environment, with the project's `.env` files.
    pub env: &'a Env,
    pub target: &'a DatabaseUrl,
    pub interrupt: Arc<AtomicBool>,
}

/// A step that ran.
#[derive(Debug)]
pub struct Ran {
    pub took: Duration,
    /// The end of what it printed, without URLs.
    pub output: String,
    /// Whether it did what it should.
    pub result: Result<()>,
}

impl Starter<'_> {
    /// On the target: noted before it begins and once it has ended. SQL and its note are one transaction.
    ///
    /// # Errors
    /// Where the note cannot be made; 130 after an interrupt of SQL. Its own failure, and what it had said until an interrupt, is in
    /// what is given.
    pub fn on_target(&self, due: &Due) -> Result<Ran> {
        let step = &due.step;
        let explain = || format!("could not note the data step {}", step.name);
        let schema = self.target.schema();
        let mut client = connect(self.target, APPLICATION)?;
        record::prepare(&mut client).explain(explain)?;
        if due.skipped {
            record::skipped(&mut client, step, &schema).explain(explain)?;
            return Ok(Ran { took: Duration::ZERO, output: String::new(), result: Ok(()) });
        }
        record::begun(&mut client, step, &schema).explain(explain)?;
        if step.sql.is_some() {
            return self.sql(step, self.target, client, true);
        }
        drop(client);
        let ran = self.program(step, self.target, false)?;
        if ran.result.is_ok() {
            // the session from before may be gone by now
            let mut client = connect(self.target, APPLICATION)?;
            record::done(&mut client, step, &schema).explain(explain)?;
        }
        Ok(ran)
    }

    /// On a copy: every variable of the environment that holds a database's URL leads there.
    ///
    /// # Errors
    /// 130 after an interrupt of SQL; the copy's server's own.
    pub fn on_copy(&self, step: &Step, copy: &DatabaseUrl) -> Result<Ran> {
        let mut client = connect(copy, APPLICATION)?;
        record::prepare(&mut client).explain(|| "could not prepare the copy".into())?;
        match step.sql {
            Some(_) => self.sql(step, copy, client, false),
            None => {
                drop(client);
                self.program(step, copy, true)
            }
        }
    }

    fn sql(&self, step: &Step, url: &DatabaseUrl, mut client: Client, noted: bool) -> Result<Ran> {
        let start = Instant::now();
        let sql = step.sql.as_deref().unwrap_or_default();
        let _cancelling = Cancelling::start(vec![(url.clone(), client.cancel_token())], Arc::clone(&self.interrupt));
        let mut run = || -> Result<(), Failure> {
            client.batch_execute(&format!("SET statement_timeout = {}", step.timeout.as_millis()))?;
            let mut transaction = client.transaction()?;
            transaction.batch_execute(sql)?;
            if noted {
                record::done(&mut transaction, step, &url.schema())?;
            }
            Ok(transaction.commit()?)
        };
        let result = run();
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(Error::cancelled());
        }
        let result = result.map_err(|failure| {
            Error::failed(format!("the data step {} failed", step.name))
                .because(failure)
                .help(format!("nothing of it remains: correct {}, then deploy again", step.shown()))
        });
        Ok(Ran { took: start.elapsed(), output: String::new(), result })
    }

    fn program(&self, step: &Step, url: &DatabaseUrl, copy: bool) -> Result<Ran> {
        let start = Instant::now();
        let line = step.run.as_deref().unwrap_or_default();
        let set = self.environment(step, url, copy);
        let set: Vec<(&str, &str)> = set.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let named = format!("the data step {}", step.name);
        let script = Script { line, key: &named, directory: self.root, set: &set, limit: step.timeout };
        let Heard { end, output } = script::hear(&script, &self.interrupt)?;
        let lines: Vec<&str> = output.lines().collect();
        let last = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
        let last = if last.is_empty() { "it said nothing".to_owned() } else { last };
        let pending = format!("it is pending again; what it has done stays: correct it, then go on ({})", step.shown());
        let result = match end {
            Waited::Met(status) if status.success() => Ok(()),
            Waited::Met(status) => Err(Error::failed(format!("{named} failed ({status})")).because(last).help(pending)),
            Waited::Interrupted => {
                Err(Error::cancelled().because(format!("{named} was ended; its last words: {last}")).help(pending))
            }
            Waited::TimedOut => {
                Err(Error::failed(format!("{named} took longer than {} s, and was ended", step.timeout.as_secs()))
                    .because(last)
                    .help(format!("{pending}; `timeout` there gives it more time")))
            }
        };
        let mut from = output.len().saturating_sub(KEPT);
        while !output.is_char_boundary(from) {
            from += 1;
        }
        Ok(Ran { took: start.elapsed(), output: output[from..].to_owned(), result })
    }

    /// What it gets besides our environment. A direct URL stands under our own name, under Prisma's, and under every name that holds
    /// a URL of the target; on a copy, under every name that holds any database's URL.
    fn environment(&self, step: &Step, url: &DatabaseUrl, copy: bool) -> Vec<(String, String)> {
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let url = &url.written_like(self.target);
        let mut set =
            vec![own("PRISMA_SAFE_STEP", &step.name), own("PRISMA_SAFE_CHECKPOINTS", "_prisma_safe.checkpoints")];
        if copy {
            set.push(own("PRISMA_SAFE_COPY", "1"));
        }
        set.extend(["PRISMA_SAFE_URL", "DATABASE_URL", "DIRECT_URL"].map(|name| own(name, url.expose())));
        for name in self.env.names() {
            let value = self.env.get(name).unwrap_or_default();
            let of_target = DatabaseUrl::parse(value).is_ok_and(|known| known.same_database(self.target));
            let any = ["postgres://", "postgresql://", "prisma://", "prisma+postgres://"];
            if of_target || copy && any.iter().any(|scheme| value.trim_start_matches('"').starts_with(scheme)) {
                set.push(own(name, url.expose()));
            }
        }
        // drivers other than libpq read the rest of its variables in other ways
        let place = ["PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD"];
        let libpq = url.libpq_env().into_iter().filter(|(name, _)| place.contains(name));
        set.extend(libpq.map(|(name, value)| (name.to_owned(), value)));
        // as npm runs a script: tsx and its kin are found
        let path = path_with_bin(self.root, self.env);
        set.extend(path.map(|path| ("PATH".to_owned(), path.to_string_lossy().into_owned())));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_copy_no_variable_leads_elsewhere() {
        let target = DatabaseUrl::parse("postgresql://u:secret@db.example:5432/shop").unwrap();
        let copy = DatabaseUrl::parse("postgresql://u@127.0.0.1:1/copy").unwrap();
        let vars = [
            ("DATABASE_URL", "postgresql://u:secret@db.example:5432/shop?pgbouncer=true"),
            ("POSTGRES_URL_NON_POOLING", "postgres://u:secret@db.example:5432/shop"),
            ("OTHER", "postgres://elsewhere/x"),
            ("ACCELERATE", "prisma://accelerate.example/?api_key=k"),
            ("PLAIN", "text"),
        ];
        let env: Env = vars.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let interrupt = Arc::new(AtomicBool::new(false));
        let starter = Starter { root: Path::new("/"), env: &env, target: &target, interrupt };
        let step: Step = toml::from_str("after = \"1_a\"\nrun = \"x\"\ntouches = [\"a\"]\n").unwrap();
        let of = |url: &DatabaseUrl, copy: bool, name: &str| {
            let set = starter.environment(&step, url, copy);
            set.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        for name in ["PRISMA_SAFE_URL", "DATABASE_URL", "DIRECT_URL", "POSTGRES_URL_NON_POOLING", "OTHER", "ACCELERATE"]
        {
            assert_eq!(of(&copy, true, name).as_deref(), Some(copy.expose()), "{name}");
        }
        // as the project writes it: psql takes no `schema`
        assert_eq!(of(&copy.with_schema("public"), true, "DATABASE_URL").as_deref(), Some(copy.expose()));
        assert_eq!(of(&copy, true, "PGPORT").as_deref(), Some("1"));
        assert_eq!(of(&copy, true, "PLAIN"), None);
        // the target's own URLs lead there directly, and others are left alone
        assert_eq!(of(&target, false, "POSTGRES_URL_NON_POOLING").as_deref(), Some(target.expose()));
        assert_eq!((of(&target, false, "OTHER"), of(&target, false, "PRISMA_SAFE_COPY")), (None, None));
    }
}
