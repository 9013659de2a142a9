//! State that belongs to whoever holds the interpreter.

use std::cell::{RefCell, RefMut};
use std::fmt;

use pyo3::PyVisit;
use pyo3::ffi;
use pyo3::prelude::*;

/// A cell that any attached thread may open: the interpreter's own lock is the lock, so it costs none.
///
/// The module asks for the GIL (`gil_used`), so at most one thread is attached at a time. An open cell must not
/// be kept open across anything that may run Python code or let go of the interpreter: who opens it then finds
/// it open, which is a panic here, where a mutex would hang.
pub struct Attached<T>(RefCell<T>);

// SAFETY: the contents are reached through `open` and `seen_by`, which take a proof of being attached, or through
// `&mut self`. At most one thread is attached, and the guards, which are not Send,
// stay on it. `T: Send`, since which thread that is changes.
unsafe impl<T: Send> Sync for Attached<T> {}

impl<T> Attached<T> {
    pub const fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    /// The contents, for some instructions.
    pub fn open<'a>(&'a self, _py: Python<'a>) -> RefMut<'a, T> {
        self.0.borrow_mut()
    }

    /// The contents, for the garbage collector, which shows with `visit` that it is at work on this thread;
    /// None where the collection began while the cell was open.
    pub fn seen_by<'a>(&'a self, _visit: &'a PyVisit<'_>) -> Option<RefMut<'a, T>> {
        self.0.try_borrow_mut().ok()
    }

    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

impl<T> fmt::Debug for Attached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nobody proves to be attached here.
        f.write_str("Attached(..)")
    }
}

/// Whether `object` is the only reference to what it refers to.
pub fn is_sole_reference<T>(object: &Bound<'_, T>) -> bool {
    // SAFETY: attached, and the object is alive.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) == 1 }
}
