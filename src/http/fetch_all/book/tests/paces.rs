//! Paces, whose timers are late, and rests of hosts that refuse.

use std::time::Duration;

use super::{Desk, MILLISECOND, Next, Rules, Says, count, rules};

/// When each of so many begins, where timers come late by `late`.
fn begins(desk: &mut Desk, total: usize, late: Duration) -> Vec<Duration> {
    let begin = desk.now;
    let mut times = Vec::new();
    while times.len() < total {
        match desk.next() {
            Next::Do(place, _) => {
                times.push(desk.now - begin);
                desk.end(place, Says::Answers);
            }
            Next::At(at) => {
                assert!(at > desk.now);
                desk.now = at + late;
            }
            other => panic!("{other:?} after {}", times.len()),
        }
    }
    times
}

/// The most that begin in any window is what the pace allows in it and in 10 ms more.
fn check_windows(times: &[Duration], interval: Duration) {
    for (first, begin) in times.iter().enumerate() {
        for (number, end) in times[first..].iter().enumerate().skip(1) {
            let allowed = (*end - *begin + 10 * MILLISECOND).as_nanos() / interval.as_nanos() + 1;
            assert!(number as u128 <= allowed, "{number} in {:?}", *end - *begin);
        }
    }
}

#[test]
fn a_pace_is_kept_though_timers_are_late() {
    for (interval, late) in [
        (Duration::from_micros(100), MILLISECOND),
        (Duration::from_micros(100), 3 * MILLISECOND),
        (MILLISECOND, MILLISECOND),
        (20 * MILLISECOND, MILLISECOND),
        (20 * MILLISECOND, 9 * MILLISECOND),
        (300 * MILLISECOND, 2 * MILLISECOND),
    ] {
        let mut desk = Desk::new(Rules {
            interval: Some(interval),
            ..rules(100)
        });
        desk.add("a", 1000);
        let times = begins(&mut desk, 1000, late);
        let took = *times.last().unwrap();
        assert!(
            took >= 999 * interval - 10 * MILLISECOND,
            "{interval:?}: {took:?}"
        );
        assert!(took <= 999 * interval + late, "{interval:?}, {late:?}: {took:?}");
        check_windows(&times, interval);
    }
}

#[test]
fn after_a_time_of_rest_no_more_is_caught_up_than_that() {
    let interval = 2 * MILLISECOND;
    let mut desk = Desk::new(Rules {
        interval: Some(interval),
        ..rules(100)
    });
    desk.add("a", 3);
    let mut times = begins(&mut desk, 3, Duration::ZERO);
    let pause = Duration::from_secs(100);
    desk.wait(pause);
    let before = times.last().copied().unwrap() + pause;
    desk.add("a", 200);
    times.extend(
        begins(&mut desk, 200, MILLISECOND)
            .into_iter()
            .map(|time| time + before),
    );
    check_windows(&times, interval);
}

#[test]
fn each_host_has_its_own_pace() {
    let mut desk = Desk::new(Rules {
        host_interval: Some(Duration::from_secs(1)),
        ..rules(100)
    });
    let hosts = [desk.add("a", 3), desk.add("b", 3)];
    for _ in 0..3 {
        assert_eq!(desk.begin(), hosts);
        let Next::At(at) = desk.next() else {
            assert_eq!(desk.book.waiting(), 0);
            return;
        };
        assert_eq!(at, desk.now + Duration::from_secs(1));
        desk.now = at;
    }
}

#[test]
fn a_pace_that_is_slower_than_any_clock_is_kept() {
    let mut desk = Desk::new(Rules {
        interval: Some(Duration::MAX),
        host_interval: Some(Duration::MAX),
        ..rules(100)
    });
    desk.add("a", 3);
    assert_eq!(desk.begin().len(), 1);
    desk.wait(Duration::from_secs(86400 * 365));
    assert_eq!(desk.begin().len(), 0);
}

// ---- refusals ----

#[test]
fn a_host_that_refuses_rests_alone_and_begins_with_half() {
    let mut desk = Desk::new(rules(100));
    let (busy, other) = (desk.add("busy", 60), desk.add("other", 8));
    assert_eq!(desk.begin().len(), 68);
    desk.add("busy", 200);
    // All of 60 are refused together, and that is one refusal; the longest rest counts.
    for seconds in (1..=60).rev() {
        desk.end(busy, Says::Rest(Some(Duration::from_secs(seconds.min(7)))));
    }
    desk.add("other", 1);
    assert_eq!(desk.begin(), [other]);
    let Next::At(at) = desk.next() else {
        panic!("it rests")
    };
    assert_eq!(at, desk.now + Duration::from_secs(7));
    desk.now = at;
    assert_eq!(desk.begin(), vec![busy; 30]);
    // One more each time that as many were answered.
    for _ in 0..30 {
        desk.end(busy, Says::Answers);
        desk.begin();
    }
    assert_eq!(count(&desk.begin()).len(), 0);
    assert_eq!(desk.book.host_limit(desk.book.hosts().next().unwrap()), 31);
}

#[test]
fn a_refusal_that_does_not_say_for_how_long_doubles() {
    let mut desk = Desk::new(rules(10));
    let busy = desk.add("busy", 100);
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(
            desk.next(),
            Next::Do(busy, desk.jobs - desk.book.waiting() as u32 - 1)
        );
        desk.end(busy, Says::Rest(None));
        assert_eq!(desk.next(), Next::At(desk.now + Duration::from_secs(seconds)));
        desk.wait(Duration::from_secs(seconds));
    }
    desk.next();
    desk.end(busy, Says::Answers);
    desk.next();
    desk.end(busy, Says::Rest(None));
    assert_eq!(desk.next(), Next::At(desk.now + Duration::from_secs(1)));
    // An hour is not waited for.
    desk.wait(Duration::from_secs(1));
    desk.next();
    desk.end(busy, Says::Rest(Some(Duration::from_secs(3600))));
    assert_eq!(desk.next(), Next::At(desk.now + Duration::from_secs(60)));
}
