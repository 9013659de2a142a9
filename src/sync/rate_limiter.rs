//! `RateLimiter`: so many in so much time.
//!
//! The generic cell rate algorithm (ITU-T I.371): a lane has one number, the time up to which its permits are
//! spent. One who takes `n` moves it by `n` intervals, and may do so while it is no more than `burst` intervals
//! ahead of the clock. With a burst of 1 that spaces everything by one interval, so that no window of `per`
//! seconds, wherever it begins, has more than `rate` in it.
//!
//! Who has to wait stands in line. The first in line watches the clock for all; when it goes on, those go with
//! it whose time has come as well, and the next one watches. Nobody reserves anything, so who gives up takes
//! nothing with it.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex as PlainMutex;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::class::{described, refuse_pickling};
use super::exclusive::Mutex;
use super::waiters::{Arrival, Standing, Ticket, Waiters, Woken};
use super::waits::{Look, block_until, give_up, seconds, wake};
use crate::bridge::alarm::Alarm;
use crate::bridge::ready::Ready;
use crate::bridge::{Native, Operation, Step, Turn, Work};
use crate::error::{Error, Result};
use crate::python::imports;

/// Fewer keys than this are not worth a sweep.
const SWEEP_FROM: usize = 64;

/// A deadline is met if it is no more than this away, in seconds: clocks round.
const SLACK: f64 = 1e-9;

/// Lets `rate` through in `per` seconds, evenly spaced, or up to `burst` at once after a pause.
///
/// With a key it keeps a pace for each key apart, and forgets keys that have been idle. It belongs to no loop;
/// who waits goes on in the order in which it came. ValueError for a rate, a `per` or a burst that is not
/// positive.
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

#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Seconds between two.
    interval: f64,
    burst: usize,
}

#[derive(Debug, Default)]
struct Lane {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Up to when, in seconds of the clock, the permits are spent.
    spent_to: f64,
    line: Waiters,
}

impl State {
    /// When `n` may go, if nobody goes before.
    fn allowed_at(&self, n: usize, pace: Pace, now: f64) -> f64 {
        let ahead = (n as f64 - pace.burst as f64) * pace.interval;
        self.spent_to.max(now) + ahead
    }

    fn take(&mut self, n: usize, pace: Pace, now: f64) -> bool {
        let at = self.allowed_at(n, pace, now);
        if at > now + SLACK {
            return false;
        }
        self.spent_to = self.spent_to.max(now.max(at)) + n as f64 * pace.interval;
        true
    }

    /// Lets those through whose time has come, and has the next one watch the clock.
    fn let_through(&mut self, pace: Pace, now: f64) -> Woken {
        let mut woken = Woken::default();
        while let Some(want) = self.line.first_want() {
            if !self.take(want, pace, now) {
                woken.add(self.line.nudge_first());
                break;
            }
            woken.add(self.line.grant_first());
        }
        woken
    }
}

/// What one finds who looks.
enum Found {
    Passed(Woken),
    /// First in line: until then.
    Until(f64),
    Behind,
}

impl Lane {
    fn try_take(&self, n: usize, pace: Pace, now: f64) -> bool {
        let mut state = self.state.lock();
        state.line.is_quiet() && state.take(n, pace, now)
    }

    fn look(&self, n: usize, pace: Pace, now: f64, ticket: &mut Option<Ticket>, waker: &Waker) -> Found {
        let mut state = self.state.lock();
        match state.line.turn_in(ticket, waker) {
            Poll::Pending => {}
            Poll::Ready(Arrival::New) if state.line.is_quiet() && state.take(n, pace, now) => {
                return Found::Passed(Woken::default());
            }
            Poll::Ready(Arrival::New) => *ticket = Some(state.line.join(n, waker)),
            Poll::Ready(_) => return Found::Passed(state.let_through(pace, now)),
        }
        let Some(held) = ticket.take_if(|held| state.line.is_first(held)) else {
            return Found::Behind;
        };
        if state.take(n, pace, now) {
            let _first = state.line.leave(held);
            return Found::Passed(state.let_through(pace, now));
        }
        *ticket = Some(held);
        Found::Until(state.allowed_at(n, pace, now))
    }

    fn leave(&self, n: usize, pace: Pace, ticket: Ticket) -> Woken {
        let mut state = self.state.lock();
        let first = state.line.is_first(&ticket);
        let granted = state.line.leave(ticket) == Standing::Granted;
        if granted {
            state.spent_to -= n as f64 * pace.interval;
        }
        let mut woken = Woken::default();
        if first || granted {
            woken.add(state.line.nudge_first());
        }
        woken
    }

    fn waiting(&self) -> usize {
        self.state.lock().line.len()
    }

    /// Whether forgetting it would change nothing.
    fn is_idle(&self, now: f64) -> bool {
        let state = self.state.lock();
        state.line.is_quiet() && state.spent_to <= now
    }
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

impl RateLimiter {
    fn settings(&self) -> Result<Settings> {
        let settings = self.settings.get().copied();
        settings.ok_or_else(|| Error::runtime("RateLimiter.__init__() was not called"))
    }

    fn count(&self, n: i64) -> Result<usize> {
        let burst = self.settings()?.pace.burst;
        let count = usize::try_from(n)
            .ok()
            .filter(|count| (1..=burst).contains(count));
        count.ok_or_else(|| {
            Error::value(format!(
                "n must be from 1 to the burst, which is {burst}, not {n}"
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
            if Arc::strong_count(lane) == 1 && lane.is_idle(now) {
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
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(rate, per=1.0, burst=1)")]
    fn new(py: Python<'_>, _args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            settings: OnceLock::new(),
            lane: Arc::default(),
            keyed: PyDict::new(py).unbind(),
            sweep_at: PlainMutex::new(SWEEP_FROM),
        }
    }

    #[pyo3(signature = (rate, per=1.0, burst=1))]
    fn __init__(&self, rate: f64, per: f64, burst: i64) -> Result<()> {
        let (rate, per) = (positive(rate, "rate")?, positive(per, "per")?);
        let most = usize::try_from(burst).ok().filter(|burst| *burst > 0);
        let burst = most.ok_or_else(|| Error::value(format!("burst must be at least 1, not {burst}")))?;
        let interval = per / rate;
        let pace = Pace { interval, burst };
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
        Ok(self.settings()?.pace.burst)
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
        let extra = format!("rate:{rate}, per:{per}, burst:{}", pace.burst);
        described(slf.as_any(), &extra)
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        refuse_pickling(slf.as_any())
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> std::result::Result<(), pyo3::PyTraverseError> {
        visit.call(&self.keyed)
    }
}
