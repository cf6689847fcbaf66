//! Ctrl-C and its like while Prisma runs: they must not end us before our children are gone.

use crate::error::{Explain as _, Result};
use crate::system::signals;
use crate::ui::interrupt::Guard;

/// Signals are reported instead of obeyed as long as this lives; a second one ends the process all the same.
pub(super) struct Watch {
    _reporting: signals::Watch,
    _held_back: Guard,
}

impl Watch {
    /// `report` is called with each signal's number, on another thread.
    ///
    /// # Errors
    /// If the operating system lets us install no signal handlers.
    pub(super) fn start(report: impl FnMut(i32) + Send + 'static) -> Result<Self> {
        let held_back = Guard::new()?;
        let reporting = signals::Watch::start(report).explain(|| "could not watch for Ctrl-C".into())?;
        Ok(Self { _reporting: reporting, _held_back: held_back })
    }
}
