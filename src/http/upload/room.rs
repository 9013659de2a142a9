//! A pipe as Python sees it: where `aioxide.uploads` asks for room and puts in the chunks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::content::{in_memory, wrong_piece};
use super::pipe::Pipe;
use crate::bridge::{Hub, Native, Operation, Step, Turn, Work};
use crate::python::attached::Attached;

/// So many chunks go by without a turn of the loop; then it turns once, so that a source which has them
/// at hand starves nobody.
const TURN_EVERY: usize = 32;

/// While a thread waits for room, it looks for Ctrl-C this often.
const LOOK_FOR_SIGNALS: Duration = Duration::from_millis(50);

/// See the head of this file.
#[pyclass(frozen, module = "aioxide._core")]
pub struct UploadPipe {
    pipe: Arc<Pipe>,
    /// The argument that the source was given as.
    what: &'static str,
    /// What the source has raised.
    error: Attached<Option<Py<PyAny>>>,
    in_a_row: AtomicUsize,
}

impl fmt::Debug for UploadPipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UploadPipe").field(&self.pipe).finish()
    }
}

impl UploadPipe {
    pub fn new(what: &'static str) -> Self {
        Self {
            pipe: Arc::new(Pipe::new()),
            what,
            error: Attached::new(None),
            in_a_row: AtomicUsize::new(0),
        }
    }

    pub fn pipe(&self) -> &Arc<Pipe> {
        &self.pipe
    }

    /// What the source has raised, to be raised once.
    pub fn take_error(&self, py: Python<'_>) -> Option<PyErr> {
        let error = self.error.open(py).take()?;
        Some(PyErr::from_value(error.into_bound(py)))
    }
}

#[pymethods]
impl UploadPipe {
    /// True when a chunk is wanted, False when none will be any more.
    fn room(slf: Py<Self>) -> Operation {
        Operation::new(
            "upload",
            Room {
                pipe: slf,
                turns: false,
            },
        )
    }

    /// The same for a plain thread, which waits.
    fn room_blocking(&self, py: Python<'_>) -> PyResult<bool> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            if let Poll::Ready(room) = self.pipe.poll_room(&waker) {
                return Ok(room);
            }
            py.detach(|| thread::park_timeout(LOOK_FOR_SIGNALS));
            py.check_signals()?;
        }
    }

    /// One more chunk. TypeError for one that is no bytes.
    fn put(&self, chunk: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(chunk) = in_memory(chunk)? else {
            return Err(wrong_piece(chunk, self.what));
        };
        self.pipe.put(chunk);
        Ok(())
    }

    /// The source has come to its end.
    fn end(&self) {
        self.pipe.end();
    }

    /// The source has raised `error`. False if nobody hears of it, because the rest is not wanted.
    fn fail(&self, error: Bound<'_, PyAny>) -> PyResult<bool> {
        let py = error.py();
        // First: whoever is woken looks for it.
        let before = self.error.open(py).replace(error.unbind());
        drop(before);
        let mut heard = false;
        Hub::waking(py, || heard = self.pipe.fail())?;
        if !heard {
            let late = self.error.open(py).take();
            drop(late);
        }
        Ok(heard)
    }

    /// The task that feeds it is done.
    #[pyo3(signature = (_task, /))]
    fn left(&self, py: Python<'_>, _task: &Bound<'_, PyAny>) -> PyResult<()> {
        Hub::waking(py, || self.pipe.call_owner())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.error.seen_by(&visit) {
            Some(error) => visit.call(&*error),
            None => Ok(()),
        }
    }

    fn __clear__(&self, py: Python<'_>) {
        let error = self.error.open(py).take();
        drop(error);
    }
}

/// Waits for room.
#[derive(Debug)]
struct Room {
    pipe: Py<UploadPipe>,
    /// The loop is to turn first.
    turns: bool,
}

fn answer(py: Python<'_>, room: bool) -> PyResult<Py<PyAny>> {
    Ok(room.into_pyobject(py)?.to_owned().into_any().unbind())
}

impl Work for Room {
    fn at_once(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        let this = self.pipe.get();
        if this.in_a_row.fetch_add(1, Ordering::Relaxed) >= TURN_EVERY {
            self.turns = true;
            return None;
        }
        this.pipe.room().map(|room| answer(py, room))
    }

    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        let this = self.pipe.get();
        this.in_a_row.store(0, Ordering::Relaxed);
        if std::mem::take(&mut self.turns) {
            return Step::Yield;
        }
        match this.pipe.poll_room(&turn.waker(py)) {
            Poll::Ready(room) => Step::Done(answer(py, room)),
            Poll::Pending => Step::Pending,
        }
    }

    fn detach(self: Box<Self>) -> Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.pipe)
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
