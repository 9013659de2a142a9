//! `Condition`: waiting, with a lock let go of, until somebody says that something has changed.

use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::class::{described, refuse_pickling};
use super::exclusive::Mutex;
use super::line::{Gate, Passage};
use super::lock::Lock;
use super::permits::Permits;
use super::rlock::{Owner, RLock};
use super::waiters::{Standing, Ticket, Waiters, Woken};
use super::waits::{give_up, wake};
use crate::bridge::ready::Ready;
use crate::bridge::{Native, Operation, Step, Turn, Work};

/// Lets tasks wait, with the lock let go of, until another one notifies them.
///
/// `lock` is an `aioxide.Lock` or `aioxide.RLock`, by default a new Lock; TypeError for anything else.
#[pyclass(frozen, weakref, subclass, module = "aioxide")]
#[derive(Debug)]
pub struct Condition {
    /// By default a Lock of its own, made when it is first needed.
    lock: OnceLock<Under>,
    signals: Arc<Signals>,
}

/// The lock under a condition.
#[derive(Debug)]
enum Under {
    Lock(Py<Lock>),
    RLock(Py<RLock>),
}

impl Under {
    fn permits(&self) -> &Arc<Permits> {
        match self {
            Self::Lock(lock) => lock.get().permits(),
            Self::RLock(lock) => lock.get().permits(),
        }
    }

    fn object<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        match self {
            Self::Lock(lock) => lock.bind(py).as_any(),
            Self::RLock(lock) => lock.bind(py).as_any(),
        }
    }

    /// Whether it is held; of an RLock, by whoever runs here.
    fn is_held(&self, py: Python<'_>) -> PyResult<bool> {
        match self {
            Self::Lock(lock) => Ok(lock.get().locked()),
            Self::RLock(lock) => lock.get().is_mine(py),
        }
    }
}

/// Those who wait to be notified. A notification that meets a cancel goes to the next.
#[derive(Debug, Default)]
struct Signals {
    waiters: Mutex<Waiters>,
}

impl Signals {
    fn notify(&self, count: usize) -> Woken {
        let mut waiters = self.waiters.lock();
        let mut woken = Woken::default();
        for _ in 0..count.min(waiters.len()) {
            woken.add(waiters.grant_first());
        }
        woken
    }
}

impl Gate for Signals {
    type Want = ();
    type Pass = ();

    fn poll(&self, (): &mut (), ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<((), Woken)> {
        let notified = self.waiters.lock().pass_if(false, ticket, waker);
        notified.map(|()| ((), Woken::default()))
    }

    fn leave(&self, (): &mut (), ticket: Ticket) -> Woken {
        let notified = self.waiters.lock().leave(ticket) == Standing::Granted;
        self.notify(usize::from(notified))
    }
}

/// The work of `wait` and `wait_for`.
#[derive(Debug)]
struct Waiting {
    condition: Py<Condition>,
    /// What has to be true; None for `wait`, where being notified is enough.
    predicate: Option<Py<PyAny>>,
    stage: Stage,
    /// Of an RLock: who had it, and how often.
    owner: Option<(Owner, usize)>,
    /// Whether it was notified; if it is cancelled after that, the notification is for the next.
    notified: bool,
    /// What is raised once the lock is held again.
    error: Option<Py<PyAny>>,
}

#[derive(Debug)]
enum Stage {
    Begun,
    /// Without the lock.
    Unnotified(Passage<Arc<Signals>>),
    /// On the way back into the lock, which no cancel stops.
    Returning(Passage<Arc<Permits>>),
    Over,
}

impl Waiting {
    /// Lets go of the lock and waits.
    fn let_go(&mut self, py: Python<'_>, waker: &Waker) -> PyResult<()> {
        let condition = self.condition.get();
        let under = condition.under(py)?;
        if !under.is_held(py)? {
            return Err(PyRuntimeError::new_err("cannot wait on un-acquired lock"));
        }
        let mut passage = Passage::new(Arc::clone(&condition.signals), ());
        // It takes its place in line; nobody has notified it yet.
        let _pending = passage.poll_with(waker).is_pending();
        self.stage = Stage::Unnotified(passage);
        if let Under::RLock(lock) = under {
            self.owner = lock.get().let_go(py);
        }
        wake(py, under.permits().give(1))
    }

    fn on(&mut self, py: Python<'_>, waker: &Waker) -> PyResult<Option<Py<PyAny>>> {
        loop {
            match &mut self.stage {
                Stage::Begun => {
                    if let Some(predicate) = &self.predicate {
                        let value = predicate.call0(py)?;
                        if value.is_truthy(py)? {
                            return Ok(Some(value));
                        }
                    }
                    self.let_go(py, waker)?;
                    return Ok(None);
                }
                Stage::Unnotified(passage) => {
                    if passage.poll_with(waker).is_pending() {
                        return Ok(None);
                    }
                    self.notified = true;
                    self.stage = Stage::Returning(self.condition.get().under(py)?.permits().take(1));
                }
                Stage::Returning(passage) => {
                    let Poll::Ready(((), woken)) = passage.poll_with(waker) else {
                        return Ok(None);
                    };
                    self.stage = Stage::Over;
                    self.take_up(py);
                    wake(py, woken)?;
                    let notified = std::mem::take(&mut self.notified);
                    if let Some(error) = self.error.take() {
                        wake(py, self.condition.get().signals.notify(usize::from(notified)))?;
                        return Err(PyErr::from_value(error.into_bound(py)));
                    }
                    if self.predicate.is_none() {
                        return Ok(Some(true.into_pyobject(py)?.to_owned().into_any().unbind()));
                    }
                    self.stage = Stage::Begun;
                }
                Stage::Over => return Err(PyRuntimeError::new_err("this wait is over")),
            }
        }
    }

    /// The permit is held again: an RLock is to know whose it is.
    fn take_up(&mut self, py: Python<'_>) {
        if let (Some(Under::RLock(lock)), Some((owner, count))) =
            (self.condition.get().lock.get(), self.owner.take())
        {
            lock.get().take_up(py, owner, count);
        }
    }

    fn advance(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        let waker = turn.waker(py);
        match self.on(py, &waker) {
            Ok(None) => Step::Pending,
            Ok(Some(value)) => Step::Done(Ok(value)),
            Err(error) => Step::Done(Err(error)),
        }
    }
}

impl Work for Waiting {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        self.advance(py, turn)
    }

    /// Whoever awaits it is inside the lock, and has to be so again before it goes on.
    fn survives_cancel(&self) -> bool {
        matches!(self.stage, Stage::Unnotified(_) | Stage::Returning(_))
    }

    fn thrown(&mut self, py: Python<'_>, error: PyErr, turn: &mut Turn<'_>) -> Step {
        let error = error.into_value(py).into_any();
        let before = self.error.replace(error);
        drop(before);
        if matches!(self.stage, Stage::Unnotified(_)) {
            match self.condition.get().under(py) {
                Ok(under) => {
                    let back = Stage::Returning(under.permits().take(1));
                    give_up(std::mem::replace(&mut self.stage, back));
                }
                Err(error) => return Step::Done(Err(error)),
            }
        }
        self.advance(py, turn)
    }

    fn detach(self: Box<Self>) -> Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.condition)?;
        visit.call(&self.predicate)?;
        visit.call(&self.error)?;
        match &self.owner {
            Some((owner, _)) => visit.call(owner.object()),
            None => Ok(()),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if !matches!(stage, Stage::Unnotified(_) | Stage::Returning(_)) {
            return;
        }
        // Closed while it waited. The block around it is left next, and releases the lock.
        give_up(stage);
        if self.notified {
            give_up(Notify(Arc::clone(&self.condition.get().signals)));
        }
        let lock = self.condition.get().lock.get();
        if lock.is_some_and(|under| under.permits().try_take(1)) {
            Python::attach(|py| self.take_up(py));
        }
    }
}

/// Passes a notification on when it is dropped.
struct Notify(Arc<Signals>);

impl Drop for Notify {
    fn drop(&mut self) {
        self.0.notify(1).wake();
    }
}

#[pymethods]
impl Condition {
    /// Arguments are for `__init__`, so that a subclass may have its own.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(lock=None)")]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            lock: OnceLock::new(),
            signals: Arc::default(),
        }
    }

    #[pyo3(signature = (lock=None))]
    fn __init__(&self, lock: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let Some(lock) = lock else {
            return Ok(());
        };
        let under = if let Ok(lock) = lock.cast::<Lock>() {
            Under::Lock(lock.clone().unbind())
        } else if let Ok(lock) = lock.cast::<RLock>() {
            Under::RLock(lock.clone().unbind())
        } else {
            let name = lock.get_type().name()?;
            return Err(PyTypeError::new_err(format!(
                "lock must be an aioxide.Lock or RLock, not {name}"
            )));
        };
        self.lock
            .set(under)
            .map_err(|_| PyRuntimeError::new_err("this condition has its lock already"))
    }

    /// The lock's `acquire`.
    fn acquire<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.under(py)?.object(py).call_method0(intern!(py, "acquire"))
    }

    /// The lock's `try_acquire`.
    fn try_acquire<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.under(py)?
            .object(py)
            .call_method0(intern!(py, "try_acquire"))
    }

    /// The lock's `release`.
    fn release<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.under(py)?.object(py).call_method0(intern!(py, "release"))
    }

    /// Whether somebody has the lock.
    fn locked<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.under(py)?.object(py).call_method0(intern!(py, "locked"))
    }

    /// An operation that lets go of the lock, waits to be notified, takes the lock again, and gives True.
    ///
    /// RuntimeError where the lock is not held. Cancel safety: the lock is held again before the CancelledError
    /// comes up, and a notification that came by then goes to the next who waits.
    fn wait(slf: &Bound<'_, Self>) -> Operation {
        Self::waiting(slf, "Condition.wait", None)
    }

    /// An operation that waits until `predicate()` is true, and gives its value; it looks before the first wait
    /// and after each notification, always with the lock held.
    ///
    /// RuntimeError where the lock is not held and it would have to wait. Cancel safety: as `wait`.
    fn wait_for(slf: &Bound<'_, Self>, predicate: Py<PyAny>) -> Operation {
        Self::waiting(slf, "Condition.wait_for", Some(predicate))
    }

    /// Wakes the first `n` who wait. RuntimeError where the lock is not held.
    #[pyo3(signature = (n=1))]
    fn notify(&self, py: Python<'_>, n: i64) -> PyResult<()> {
        if !self.under(py)?.is_held(py)? {
            return Err(PyRuntimeError::new_err("cannot notify on un-acquired lock"));
        }
        wake(py, self.signals.notify(usize::try_from(n).unwrap_or(0)))
    }

    /// Wakes all who wait. RuntimeError where the lock is not held.
    fn notify_all(&self, py: Python<'_>) -> PyResult<()> {
        self.notify(py, i64::MAX)
    }

    /// How many are `waiting`, and the statistics of the `lock`.
    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        counts.set_item("waiting", self.signals.waiters.lock().len())?;
        let lock = self
            .under(py)?
            .object(py)
            .call_method0(intern!(py, "statistics"))?;
        counts.set_item("lock", lock)?;
        Ok(counts)
    }

    fn __aenter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.under(py)?.object(py).call_method0(intern!(py, "__aenter__"))
    }

    fn __aexit__(
        &self,
        py: Python<'_>,
        _exc_type: &Bound<'_, PyAny>,
        _exc: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<Ready>> {
        self.release(py)?;
        Ready::none(py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let py = slf.py();
        let locked = slf.get().locked(py)?.is_truthy()?;
        let waiting = slf.get().signals.waiters.lock().len();
        let state = if locked { "locked" } else { "unlocked" };
        let waiters = if waiting > 0 {
            format!(", waiters:{waiting}")
        } else {
            String::new()
        };
        described(slf.as_any(), &format!("{state}{waiters}"))
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        refuse_pickling(slf.as_any())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.lock.get() {
            Some(Under::Lock(lock)) => visit.call(lock),
            Some(Under::RLock(lock)) => visit.call(lock),
            None => Ok(()),
        }
    }
}

impl Condition {
    fn under(&self, py: Python<'_>) -> PyResult<&Under> {
        if let Some(under) = self.lock.get() {
            return Ok(under);
        }
        let own = Under::Lock(Py::new(py, Lock::free())?);
        Ok(self.lock.get_or_init(|| own))
    }

    fn waiting(slf: &Bound<'_, Self>, qualname: &'static str, predicate: Option<Py<PyAny>>) -> Operation {
        Operation::new(
            qualname,
            Waiting {
                condition: slf.clone().unbind(),
                predicate,
                stage: Stage::Begun,
                owner: None,
                notified: false,
                error: None,
            },
        )
    }
}
