//! The wait queue of `src/sync`, the very files, with loom's lock in the place of parking_lot's.
//!
//! `tests/` holds the models. Loom runs each in every order that its threads can take, and reports one in which
//! somebody waits for ever as a deadlock, and one in which an assertion fails as a panic. No model is bounded: the
//! largest takes about twelve thousand orders.
//!
//! Wakers are cloned and dropped without a switch of threads, but for those of loom's own executor, under which one
//! of the models runs.

// They name one another as `super::…`.
pub mod exclusive;
#[path = "../../../src/sync/line.rs"]
pub mod line;
#[path = "../../../src/sync/permits.rs"]
pub mod permits;
#[path = "../../../src/sync/waiters.rs"]
pub mod waiters;

mod scene;
mod sleeper;

pub use scene::{Scene, check};
pub use sleeper::{Sleeper, look, pass};
