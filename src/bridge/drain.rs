//! What the loop calls: the drain when the bell rang, the tick when a timer is due.

use std::collections::HashMap;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle, ThreadId};

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};
use pyo3::{PyTraverseError, PyVisit};

use super::bell::Bell;
use super::hub::Hub;
use crate::error::Error;
use crate::runtime;

/// Called by the loop when the bell rang. Owned only by the loop's registration of the bell's fd, which
/// `loop.close()` drops at once: that is how a closed loop is noticed.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct Drain {
    hub: Arc<Hub>,
}

#[pymethods]
impl Drain {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        self.hub.drain(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.hub.traverse(visit)
    }

    fn __clear__(&self, py: Python<'_>) {
        self.hub.close(py);
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        // Attached already: CPython drops objects on attached threads only.
        Python::attach(|py| self.hub.close(py));
    }
}

pub(super) fn of<'py>(py: Python<'py>, hub: &Arc<Hub>) -> PyResult<Bound<'py, Drain>> {
    Bound::new(py, Drain { hub: Arc::clone(hub) })
}

/// Called by the loop when a timer is due. Keeps nothing alive: the loop may hold it long after the
/// timer was given up.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct Tick {
    hub: Weak<Hub>,
}

#[pymethods]
impl Tick {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        match self.hub.upgrade() {
            Some(hub) => hub.tick(py),
            None => Ok(()),
        }
    }
}

impl Tick {
    pub(super) fn of<'py>(py: Python<'py>, hub: Weak<Hub>) -> PyResult<Bound<'py, Self>> {
        Bound::new(py, Self { hub })
    }
}

/// Called by the loop in the turn after something of its own was woken. Keeps nothing alive either.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct Soon {
    hub: Weak<Hub>,
}

#[pymethods]
impl Soon {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        match self.hub.upgrade() {
            Some(hub) => hub.drain_quietly(py),
            None => Ok(()),
        }
    }
}

impl Soon {
    pub(super) fn of(py: Python<'_>, hub: Weak<Hub>) -> PyResult<Py<Self>> {
        Py::new(py, Self { hub })
    }
}

/// A loop that watches no fds, and what to call on it.
struct Called {
    event_loop: Py<PyWeakrefReference>,
    drain: Py<Drain>,
}

/// The calling thread's mailbox and the loops it calls; None until the first such loop.
struct Caller {
    epoch: u32,
    sender: Sender<u64>,
    thread: JoinHandle<()>,
    loops: HashMap<u64, Called>,
    next: u64,
}

/// No hub has this number: the calling thread is to end.
const END: u64 = 0;

static CALLER: Mutex<Option<Caller>> = Mutex::new(None);

/// The thread that runs the `atexit` functions, once they have begun.
static EXITING_ON: Mutex<Option<ThreadId>> = Mutex::new(None);

/// A hub for a loop that cannot watch an fd: our thread calls it with `call_soon_threadsafe`.
///
/// Nothing tells us when such a loop is closed; it is noticed when it is called, or when the next one
/// comes.
pub(super) fn call_from_thread(event_loop: &Bound<'_, PyAny>) -> PyResult<Arc<Hub>> {
    let py = event_loop.py();
    forget_closed_loops(py)?;
    if EXITING_ON
        .lock()
        .is_some_and(|thread| thread != thread::current().id())
    {
        // A daemon thread, which CPython is about to stop where it is: nobody calls its loop any more.
        let (nobody, _) = mpsc::channel();
        return Hub::new(event_loop, Bell::caller(END, nobody));
    }
    let (number, sender) = {
        let mut slot = CALLER.lock();
        let stale = slot.take_if(|caller| caller.epoch != runtime::epoch());
        // The parent's loops: their drains close hubs that a fork has closed already.
        std::mem::forget(stale);
        let caller = match &mut *slot {
            Some(caller) => caller,
            None => {
                let (sender, thread) = start_caller()?;
                slot.insert(Caller {
                    epoch: runtime::epoch(),
                    sender,
                    thread,
                    loops: HashMap::new(),
                    next: 0,
                })
            }
        };
        caller.next += 1;
        (caller.next, caller.sender.clone())
    };
    let hub = Hub::new(event_loop, Bell::caller(number, sender))?;
    let called = Called {
        event_loop: PyWeakrefReference::new(event_loop)?.unbind(),
        drain: of(py, &hub)?.unbind(),
    };
    if let Some(caller) = CALLER.lock().as_mut() {
        caller.loops.insert(number, called);
    }
    Ok(hub)
}

fn start_caller() -> PyResult<(Sender<u64>, JoinHandle<()>)> {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::Builder::new()
        .name("aioxide-caller".into())
        .spawn(move || {
            while let Ok(number) = receiver.recv() {
                if number == END || Python::try_attach(|py| call(py, number)).is_none() {
                    return;
                }
            }
        })
        .map_err(|error| Error::runtime(format!("the calling thread could not be started: {error}")))?;
    Ok((sender, thread))
}

/// Called when the interpreter begins to exit: ends the calling thread, which is better gone than left behind.
pub fn stop_caller() {
    *EXITING_ON.lock() = Some(thread::current().id());
    let Some(caller) = CALLER
        .lock()
        .take()
        .filter(|caller| caller.epoch == runtime::epoch())
    else {
        return;
    };
    // Their loops may be running still, in daemon threads: they hear nothing more.
    std::mem::forget(caller.loops);
    let _gone = caller.sender.send(END);
    // It may be in the middle of a call, for which it needs the interpreter.
    let _panicked = Python::attach(|py| py.detach(|| caller.thread.join()));
}

fn call(py: Python<'_>, number: u64) {
    let found = CALLER.lock().as_ref().and_then(|caller| {
        let called = caller.loops.get(&number)?;
        Some((called.event_loop.clone_ref(py), called.drain.clone_ref(py)))
    });
    let Some((event_loop, drain)) = found else {
        return;
    };
    let outcome = match event_loop.bind(py).upgrade() {
        Some(event_loop) => event_loop.call_method1(intern!(py, "call_soon_threadsafe"), (drain,)),
        None => Err(PyRuntimeError::new_err("the loop is gone")),
    };
    if let Err(error) = outcome {
        forget(py, number);
        if !error.is_instance_of::<PyRuntimeError>(py) {
            error.write_unraisable(py, None);
        }
    }
}

/// Closes the hub of a loop that is gone. Not by dropping its drain, which somebody who calls it may have too.
fn forget(py: Python<'_>, number: u64) {
    let forgotten = CALLER
        .lock()
        .as_mut()
        .and_then(|caller| caller.loops.remove(&number));
    if let Some(called) = forgotten {
        called.drain.get().hub.close(py);
    }
}

fn forget_closed_loops(py: Python<'_>) -> PyResult<()> {
    let known: Vec<_> = CALLER.lock().as_ref().map_or_else(Vec::new, |caller| {
        let loops = caller.loops.iter();
        loops
            .map(|(number, called)| (*number, called.event_loop.clone_ref(py)))
            .collect()
    });
    for (number, event_loop) in known {
        let closed = match event_loop.bind(py).upgrade() {
            Some(event_loop) => event_loop.call_method0(intern!(py, "is_closed"))?.is_truthy()?,
            None => true,
        };
        if closed {
            forget(py, number);
        }
    }
    Ok(())
}
