//! Many awaitables at once.
//!
//! - [`gather`]: all of them, results in order. [`as_completed`]: each when it has ended. [`amap`]: those
//!   that a function makes of many items, a few at a time.
//! - [`children`]: the state behind them: who runs, who waits, who has ended. [`child`]: one of them.
//!   [`ends`]: what has ended and was not taken.
//! - [`running`]: what starts and steps them.
//! - [`start`] and [`driven`]: how a Python coroutine runs as a child, without a Handle for its start or
//!   a done-callback for its end.
//! - [`fan_out`]: how native children run, all on tokio, in few tasks.
//! - [`listener`]: whom a gather tells how far it is.
//! - [`to_thread`]: a blocking function on a thread of its own.

pub mod amap;
pub mod as_completed;
mod child;
mod children;
mod driven;
mod ends;
mod fan_out;
pub mod gather;
mod listener;
mod running;
mod start;
pub mod to_thread;
