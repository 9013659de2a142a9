//! The work of one operation of a reader.
//!
//! Cancel safety: it takes nothing before it can give it, so that nothing is lost.

use std::fmt;
use std::task::{Context, Poll};

use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::BodyReader;
use super::asked::{Asked, Form, Taken};
use crate::bridge::{Native, Step, Turn, Work};
use crate::error::{Error, Kind, Result};
use crate::http::body::Body;
use crate::http::reading::{From as Source, Wait, done_already, why};
use crate::http::stream::Claim;

pub struct Taking {
    reader: Py<BodyReader>,
    asked: Asked,
    /// It is a step of an iteration, which ends at the end.
    iterates: bool,
    /// From the first time that it must wait.
    wait: Option<Wait>,
}

impl fmt::Debug for Taking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taking")
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

/// The exception for `error`. One that is about the body stays; one about the call does not.
pub fn fails(py: Python<'_>, reader: &BodyReader, error: Error) -> PyErr {
    let stays = error.kind() != Kind::Runtime;
    reader.fails(py, why(py, &reader.upload, error), stays)
}

/// What is asked for, if it is here already.
fn look(claim: &Claim, asked: &Asked) -> Option<Result<Taken>> {
    match asked.form {
        Form::All => claim.all_now().map(|found| found.map(Taken::All)),
        Form::Chunk => {
            let found = claim.now(&asked.want)?;
            Some(found.map(|piece| Taken::Chunk(piece, claim.ends_chunk())))
        }
        _ => claim.now(&asked.want).map(|found| found.map(Taken::Piece)),
    }
}

impl Taking {
    pub fn new(reader: Py<BodyReader>, asked: Asked) -> Self {
        Self {
            reader,
            asked,
            iterates: false,
            wait: None,
        }
    }

    /// As a step of an iteration.
    pub fn next(reader: Py<BodyReader>, asked: Asked) -> Self {
        Self {
            iterates: true,
            ..Self::new(reader, asked)
        }
    }

    fn done(&self, py: Python<'_>, outcome: Result<Taken>) -> PyResult<Py<PyAny>> {
        let reader = self.reader.get();
        // What was told meanwhile goes before what came of it.
        let outcome = match (outcome, reader.failure(py)) {
            (Err(_), Some(failure)) => return Err(failure),
            (outcome, _) => outcome.map_err(|error| fails(py, reader, error))?,
        };
        reader.call_at_end(py);
        if self.iterates && outcome.is_end() {
            return Err(PyStopAsyncIteration::new_err(()));
        }
        self.asked.make(py, reader, outcome)
    }

    /// What is here; else it waits from now on.
    fn begin(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        let reader = self.reader.get();
        if let Some(failure) = reader.failure(py) {
            return Some(Err(failure));
        }
        let found = match &reader.source {
            Source::Whole(rest) => {
                let mut rest = rest.lock();
                Ok(match self.asked.form {
                    Form::All => Taken::All(Body::of(rest.drain())),
                    // Its pieces are chunks.
                    Form::Chunk => Taken::Chunk(rest.take_last(&self.asked.want), true),
                    _ => Taken::Piece(rest.take_last(&self.asked.want)),
                })
            }
            Source::Stream(stream) => match stream.claim() {
                Err(error) => Err(error),
                Ok(claim) => match look(&claim, &self.asked) {
                    Some(found) => found,
                    None => {
                        self.wait = Some(Wait::begin(claim, self.asked.want.clone()));
                        return None;
                    }
                },
            },
        };
        Some(self.done(py, found))
    }
}

impl Work for Taking {
    fn at_once(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        self.begin(py)
    }

    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        // As the child of a gather it is stepped without being asked first.
        if self.wait.is_none()
            && let Some(outcome) = self.begin(py)
        {
            return Step::Done(outcome);
        }
        let waker = turn.waker(py);
        let asked = &self.asked;
        let Some(wait) = &mut self.wait else {
            return Step::Done(Err(done_already().into()));
        };
        match wait.poll(
            || asked.want.clone(),
            &mut Context::from_waker(&waker),
            |claim| look(claim, asked),
        ) {
            Poll::Pending => Step::Pending,
            Poll::Ready(outcome) => {
                // The claim goes back first: what is called at the end may read.
                self.wait = None;
                Step::Done(self.done(py, outcome))
            }
        }
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.reader)
    }
}
