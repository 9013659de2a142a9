//! Permits whose number changes while they are in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loom::thread;
use model::{Scene, check};

/// Two who take and give, while there come to be fewer, and then as many as before.
#[test]
fn none_is_lost_or_made_up() {
    check(|| {
        let scene = Scene::new(2);
        for count in [1, 2] {
            let scene = Arc::clone(&scene);
            thread::spawn(move || scene.visit(count));
        }
        scene.permits.change(-1).wake();
        scene.permits.change(1).wake();
    });
}

/// All are taken away, the one in use too: what comes back pays that first, and only what is added after it
/// lets the one in line through.
#[test]
fn what_is_owed_is_paid_back_first() {
    check(|| {
        let scene = Scene::new(1);
        scene.pass_at_once(1);
        scene.shrink(1);
        let grown = Arc::new(AtomicBool::new(false));
        let (waits, sees) = (Arc::clone(&scene), Arc::clone(&grown));
        thread::spawn(move || {
            waits.pass(1);
            assert!(sees.load(Ordering::SeqCst));
            waits.give(1);
        });
        let gives = Arc::clone(&scene);
        thread::spawn(move || gives.give(1));
        grown.store(true, Ordering::SeqCst);
        scene.grow(1);
    });
}

/// Two give back what only one of them may, as under a bounded semaphore: one of them does.
#[test]
fn one_too_many_is_not_taken_back() {
    check(|| {
        let scene = Scene::new(1);
        scene.pass_at_once(1);
        for _ in 0..2 {
            let scene = Arc::clone(&scene);
            thread::spawn(move || {
                if let Some(woken) = scene.permits.give_up_to(1, 1) {
                    scene.has_given(1);
                    woken.wake();
                }
            });
        }
    });
}
