//! `to_thread`: a blocking Python function, on a thread where it holds up nobody.
//!
//! ```text
//! loop thread: ToThread -- Call --> crew (runtime/threads) -- a thread of its own, attached -> function
//!                  ^                                                                             |
//!                  +------------------ Job <- Promise -> the loop's mailbox <--------------------+
//! ```
//!
//! These threads are the one place where Python runs off the loop's thread. A thread attaches when there
//! is a call and stays attached from one call to the next, so that a burst of short ones costs one turn of
//! the interpreter's lock; while it waits it is detached. It keeps its `threading.local` values.
//!
//! When the program ends, Python waits for the functions that run, as it does for asyncio's. In a forked
//! child there are none.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use crate::bridge::{Native, Operation, Step, Turn, Work};
use crate::error::{Error, Result};
use crate::python::{context, exceptions, foreign, imports};
use crate::runtime::{self, Crew, Job, Member, Promise};

/// While Python waits for the threads at its end, it looks for Ctrl-C this often.
const LOOK_FOR_SIGNALS: Duration = Duration::from_millis(50);

/// An operation that calls `func(*args, **kwargs)` on another thread and gives what it returns.
///
/// The function runs in a copy of the caller's context. At most `AIOXIDE_THREADS` of them run at a time, by
/// default the number of cores and 4, and no more than 32; the others wait in order.
///
/// What it raises is raised; StopIteration becomes RuntimeError, as with asyncio. RuntimeError, when it is
/// awaited, if the program has ended and Python is waiting for its threads.
/// Cancel safety: a function that has begun goes on to its end, and what it comes to is dropped; one that
/// has not will not.
#[pyfunction]
#[pyo3(signature = (func, /, *args, **kwargs))]
pub fn to_thread(func: Py<PyAny>, args: Py<PyTuple>, kwargs: Option<Py<PyDict>>) -> Operation {
    let call = Prepared { func, args, kwargs };
    Operation::new("to_thread", ToThread::Prepared(call))
}

#[derive(Debug)]
struct Prepared {
    func: Py<PyAny>,
    args: Py<PyTuple>,
    kwargs: Option<Py<PyDict>>,
}

/// What a function came to, on its way to the loop.
#[derive(Debug)]
struct Outcome(PyResult<Py<PyAny>>);

/// A function that waits for a thread.
struct Call {
    prepared: Prepared,
    context: Py<PyAny>,
    promise: Promise<Outcome>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}

static CREW: Mutex<Option<Arc<Crew<Call>>>> = Mutex::new(None);

/// Set when the program has ended: nobody would wait for another thread.
static ENDED: AtomicBool = AtomicBool::new(false);

fn crew() -> Result<Arc<Crew<Call>>> {
    if ENDED.load(Ordering::Acquire) {
        return Err(Error::runtime(
            "cannot start a thread after the program has ended",
        ));
    }
    let mut slot = CREW.lock();
    // After a fork: its lock may be held by a thread that is in the parent.
    std::mem::forget(slot.take_if(|crew| crew.is_stale()));
    match &*slot {
        Some(crew) => Ok(Arc::clone(crew)),
        None => Ok(Arc::clone(slot.insert(Crew::new(runtime::most_threads()?)))),
    }
}

/// Called when the program has ended: waits for the functions that run or are queued, as Python does for
/// those of asyncio and `concurrent.futures`. Ctrl-C ends the wait.
pub fn wait_for_threads(py: Python<'_>) -> PyResult<()> {
    ENDED.store(true, Ordering::Release);
    let crew = CREW.lock().take();
    let Some(crew) = crew else {
        return Ok(());
    };
    if crew.is_stale() {
        std::mem::forget(crew);
        return Ok(());
    }
    crew.close();
    while !py.detach(|| crew.wait_until_left(LOOK_FOR_SIGNALS)) {
        py.check_signals()?;
    }
    Ok(())
}

/// The life of one thread.
fn work(mut member: Member<Call>) {
    // None once the interpreter is going: then nobody waits for this thread.
    Python::try_attach(|py| {
        // A name is no reason to fail.
        let _unnamed = foreign::name_thread(py, &format!("aioxide_{}", member.number()));
        loop {
            while let Some(call) = member.take() {
                call.run(py);
                if member.is_forked() {
                    // The function forked, and this is the child's only thread, which ends here.
                    std::process::exit(0);
                }
            }
            if !py.detach(|| member.wait()) {
                break;
            }
        }
        let _still_known = foreign::forget_thread(py);
    });
}

impl Call {
    fn run(self, py: Python<'_>) {
        let Self {
            prepared,
            context,
            promise,
        } = self;
        if !promise.is_wanted() {
            return;
        }
        let outcome = context::run_in(context.bind(py), || {
            let Prepared { func, args, kwargs } = &prepared;
            let kwargs = kwargs.as_ref().map(|kwargs| kwargs.bind(py));
            func.bind(py).call(args.bind(py), kwargs)
        });
        let outcome = outcome
            .map(Bound::unbind)
            .map_err(|error| raisable(py, error).unwrap_or_else(|failure| failure));
        // What the function had is let go of before anybody hears of its end.
        drop((prepared, context));
        promise.report(Ok(Outcome(outcome)));
    }
}

/// The exception that the await raises for one that the function raised.
fn raisable(py: Python<'_>, error: PyErr) -> PyResult<PyErr> {
    if error.is_instance_of::<PyStopIteration>(py) {
        // It would look as if the operation had returned. These are asyncio's words.
        let raised = PyRuntimeError::new_err(
            "StopIteration interacts badly with generators and cannot be raised into a Future",
        );
        let value = raised.value(py);
        value.setattr(intern!(py, "__cause__"), error.value(py))?;
        value.setattr(intern!(py, "__context__"), error.value(py))?;
        return Ok(raised);
    }
    if error.get_type(py).is(imports::future_cancelled_error(py)?) {
        return exceptions::cancelled(py, None);
    }
    Ok(error)
}

#[derive(Debug)]
enum ToThread {
    Prepared(Prepared),
    Running(Job<Outcome>),
    Over,
}

impl ToThread {
    fn start(&mut self, py: Python<'_>) -> PyResult<()> {
        let Self::Prepared(prepared) = std::mem::replace(self, Self::Over) else {
            return Ok(());
        };
        let (job, promise) = runtime::promise();
        let call = Call {
            prepared,
            context: imports::copy_context(py)?.call0()?.unbind(),
            promise,
        };
        crew()?.submit(call, work)?;
        *self = Self::Running(job);
        Ok(())
    }
}

impl Work for ToThread {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        if let Self::Prepared(_) = self
            && let Err(error) = self.start(py)
        {
            return Step::Done(Err(error));
        }
        let Self::Running(job) = self else {
            return Step::Done(Err(Error::runtime("this work has already been taken").into()));
        };
        let waker = turn.waker(py);
        match Pin::new(job).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(Ok(Outcome(outcome))) => Step::Done(outcome),
            Poll::Ready(Err(error)) => Step::Done(Err(error.into())),
            Poll::Pending => Step::Pending,
        }
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        match self {
            Self::Prepared(Prepared { func, args, kwargs }) => {
                visit.call(func)?;
                visit.call(args)?;
                visit.call(kwargs)
            }
            _ => Ok(()),
        }
    }
}
