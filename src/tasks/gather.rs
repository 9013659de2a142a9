//! `gather`: all results, in order, of native operations and Python awaitables in any mixture.
//!
//! ```text
//! native, for tokio alone   -> all in one task there (fan_out), its limit included
//! native, on the loop's time -> stepped here, under an id of its own
//! Python coroutine          -> a Task around a Driven; started eagerly on 3.12+, all in one callback
//! asyncio.Future or Task    -> runs already; a done-callback
//! ```
//!
//! The contract is `asyncio.gather`'s: a real Future that starts at once, duplicates run once, the first
//! exception is raised while the others go on, cancelling it cancels the children.
//!
//! Invariant: `left` counts the children that have not ended, each of which ends once; the Future is set
//! when it reaches zero, or at the first exception, and `outer` is None from then on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::child::{Child, Kind, classify};
use super::children::Children;
use super::listener::Listener;
use crate::bridge::Hub;
use crate::error::{Error, Result};
use crate::python::imports;

/// Runs awaitables concurrently and gives the list of their results, in the order of the arguments.
///
/// With `return_exceptions` an exception is a result like any other; without, the first one is raised
/// at once and the other awaitables go on. `limit`: at most so many run at a time, in their order.
/// `progress` is called at each end with how many have ended and how many there are; True draws a bar.
///
/// Returns an `asyncio.Future`. TypeError for what cannot be awaited, ValueError for a limit below 1 and
/// for futures of different loops.
/// Cancel safety: cancelling stops native operations at once and cancels the rest.
#[pyfunction]
#[pyo3(signature = (*aws, return_exceptions=false, limit=None, progress=None))]
pub fn gather<'py>(
    py: Python<'py>,
    aws: &Bound<'py, PyTuple>,
    return_exceptions: bool,
    limit: Option<i64>,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let limit = at_most(limit)?;
    let kinds = aws
        .iter_borrowed()
        .map(|aw| classify(&aw))
        .collect::<PyResult<Vec<_>>>()?;
    let event_loop = loop_of(aws, &kinds)?;
    if aws.is_empty() {
        let _checked = progress
            .map(|progress| Listener::from_python(progress, 0))
            .transpose()?;
        let outer = event_loop.call_method0(intern!(py, "create_future"))?;
        outer.call_method1(intern!(py, "set_result"), (PyList::empty(py),))?;
        return Ok(outer);
    }
    let listener = match progress {
        Some(progress) => Listener::from_python(progress, distinct(aws))?,
        None => None,
    };
    let (children, places) = adopt(aws, kinds);
    let children = Children::new(Hub::of(&event_loop)?, children, places, limit, return_exceptions);
    let children = Bound::new(py, children)?;
    let kwargs = PyDict::new(py);
    kwargs.set_item(intern!(py, "loop"), &event_loop)?;
    let outer = imports::gathering_future(py)?.call((&children,), Some(&kwargs))?;
    {
        let mut inner = children.get().inner.lock();
        inner.outer = Some(outer.clone().unbind());
        inner.listener = listener.map(Arc::new);
    }
    Children::start(&children, &event_loop)?;
    Ok(outer)
}

/// The limit that was asked for; ValueError for one below 1.
pub(super) fn at_most(limit: Option<i64>) -> Result<usize> {
    match limit {
        None => Ok(usize::MAX),
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| *limit > 0)
            .ok_or_else(|| Error::value(format!("limit must be at least 1, not {limit}"))),
    }
}

/// The loop of the futures among `aws`, else the running loop, else this thread's.
fn loop_of<'py>(aws: &Bound<'py, PyTuple>, kinds: &[Kind]) -> PyResult<Bound<'py, PyAny>> {
    let py = aws.py();
    let mut found: Option<Bound<'py, PyAny>> = None;
    for (aw, _) in aws
        .iter_borrowed()
        .zip(kinds)
        .filter(|(_, kind)| **kind == Kind::Future)
    {
        let event_loop = aw.call_method0(intern!(py, "get_loop"))?;
        match &found {
            Some(found) if !found.is(&event_loop) => {
                return Err(PyValueError::new_err(
                    "The future belongs to a different loop than the one specified as the loop argument",
                ));
            }
            _ => found = Some(event_loop),
        }
    }
    let event_loop = match found {
        Some(found) => found,
        None => imports::get_event_loop(py)?.call0()?,
    };
    Ok(event_loop)
}

/// One child for each distinct argument, and for each argument the number of its child; None where
/// they are all distinct.
pub(super) fn adopt(aws: &Bound<'_, PyTuple>, kinds: Vec<Kind>) -> (Vec<Child>, Option<Vec<usize>>) {
    if kinds.iter().all(|kind| *kind == Kind::Native) {
        // The common case needs no note of every address: an operation that can be taken comes for the
        // first time.
        let children: Vec<_> = aws
            .iter_borrowed()
            .map(|aw| Child::adopt(&aw, Kind::Native))
            .collect();
        if children.iter().all(Child::is_waiting) {
            return (children, None);
        }
        return unite(aws, children);
    }
    let children = aws
        .iter_borrowed()
        .zip(kinds)
        .map(|(aw, kind)| Child::adopt(&aw, kind))
        .collect();
    unite(aws, children)
}

/// How many different ones there are.
fn distinct(aws: &Bound<'_, PyTuple>) -> usize {
    let known: HashSet<usize> = aws.iter_borrowed().map(|aw| aw.as_ptr() as usize).collect();
    known.len()
}

/// Keeps the first child of each distinct argument.
fn unite(aws: &Bound<'_, PyTuple>, adopted: Vec<Child>) -> (Vec<Child>, Option<Vec<usize>>) {
    let mut known = HashMap::with_capacity(adopted.len());
    let mut children = Vec::with_capacity(adopted.len());
    let mut places = Vec::with_capacity(adopted.len());
    for (aw, child) in aws.iter_borrowed().zip(adopted) {
        let number = *known.entry(aw.as_ptr() as usize).or_insert_with(|| {
            children.push(child);
            children.len() - 1
        });
        places.push(number);
    }
    let distinct = children.len() == places.len();
    (children, (!distinct).then_some(places))
}
