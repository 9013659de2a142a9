//! What the threads of a model share, and how a model is run.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::thread;

use loom::model::Builder;

use crate::permits::Permits;
use crate::sleeper::pass;

/// Permits, and a record of who has them.
///
/// The record is made of the standard library's atomics, at which loom does not switch threads: it is exact, and
/// costs no further orders to try. Neither does the check at the end, which whoever drops the scene last makes;
/// a first thread that joined the others to make it would double their orders for each.
#[derive(Debug)]
pub struct Scene {
    pub permits: Arc<Permits>,
    total: AtomicI64,
    held: AtomicI64,
    passed: AtomicUsize,
}

impl Scene {
    pub fn new(total: i64) -> Arc<Self> {
        let free = usize::try_from(total).expect("a scene begins with permits, or with none");
        Arc::new(Self {
            permits: Arc::new(Permits::new(free)),
            total: AtomicI64::new(total),
            held: AtomicI64::new(0),
            passed: AtomicUsize::new(0),
        })
    }

    /// Waits for `count`, and says how many have got through by then, itself among them.
    pub fn pass(&self, count: usize) -> usize {
        pass(self.permits.take(count));
        self.has_passed(count)
    }

    /// Takes `count`, which must be free, before there is anybody else.
    pub fn pass_at_once(&self, count: usize) {
        assert!(self.permits.try_take(count));
        self.has_passed(count);
    }

    /// Writes down that somebody got `count`, and says the same.
    pub fn has_passed(&self, count: usize) -> usize {
        let count = i64::try_from(count).expect("a small count");
        let held = self.held.fetch_add(count, Ordering::SeqCst) + count;
        assert!(held <= self.total(), "{held} held of {}", self.total());
        self.passed.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub fn give(&self, count: usize) {
        self.has_given(count);
        self.permits.give(count).wake();
    }

    /// Writes down that somebody gives `count` back.
    pub fn has_given(&self, count: usize) {
        let count = i64::try_from(count).expect("a small count");
        self.held.fetch_sub(count, Ordering::SeqCst);
    }

    /// Waits for `count`, and gives them back.
    pub fn visit(&self, count: usize) {
        self.pass(count);
        self.give(count);
    }

    /// Makes `by` more of them.
    pub fn grow(&self, by: i64) {
        self.total.fetch_add(by, Ordering::SeqCst);
        self.permits.change(by).wake();
    }

    /// Makes `by` fewer of them, before there is anybody else.
    pub fn shrink(&self, by: i64) {
        self.permits.change(-by).wake();
        self.total.fetch_sub(by, Ordering::SeqCst);
    }

    fn total(&self) -> i64 {
        self.total.load(Ordering::SeqCst)
    }
}

impl Drop for Scene {
    /// All are back, none was made up, and nobody is in line.
    fn drop(&mut self) {
        if !thread::panicking() {
            assert_eq!(self.held.load(Ordering::SeqCst), 0);
            assert_eq!(self.permits.counts(), (self.total(), 0));
        }
    }
}

/// Runs a model in every order, or in those in which threads that could go on are interrupted as often at most
/// as LOOM_MAX_PREEMPTIONS says.
pub fn check(model: impl Fn() + Send + Sync + 'static) {
    Builder::new().check(model);
}
