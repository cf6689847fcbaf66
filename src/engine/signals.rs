//! Ctrl-C and its like while Prisma runs: they must not end us before our children are gone. Outside of a journey they
//! end the process as they always do.

use std::io;
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::ui::interrupt::Guard;

const WATCHED: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// Signals are reported instead of obeyed as long as this lives.
pub(super) struct Watch {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
    _guard: Guard,
}

impl Watch {
    /// `report` is called with each signal's number, on another thread.
    pub(super) fn start(mut report: impl FnMut(i32) + Send + 'static) -> io::Result<Self> {
        let guard = Guard::new().map_err(io::Error::other)?;
        let mut signals = Signals::new(WATCHED)?;
        let handle = signals.handle();
        let thread = std::thread::spawn(move || signals.forever().for_each(&mut report));
        Ok(Self { handle, thread: Some(thread), _guard: guard })
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
