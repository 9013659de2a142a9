//! The children of one call: who waits, runs and has ended, and whom their ends are told.
//!
//! For a gather that is a Future, which is set once; for the others [`Ends`], where each end is taken.
//!
//! Invariant: `left` counts the children that have not ended, each of which ends once. The Future is set
//! when `left` reaches zero or at the first exception, and `outer` is None from then on.
//!
//! Locks: `inner` is never held while Python is called. A child that somebody works on meanwhile is
//! [`Child::Moving`], or has its work taken out.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3::{PyTraverseError, PyVisit};

use super::child::{Child, Ended, Outcome, Started, Waiting};
use super::ends::Ends;
use super::fan_out::Report;
use super::listener::Listener;
use super::start::Starter;
use crate::bridge::Hub;
use crate::bridge::mailbox::WakeId;
use crate::error::Error;
use crate::python::exceptions::cancelled;
use crate::runtime::Job;

/// See the head of this file.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct Children {
    pub(super) inner: Mutex<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) outer: Option<Py<PyAny>>,
    /// None for a gather.
    pub(super) ends: Option<Ends>,
    pub(super) hub: Arc<Hub>,
    pub(super) children: Vec<Child>,
    /// The caller's context, where children start.
    pub(super) context: Option<Py<PyAny>>,
    /// For each argument its child; None where that is its own number.
    pub(super) places: Option<Vec<usize>>,
    pub(super) left: usize,
    /// Children that wait for their start, in order.
    pub(super) waiting: VecDeque<usize>,
    /// What the loop's next turn is to do beside starting those that wait.
    pub(super) next_turn: Vec<NextTurn>,
    /// How many count against the limit now.
    pub(super) running: usize,
    pub(super) limit: usize,
    pub(super) return_exceptions: bool,
    /// Whom each end is told, while the Future is to be set.
    pub(super) listener: Option<Arc<Listener>>,
    /// That cancelling was asked for, and with which message.
    pub(super) cancelled: Option<Option<Py<PyAny>>>,
    /// The loop's next turn will call us.
    pub(super) scheduled: bool,
    pub(super) pumping: bool,
    /// None before the start, and once everything has ended.
    pub(super) starter: Option<Arc<Starter>>,
    pub(super) afar: Option<Afar>,
}

#[derive(Debug)]
pub(super) enum NextTurn {
    /// Step a native child that let the loop turn.
    Step(usize),
    /// Say that a child was cancelled.
    Cancelled(usize),
}

/// The native children that tokio runs.
#[derive(Debug)]
pub(super) struct Afar {
    pub(super) job: Job<()>,
    pub(super) report: Arc<Report>,
    pub(super) id: WakeId,
}

impl Children {
    pub(super) fn new(
        hub: Arc<Hub>,
        children: Vec<Child>,
        places: Option<Vec<usize>>,
        limit: usize,
        return_exceptions: bool,
    ) -> Self {
        Self {
            inner: Mutex::new(Inner {
                outer: None,
                ends: None,
                hub,
                left: children.len(),
                children,
                context: None,
                places,
                waiting: VecDeque::new(),
                next_turn: Vec::new(),
                running: 0,
                limit,
                return_exceptions,
                listener: None,
                cancelled: None,
                scheduled: false,
                pumping: false,
                starter: None,
                afar: None,
            }),
        }
    }

    /// The hub's call: the loop is gone. Stops the work and lets go of everything.
    pub(super) fn abandon(object: &Bound<'_, PyAny>, _tag: usize, _hub: &Hub) -> PyResult<()> {
        if let Ok(slf) = object.cast::<Self>() {
            slf.get().clear();
        }
        Ok(())
    }

    fn clear(&self) {
        let mut inner = self.inner.lock();
        let cleared = (
            std::mem::take(&mut inner.children),
            inner.afar.take(),
            inner.outer.take(),
            inner.cancelled.take(),
            inner.starter.take(),
            inner.context.take(),
            inner.ends.take(),
            inner.listener.take(),
        );
        inner.left = 0;
        inner.waiting.clear();
        inner.next_turn.clear();
        drop(inner);
        drop(cleared);
    }

    /// Has the loop call us in its next turn.
    pub(super) fn schedule(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let (hub, context) = {
            let mut inner = slf.get().inner.lock();
            if std::mem::replace(&mut inner.scheduled, true) {
                return Ok(());
            }
            (Arc::clone(&inner.hub), clone(&inner.context, py))
        };
        // Without it the loop would take the context of the child whose end brought us here.
        let kwargs = context
            .map(|context| {
                let kwargs = PyDict::new(py);
                let copy = context.call_method0(py, intern!(py, "copy"))?;
                kwargs.set_item(intern!(py, "context"), copy)?;
                PyResult::Ok(kwargs)
            })
            .transpose()?;
        hub.event_loop(py)?
            .call_method(intern!(py, "call_soon"), (slf,), kwargs.as_ref())
            .map(drop)
    }

    /// A child has ended, with `outcome` or with what is noted already. Sets the Future if that decides
    /// it, and has the next one started.
    pub(super) fn child_ended(slf: &Bound<'_, Self>, index: usize, outcome: Option<Outcome>) -> PyResult<()> {
        let py = slf.py();
        let mut inner = slf.get().inner.lock();
        let Some(child) = inner.children.get_mut(index) else {
            return Ok(());
        };
        let outcome = outcome.map(|outcome| Ended::of(py, outcome));
        // Those that were pumped count against the limit; a Future of the caller's ran by itself.
        let counted = matches!(
            child,
            Child::Moving | Child::Started(Started::Task(_) | Started::Native { .. })
        );
        let was = match outcome {
            Some(_) if matches!(child, Child::Ended(_) | Child::Gone) => return Ok(()),
            Some(outcome) => Some(std::mem::replace(child, Child::Ended(outcome))),
            None => None,
        };
        let failed = match child {
            Child::Ended(Ended::Failed(error)) => Some(error.clone_ref(py)),
            _ => None,
        };
        inner.left -= 1;
        if counted {
            inner.running = inner.running.saturating_sub(1);
        }
        let more = !inner.waiting.is_empty() && !inner.pumping;
        if inner.ends.is_some() {
            drop(inner);
            drop(was);
            Self::note_end(slf, index, failed)?;
        } else {
            let listener = inner.listener.clone().filter(|_| inner.cancelled.is_none());
            let told = match listener {
                None => Ok(()),
                Some(listener) => {
                    let total = inner.children.len();
                    let done = total - inner.left;
                    drop(inner);
                    let told = listener.tell(py, done, total, failed.is_some());
                    inner = slf.get().inner.lock();
                    told
                }
            };
            let last = inner.left == 0;
            let early = match told {
                // Nobody else would hear of it.
                Err(error) => Some(error.into_value(py).into_any()),
                Ok(()) => failed.filter(|_| !inner.return_exceptions),
            };
            let outer = if last || early.is_some() {
                inner.outer.take()
            } else {
                None
            };
            drop(inner);
            drop(was);
            if let Some(outer) = outer {
                Self::settle(slf, outer.bind(py), early)?;
            }
        }
        if more { Self::schedule(slf) } else { Ok(()) }
    }

    /// Sets the Future: to `error`, or to what all children came to.
    fn settle(slf: &Bound<'_, Self>, outer: &Bound<'_, PyAny>, error: Option<Py<PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let listener = slf.get().inner.lock().listener.take();
        if let Some(listener) = listener {
            listener.finish(py);
        }
        if outer.call_method0(intern!(py, "done"))?.is_truthy()? {
            return Ok(());
        }
        let set_exception = |error: Py<PyAny>| outer.call_method1(intern!(py, "set_exception"), (error,));
        if let Some(error) = error {
            return set_exception(error).map(drop);
        }
        let mut inner = slf.get().inner.lock();
        let requested = inner.cancelled.take();
        let children = std::mem::take(&mut inner.children);
        let places = inner.places.take();
        let spent = (inner.starter.take(), inner.context.take());
        drop(inner);
        drop(spent);
        if let Some(message) = requested {
            return set_exception(cancelled(py, message)?.into_value(py).into_any()).map(drop);
        }
        let values: Vec<_> = children.into_iter().map(value).collect::<PyResult<_>>()?;
        let results = match places {
            None => PyList::new(py, values)?,
            Some(places) => PyList::new(py, places.into_iter().filter_map(|place| values.get(place)))?,
        };
        outer
            .call_method1(intern!(py, "set_result"), (results,))
            .map(drop)
    }
}

/// The result that stands for an ended child.
fn value(child: Child) -> PyResult<Py<PyAny>> {
    match child {
        Child::Ended(Ended::Returned(value) | Ended::Failed(value)) => Ok(value),
        // Not reached: every child has ended.
        _ => Err(Error::runtime("a child of this gather got lost").into()),
    }
}

pub(super) fn clone(message: &Option<Py<PyAny>>, py: Python<'_>) -> Option<Py<PyAny>> {
    message.as_ref().map(|message| message.clone_ref(py))
}

/// `future.cancel(msg)`, without a message if there is none.
pub(super) fn cancel(future: &Bound<'_, PyAny>, message: Option<Py<PyAny>>) -> PyResult<bool> {
    let py = future.py();
    let kwargs = PyDict::new(py);
    if let Some(message) = message {
        kwargs.set_item(intern!(py, "msg"), message)?;
    }
    future
        .call_method(intern!(py, "cancel"), (), Some(&kwargs))?
        .is_truthy()
}

/// Stops children that are ours alone: those of tokio, those that are stepped here, those that wait.
pub(super) fn stop(py: Python<'_>, hub: &Hub, afar: Option<Afar>, children: Vec<Child>) -> PyResult<()> {
    if let Some(Afar { id, .. }) = &afar {
        hub.release(py, *id);
    }
    drop(afar);
    for child in children {
        match &child {
            Child::Started(Started::Native { id: Some(id), .. }) => hub.release(py, *id),
            // It never began, and nobody is to be warned that it was never awaited.
            Child::Waiting(Waiting::Coroutine(coroutine)) => {
                coroutine.call_method0(py, intern!(py, "close"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[pymethods]
impl Children {
    /// The loop's call, in the turn after we asked for it.
    fn __call__(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let (todo, message) = {
            let mut inner = slf.get().inner.lock();
            inner.scheduled = false;
            let message = inner.cancelled.as_ref().and_then(|message| clone(message, py));
            (std::mem::take(&mut inner.next_turn), message)
        };
        for next in todo {
            match next {
                NextTurn::Step(index) => Self::step_native(slf, index)?,
                NextTurn::Cancelled(index) => {
                    let error = cancelled(py, message.as_ref().map(|message| message.clone_ref(py)))?;
                    Self::child_ended(slf, index, Some(Err(error)))?;
                }
            }
        }
        Self::pump(slf)
    }

    /// Cancels all that have not ended; false if there is none. The Future's call.
    #[pyo3(signature = (msg=None))]
    pub(super) fn cancel(slf: &Bound<'_, Self>, msg: Option<Py<PyAny>>) -> PyResult<bool> {
        let py = slf.py();
        // What has ended afar and was not heard of has ended.
        Self::hear_from_afar(slf)?;
        let mut inner = slf.get().inner.lock();
        let afar = inner.afar.take();
        inner.waiting.clear();
        let (mut futures, mut stopped, mut next) = (Vec::new(), Vec::new(), Vec::new());
        for (index, child) in inner.children.iter_mut().enumerate() {
            match child {
                Child::Started(Started::Future(future) | Started::Task(future)) => {
                    futures.push(future.clone_ref(py))
                }
                Child::Waiting(_) | Child::Started(_) => {
                    stopped.push(std::mem::replace(child, Child::Moving));
                    next.push(NextTurn::Cancelled(index));
                }
                Child::Moving | Child::Ended(_) | Child::Gone => {}
            }
        }
        let mut any = !next.is_empty();
        let was_cancelled = inner.cancelled.replace(clone(&msg, py));
        inner
            .next_turn
            .retain(|next| matches!(next, NextTurn::Cancelled(_)));
        inner.next_turn.append(&mut next);
        let hub = Arc::clone(&inner.hub);
        drop(inner);
        stop(py, &hub, afar, stopped)?;
        for future in futures {
            any |= cancel(future.bind(py), clone(&msg, py))?;
        }
        if any {
            Self::schedule(slf)?;
        } else {
            slf.get().inner.lock().cancelled = was_cancelled;
        }
        Ok(any)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Some(inner) = self.inner.try_lock() else {
            return Ok(());
        };
        visit.call(&inner.outer)?;
        if let Some(ends) = &inner.ends {
            ends.traverse(visit)?;
        }
        visit.call(&inner.context)?;
        // As with the starter below.
        if let Some(listener) = inner
            .listener
            .as_ref()
            .filter(|listener| Arc::strong_count(listener) == 1)
        {
            listener.traverse(&visit)?;
        }
        if let Some(Some(message)) = &inner.cancelled {
            visit.call(message)?;
        }
        // A starter that is being used is also held by the call that uses it, and stays uncounted then.
        if let Some(starter) = inner
            .starter
            .as_ref()
            .filter(|starter| Arc::strong_count(starter) == 1)
        {
            starter.traverse(visit)?;
        }
        inner.children.iter().try_for_each(|child| child.traverse(visit))
    }

    fn __clear__(&self) {
        self.clear();
    }
}
