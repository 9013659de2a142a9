//! Locks, semaphores, events, barriers, queues: asyncio's contract, for several loops and threads at once.
//!
//! ```text
//! waiters     the one wait queue, no lock and no Python in it
//! line        a gate, and a passage through it: a future                     (no Python)
//! permits     a gate with counted permits, under most of the others          (no Python)
//! waits       a passage as an operation, or on a plain thread that sleeps
//! lock rlock rwlock semaphore event condition barrier queue rate_limiter     the classes
//! ```

pub mod barrier;
mod class;
pub mod condition;
pub mod event;
mod exclusive;
pub mod line;
pub mod lock;
pub mod permits;
pub mod queue;
pub mod rate_limiter;
pub mod rlock;
pub mod rwlock;
pub mod semaphore;
pub mod waiters;
pub mod waits;
