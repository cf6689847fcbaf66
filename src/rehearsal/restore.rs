//! Restoring what a rehearsal is played on: a backup, or the target's definitions.

use std::path::Path;

use super::{Data, Original, RehearsalMode, Session};
use crate::backup::load::Options;
use crate::backup::{self, Archive, Proof, Restored};
use crate::database::{self, DatabaseUrl};
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
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
}

impl Restoring<'_> {
    /// Restores a backup to rehearse on.
    ///
    /// # Errors
    /// Those of [`backup::restore`].
    pub fn restore(&self, path: &Path, data: Data, shell: &Shell) -> Result<Original> {
        let guard = interrupt::Guard::new()?;
        let archive = Archive::open_with(path, &backup::encryption::keys(self.settings, self.env)?)?;
        if let Some(outside) = &archive.manifest().outside {
            if data == Data::Schema {
                return self.definitions(shell);
            }
            return Err(Error::refused(format!("{} holds no rows: the backup was taken by {}", path.display(), outside.provider))
                .help(
                    "rehearse without rows: rehearsal.mode = \"schema\" in prisma-safe.toml for deploys, and rehearse --schema-only; \
                     or with them, on a dump: prisma-safe backup with backup.provider unset, then rehearse --backup FILE",
                ));
        }
        shell.status("Restoring", format_args!("{} into a scratch server", path.display()));
        let search = Search { env: self.env, pg_bin: self.settings.pg_bin.as_deref(), project: self.project };
        let options = Options { rows: data == Data::Full, ..Options::scratch() };
        let mut progress = Progress::start(shell, "Restoring");
        let restored = backup::restore(&archive, &options, &search, &guard, &mut progress).map_err(|error| {
            let help = error.help_text().unwrap_or_default().to_owned();
            Error::failed("the backup could not be restored for the rehearsal").because(error).help(help)
        })?;
        self.ready(restored, data)
    }

    /// What was restored, with the settings that sessions on the target have.
    fn ready(&self, restored: Restored, data: Data) -> Result<Original> {
        let session = database::connect(self.url, "prisma-safe rehearsal").and_then(|mut client| {
            Session::read(&mut client).explain(|| "could not ask for the settings of a session".into())
        });
        Original::new(restored, data, self.url.user()).speaking_as(session)
    }

    /// What another tool backs up cannot be restored here, but the definitions of the target can be copied.
    fn definitions(&self, shell: &Shell) -> Result<Original> {
        let directory = tempfile::tempdir().explain(|| "could not make a temporary directory".into())?;
        let own = backup::Settings { provider: None, proof: Proof::Read, encrypt: None, ..self.settings.clone() };
        let request = backup::Request {
            url: self.url,
            directory: directory.path(),
            project: self.project,
            production: false,
            environment: Some("definitions"),
            precedes: &[],
            definitions_only: true,
            settings: &own,
            env: self.env,
        };
        shell.status("Dumping", format_args!("the definitions of {}, to rehearse on them", self.url.identity()));
        let backup = backup::create(&request, shell)?;
        self.restore(&backup.path, Data::Schema, shell)
    }

    /// What a deploy rehearses on: what the backup's proof restored, or the backup once more.
    ///
    /// # Errors
    /// Those of [`Restoring::restore`].
    pub fn original(&self, path: &Path, proved: Option<Restored>, shell: &Shell) -> Result<Original> {
        match (self.mode, proved) {
            (RehearsalMode::Schema, _) => self.restore(path, Data::Schema, shell),
            (_, Some(restored)) => self.ready(restored, Data::Full),
            (_, None) => self.restore(path, Data::Full, shell),
        }
    }
}
