//! Whether the machine's clock was set since the last look: the kernel counts the time since the start besides.

use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Where the last look is noted.
const FILE: &str = ".clock";
/// A clock that was set by less is taken for one that was corrected.
const TOLERANCE: SignedDuration = SignedDuration::from_hours(24);

/// One look at both clocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Look {
    /// Names this run of the kernel.
    boot: String,
    /// Seconds since its start.
    uptime: f64,
    now: Timestamp,
}

/// Compares with the last look.
pub(super) fn jumped(directory: &Path, now: Timestamp) -> bool {
    let Some((before, after)) = read(directory).zip(Look::take(now)) else { return false };
    before.jumped(&after)
}

/// Compares with the last look, and notes this one unless the clock is doubted.
pub(super) fn look(directory: &Path, now: Timestamp, trusted: bool) -> bool {
    let jumped = jumped(directory, now);
    if (!jumped || trusted)
        && directory.exists()
        && let Some(look) = Look::take(now)
        && let Ok(text) = serde_json::to_string(&look)
    {
        // without a note the next run only knows less
        let _ = crate::atomic::write(&directory.join(FILE), text);
    }
    jumped
}

fn read(directory: &Path) -> Option<Look> {
    serde_json::from_slice(&fs::read(directory.join(FILE)).ok()?).ok()
}

impl Look {
    /// `None` where the kernel does not tell.
    fn take(now: Timestamp) -> Option<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let uptime = fs::read_to_string("/proc/uptime").ok()?.split(' ').next()?.parse().ok()?;
        Some(Self { boot, uptime, now })
    }

    fn jumped(&self, after: &Self) -> bool {
        let passed = SignedDuration::try_from_secs_f64(after.uptime - self.uptime).unwrap_or_default();
        // after a start it is not known how long the machine was off
        if self.boot != after.boot {
            return after.now < self.now - TOLERANCE;
        }
        (after.now.duration_since(self.now) - passed).abs() > TOLERANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_jump_and_an_hour_a_correction() {
        let look = |boot: &str, uptime: f64, hours: i64| Look {
            boot: boot.into(),
            uptime,
            now: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1000 + hours),
        };
        let before = look("a", 0.0, 0);
        assert!(!before.jumped(&look("a", 3600.0, 2)));
        assert!(before.jumped(&look("a", 3600.0, 48)));
        assert!(before.jumped(&look("a", 3600.0, -48)));
        assert!(!before.jumped(&look("a", 48.0 * 3600.0, 48)));
        assert!(!before.jumped(&look("b", 60.0, 500)));
        assert!(before.jumped(&look("b", 60.0, -48)));
    }

    #[test]
    fn a_jump_is_doubted_until_somebody_trusts_it() {
        let directory = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let later = now + SignedDuration::from_hours(72);
        assert!(!look(directory.path(), now, false));
        if Look::take(now).is_none() {
            return;
        }
        assert!(look(directory.path(), later, false));
        assert!(look(directory.path(), later, false));
        assert!(look(directory.path(), later, true));
        assert!(!look(directory.path(), later, false));
    }
}
