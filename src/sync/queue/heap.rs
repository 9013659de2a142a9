//! A heap of Python objects that is stable: what is equal comes out in the order in which it went in.
//!
//! Comparing runs Python code, which may do anything: raise, give the interpreter to another thread, or come
//! back to this very queue. So everything is compared before anything is moved, and a comparison that raises
//! leaves the heap as it was.

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

/// What is in a queue, with what decides its place where that is not the thing itself.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) item: Py<PyAny>,
    pub(super) key: Option<Py<PyAny>>,
}

impl Entry {
    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.item)?;
        visit.call(&self.key)
    }
}

#[derive(Debug)]
struct Placed {
    entry: Entry,
    /// Counts up from the first that went in.
    order: u64,
}

impl Placed {
    fn key<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.entry.key.as_ref().unwrap_or(&self.entry.item).bind(py)
    }

    /// Whether it comes out before `other`. Asks for `<` alone, as heapq does, and once.
    fn precedes(&self, other: &Self, py: Python<'_>) -> PyResult<bool> {
        if self.order < other.order {
            Ok(!other.key(py).lt(self.key(py))?)
        } else {
            self.key(py).lt(other.key(py))
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Heap {
    placed: Vec<Placed>,
    added: u64,
}

impl Heap {
    pub(super) fn push(&mut self, py: Python<'_>, entry: Entry) -> PyResult<()> {
        let order = self.added;
        let new = Placed { entry, order };
        let mut path = Vec::new();
        let mut place = self.placed.len();
        while let Some(parent) = place.checked_sub(1).map(|place| place / 2)
            && let Some(above) = self.placed.get(parent)
            && new.precedes(above, py)?
        {
            path.push((place, parent));
            place = parent;
        }
        self.added += 1;
        self.placed.push(new);
        for (place, parent) in path {
            self.placed.swap(place, parent);
        }
        Ok(())
    }

    pub(super) fn pop(&mut self, py: Python<'_>) -> PyResult<Option<Entry>> {
        let Some(last) = self.placed.last() else {
            return Ok(None);
        };
        let end = self.placed.len() - 1;
        let mut path = Vec::new();
        let mut place = 0;
        // Where the last one belongs once it has taken the first one's place.
        while let Some(mut child) = self.placed.get(2 * place + 1).filter(|_| 2 * place + 1 < end) {
            let mut below = 2 * place + 1;
            if let Some(right) = self.placed.get(below + 1).filter(|_| below + 1 < end)
                && right.precedes(child, py)?
            {
                below += 1;
                child = right;
            }
            if last.precedes(child, py)? {
                break;
            }
            path.push((place, below));
            place = below;
        }
        let first = self.placed.swap_remove(0);
        for (place, below) in path {
            self.placed.swap(place, below);
        }
        Ok(Some(first.entry))
    }

    /// Puts `entries` in the place of everything, and gives what there was.
    pub(super) fn replace(&mut self, py: Python<'_>, entries: Vec<Entry>) -> PyResult<Vec<Entry>> {
        let mut new = Self::default();
        entries.into_iter().try_for_each(|entry| new.push(py, entry))?;
        Ok(std::mem::replace(self, new).clear())
    }

    /// Takes everything out, in no order.
    pub(super) fn clear(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.placed)
            .into_iter()
            .map(|placed| placed.entry)
            .collect()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.placed.iter().map(|placed| &placed.entry)
    }
}
