//! What a callback is given: one stall, while it lasts or when it is over.

use std::fmt::Write as _;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::python::imports;

/// From this on a wait for the GIL is worth telling of, in seconds: ten of CPython's switch intervals.
const LONG_WAIT: f64 = 0.05;

/// What was seen while the loop was stuck, for both reports of a stall.
#[derive(Debug)]
pub(super) struct Sight {
    /// As `traceback.StackSummary.from_list` takes them, the oldest call first.
    frames: Py<PyList>,
    task: Option<String>,
    thread_id: u64,
    gil_wait: f64,
}

impl Sight {
    /// Nothing was seen: the stall was over when the interpreter could be had.
    pub(super) fn nothing(py: Python<'_>, thread_id: u64, gil_wait: f64) -> Self {
        Self {
            frames: PyList::empty(py).unbind(),
            task: None,
            thread_id,
            gil_wait,
        }
    }

    /// Where the thread `thread_id` is, and in which task of `event_loop`.
    ///
    /// The frames come first, and nothing is kept of them but names and numbers: up to there the
    /// interpreter runs no bytecode, so that the thread cannot go on meanwhile and what it drops is not
    /// left to be dropped here.
    pub(super) fn take(event_loop: &Bound<'_, PyAny>, thread_id: u64, gil_wait: f64) -> PyResult<Self> {
        let py = event_loop.py();
        let frames = PyList::empty(py);
        let mut next = imports::current_frames(py)?
            .call0()?
            .call_method1(intern!(py, "get"), (thread_id,))?;
        while !next.is_none() {
            let code = next.getattr(intern!(py, "f_code"))?;
            let frame = (
                code.getattr(intern!(py, "co_filename"))?,
                next.getattr(intern!(py, "f_lineno"))?,
                code.getattr(intern!(py, "co_name"))?,
                py.None(),
            );
            frames.append(frame)?;
            next = next.getattr(intern!(py, "f_back"))?;
        }
        frames.reverse()?;
        Ok(Self {
            frames: frames.unbind(),
            task: task_name(event_loop).unwrap_or_default(),
            thread_id,
            gil_wait,
        })
    }
}

fn task_name(event_loop: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let py = event_loop.py();
    let task = imports::current_task(py)?.call1((event_loop,))?;
    if task.is_none() {
        return Ok(None);
    }
    task.call_method0(intern!(py, "get_name"))?
        .str()?
        .extract()
        .map(Some)
}

/// A time during which the event loop did not turn: what a watchdog's callback gets.
///
/// It comes twice, while the stall lasts and when it is over. `str` gives the text that is logged.
#[pyclass(frozen, module = "aioxide")]
#[derive(Debug)]
pub struct Stall {
    /// How long so far, in seconds; the whole length if it is finished. The loop may have been stuck for up to one
    /// interval of the watchdog before.
    #[pyo3(get)]
    duration: f64,
    /// Whether the loop turns again.
    #[pyo3(get)]
    finished: bool,
    /// The thread that runs the loop, as `threading.get_ident` numbers it.
    #[pyo3(get)]
    thread_id: u64,
    /// The name of the task that was running; None for a callback, and if it is not known.
    #[pyo3(get)]
    task: Option<String>,
    /// How long the watchdog had to wait for the GIL before it could look, in seconds.
    #[pyo3(get)]
    gil_wait: f64,
    frames: Py<PyList>,
}

impl Stall {
    pub(super) fn new(py: Python<'_>, duration: f64, finished: bool, sight: &Sight) -> Self {
        Self {
            duration,
            finished,
            thread_id: sight.thread_id,
            task: sight.task.clone(),
            gil_wait: sight.gil_wait,
            frames: sight.frames.clone_ref(py),
        }
    }

    fn sentence(&self) -> String {
        let Self {
            duration, thread_id, ..
        } = self;
        let mut text = match self.finished {
            false => format!("the event loop has not turned for {duration:.3} s"),
            true => format!("the event loop turns again, after {duration:.3} s"),
        };
        // Writing to a String cannot fail.
        let _ = match &self.task {
            Some(task) => write!(text, ", task {task:?}, thread {thread_id}"),
            None => write!(text, ", thread {thread_id}"),
        };
        if self.gil_wait >= LONG_WAIT {
            let _ = write!(text, "; the GIL could not be had for {:.3} s", self.gil_wait);
        }
        text
    }
}

#[pymethods]
impl Stall {
    /// Where the thread was stuck, as a `traceback.StackSummary`: a list of `traceback.FrameSummary`, the oldest
    /// call first. Empty if the stall was over before the GIL could be had.
    #[getter]
    fn stack<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        imports::stack_summary(py)?.call_method1(intern!(py, "from_list"), (&self.frames,))
    }

    fn __str__(&self, py: Python<'_>) -> PyResult<String> {
        let mut text = self.sentence();
        if !self.finished && !self.frames.bind(py).is_empty() {
            text.push_str("; it is at (the latest call last):\n");
            let lines: Vec<String> = self.stack(py)?.call_method0(intern!(py, "format"))?.extract()?;
            text.extend(lines);
            text.truncate(text.trim_end().len());
        }
        Ok(text)
    }

    fn __repr__(&self) -> String {
        let state = if self.finished { "finished" } else { "lasting" };
        format!(
            "<Stall {state} {:.3} s, thread {}>",
            self.duration, self.thread_id
        )
    }
}
