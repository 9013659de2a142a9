//! The book against a world that it knows only by what it is told: dials, servers, requests, at random.
//!
//! The world keeps its own account of who has what, and after each step holds the book to what its head
//! promises.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod promises;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::book::{Book, Given, Limits, Speaks, Todo};
use crate::net::route::{Route, SameTls};
use crate::net::tls::{Tls, Trust, Wishes};

const STEPS: usize = 400;
const SEEDS: u64 = 400;

/// An xorshift: the same steps for the same seed.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn pick<T: Copy>(&mut self, among: &[T]) -> Option<T> {
        let at = self.throw(among.len().max(1));
        among.get(at).copied()
    }
}

/// What is in a place, as the world has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Dial,
    /// A connection that a request has.
    Used,
    Idle,
    /// HTTP/2 that anybody may share, with so many streams.
    Shared(usize),
    /// HTTP/2 that nobody else may share.
    Leaving(usize),
    /// The book had it closed.
    Closing,
    /// It is about to close by itself, or because its request gave up.
    Dying,
}

#[derive(Debug, Clone, Copy)]
struct Seat {
    /// Index of the host in the world, and its number in the book.
    host: usize,
    number: usize,
    holds: Holds,
}

struct World {
    book: Book<u64, u64, usize>,
    limits: Limits,
    dice: Dice,
    now: Instant,
    routes: Vec<Arc<Route>>,
    /// What a server really speaks.
    is_http2: Vec<bool>,
    known: Vec<Speaks>,
    /// What a connection showed, for as long as there is anything of the host.
    learned: Vec<Option<Speaks>>,
    seats: BTreeMap<u64, Seat>,
    idle_since: BTreeMap<u64, Instant>,
    /// What requests still hold of places that are vacated: the host's number, its place, whether HTTP/2.
    stale: Vec<(usize, u64, bool)>,
    /// By stamp: the host, its number.
    waiting: BTreeMap<u64, (usize, usize)>,
    closed: bool,
}

type Todos = Vec<Todo<u64, u64, usize>>;

impl World {
    fn new(seed: u64, tls: &Arc<Tls>) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let limits = Limits {
            connections: dice.pick(&[1, 2, 3, 5, 8, usize::MAX]).unwrap(),
            per_host: dice.pick(&[1, 2, 3, usize::MAX]).unwrap(),
            idle: dice.pick(&[0, 1, 2, usize::MAX, usize::MAX]).unwrap(),
            expiry: dice
                .pick(&[None, Some(Duration::ZERO), Some(Duration::from_secs(5))])
                .unwrap(),
        };
        let hosts = 1 + dice.throw(4);
        let route = |host: usize| {
            Arc::new(Route {
                secure: true,
                host: format!("host-{host}").into(),
                port: 443,
                proxy: None,
                socket: None,
                server_name: None,
                tls: SameTls(Arc::clone(tls)),
            })
        };
        let is_http2: Vec<_> = (0..hosts).map(|_| dice.throw(2) == 0).collect();
        let known = is_http2.iter().map(|http2| match (dice.throw(5), http2) {
            (0 | 1, true) => Speaks::Http2,
            (0 | 1, false) => Speaks::Http1,
            // It was another server then, or another of several.
            (2, true) => Speaks::Http1,
            _ => Speaks::Unknown,
        });
        Self {
            book: Book::new(limits),
            limits,
            now: Instant::now(),
            routes: (0..hosts).map(route).collect(),
            known: known.collect(),
            learned: vec![None; hosts],
            is_http2,
            dice,
            seats: BTreeMap::new(),
            idle_since: BTreeMap::new(),
            stale: Vec::new(),
            waiting: BTreeMap::new(),
            closed: false,
        }
    }

    fn ids(&self, wanted: impl Fn(Holds) -> bool) -> Vec<u64> {
        let seats = self.seats.iter().filter(|(_, seat)| wanted(seat.holds));
        seats.map(|(id, _)| *id).collect()
    }

    fn count(&self, wanted: impl Fn(Holds) -> bool) -> usize {
        self.ids(wanted).len()
    }

    fn of_host(&self, host: usize, wanted: impl Fn(Holds) -> bool) -> usize {
        let seats = self.seats.values();
        seats
            .filter(|seat| seat.host == host && wanted(seat.holds))
            .count()
    }

    // ---- what happens ----

    fn ask(&mut self, host: usize) {
        let mut todo = Todos::new();
        let (route, known) = (Arc::clone(&self.routes[host]), self.known[host]);
        let before = self.lack_a_place();
        match self.book.take(&route, known, self.now, &mut todo) {
            Ok((number, given)) => {
                self.note_closed(&todo);
                if matches!(given, Given::Open(_)) {
                    assert!(before.is_empty(), "a place was given to one who came last");
                    assert!(!self.waiting.values().any(|(other, _)| *other == host));
                }
                self.receive(host, number, &given);
            }
            Err(number) => {
                self.note_closed(&todo);
                let mut todo = Todos::new();
                let stamp = self.book.wait(number, host, &mut todo);
                self.waiting.insert(stamp, (host, number));
                self.carry_out(todo);
            }
        }
    }

    fn receive(&mut self, host: usize, number: usize, given: &Given<u64, u64>) {
        assert!(!self.closed, "{given:?} after the end");
        if let Given::Reuse(id) | Given::Share(id) = given
            && let Some(since) = self.idle_since.remove(id)
        {
            let expiry = self.limits.expiry;
            assert!(
                expiry.is_none_or(|expiry| self.now - since < expiry),
                "too old for use"
            );
        }
        match given {
            Given::Open(id) => {
                let holds = Holds::Dial;
                let seat = Seat { host, number, holds };
                assert!(self.seats.insert(*id, seat).is_none(), "a place was given twice");
            }
            Given::Reuse(id) => {
                let seat = self.seats.get_mut(id).unwrap();
                assert_eq!((seat.holds, seat.host), (Holds::Idle, host));
                seat.holds = Holds::Used;
            }
            Given::Share(id) => {
                let seat = self.seats.get_mut(id).unwrap();
                let Holds::Shared(streams) = seat.holds else {
                    panic!("{seat:?} was shared");
                };
                assert_eq!(seat.host, host);
                seat.holds = Holds::Shared(streams + 1);
            }
        }
    }

    fn note_closed(&mut self, todo: &Todos) {
        for todo in todo {
            let (Todo::Close(id) | Todo::CloseShared(id)) = todo else {
                continue;
            };
            if let Some(seat) = self.seats.get_mut(id) {
                assert!(
                    matches!(seat.holds, Holds::Idle | Holds::Shared(0)),
                    "{seat:?} was closed, which is not idle"
                );
                seat.holds = Holds::Closing;
            }
        }
    }

    /// Does what the book says, and looks whether it keeps the order.
    fn carry_out(&mut self, todo: Todos) {
        let mut opened = Vec::new();
        for todo in todo {
            match todo {
                Todo::Give {
                    host: number,
                    to: host,
                    given,
                } => {
                    // The first of the host has it: others may have come before, of other hosts.
                    let first = self.waiting.iter().find(|(_, (whose, _))| *whose == host);
                    let stamp = *first.expect("somebody waits there").0;
                    assert_eq!(self.waiting.remove(&stamp), Some((host, number)));
                    if matches!(given, Given::Open(_)) {
                        opened.push(stamp);
                    }
                    self.receive(host, number, &given);
                }
                closing => self.note_closed(&vec![closing]),
            }
        }
        for stamp in opened {
            let passed_over = self
                .waiting
                .iter()
                .find(|(other, (host, _))| **other < stamp && self.may_dial(*host));
            assert!(passed_over.is_none(), "{passed_over:?} was before {stamp}");
        }
    }

    fn leave(&mut self) {
        let all: Vec<_> = self
            .waiting
            .iter()
            .map(|(stamp, (_, number))| (*stamp, *number))
            .collect();
        if let Some((stamp, number)) = self.dice.pick(&all) {
            self.waiting.remove(&stamp);
            self.book.leave(number, stamp);
        }
    }

    fn dialled(&mut self) {
        let dialling = self.ids(|holds| holds == Holds::Dial);
        let Some(id) = self.dice.pick(&dialling) else {
            return;
        };
        let seat = self.seats.get_mut(&id).unwrap();
        let http2 = self.is_http2[seat.host];
        let number = seat.number;
        // Its streams are those of who dialled; the others come by what is given.
        seat.holds = if http2 { Holds::Shared(1) } else { Holds::Used };
        let host = seat.host;
        self.learned[host] = Some(if http2 { Speaks::Http2 } else { Speaks::Http1 });
        if http2 {
            // The one before is for nobody else. If it is idle, it is to be closed.
            for (other, seat) in &mut self.seats {
                if let (Holds::Shared(streams @ 1..), true) = (seat.holds, *other != id && seat.host == host)
                {
                    seat.holds = Holds::Leaving(streams);
                }
            }
        }
        let mut todo = Todos::new();
        self.book.established(number, id, http2.then_some(id), &mut todo);
        self.carry_out(todo);
    }

    /// The socket of a place is closed, whatever it holds.
    fn vacate(&mut self, id: u64) {
        let seat = self.seats.remove(&id).unwrap();
        match seat.holds {
            Holds::Used => self.stale.push((seat.number, id, false)),
            Holds::Shared(streams) | Holds::Leaving(streams) => {
                let held = std::iter::repeat_n((seat.number, id, true), streams);
                self.stale.extend(held);
            }
            Holds::Dial | Holds::Idle | Holds::Closing | Holds::Dying => {}
        }
        let mut todo = Todos::new();
        self.book.vacate(seat.number, id, &mut todo);
        self.carry_out(todo);
    }

    fn vacate_any(&mut self, wanted: impl Fn(Holds) -> bool) {
        let ids = self.ids(wanted);
        if let Some(id) = self.dice.pick(&ids) {
            self.vacate(id);
        }
    }

    fn finish(&mut self) {
        let used = self.ids(|holds| holds == Holds::Used);
        let Some(id) = self.dice.pick(&used) else { return };
        let seat = self.seats.get_mut(&id).unwrap();
        seat.holds = Holds::Idle;
        let number = seat.number;
        let mut todo = Todos::new();
        self.book.put_back(number, id, id, self.now, &mut todo);
        self.carry_out(todo);
        self.note_idle(id);
    }

    fn note_idle(&mut self, id: u64) {
        let seat = self.seats.get(&id);
        if seat.is_some_and(|seat| matches!(seat.holds, Holds::Idle | Holds::Shared(0))) {
            self.idle_since.insert(id, self.now);
        }
    }

    /// A request gives up, or its answer was not read: nobody can use the connection.
    fn abandon(&mut self) {
        let used = self.ids(|holds| holds == Holds::Used);
        if let Some(id) = self.dice.pick(&used) {
            self.seats.get_mut(&id).unwrap().holds = Holds::Dying;
        }
    }

    fn end_stream(&mut self) {
        let busy = self.ids(|holds| matches!(holds, Holds::Shared(1..) | Holds::Leaving(1..)));
        let Some(id) = self.dice.pick(&busy) else { return };
        let seat = self.seats.get_mut(&id).unwrap();
        seat.holds = match seat.holds {
            Holds::Shared(streams) => Holds::Shared(streams - 1),
            // Nobody has it any more, so it closes by itself.
            Holds::Leaving(1) => Holds::Dying,
            Holds::Leaving(streams) => Holds::Leaving(streams - 1),
            other => other,
        };
        let number = seat.number;
        let mut todo = Todos::new();
        self.book.stream_ended(number, id, self.now, &mut todo);
        self.carry_out(todo);
        self.note_idle(id);
    }

    /// The server says that it is going away.
    fn unshare(&mut self) {
        let shared = self.ids(|holds| matches!(holds, Holds::Shared(1..)));
        let Some(id) = self.dice.pick(&shared) else { return };
        let seat = self.seats.get_mut(&id).unwrap();
        if let Holds::Shared(streams) = seat.holds {
            seat.holds = Holds::Leaving(streams);
        }
        let number = seat.number;
        let mut todo = Todos::new();
        self.book.unshare(number, id, &mut todo);
        self.carry_out(todo);
    }

    /// A request ends whose connection the server had closed meanwhile. Its host may be another by now.
    fn end_stale(&mut self) {
        let Some(&(number, id, http2)) = self.stale.last() else {
            return;
        };
        self.stale.pop();
        let mut todo = Todos::new();
        if http2 {
            self.book.stream_ended(number, id, self.now, &mut todo);
            self.book.unshare(number, id, &mut todo);
        } else {
            self.book.put_back(number, id, id, self.now, &mut todo);
            assert!(matches!(todo.pop(), Some(Todo::Close(other)) if other == id));
        }
        assert!(todo.is_empty(), "{todo:?}");
    }

    fn expire(&mut self) {
        self.now += Duration::from_secs(1 + self.dice.throw(4) as u64);
        let mut todo = Todos::new();
        let due = self.book.expire(self.now, &mut todo);
        assert!(due.is_none_or(|due| due > self.now));
        self.carry_out(todo);
    }

    fn distrust(&mut self, host: usize) {
        let mut todo = Todos::new();
        self.book.remove_all_idle(&self.routes[host], &mut todo);
        self.carry_out(todo);
    }

    fn close(&mut self) {
        let mut todo = Todos::new();
        self.book.close(&mut todo);
        self.closed = true;
        self.carry_out(todo);
    }

    /// True if it may close what is idle for another reason than to make room.
    fn step(&mut self) -> bool {
        let host = self.dice.throw(self.routes.len());
        let what = self.dice.throw(40);
        match what {
            0..10 => self.ask(host),
            10..17 => self.dialled(),
            17..24 => self.finish(),
            24..28 => self.end_stream(),
            28..32 => self.vacate_any(|holds| matches!(holds, Holds::Closing | Holds::Dying)),
            32 => self.leave(),
            33 => self.vacate_any(|holds| holds == Holds::Dial),
            34 => self.vacate_any(|_| true),
            35 => self.abandon(),
            36 => self.unshare(),
            37 => self.expire(),
            38 => self.distrust(host),
            _ => self.end_stale(),
        }
        let surprising = |host: usize| self.known[host] == Speaks::Http1 && self.is_http2[host];
        what == 38 || ((10..17).contains(&what) && (0..self.routes.len()).any(surprising))
    }

    fn run(&mut self) {
        for step in 0..STEPS {
            if step == STEPS - 20 && self.dice.throw(2) == 0 {
                self.close();
            }
            let closing = self.book.closing.len();
            let any_reason = self.step();
            self.check(if any_reason { usize::MAX } else { closing });
        }
        while self.closed && !self.waiting.is_empty() {
            self.leave();
        }
        // When everybody is done, everybody has had his turn, and nothing is left.
        let mut turns = 0;
        while !self.waiting.is_empty()
            || self.count(|holds| !matches!(holds, Holds::Idle | Holds::Shared(0))) > 0
        {
            self.dialled();
            self.finish();
            self.end_stream();
            self.vacate_any(|holds| matches!(holds, Holds::Closing | Holds::Dying));
            self.check(usize::MAX);
            turns += 1;
            assert!(turns < 10_000, "somebody waits for ever: {:?}", self.waiting);
        }
        self.close();
        while !self.seats.is_empty() {
            self.vacate_any(|_| true);
        }
        while !self.stale.is_empty() {
            self.end_stale();
        }
        self.check(usize::MAX);
        assert_eq!(self.book.counts().hosts, 0);
    }
}

fn tls() -> Arc<Tls> {
    let wishes = Wishes {
        trust: Trust::Bundled,
        identity: None,
        only_1_3: false,
        sni: true,
    };
    Arc::new(Tls::new(&wishes, &[]).unwrap())
}

#[test]
fn the_book_keeps_its_promises() {
    let tls = tls();
    for seed in 1..=SEEDS {
        // Shown if it fails.
        println!("seed {seed}");
        World::new(seed, &tls).run();
    }
}
