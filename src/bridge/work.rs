//! What an operation does when it is stepped, and what of it tokio can do alone.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::hub::Hub;
use super::mailbox::WakeId;
use super::spare::Spare;
use crate::error::{Error, Result};
use crate::runtime::{self, Job, Near};

/// What one step of an operation came to.
#[derive(Debug)]
pub enum Step {
    /// Finished: the value of the `await`, or its exception.
    Done(PyResult<Py<PyAny>>),
    /// The id or the waker of the turn will be woken.
    Pending,
    /// Once round the loop, with nothing to wait for: a bare `yield`.
    Yield,
}

/// The body of an operation. Dropping it stops it, returns what it held, and closes what it opened.
pub trait Work: Any + Send + fmt::Debug {
    /// Goes as far as it can, on the loop thread, with no lock held.
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step;

    /// The end, if it can be had on the first step without a loop; it is not asked again.
    fn at_once(&mut self, _py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        None
    }

    /// Where an operation whose work ended at once is kept for the next call, with this work in it.
    fn spare(&self) -> Option<&'static Spare> {
        None
    }

    /// Whether it must hear of a cancel, because it has something to do first.
    fn survives_cancel(&self) -> bool {
        false
    }

    /// `error` is raised where it waits. Only asked of what [survives a cancel](Self::survives_cancel).
    fn thrown(&mut self, _py: Python<'_>, error: PyErr, _turn: &mut Turn<'_>) -> Step {
        Step::Done(Err(error))
    }

    /// Whether [`detach`](Self::detach) would succeed: it needs neither the loop nor its clock, holds no
    /// Python object, since tokio must not drop one, and has not been stepped.
    fn is_detachable(&self) -> bool {
        false
    }

    /// The work that `async with` awaits on its way in, where the value of this one can be had in a form that
    /// is to be closed: its value has an `aclose`. This work is not stepped then.
    fn enter(&mut self) -> Option<Box<dyn Work>> {
        None
    }

    /// The same work as a future for tokio; the work back if that cannot be.
    fn detach(self: Box<Self>) -> Result<Native, Box<dyn Work>>;

    /// Shows the garbage collector the Python objects in here, if there are any.
    fn traverse(&self, _visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        Ok(())
    }
}

/// Where a step happens: the loop's hub, and the sleeper's id, taken when first asked for.
///
/// Whoever steps a work keeps the id from one turn to the next, and gives it back.
#[derive(Debug)]
pub struct Turn<'a> {
    hub: &'a Arc<Hub>,
    id: &'a mut Option<WakeId>,
}

impl<'a> Turn<'a> {
    pub fn new(hub: &'a Arc<Hub>, id: &'a mut Option<WakeId>) -> Self {
        Self { hub, id }
    }

    pub fn hub(&self) -> &'a Arc<Hub> {
        self.hub
    }

    pub fn id(&mut self, py: Python<'_>) -> WakeId {
        *self.id.get_or_insert_with(|| self.hub.reserve(py))
    }

    /// A waker for this sleeper that any thread may use.
    pub fn waker(&mut self, py: Python<'_>) -> Waker {
        if let Some(id) = *self.id {
            return self.hub.waker(py, id);
        }
        let (id, waker) = self.hub.reserve_with_waker(py);
        *self.id = Some(id);
        waker
    }
}

/// Work that is done in one go when it is awaited, and needs no loop for it.
///
/// The function is not shown to the garbage collector: what it holds must not lead back to the operation.
pub struct InOneGo<F>(Option<F>);

impl<F> InOneGo<F> {
    pub fn new(action: F) -> Self {
        Self(Some(action))
    }
}

impl<F> fmt::Debug for InOneGo<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InOneGo")
    }
}

impl<F> Work for InOneGo<F>
where
    F: FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static,
{
    fn at_once(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        self.0.take().map(|action| action(py))
    }

    fn step(&mut self, py: Python<'_>, _turn: &mut Turn<'_>) -> Step {
        // As the child of a gather it is stepped without being asked first.
        let taken = || Err(Error::runtime("this work has already been done").into());
        Step::Done(self.at_once(py).unwrap_or_else(taken))
    }

    fn detach(self: Box<Self>) -> Result<Native, Box<dyn Work>> {
        Err(self)
    }
}

/// What a finished job brings to the loop thread, where it becomes a Python object.
pub trait Deliver: Send + 'static {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>>;

    /// The same, for the case that its type must be forgotten.
    fn boxed(self) -> Delivery
    where
        Self: Sized,
    {
        Delivery::Value(Box::new(move |py| self.deliver(py)))
    }
}

impl Deliver for () {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(py.None())
    }

    fn boxed(self) -> Delivery {
        Delivery::Nothing
    }
}

/// Makes a Python object, once, on the loop thread.
pub type Make = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// A result on its way from tokio to Python.
pub enum Delivery {
    /// None.
    Nothing,
    Value(Make),
    Failed(Error),
}

impl Delivery {
    pub fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self {
            Self::Nothing => Ok(py.None()),
            Self::Value(make) => make(py),
            Self::Failed(error) => Err(error.into()),
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Value(_) => f.write_str("Value"),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

/// An operation's work as a future of its own, for a fan-out on tokio.
pub type Native = Pin<Box<dyn Future<Output = Delivery> + Send>>;

/// Work that tokio does: the future is spawned at the first step, so an operation is as lazy as a
/// coroutine, and aborted when this is dropped.
pub struct Remote<F: Future>(State<F>);

enum State<F: Future> {
    Waiting(F),
    WaitingNear(F),
    Running(Job<F::Output>),
    Near(Near<F>),
    Taken,
}

impl<F: Future> Remote<F> {
    pub fn new(future: F) -> Self {
        Self(State::Waiting(future))
    }

    /// The same, on the thread that waits for it, as long as that is quicker.
    pub fn near(future: F) -> Self {
        Self(State::WaitingNear(future))
    }
}

impl<F: Future> fmt::Debug for Remote<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Waiting(_) | State::WaitingNear(_) => "Remote(waiting)",
            State::Running(_) | State::Near(_) => "Remote(running)",
            State::Taken => "Remote(taken)",
        })
    }
}

// Nothing is pinned before the future is moved into its job.
impl<F: Future> Unpin for Remote<F> {}

impl<F, T> Remote<F>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    /// Starts it at the first call; its end, once.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T>> {
        loop {
            match &mut self.0 {
                State::Running(job) => {
                    return Pin::new(job)
                        .poll(cx)
                        .map(|outcome| outcome.and_then(|value| value));
                }
                State::Near(near) => {
                    return Pin::new(near)
                        .poll(cx)
                        .map(|outcome| outcome.and_then(|value| value));
                }
                state => {
                    *state = match std::mem::replace(state, State::Taken) {
                        State::Waiting(future) => State::Running(runtime::spawn(future)?),
                        State::WaitingNear(future) => State::Near(Near::new(future)),
                        _ => return Poll::Ready(Err(Error::runtime("this work has already been taken"))),
                    };
                }
            }
        }
    }
}

impl<F, T> Work for Remote<F>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: Deliver,
{
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        let waker = turn.waker(py);
        match self.poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(Ok(value)) => Step::Done(value.deliver(py)),
            Poll::Ready(Err(error)) => Step::Done(Err(error.into())),
            Poll::Pending => Step::Pending,
        }
    }

    fn is_detachable(&self) -> bool {
        matches!(self.0, State::Waiting(_) | State::WaitingNear(_))
    }

    fn detach(self: Box<Self>) -> Result<Native, Box<dyn Work>> {
        match self.0 {
            State::Waiting(future) | State::WaitingNear(future) => Ok(Box::pin(async move {
                match future.await {
                    Ok(value) => value.boxed(),
                    Err(error) => Delivery::Failed(error),
                }
            })),
            _ => Err(self),
        }
    }
}
