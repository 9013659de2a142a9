//! A bounded set of threads for what blocks, taken from tokio's blocking pool.
//!
//! A thread that has done its call stays for the next, and leaves when none has come for a while. Tokio's
//! own pool would do for the threads, but not for the bound: what the runtime itself leaves to it, such as
//! looking up names, must not wait behind what users call.
//!
//! Invariant: while a call is queued, either a thread is coming for it (`coming`), or all that may be are
//! busy, and look into the queue when they are done.
//!
//! The lock is never held while a call runs. In a forked child a crew is forgotten, since a thread that is
//! not there may have held the lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{engine, epoch};
use crate::error::Result;

/// A thread that was not needed for so long leaves.
const PATIENCE: Duration = Duration::from_secs(10);

/// See the head of this file. `C` is a call.
#[derive(Debug)]
pub struct Crew<C> {
    state: Mutex<State<C>>,
    came: Condvar,
    left: Condvar,
    most: usize,
    epoch: u32,
    /// For the threads' names.
    started: AtomicUsize,
}

#[derive(Debug)]
struct State<C> {
    queue: VecDeque<C>,
    /// Threads there are.
    members: usize,
    /// Those of them that wait for a call, and were not summoned.
    idle: usize,
    /// Summons that no idle thread has heard yet.
    summons: usize,
    /// Threads that were started or summoned and have not looked into the queue since.
    coming: usize,
    closed: bool,
}

impl<C: Send + 'static> Crew<C> {
    /// At most `most` threads; none before the first call.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                members: 0,
                idle: 0,
                summons: 0,
                coming: 0,
                closed: false,
            }),
            came: Condvar::new(),
            left: Condvar::new(),
            most,
            epoch: epoch(),
            started: AtomicUsize::new(0),
        })
    }

    /// Whether it was made before a fork, and its threads are in the parent process.
    pub fn is_stale(&self) -> bool {
        self.epoch != epoch()
    }

    /// Queues `call`. A thread that has to be started for it runs `work`, which takes calls until
    /// [`Member::wait`] says that there will be none.
    pub fn submit(self: &Arc<Self>, call: C, work: fn(Member<C>)) -> Result<()> {
        let mut state = self.state.lock();
        state.queue.push_back(call);
        if state.queue.len() <= state.coming {
            return Ok(());
        }
        if state.idle > 0 {
            state.idle -= 1;
            state.summons += 1;
            state.coming += 1;
            drop(state);
            self.came.notify_one();
            return Ok(());
        }
        if state.members >= self.most {
            return Ok(());
        }
        state.members += 1;
        state.coming += 1;
        drop(state);
        let member = Member {
            crew: Arc::clone(self),
            number: self.started.fetch_add(1, Ordering::Relaxed),
            coming: true,
        };
        // A runtime that is stopping drops the closure, and the member says so.
        drop(engine()?.handle.spawn_blocking(move || work(member)));
        Ok(())
    }

    /// No call comes any more: threads leave when the queue is empty.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.came.notify_all();
    }

    /// Waits until the last thread has left, for at most `patience`; false if one has not.
    pub fn wait_until_left(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.state.lock();
        while state.members > 0 {
            if self.left.wait_until(&mut state, deadline).timed_out() {
                return state.members == 0;
            }
        }
        true
    }
}

/// One thread of a crew, on that thread. Dropped, it has left.
#[derive(Debug)]
pub struct Member<C> {
    crew: Arc<Crew<C>>,
    number: usize,
    coming: bool,
}

impl<C> Member<C> {
    /// Threads are numbered from 0, in the order in which they were started.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Whether this is a child that was forked by a call on this thread.
    pub fn is_forked(&self) -> bool {
        self.crew.epoch != epoch()
    }

    /// The next call, if there is one now.
    pub fn take(&mut self) -> Option<C> {
        let mut state = self.crew.state.lock();
        if std::mem::replace(&mut self.coming, false) {
            state.coming -= 1;
        }
        state.queue.pop_front()
    }

    /// Blocks until there may be a call to take; false if the thread is to leave.
    pub fn wait(&mut self) -> bool {
        let crew = Arc::clone(&self.crew);
        let mut state = crew.state.lock();
        if state.queue.is_empty() {
            if state.closed {
                return false;
            }
            state.idle += 1;
            let deadline = Instant::now() + PATIENCE;
            while state.summons == 0 {
                let timed_out = crew.came.wait_until(&mut state, deadline).timed_out();
                if state.summons == 0 && (timed_out || state.closed) {
                    state.idle -= 1;
                    return false;
                }
            }
            state.summons -= 1;
        } else {
            state.coming += 1;
        }
        self.coming = true;
        true
    }
}

impl<C> Drop for Member<C> {
    fn drop(&mut self) {
        if self.is_forked() {
            return;
        }
        let mut state = self.crew.state.lock();
        state.members -= 1;
        if self.coming {
            state.coming -= 1;
        }
        drop(state);
        self.crew.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    type Job = Box<dyn FnOnce() + Send>;

    fn work(mut member: Member<Job>) {
        loop {
            while let Some(job) = member.take() {
                job();
            }
            if !member.wait() {
                return;
            }
        }
    }

    fn submit(crew: &Arc<Crew<Job>>, job: impl FnOnce() + Send + 'static) {
        assert!(crew.submit(Box::new(job), work).is_ok());
    }

    /// A job that says that it runs, and goes on until it is told to end.
    fn blocking(crew: &Arc<Crew<Job>>, running: &Sender<()>) -> Sender<()> {
        let (end, told): (Sender<()>, Receiver<()>) = channel();
        let running = running.clone();
        submit(crew, move || {
            let _gone = running.send(());
            let _gone = told.recv();
        });
        end
    }

    #[test]
    fn blocked_calls_run_side_by_side_up_to_the_bound_and_the_rest_later() {
        let crew = Crew::new(2);
        let (running, runs) = channel();
        let ends: Vec<_> = (0..5).map(|_| blocking(&crew, &running)).collect();
        for _ in 0..2 {
            assert!(runs.recv_timeout(Duration::from_secs(10)).is_ok());
        }
        assert!(runs.try_recv().is_err());
        assert!(crew.state.lock().members <= 2);
        drop(ends);
        for _ in 0..3 {
            assert!(runs.recv_timeout(Duration::from_secs(10)).is_ok());
        }
        crew.close();
        assert!(crew.wait_until_left(Duration::from_secs(10)));
    }

    #[test]
    fn closing_runs_what_is_queued_and_then_all_leave() {
        let crew = Crew::new(1);
        let (done, ended) = channel();
        for _ in 0..100 {
            let done = done.clone();
            submit(&crew, move || drop(done.send(())));
        }
        crew.close();
        assert!(crew.wait_until_left(Duration::from_secs(10)));
        assert_eq!(ended.try_iter().count(), 100);
        assert_eq!(crew.state.lock().coming, 0);
    }

    #[test]
    fn a_thread_that_waits_is_used_again() {
        let crew = Crew::new(8);
        for _ in 0..1_000 {
            let (done, ended) = channel();
            submit(&crew, move || drop(done.send(())));
            assert!(ended.recv_timeout(Duration::from_secs(10)).is_ok());
        }
        // It may be on its way back when the next call comes, and then another is started.
        assert!(crew.started.load(Ordering::Relaxed) <= 8);
        crew.close();
        assert!(crew.wait_until_left(Duration::from_secs(10)));
    }
}
