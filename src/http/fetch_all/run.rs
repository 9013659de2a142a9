//! The loop's side of a fan-out: URLs in, results out.
//!
//! Items are pulled and made into requests by whoever asks for the next result, as many as are wanted; from an
//! asynchronous source a task of `aioxide.fetching` feeds them in instead. What one item does that is no request
//! is that item's result. What the source raises comes when all is done that it gave before.
//!
//! The desk is never kept locked while Python is called: an iterator may come back here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use pyo3::{PyTraverseError, PyVisit};

use super::crew::Handle;
use super::desk::{Desk, InWork, Ready};
use super::recipe::Recipe;
use super::result::Result as FetchResult;
use super::statistics::FetchStatistics;
use super::taking::{Amount, Room, Take};
use crate::bridge::Operation;
use crate::http::response::Response;
use crate::python::imports;

/// How often a `progress` is called, at most.
const BETWEEN_CALLS: Duration = Duration::from_millis(100);

/// What of a run is Python's.
#[derive(Debug)]
pub struct Callables {
    /// Makes a value of each response.
    pub parse: Option<Py<PyAny>>,
    /// Is told how far it is.
    pub progress: Option<Py<PyAny>>,
    /// Knows what was done before, and is told what is done.
    pub journal: Option<Py<PyAny>>,
}

/// See the head of this file.
#[pyclass(frozen, weakref, module = "aioxide._core")]
#[derive(Debug)]
pub struct FetchRun {
    pub(super) handle: Arc<Handle>,
    pub(super) recipe: Recipe,
    pub(super) callables: Callables,
    pub(super) ordered: bool,
    pub(super) desk: Mutex<Desk>,
}

impl FetchRun {
    pub fn new(
        handle: Arc<Handle>,
        recipe: Recipe,
        source: Option<Py<PyIterator>>,
        callables: Callables,
        ordered: bool,
        dedupe: bool,
    ) -> Self {
        Self {
            handle,
            recipe,
            callables,
            ordered,
            desk: Mutex::new(Desk::new(source, dedupe)),
        }
    }

    pub fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// Whether items come from an iterator that can be pulled here. Not while it is: it may be itself who asks.
    pub fn is_pulled(&self) -> bool {
        let desk = self.desk.lock();
        desk.source.is_some() && !desk.pulls
    }

    /// The next result, if it is here; none once it was stopped.
    pub fn next_result(&self, py: Python<'_>) -> PyResult<Option<Py<FetchResult>>> {
        if self.handle.is_stopped() {
            return Ok(None);
        }
        let ready = {
            let mut desk = self.desk.lock();
            if let Some(result) = desk.returned.pop_front() {
                if self.callables.journal.is_some() && !desk.deferred {
                    desk.in_work.push(result.get().in_work(py));
                }
                return Ok(Some(result));
            }
            match desk.next_ready(self.ordered) {
                Some(ready) => ready,
                None => return Ok(None),
            }
        };
        self.deliver(py, ready).map(Some)
    }

    /// Takes in what has come; whether that was all.
    pub fn collect(&self) -> PyResult<bool> {
        self.handle.check()?;
        let kept = self.desk.lock().kept();
        let (done, over) = self.handle.collect(kept);
        let mut desk = self.desk.lock();
        for done in done {
            desk.put(Ready::Done(done), self.ordered);
        }
        desk.told_kept = desk.kept();
        Ok(over)
    }

    /// Has more made once half of what was here is taken, so that nobody waits for who takes slowly. Whether the
    /// loop should turn after it.
    pub fn restock(&self, py: Python<'_>) -> PyResult<bool> {
        let has_run_low = {
            let desk = self.desk.lock();
            desk.told_kept > 0 && desk.kept() <= desk.told_kept / 2
        };
        if !has_run_low {
            return Ok(false);
        }
        self.collect()?;
        self.fill(py).map(|filled| !filled)
    }

    /// What the source raised, once.
    pub fn failure(&self, py: Python<'_>) -> Option<PyErr> {
        let failure = self.desk.lock().failure.take()?;
        Some(PyErr::from_value(failure.into_bound(py).into_any()))
    }

    /// Whether no result is here.
    pub fn has_nothing(&self) -> bool {
        let desk = self.desk.lock();
        let none_ready = match self.ordered {
            true => !desk.early.contains_key(&desk.next),
            false => desk.ready.is_empty(),
        };
        desk.returned.is_empty() && none_ready
    }

    pub fn is_ordered(&self) -> bool {
        self.ordered
    }

    /// Whether the loop is to turn before the next result, after so many without.
    pub fn takes_turn(&self, every: usize) -> bool {
        let mut desk = self.desk.lock();
        desk.in_a_row += 1;
        let turns = desk.in_a_row >= every;
        if turns {
            desk.in_a_row = 0;
        }
        turns
    }

    /// A result that nobody took after all.
    pub fn give_back(&self, results: Vec<Py<FetchResult>>) {
        let mut not_in_work = Vec::new();
        {
            let mut desk = self.desk.lock();
            for result in results.into_iter().rev() {
                let item = &result.get().item;
                if let Some(place) = desk.in_work.iter().rposition(|given| given.item.is(item)) {
                    not_in_work.push(desk.in_work.swap_remove(place));
                }
                desk.returned.push_front(result);
            }
        }
        drop(not_in_work);
        // Somebody else may wait.
        self.handle.rouse();
    }

    /// Whoever asks for more is done with what was handed out before.
    pub fn settle(&self, py: Python<'_>) -> PyResult<()> {
        let deferred = self.desk.lock().deferred;
        match deferred {
            true => Ok(()),
            false => self.tell_journal(py),
        }
    }

    fn tell_journal(&self, py: Python<'_>) -> PyResult<()> {
        let Some(journal) = &self.callables.journal else {
            return Ok(());
        };
        let all = std::mem::take(&mut self.desk.lock().in_work);
        if all.is_empty() {
            return Ok(());
        }
        for InWork { item, failed } in all {
            let says = match failed {
                true => intern!(py, "failed"),
                false => intern!(py, "done"),
            };
            journal.bind(py).call_method1(says, (item,))?;
        }
        // One write for a batch.
        journal.bind(py).call_method0(intern!(py, "flush")).map(drop)
    }

    /// Tells how far it is; `last`: whether or not that was told a moment ago.
    pub fn tell(&self, py: Python<'_>, last: bool) -> PyResult<()> {
        let Some(progress) = &self.callables.progress else {
            return Ok(());
        };
        {
            let now = Instant::now();
            let mut desk = self.desk.lock();
            if !last && desk.told.is_some_and(|told| now < told + BETWEEN_CALLS) {
                return Ok(());
            }
            desk.told = Some(now);
        }
        let statistics = self.handle.look(|state| FetchStatistics::of(state));
        progress.bind(py).call1((statistics,)).map(drop)
    }

    fn deliver(&self, py: Python<'_>, ready: Ready) -> PyResult<Py<FetchResult>> {
        let (index, slot, response, error, attempts, elapsed) = match ready {
            Ready::Done(done) => {
                let (response, error) = match done.outcome {
                    Ok(parts) => (Some(Py::new(py, Response::from(parts))?), None),
                    Err(error) => (None, Some(PyErr::from(error))),
                };
                let elapsed = done.elapsed.as_secs_f64();
                (done.index, done.slot, response, error, done.attempts, elapsed)
            }
            Ready::Refused {
                index, slot, error, ..
            } => (index, slot, None, Some(error), 0, 0.0),
        };
        let item = self.desk.lock().given.try_remove(slot);
        let item = item.unwrap_or_else(|| py.None());
        let (mut value, mut error) = (None, error.map(|error| error.into_value(py).into_any()));
        if let (Some(parse), Some(response)) = (&self.callables.parse, &response) {
            match parse.bind(py).call1((response,)).and_then(plain_value) {
                Ok(parsed) => value = Some(parsed.unbind()),
                // KeyboardInterrupt is nobody's result.
                Err(failure) if !failure.is_instance_of::<PyException>(py) => return Err(failure),
                Err(failure) => {
                    error = Some(failure.into_value(py).into_any());
                    self.handle.look(|state| state.tally.failed += 1);
                }
            }
        }
        let result = FetchResult {
            index,
            item,
            response,
            error,
            value,
            attempts,
            elapsed,
        };
        if self.callables.journal.is_some() {
            let in_work = result.in_work(py);
            let mut desk = self.desk.lock();
            if !desk.deferred {
                desk.in_work.push(in_work);
            }
        }
        Py::new(py, result)
    }

    fn take(slf: Py<Self>, amount: Amount) -> Operation {
        Operation::new("fetch_all", Take::new(slf, amount))
    }
}

#[pymethods]
impl FetchRun {
    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(slf: Py<Self>) -> Operation {
        Self::take(slf, Amount::One)
    }

    /// Everything, as a list in the order of the URLs.
    fn all(slf: Py<Self>) -> Operation {
        slf.get().handle.look(|state| state.outbox.lift_limit());
        Self::take(slf, Amount::All)
    }

    /// At most `size` results, fewer when `within` seconds are over or there are no more; an empty list at the end.
    #[pyo3(signature = (size, within=None))]
    fn batch(slf: Py<Self>, size: usize, within: Option<f64>) -> Operation {
        let within = within.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Self::take(slf, Amount::Batch { size, within })
    }

    /// For the feeder: True when there is room for an item, False if none is wanted any more.
    fn room(slf: Py<Self>) -> Operation {
        Operation::new("fetch_all", Room::new(&slf.get().handle))
    }

    /// For the feeder: one more item.
    fn add(&self, item: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Some(work) = self.take_in(item)? {
            self.handle.add(vec![work]);
        }
        Ok(())
    }

    /// For the feeder: the source has ended, with `error` if that is given.
    #[pyo3(signature = (error=None))]
    fn finish(&self, py: Python<'_>, error: Option<Bound<'_, PyAny>>) {
        self.end(py, error.map(PyErr::from_value));
    }

    /// For who parses elsewhere, and takes results before anybody wants them: it says what is handed out.
    fn defer(&self) {
        self.desk.lock().deferred = true;
    }

    /// For the same: these are in work from now on.
    fn hand_out(&self, py: Python<'_>, results: Vec<Py<FetchResult>>) {
        if self.callables.journal.is_some() {
            let in_work: Vec<_> = results.iter().map(|result| result.get().in_work(py)).collect();
            self.desk.lock().in_work.extend(in_work);
        }
    }

    /// For the same: what was handed out is done with.
    fn settle_deferred(&self, py: Python<'_>) -> PyResult<()> {
        self.tell_journal(py)
    }

    /// For who parses elsewhere: a response has become an error.
    fn parse_failed(&self) {
        self.handle.look(|state| state.tally.failed += 1);
    }

    /// Stops what is in flight.
    fn stop(&self) {
        self.handle.stop();
    }

    fn statistics(&self) -> FetchStatistics {
        self.handle.look(|state| FetchStatistics::of(state))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.recipe.traverse(&visit)?;
        let callables = &self.callables;
        for callable in [&callables.parse, &callables.progress, &callables.journal] {
            visit.call(callable)?;
        }
        let Some(desk) = self.desk.try_lock() else {
            return Ok(());
        };
        desk.visit(&visit)
    }

    fn __clear__(&self) {
        let (source, failure) = {
            let mut desk = self.desk.lock();
            (desk.source.take(), desk.failure.take())
        };
        drop((source, failure));
    }
}

/// Refuses a coroutine: a lambda may make one, and nobody awaits it. TypeError then.
fn plain_value(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let py = value.py();
    if !value.get_type().is(imports::coroutine_type(py)?) {
        return Ok(value);
    }
    value.call_method0(intern!(py, "close"))?;
    Err(PyTypeError::new_err(
        "parse must return a value, not a coroutine: nobody awaits it",
    ))
}

impl Drop for FetchRun {
    fn drop(&mut self) {
        self.handle.stop();
    }
}
