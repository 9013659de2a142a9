//! How children run: what starts them, steps them and tells of their ends.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};

use super::child::{Child, Started, Waiting};
use super::children::{Afar, Children, NextTurn, cancel, clone};
use super::driven::Driven;
use super::fan_out::{Report, Wakes, fan_out};
use super::start::Starter;
use crate::bridge::slots::Sleeper;
use crate::bridge::{Hub, Native, Step, Turn};
use crate::error::Error;
use crate::python::imports;
use crate::runtime;

/// The tag under which the fan-out sleeps; the others are the children's numbers.
const FAN_OUT: usize = usize::MAX;

/// The tag under which the time limit of an `as_completed` sleeps.
pub(super) const TIME_LIMIT: usize = usize::MAX - 1;

impl Children {
    /// Native children start at once, Python ones as with `asyncio.gather`: in the loop's next turn.
    pub(super) fn start(slf: &Bound<'_, Self>, event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
        let starter = Starter::on(event_loop)?;
        let waits_for_turn = starter.waits_for_turn();
        let mut inner = slf.get().inner.lock();
        let limited = inner.limit < inner.children.len();
        drop(inner);
        // Only then do children start after this call.
        let context = limited
            .then(|| imports::copy_context(slf.py())?.call0().map(Bound::unbind))
            .transpose()?;
        inner = slf.get().inner.lock();
        inner.starter = Some(starter);
        inner.context = context;
        // Under a limit that is for others too, each native child is counted and stepped here.
        let fans_out = !limited || inner.children.iter().all(Child::is_detachable);
        let (mut natives, mut at_once) = (Vec::new(), Vec::new());
        let mut ended = Vec::new();
        for index in 0..inner.children.len() {
            let Some(child) = inner.children.get_mut(index) else {
                break;
            };
            if fans_out && child.is_detachable() {
                if let Child::Waiting(Waiting::Native(work)) =
                    std::mem::replace(child, Child::Started(Started::Afar))
                    && let Ok(native) = work.detach()
                {
                    natives.push((index, native));
                }
                continue;
            }
            match child {
                Child::Waiting(Waiting::Future(_)) => at_once.push(index),
                Child::Waiting(Waiting::Native(_)) if !limited => at_once.push(index),
                Child::Waiting(_) => inner.waiting.push_back(index),
                _ => ended.push(index),
            }
        }
        let limit = inner.limit;
        drop(inner);
        if !natives.is_empty() {
            Self::send_afar(slf, natives, limit)?;
        }
        for index in at_once {
            Self::start_child(slf, index)?;
        }
        for index in ended {
            // An operation that had been awaited before: its error is its end.
            Self::child_ended(slf, index, None)?;
        }
        if waits_for_turn && !slf.get().inner.lock().waiting.is_empty() {
            Self::schedule(slf)
        } else {
            Self::pump(slf)
        }
    }

    /// Hands native children to tokio, all in one task.
    fn send_afar(slf: &Bound<'_, Self>, natives: Vec<(usize, Native)>, limit: usize) -> PyResult<()> {
        let py = slf.py();
        let mut inner = slf.get().inner.lock();
        let hub = Arc::clone(&inner.hub);
        let (id, waker) = hub.reserve_with_waker(py);
        let wakes = match &inner.ends {
            Some(_) => Wakes::Each,
            None if inner.listener.is_some() => Wakes::Each,
            None if inner.return_exceptions => Wakes::Last,
            None => Wakes::Failures,
        };
        let report = Report::new(waker, wakes);
        let job = runtime::spawn(fan_out(natives, limit, Arc::clone(&report)))?;
        inner.afar = Some(Afar { job, report, id });
        drop(inner);
        hub.occupy(py, id, Self::sleeper(slf, FAN_OUT));
        // The first poll leaves the waker with the job.
        Self::hear_from_afar(slf)
    }

    pub(super) fn sleeper(slf: &Bound<'_, Self>, tag: usize) -> Sleeper {
        Sleeper {
            object: slf.clone().into_any().unbind(),
            tag,
            resume: Self::resume,
            abandon: Self::abandon,
        }
    }

    /// The hub's call: a native child can go on, or there is news from afar.
    fn resume(object: &Bound<'_, PyAny>, tag: usize, _hub: &Hub) -> PyResult<()> {
        let Ok(slf) = object.cast::<Self>() else {
            return Ok(());
        };
        match tag {
            FAN_OUT => Self::hear_from_afar(slf),
            TIME_LIMIT => Self::time_is_over(slf),
            index => Self::step_native(slf, index),
        }
    }

    /// Takes over what has ended on tokio.
    pub(super) fn hear_from_afar(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let mut inner = slf.get().inner.lock();
        let hub = Arc::clone(&inner.hub);
        if hub.is_closed() {
            // In a forked child the report may be locked for ever, by a thread that is not there.
            return Ok(());
        }
        let Some(Afar { job, report, id }) = &mut inner.afar else {
            return Ok(());
        };
        let waker = hub.waker(py, *id);
        let ended = Pin::new(job).poll(&mut Context::from_waker(&waker));
        let (finished, id) = (report.take(), *id);
        if ended.is_ready() {
            inner.afar = None;
        }
        drop(inner);
        if ended.is_ready() {
            hub.release(py, id);
        }
        for (index, delivery) in finished {
            Self::child_ended(slf, index, Some(delivery.deliver(py)))?;
        }
        if let Poll::Ready(ended) = ended {
            // What has no end now, has none because its task failed.
            let lost = || Error::runtime("the operation panicked; please report this with the message above");
            let error = ended.err().unwrap_or_else(lost);
            let left = Self::afar(&slf.get().inner.lock().children);
            for index in left {
                Self::child_ended(slf, index, Some(Err(error.clone().into())))?;
            }
        }
        Ok(())
    }

    fn afar(children: &[Child]) -> Vec<usize> {
        let of_afar =
            |(index, child): (usize, &Child)| matches!(child, Child::Started(Started::Afar)).then_some(index);
        children.iter().enumerate().filter_map(of_afar).collect()
    }

    /// Starts what waits, as far as the limit goes.
    ///
    /// A child that ends while it is started comes back here through `child_ended`; the outermost call
    /// does the work, so a thousand children that end at once do not nest.
    pub(super) fn pump(slf: &Bound<'_, Self>) -> PyResult<()> {
        if std::mem::replace(&mut slf.get().inner.lock().pumping, true) {
            return Ok(());
        }
        let outcome = loop {
            let mut inner = slf.get().inner.lock();
            if inner.running >= inner.limit {
                break Ok(());
            }
            let Some(index) = inner.waiting.pop_front() else {
                break Ok(());
            };
            inner.running += 1;
            drop(inner);
            if let Err(error) = Self::start_child(slf, index) {
                break Err(error);
            }
        };
        let mut inner = slf.get().inner.lock();
        inner.pumping = false;
        let more = outcome.is_err() && !inner.waiting.is_empty();
        drop(inner);
        if more {
            // An interrupt leaves the loop; the others start when it runs again.
            Self::schedule(slf)?;
        }
        outcome
    }

    pub(super) fn start_child(slf: &Bound<'_, Self>, index: usize) -> PyResult<()> {
        let py = slf.py();
        let waiting = {
            let mut inner = slf.get().inner.lock();
            match inner.children.get_mut(index) {
                Some(child) if child.is_waiting() => std::mem::replace(child, Child::Moving),
                _ => return Ok(()),
            }
        };
        let Child::Waiting(waiting) = waiting else {
            return Ok(());
        };
        let (awaitable, is_coroutine) = match waiting {
            Waiting::Native(work) => {
                Self::now(
                    slf,
                    index,
                    Started::Native {
                        work: Some(work),
                        id: None,
                    },
                );
                return Self::step_native(slf, index);
            }
            Waiting::Future(future) => {
                let done = ChildDone {
                    children: slf.clone().unbind(),
                    index,
                };
                Self::now(slf, index, Started::Future(future.clone_ref(py)));
                return future
                    .call_method1(py, intern!(py, "add_done_callback"), (done,))
                    .map(drop);
            }
            Waiting::Coroutine(coroutine) => (coroutine, true),
            Waiting::Awaitable(awaitable) => (awaitable, false),
        };
        let Some(starter) = slf.get().inner.lock().starter.clone() else {
            return Ok(());
        };
        if slf.get().inner.lock().shows_tasks() {
            return Self::start_shown(slf, index, &starter, awaitable.bind(py), is_coroutine);
        }
        let driven = Driven::new(awaitable, is_coroutine, slf.clone().unbind(), index, py);
        let task = starter.task(Bound::new(py, driven)?.as_any())?;
        if Self::now(slf, index, Started::Task(task.clone().unbind())) {
            // Its end is the gather's business, also if the loop is dropped before.
            task.setattr(intern!(py, "_log_destroy_pending"), false)?;
            let cancelled = slf
                .get()
                .inner
                .lock()
                .cancelled
                .as_ref()
                .map(|message| clone(message, py));
            if let Some(message) = cancelled {
                cancel(&task, message)?;
            }
        }
        Ok(())
    }

    /// A Task that its user sees, around the coroutine itself and with the result in it.
    fn start_shown(
        slf: &Bound<'_, Self>,
        index: usize,
        starter: &Starter,
        awaitable: &Bound<'_, PyAny>,
        is_coroutine: bool,
    ) -> PyResult<()> {
        let py = slf.py();
        let task = if is_coroutine {
            starter.task(awaitable)?
        } else {
            let kwargs = PyDict::new(py);
            let event_loop = slf.get().inner.lock().hub.event_loop(py)?;
            kwargs.set_item(intern!(py, "loop"), event_loop)?;
            imports::ensure_future(py)?.call((awaitable,), Some(&kwargs))?
        };
        Self::now(slf, index, Started::Task(task.clone().unbind()));
        if task.call_method0(intern!(py, "done"))?.is_truthy()? {
            return Self::child_ended(slf, index, None);
        }
        let done = ChildDone {
            children: slf.clone().unbind(),
            index,
        };
        task.call_method1(intern!(py, "add_done_callback"), (done,))
            .map(drop)
    }

    /// Says what has become of a child that was moving; false if it has ended meanwhile.
    fn now(slf: &Bound<'_, Self>, index: usize, started: Started) -> bool {
        let mut inner = slf.get().inner.lock();
        match inner.children.get_mut(index) {
            Some(child @ Child::Moving) => {
                *child = Child::Started(started);
                true
            }
            _ => false,
        }
    }

    pub(super) fn step_native(slf: &Bound<'_, Self>, index: usize) -> PyResult<()> {
        let py = slf.py();
        let (hub, mut work, mut id) = {
            let mut inner = slf.get().inner.lock();
            let hub = Arc::clone(&inner.hub);
            match inner.children.get_mut(index) {
                Some(Child::Started(Started::Native { work, id })) => match work.take() {
                    Some(work) => (hub, work, *id),
                    None => return Ok(()),
                },
                _ => return Ok(()),
            }
        };
        let had_id = id.is_some();
        let step = work.step(py, &mut Turn::new(&hub, &mut id));
        if let Step::Done(outcome) = step {
            drop(work);
            if let Some(id) = id {
                hub.release(py, id);
            }
            return Self::child_ended(slf, index, Some(outcome));
        }
        let mut inner = slf.get().inner.lock();
        if let Some(Child::Started(Started::Native {
            work: place,
            id: known,
        })) = inner.children.get_mut(index)
        {
            (*place, *known) = (Some(work), id);
        }
        if matches!(step, Step::Yield) {
            inner.next_turn.push(NextTurn::Step(index));
            drop(inner);
            return Self::schedule(slf);
        }
        drop(inner);
        if let Some(id) = id.filter(|_| !had_id) {
            hub.occupy(py, id, Self::sleeper(slf, index));
        }
        Ok(())
    }
}

/// Called by a Future of the caller's when it is done.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
struct ChildDone {
    children: Py<Children>,
    index: usize,
}

#[pymethods]
impl ChildDone {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let children = self.children.bind(future.py());
        if children.get().inner.lock().shows_tasks() {
            return Children::child_ended(children, self.index, None);
        }
        // `result` raises the Future's exception, CancelledError included, and marks it as retrieved.
        let outcome = future
            .call_method0(intern!(future.py(), "result"))
            .map(Bound::unbind);
        Children::child_ended(children, self.index, Some(outcome))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.children)
    }
}
