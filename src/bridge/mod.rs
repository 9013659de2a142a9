//! How a Rust future is awaited from Python.
//!
//! ```text
//! tokio thread                         | loop thread
//! a job ends -> OpWaker -> Mailbox ----+-> Drain -> Hub -> Operation -> the task that awaits it
//!                          (bell)      |
//! ```
//!
//! - [`mailbox`]: where any thread says that an operation can go on. No Python in it.
//! - [`bell`]: how the mailbox gets the loop's attention: an fd it watches, or a thread that calls it.
//! - [`hub`]: the loop's side: who sleeps under which id, and what is due when.
//! - [`drain`]: what the loop calls when the bell rang or a timer is due.
//! - [`work`]: what an operation does, and what it leaves to tokio.
//! - [`operation`]: the awaitable.
//! - [`context`]: an operation in `async with`.
//! - [`ready`]: awaitables that never suspend.

pub mod alarm;
pub mod bell;
mod callback;
mod clock;
mod context;
pub mod drain;
pub mod hub;
pub mod mailbox;
pub mod operation;
pub mod ready;
pub mod slots;
pub mod spare;
mod state;
mod timers;
pub mod work;

pub use hub::Hub;
pub use operation::Operation;
pub use work::{Deliver, Delivery, InOneGo, Native, Step, Turn, Work};
