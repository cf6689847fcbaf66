//! The pause between two tries.

use std::time::Duration;

use crate::database::Session;
use crate::database::activity::list;

/// The first pause; each later one is twice as long, give or take a half.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// `1.3 s, then try 2 of 3: a lock was not free, held by …`
pub(crate) fn retry_words(pause: Duration, tries: u32, retries: u32, blockers: &[Session]) -> String {
    let held = if blockers.is_empty() { String::new() } else { format!(", held by\n{}", list(blockers)) };
    let (next, all) = (tries + 1, retries.saturating_add(1));
    format!("{:.1} s, then try {next} of {all}: a lock was not free{held}", pause.as_secs_f64())
}

/// The pause after so many tries; `jitter` from 0 to 255 spreads those who wait for the same lock.
pub(crate) fn pause_after(tries: u32, jitter: u8) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1)));
    doubled.min(LONGEST).mul_f64(0.5 + f64::from(jitter) / 255.0)
}

pub(crate) fn jitter() -> u8 {
    // without randomness every pause is of middle length
    getrandom::u32().map_or(128, |random| random.to_le_bytes()[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        assert_eq!(pause_after(1, 0), Duration::from_millis(500));
        assert_eq!(pause_after(1, 255), Duration::from_millis(1500));
        assert_eq!(pause_after(3, 0), Duration::from_secs(2));
        assert_eq!(pause_after(1000, 0), LONGEST / 2);
    }
}
