//! The book under a clock that is a number, with whole numbers to be done.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Book, Ending, FARTHEST, LEAST_NEW, MOST_IDLE, NEAREST, Next, Outcome, Permission, Rules, Says};
use crate::http::robots;

mod model;
mod paces;

const MILLISECOND: Duration = Duration::from_millis(1);

fn rules(concurrency: usize) -> Rules {
    Rules {
        concurrency: Some(concurrency),
        ..Rules::default()
    }
}

fn ending(says: Says) -> Ending {
    let outcome = match says {
        Says::Answers => Outcome::Answered,
        Says::Rest(_) => Outcome::Refused,
        Says::Silence => Outcome::TimedOut,
        Says::Nothing => Outcome::Failed,
    };
    Ending {
        outcome,
        took: MILLISECOND,
        says,
    }
}

/// What a robots.txt permits.
fn permission(file: &str) -> Permission {
    Permission {
        rules: Arc::new(robots::Rules::parse(file.as_bytes(), "bot")),
        why: "no".into(),
    }
}

struct Desk {
    book: Book<u32>,
    now: Instant,
    jobs: u32,
}

impl Desk {
    fn new(rules: Rules) -> Self {
        Self {
            book: Book::new(rules),
            now: Instant::now(),
            jobs: 0,
        }
    }

    fn add(&mut self, host: &str, count: usize) -> usize {
        let place = self.book.host(host, self.now);
        for _ in 0..count {
            self.book.add(place, self.jobs, self.now);
            self.jobs += 1;
        }
        place
    }

    fn next(&mut self) -> Next<u32> {
        self.book.next(self.now, true, false)
    }

    /// The hosts of all that can be begun now.
    fn begin(&mut self) -> Vec<usize> {
        let mut begun = Vec::new();
        while let Next::Do(place, _) = self.next() {
            begun.push(place);
        }
        begun
    }

    fn end(&mut self, place: usize, says: Says) {
        self.book.ended(place, self.now, ending(says), None);
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
    }
}

fn count(places: &[usize]) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for place in places {
        *counts.entry(*place).or_default() += 1;
    }
    counts
}

#[test]
fn nothing_to_do() {
    let mut desk = Desk::new(rules(5));
    assert_eq!(desk.next(), Next::Nothing);
    assert!(desk.book.is_idle() && desk.book.is_hungry());
    desk.add("a", 1);
    assert_eq!(desk.book.next(desk.now, false, false), Next::Nothing);
    assert_eq!(desk.next(), Next::Do(0, 0));
    assert_eq!(desk.next(), Next::Nothing);
    assert!(!desk.book.is_idle());
    desk.end(0, Says::Answers);
    assert!(desk.book.is_idle());
}

#[test]
fn ten_thousand_of_one_host_take_no_more_than_their_share() {
    let mut desk = Desk::new(rules(9));
    let many = desk.add("many", 10_000);
    let others = [desk.add("a", 20), desk.add("b", 20)];
    assert_eq!(
        count(&desk.begin()),
        [(many, 3), (others[0], 3), (others[1], 3)].into()
    );
    // One that is slow keeps what it has; the others share what becomes free.
    for _ in 0..17 {
        desk.end(others[0], Says::Answers);
        assert_eq!(desk.begin(), [others[0]]);
    }
    for _ in 0..3 {
        desk.end(others[0], Says::Answers);
    }
    assert_eq!(count(&desk.begin()), [(many, 2), (others[1], 1)].into());
}

#[test]
fn among_equals_the_longest_not_served_is_next() {
    let mut desk = Desk::new(rules(1));
    let places = ["a", "b", "c"].map(|name| desk.add(name, 3));
    for _ in 0..3 {
        for place in places {
            assert_eq!(desk.begin(), [place]);
            desk.end(place, Says::Answers);
        }
    }
}

#[test]
fn hosts_that_do_not_answer_have_a_sixteenth_together() {
    for (concurrency, share) in [(2, 1), (15, 1), (16, 1), (32, 2), (100, 6)] {
        let mut desk = Desk::new(rules(concurrency));
        let dead: Vec<usize> = (0..concurrency)
            .map(|number| desk.add(&format!("dead{number}"), 5))
            .collect();
        // Nobody knows yet.
        assert_eq!(desk.begin().len(), concurrency);
        let alive = desk.add("alive", 5 * concurrency);
        for place in &dead {
            desk.end(*place, Says::Silence);
        }
        assert_eq!(desk.book.silent_in_flight, 0);
        let begun = count(&desk.begin());
        assert_eq!(begun.get(&alive), Some(&(concurrency - share)));
        assert_eq!(desk.book.silent_in_flight, share);
        // The first answer is enough.
        let back = *begun.keys().find(|place| **place != alive).unwrap();
        desk.end(back, Says::Answers);
        assert_eq!(desk.book.silent_in_flight, share - 1);
        assert_eq!(count(&desk.begin()).len(), 1);
    }
}

#[test]
fn all_that_a_host_has_in_flight_counts_as_what_it_is_now() {
    let mut desk = Desk::new(rules(64));
    let host = desk.add("a", 10);
    desk.begin();
    for (says, silent) in [
        (Says::Silence, 9),
        (Says::Nothing, 8),
        (Says::Answers, 0),
        (Says::Silence, 6),
        (Says::Rest(None), 0),
        (Says::Silence, 4),
        (Says::Silence, 3),
    ] {
        desk.end(host, says);
        assert_eq!(desk.book.silent_in_flight, silent, "{says:?}");
    }
}

// ---- retries ----

#[test]
fn retries_come_at_their_time_and_before_what_is_new() {
    let mut desk = Desk::new(rules(1));
    let host = desk.add("a", 4);
    let at = desk.now + 5 * MILLISECOND;
    assert_eq!(desk.next(), Next::Do(host, 0));
    desk.book
        .ended(host, desk.now, ending(Says::Answers), Some((0, at)));
    assert_eq!(desk.book.waiting(), 4);
    // It holds no place meanwhile.
    assert_eq!(desk.next(), Next::Do(host, 1));
    desk.end(host, Says::Answers);
    desk.now = at;
    assert_eq!(desk.next(), Next::Do(host, 0));
    desk.book
        .ended(host, desk.now, ending(Says::Nothing), Some((0, at + MILLISECOND)));
    for job in [2, 3] {
        assert_eq!(desk.next(), Next::Do(host, job));
        desk.end(host, Says::Answers);
    }
    assert_eq!(desk.next(), Next::At(at + MILLISECOND));
    assert!(!desk.book.is_idle());
    desk.wait(MILLISECOND);
    assert_eq!(desk.next(), Next::Do(host, 0));
}

// ---- robots.txt ----

fn robots_desk() -> Desk {
    Desk::new(Rules {
        robots: true,
        ..rules(10)
    })
}

#[test]
fn each_host_is_asked_once_and_before_everything_else() {
    let mut desk = robots_desk();
    let (one, other) = (desk.add("a", 3), desk.add("b", 2));
    assert_eq!(desk.next(), Next::Ask(one));
    assert_eq!(desk.next(), Next::Ask(other));
    assert_eq!(desk.next(), Next::Nothing);
    desk.add("a", 1);
    assert_eq!(desk.next(), Next::Nothing);
    assert_eq!((desk.book.in_flight(), desk.book.waiting()), (2, 6));
    let waiting = desk.book.settled(one, permission(""), desk.now);
    assert_eq!(waiting, [0, 1, 2, 5]);
    assert_eq!((desk.book.in_flight(), desk.book.waiting()), (1, 2));
    for job in waiting {
        desk.book.add(one, job, desk.now);
    }
    assert_eq!(desk.begin(), [one; 4]);
    assert_eq!(desk.book.settled(other, permission(""), desk.now), [3, 4]);
    for _ in 0..4 {
        desk.end(one, Says::Answers);
    }
    assert!(desk.book.is_idle());
}

#[test]
fn what_it_forbids() {
    let mut desk = robots_desk();
    let place = desk.add("http://a", 1);
    let url = |path: &str| url::Url::parse(&format!("http://a{path}")).unwrap();
    assert_eq!(desk.book.forbids(place, &url("/x")), None);
    assert_eq!(desk.next(), Next::Ask(place));
    desk.book
        .settled(place, permission("User-agent: *\nDisallow: /x"), desk.now);
    assert_eq!(desk.book.forbids(place, &url("/x")).as_deref(), Some("no"));
    assert_eq!(desk.book.forbids(place, &url("/y")), None);
}

#[test]
fn a_crawl_delay_is_a_pace_from_the_asking_on_and_no_longer_than_a_minute() {
    for (own, said, counts) in [
        (None, "2", 2.0),
        (None, "1e9", 60.0),
        (Some(5.0), "2", 5.0),
        (Some(0.5), "2", 2.0),
        (Some(100.0), "1e9", 100.0),
    ] {
        let mut desk = Desk::new(Rules {
            robots: true,
            host_interval: own.map(Duration::from_secs_f64),
            ..rules(10)
        });
        let place = desk.add("a", 2);
        assert_eq!(desk.next(), Next::Ask(place));
        desk.wait(MILLISECOND);
        let file = format!("User-agent: *\nCrawl-delay: {said}");
        for job in desk.book.settled(place, permission(&file), desk.now) {
            desk.book.add(place, job, desk.now);
        }
        for job in [0, 1] {
            let Next::At(at) = desk.next() else {
                panic!("{own:?}")
            };
            assert_eq!((at - desk.now).as_secs_f64(), counts, "{own:?} {said}");
            desk.now = at;
            assert_eq!(desk.next(), Next::Do(place, job));
        }
    }
}

// ---- how many are brought ----

#[test]
fn more_is_brought_only_while_what_waits_is_blocked() {
    let mut desk = Desk::new(Rules {
        per_host: Some(1),
        ..rules(10)
    });
    assert_eq!(desk.book.room(), NEAREST);
    let host = desk.add("a", NEAREST);
    assert!(!desk.book.is_hungry());
    assert_eq!(desk.begin(), [host]);
    // All that waits is for a host that has all it may have, and there would be room for nine others.
    assert!(desk.book.is_hungry());
    while desk.book.room() > 0 {
        desk.add("a", desk.book.room());
        desk.begin();
    }
    assert_eq!(desk.book.waiting(), FARTHEST);
    assert!(!desk.book.is_hungry());
}

#[test]
fn as_many_wait_as_will_be_begun_soon() {
    assert_eq!(Desk::new(rules(1)).book.room(), NEAREST);
    assert_eq!(Desk::new(rules(1000)).book.room(), 2000);
    assert_eq!(Desk::new(rules(usize::MAX)).book.room(), FARTHEST);
}

#[test]
fn where_the_limit_is_found_out_more_are_brought_as_it_grows() {
    let mut desk = Desk::new(Rules::default());
    while desk.book.limit() < 200 {
        desk.add("a", desk.book.room());
        let begun = desk.begin();
        desk.wait(100 * MILLISECOND);
        for place in begun {
            desk.end(place, Says::Answers);
        }
    }
    assert!(desk.book.room() + desk.book.waiting() >= 2 * desk.book.limit());
}

// ---- hosts that are new ----

#[test]
fn a_new_host_has_no_more_than_its_first_share_while_others_may_come() {
    let mut desk = Desk::new(rules(100));
    let new = desk.add("new", 150);
    let mut begun = 0;
    while let Next::Do(..) = desk.book.next(desk.now, true, true) {
        begun += 1;
    }
    assert_eq!(begun, LEAST_NEW);
    // Others are looked for.
    assert!(desk.book.room() > 200);
    let other = desk.add("other", 5);
    for _ in 0..5 {
        let Next::Do(place, _) = desk.book.next(desk.now, true, true) else {
            panic!("the other host waits")
        };
        assert_eq!(place, other);
    }
    assert_eq!(desk.book.next(desk.now, true, true), Next::Nothing);
    // One answer, and it is as good as any.
    desk.end(new, Says::Answers);
    while let Next::Do(..) = desk.book.next(desk.now, true, true) {}
    assert_eq!(desk.book.in_flight(), 100);
}

#[test]
fn a_new_host_has_all_where_no_others_come() {
    for many in [150, FARTHEST] {
        let mut desk = Desk::new(rules(100));
        desk.add("new", many);
        // The source has ended; or it gives no others, however far one looks.
        let more = many == FARTHEST;
        let mut looks = 0;
        while desk.book.in_flight() < 100 && looks < 20 {
            if desk.book.next(desk.now, true, more) == Next::Nothing {
                looks += 1;
            }
        }
        assert_eq!(desk.book.in_flight(), 100, "{many}");
    }
}

#[test]
fn a_host_that_answers_does_not_wait_for_a_new_one() {
    let mut desk = Desk::new(rules(100));
    let known = desk.add("known", 1);
    desk.begin();
    desk.end(known, Says::Answers);
    let new = desk.add("new", 100);
    desk.add("known", 100);
    let mut begun = [0, 0];
    while let Next::Do(place, _) = desk.book.next(desk.now, true, true) {
        begun[usize::from(place == new)] += 1;
    }
    assert_eq!(begun, [100 - LEAST_NEW, LEAST_NEW]);
}

// ---- hosts that are forgotten ----

#[test]
fn of_ten_thousand_hosts_the_idle_ones_are_forgotten() {
    let mut desk = Desk::new(rules(usize::MAX));
    let busy = desk.add("busy", 2);
    desk.next();
    for number in 0..3 * MOST_IDLE {
        let place = desk.add(&format!("host{number}"), 1);
        while !matches!(desk.next(), Next::Do(found, _) if found == place) {}
        desk.book.counts(place).unwrap().add(false, 3);
        // Also those that never answered: there are many in the web.
        desk.end(
            place,
            if number % 2 == 0 {
                Says::Answers
            } else {
                Says::Silence
            },
        );
        assert!(desk.book.hosts().count() <= MOST_IDLE + 1);
    }
    assert_eq!(desk.book.host("busy", desk.now), busy);
    let known: u64 = desk.book.hosts().map(|host| host.counts.done).sum();
    assert_eq!(known + desk.book.others().done, 3 * MOST_IDLE as u64);
    assert_eq!(desk.book.others().bytes, 3 * desk.book.others().done);
}

#[test]
fn who_has_a_pace_is_not_forgotten_before_its_time() {
    let mut desk = Desk::new(Rules {
        host_interval: Some(Duration::from_secs(10)),
        ..rules(10)
    });
    let place = desk.add("a", 1);
    desk.next();
    desk.end(place, Says::Answers);
    desk.book.forget_idle(desk.now);
    assert_eq!(desk.book.hosts().count(), 1);
    desk.wait(Duration::from_secs(10));
    desk.book.forget_idle(desk.now);
    assert_eq!(desk.book.hosts().count(), 0);
}

#[test]
fn what_is_cleared_is_gone() {
    let mut desk = Desk::new(rules(3));
    let host = desk.add("a", 5);
    desk.add("b", 5);
    desk.begin();
    desk.book.ended(
        host,
        desk.now,
        ending(Says::Silence),
        Some((0, desk.now + MILLISECOND)),
    );
    assert_eq!(desk.book.clear().len(), 8);
    assert!(desk.book.is_idle());
    desk.wait(MILLISECOND);
    assert_eq!(desk.next(), Next::Nothing);
}
