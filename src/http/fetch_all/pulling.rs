//! How items are pulled, and become requests.

use std::borrow::Cow;
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
        let py = source.py();
        let mut left = PULLED_IN_A_ROW;
        while left > 0 {
            let wanted = self.handle.room().min(PULLED_AT_ONCE).min(left);
            if wanted == 0 {
                return Ok(true);
            }
            if let Err(closed) = self.recipe.check() {
                self.end(py, Some(closed.into()));
                return Ok(true);
            }
            let mut works = Vec::with_capacity(wanted);
            let pulled = self.pull_some(source, wanted, &mut works);
            left -= wanted;
            // Whatever came in between: what was pulled before is made.
            self.handle.add(works);
            match pulled {
                Ok(true) => {}
                Ok(false) => {
                    self.end(py, None);
                    return Ok(true);
                }
                Err(failure) if failure.is_instance_of::<PyException>(py) => {
                    self.end(py, Some(failure));
                    return Ok(true);
                }
                // KeyboardInterrupt waits for nobody.
                Err(failure) => return Err(failure),
            }
        }
        Ok(false)
    }

    /// Pulls up to so many items; false at the end of the source.
    fn pull_some(
        &self,
        source: &Bound<'_, PyIterator>,
        most: usize,
        works: &mut Vec<Work>,
    ) -> PyResult<bool> {
        let mut source = source.clone();
        for _ in 0..most {
            let Some(item) = source.next() else {
                return Ok(false);
            };
            works.extend(self.take_in(&item?)?);
        }
        Ok(true)
    }

    /// No more comes, because of `failure` if that is given.
    pub(super) fn end(&self, py: Python<'_>, failure: Option<PyErr>) {
        let failure = failure.map(|failure| failure.into_value(py));
        let (source, before) = {
            let mut desk = self.desk.lock();
            (desk.source.take(), std::mem::replace(&mut desk.failure, failure))
        };
        drop((source, before));
        self.handle.exhaust();
    }

    /// An item was done before.
    fn skip(&self) {
        self.handle.look(|state| state.tally.skipped += 1);
    }

    /// Makes a request of an item, unless it was done before. What fails is its result.
    pub(super) fn take_in(&self, item: &Bound<'_, PyAny>) -> PyResult<Option<Work>> {
        let py = item.py();
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
        // With `dedupe`, also one that was done before is the first of its kind, and has to be made for that.
        if skips && self.desk.lock().seen.is_none() {
            self.skip();
            return Ok(None);
        }
        let made = match self.recipe.make(item) {
            Err(error) if !error.is_instance_of::<PyException>(py) => return Err(error),
            made => made,
        };
        let mut desk = self.desk.lock();
        let is_seen = match (&made, &mut desk.seen) {
            (Ok(made), Some(seen)) => fingerprint(made).is_some_and(|print| !seen.insert(print)),
            _ => false,
        };
        if skips || is_seen {
            drop(desk);
            self.skip();
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
            Err(error) => {
                let refused = Ready::Refused {
                    index,
                    turn,
                    slot,
                    error,
                };
                desk.put(refused, self.ordered);
                drop(desk);
                self.handle.refused();
                Ok(None)
            }
        }
    }
}

/// The same for requests that are the same: method, URL without its fragment, body. None for a body that is not
/// in memory, which cannot be compared.
fn fingerprint(made: &Made) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    made.outgoing.method.hash(&mut hasher);
    unescaped(&made.outgoing.url[..url::Position::AfterQuery]).hash(&mut hasher);
    match &made.outgoing.body {
        Payload::Nothing => {}
        Payload::Whole(body) => body.hash(&mut hasher),
        Payload::Streamed(_) => return None,
    }
    Some(hasher.finish())
}

/// A URL in which nothing is escaped that need not be, and the rest in upper case: RFC 3986, section 6.2.2.
fn unescaped(url: &str) -> Cow<'_, [u8]> {
    if !url.contains('%') {
        return Cow::Borrowed(url.as_bytes());
    }
    let mut normal = Vec::with_capacity(url.len());
    let mut left = url.as_bytes();
    while let Some((&byte, rest)) = left.split_first() {
        left = rest;
        let escape = match (byte, rest) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |digit: &u8| char::from(*digit).to_digit(16);
                digit(high).zip(digit(low)).map(|digits| (digits, after))
            }
            _ => None,
        };
        let Some(((high, low), after)) = escape else {
            normal.push(byte);
            continue;
        };
        left = after;
        match u8::try_from(high * 16 + low) {
            Ok(plain) if plain.is_ascii_alphanumeric() || b"-._~".contains(&plain) => normal.push(plain),
            Ok(other) => normal.extend_from_slice(format!("%{other:02X}").as_bytes()),
            Err(_) => normal.push(byte),
        }
    }
    Cow::Owned(normal)
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn escapes_that_say_the_same_are_the_same() {
        for (given, normal) in [
            ("http://a/b?c=d", "http://a/b?c=d"),
            ("http://a/%7euser/%31%2D%5f", "http://a/~user/1-_"),
            ("http://a/x%2fy?q=%c3%Bc%20", "http://a/x%2Fy?q=%C3%BC%20"),
            ("http://a/%2541", "http://a/%2541"),
            ("http://a/%", "http://a/%"),
            ("http://a/%4", "http://a/%4"),
            ("http://a/%zz%+1%4g", "http://a/%zz%+1%4g"),
        ] {
            assert_eq!(&*unescaped(given), normal.as_bytes(), "{given}");
        }
    }
}
