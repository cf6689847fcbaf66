//! Ctrl-C and its like while Prisma runs: they must not end us before our children are gone.

use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::error::{Explain as _, Result};
use crate::ui::interrupt::Guard;

/// Signals are reported instead of obeyed as long as this lives; a second one ends the process all the same.
pub(super) struct Watch {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
    _held_back: Guard,
}

impl Watch {
    /// `report` is called with each signal's number, on another thread.
    ///
    /// # Errors
    /// If the operating system lets us install no signal handlers.
    pub(super) fn start(mut report: impl FnMut(i32) + Send + 'static) -> Result<Self> {
        let held_back = Guard::new()?;
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).explain(|| "could not watch for Ctrl-C".into())?;
        let handle = signals.handle();
        let thread = std::thread::spawn(move || signals.forever().for_each(&mut report));
        Ok(Self { handle, thread: Some(thread), _held_back: held_back })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
