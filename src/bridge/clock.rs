//! What a loop's clock is like.

use pyo3::intern;
use pyo3::prelude::*;

use crate::python::imports;

/// uvloop counts in milliseconds, and says nothing of its resolution.
const COARSE_RESOLUTION: f64 = 1e-3;

/// How far ahead of its deadline a timer counts as due, in seconds: asyncio's own rule.
pub(super) fn resolution(event_loop: &Bound<'_, PyAny>) -> f64 {
    event_loop
        .getattr("_clock_resolution")
        .and_then(|resolution| resolution.extract())
        .unwrap_or(COARSE_RESOLUTION)
}

/// Whether the loop is asyncio's, with a clock or a schedule that a test has put in place of its own.
///
/// One timer for all of ours would do for a clock that merely runs differently; but who drives it looks
/// at what is scheduled, and expects there what asyncio itself would schedule.
pub(super) fn is_driven(event_loop: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = event_loop.py();
    let base = imports::base_event_loop(py)?;
    if !event_loop.is_instance(base)? {
        return Ok(false);
    }
    for name in [
        intern!(py, "time"),
        intern!(py, "call_at"),
        intern!(py, "call_later"),
    ] {
        let of_loop = event_loop.getattr(name)?;
        let function = of_loop.getattr_opt(intern!(py, "__func__"))?;
        if !function.is_some_and(|function| base.getattr(name).is_ok_and(|own| own.is(&function))) {
            return Ok(true);
        }
    }
    Ok(false)
}
