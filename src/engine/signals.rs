//! Ctrl-C and its like while Prisma runs: they must not end us before our children are gone. Outside of a journey they
//! end the process as they always do.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

const WATCHED: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// Whether no journey is under way: then the signals do what they do by default.
static IDLE: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
    let idle = Arc::new(AtomicBool::new(true));
    for signal in WATCHED {
        // fails only for signals that cannot be caught
        let _ = signal_hook::flag::register_conditional_default(signal, Arc::clone(&idle));
    }
    idle
});

/// Signals are reported instead of obeyed as long as this lives.
pub(super) struct Watch {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// `report` is called with each signal's number, on another thread.
    pub(super) fn start(mut report: impl FnMut(i32) + Send + 'static) -> io::Result<Self> {
        let mut signals = Signals::new(WATCHED)?;
        let handle = signals.handle();
        let thread = std::thread::spawn(move || signals.forever().for_each(&mut report));
        IDLE.store(false, Ordering::SeqCst);
        Ok(Self { handle, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        IDLE.store(true, Ordering::SeqCst);
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
