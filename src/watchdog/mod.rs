//! `watchdog`: says where the loop is stuck while it is stuck.
//!
//! ```text
//! watching thread                         | loop thread
//! Watch.wait: ask, wait for the answer ---+-> (mailbox, bell) -> Pulse -> Watch.answer
//!        | no answer for the threshold    |   ... blocked ...
//! Watcher.next: attach, take the stack    |
//!        |                                |
//! callback(stall), in Python              |
//! ```
//!
//! - [`watch`]: who asked when and who answered. No Python in it.
//! - [`watcher`]: what the watching thread does once it has the interpreter.
//! - [`seen`]: how many stalls there were, and the longest.
//! - [`stall`]: what a callback is given.
//! - [`dog`]: what the user holds.
//! - [`exit`]: the watching threads end before the interpreter does.
//!
//! Invariant: the watching thread is Python's own, and is detached in [`watcher::Watcher::next`] alone. A
//! callback that never returns therefore runs above no frame of ours, and CPython may end the thread
//! there when it exits.

pub mod dog;
pub mod exit;
mod seen;
pub mod stall;
mod watch;
mod watcher;
