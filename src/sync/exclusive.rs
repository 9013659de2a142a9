//! The lock that keeps a line and its counts together.
//!
//! Held for some dozens of instructions, never while Python is called or a waker is woken. A file of its own
//! because `tests/model` puts loom's in its place.

pub use parking_lot::Mutex;
