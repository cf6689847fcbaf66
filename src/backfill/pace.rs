//! How many rows a batch has: as many as take about as long as wanted.

use std::time::Duration;

/// The first batch: small, for nothing is known yet.
const FIRST: u32 = 100;
/// More rows make a batch no cheaper.
const MOST: u32 = 50_000;

/// Adapts the size after each batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    target: Duration,
    size: f64,
}

impl Pace {
    pub(super) fn new(target: Duration) -> Self {
        Self { target, size: f64::from(FIRST) }
    }

    /// The next batch's rows.
    pub(super) fn size(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to MOST")]
        let size = self.size as u32;
        size.clamp(1, MOST)
    }

    /// A batch took this long. It grows slowly and shrinks at once: too long is worse than too short.
    pub(super) fn took(&mut self, time: Duration) {
        let factor = self.target.as_secs_f64() / time.as_secs_f64().max(0.000_1);
        self.size = (self.size * factor.clamp(0.25, 1.5)).clamp(1.0, f64::from(MOST));
    }

    /// A batch was cut off.
    pub(super) fn failed(&mut self) {
        self.size = (self.size / 4.0).max(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_follows_the_time() {
        let mut pace = Pace::new(Duration::from_millis(50));
        // 10 microseconds a row
        for _ in 0..40 {
            pace.took(Duration::from_micros(u64::from(pace.size()) * 10));
        }
        assert!((4_500..=5_000).contains(&pace.size()), "{}", pace.size());
        pace.took(Duration::from_secs(5));
        assert!(pace.size() <= 1_250);
        for _ in 0..20 {
            pace.failed();
        }
        assert_eq!(pace.size(), 1);
        for _ in 0..100 {
            pace.took(Duration::ZERO);
        }
        assert_eq!(pace.size(), MOST);
    }
}
