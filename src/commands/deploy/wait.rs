//! `--at`: everything that needs a person has happened; the rest waits for its time, and begins only if the database is still
//! the one that was reviewed.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Deployment;
use crate::database::{Fingerprint, History};
use crate::engine::Engine;
use crate::error::{Error, Explain as _, Result};
use crate::wait::{Waited, wait_until};

/// The clock is looked at so often.
const BEAT: Duration = Duration::from_millis(200);
/// The session that keeps other deploys out is used this often, so that nothing on the way takes it for dead.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// A time to wait for.
pub(super) struct Waiting {
    moment: Timestamp,
    /// The database as it is about to be reviewed.
    before: Fingerprint,
}

impl Deployment<'_> {
    /// What is to be waited for, if anything; before the review, so that what changes during it and its questions counts.
    ///
    /// # Errors
    /// If the database cannot be asked.
    pub(super) fn waiting(&mut self) -> Result<Option<Waiting>> {
        let Some(moment) = self.command.not_before else { return Ok(None) };
        let before = Fingerprint::take(&mut self.client).explain(|| "could not look at the database".into())?;
        Ok(Some(Waiting { moment, before }))
    }

    /// # Errors
    /// Exit status 3 if the schema or the history was changed since the review; 1 if the connection was lost; 130 after Ctrl-C.
    pub(super) fn wait(&mut self, Waiting { moment, before }: Waiting, engine: &Engine<'_>) -> Result<()> {
        let explain = || "the connection was lost while the deploy waited for its time".to_owned();
        let shell = &self.command.context.shell;
        if moment > Timestamp::now() {
            let time = moment.to_zoned(jiff::tz::TimeZone::system());
            shell.status("Waiting", format!("until {}", time.strftime("%Y-%m-%d %H:%M:%S %Z")));
        }
        let mut asked = Instant::now();
        // by the clock on the wall: a machine that was asleep is not late by the time it slept
        let waited = wait_until(Duration::MAX, BEAT, &engine.interrupt(), || {
            if asked.elapsed() >= SIGN_OF_LIFE {
                self.client.batch_execute("SELECT 1").explain(explain)?;
                asked = Instant::now();
            }
            Ok::<_, Error>((Timestamp::now() >= moment).then_some(()))
        })?;
        if waited != Waited::Met(()) {
            return Err(Error::cancelled());
        }
        let history = History::read(&mut self.client, &self.target.url.schema())?;
        if history != self.preflight.history || Fingerprint::take(&mut self.client).explain(explain)? != before {
            return Err(Error::refused("someone changed the schema while the deploy waited for its time")
                .help("what was reviewed is no longer what would run: look at what was changed, then deploy again"));
        }
        Ok(())
    }
}
