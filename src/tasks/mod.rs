//! Many awaitables at once.
//!
//! - [`gather`]: all of them, results in order.
//! - [`children`]: the state behind it: who runs, who waits, who has ended. [`child`]: one of them.
//! - [`running`]: what starts and steps them.
//! - [`start`] and [`driven`]: how a Python coroutine runs as a child, without a Handle for its start or
//!   a done-callback for its end.
//! - [`fan_out`]: how native children run, all on tokio, in few tasks.
//! - [`to_thread`]: a blocking function on a thread of its own.

mod child;
mod children;
mod driven;
mod fan_out;
pub mod gather;
mod running;
mod start;
pub mod to_thread;
