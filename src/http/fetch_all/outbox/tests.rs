//! Who is woken, and when.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use super::{Outbox, Wanted};
use crate::error::Error;
use crate::http::fetch_all::attempt::Done;

#[derive(Default)]
struct Sleeper(AtomicUsize);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Sleeper {
    fn woken(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn done() -> Done {
    Done {
        index: 0,
        turn: 0,
        slot: 0,
        outcome: Err(Error::runtime("no matter")),
        attempts: 1,
        elapsed: Duration::ZERO,
    }
}

fn wanted(taker: u64, sleeper: &Arc<Sleeper>, results: usize) -> Wanted {
    Wanted {
        taker,
        waker: Waker::from(Arc::clone(sleeper)),
        results,
        room: false,
        until: None,
    }
}

fn wake(outbox: &mut Outbox, over: bool, hungry: bool) -> usize {
    let wakers = outbox.wakers(over, hungry);
    let count = wakers.len();
    wakers.into_iter().for_each(Waker::wake);
    count
}

#[test]
fn wakes_when_enough_is_there_and_once() {
    let (mut outbox, sleeper) = (Outbox::new(100), Arc::default());
    assert!(outbox.want(wanted(0, &sleeper, 2), false, false));
    outbox.put(done());
    assert_eq!(wake(&mut outbox, false, true), 0);
    outbox.put(done());
    assert_eq!(wake(&mut outbox, false, false), 1);
    assert_eq!(wake(&mut outbox, true, true), 0);
    assert_eq!(sleeper.woken(), 1);
    // What is there already is not waited for.
    assert!(!outbox.want(wanted(0, &sleeper, 2), false, false));
    assert!(outbox.want(wanted(0, &sleeper, 3), false, false));
    assert_eq!(wake(&mut outbox, true, false), 1);
    assert!(!outbox.want(wanted(0, &sleeper, 3), true, false));
}

#[test]
fn nobody_waits_for_more_than_there_is_room_for() {
    let (mut outbox, sleeper) = (Outbox::new(9), Arc::default());
    assert!(outbox.want(wanted(0, &sleeper, 1000), false, false));
    for _ in 0..5 {
        assert_eq!(wake(&mut outbox, false, false), 0);
        outbox.put(done());
    }
    assert_eq!(wake(&mut outbox, false, false), 1);
    // Unless everything is wanted.
    outbox.lift_limit();
    assert!(outbox.want(wanted(0, &sleeper, 1000), false, false));
    assert!(outbox.has_room());
}

#[test]
fn all_who_can_have_what_they_want_are_woken() {
    let mut outbox = Outbox::new(100);
    let [one, two, three]: [Arc<Sleeper>; 3] = std::array::from_fn(|_| Arc::default());
    assert!(outbox.want(wanted(1, &one, 1), false, false));
    assert!(outbox.want(wanted(2, &two, 1), false, false));
    assert!(outbox.want(wanted(3, &three, 2), false, false));
    outbox.put(done());
    assert_eq!(wake(&mut outbox, false, false), 2);
    assert_eq!([one.woken(), two.woken(), three.woken()], [1, 1, 0]);
    outbox.rouse();
    assert_eq!(wake(&mut outbox, false, false), 1);
    assert_eq!(three.woken(), 1);
}

#[test]
fn who_asks_again_or_goes_away_leaves_nothing() {
    let (mut outbox, sleeper) = (Outbox::new(100), Arc::default());
    for results in [1, 2, 3] {
        assert!(outbox.want(wanted(7, &sleeper, results), false, false));
    }
    assert!(outbox.want(wanted(8, &sleeper, 1), false, false));
    outbox.forget(8);
    assert_eq!(outbox.wanted.len(), 1);
    outbox.put(done());
    assert_eq!(wake(&mut outbox, false, false), 0);
    outbox.forget(7);
    assert_eq!(wake(&mut outbox, true, true), 0);
}

#[test]
fn room_is_wanted_by_who_says_so() {
    let (mut outbox, sleeper, feeder) = (Outbox::new(100), Arc::default(), Arc::<Sleeper>::default());
    assert!(outbox.want(wanted(0, &sleeper, 1), false, true));
    let room = Wanted {
        room: true,
        ..wanted(1, &sleeper, 1)
    };
    assert!(outbox.want(room, false, false));
    outbox.feed(Waker::from(Arc::clone(&feeder)));
    assert_eq!(wake(&mut outbox, false, true), 2);
    assert_eq!(wake(&mut outbox, false, true), 0);
    assert_eq!((sleeper.woken(), feeder.woken()), (1, 1));
    // At the end as well.
    outbox.feed(Waker::from(Arc::clone(&feeder)));
    assert_eq!(wake(&mut outbox, true, false), 2);
}

#[test]
fn time_that_is_over_is_as_good_as_a_result() {
    let (mut outbox, sleeper, begin) = (Outbox::new(100), Arc::default(), Instant::now());
    for (taker, milliseconds) in [(1, 30), (2, 20), (3, 40)] {
        let until = Some(begin + Duration::from_millis(milliseconds));
        let wanted = Wanted {
            until,
            ..wanted(taker, &sleeper, 5)
        };
        assert!(outbox.want(wanted, false, false));
    }
    assert_eq!(outbox.until(), Some(begin + Duration::from_millis(20)));
    outbox.look(begin + Duration::from_millis(19));
    assert_eq!(wake(&mut outbox, false, false), 0);
    outbox.look(begin + Duration::from_millis(30));
    assert_eq!(wake(&mut outbox, false, false), 2);
    assert_eq!(outbox.until(), Some(begin + Duration::from_millis(40)));
}

#[test]
fn what_is_kept_elsewhere_takes_room_too() {
    let mut outbox = Outbox::new(3);
    outbox.put(done());
    outbox.put(done());
    assert!(outbox.has_room());
    assert_eq!(outbox.collect(0).len(), 2);
    assert_eq!(outbox.held(), 2);
    outbox.keep();
    assert!(!outbox.has_room());
    assert!(outbox.collect(1).is_empty());
    assert_eq!(outbox.held(), 1);
    assert!(outbox.has_room());
}
