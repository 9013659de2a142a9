//! The tokio runtime: one for the process, started on first use.
//!
//! [`spawn`] gives a future to it and answers with a [`Job`], which stops the future when dropped.
//!
//! Invariant: an engine and every job carry the epoch of the process that made them. In a forked
//! child the epoch has moved on: what the parent made is forgotten, never dropped, since its threads
//! do not exist here, and waiting for them or taking a lock that one of them held would hang.
//!
//! The locks here are taken with the interpreter held and never given up under them, so that no
//! other Python thread can fork in between.

mod job;
mod near;
mod settings;
mod threads;

use std::cell::Cell;
use std::future::Future;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, Result};

pub use job::{Job, Promise};
pub use near::{Near, away, is_near};
pub use settings::threads as most_threads;
pub use threads::{Crew, Member};

/// A started runtime. Leaked, so that a spawn costs no reference count: one for a process, one more
/// for a fork or for a use after exit began.
struct Engine {
    handle: Handle,
    /// Taken by [`shutdown`]; a fork leaves it where it is.
    runtime: Mutex<Option<Runtime>>,
    epoch: u32,
}

static CURRENT: Mutex<Option<&'static Engine>> = Mutex::new(None);

/// Goes up by one in every forked child.
static EPOCH: AtomicU32 = AtomicU32::new(0);

/// Goes up whenever [`CURRENT`] is emptied, which makes the threads' own copies of it stale.
static GENERATION: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// This thread's copy of [`CURRENT`], with the generation it was taken in.
    static CACHED: Cell<Option<(usize, &'static Engine)>> = const { Cell::new(None) };
}

/// Which process, counted in forks, this is. What was made in another epoch must be forgotten.
pub fn epoch() -> u32 {
    EPOCH.load(Ordering::Relaxed)
}

/// Runs `future` on the runtime, which starts if it has not. Dropping the job stops the future.
pub fn spawn<F>(future: F) -> Result<Job<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let engine = engine()?;
    Ok(Job::start(&engine.handle, future, engine.epoch))
}

/// A job that no future stands for: whoever has the promise reports its end.
pub fn promise<T: Send + 'static>() -> (Job<T>, Promise<T>) {
    Job::promised(epoch())
}

/// Calls `action`; what it spawns starts in parts, with one wake-up of the runtime for each.
pub fn burst<T>(action: impl FnOnce() -> T) -> T {
    match engine() {
        Ok(engine) => job::burst(&engine.handle, action),
        // Each spawn will say why.
        Err(_) => action(),
    }
}

/// Starts what this thread has spawned in a burst, for who is about to wait for that on this very thread.
pub fn hand_over() {
    if let Ok(engine) = engine() {
        job::hand_over(&engine.handle);
    }
}

/// Runs `make` where tokio's timers and sockets can be created, as a client's constructor needs.
pub fn within<T>(make: impl FnOnce() -> T) -> Result<T> {
    let _guard = engine()?.handle.enter();
    Ok(make())
}

/// How many threads run futures; `None` before the first use.
pub fn workers() -> Option<usize> {
    let current = *CURRENT.lock();
    current.map(|engine| engine.handle.metrics().num_workers())
}

/// A runtime apart from the process's own, for a server that must not share its threads with the
/// clients under test. Stops without waiting when dropped.
#[derive(Debug)]
pub struct Dedicated {
    runtime: Option<Runtime>,
    epoch: u32,
}

impl Dedicated {
    /// `name` is the threads' name, at most 15 bytes on Linux.
    pub fn start(name: &'static str, workers: usize) -> Result<Self> {
        Ok(Self {
            runtime: Some(build(name, workers)?),
            epoch: epoch(),
        })
    }

    /// Runs `future` on this runtime. Dropping the job stops the future.
    pub fn spawn<F>(&self, future: F) -> Result<Job<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match &self.runtime {
            Some(runtime) if self.epoch == epoch() => Ok(Job::start_on(runtime.handle(), future, self.epoch)),
            _ => Err(Error::runtime(
                "this server was started before a fork and lives in the parent process",
            )),
        }
    }

    /// Runs `future` to its end on this thread. The caller has let go of the interpreter.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        match &self.runtime {
            Some(runtime) if self.epoch == epoch() => Ok(runtime.block_on(future)),
            _ => Err(Error::runtime(
                "this server was started before a fork and lives in the parent process",
            )),
        }
    }
}

impl Drop for Dedicated {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            if self.epoch == epoch() {
                runtime.shutdown_background();
            } else {
                std::mem::forget(runtime);
            }
        }
    }
}

/// Called in a forked child before anything else runs there: forgets the parent's runtime.
///
/// The next use builds a new one, so parent and child both go on working.
pub fn forget_after_fork() {
    EPOCH.fetch_add(1, Ordering::Relaxed);
    job::forget_burst();
    GENERATION.fetch_add(1, Ordering::Release);
    *CURRENT.lock() = None;
}

/// Called when the interpreter begins to exit and no daemon thread is left: tells the threads to stop and
/// waits for none of them.
///
/// A use after this, by an `atexit` function that runs later, starts a new runtime.
pub fn shutdown() {
    let engine = CURRENT.lock().take();
    GENERATION.fetch_add(1, Ordering::Release);
    if let Some(engine) = engine
        && let Some(runtime) = engine.runtime.lock().take()
    {
        runtime.shutdown_background();
    }
}

fn engine() -> Result<&'static Engine> {
    let generation = GENERATION.load(Ordering::Acquire);
    if let Some((cached, engine)) = CACHED.get()
        && cached == generation
    {
        return Ok(engine);
    }
    let mut current = CURRENT.lock();
    let engine = match *current {
        Some(engine) => engine,
        None => {
            let engine: &'static Engine = Box::leak(Box::new(start()?));
            *current = Some(engine);
            engine
        }
    };
    CACHED.set(Some((generation, engine)));
    Ok(engine)
}

fn start() -> Result<Engine> {
    let runtime = build("aioxide", settings::workers()?)?;
    Ok(Engine {
        handle: runtime.handle().clone(),
        runtime: Mutex::new(Some(runtime)),
        epoch: epoch(),
    })
}

fn build(name: &'static str, workers: usize) -> Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name(name)
        .enable_all()
        .build()
        .map_err(|error| Error::runtime(format!("the tokio runtime could not be started: {error}")))
}
