//! A condition on a plain thread. As for a task, nothing goes on without the lock: not after the time is over, and
//! not with an exception.

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::Condition;
use crate::sync::line::Passage;
use crate::sync::waits::{block, block_through, refuse_on_loop, wake};

/// `Condition.wait_blocking`.
pub(super) fn wait(condition: &Condition, py: Python<'_>, timeout: Option<Duration>) -> PyResult<bool> {
    refuse_on_loop(py)?;
    let under = condition.held(py)?;
    let mut passage = Passage::new(Arc::clone(&condition.signals), ());
    // It takes its place in line before anybody can have the lock to notify it; whom to wake is said below.
    let _pending = passage.poll_with(Waker::noop()).is_pending();
    let (holder, woken) = under.let_go(py);
    let notified = wake(py, woken).and_then(|()| block(py, passage, timeout));
    let (woken, meanwhile) = block_through(py, under.permits().take(1));
    under.take_up(py, holder);
    wake(py, woken)?;
    let was_notified = matches!(notified, Ok(Some(())));
    if let Err(error) = meanwhile.and(notified.map(drop)) {
        // Whoever is next can do something about it.
        wake(py, condition.signals.notify(usize::from(was_notified)))?;
        return Err(error);
    }
    Ok(was_notified)
}

/// `Condition.wait_for_blocking`.
pub(super) fn wait_for(
    condition: &Condition,
    py: Python<'_>,
    predicate: &Bound<'_, PyAny>,
    timeout: Option<Duration>,
) -> PyResult<Py<PyAny>> {
    refuse_on_loop(py)?;
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut is_over = false;
    loop {
        let value = predicate.call0()?;
        if is_over || value.is_truthy()? {
            return Ok(value.unbind());
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        is_over = !wait(condition, py, left)?;
    }
}
