//! Where a passage meets Python: awaited by a task, or waited for by a plain thread.
//!
//! What a task awaits is polled on the loop's own thread. Nothing is spawned, and a gate that is open lets it
//! through without a look at the loop.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyTimeoutError;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::line::{Gate, Passage};
use super::permits::Permits;
use super::waiters::Woken;
use crate::bridge::alarm::Alarm;
use crate::bridge::spare::Spare;
use crate::bridge::{Hub, Native, Operation, Step, Turn, Work};
use crate::error::{Error, Result};
use crate::python::exceptions::in_destructor;
use crate::python::imports;

/// How often the main thread, while it sleeps, looks whether a signal has come (Ctrl-C).
const SIGNALS_EVERY: Duration = Duration::from_millis(50);

/// What leads to a gate.
pub trait Door: Deref<Target: Gate> + Send {
    /// Shows the garbage collector the Python objects on the way, and in what an attempt brings.
    fn traverse(&self, _want: &Want<Self>, _visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError>
    where
        Self: Sized,
    {
        Ok(())
    }

    /// Where an operation that passed at once is kept for the next call; one place for each kind of door.
    fn spare() -> Option<&'static Spare> {
        None
    }
}

impl Door for Arc<Permits> {
    fn spare() -> Option<&'static Spare> {
        static SPARE: Spare = Spare::new();
        Some(&SPARE)
    }
}

/// What an attempt at a door's gate asks for.
pub type Want<D> = <<D as Deref>::Target as Gate>::Want;
/// What it gets.
pub type Pass<D> = <<D as Deref>::Target as Gate>::Pass;
/// Makes the value of the `await` of what was got.
pub type Give<D> = fn(Python<'_>, &D, Pass<D>) -> PyResult<Py<PyAny>>;

/// An operation, called `qualname` by its user, that passes the gate behind `door`.
pub fn operation<D>(
    py: Python<'_>,
    qualname: &'static str,
    door: D,
    want: Want<D>,
    give: Give<D>,
) -> PyResult<Py<Operation>>
where
    D: Door + 'static,
    Want<D>: Send,
{
    Operation::again(py, qualname, InLine::new(Passage::new(door, want), give))
}

/// The same with a limit of so many seconds, after which it is a TimeoutError.
pub fn operation_within<D>(
    py: Python<'_>,
    qualname: &'static str,
    door: D,
    want: Want<D>,
    give: Give<D>,
    limit: f64,
) -> PyResult<Py<Operation>>
where
    D: Door + 'static,
    Want<D>: Send,
{
    let work = Limited {
        work: InLine::new(Passage::new(door, want), give),
        limit,
        alarm: None,
    };
    Py::new(py, Operation::new(qualname, work))
}

/// `give` for what has nothing to say but that it was got: asyncio's `acquire` and `wait` give True.
pub fn give_true<D: Door<Target: Gate<Pass = ()>>>(py: Python<'_>, _door: &D, (): ()) -> PyResult<Py<PyAny>> {
    Ok(true.into_pyobject(py)?.to_owned().into_any().unbind())
}

/// The same for the operations that `async with` awaits, which give nothing.
pub fn give_none<D: Door<Target: Gate<Pass = ()>>>(py: Python<'_>, _door: &D, (): ()) -> PyResult<Py<PyAny>> {
    Ok(py.None())
}

/// Wakes those who got their turn; those of the running loop in its next turn.
pub fn wake(py: Python<'_>, woken: Woken) -> PyResult<()> {
    if woken.is_empty() {
        return Ok(());
    }
    Hub::waking(py, || woken.wake())
}

/// The work of an operation that stands in line.
struct InLine<D: Door> {
    /// None once it has passed.
    passage: Option<Passage<D>>,
    give: Give<D>,
}

impl<D: Door> InLine<D> {
    fn new(passage: Passage<D>, give: Give<D>) -> Self {
        Self {
            passage: Some(passage),
            give,
        }
    }

    fn poll(&mut self, py: Python<'_>, waker: &Waker) -> Option<PyResult<Py<PyAny>>> {
        let Some(passage) = &mut self.passage else {
            return Some(Err(Error::runtime("this work has already been done").into()));
        };
        match passage.poll_with(waker) {
            Poll::Ready(passed) => Some(self.passed(py, passed)),
            Poll::Pending => None,
        }
    }

    fn passed(&mut self, py: Python<'_>, (pass, woken): (Pass<D>, Woken)) -> PyResult<Py<PyAny>> {
        let Some(passage) = self.passage.take() else {
            return Err(Error::runtime("this work has already been done").into());
        };
        let given = (self.give)(py, passage.door(), pass);
        wake(py, woken).and(given)
    }
}

impl<D: Door> fmt::Debug for InLine<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InLine").field(&self.passage).finish()
    }
}

impl<D: Door + 'static> Work for InLine<D>
where
    Want<D>: Send,
{
    fn at_once(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        let passed = self.passage.as_mut()?.try_pass()?;
        Some(self.passed(py, passed))
    }

    fn spare(&self) -> Option<&'static Spare> {
        D::spare()
    }

    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        let waker = turn.waker(py);
        self.poll(py, &waker).map_or(Step::Pending, Step::Done)
    }

    /// Never: if the gather were cancelled before it hears of the pass, that would be lost.
    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.passage
            .as_ref()
            .map_or(Ok(()), |passage| passage.door().traverse(passage.want(), visit))
    }
}

impl<D: Door> Drop for InLine<D> {
    fn drop(&mut self) {
        if let Some(passage) = self.passage.take_if(|passage| passage.has_ticket()) {
            give_up(passage);
        }
    }
}

/// The work of an operation that stands in line for so long, in seconds of the loop's clock.
///
/// Whether it was let through is looked at before the clock, so what was granted in time is not lost.
struct Limited<D: Door> {
    // Dropped in this order: the place in line first.
    work: InLine<D>,
    limit: f64,
    alarm: Option<Alarm>,
}

impl<D: Door> fmt::Debug for Limited<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Limited").field(&self.work).finish()
    }
}

impl<D: Door + 'static> Limited<D>
where
    Want<D>: Send,
{
    fn is_over(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> PyResult<bool> {
        if self.limit <= 0.0 {
            return Ok(true);
        }
        match &self.alarm {
            Some(alarm) => alarm.is_due(py),
            None => {
                self.alarm = Some(Alarm::after(py, self.limit, turn)?);
                Ok(false)
            }
        }
    }
}

impl<D: Door + 'static> Work for Limited<D>
where
    Want<D>: Send,
{
    fn at_once(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        self.work.at_once(py)
    }

    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        let step = self.work.step(py, turn);
        if !matches!(step, Step::Pending) {
            return step;
        }
        match self.is_over(py, turn) {
            Ok(false) => Step::Pending,
            Ok(true) => Step::Done(Err(timed_out("nothing came", self.limit))),
            Err(error) => Step::Done(Err(error)),
        }
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.work.traverse(visit)
    }
}

/// The TimeoutError of a wait that was too long.
pub fn timed_out(what: &str, seconds: f64) -> PyErr {
    PyTimeoutError::new_err(format!("{what} within {seconds} s"))
}

/// Drops what may wake others. Only where Python drops its objects, or the loop that closes.
pub fn give_up<T>(waiting: T) {
    in_destructor(|py| Hub::waking(py, || drop(waiting)));
}

/// Waits on this thread, with the interpreter let go, for at most `timeout`; None if that passes first.
///
/// RuntimeError on a thread whose loop is running, which it would stop.
pub fn block<D: Door>(
    py: Python<'_>,
    mut passage: Passage<D>,
    timeout: Option<Duration>,
) -> PyResult<Option<Pass<D>>> {
    let passed = block_until(py, timeout, |waker| Ok(Look::at(&mut passage, waker)));
    give_up(passage);
    let Some((pass, woken)) = passed? else {
        return Ok(None);
    };
    wake(py, woken)?;
    Ok(Some(pass))
}

/// The same for one who must pass, whatever comes: who is to be woken, and the exception that came meanwhile.
pub fn block_through<D>(py: Python<'_>, mut passage: Passage<D>) -> (Woken, PyResult<()>)
where
    D: Door<Target: Gate<Pass = ()>>,
{
    let error = match block_until(py, None, |waker| Ok(Look::at(&mut passage, waker))) {
        Ok(Some(((), woken))) => return (woken, Ok(())),
        Ok(None) => None,
        Err(error) => Some(error),
    };
    // From now on it does not hear of signals: they are dealt with when it has passed.
    let (sleeper, waker) = Sleeper::here();
    loop {
        if let Poll::Ready(((), woken)) = passage.poll_with(&waker) {
            return (woken, error.map_or(Ok(()), Err));
        }
        py.detach(|| sleeper.sleep(None));
    }
}

/// What one who waits on a thread finds when it looks.
#[derive(Debug)]
pub enum Look<T> {
    Done(T),
    /// It will be woken.
    Wait,
    /// It will be woken, and looks again after so long if not.
    WaitFor(Duration),
}

impl<P> Look<(P, Woken)> {
    fn at<D: Door<Target: Gate<Pass = P>>>(passage: &mut Passage<D>, waker: &Waker) -> Self {
        match passage.poll_with(waker) {
            Poll::Ready(passed) => Self::Done(passed),
            Poll::Pending => Self::Wait,
        }
    }
}

/// The same for anything that can be looked at.
pub fn block_until<T>(
    py: Python<'_>,
    timeout: Option<Duration>,
    look: impl FnMut(&Waker) -> PyResult<Look<T>>,
) -> PyResult<Option<T>> {
    refuse_on_loop(py)?;
    block_anywhere(py, timeout, look)
}

/// The same on any thread: a loop that runs on it stands still.
pub fn block_anywhere<T>(
    py: Python<'_>,
    timeout: Option<Duration>,
    mut look: impl FnMut(&Waker) -> PyResult<Look<T>>,
) -> PyResult<Option<T>> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let (sleeper, waker) = Sleeper::here();
    let mut hears_signals = None;
    loop {
        let again = match look(&waker)? {
            Look::Done(found) => return Ok(Some(found)),
            Look::Wait => None,
            Look::WaitFor(time) => Some(time),
        };
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Ok(None);
        }
        let hears = match hears_signals {
            Some(hears) => hears,
            None => *hears_signals.insert(is_main_thread(py)?),
        };
        let signals = hears.then_some(SIGNALS_EVERY);
        let longest = [left, again, signals].into_iter().flatten().min();
        py.detach(|| sleeper.sleep(longest));
        if hears {
            py.check_signals()?;
        }
    }
}

/// A timeout in seconds, as the blocking side takes it; ValueError for one that is negative or NaN.
pub fn seconds(timeout: Option<f64>) -> Result<Option<Duration>> {
    let Some(seconds) = timeout else {
        return Ok(None);
    };
    if seconds.is_nan() || seconds < 0.0 {
        return Err(Error::value(format!(
            "timeout must be zero or more seconds, or None, not {seconds:?}"
        )));
    }
    // What is too long for a Duration is for ever.
    Ok(Duration::try_from_secs_f64(seconds).ok())
}

/// RuntimeError where the event loop of this thread is running.
pub fn refuse_on_loop(py: Python<'_>) -> PyResult<()> {
    if imports::running_loop_or_none(py)?.call0()?.is_none() {
        return Ok(());
    }
    Err(Error::runtime("this would block the event loop that runs on this thread; await it instead").into())
}

fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let current = imports::current_thread(py)?.call0()?;
    Ok(current.is(&imports::main_thread(py)?.call0()?))
}

/// A thread that waits to be woken.
struct Sleeper {
    thread: Thread,
    woken: AtomicBool,
}

impl Sleeper {
    /// This thread, and what wakes it.
    fn here() -> (Arc<Self>, Waker) {
        let sleeper = Arc::new(Self {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&sleeper));
        (sleeper, waker)
    }

    /// Until it is woken, or for so long.
    fn sleep(&self, longest: Option<Duration>) {
        let end = longest.and_then(|longest| Instant::now().checked_add(longest));
        while !self.woken.swap(false, Ordering::AcqRel) {
            match end.map(|end| end.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return,
                Some(left) => thread::park_timeout(left),
            }
        }
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
