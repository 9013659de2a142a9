//! A thread that sleeps until it is woken, as `src/sync/waits.rs` has it, on loom's threads.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::atomic::AtomicBool;
use loom::thread::{self, Thread};

/// See the head of this file. The two are kept alike by hand: that file needs Python.
#[derive(Debug)]
pub struct Sleeper {
    thread: Thread,
    woken: AtomicBool,
}

impl Sleeper {
    /// For the thread that this is called on.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        })
    }

    /// Until it is woken.
    pub fn sleep(&self) {
        while !self.woken.swap(false, Ordering::AcqRel) {
            thread::park();
        }
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if std::thread::panicking() {
            // The model has failed, and is being taken down.
            return;
        }
        // There it is a plain store. Loom, unlike the language, lets a later swap miss one of those where the two
        // threads have not met since the swap before.
        self.woken.swap(true, Ordering::AcqRel);
        self.thread.unpark();
    }
}

/// Sleeps until `passage` gets through.
pub fn pass<F: Future + Unpin>(mut passage: F) -> F::Output {
    let sleeper = Sleeper::new();
    let waker = Waker::from(Arc::clone(&sleeper));
    loop {
        match look(&mut passage, &waker) {
            Poll::Ready(pass) => return pass,
            Poll::Pending => sleeper.sleep(),
        }
    }
}

/// Polls once.
pub fn look<F: Future + Unpin>(passage: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(passage).poll(&mut Context::from_waker(waker))
}
