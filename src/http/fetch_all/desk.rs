//! What lies on the loop's side of a fan-out: where items come from, what was given, what is ready.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::Instant;

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use pyo3::{PyTraverseError, PyVisit};
use slab::Slab;

use super::attempt::Done;
use super::result::Result as FetchResult;

#[derive(Debug)]
pub struct Desk {
    /// None for one that is fed, and at its end.
    pub source: Option<Py<PyIterator>>,
    /// Somebody is pulling.
    pub pulls: bool,
    /// What the source raised.
    pub failure: Option<Py<PyBaseException>>,
    pub given: Slab<Py<PyAny>>,
    /// How many items the source gave.
    pub items: u64,
    /// How many of them are requests, or failed to be.
    pub turns: u64,
    pub ready: VecDeque<Ready>,
    /// What waits for those before it, where the order is kept.
    pub early: BTreeMap<u64, Ready>,
    /// The turn that is next, where the order is kept.
    pub next: u64,
    /// Results that were made for somebody who went away.
    pub returned: VecDeque<Py<FetchResult>>,
    /// URLs that were given, where none is fetched twice; by their hashes.
    pub seen: Option<HashSet<u64>>,
    /// What was handed out, and may be in work; for the journal.
    pub in_work: Vec<InWork>,
    /// Whoever parses elsewhere says himself which these are, and when they are done.
    pub deferred: bool,
    pub told: Option<Instant>,
    /// Results since the loop has turned.
    pub in_a_row: usize,
    /// How many results were here when tokio was told last.
    pub told_kept: usize,
}

/// An item whose result somebody has, and what is to be noted of it.
#[derive(Debug)]
pub struct InWork {
    pub item: Py<PyAny>,
    pub failed: bool,
}

/// What there is of an item before it is a result.
#[derive(Debug)]
pub enum Ready {
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
    pub fn turn(&self) -> u64 {
        match self {
            Self::Done(done) => done.turn,
            Self::Refused { turn, .. } => *turn,
        }
    }
}

impl Desk {
    /// `source` is None where items are fed; `dedupe`: no request is made twice.
    pub fn new(source: Option<Py<PyIterator>>, dedupe: bool) -> Self {
        Self {
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
            deferred: false,
            told: None,
            in_a_row: 0,
            told_kept: 0,
        }
    }

    pub fn visit(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.source)?;
        visit.call(&self.failure)?;
        for (_, item) in &self.given {
            visit.call(item)?;
        }
        for given in &self.in_work {
            visit.call(&given.item)?;
        }
        for result in &self.returned {
            visit.call(result)?;
        }
        Ok(())
    }

    pub fn put(&mut self, ready: Ready, ordered: bool) {
        if ordered {
            self.early.insert(ready.turn(), ready);
        } else {
            self.ready.push_back(ready);
        }
    }

    /// How many results are here.
    pub fn kept(&self) -> usize {
        self.ready.len() + self.early.len()
    }

    pub fn next_ready(&mut self, ordered: bool) -> Option<Ready> {
        if !ordered {
            return self.ready.pop_front();
        }
        let ready = self.early.remove(&self.next)?;
        self.next += 1;
        Some(ready)
    }
}
