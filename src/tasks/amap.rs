//! The inside of `amap`: a window of children that moves along a source of items.
//!
//! Items are pulled and turned into children by whoever asks for the next result, in its own task, as long
//! as fewer than `limit` are outstanding: running, or ended and not taken. So a source of any length takes
//! the memory of `limit` items, and a consumer that is slow holds the source back. From an asynchronous
//! source a task of `aioxide.tasks` feeds in the items instead.
//!
//! The generator in `aioxide.tasks` around this stops it, however it is left.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use pyo3::{PyTraverseError, PyVisit};

use super::child::Ended;
use super::children::Children;
use super::ends::{Ends, Uses, Wanted, wake};
use crate::bridge::mailbox::WakeId;
use crate::bridge::{Hub, Native, Operation, Step, Turn, Work};

/// So many results come without a turn of the loop; then it turns once, so that a map over what ends at
/// once starves nobody.
const TURN_EVERY: usize = 128;

/// See the head of this file.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct MapRun {
    func: Py<PyAny>,
    children: Py<Children>,
    limit: usize,
    ordered: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Where items are pulled; None for one that is fed.
    source: Option<Py<PyIterator>>,
    /// No item comes any more.
    exhausted: bool,
    /// Something has failed: no result is given any more.
    over: bool,
    /// Children in the order of their starts, where that is the order of the results.
    order: VecDeque<usize>,
    /// Children whose results were not taken.
    outstanding: usize,
    /// The feeder, while it waits for room.
    feeder: Option<WakeId>,
    /// Results since the loop has turned.
    in_a_row: usize,
}

impl MapRun {
    /// Pulls items as long as there is room.
    fn fill(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        loop {
            let source = {
                let state = this.state.lock();
                if state.exhausted
                    || state.outstanding >= this.limit
                    || this.children.get().inner.lock().has_failed()
                {
                    return Ok(());
                }
                match &state.source {
                    Some(source) => source.clone_ref(py),
                    None => return Ok(()),
                }
            };
            match source.bind(py).clone().next() {
                Some(Ok(item)) => Self::start(slf, &item)?,
                Some(Err(error)) => return Self::fail(slf, error),
                None => {
                    let mut state = this.state.lock();
                    state.exhausted = true;
                    let source = state.source.take();
                    drop(state);
                    drop(source);
                    return Ok(());
                }
            }
        }
    }

    /// Calls the function for an item and starts what it gives.
    fn start(slf: &Bound<'_, Self>, item: &Bound<'_, PyAny>) -> PyResult<()> {
        let this = slf.get();
        let children = this.children.bind(slf.py());
        let awaitable = match this.func.bind(slf.py()).call1((item,)) {
            Ok(awaitable) => awaitable,
            Err(error) => return Self::fail(slf, error),
        };
        this.state.lock().outstanding += 1;
        match Children::add(children, &awaitable) {
            Ok(index) if this.ordered => this.state.lock().order.push_back(index),
            Ok(_) => {}
            Err(error) => {
                this.state.lock().outstanding -= 1;
                return Self::fail(slf, error);
            }
        }
        Ok(())
    }

    /// Ends the map with `error`, unless something has ended it already.
    fn fail(slf: &Bound<'_, Self>, error: PyErr) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        this.state.lock().exhausted = true;
        let children = this.children.bind(py);
        let error = error.into_value(py).into_any();
        let mut inner = children.get().inner.lock();
        match &mut inner.ends {
            Some(ends) if ends.failure.is_none() => ends.failure = Some(error),
            _ => return Ok(()),
        }
        drop(inner);
        Children::cancel(children, None)?;
        Children::wake_all(children)
    }

    /// The next result, if there is one. A failure comes when everything has ended.
    fn try_take(slf: &Bound<'_, Self>) -> Option<PyResult<Py<PyAny>>> {
        let py = slf.py();
        let this = slf.get();
        // Dropped after the locks are given back.
        let mut _failed = None;
        let mut state = this.state.lock();
        let mut inner = this.children.get().inner.lock();
        let first = match (&inner.ends, this.ordered) {
            _ if state.over => None,
            (_, true) => state.order.front().copied(),
            (Some(ends), false) => ends.ended.front().copied(),
            (None, false) => None,
        };
        if let Some(ended) = first.and_then(|index| inner.take_ended(index)) {
            if this.ordered {
                state.order.pop_front();
            } else if let Some(ends) = &mut inner.ends {
                ends.ended.pop_front();
            }
            state.outstanding -= 1;
            match ended {
                Ended::Returned(value) => return Some(Ok(value)),
                // The first of them is kept in the ends; this one may be of a child that was cancelled.
                Ended::Failed(error) => _failed = Some(error),
            }
            state.over = true;
        }
        if inner.left > 0 {
            return None;
        }
        let Some(ends) = &mut inner.ends else {
            return Some(Ok(slf.clone().into_any().unbind()));
        };
        if let Some(error) = ends.failure.take() {
            (state.over, state.exhausted, state.outstanding) = (true, true, 0);
            return Some(Err(PyErr::from_value(error.into_bound(py))));
        }
        (state.exhausted && state.outstanding == 0).then(|| Ok(slf.clone().into_any().unbind()))
    }

    /// Takes a result, and has what that makes room for started.
    fn advance(slf: &Bound<'_, Self>) -> Option<PyResult<Py<PyAny>>> {
        if let Err(error) = Self::fill(slf) {
            return Some(Err(error));
        }
        let taken = Self::try_take(slf)?;
        if taken.is_ok()
            && let Err(error) = Self::fill(slf).and_then(|()| slf.get().call_feeder(slf.py()))
        {
            return Some(Err(error));
        }
        Some(taken)
    }

    fn call_feeder(&self, py: Python<'_>) -> PyResult<()> {
        let feeder = self.state.lock().feeder.take();
        let hub = match feeder {
            Some(_) => Arc::clone(&self.children.get().inner.lock().hub),
            None => return Ok(()),
        };
        wake(py, &hub, feeder)
    }

    /// Which end is to wake who waits for the next result.
    fn wanted(&self) -> Wanted {
        let state = self.state.lock();
        let inner = self.children.get().inner.lock();
        match state.order.front() {
            _ if inner.has_failed() => Wanted::Last,
            Some(first) => Wanted::Child(*first),
            None => Wanted::Any,
        }
    }
}

#[pymethods]
impl MapRun {
    /// Of `func` over `source`, an iterator; None if the items are fed. In a running loop.
    #[new]
    #[pyo3(signature = (func, source, limit, ordered))]
    fn new(
        py: Python<'_>,
        func: Py<PyAny>,
        source: Option<Py<PyIterator>>,
        limit: usize,
        ordered: bool,
    ) -> PyResult<Self> {
        let children = Children::new(Hub::current(py)?, Vec::new(), None, usize::MAX, false);
        children.inner.lock().ends = Some(Ends::new(Uses::Results { ordered }));
        Ok(Self {
            func,
            children: Py::new(py, children)?,
            limit,
            ordered,
            state: Mutex::new(State {
                source,
                exhausted: false,
                over: false,
                order: VecDeque::new(),
                outstanding: 0,
                feeder: None,
                in_a_row: 0,
            }),
        })
    }

    /// The next result; this object itself after the last one.
    fn next(slf: Py<Self>) -> Operation {
        Self::operation(slf, For::Result)
    }

    /// For the feeder: True when there is room for an item, False if none is wanted any more.
    fn room(slf: Py<Self>) -> Operation {
        Self::operation(slf, For::Room)
    }

    /// For the feeder: one more item.
    fn add(slf: &Bound<'_, Self>, item: &Bound<'_, PyAny>) -> PyResult<()> {
        Self::start(slf, item)
    }

    /// For the feeder: the source has ended, with `error` if that is given.
    #[pyo3(signature = (error=None))]
    fn end(slf: &Bound<'_, Self>, error: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        match error {
            Some(error) => Self::fail(slf, PyErr::from_value(error)),
            None => {
                slf.get().state.lock().exhausted = true;
                Children::wake_all(slf.get().children.bind(slf.py()))
            }
        }
    }

    /// Cancels what runs, and waits until it has ended.
    fn stop(slf: &Bound<'_, Self>) -> PyResult<Operation> {
        let py = slf.py();
        let mut state = slf.get().state.lock();
        state.exhausted = true;
        let source = state.source.take();
        drop(state);
        drop(source);
        Children::cancel(slf.get().children.bind(py), None)?;
        Ok(Self::operation(slf.clone().unbind(), For::End))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.func)?;
        visit.call(&self.children)?;
        match self.state.try_lock() {
            Some(state) => visit.call(&state.source),
            None => Ok(()),
        }
    }

    fn __clear__(&self) {
        let source = self.state.lock().source.take();
        drop(source);
    }
}

impl MapRun {
    fn operation(slf: Py<Self>, waits_for: For) -> Operation {
        Operation::new(
            "amap",
            Waits {
                run: slf,
                waits_for,
                waits_as: None,
                turns: false,
            },
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    Result,
    Room,
    /// The last end.
    End,
}

/// Waits for something of a run.
#[derive(Debug)]
struct Waits {
    run: Py<MapRun>,
    waits_for: For,
    waits_as: Option<WakeId>,
    /// The loop is to turn first.
    turns: bool,
}

impl Waits {
    fn now(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        let run = self.run.bind(py);
        match self.waits_for {
            For::Result => MapRun::advance(run),
            For::Room => {
                let state = run.get().state.lock();
                let answer = if state.exhausted {
                    Some(false)
                } else {
                    (state.outstanding < run.get().limit).then_some(true)
                };
                answer.map(|answer| Ok(answer.into_pyobject(py)?.to_owned().into_any().unbind()))
            }
            For::End => {
                let ended = run.get().children.get().inner.lock().left == 0;
                ended.then(|| Ok(py.None()))
            }
        }
    }
}

impl Work for Waits {
    fn at_once(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        if self.waits_for == For::Result {
            let mut state = self.run.get().state.lock();
            state.in_a_row += 1;
            if state.in_a_row >= TURN_EVERY {
                state.in_a_row = 0;
                self.turns = true;
                return None;
            }
        }
        self.now(py)
    }

    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        if std::mem::take(&mut self.turns) {
            return Step::Yield;
        }
        if let Some(outcome) = self.now(py) {
            return Step::Done(outcome);
        }
        let run = self.run.get();
        let children = run.children.get();
        match self.waits_for {
            For::Result => {
                run.state.lock().in_a_row = 0;
                children.wait_for(py, turn, run.wanted());
            }
            For::End => children.wait_for(py, turn, Wanted::Last),
            For::Room => {
                drop(turn.waker(py));
                run.state.lock().feeder = Some(turn.id(py));
            }
        }
        self.waits_as = Some(turn.id(py));
        Step::Pending
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.run)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        let Some(id) = self.waits_as else {
            return;
        };
        let run = self.run.get();
        if self.waits_for == For::Room {
            run.state.lock().feeder.take_if(|feeder| *feeder == id);
            return;
        }
        // Attached already: an operation is dropped by Python, or by the loop that closes.
        Python::attach(|py| {
            if let Err(error) = run.children.get().give_up(py, id) {
                error.write_unraisable(py, None);
            }
        });
    }
}
