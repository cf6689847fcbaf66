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
        if let Some(why) = judge(lag, active, &self.settings) {
            return Ok(Some(why));
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

/// Why to pause, by the lag of the slowest standby in seconds and the sessions at work.
fn judge(lag: Option<f64>, active: i64, settings: &Backfill) -> Option<String> {
    let Backfill { max_lag, max_active, .. } = *settings;
    if let Some(lag) = lag.filter(|lag| *lag > max_lag.as_secs_f64()) {
        return Some(format!("a standby is {lag:.1} s behind"));
    }
    (max_active > 0 && active > i64::from(max_active)).then(|| format!("{active} sessions are at work"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standby_that_is_behind_and_others_at_work_are_waited_for() {
        let settings = Backfill { max_lag: Duration::from_secs(10), max_active: 4, ..Backfill::default() };
        assert_eq!(judge(None, 4, &settings), None);
        assert_eq!(judge(Some(10.0), 0, &settings), None);
        assert_eq!(judge(Some(10.5), 0, &settings).as_deref(), Some("a standby is 10.5 s behind"));
        assert_eq!(judge(Some(0.1), 5, &settings).as_deref(), Some("5 sessions are at work"));
        // without limit
        assert_eq!(judge(None, 500, &Backfill { max_active: 0, ..settings }), None);
    }

    #[test]
    fn half_the_load_rests_as_long_as_it_worked() {
        let pressure = Pressure::new(Backfill { load: 0.5, ..Backfill::default() });
        assert_eq!(pressure.rest(Duration::from_millis(40)), Duration::from_millis(40));
        assert_eq!(Pressure::new(Backfill::default()).rest(Duration::from_millis(40)), Duration::ZERO);
    }
}
