//! Several items at once: `get_many` and `put_many`.

use std::collections::VecDeque;
use std::task::Poll;

use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3::{PyTraverseError, PyVisit};

use super::core::Refusal;
use super::gates::{ToGet, ToPut};
use super::heap::Entry;
use super::{Queue, refused};
use crate::bridge::alarm::Alarm;
use crate::bridge::{Native, Step, Turn, Work};
use crate::sync::line::Passage;
use crate::sync::waits::{give_up, wake};

/// Waits for an item, then takes what else is there, or comes within some time.
#[derive(Debug)]
pub(super) struct GetMany {
    queue: Py<Queue>,
    most: usize,
    within: Option<f64>,
    got: Vec<Entry>,
    /// The attempt at the next one.
    passage: Option<Passage<ToGet>>,
    alarm: Option<Alarm>,
}

impl GetMany {
    pub(super) fn new(queue: Py<Queue>, most: usize, within: Option<f64>) -> Self {
        Self {
            queue,
            most,
            within,
            got: Vec::new(),
            passage: None,
            alarm: None,
        }
    }

    fn list(&mut self, py: Python<'_>) -> Step {
        let items = std::mem::take(&mut self.got);
        let list = PyList::new(py, items.into_iter().map(|entry| entry.item));
        Step::Done(list.map(|list| list.into_any().unbind()))
    }

    fn on(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> PyResult<Step> {
        while self.got.len() < self.most {
            let waker = turn.waker(py);
            let passage = self
                .passage
                .get_or_insert_with(|| Passage::new(ToGet(self.queue.clone_ref(py)), ()));
            match passage.poll_with(&waker) {
                Poll::Ready((outcome, woken)) => {
                    self.passage = None;
                    match outcome {
                        Ok(entry) => {
                            self.got.push(entry);
                            wake(py, woken)?;
                        }
                        Err(Refusal::ShutDown) if !self.got.is_empty() => break,
                        Err(refusal) => return Err(refused(py, refusal)?),
                    }
                }
                Poll::Pending if self.got.is_empty() => return Ok(Step::Pending),
                Poll::Pending => {
                    let Some(within) = self.within else {
                        break;
                    };
                    let alarm = match &self.alarm {
                        Some(alarm) => alarm,
                        None => self.alarm.insert(Alarm::after(py, within, turn)?),
                    };
                    if alarm.is_due(py)? {
                        break;
                    }
                    return Ok(Step::Pending);
                }
            }
        }
        Ok(self.list(py))
    }
}

impl Work for GetMany {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        self.on(py, turn).unwrap_or_else(|error| Step::Done(Err(error)))
    }

    fn detach(self: Box<Self>) -> Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.queue)?;
        self.got.iter().try_for_each(|entry| entry.traverse(visit))
    }
}

impl Drop for GetMany {
    fn drop(&mut self) {
        if let Some(passage) = self.passage.take() {
            give_up(passage);
        }
        if self.got.is_empty() {
            return;
        }
        // It was given up with items in hand.
        let got = std::mem::take(&mut self.got);
        Python::attach(|py| {
            let back = self.queue.get().core.put_back(py, got);
            if let Err(error) = back.and_then(|woken| wake(py, woken)) {
                error.write_unraisable(py, None);
            }
        });
    }
}

/// Puts one item in after the other, waiting for room.
#[derive(Debug)]
pub(super) struct PutMany {
    queue: Py<Queue>,
    left: VecDeque<Entry>,
    passage: Option<Passage<ToPut>>,
}

impl PutMany {
    pub(super) fn new(queue: Py<Queue>, entries: VecDeque<Entry>) -> Self {
        Self {
            queue,
            left: entries,
            passage: None,
        }
    }
}

impl Work for PutMany {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        loop {
            let passage = match &mut self.passage {
                Some(passage) => passage,
                None => {
                    let Some(next) = self.left.pop_front() else {
                        return Step::Done(Ok(py.None()));
                    };
                    let door = ToPut(self.queue.clone_ref(py));
                    self.passage.insert(Passage::new(door, Some(next)))
                }
            };
            match passage.poll_with(&turn.waker(py)) {
                Poll::Pending => return Step::Pending,
                Poll::Ready((put, woken)) => {
                    self.passage = None;
                    let put = match put {
                        Ok(()) => wake(py, woken),
                        Err(refusal) => Err(refused(py, refusal).unwrap_or_else(|error| error)),
                    };
                    if let Err(error) = put {
                        return Step::Done(Err(error));
                    }
                }
            }
        }
    }

    fn detach(self: Box<Self>) -> Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.queue)?;
        if let Some(Some(entry)) = self.passage.as_ref().map(Passage::want) {
            entry.traverse(visit)?;
        }
        self.left.iter().try_for_each(|entry| entry.traverse(visit))
    }
}

impl Drop for PutMany {
    fn drop(&mut self) {
        if let Some(passage) = self.passage.take() {
            give_up(passage);
        }
    }
}
