//! What `demo` plays on: a PostgreSQL of its own and a small music library with real Prisma, in one directory.

mod library;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::atomic;
use crate::context::Context;
use crate::database::{self, DatabaseUrl};
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::system::files;
use crate::tools::attended::{self, Attended};
use crate::tools::scratch::ScratchServer;
use crate::ui::interrupt::Guard;

pub use library::{SCHEMA, SONGS};

/// A directory everyone may enter, for PostgreSQL's user; what is secret in it is not readable.
const PLACE: &str = "/tmp";

/// Variables that would lead the commands away from the demo's database.
const MISLEADING: &[&str] = &["DIRECT_URL", "SHADOW_DATABASE_URL", "DATABASE_URL_UNPOOLED", "POSTGRES_URL_NON_POOLING"];

/// Everything the demo made; gone when dropped, and also after Ctrl-C or `kill -9`.
#[derive(Debug)]
pub struct Demo {
    server: ScratchServer,
    directory: PathBuf,
    url: DatabaseUrl,
    env: Env,
    guard: Guard,
}

impl Demo {
    /// Starts the server and writes the project; Prisma comes later.
    ///
    /// # Errors
    /// Exit status 1 if no PostgreSQL server is installed, with how to get one.
    pub fn build(env: &Env) -> Result<Self> {
        let guard = Guard::new()?;
        let directory = PathBuf::from(format!("{PLACE}/prisma-safe-demo-{}", std::process::id()));
        let server = ScratchServer::start(&directory, std::process::id(), env)?;
        let demo = Self { url: server.url("music")?, server, directory, env: env.clone(), guard };
        let admin = demo.server.url("postgres")?;
        database::connect(&admin, "prisma-safe demo")?
            .batch_execute("CREATE DATABASE music")
            .explain(|| "could not create the demo's database".into())?;
        demo.write_project()?;
        Ok(demo)
    }

    fn write_project(&self) -> Result<()> {
        let project = self.project();
        let migration = project.join("prisma/migrations").join(library::INITIAL_MIGRATION);
        fs::create_dir_all(&migration).explain(|| format!("could not make {}", migration.display()))?;
        let hosts = format!("hosts = [\"127.0.0.1:{}\"]", self.url.port());
        let settings = format!(
            "# the demo's database stands for the real one\n[environments.production]\n{hosts}\nproduction = true\n"
        );
        for (path, text) in library::files() {
            self.write(path, text)?;
        }
        self.write("prisma-safe.toml", &settings)?;
        self.write("prisma/schema.prisma", SCHEMA)?;
        files::private()
            .write(true)
            .create_new(true)
            .open(project.join(".env"))
            .and_then(|mut file| writeln!(file, "DATABASE_URL=\"{}\"", self.url.expose()))
            .explain(|| "could not write the demo's .env".into())
    }

    /// The project's directory.
    pub fn project(&self) -> PathBuf {
        self.directory.join("project")
    }

    /// Writes a file of the project.
    ///
    /// # Errors
    /// Exit status 1 if that fails.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        atomic::write(&self.project().join(path), text).explain(|| format!("could not write {path}"))
    }

    /// Installs Prisma with npm, or links an installation that is there: a directory that holds `node_modules`.
    ///
    /// # Errors
    /// Exit status 1 if npm fails; 2 if there is no Prisma in the directory.
    pub fn install_prisma(&self, from: Option<&Path>, context: &Context) -> Result<()> {
        if let Some(from) = from {
            let modules = context.directory.join(from).join("node_modules");
            if !modules.join("prisma").is_dir() {
                return Err(Error::usage(format!("there is no Prisma in {}", modules.display())));
            }
            return files::link(modules, self.project().join("node_modules"))
                .explain(|| "could not link Prisma".into());
        }
        let mut arguments = vec!["install", "--no-audit", "--no-fund", "--loglevel=error"];
        if self.env.get("PRISMA_SCHEMA_ENGINE_BINARY").is_some() {
            // the engine is there already: Prisma's own installation script would download another
            arguments.push("--ignore-scripts");
        }
        let status = self.attend(OsStr::new("npm"), arguments)?;
        if status.success() {
            return Ok(());
        }
        Err(Error::failed("npm could not install Prisma").help(
            "is the package registry reachable? `--prisma-from DIR` uses an installation that is there: the directory with node_modules",
        ))
    }

    /// Runs this very program in the project, its words shown. Gives its exit status.
    ///
    /// # Errors
    /// Exit status 130 after Ctrl-C.
    pub fn prisma_safe(&self, arguments: &[&str]) -> Result<i32> {
        let program = std::env::current_exe().explain(|| "could not find this program's own file".into())?;
        let status = self.attend(program.as_os_str(), arguments)?;
        Ok(status.code().unwrap_or(1))
    }

    fn attend(
        &self,
        program: &OsStr,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<std::process::ExitStatus> {
        let misleading = self.env.names().filter(|name| name.starts_with("PG") || MISLEADING.contains(name));
        attended::run(
            &Attended {
                program,
                arguments: arguments.into_iter().map(Into::into).collect(),
                directory: &self.project(),
                // over whatever the caller has: the demo must never reach another database
                set: &[("DATABASE_URL", OsStr::new(self.url.expose())), ("CHECKPOINT_DISABLE", OsStr::new("1"))],
                remove: &misleading.collect::<Vec<_>>(),
            },
            &self.guard,
        )
    }

    /// The first column of every row, as text.
    ///
    /// # Errors
    /// Exit status 1 if the query fails.
    pub fn query(&self, sql: &str) -> Result<Vec<String>> {
        let mut client = database::connect(&self.url, "prisma-safe demo")?;
        let messages = client.simple_query(sql).explain(|| "the demo's database refused a query".into())?;
        let rows = messages.iter().filter_map(|message| match message {
            postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        Ok(rows.collect())
    }

    /// Leaves everything running. Gives the project and the command that ends it all.
    pub fn keep(self) -> (PathBuf, String) {
        let project = self.project();
        let directory = self.directory.clone();
        let stop = self.server.keep();
        (project, format!("{stop}; rm -rf {}", directory.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_stage_holds_a_library_and_is_gone_afterwards() {
        let demo = Demo::build(&Env::read()).unwrap();
        let (directory, project) = (demo.directory.clone(), demo.project());
        let mode = fs::metadata(project.join(".env")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "the password is nobody else's");
        demo.query(include_str!("../../templates/demo/migration.sql")).unwrap();
        demo.query(SONGS).unwrap();
        assert_eq!(demo.query("SELECT count(*) FROM \"Song\"").unwrap(), ["5000"]);
        let config = crate::config::Config::load(&project).unwrap();
        assert!(config.environments["production"].production);
        drop(demo);
        assert!(!directory.exists());
    }
}
