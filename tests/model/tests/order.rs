//! Who gets through, and in which order.

use std::sync::Arc;
use std::task::Waker;

use loom::future::block_on;
use loom::thread;
use model::{Scene, check, look, pass};

/// One permit, three who want it: never two at once have it, and all get it.
#[test]
fn one_at_a_time_and_all_of_them() {
    check(|| {
        let scene = Scene::new(1);
        for _ in 0..2 {
            let scene = Arc::clone(&scene);
            thread::spawn(move || scene.visit(1));
        }
        scene.visit(1);
    });
}

/// The same under loom's own executor, whose wakers may also wake for no reason.
#[test]
fn a_wake_up_for_no_reason_is_nothing() {
    check(|| {
        let scene = Scene::new(1);
        let other = Arc::clone(&scene);
        let visit = |scene: Arc<Scene>| {
            block_on(scene.permits.take(1));
            scene.has_passed(1);
            scene.give(1);
        };
        thread::spawn(move || visit(other));
        visit(scene);
    });
}

/// Two permits, and three who want one, two and one of them.
#[test]
fn those_who_want_more_get_through_too() {
    check(|| {
        let scene = Scene::new(2);
        for count in [2, 1] {
            let scene = Arc::clone(&scene);
            thread::spawn(move || scene.visit(count));
        }
        scene.visit(1);
    });
}

/// Two who stand in line are let through in the order they came, before one who comes later, whenever that is.
#[test]
fn first_come_first_served() {
    check(|| {
        let scene = Scene::new(1);
        scene.pass_at_once(1);
        let mut line = [scene.permits.take(1), scene.permits.take(1)];
        for passage in &mut line {
            assert!(look(passage, Waker::noop()).is_pending());
        }
        let visit = |scene: &Scene, passage, rank| {
            pass(passage);
            assert_eq!(scene.has_passed(1), rank);
            scene.give(1);
        };
        let [first, second] = line;
        let other = Arc::clone(&scene);
        thread::spawn(move || visit(&other, second, 3));
        let late = Arc::clone(&scene);
        thread::spawn(move || visit(&late, late.permits.take(1), 4));
        scene.give(1);
        visit(&scene, first, 2);
    });
}

/// One who was let through and is still to come starts before one who comes then, though there is enough for
/// both; and the other gets through as soon as it has started.
#[test]
fn nobody_overtakes_one_who_was_let_through() {
    check(|| {
        let scene = Scene::new(2);
        scene.pass_at_once(2);
        let mut first = scene.permits.take(1);
        assert!(look(&mut first, Waker::noop()).is_pending());
        let other = Arc::clone(&scene);
        thread::spawn(move || {
            pass(first);
            assert_eq!(other.has_passed(1), 2);
        });
        scene.give(2);
        if scene.permits.try_take(1) {
            assert_eq!(scene.has_passed(1), 3);
        } else {
            assert_eq!(scene.pass(1), 3);
        }
        scene.give(2);
    });
}

/// Two who were in line are let through together: the second need not wait for the first to come.
#[test]
fn one_who_is_slow_to_come_keeps_nobody_waiting() {
    check(|| {
        let scene = Scene::new(2);
        scene.pass_at_once(2);
        let mut line = [scene.permits.take(1), scene.permits.take(1)];
        for passage in &mut line {
            assert!(look(passage, Waker::noop()).is_pending());
        }
        let [slow, quick] = line;
        let other = Arc::clone(&scene);
        thread::spawn(move || other.give(2));
        pass(quick);
        scene.has_passed(1);
        pass(slow);
        scene.has_passed(1);
        scene.give(2);
    });
}
