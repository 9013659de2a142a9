//! `Condition`: waiting, with a lock let go of, until somebody says that something has changed.
//!
//! [`waiting`]: a task's wait. [`blocking`]: a thread's.

mod blocking;
mod waiting;

use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use self::waiting::Waiting;
use super::class::{described, refuse_pickling};
use super::exclusive::Mutex;
use super::line::Gate;
use super::lock::Lock;
use super::permits::Permits;
use super::rlock::{Owner, RLock};
use super::waiters::{Standing, Ticket, Waiters, Woken};
use super::waits::{Door, seconds, wake};
use crate::bridge::Operation;
use crate::bridge::ready::Ready;

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

    /// Lets go of it, however often it is held; of an RLock, who had it, and how often.
    fn let_go(&self, py: Python<'_>) -> (Holder, Woken) {
        let holder = match self {
            Self::Lock(_) => None,
            Self::RLock(lock) => lock.get().let_go(py),
        };
        (holder, self.permits().give(1))
    }

    /// Its permit is held again: an RLock is to know whose it is.
    fn take_up(&self, py: Python<'_>, holder: Holder) {
        if let (Self::RLock(lock), Some((owner, count))) = (self, holder) {
            lock.get().take_up(py, owner, count);
        }
    }
}

/// Of an RLock: who had it, and how often.
type Holder = Option<(Owner, usize)>;

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

impl Door for Arc<Signals> {}

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

    /// The lock's `acquire_blocking`.
    #[pyo3(signature = (timeout=None))]
    fn acquire_blocking<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        self.under(py)?
            .object(py)
            .call_method1(intern!(py, "acquire_blocking"), (timeout,))
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
        Operation::new("Condition.wait", Waiting::new(slf, None))
    }

    /// Lets go of the lock on a plain thread, waits for at most `timeout` seconds to be notified, and takes the lock
    /// again, however long that takes; whether it was notified.
    ///
    /// RuntimeError where the lock is not held, and on a thread whose event loop is running. An exception that comes
    /// up meanwhile, as of Ctrl-C, is raised with the lock held.
    #[pyo3(signature = (timeout=None))]
    fn wait_blocking(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        blocking::wait(self, py, seconds(timeout)?)
    }

    /// An operation that waits until `predicate()` is true, and gives its value; it looks before the first wait
    /// and after each notification, always with the lock held.
    ///
    /// RuntimeError where the lock is not held and it would have to wait. Cancel safety: as `wait`.
    fn wait_for(slf: &Bound<'_, Self>, predicate: Py<PyAny>) -> Operation {
        Operation::new("Condition.wait_for", Waiting::new(slf, Some(predicate)))
    }

    /// Waits on a plain thread until `predicate()` is true, for at most `timeout` seconds; what it gave last, which is
    /// false if the time was over. It is called with the lock held, before the first wait and after each.
    ///
    /// RuntimeError as for `wait_blocking`, the first only if it would have to wait.
    #[pyo3(signature = (predicate, timeout=None))]
    fn wait_for_blocking(
        &self,
        py: Python<'_>,
        predicate: &Bound<'_, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        blocking::wait_for(self, py, predicate, seconds(timeout)?)
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

    /// What is let go of by who waits, who has to hold it. RuntimeError if not.
    fn held(&self, py: Python<'_>) -> PyResult<&Under> {
        let under = self.under(py)?;
        if under.is_held(py)? {
            return Ok(under);
        }
        Err(PyRuntimeError::new_err("cannot wait on un-acquired lock"))
    }
}
