//! A timer of a sleeper: it wakes the sleeper's id when the loop's clock says so, and is withdrawn when dropped.

use std::sync::Arc;

use pyo3::prelude::*;

use super::hub::Hub;
use super::mailbox::WakeId;
use super::work::Turn;

#[derive(Debug)]
pub struct Alarm {
    when: f64,
    hub: Arc<Hub>,
    id: WakeId,
}

impl Alarm {
    /// Wakes whoever has this turn after `delay` seconds.
    pub fn after(py: Python<'_>, delay: f64, turn: &mut Turn<'_>) -> PyResult<Self> {
        let id = turn.id(py);
        let hub = turn.hub();
        let when = hub.wake_after(py, delay, id)?;
        Ok(Self {
            when,
            hub: Arc::clone(hub),
            id,
        })
    }

    /// Wakes it after `delay` seconds from now instead; it may be woken at the old time as well.
    pub fn again(&mut self, py: Python<'_>, delay: f64) -> PyResult<()> {
        self.when = self.hub.wake_after(py, delay, self.id)?;
        Ok(())
    }

    /// Whether it would have fired by now.
    pub fn is_due(&self, py: Python<'_>) -> PyResult<bool> {
        self.hub.is_due(py, self.when)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        // Attached already: an operation is dropped by Python, or by the loop that closes.
        Python::attach(|py| {
            let withdrawn = self.hub.release_timer(py, self.id);
            if let Err(error) = withdrawn.and_then(|()| self.hub.disarm_if_idle(py)) {
                error.write_unraisable(py, None);
            }
        });
    }
}
