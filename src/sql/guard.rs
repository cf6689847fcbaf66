//! The parser's panics become values. squawk-syntax 2.68 panics on `x::flo$1at`; a migration must never end the program.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic inside is caught, prints nothing, and gives its message.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    hush_own_panics();
    let before = QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    result.map_err(|payload| {
        let message = payload.downcast_ref::<&str>().map(ToString::to_string);
        message.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown reason".to_owned())
    })
}

/// Puts a hook before the one in place that stays silent on threads inside [`catch`]. Others' panics print as before.
fn hush_own_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                next(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::catch;

    #[test]
    fn gives_the_message() {
        assert_eq!(catch(|| 1), Ok(1));
        assert_eq!(catch(|| -> u8 { panic!("boom {}", 2) }), Err("boom 2".to_owned()));
        assert_eq!(catch(|| -> u8 { panic!("boom") }), Err("boom".to_owned()));
    }
}
