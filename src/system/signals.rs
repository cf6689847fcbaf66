//! Ctrl-C and its like. Windows knows Ctrl-C, and that a terminal closes or the machine goes down is not told to us.

use std::io;

use signal_hook::consts::{SIGINT, SIGTERM};

/// The signals that end a program which does not care.
#[cfg(unix)]
pub const ENDING: &[i32] = &[SIGINT, SIGTERM, signal_hook::consts::SIGHUP, signal_hook::consts::SIGQUIT];
#[cfg(windows)]
pub const ENDING: &[i32] = &[SIGINT, SIGTERM];

/// Reports signals as long as it lives.
pub struct Watch(Half);

impl Watch {
    /// `report` is called with each signal's number, on another thread.
    ///
    /// # Errors
    /// If the operating system lets us install no signal handlers.
    pub fn start(report: impl FnMut(i32) + Send + 'static) -> io::Result<Self> {
        Half::start(report).map(Self)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.stop();
    }
}

#[cfg(unix)]
use self::unix::Half;
#[cfg(windows)]
use self::windows::Half;

#[cfg(unix)]
mod unix {
    use std::io;
    use std::thread::JoinHandle;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::{Handle, Signals};

    pub(super) struct Half {
        handle: Handle,
        thread: Option<JoinHandle<()>>,
    }

    impl Half {
        pub(super) fn start(mut report: impl FnMut(i32) + Send + 'static) -> io::Result<Self> {
            let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
            let handle = signals.handle();
            let thread = std::thread::spawn(move || signals.forever().for_each(&mut report));
            Ok(Self { handle, thread: Some(thread) })
        }

        pub(super) fn stop(&mut self) {
            self.handle.close();
            if let Some(thread) = self.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

/// Nothing wakes a thread there when a signal comes, so it looks.
#[cfg(windows)]
mod windows {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::thread::{self, JoinHandle};
    use std::time::Duration;

    use signal_hook::SigId;
    use signal_hook::flag;
    use signal_hook::low_level::unregister;

    const BEAT: Duration = Duration::from_millis(20);

    pub(super) struct Half {
        registered: Vec<SigId>,
        stopped: Arc<AtomicBool>,
        thread: Option<JoinHandle<()>>,
    }

    impl Half {
        pub(super) fn start(mut report: impl FnMut(i32) + Send + 'static) -> io::Result<Self> {
            let (last, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
            let mut half = Self { registered: Vec::new(), stopped: Arc::clone(&stopped), thread: None };
            for signal in super::ENDING {
                let number = usize::try_from(*signal).unwrap_or_default();
                half.registered.push(flag::register_usize(*signal, Arc::clone(&last), number)?);
            }
            half.thread = Some(thread::spawn(move || {
                while !stopped.load(Ordering::SeqCst) {
                    match i32::try_from(last.swap(0, Ordering::SeqCst)) {
                        Ok(signal @ 1..) => report(signal),
                        _ => thread::sleep(BEAT),
                    }
                }
            }));
            Ok(half)
        }

        pub(super) fn stop(&mut self) {
            for id in self.registered.drain(..) {
                unregister(id);
            }
            self.stopped.store(true, Ordering::SeqCst);
            if let Some(thread) = self.thread.take() {
                let _ = thread.join();
            }
        }
    }
}
