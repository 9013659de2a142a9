//! What lets an HTTP/1 connection work: a task of tokio's, and whoever sends a request, for the first step of it.
//!
//! A task is woken on another thread, which takes longer than to write a request. Who is on the way to wait for the
//! answer, and has nothing else to do, writes it himself: [`Driver::held`].
//!
//! Invariant: one thread at a time polls the connection, and a wake that comes while nobody hears is passed on
//! afterwards. The connection is dropped with its task: whoever else knows of it has a weak reference.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use hyper::client::conn::http1::Connection;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;

use super::place::Held;
use crate::http::upload::Frames;

type Http1 = Connection<TokioIo<Held>, Frames>;

pub struct Driver {
    /// None once it has ended.
    connection: Mutex<Option<Pin<Box<Http1>>>>,
    bell: Arc<Bell>,
    /// Rings the bell.
    waker: Waker,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Driver")
    }
}

/// Wakes the task, except while somebody else polls what it would.
#[derive(Debug, Default)]
struct Bell {
    task: AtomicWaker,
    state: AtomicU8,
}

/// The task is woken at once.
const LOUD: u8 = 0;
/// Somebody is about to poll.
const QUIET: u8 = 1;
/// And it was rung meanwhile.
const RUNG: u8 = 2;

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let rung = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
                (state == QUIET).then_some(RUNG)
            });
        if rung == Err(LOUD) {
            self.task.wake();
        }
    }
}

impl Bell {
    /// False if somebody else has made it quiet.
    fn quiet(&self) -> bool {
        let state = &self.state;
        state
            .compare_exchange(LOUD, QUIET, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// What rang until now is about to be seen to.
    fn hear(&self) {
        self.state.swap(QUIET, Ordering::AcqRel);
    }

    fn loud(&self) {
        if self.state.swap(LOUD, Ordering::AcqRel) == RUNG {
            self.task.wake();
        }
    }
}

impl Driver {
    pub(super) fn new(connection: Http1) -> Arc<Self> {
        let bell = Arc::<Bell>::default();
        Arc::new(Self {
            connection: Mutex::new(Some(Box::pin(connection))),
            waker: Arc::clone(&bell).into(),
            bell,
        })
    }

    /// Lets it work until it ends.
    pub async fn run(self: Arc<Self>) {
        poll_fn(|cx| {
            // Before the poll, so that no wake is lost.
            self.bell.task.register(cx.waker());
            let mut connection = self.connection.lock();
            self.poll(&mut connection)
        })
        .await;
    }

    /// What its task does when it is woken, on another thread: the task ends by itself if the connection has ended.
    fn step(&self, held: &mut Option<Pin<Box<Http1>>>) {
        if self.poll(held).is_ready() {
            self.bell.task.wake();
        }
    }

    fn poll(&self, held: &mut Option<Pin<Box<Http1>>>) -> Poll<()> {
        let Some(connection) = held else {
            return Poll::Ready(());
        };
        let ended = connection
            .as_mut()
            .poll(&mut Context::from_waker(&self.waker))
            .is_ready();
        if ended {
            // Its end is told to the request that it had.
            *held = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Has the connection do what there is to do, once its task, if that is at it, has done its part: an answer can be
    /// read to its end before that knows of it.
    pub fn catch_up(driver: &Weak<Self>) {
        if let Some(driver) = driver.upgrade() {
            driver.step(&mut driver.connection.lock());
        }
    }

    /// The right to have the connection do the next thing on this thread; None if it has ended, or another has it.
    pub fn held(driver: &Weak<Self>) -> Option<Turn> {
        let driver = driver.upgrade()?;
        driver.bell.quiet().then_some(Turn(driver))
    }
}

/// While it lasts the task is not woken for what this thread is about to do itself.
#[derive(Debug)]
pub struct Turn(Arc<Driver>);

impl Turn {
    /// Does what there is to do, if there is something.
    pub fn take_if_rung(self) {
        if self.0.bell.state.load(Ordering::Acquire) == RUNG {
            self.take();
        }
    }

    /// Does what there is to do now.
    pub fn take(self) {
        let driver = &self.0;
        if let Some(mut connection) = driver.connection.try_lock() {
            driver.bell.hear();
            driver.step(&mut connection);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.bell.loud();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn bell() -> (Arc<Bell>, Waker, Arc<Count>) {
        let (bell, count) = (Arc::<Bell>::default(), Arc::<Count>::default());
        bell.task.register(&Arc::clone(&count).into());
        (Arc::clone(&bell), bell.into(), count)
    }

    #[test]
    fn a_quiet_bell_is_heard_afterwards() {
        let (bell, waker, count) = bell();
        assert!(bell.quiet());
        assert!(!bell.quiet(), "another was let in");
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        bell.loud();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn what_was_seen_to_wakes_nobody() {
        let (bell, waker, count) = bell();
        assert!(bell.quiet());
        waker.wake_by_ref();
        bell.hear();
        bell.loud();
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        waker.wake_by_ref();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }

    /// Each wake is either before a poll, which sees why, or wakes the task.
    #[test]
    fn no_wake_is_lost() {
        for _ in 0..200 {
            let (bell, waker, count) = bell();
            let happened = Arc::new(AtomicUsize::new(0));
            let ringing = thread::spawn({
                let happened = Arc::clone(&happened);
                move || {
                    happened.store(1, Ordering::SeqCst);
                    waker.wake_by_ref();
                }
            });
            assert!(bell.quiet());
            bell.hear();
            let seen = happened.load(Ordering::SeqCst);
            bell.loud();
            let _done = ringing.join();
            assert!(seen + count.0.load(Ordering::SeqCst) > 0);
        }
    }
}
