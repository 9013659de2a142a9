//! `RateLimiter`: so many in so much time.
//!
//! The generic cell rate algorithm (ITU-T I.371): a lane has one number, the time up to which its permits are
//! spent. One who takes `n` moves it by `n` intervals, and may do so while it is no more than `burst` intervals
//! ahead of the clock. With a burst of 1 that spaces everything by one interval, so that no window of `per`
//! seconds, wherever it begins, has more than `rate` in it.
//!
//! A strict window notes when each went instead, and lets up to `rate` through as soon as they come, if the
//! `per` seconds before have room for them.
//!
//! [`lane`] has who waits. Nobody reserves anything, so who gives up takes nothing with it.

mod lane;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex as PlainMutex;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use self::lane::{Found, Lane, Pace};
use super::class::{described, refuse_pickling};
use super::waiters::Ticket;
use super::waits::{Look, block_until, give_up, seconds, wake};
use crate::bridge::alarm::Alarm;
use crate::bridge::ready::Ready;
use crate::bridge::{Native, Operation, Step, Turn, Work};
use crate::error::{Error, Result};
use crate::python::imports;

/// Fewer keys than this are not worth a sweep.
const SWEEP_FROM: usize = 64;

/// Lets `rate` through in `per` seconds, evenly spaced, or up to `burst` at once after a pause.
///
/// With a key it keeps a pace for each key apart, and forgets keys that have been idle. It belongs to no loop;
/// who waits goes on in the order in which it came. `strict`: up to `rate` at once, and never more in any window
/// of `per` seconds. ValueError for a rate, a `per` or a burst that is not positive, and with `strict` for a rate
/// that is no whole number.
#[pyclass(frozen, weakref, subclass, module = "aioxide")]
#[derive(Debug)]
pub struct RateLimiter {
    settings: OnceLock<Settings>,
    /// Without a key.
    lane: Arc<Lane>,
    /// By key: a dict of `Keyed`, since only Python can compare keys.
    keyed: Py<PyDict>,
    /// How many keys there may be before the idle ones are looked for.
    sweep_at: PlainMutex<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    rate: f64,
    per: f64,
    pace: Pace,
}

/// A lane as the value of a dict.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
struct Keyed(Arc<Lane>);

/// One attempt, as the work of an operation or on a thread.
struct Attempt {
    lane: Arc<Lane>,
    n: usize,
    pace: Pace,
    ticket: Option<Ticket>,
}

impl Attempt {
    fn look(&mut self, now: f64, waker: &Waker) -> Found {
        self.lane.look(self.n, self.pace, now, &mut self.ticket, waker)
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.lane.leave(self.n, self.pace, ticket).wake();
        }
    }
}

struct Waiting {
    /// None once it has passed.
    attempt: Option<Attempt>,
    alarm: Option<Alarm>,
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("alarm", &self.alarm)
            .finish_non_exhaustive()
    }
}

impl Waiting {
    fn on(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> PyResult<Step> {
        let waker = turn.waker(py);
        let now = turn.hub().time(py)?;
        let Some(attempt) = &mut self.attempt else {
            return Err(Error::runtime("this work has already been done").into());
        };
        match attempt.look(now, &waker) {
            Found::Behind => Ok(Step::Pending),
            Found::Passed(woken) => {
                self.attempt = None;
                wake(py, woken)?;
                Ok(Step::Done(Ok(py.None())))
            }
            Found::Until(at) => {
                let delay = at - now;
                match &mut self.alarm {
                    Some(alarm) => alarm.again(py, delay)?,
                    None => self.alarm = Some(Alarm::after(py, delay, turn)?),
                }
                Ok(Step::Pending)
            }
        }
    }
}

impl Work for Waiting {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        self.on(py, turn).unwrap_or_else(|error| Step::Done(Err(error)))
    }

    /// Never: it follows the loop's clock.
    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            give_up(attempt);
        }
    }
}

/// The time by the running loop's clock, or by the one that loops have.
fn now(py: Python<'_>) -> PyResult<f64> {
    let event_loop = imports::running_loop_or_none(py)?.call0()?;
    if event_loop.is_none() {
        return imports::monotonic(py)?.call0()?.extract();
    }
    event_loop.call_method0(intern!(py, "time"))?.extract()
}

fn positive(value: f64, name: &str) -> Result<f64> {
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(Error::value(format!(
        "{name} must be a positive number, not {value:?}"
    )))
}

/// A window has room for a whole number, all of which may go at once.
fn strict_window(rate: f64, per: f64, burst: usize) -> Result<Pace> {
    if burst != 1 {
        return Err(Error::value("a strict window has its rate for a burst"));
    }
    if rate.fract() != 0.0 {
        return Err(Error::value(format!(
            "the rate of a strict window must be a whole number, not {rate:?}"
        )));
    }
    let most = rate as usize;
    Ok(Pace::Strict { most, per })
}

impl RateLimiter {
    fn settings(&self) -> Result<Settings> {
        let settings = self.settings.get().copied();
        settings.ok_or_else(|| Error::runtime("RateLimiter.__init__() was not called"))
    }

    fn count(&self, n: i64) -> Result<usize> {
        let pace = self.settings()?.pace;
        let most = pace.burst();
        let count = usize::try_from(n).ok().filter(|count| (1..=most).contains(count));
        count.ok_or_else(|| {
            let what = match pace {
                Pace::Even { .. } => "burst",
                Pace::Strict { .. } => "rate",
            };
            Error::value(format!(
                "n must be from 1 to the {what}, which is {most}, not {n}"
            ))
        })
    }

    /// The lane of a key. TypeError for one that cannot be hashed.
    fn lane(&self, py: Python<'_>, key: Option<&Bound<'_, PyAny>>) -> PyResult<Arc<Lane>> {
        let Some(key) = key else {
            return Ok(Arc::clone(&self.lane));
        };
        let keyed = self.keyed.bind(py);
        if let Some(known) = keyed.get_item(key)? {
            return Ok(Arc::clone(&known.cast::<Keyed>()?.get().0));
        }
        self.sweep(py)?;
        let lane = Arc::new(Lane::default());
        keyed.set_item(key, Py::new(py, Keyed(Arc::clone(&lane)))?)?;
        Ok(lane)
    }

    /// Forgets the keys that are idle, if there are many.
    fn sweep(&self, py: Python<'_>) -> PyResult<()> {
        let keyed = self.keyed.bind(py);
        if keyed.len() < *self.sweep_at.lock() {
            return Ok(());
        }
        let now = now(py)?;
        for (key, lane) in keyed.copy()?.iter() {
            let lane = &lane.cast::<Keyed>()?.get().0;
            // Whoever is about to look at it has it.
            if Arc::strong_count(lane) == 1 && lane.is_idle(self.settings()?.pace, now) {
                keyed.del_item(key)?;
            }
        }
        *self.sweep_at.lock() = SWEEP_FROM.max(2 * keyed.len());
        Ok(())
    }

    fn attempt(&self, py: Python<'_>, n: i64, key: Option<&Bound<'_, PyAny>>) -> PyResult<Attempt> {
        Ok(Attempt {
            n: self.count(n)?,
            lane: self.lane(py, key)?,
            pace: self.settings()?.pace,
            ticket: None,
        })
    }

    fn operation(attempt: Attempt) -> Operation {
        Operation::new(
            "RateLimiter.acquire",
            Waiting {
                attempt: Some(attempt),
                alarm: None,
            },
        )
    }
}

#[pymethods]
impl RateLimiter {
    /// Arguments are for `__init__`, so that a subclass may have its own.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(rate, per=1.0, burst=1, *, strict=False)")]
    fn new(py: Python<'_>, _args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            settings: OnceLock::new(),
            lane: Arc::default(),
            keyed: PyDict::new(py).unbind(),
            sweep_at: PlainMutex::new(SWEEP_FROM),
        }
    }

    #[pyo3(signature = (rate, per=1.0, burst=1, *, strict=false))]
    fn __init__(&self, rate: f64, per: f64, burst: i64, strict: bool) -> Result<()> {
        let (rate, per) = (positive(rate, "rate")?, positive(per, "per")?);
        let most = usize::try_from(burst).ok().filter(|burst| *burst > 0);
        let burst = most.ok_or_else(|| Error::value(format!("burst must be at least 1, not {burst}")))?;
        let pace = match strict {
            true => strict_window(rate, per, burst)?,
            false => Pace::Even {
                interval: per / rate,
                burst,
            },
        };
        let settings = Settings { rate, per, pace };
        self.settings
            .set(settings)
            .map_err(|_| Error::runtime("this rate limiter has its rate already"))
    }

    /// An operation that ends when `n` more may go, of those with that `key`.
    ///
    /// ValueError for an `n` below 1 or above the burst; TypeError for a key that cannot be hashed.
    /// Cancel safety: nothing is used up; what was granted by then goes to the next in line.
    #[pyo3(signature = (n=1, key=None))]
    fn acquire(&self, py: Python<'_>, n: i64, key: Option<&Bound<'_, PyAny>>) -> PyResult<Operation> {
        Ok(Self::operation(self.attempt(py, n, key)?))
    }

    /// Lets `n` go if they may go now and nobody is in line; whether it did.
    #[pyo3(signature = (n=1, key=None))]
    fn try_acquire(&self, py: Python<'_>, n: i64, key: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let count = self.count(n)?;
        Ok(self
            .lane(py, key)?
            .try_take(count, self.settings()?.pace, now(py)?))
    }

    /// Takes back `n` that went and did nothing, of those with that `key`: others may go in their place.
    ///
    /// ValueError for an `n` below 1; TypeError for a key that cannot be hashed.
    #[pyo3(signature = (n=1, key=None))]
    fn refund(&self, py: Python<'_>, n: i64, key: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let pace = self.settings()?.pace;
        let count = usize::try_from(n).ok().filter(|count| *count > 0);
        let count = count.ok_or_else(|| Error::value(format!("n must be at least 1, not {n}")))?;
        let lane = match key {
            None => Some(Arc::clone(&self.lane)),
            // Nothing can have gone of a key that is not known.
            Some(key) => match self.keyed.bind(py).get_item(key)? {
                Some(known) => Some(Arc::clone(&known.cast::<Keyed>()?.get().0)),
                None => None,
            },
        };
        match lane {
            Some(lane) => wake(py, lane.refund(count, pace)),
            None => Ok(()),
        }
    }

    /// Waits on a plain thread, for at most `timeout` seconds, until `n` more may go; whether they did.
    ///
    /// RuntimeError on a thread whose event loop is running.
    #[pyo3(signature = (n=1, key=None, timeout=None))]
    fn acquire_blocking(
        &self,
        py: Python<'_>,
        n: i64,
        key: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<bool> {
        let limit = seconds(timeout)?;
        let mut attempt = self.attempt(py, n, key)?;
        let passed = block_until(py, limit, |waker| {
            let now = now(py)?;
            Ok(match attempt.look(now, waker) {
                Found::Passed(woken) => Look::Done(woken),
                Found::Behind => Look::Wait,
                Found::Until(at) => Look::WaitFor(Duration::try_from_secs_f64(at - now).unwrap_or_default()),
            })
        });
        give_up(attempt);
        match passed? {
            Some(woken) => wake(py, woken).map(|()| true),
            None => Ok(false),
        }
    }

    /// How many may go in `per` seconds.
    #[getter]
    fn rate(&self) -> Result<f64> {
        Ok(self.settings()?.rate)
    }

    /// The seconds that `rate` is for.
    #[getter]
    fn per(&self) -> Result<f64> {
        Ok(self.settings()?.per)
    }

    /// How many may go at once after a pause.
    #[getter]
    fn burst(&self) -> Result<usize> {
        Ok(self.settings()?.pace.burst())
    }

    /// Whether no window of `per` seconds ever has more than `rate`.
    #[getter]
    fn strict(&self) -> Result<bool> {
        Ok(matches!(self.settings()?.pace, Pace::Strict { .. }))
    }

    /// How many `keys` it remembers, and how many are `waiting` in all.
    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let keyed = self.keyed.bind(py);
        let mut waiting = self.lane.waiting();
        for lane in keyed.copy()?.values() {
            waiting += lane.cast::<Keyed>()?.get().0.waiting();
        }
        let counts = PyDict::new(py);
        counts.set_item("keys", keyed.len())?;
        counts.set_item("waiting", waiting)?;
        Ok(counts)
    }

    fn __aenter__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let attempt = self.attempt(py, 1, None)?;
        if attempt.lane.try_take(1, attempt.pace, now(py)?) {
            return Ok(Ready::none(py)?.into_any());
        }
        Ok(Py::new(py, Self::operation(attempt))?.into_any())
    }

    fn __aexit__(
        &self,
        py: Python<'_>,
        _exc_type: &Bound<'_, PyAny>,
        _exc: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<Ready>> {
        Ready::none(py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let Settings { rate, per, pace } = slf.get().settings()?;
        let extra = match pace {
            Pace::Even { burst, .. } => format!("rate:{rate}, per:{per}, burst:{burst}"),
            Pace::Strict { .. } => format!("rate:{rate}, per:{per}, strict"),
        };
        described(slf.as_any(), &extra)
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        refuse_pickling(slf.as_any())
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> std::result::Result<(), pyo3::PyTraverseError> {
        visit.call(&self.keyed)
    }
}
