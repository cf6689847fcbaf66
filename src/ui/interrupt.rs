//! Ctrl-C, SIGTERM and SIGHUP while something must be cleaned up first.
//!
//! Inside a [`Guard`] signals only set a flag, which the work looks at. Outside of any guard they act as they always do.
//! There is one such switch for the whole process: two would undo each other.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::flag;

use crate::error::{Error, Explain as _, Result};
use crate::system::signals::ENDING;

struct Flags {
    /// No guard exists: signals keep their default action.
    idle: Arc<AtomicBool>,
    requested: Arc<AtomicBool>,
}

static FLAGS: OnceLock<Flags> = OnceLock::new();
static GUARDS: AtomicUsize = AtomicUsize::new(0);

/// While it lives, signals ask for an orderly end instead of ending the process.
#[derive(Debug)]
#[must_use = "signals are held back only while the guard lives"]
pub struct Guard(());

impl Guard {
    /// Holds signals back from here on.
    ///
    /// # Errors
    /// If the operating system lets us install no signal handlers.
    pub fn new() -> Result<Self> {
        let flags = flags().explain(|| "could not watch for Ctrl-C".into())?;
        if GUARDS.fetch_add(1, Ordering::SeqCst) == 0 {
            // what came in an earlier stretch of work has ended that
            flags.requested.store(false, Ordering::SeqCst);
        }
        flags.idle.store(false, Ordering::SeqCst);
        Ok(Self(()))
    }

    /// The flag that a signal sets, for work that looks at it on its own.
    ///
    /// It stays set until a guard is made where there is none.
    pub fn flag(&self) -> Arc<AtomicBool> {
        FLAGS.get().map(|flags| Arc::clone(&flags.requested)).unwrap_or_default()
    }

    /// Ends the work with exit status 130 once a signal has come.
    ///
    /// # Errors
    /// When a signal has come.
    pub fn check(&self) -> Result<()> {
        if requested() { Err(Error::cancelled()) } else { Ok(()) }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if GUARDS.fetch_sub(1, Ordering::SeqCst) == 1
            && let Some(flags) = FLAGS.get()
        {
            flags.idle.store(true, Ordering::SeqCst);
        }
    }
}

/// Whether a signal has come within a guard.
pub fn requested() -> bool {
    FLAGS.get().is_some_and(|flags| flags.requested.load(Ordering::SeqCst))
}

fn flags() -> io::Result<&'static Flags> {
    if let Some(flags) = FLAGS.get() {
        return Ok(flags);
    }
    let flags = Flags { idle: Arc::new(AtomicBool::new(true)), requested: Arc::new(AtomicBool::new(false)) };
    for signal in ENDING {
        flag::register_conditional_default(*signal, Arc::clone(&flags.idle))?;
        flag::register(*signal, Arc::clone(&flags.requested))?;
    }
    Ok(FLAGS.get_or_init(|| flags))
}
