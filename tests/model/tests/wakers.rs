//! Whoever waits is woken, by the waker that it came with last.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use loom::sync::atomic::AtomicBool;
use loom::thread;
use model::{Scene, Sleeper, check, look, pass};

/// A place that was taken with a waker of nobody, as operations do that are asked again at once.
#[test]
fn the_waker_may_come_after_the_place() {
    check(|| {
        let scene = Scene::new(1);
        scene.pass_at_once(1);
        let other = Arc::clone(&scene);
        thread::spawn(move || {
            let mut passage = other.permits.take(1);
            if look(&mut passage, Waker::noop()).is_pending() {
                pass(passage);
            }
            other.has_passed(1);
            other.give(1);
        });
        scene.give(1);
    });
}

/// A passage that goes on to another thread, whose waker takes the place of the first's, while its permit comes.
#[test]
fn a_passage_may_move() {
    check(|| {
        let scene = Scene::new(1);
        scene.pass_at_once(1);
        let other = Arc::clone(&scene);
        thread::spawn(move || {
            let mut passage = other.permits.take(1);
            let here = Waker::from(Sleeper::new());
            let passed = look(&mut passage, &here).is_ready();
            thread::spawn(move || {
                if !passed {
                    pass(passage);
                }
                other.has_passed(1);
                other.give(1);
            });
        });
        scene.give(1);
    });
}

/// A thread that waits only for so long, as `block` does, and another behind it. Whether the permit or the end of
/// its time comes first: it has the permit or leaves it to the other.
#[test]
fn a_permit_that_comes_as_time_is_up_is_not_lost() {
    check(|| {
        let scene = Scene::new(1);
        scene.pass_at_once(1);
        let mut line = [scene.permits.take(1), scene.permits.take(1)];
        for passage in &mut line {
            assert!(look(passage, Waker::noop()).is_pending());
        }
        let [mut first, second] = line;
        let other = Arc::clone(&scene);
        thread::spawn(move || {
            let sleeper = Sleeper::new();
            let waker = Waker::from(Arc::clone(&sleeper));
            let is_over = Arc::new(AtomicBool::new(false));
            let (clock, alarm) = (Arc::clone(&is_over), waker.clone());
            thread::spawn(move || {
                clock.store(true, Ordering::Release);
                alarm.wake();
            });
            let passed = loop {
                if look(&mut first, &waker).is_ready() {
                    break true;
                }
                if is_over.load(Ordering::Acquire) {
                    break false;
                }
                sleeper.sleep();
            };
            drop(first);
            if passed {
                other.has_passed(1);
                other.give(1);
            }
        });
        scene.give(1);
        pass(second);
        scene.has_passed(1);
        scene.give(1);
    });
}

/// One thread that stands in two lines with one waker gets through both.
#[test]
fn one_waker_serves_two_lines() {
    check(|| {
        let scenes = [Scene::new(1), Scene::new(1)];
        for scene in &scenes {
            scene.pass_at_once(1);
            let scene = Arc::clone(scene);
            thread::spawn(move || scene.give(1));
        }
        let sleeper = Sleeper::new();
        let waker = Waker::from(Arc::clone(&sleeper));
        let mut waiting: Vec<_> = scenes
            .iter()
            .map(|scene| (scene, scene.permits.take(1)))
            .collect();
        loop {
            waiting.retain_mut(|(scene, passage)| {
                let waits = look(passage, &waker).is_pending();
                if !waits {
                    scene.has_passed(1);
                    scene.give(1);
                }
                waits
            });
            if waiting.is_empty() {
                return;
            }
            sleeper.sleep();
        }
    });
}
