//! `Barrier`: nobody goes on before all have come.
//!
//! asyncio's states. A barrier that has filled drains, and whoever comes while it does waits outside until the
//! last of the others has gone on; the same for one that was reset while tasks waited at it.

use std::sync::Arc;
use std::task::{Poll, Waker, ready};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use slab::Slab;

use super::class::{described, refuse_pickling};
use super::exclusive::Mutex;
use super::line::{Gate, Passage};
use super::waiters::{Arrival, Ticket, Waiters, Woken};
use super::waits::{self, Door, block, seconds, timed_out, wake};
use crate::bridge::ready::Ready;
use crate::bridge::{InOneGo, Operation};
use crate::python::imports;

/// Holds tasks until `parties` of them have come, then lets them all go on; again and again.
///
/// It belongs to no loop. ValueError for fewer than one party.
#[pyclass(frozen, weakref, subclass, module = "aioxide")]
#[derive(Debug)]
pub struct Barrier {
    meeting: Arc<Meeting>,
}

#[derive(Debug)]
struct Meeting {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    parties: usize,
    stage: Stage,
    /// The numbers of those who have come and not gone on yet.
    inside: Slab<()>,
    waiting: Waiters,
    /// Those who came while it drained.
    outside: Waiters,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Filling,
    Draining,
    Resetting,
    Broken,
}

impl Stage {
    fn word(self) -> &'static str {
        match self {
            Self::Filling => "filling",
            Self::Draining => "draining",
            Self::Resetting => "resetting",
            Self::Broken => "broken",
        }
    }
}

/// One who waits, from its first look on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visitor {
    New,
    Outside,
    /// It has come, and has this number.
    Inside(usize),
}

/// That the barrier broke, and asyncio's words for how.
#[derive(Debug)]
struct Broken(&'static str);

impl State {
    /// One has gone on, or given up: the last one makes the barrier ready for the next meeting.
    fn one_left(&mut self, number: usize) -> Woken {
        self.inside.try_remove(number);
        if !self.inside.is_empty() {
            return Woken::default();
        }
        // The next are numbered from 0 on again.
        self.inside.clear();
        if matches!(self.stage, Stage::Draining | Stage::Resetting) {
            self.stage = Stage::Filling;
        }
        self.outside.grant_all()
    }
}

impl Gate for Meeting {
    type Want = Visitor;
    type Pass = Result<usize, Broken>;

    fn poll(
        &self,
        visitor: &mut Visitor,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Poll<(Self::Pass, Woken)> {
        let mut state = self.state.lock();
        let line = match visitor {
            Visitor::Inside(_) => &mut state.waiting,
            _ => &mut state.outside,
        };
        let arrival = ready!(line.turn_in(ticket, waker));
        if let Visitor::Inside(index) = *visitor {
            // All may have come, and the barrier been broken before this one went on.
            let met = arrival == Arrival::Granted && state.stage == Stage::Draining;
            let woken = state.one_left(index);
            let outcome = if met {
                Ok(index)
            } else {
                Err(Broken("Abort or reset of barrier"))
            };
            return Poll::Ready((outcome, woken));
        }
        match state.stage {
            Stage::Broken => Poll::Ready((Err(Broken("Barrier aborted")), Woken::default())),
            Stage::Draining | Stage::Resetting => {
                *visitor = Visitor::Outside;
                *ticket = Some(state.outside.join(0, waker));
                Poll::Pending
            }
            Stage::Filling => {
                let index = state.inside.insert(());
                if state.inside.len() < state.parties {
                    *visitor = Visitor::Inside(index);
                    *ticket = Some(state.waiting.join(0, waker));
                    return Poll::Pending;
                }
                state.stage = Stage::Draining;
                let mut woken = state.waiting.grant_all();
                woken.extend(state.one_left(index));
                Poll::Ready((Ok(index), woken))
            }
        }
    }

    fn leave(&self, visitor: &mut Visitor, ticket: Ticket) -> Woken {
        let mut state = self.state.lock();
        match visitor {
            Visitor::Inside(index) => {
                let _any = state.waiting.leave(ticket);
                state.one_left(*index)
            }
            _ => {
                let _any = state.outside.leave(ticket);
                Woken::default()
            }
        }
    }
}

impl Door for Arc<Meeting> {}

fn give_index(py: Python<'_>, _door: &Arc<Meeting>, met: Result<usize, Broken>) -> PyResult<Py<PyAny>> {
    match met {
        Ok(index) => Ok(index.into_pyobject(py)?.into_any().unbind()),
        Err(Broken(how)) => {
            let class = imports::exception(py, "BrokenBarrierError")?;
            Err(PyErr::from_value(class.call1((how,))?))
        }
    }
}

impl Meeting {
    fn reset(&self) -> Woken {
        let mut state = self.state.lock();
        if state.inside.is_empty() {
            state.stage = Stage::Filling;
            return state.outside.grant_all();
        }
        state.stage = Stage::Resetting;
        state.waiting.dismiss_all()
    }

    fn abort(&self) -> Woken {
        let mut state = self.state.lock();
        state.stage = Stage::Broken;
        let mut woken = state.waiting.dismiss_all();
        woken.extend(state.outside.grant_all());
        woken
    }
}

#[pymethods]
impl Barrier {
    /// Arguments are for `__init__`, so that a subclass may have its own.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(parties)")]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            meeting: Arc::new(Meeting {
                state: Mutex::new(State {
                    parties: 1,
                    stage: Stage::Filling,
                    inside: Slab::new(),
                    waiting: Waiters::new(),
                    outside: Waiters::new(),
                }),
            }),
        }
    }

    fn __init__(&self, parties: i64) -> PyResult<()> {
        let parties = usize::try_from(parties).ok().filter(|parties| *parties > 0);
        let parties = parties.ok_or_else(|| PyValueError::new_err("parties must be > 0"))?;
        self.meeting.state.lock().parties = parties;
        Ok(())
    }

    /// An operation that waits until all have come, and gives each of them another number, from 0 on.
    ///
    /// BrokenBarrierError where the barrier is aborted, or reset meanwhile. Cancel safety: it has not come.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<Operation>> {
        let meeting = Arc::clone(&self.meeting);
        waits::operation(py, "Barrier.wait", meeting, Visitor::New, give_index)
    }

    /// Waits on a plain thread, for at most `timeout` seconds, until all have come; its number, from 0 on.
    ///
    /// TimeoutError after that, and it has not come; BrokenBarrierError as for `wait`; RuntimeError on a thread whose
    /// event loop is running.
    #[pyo3(signature = (timeout=None))]
    fn wait_blocking(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let passage = Passage::new(Arc::clone(&self.meeting), Visitor::New);
        match block(py, passage, seconds(timeout)?)? {
            Some(met) => give_index(py, &self.meeting, met),
            None => Err(timed_out("not all came", timeout.unwrap_or_default())),
        }
    }

    /// An operation that makes the barrier new; BrokenBarrierError for those who wait at it.
    fn reset(&self) -> Operation {
        let meeting = Arc::clone(&self.meeting);
        let reset = move |py: Python<'_>| wake(py, meeting.reset()).map(|()| py.None());
        Operation::new("Barrier.reset", InOneGo::new(reset))
    }

    /// An operation that breaks the barrier: BrokenBarrierError for those who wait, and who come, until `reset`.
    fn abort(&self) -> Operation {
        let meeting = Arc::clone(&self.meeting);
        let abort = move |py: Python<'_>| wake(py, meeting.abort()).map(|()| py.None());
        Operation::new("Barrier.abort", InOneGo::new(abort))
    }

    /// How many have to come.
    #[getter]
    fn parties(&self) -> usize {
        self.meeting.state.lock().parties
    }

    /// How many have come and wait for the others.
    #[getter]
    fn n_waiting(&self) -> usize {
        let state = self.meeting.state.lock();
        if state.stage == Stage::Filling {
            state.inside.len()
        } else {
            0
        }
    }

    /// Whether it was aborted.
    #[getter]
    fn broken(&self) -> bool {
        self.meeting.state.lock().stage == Stage::Broken
    }

    /// The `parties`, how many of them are `waiting`, and the `state` in a word.
    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        counts.set_item("parties", self.parties())?;
        counts.set_item("waiting", self.n_waiting())?;
        counts.set_item("state", self.meeting.state.lock().stage.word())?;
        Ok(counts)
    }

    fn __aenter__(&self, py: Python<'_>) -> PyResult<Py<Operation>> {
        self.wait(py)
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
        let this = slf.get();
        let mut extra = this.meeting.state.lock().stage.word().to_owned();
        if !this.broken() {
            extra = format!("{extra}, waiters:{}/{}", this.n_waiting(), this.parties());
        }
        described(slf.as_any(), &extra)
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        refuse_pickling(slf.as_any())
    }
}
