//! When to pause: a standby that is behind, many sessions at work.

use std::time::{Duration, Instant};

use postgres::Client;
use postgres::types::Type;

use super::APPLICATION;
use crate::database::Failure;
use crate::phases::settings::Backfill;

/// The server is asked no more often than this.
const BETWEEN: Duration = Duration::from_millis(500);

/// What was seen last.
#[derive(Debug)]
pub(super) struct Pressure {
    settings: Backfill,
    asked: Option<Instant>,
}

impl Pressure {
    pub(super) fn new(settings: Backfill) -> Self {
        Self { settings, asked: None }
    }

    /// Why to pause now, if so. How far a standby is behind is hidden from roles without `pg_monitor`: then nothing is known of it.
    pub(super) fn why(&mut self, client: &mut Client) -> Result<Option<String>, Failure> {
        const ASK: &str = "SELECT (SELECT max(extract(epoch FROM r.replay_lag))::float8 FROM pg_catalog.pg_stat_replication r),
          (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.state = 'active' AND a.backend_type = 'client backend' AND a.application_name <> $1)";
        if self.asked.is_some_and(|asked| asked.elapsed() < BETWEEN) {
            return Ok(None);
        }
        let row = client.query_typed_one(ASK, &[(&APPLICATION, Type::TEXT)])?;
        let (lag, active): (Option<f64>, i64) = (row.try_get(0)?, row.try_get(1)?);
        let Backfill { max_lag, max_active, .. } = self.settings;
        if let Some(lag) = lag.filter(|lag| *lag > max_lag.as_secs_f64()) {
            return Ok(Some(format!("a standby is {lag:.1} s behind")));
        }
        if max_active > 0 && active > i64::from(max_active) {
            return Ok(Some(format!("{active} sessions are at work")));
        }
        // a pause is asked about again at once
        self.asked = Some(Instant::now());
        Ok(None)
    }

    /// How long to rest after so much work.
    pub(super) fn rest(&self, worked: Duration) -> Duration {
        worked.mul_f64(1.0 / self.settings.load - 1.0)
    }
}
