//! The wait queue of `src/sync`, the very files, with loom's lock in the place of parking_lot's.
//!
//! `tests/` holds the models. Loom runs each in every order that its threads can take, and reports one in which
//! somebody waits for ever as a deadlock, and one in which an assertion fails as a panic. Where a bound is given,
//! it runs those orders in which a thread is interrupted at most so often while it could go on.

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

pub use scene::{Scene, check, check_within};
pub use sleeper::{Sleeper, look, pass};
