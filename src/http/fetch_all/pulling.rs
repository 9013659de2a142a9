//! How items are pulled, and become requests.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyIterator;

use super::attempt::Work;
use super::desk::Ready;
use super::recipe::Made;
use super::run::FetchRun;
use crate::http::upload::Payload;

/// So many requests are made, then they are begun.
const PULLED_AT_ONCE: usize = 256;

/// So many items are pulled, then the loop turns: they may all have been done before.
const PULLED_IN_A_ROW: usize = 2048;

impl FetchRun {
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
    pub(super) fn end(&self, failure: Option<PyErr>) {
        let source = {
            let mut desk = self.desk.lock();
            desk.failure = failure;
            desk.source.take()
        };
        drop(source);
        self.handle.exhaust();
    }

    /// Makes a request of an item, unless it was done before. What fails is its result.
    pub(super) fn take_in(&self, item: &Bound<'_, PyAny>) -> PyResult<Option<Work>> {
        let py = item.py();
        self.recipe.check()?;
        let index = {
            let mut desk = self.desk.lock();
            desk.items += 1;
            desk.items - 1
        };
        let skips = match &self.callables.journal {
            Some(journal) => journal
                .bind(py)
                .call_method1(intern!(py, "skip"), (item,))?
                .is_truthy()?,
            None => false,
        };
        // With `dedupe`, also one that was done before is the first of its kind.
        if skips && self.desk.lock().seen.is_none() {
            self.handle.look(|state| state.tally.skipped += 1);
            return Ok(None);
        }
        let made = self.recipe.make(item);
        let mut desk = self.desk.lock();
        if let (Ok(made), Some(seen)) = (&made, &mut desk.seen)
            && (!seen.insert(fingerprint(made)) || skips)
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
}

/// The same for requests that are the same: method, URL without its fragment, body.
fn fingerprint(made: &Made) -> u64 {
    let mut hasher = DefaultHasher::new();
    made.outgoing.method.hash(&mut hasher);
    made.outgoing.url[..url::Position::AfterQuery].hash(&mut hasher);
    if let Payload::Whole(body) = &made.outgoing.body {
        body.hash(&mut hasher);
    }
    hasher.finish()
}
