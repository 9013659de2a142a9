//! `sleep`: an operation that ends when the loop's clock says so.

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::bridge::alarm::Alarm;
use crate::bridge::{Native, Operation, Step, Turn, Work};
use crate::error::{Error, Result};

/// An operation that takes `delay` seconds of the loop's time and gives `result`.
///
/// A delay of zero or less lets the loop turn once. ValueError, at the call, for a delay that is NaN.
/// Cancel safety: nothing is lost; the timer is withdrawn.
#[pyfunction]
#[pyo3(signature = (delay, result=None))]
pub fn sleep(delay: f64, result: Option<Py<PyAny>>) -> Result<Operation> {
    if delay.is_nan() {
        return Err(Error::value("Invalid delay: NaN (not a number)"));
    }
    Ok(Operation::new(
        "sleep",
        Sleep {
            delay,
            result,
            until: Until::NotStarted,
        },
    ))
}

#[derive(Debug)]
struct Sleep {
    delay: f64,
    result: Option<Py<PyAny>>,
    until: Until,
}

#[derive(Debug)]
enum Until {
    NotStarted,
    /// A delay of zero: the next step ends it.
    NextTurn,
    Clock(Alarm),
    Over,
}

impl Sleep {
    fn start(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> PyResult<Step> {
        if self.delay <= 0.0 {
            self.until = Until::NextTurn;
            return Ok(Step::Yield);
        }
        self.until = Until::Clock(Alarm::after(py, self.delay, turn)?);
        Ok(Step::Pending)
    }

    fn finish(&mut self, py: Python<'_>) -> Step {
        self.until = Until::Over;
        Step::Done(Ok(self.result.take().unwrap_or_else(|| py.None())))
    }
}

impl Work for Sleep {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        let due = match &self.until {
            Until::NotStarted => {
                return self
                    .start(py, turn)
                    .unwrap_or_else(|error| Step::Done(Err(error)));
            }
            Until::Clock(alarm) => alarm.is_due(py),
            Until::NextTurn | Until::Over => Ok(true),
        };
        match due {
            Ok(true) => self.finish(py),
            // Stepped by hand, before its time.
            Ok(false) => Step::Pending,
            Err(error) => Step::Done(Err(error)),
        }
    }

    /// Never: it follows the loop's clock, which tests replace and drive.
    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.result)
    }
}
