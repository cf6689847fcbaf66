//! Restoring what a rehearsal is played on: a backup, or the target's definitions.

use std::path::{Path, PathBuf};

use super::clone::{HostCopy, Wanted};
use super::settings::CloneBy;
use super::{APPLICATION, Data, Original, RehearsalMode, Session};
use crate::backup::load::Options;
use crate::backup::{self, Archive, Proof, Restored, Starting, State};
use crate::database::{self, DatabaseUrl, Identity};
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::target::Environments;
use crate::tools::scratch::Search;
use crate::ui::progress::Progress;
use crate::ui::{Shell, interrupt};

/// Where a backup is restored for a rehearsal.
#[derive(Debug, Clone)]
pub struct Restoring<'a> {
    /// The project's root.
    pub project: &'a Path,
    pub settings: &'a backup::Settings,
    /// How much is restored for a deploy.
    pub mode: RehearsalMode,
    pub env: &'a Env,
    /// The target.
    pub url: &'a DatabaseUrl,
    /// Schemas that Prisma manages besides the URL's.
    pub schemas: &'a [String],
    /// How the host makes a copy, where it does.
    pub clone: Option<&'a CloneBy>,
    pub production: bool,
    pub environments: &'a Environments,
}

impl Restoring<'_> {
    /// The backup that was named, as typed in `directory` or as `backup list` shows it; else the newest good one of the target.
    ///
    /// # Errors
    /// Exit status 1 where there is none.
    pub fn chosen(&self, named: Option<&Path>, directory: &Path) -> Result<PathBuf> {
        let backups = self.project.join(&self.settings.directory);
        if let Some(file) = named {
            let typed = directory.join(file);
            return Ok(if typed.exists() { typed } else { backups.join(file) });
        }
        let address = self.url.address();
        let server = Identity::of(self.url, APPLICATION).ok();
        let of_target = |entry: &backup::Entry| {
            entry.state == State::Good
                && entry.manifest.as_ref().is_some_and(|manifest| manifest.source.is_of(&address, server.as_ref()))
        };
        let newest = backup::list(&backups)?.into_iter().find(of_target);
        newest.map(|entry| entry.path).ok_or_else(|| {
            Error::failed(format!("no backup of {address} in {}", backups.display()))
                .help("take one: prisma-safe backup; or name another database's: --backup FILE")
        })
    }

    /// What anything but a deploy rehearses on: the copy that the host makes, unless a backup was named or the rows are left out;
    /// else the [`Self::chosen`] backup.
    ///
    /// # Errors
    /// Those of [`Self::by_host`], [`Self::chosen`] and [`Self::restore`].
    pub fn original_of(&self, named: Option<&Path>, data: Data, directory: &Path, shell: &Shell) -> Result<Original> {
        match self.clone.filter(|_| named.is_none() && data == Data::Full) {
            Some(clone) => self.by_host(clone, shell),
            None => self.restore(&self.chosen(named, directory)?, data, None, shell),
        }
    }

    /// Restores a backup to rehearse on.
    ///
    /// # Errors
    /// Those of [`backup::restore`].
    pub fn restore(&self, path: &Path, data: Data, starting: Option<Starting>, shell: &Shell) -> Result<Original> {
        let guard = interrupt::Guard::new()?;
        let archive = Archive::open_with(path, &backup::encryption::keys(self.settings, self.env)?)?;
        if let Some(outside) = &archive.manifest().outside {
            if data == Data::Schema {
                return self.definitions(starting, shell);
            }
            return Err(Error::refused(format!("{} holds no rows: the backup was taken by {}", path.display(), outside.provider))
                .help(
                    "rehearse without rows: rehearsal.mode = \"schema\" in prisma-safe.toml for deploys, and rehearse --schema-only; \
                     or with them, on a dump: prisma-safe backup with backup.provider unset, then rehearse --backup FILE",
                ));
        }
        shell.step("Restoring", format_args!("{} into a scratch server", path.display()));
        let search = Search { env: self.env, pg_bin: self.settings.pg_bin.as_deref(), project: self.project };
        let options = Options { rows: data == Data::Full, ..Options::scratch() };
        let mut progress = Progress::start(shell, "Restoring");
        let restored = backup::restore(&archive, &options, (starting, &search), &guard, &mut progress)
            .map_err(|error| error.within("the backup could not be restored for the rehearsal"))?;
        self.ready(restored, data)
    }

    /// A copy that the host makes; nothing is restored.
    ///
    /// # Errors
    /// If it makes none, or what it made is not shown to be a copy.
    pub fn by_host(&self, clone: &CloneBy, shell: &Shell) -> Result<Original> {
        let guard = interrupt::Guard::new()?;
        let copy = HostCopy::make(&Wanted {
            settings: clone,
            root: self.project,
            target: self.url,
            production: self.production,
            environments: self.environments,
            env: self.env,
            interrupt: &guard.flag(),
            shell,
        })?;
        let session = database::connect(self.url, APPLICATION).and_then(|mut client| {
            Session::read(&mut client).explain(|| "could not ask for the settings of a session".into())
        });
        Original::of_host(copy).speaking_as(session)
    }

    /// What was restored, with the settings that sessions on the target have.
    fn ready(&self, restored: Restored, data: Data) -> Result<Original> {
        let session = database::connect(self.url, APPLICATION).and_then(|mut client| {
            Session::read(&mut client).explain(|| "could not ask for the settings of a session".into())
        });
        Original::new(restored, data, self.url.user()).speaking_as(session)
    }

    /// What another tool backs up cannot be restored here, but the definitions of the target can be copied.
    fn definitions(&self, starting: Option<Starting>, shell: &Shell) -> Result<Original> {
        let directory = tempfile::tempdir().explain(|| "could not make a temporary directory".into())?;
        let own = definitions_settings(self.settings);
        let request = self.definitions_request(directory.path(), &own);
        shell.status("Dumping", format_args!("the definitions of {}, to rehearse on them", self.url.identity()));
        let backup = backup::create(&request, shell)?;
        self.restore(&backup.path, Data::Schema, starting, shell)
    }

    /// What is dumped of the target where another tool has its rows.
    pub fn definitions_request<'r>(
        &'r self,
        directory: &'r Path,
        settings: &'r backup::Settings,
    ) -> backup::Request<'r> {
        backup::Request {
            url: self.url,
            schemas: self.schemas,
            directory,
            project: self.project,
            production: false,
            environment: Some("definitions"),
            precedes: &[],
            definitions_only: true,
            settings,
            env: self.env,
        }
    }

    /// What a deploy rehearses on: what the backup's proof restored, or the backup once more.
    ///
    /// # Errors
    /// Those of [`Restoring::restore`].
    pub fn original(
        &self,
        path: &Path,
        (proved, starting): (Option<Restored>, Option<Starting>),
        shell: &Shell,
    ) -> Result<Original> {
        match (self.mode, proved) {
            (RehearsalMode::Schema, _) => self.restore(path, Data::Schema, starting, shell),
            (_, Some(restored)) => self.ready(restored, Data::Full),
            (_, None) => self.restore(path, Data::Full, starting, shell),
        }
    }
}

/// The settings of a backup for a dump of definitions alone: our own, in the clear, and gone afterwards.
pub fn definitions_settings(settings: &backup::Settings) -> backup::Settings {
    backup::Settings { provider: None, proof: Proof::Read, encrypt: None, ..settings.clone() }
}
