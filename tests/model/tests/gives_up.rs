//! Who gives up passes on what it was given.

use std::sync::Arc;
use std::task::Waker;

use loom::thread;
use model::{Scene, check, look, pass};

/// The first in line gives up while its permit is on the way: the next gets it, whichever comes first.
#[test]
fn what_was_granted_goes_to_the_next() {
    check(|| {
        let scene = Scene::new(1);
        scene.pass_at_once(1);
        let mut first = scene.permits.take(1);
        assert!(look(&mut first, Waker::noop()).is_pending());
        thread::spawn(move || drop(first));
        let second = Arc::clone(&scene);
        thread::spawn(move || second.visit(1));
        scene.give(1);
    });
}

/// The same where it also comes whenever it likes, and looks once.
#[test]
fn one_who_only_looks_in_keeps_nobody_waiting() {
    check(|| {
        let scene = Scene::new(1);
        scene.pass_at_once(1);
        let first = Arc::clone(&scene);
        thread::spawn(move || {
            let mut passage = first.permits.take(1);
            if look(&mut passage, Waker::noop()).is_ready() {
                first.has_passed(1);
                first.give(1);
            }
        });
        let second = Arc::clone(&scene);
        thread::spawn(move || second.visit(1));
        scene.give(1);
    });
}

/// One from the middle of the line gives up: those before it and behind it get through, in their order.
#[test]
fn the_line_closes_up() {
    check(|| {
        let scene = Scene::new(1);
        scene.pass_at_once(1);
        let mut line: Vec<_> = (0..3).map(|_| scene.permits.take(1)).collect();
        for passage in &mut line {
            assert!(look(passage, Waker::noop()).is_pending());
        }
        let middle = line.remove(1);
        thread::spawn(move || drop(middle));
        for (passage, rank) in line.into_iter().zip(2..) {
            let scene = Arc::clone(&scene);
            thread::spawn(move || {
                pass(passage);
                assert_eq!(scene.has_passed(1), rank);
                scene.give(1);
            });
        }
        scene.give(1);
    });
}

/// Two permits come back one by one, for one who wants both and then one who wants one of them.
fn two_and_one(first_gives_up: bool) {
    check(move || {
        let scene = Scene::new(2);
        scene.pass_at_once(2);
        let mut both = scene.permits.take(2);
        let mut one = scene.permits.take(1);
        assert!(look(&mut both, Waker::noop()).is_pending());
        assert!(look(&mut one, Waker::noop()).is_pending());
        let first = Arc::clone(&scene);
        thread::spawn(move || {
            if !first_gives_up {
                pass(both);
                assert_eq!(first.has_passed(2), 2);
                first.give(2);
            }
        });
        let second = Arc::clone(&scene);
        thread::spawn(move || {
            pass(one);
            second.has_passed(1);
            second.give(1);
        });
        scene.give(1);
        scene.give(1);
    });
}

#[test]
fn nobody_overtakes_one_who_wants_more() {
    two_and_one(false);
}

#[test]
fn one_who_wants_more_and_gives_up_lets_the_others_go_on() {
    two_and_one(true);
}

/// The same with a single permit that comes back while the other is kept: enough for the second alone.
#[test]
fn one_for_whom_there_was_not_enough_gives_up() {
    check(|| {
        let scene = Scene::new(2);
        scene.pass_at_once(2);
        let mut both = scene.permits.take(2);
        let mut one = scene.permits.take(1);
        assert!(look(&mut both, Waker::noop()).is_pending());
        assert!(look(&mut one, Waker::noop()).is_pending());
        thread::spawn(move || drop(both));
        let giver = Arc::clone(&scene);
        thread::spawn(move || giver.give(1));
        pass(one);
        scene.has_passed(1);
        scene.give(2);
    });
}
