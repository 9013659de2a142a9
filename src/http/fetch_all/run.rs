//! The loop's side of a fan-out: URLs in, results out.
//!
//! Items are pulled and made into requests by whoever asks for the next result, as many as are wanted; from an
//! asynchronous source a task of `aioxide.fetching` feeds them in instead. What one item does that is no request
//! is that item's result. What the source raises comes when all is done that it gave before.
//!
//! The desk is never kept locked while Python is called: an iterator may come back here.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use pyo3::{PyTraverseError, PyVisit};
use slab::Slab;

use super::attempt::{Done, Work};
use super::crew::Handle;
use super::recipe::{Made, Recipe};
use super::result::Result as FetchResult;
use super::statistics::FetchStatistics;
use super::taking::{Amount, Room, Take};
use crate::bridge::Operation;
use crate::http::response::Response;

/// So many requests are made, then they are begun.
const PULLED_AT_ONCE: usize = 256;

/// So many items are pulled, then the loop turns: they may all have been done before.
const PULLED_IN_A_ROW: usize = 2048;

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
    handle: Arc<Handle>,
    recipe: Recipe,
    callables: Callables,
    ordered: bool,
    desk: Mutex<Desk>,
}

#[derive(Debug)]
struct Desk {
    /// None for one that is fed, and at its end.
    source: Option<Py<PyIterator>>,
    /// Somebody is pulling.
    pulls: bool,
    /// What the source raised.
    failure: Option<PyErr>,
    given: Slab<Py<PyAny>>,
    /// How many items the source gave.
    items: u64,
    /// How many of them are requests, or failed to be.
    turns: u64,
    ready: VecDeque<Ready>,
    /// What waits for those before it, where the order is kept.
    early: BTreeMap<u64, Ready>,
    /// The turn that is next, where the order is kept.
    next: u64,
    /// Results that were made for somebody who went away.
    returned: VecDeque<Py<FetchResult>>,
    /// URLs that were given, where none is fetched twice; by their hashes.
    seen: Option<HashSet<u64>>,
    /// Items whose results were handed out, and may be in work; for the journal.
    in_work: Vec<Py<PyAny>>,
    told: Option<Instant>,
    /// Results since the loop has turned.
    in_a_row: usize,
}

/// What there is of an item before it is a result.
#[derive(Debug)]
enum Ready {
    Done(Done),
    /// It could not be requested.
    Refused {
        index: u64,
        turn: u64,
        slot: usize,
        error: PyErr,
    },
}

impl Ready {
    fn turn(&self) -> u64 {
        match self {
            Self::Done(done) => done.turn,
            Self::Refused { turn, .. } => *turn,
        }
    }
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
            desk: Mutex::new(Desk {
                source,
                pulls: false,
                failure: None,
                given: Slab::new(),
                items: 0,
                turns: 0,
                ready: VecDeque::new(),
                early: BTreeMap::new(),
                next: 0,
                returned: VecDeque::new(),
                seen: dedupe.then(HashSet::new),
                in_work: Vec::new(),
                told: None,
                in_a_row: 0,
            }),
        }
    }

    pub fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// Whether items come from an iterator that is pulled here.
    pub fn is_pulled(&self) -> bool {
        self.desk.lock().source.is_some()
    }

    /// Pulls items as long as more are wanted; false if it takes so long that the loop should turn in between.
    pub fn fill(&self, py: Python<'_>) -> PyResult<bool> {
        if self.handle.room() == 0 {
            return Ok(true);
        }
        let source = {
            let mut desk = self.desk.lock();
            let Some(source) = desk.source.as_ref().filter(|_| !desk.pulls) else {
                return Ok(true);
            };
            let source = source.clone_ref(py);
            desk.pulls = true;
            source
        };
        let filled = self.pull(source.bind(py));
        self.desk.lock().pulls = false;
        filled
    }

    fn pull(&self, source: &Bound<'_, PyIterator>) -> PyResult<bool> {
        let mut source = source.clone();
        let mut left = PULLED_IN_A_ROW;
        while left > 0 {
            let wanted = self.handle.room().min(PULLED_AT_ONCE);
            if wanted == 0 {
                return Ok(true);
            }
            let mut works = Vec::with_capacity(wanted);
            let mut end = None;
            while works.len() < wanted && left > 0 {
                left -= 1;
                match source.next() {
                    Some(Ok(item)) => {
                        if let Some(work) = self.take_in(&item)? {
                            works.push(work);
                        }
                    }
                    Some(Err(error)) => {
                        end = Some(Some(error));
                        break;
                    }
                    None => {
                        end = Some(None);
                        break;
                    }
                }
            }
            self.handle.add(works);
            if let Some(failure) = end {
                self.end(failure);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// No more comes, because of `failure` if that is given.
    fn end(&self, failure: Option<PyErr>) {
        let source = {
            let mut desk = self.desk.lock();
            desk.failure = failure;
            desk.source.take()
        };
        drop(source);
        self.handle.exhaust();
    }

    /// Makes a request of an item, unless it was done before. What fails is its result.
    fn take_in(&self, item: &Bound<'_, PyAny>) -> PyResult<Option<Work>> {
        let py = item.py();
        self.recipe.check()?;
        let index = {
            let mut desk = self.desk.lock();
            desk.items += 1;
            desk.items - 1
        };
        if let Some(journal) = &self.callables.journal
            && journal
                .bind(py)
                .call_method1(intern!(py, "skip"), (item,))?
                .is_truthy()?
        {
            self.handle.look(|state| state.tally.skipped += 1);
            return Ok(None);
        }
        let made = self.recipe.make(item);
        let mut desk = self.desk.lock();
        if let (Ok(made), Some(seen)) = (&made, &mut desk.seen)
            && !seen.insert(fingerprint(made))
        {
            drop(desk);
            self.handle.look(|state| state.tally.skipped += 1);
            return Ok(None);
        }
        let turn = desk.turns;
        desk.turns += 1;
        let slot = desk.given.insert(item.clone().unbind());
        match made {
            Ok(Made {
                outgoing,
                plan,
                attempts,
            }) => Ok(Some(Work {
                index,
                turn,
                slot,
                outgoing,
                plan,
                attempts,
                begun: None,
            })),
            Err(error) if error.is_instance_of::<PyException>(py) => {
                let refused = Ready::Refused {
                    index,
                    turn,
                    slot,
                    error,
                };
                desk.put(refused, self.ordered);
                drop(desk);
                self.handle.look(|state| state.tally.done(true, 0));
                Ok(None)
            }
            Err(error) => {
                let item = desk.given.try_remove(slot);
                drop(desk);
                drop(item);
                Err(error)
            }
        }
    }

    /// The next result, if it is here.
    pub fn next_result(&self, py: Python<'_>) -> PyResult<Option<Py<FetchResult>>> {
        let ready = {
            let mut desk = self.desk.lock();
            if let Some(result) = desk.returned.pop_front() {
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
        let kept = {
            let desk = self.desk.lock();
            desk.ready.len() + desk.early.len()
        };
        let (done, over) = self.handle.collect(kept);
        let mut desk = self.desk.lock();
        for done in done {
            desk.put(Ready::Done(done), self.ordered);
        }
        Ok(over)
    }

    /// What the source raised, once.
    pub fn failure(&self) -> Option<PyErr> {
        self.desk.lock().failure.take()
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
        let mut desk = self.desk.lock();
        for result in results.into_iter().rev() {
            desk.returned.push_front(result);
        }
    }

    /// Whoever asks for more is done with what was handed out before.
    pub fn settle(&self, py: Python<'_>) -> PyResult<()> {
        let Some(journal) = &self.callables.journal else {
            return Ok(());
        };
        let items = std::mem::take(&mut self.desk.lock().in_work);
        for item in items {
            journal.bind(py).call_method1(intern!(py, "done"), (item,))?;
        }
        Ok(())
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
            match parse.bind(py).call1((response,)) {
                Ok(parsed) => value = Some(parsed.unbind()),
                // KeyboardInterrupt is nobody's result.
                Err(failure) if !failure.is_instance_of::<PyException>(py) => return Err(failure),
                Err(failure) => {
                    error = Some(failure.into_value(py).into_any());
                    self.handle.look(|state| state.tally.failed += 1);
                }
            }
        }
        if self.callables.journal.is_some() {
            self.desk.lock().in_work.push(item.clone_ref(py));
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
        Py::new(py, result)
    }

    fn take(slf: Py<Self>, amount: Amount) -> Operation {
        Operation::new("fetch_all", Take::new(slf, amount))
    }
}

impl Desk {
    fn put(&mut self, ready: Ready, ordered: bool) {
        if ordered {
            self.early.insert(ready.turn(), ready);
        } else {
            self.ready.push_back(ready);
        }
    }

    fn next_ready(&mut self, ordered: bool) -> Option<Ready> {
        if !ordered {
            return self.ready.pop_front();
        }
        let ready = self.early.remove(&self.next)?;
        self.next += 1;
        Some(ready)
    }
}

/// The same for requests that are the same: method, URL without its fragment, body.
fn fingerprint(made: &Made) -> u64 {
    let mut hasher = DefaultHasher::new();
    made.outgoing.method.hash(&mut hasher);
    made.outgoing.url[..url::Position::AfterQuery].hash(&mut hasher);
    if let crate::http::upload::Payload::Whole(body) = &made.outgoing.body {
        body.hash(&mut hasher);
    }
    hasher.finish()
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
        match self.take_in(item)? {
            Some(work) => self.handle.add(vec![work]),
            // It may have come to a result at once, of which tokio knows nothing.
            None => self.handle.rouse(),
        }
        Ok(())
    }

    /// For the feeder: the source has ended, with `error` if that is given.
    #[pyo3(signature = (error=None))]
    fn finish(&self, error: Option<Bound<'_, PyAny>>) {
        self.end(error.map(PyErr::from_value));
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
        visit.call(&desk.source)?;
        for (_, item) in &desk.given {
            visit.call(item)?;
        }
        for item in &desk.in_work {
            visit.call(item)?;
        }
        for result in &desk.returned {
            visit.call(result)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let source = self.desk.lock().source.take();
        drop(source);
    }
}

impl Drop for FetchRun {
    fn drop(&mut self) {
        self.handle.stop();
    }
}
