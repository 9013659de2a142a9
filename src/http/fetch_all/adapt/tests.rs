//! A limit and simulated servers. Time is a number here: what a test shows is the same on every machine.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use super::{Adaptive, Outcome};

mod simulation;

use simulation::{Law, Seen, Server, Simulation};

const MOST: usize = 1000;

/// Mean seconds of service, of all servers here: what is called a round trip below.
const SERVICE: f64 = 0.1;

const LAWS: [Law; 3] = [Law::Fixed, Law::Exponential, Law::Pareto(1.5)];

/// The same for some other chances. They are not chosen: 1, 2, 3.
fn with_seeds(run: impl Fn(u64)) {
    for seed in 1..=3 {
        run(seed);
    }
}

#[test]
fn comes_to_what_a_server_can_do_and_not_much_more() {
    for capacity in [5.0, 20.0, 100.0, 400.0] {
        for law in LAWS {
            with_seeds(|seed| {
                let mut run = Simulation::new(4, Server::of(capacity as usize, SERVICE, law), seed);
                // 300 round trips to find out.
                run.until(30.0);
                let seen = run.until(if capacity > 100.0 { 80.0 } else { 230.0 });
                seen.print(&format!("capacity {capacity}, {law:?}"));
                // Looking below costs most where there are few; and in 200 s, chance moves what is best by a hundredth.
                let share = if capacity < 20.0 { 0.93 } else { 0.95 };
                assert!(seen.rate > share * capacity / SERVICE, "{seen:?}");
                assert!(
                    seen.mean > 0.95 * capacity && seen.mean < 2.0 * capacity,
                    "{seen:?}"
                );
            });
        }
    }
}

#[test]
fn grows_to_the_most_while_latency_stays() {
    // Where all answers take the same time, that is proven by one round; where they differ, only by many.
    for (law, round_trips) in [
        (Law::Fixed, 12.0),
        (Law::Exponential, 200.0),
        (Law::Pareto(1.5), 60.0),
    ] {
        with_seeds(|seed| {
            let mut run = Simulation::new(4, Server::without_end(SERVICE, law), seed);
            run.until(round_trips * SERVICE)
                .print(&format!("endless, {law:?}, begin"));
            assert_eq!(run.limit.decisions().highest, MOST, "{law:?} {:?}", run.limit);
            let seen = run.until(40.0);
            seen.print(&format!("endless, {law:?}, then"));
            assert!(seen.mean > 0.95 * MOST as f64, "{seen:?}");
            assert!(seen.rate > 0.95 * MOST as f64 / SERVICE, "{seen:?}");
        });
    }
}

#[test]
fn settles_below_the_number_that_is_refused() {
    for most in [5.0, 50.0, 500.0] {
        with_seeds(|seed| {
            let server = Server::without_end(SERVICE, Law::Exponential);
            let mut run = Simulation::new(
                4,
                Server {
                    refuses: Some(most as usize),
                    ..server
                },
                seed,
            );
            let seen = run.until(30.0);
            seen.print(&format!("429 beyond {most}, begin"));
            assert!(seen.refused < 0.03, "{seen:?}");
            let seen = run.until(if most > 100.0 { 80.0 } else { 230.0 });
            seen.print(&format!("429 beyond {most}, then"));
            assert!(seen.refused < 0.005, "{seen:?}");
            assert!(seen.mean > 0.7 * most && seen.mean <= 1.05 * most, "{seen:?}");
            assert!(run.limit.decisions().refusals > 0);
        });
    }
}

#[test]
fn does_not_overload_a_server_that_then_times_out() {
    // It waits in line until the client gives up, and the work is then done for nobody.
    for begin in [4, 100] {
        with_seeds(|seed| {
            let server = Server {
                timeout: 0.5,
                ..Server::of(20, SERVICE, Law::Fixed)
            };
            let mut run = Simulation::new(begin, server, seed);
            run.until(30.0)
                .print(&format!("gives up after 5 services, from {begin}, begin"));
            let seen = run.until(230.0);
            seen.print(&format!("gives up after 5 services, from {begin}, then"));
            assert!(seen.rate > 190.0 && seen.timed_out < 0.005, "{seen:?}");
            assert!(seen.mean < 40.0, "{seen:?}");
        });
    }
}

#[test]
fn finds_a_number_beyond_which_there_is_only_silence() {
    // Nothing tells but a timeout fifty round trips later, in which time a limit that only looks at latency is at `MOST`.
    with_seeds(|seed| {
        let server = Server::without_end(SERVICE, Law::Exponential);
        let mut run = Simulation::new(
            4,
            Server {
                drops: Some(50),
                timeout: 5.0,
                ..server
            },
            seed,
        );
        let begin = run.until(30.0);
        begin.print("silent beyond 50, begin");
        let seen = run.until(630.0);
        seen.print("silent beyond 50, then");
        assert!(begin.highest <= 300, "{begin:?}");
        assert!(seen.timed_out < 0.01 && seen.rate > 350.0, "{seen:?}");
        assert!(seen.mean > 35.0 && seen.mean < 75.0, "{seen:?}");
    });
}

#[test]
fn follows_a_capacity_down_and_up_again() {
    for law in [Law::Fixed, Law::Exponential] {
        with_seeds(|seed| {
            let mut run = Simulation::new(4, Server::of(100, SERVICE, law), seed);
            run.until(60.0);
            run.server.resize(10);
            // A round trip is now more than a second, until there are fewer.
            run.until(120.0)
                .print(&format!("down to a tenth, {law:?}, begin"));
            let down = run.until(220.0);
            down.print(&format!("down to a tenth, {law:?}, then"));
            assert!(
                down.mean > 9.5 && down.mean < 40.0 && down.rate > 90.0,
                "{down:?}"
            );
            run.server.resize(100);
            run.until(280.0).print(&format!("up again, {law:?}, begin"));
            let up = run.until(380.0);
            up.print(&format!("up again, {law:?}, then"));
            assert!(up.mean > 95.0 && up.mean < 200.0 && up.rate > 950.0, "{up:?}");
        });
    }
}

#[test]
fn goes_on_when_latency_changes_by_itself() {
    // Not a queue: the pages are heavier. A limit that compares with the past would starve.
    with_seeds(|seed| {
        let mut run = Simulation::new(4, Server::without_end(SERVICE, Law::Exponential), seed);
        run.until(30.0);
        run.server.service = 5.0 * SERVICE;
        let seen = run.until(90.0);
        seen.print("five times as slow by itself");
        assert!(seen.mean > 0.9 * MOST as f64, "{seen:?}");
    });
}

#[test]
fn minds_few_errors_little() {
    for (unconnected, lost) in [(0.02, 0.0), (0.05, 0.0), (0.0, 0.001), (0.0, 0.005)] {
        with_seeds(|seed| {
            let server = Server::without_end(SERVICE, Law::Exponential);
            let mut run = Simulation::new(
                4,
                Server {
                    unconnected,
                    lost,
                    timeout: 5.0,
                    ..server
                },
                seed,
            );
            run.until(60.0);
            let seen = run.until(75.0);
            seen.print(&format!("{unconnected} do not connect, {lost} get lost"));
            assert!(seen.mean > 0.95 * MOST as f64, "{seen:?}");
        });
    }
}

#[test]
fn minds_many_connection_errors() {
    let server = Server::without_end(SERVICE, Law::Exponential);
    let mut run = Simulation::new(
        100,
        Server {
            unconnected: 0.3,
            ..server
        },
        1,
    );
    let seen = run.until(30.0);
    seen.print("a third does not connect");
    assert!(seen.last < 10 && run.limit.decisions().failures > 3, "{seen:?}");
}

/// Ten seconds of nothing but errors, and what comes after.
fn dead(server: Server, name: &str) -> Seen {
    let alive = Server::without_end(SERVICE, Law::Exponential);
    let mut run = Simulation::new(100, server, 1);
    run.until(10.0).print(&format!("{name}, dead"));
    assert_eq!(run.limit.limit(), 1, "{name}");
    run.server = alive;
    run.until(40.0).print(&format!("{name}, back"));
    run.until(60.0)
}

#[test]
fn comes_to_one_for_a_dead_host_and_back_with_it() {
    let alive = Server::without_end(SERVICE, Law::Exponential);
    let dead_ones = [
        (
            "connects not",
            Server {
                unconnected: 1.0,
                ..alive.clone()
            },
        ),
        (
            "429",
            Server {
                refuses: Some(0),
                ..alive.clone()
            },
        ),
        (
            "silent",
            Server {
                lost: 1.0,
                timeout: 0.5,
                ..alive
            },
        ),
    ];
    for (name, server) in dead_ones {
        let seen = dead(server, name);
        seen.print(&format!("{name}, later"));
        assert!(seen.mean > 0.9 * MOST as f64, "{seen:?}");
    }
}

#[test]
fn does_not_grow_where_it_does_not_hold_things_back() {
    let mut run = Simulation::new(10, Server::without_end(SERVICE, Law::Fixed), 1);
    run.wanted = 5;
    let seen = run.until(60.0);
    assert_eq!((seen.lowest, seen.highest), (10, 10));
    assert_eq!(run.limit.decisions().grown, 0);
}

#[test]
fn cuts_once_a_round_trip() {
    let mut limit = Adaptive::new(100, MOST);
    let start = Instant::now();
    let took = Duration::from_secs(1);
    for milliseconds in 0..900 {
        limit.ended(
            start + took + Duration::from_millis(milliseconds),
            took,
            Outcome::TimedOut,
            100,
        );
    }
    // The five hundred others that began before the first cut are part of the same trouble.
    assert_eq!((limit.limit(), limit.decisions().timeouts), (70, 1));
}

#[test]
fn bears_absurd_numbers() {
    let start = Instant::now();
    for (begin, most) in [(0, 0), (0, 5), (7, 3), (usize::MAX, usize::MAX), (1, usize::MAX)] {
        let mut limit = Adaptive::new(begin, most);
        let mut chance = 1_u32;
        for _ in 0..20_000 {
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let took = match chance >> 30 {
                0 => Duration::ZERO,
                1 => Duration::MAX,
                2 => Duration::from_nanos(1),
                _ => Duration::from_secs(1 << 40),
            };
            let outcome = match (chance >> 20) % 64 {
                0 => Outcome::Refused,
                1 => Outcome::TimedOut,
                2 => Outcome::Failed,
                _ => Outcome::Answered,
            };
            // Also a clock that goes back.
            let now = start + Duration::from_millis(u64::from(chance >> 12 & 1023));
            limit.ended(
                now,
                took,
                outcome,
                if chance >> 11 & 7 == 0 { 0 } else { usize::MAX },
            );
            assert!((1..=most.max(1)).contains(&limit.limit()));
        }
    }
}
