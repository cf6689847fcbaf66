//! Waiting for a condition: one loop, with a limit, a step, and an ear for Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// While it sleeps, an interruption is noticed within this time.
const NAP: Duration = Duration::from_millis(100);

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited<T> {
    /// The condition is met.
    Met(T),
    /// It was not met within the limit.
    TimedOut,
    /// The flag was set while it waited.
    Interrupted,
}

/// Asks `condition` until it gives something, `limit` has passed or `interrupt` is set; sleeps for `step` between two
/// questions. It is asked at least once, and once more when the limit has passed.
///
/// # Errors
/// The first that `condition` gives.
pub fn wait_until<T, E>(
    limit: Duration,
    step: Duration,
    interrupt: &AtomicBool,
    mut condition: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Waited<T>, E> {
    let start = Instant::now();
    loop {
        // read before the question, so that the last question is asked after the limit
        let waited = start.elapsed();
        if let Some(met) = condition()? {
            return Ok(Waited::Met(met));
        }
        if interrupt.load(Ordering::Relaxed) {
            return Ok(Waited::Interrupted);
        }
        if waited >= limit {
            return Ok(Waited::TimedOut);
        }
        sleep(step.min(limit.saturating_sub(start.elapsed())), interrupt);
    }
}

/// Sleeps; an interruption wakes it. Gives whether it slept to the end.
pub fn sleep(length: Duration, interrupt: &AtomicBool) -> bool {
    let start = Instant::now();
    loop {
        if interrupt.load(Ordering::Relaxed) {
            return false;
        }
        let left = length.saturating_sub(start.elapsed());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(NAP));
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const STEP: Duration = Duration::from_millis(1);

    fn count_to(number: u32, limit: Duration, interrupt: &AtomicBool) -> (Waited<u32>, u32) {
        let mut asked = 0;
        let waited = wait_until(limit, STEP, interrupt, || {
            asked += 1;
            Ok::<_, Infallible>((asked == number).then_some(asked))
        });
        let Ok(waited) = waited;
        (waited, asked)
    }

    #[test]
    fn it_asks_until_the_condition_is_met() {
        let go_on = AtomicBool::new(false);
        assert_eq!(count_to(3, Duration::from_secs(60), &go_on), (Waited::Met(3), 3));
    }

    #[test]
    fn without_a_limit_to_wait_it_asks_once() {
        let go_on = AtomicBool::new(false);
        assert_eq!(count_to(1, Duration::ZERO, &go_on), (Waited::Met(1), 1));
        assert_eq!(count_to(2, Duration::ZERO, &go_on), (Waited::TimedOut, 1));
    }

    #[test]
    fn it_asks_once_more_when_the_limit_has_passed() {
        let go_on = AtomicBool::new(false);
        let mut asked = Vec::new();
        let start = Instant::now();
        let limit = Duration::from_millis(20);
        let waited = wait_until(limit, Duration::from_secs(60), &go_on, || {
            asked.push(start.elapsed());
            Ok::<Option<()>, Infallible>(None)
        });
        assert_eq!(waited, Ok(Waited::TimedOut));
        assert!(asked.len() == 2 && asked[1] >= limit, "{asked:?}");
    }

    #[test]
    fn an_interruption_ends_it() {
        let interrupt = AtomicBool::new(true);
        assert_eq!(count_to(2, Duration::from_secs(60), &interrupt), (Waited::Interrupted, 1));
        assert!(!sleep(Duration::from_secs(60), &interrupt));
    }
}
