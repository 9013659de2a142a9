//! How results are waited for: one, a batch, all; and how a feeder waits for room.

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3::{PyTraverseError, PyVisit};

use super::crew::{Handle, LONGEST};
use super::outbox::Wanted;
use super::result::Result as FetchResult;
use super::run::FetchRun;
use crate::bridge::{Native, Step, Turn, Work};

/// So many results come without a turn of the loop; then it turns once, so that a fan-out whose results are
/// there already starves nobody.
const TURN_EVERY: usize = 128;

/// The same in one go.
const TAKEN_IN_A_ROW: usize = 1024;

#[derive(Debug, Clone, Copy)]
pub enum Amount {
    One,
    Batch { size: usize, within: Option<Duration> },
    All,
}

impl Amount {
    fn results(self) -> usize {
        match self {
            Self::One => 1,
            Self::Batch { size, .. } => size,
            Self::All => usize::MAX,
        }
    }
}

/// Waits for results. What it has when it is given up goes back.
#[derive(Debug)]
pub struct Take {
    run: Py<FetchRun>,
    amount: Amount,
    got: Vec<Py<FetchResult>>,
    until: Option<Instant>,
    /// The loop is to turn first.
    turns: bool,
    begun: bool,
    /// What tokio knows it by, once it has waited.
    taker: Option<u64>,
}

impl Take {
    pub fn new(run: Py<FetchRun>, amount: Amount) -> Self {
        Self {
            run,
            amount,
            got: Vec::new(),
            until: None,
            turns: false,
            begun: false,
            taker: None,
        }
    }

    /// What it comes to, if that can be said now; else how many results are missing.
    fn on(&mut self, py: Python<'_>) -> PyResult<std::result::Result<Py<PyAny>, usize>> {
        let run = self.run.get();
        if !self.begun {
            self.begun = true;
            run.settle(py)?;
        }
        self.turns = run.restock(py)?;
        let wanted = self.amount.results();
        let mut over = false;
        let before = self.got.len();
        loop {
            while self.got.len() < wanted
                && let Some(result) = run.next_result(py)?
            {
                self.got.push(result);
            }
            if self.got.len() >= wanted || over {
                break;
            }
            over = run.collect()?;
            self.turns |= !run.fill(py)? || self.got.len() - before >= TAKEN_IN_A_ROW;
            if !over && (self.turns || run.has_nothing()) {
                break;
            }
        }
        run.tell(py, over && self.got.len() < wanted)?;
        if self.got.len() >= wanted || over {
            return self.end(py).map(Ok);
        }
        let late = self.until.is_some_and(|until| until <= Instant::now());
        if late && !self.got.is_empty() {
            return self.end(py).map(Ok);
        }
        Ok(Err(wanted - self.got.len()))
    }

    fn end(&mut self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let run = self.run.get();
        // What was fetched comes first.
        if self.got.is_empty()
            && let Some(failure) = run.failure(py)
        {
            return Err(failure);
        }
        match self.amount {
            Amount::One => match self.got.pop() {
                Some(result) => Ok(result.into_any()),
                None => Err(PyStopAsyncIteration::new_err(())),
            },
            Amount::Batch { .. } => {
                let list = PyList::new(py, std::mem::take(&mut self.got))?;
                Ok(list.into_any().unbind())
            }
            Amount::All => {
                if let Some(failure) = run.failure(py) {
                    return Err(failure);
                }
                let mut all = std::mem::take(&mut self.got);
                all.sort_by_key(|result| result.get().index);
                Ok(PyList::new(py, all)?.into_any().unbind())
            }
        }
    }

    fn advance(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> PyResult<Step> {
        if let Amount::Batch {
            within: Some(within), ..
        } = self.amount
            && self.until.is_none()
        {
            self.until = Some(Instant::now() + within.min(LONGEST));
        }
        loop {
            let missing = match self.on(py)? {
                Ok(value) => return Ok(Step::Done(Ok(value))),
                Err(missing) => missing,
            };
            if std::mem::take(&mut self.turns) {
                return Ok(Step::Yield);
            }
            let run = self.run.get();
            let late = self.until.is_some_and(|until| until <= Instant::now());
            let taker = *self.taker.get_or_insert_with(|| run.handle().taker());
            let wanted = Wanted {
                taker,
                waker: turn.waker(py),
                results: match self.amount {
                    Amount::All => usize::MAX,
                    // Where the order is kept, what comes may not be what is next.
                    _ if run.is_ordered() || late => 1,
                    _ => missing,
                },
                room: run.is_pulled(),
                until: self.until.filter(|_| !late),
            };
            if run.handle().want(wanted) {
                return Ok(Step::Pending);
            }
        }
    }
}

impl Work for Take {
    fn at_once(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        let run = self.run.get();
        let every = match self.amount {
            Amount::One => TURN_EVERY,
            Amount::Batch { size, .. } => (TURN_EVERY / size.max(1)).max(1),
            Amount::All => usize::MAX,
        };
        if run.takes_turn(every) {
            self.turns = true;
            return None;
        }
        if matches!(self.amount, Amount::One) {
            // Only what is here without asking tokio.
            self.begun = true;
            if let Err(error) = run.settle(py) {
                return Some(Err(error));
            }
            let next = run.restock(py).and_then(|turns| {
                self.turns = turns;
                run.next_result(py)
            });
            return match next.transpose()? {
                Ok(result) => Some(match run.tell(py, false) {
                    Ok(()) => Ok(result.into_any()),
                    Err(error) => {
                        self.got.push(result);
                        Err(error)
                    }
                }),
                Err(error) => Some(Err(error)),
            };
        }
        None
    }

    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        if std::mem::take(&mut self.turns) {
            return Step::Yield;
        }
        match self.advance(py, turn) {
            Ok(step) => step,
            Err(error) => Step::Done(Err(error)),
        }
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.run)?;
        for result in &self.got {
            visit.call(result)?;
        }
        Ok(())
    }
}

impl Drop for Take {
    fn drop(&mut self) {
        let run = self.run.get();
        if let Some(taker) = self.taker {
            run.handle().forget(taker);
        }
        if !self.got.is_empty() {
            run.give_back(std::mem::take(&mut self.got));
        }
    }
}

/// Waits until another item is wanted. Holds no run, so that a feeder does not keep one alive.
#[derive(Debug)]
pub struct Room {
    handle: Arc<Handle>,
}

impl Room {
    pub fn new(handle: &Arc<Handle>) -> Self {
        Self {
            handle: Arc::clone(handle),
        }
    }
}

impl Work for Room {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        let waker: Waker = turn.waker(py);
        match self.handle.feed(waker) {
            None => Step::Pending,
            Some(wanted) => Step::Done(
                wanted
                    .into_pyobject(py)
                    .map(|wanted| wanted.to_owned().into_any().unbind())
                    .map_err(PyErr::from),
            ),
        }
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }
}
