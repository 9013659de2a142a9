//! A future that runs on the runtime, and stops when nobody wants it any more.
//!
//! A job and its task share a [`Shared`]; the task's half is a [`Promise`], which reports the end even if
//! the task panics or the runtime drops it. Starting a task from outside the runtime may cost a system
//! call to wake a worker, so a burst of them starts together: see [`burst`].

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::epoch;
use crate::error::{Error, Kind, Result};

/// A burst is handed over in parts of at most this size.
const PART: usize = 128;

/// What was started first waits no longer than this while the burst goes on: waking a worker costs the
/// loop's thread some microseconds, and a job that waits costs its task as many.
const PATIENCE: Duration = Duration::from_micros(100);

/// How many launches go by from one look at the clock to the next.
const LOOK_EVERY: usize = 8;

/// The handle of a spawned future. Awaited, it gives the future's output; dropped, it stops it.
#[derive(Debug)]
pub struct Job<T> {
    shared: Arc<Shared<T>>,
    epoch: u32,
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
enum State<T> {
    /// Not finished. The task is known once it has started.
    Running {
        task: Option<JoinHandle<()>>,
        waker: Option<Waker>,
    },
    Finished(Result<T>),
    /// The job was dropped, or its output taken.
    Unwanted,
}

impl<T: Send + 'static> Job<T> {
    /// Runs `future` on `handle`'s runtime: at once, or at the end of the burst.
    pub(super) fn start<F>(handle: &'static Handle, future: F, epoch: u32) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (job, promise) = Self::promised(epoch);
        let started = BURST.with_borrow_mut(|burst| match burst {
            Some(burst) => {
                burst.add(handle, Box::new(Prepared { future, promise }));
                None
            }
            None => Some((future, promise)),
        });
        if let Some((future, promise)) = started {
            promise.run(future, handle);
        }
        job
    }

    /// Runs `future` on a runtime of its own, at once.
    pub(super) fn start_on<F>(handle: &Handle, future: F, epoch: u32) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (job, promise) = Self::promised(epoch);
        promise.run(future, handle);
        job
    }

    pub(super) fn promised(epoch: u32) -> (Self, Promise<T>) {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::Running {
                task: None,
                waker: None,
            }),
        });
        let promise = Promise(Arc::clone(&shared));
        (Self { shared, epoch }, promise)
    }
}

impl<T> Future for Job<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.epoch != epoch() {
            return Poll::Ready(Err(forked()));
        }
        let mut state = self.shared.state.lock();
        if let State::Running { waker, .. } = &mut *state {
            match waker {
                Some(waker) => waker.clone_from(cx.waker()),
                None => *waker = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        match std::mem::replace(&mut *state, State::Unwanted) {
            State::Finished(outcome) => Poll::Ready(outcome),
            _ => Poll::Ready(Err(Error::runtime("this operation has already been taken"))),
        }
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        if self.epoch != epoch() {
            // Its lock may be held by a thread that is not in this process, and so may the locks that
            // dropping the future would take.
            std::mem::forget(Arc::clone(&self.shared));
            return;
        }
        let state = std::mem::replace(&mut *self.shared.state.lock(), State::Unwanted);
        if let State::Running { task: Some(task), .. } = state {
            task.abort();
        }
    }
}

pub(super) fn forked() -> Error {
    Error::runtime("this operation was started before a fork and goes on in the parent process")
}

/// A bug of ours, or of a library's. The panic hook has printed where.
pub(super) fn panicked() -> Error {
    Error::runtime("the operation panicked; please report this with the message above")
}

/// The task's half: reports how it ended.
#[derive(Debug)]
pub struct Promise<T>(Arc<Shared<T>>);

impl<T: Send + 'static> Promise<T> {
    /// Starts the task, unless the job was dropped meanwhile.
    fn run<F>(self, future: F, handle: &Handle)
    where
        F: Future<Output = T> + Send + 'static,
    {
        let shared = Arc::clone(&self.0);
        if matches!(*shared.state.lock(), State::Unwanted) {
            return;
        }
        let started = handle.spawn(async move {
            let value = future.await;
            self.report(Ok(value));
        });
        match &mut *shared.state.lock() {
            State::Running { task, .. } => *task = Some(started),
            State::Finished(_) => {}
            State::Unwanted => started.abort(),
        }
    }
}

impl<T> Promise<T> {
    /// Whether somebody still waits for the end.
    pub fn is_wanted(&self) -> bool {
        !matches!(*self.0.state.lock(), State::Unwanted)
    }

    /// How it ended. Nobody hears of a second report.
    pub fn report(&self, outcome: Result<T>) {
        let mut state = self.0.state.lock();
        if let State::Running { waker, task } = &mut *state {
            let (waker, task) = (waker.take(), task.take());
            *state = State::Finished(outcome);
            drop(state);
            drop(task);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        // Nothing to say after a report.
        self.report(Err(if std::thread::panicking() {
            panicked()
        } else {
            Error::new(Kind::Cancelled, "the runtime was stopped")
        }));
    }
}

/// A task to be started by the runtime's own threads, which costs the caller no system call.
trait Launch: Send {
    fn launch(self: Box<Self>, handle: &'static Handle);
}

struct Prepared<F, T> {
    future: F,
    promise: Promise<T>,
}

impl<F, T> Launch for Prepared<F, T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn launch(self: Box<Self>, handle: &'static Handle) {
        self.promise.run(self.future, handle);
    }
}

/// What a thread has started and not yet handed over.
#[derive(Default)]
struct Burst {
    launches: Vec<Box<dyn Launch>>,
    /// When the first of them came.
    since: Option<Instant>,
}

impl Burst {
    fn add(&mut self, handle: &'static Handle, launch: Box<dyn Launch>) {
        self.launches.push(launch);
        let count = self.launches.len();
        let since = *self.since.get_or_insert_with(Instant::now);
        // Looking at the clock costs as much as a launch.
        if count >= PART || (count.is_multiple_of(LOOK_EVERY) && since.elapsed() >= PATIENCE) {
            std::mem::take(self).hand_over(handle);
        }
    }

    fn hand_over(self, handle: &'static Handle) {
        if !self.launches.is_empty() {
            drop(handle.spawn(async move {
                for launch in self.launches {
                    launch.launch(handle);
                }
            }));
        }
    }
}

thread_local! {
    /// This thread's burst; None outside of one.
    static BURST: RefCell<Option<Burst>> = const { RefCell::new(None) };
}

/// Calls `action`, and starts what it spawns in parts, with one wake-up of the runtime for each.
///
/// The loop thread wraps its drains in this: the tasks it resumes there each start their next operation.
pub(super) fn burst<T>(handle: &'static Handle, action: impl FnOnce() -> T) -> T {
    let outer = BURST.replace(Some(Burst::default()));
    let outcome = action();
    if let Some(burst) = BURST.replace(outer) {
        burst.hand_over(handle);
    }
    outcome
}

/// Starts what this thread's burst has so far: its end is not to be waited for.
pub(super) fn hand_over(handle: &'static Handle) {
    let started = BURST.with_borrow_mut(|burst| burst.as_mut().map(std::mem::take));
    if let Some(started) = started {
        started.hand_over(handle);
    }
}

/// In a forked child: what this thread had not handed over stays with the parent, and the burst is over,
/// because what goes on here may never come to its end: the child can run a loop of its own within it.
pub(super) fn forget_burst() {
    std::mem::forget(BURST.take());
}
