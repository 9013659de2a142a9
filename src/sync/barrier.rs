//! `Barrier`: nobody goes on before all have come.
//!
//! asyncio's states. A barrier that has filled drains, and whoever comes while it does waits outside until the
//! last of the others has gone on; the same for one that was reset while tasks waited at it.

use std::sync::Arc;
use std::task::{Poll, Waker};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::class::{described, refuse_pickling};
use super::exclusive::Mutex;
use super::line::Gate;
use super::waiters::{Standing, Ticket, Waiters, Woken};
use super::waits::{self, Door, wake};
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
    parties: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    /// How many have come and not gone on yet.
    inside: usize,
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
    /// It came as the so-manieth, counted from zero.
    Inside(usize),
}

/// That the barrier broke, and asyncio's words for how.
#[derive(Debug)]
struct Broken(&'static str);

impl State {
    /// One has gone on, or given up: the last one makes the barrier ready for the next meeting.
    fn one_left(&mut self) -> Woken {
        self.inside -= 1;
        if self.inside > 0 {
            return Woken::default();
        }
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
        if let Some(held) = ticket.take() {
            let line = match visitor {
                Visitor::Inside(_) => &mut state.waiting,
                _ => &mut state.outside,
            };
            let standing = line.standing(&held, waker);
            if standing == Standing::Waiting {
                *ticket = Some(held);
                return Poll::Pending;
            }
            let _known = line.leave(held);
            if let Visitor::Inside(index) = *visitor {
                // All may have come, and the barrier been broken before this one went on.
                let met = standing == Standing::Granted && state.stage == Stage::Draining;
                let woken = state.one_left();
                let outcome = if met {
                    Ok(index)
                } else {
                    Err(Broken("Abort or reset of barrier"))
                };
                return Poll::Ready((outcome, woken));
            }
        }
        match state.stage {
            Stage::Broken => Poll::Ready((Err(Broken("Barrier aborted")), Woken::default())),
            Stage::Draining | Stage::Resetting => {
                *visitor = Visitor::Outside;
                *ticket = Some(state.outside.join(0, waker));
                Poll::Pending
            }
            Stage::Filling => {
                let index = state.inside;
                state.inside += 1;
                if index + 1 < self.parties {
                    *visitor = Visitor::Inside(index);
                    *ticket = Some(state.waiting.join(0, waker));
                    return Poll::Pending;
                }
                state.stage = Stage::Draining;
                let mut woken = state.waiting.grant_all();
                woken.extend(state.one_left());
                Poll::Ready((Ok(index), woken))
            }
        }
    }

    fn leave(&self, visitor: &mut Visitor, ticket: Ticket) -> Woken {
        let mut state = self.state.lock();
        match visitor {
            Visitor::Inside(_) => {
                let _any = state.waiting.leave(ticket);
                state.one_left()
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
        if state.inside == 0 {
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
    #[new]
    fn new(parties: i64) -> PyResult<Self> {
        let parties = usize::try_from(parties).ok().filter(|parties| *parties > 0);
        let parties = parties.ok_or_else(|| PyValueError::new_err("parties must be > 0"))?;
        Ok(Self {
            meeting: Arc::new(Meeting {
                parties,
                state: Mutex::new(State {
                    stage: Stage::Filling,
                    inside: 0,
                    waiting: Waiters::new(),
                    outside: Waiters::new(),
                }),
            }),
        })
    }

    /// An operation that waits until all have come, and gives each of them another number, from 0 on.
    ///
    /// BrokenBarrierError where the barrier is aborted, or reset meanwhile. Cancel safety: it has not come.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<Operation>> {
        let meeting = Arc::clone(&self.meeting);
        waits::operation(py, "Barrier.wait", meeting, Visitor::New, give_index)
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
        self.meeting.parties
    }

    /// How many have come and wait for the others.
    #[getter]
    fn n_waiting(&self) -> usize {
        let state = self.meeting.state.lock();
        if state.stage == Stage::Filling {
            state.inside
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
