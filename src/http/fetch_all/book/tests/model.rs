//! The book against one that recomputes everything: whatever is done, in whatever order.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{Desk, MILLISECOND, Next, Rules, Says, count, ending, permission};

/// A generator of chances that is the same everywhere: Knuth's MMIX.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

struct Model {
    desk: Desk,
    dice: Dice,
    rules: Rules,
    /// What is in flight: whose, and what; no job where it is asked for its robots.txt.
    flying: Vec<(usize, Option<u32>)>,
    /// Jobs that are not done.
    open: BTreeSet<u32>,
    /// When requests began, by host.
    begun: Vec<(Instant, usize)>,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let pace = [None, None, Some(MILLISECOND), Some(30 * MILLISECOND)];
        let rules = Rules {
            concurrency: dice.one_of(&[Some(1), Some(3), Some(20), Some(40), None]),
            per_host: dice.one_of(&[None, None, Some(1), Some(4)]),
            interval: dice.one_of(&pace),
            host_interval: dice.one_of(&pace),
            robots: dice.below(2) == 0,
        };
        Self {
            desk: Desk::new(rules.clone()),
            dice,
            rules,
            flying: Vec::new(),
            open: BTreeSet::new(),
            begun: Vec::new(),
        }
    }

    fn step(&mut self) {
        match self.dice.below(10) {
            0 | 1 => {
                let host = self.dice.below(12);
                let (job, many) = (self.desk.jobs, self.dice.below(4));
                self.desk.add(&format!("host{host}"), many);
                self.open.extend(job..self.desk.jobs);
            }
            2 => {
                let micros = self.dice.one_of(&[10, 700, 5_000, 50_000, 2_000_000]);
                self.desk.wait(Duration::from_micros(micros));
            }
            3..=5 if !self.flying.is_empty() => self.end(),
            _ => self.begin(),
        }
        self.check();
    }

    fn begin(&mut self) {
        let now = self.desk.now;
        let expected = self.expected();
        match self.desk.next() {
            Next::Do(place, job) => {
                assert!(expected.as_ref().is_ok_and(|places| places.contains(&place)));
                assert!(self.open.contains(&job));
                assert!(self.flying.iter().all(|(_, other)| *other != Some(job)));
                self.flying.push((place, Some(job)));
                self.begun.push((now, place));
            }
            Next::Ask(place) => {
                assert!(self.rules.robots);
                assert!(expected.as_ref().is_ok_and(|places| places.contains(&place)));
                self.flying.push((place, None));
                self.begun.push((now, place));
            }
            Next::At(at) => assert_eq!(expected, Err(Some(at))),
            Next::Nothing => assert_eq!(expected, Err(None)),
        }
    }

    /// The hosts one of which must be next; or when to look again.
    fn expected(&self) -> Result<Vec<usize>, Option<Instant>> {
        let book = &self.desk.book;
        let now = self.desk.now;
        if self.flying.len() >= book.limit() {
            return Err(None);
        }
        let pace = book.pace.as_ref().and_then(|pace| pace.next());
        if let Some(at) = pace.filter(|at| *at > now && book.waiting() > 0) {
            return Err(Some(at));
        }
        let of = |place: usize| self.flying.iter().filter(|(of, _)| *of == place).count();
        let hosts = || {
            let hosts = book.places.iter().enumerate();
            hosts.filter_map(|(place, host)| Some((place, host.as_ref()?)))
        };
        let silent: usize = hosts()
            .filter(|(_, host)| host.silent)
            .map(|(place, _)| of(place))
            .sum();
        let may_be_silent = silent < (book.limit() / 16).max(1);
        let due = |place: usize| {
            let host = book.places[place].as_ref().unwrap();
            let asked = self.flying.contains(&(place, None));
            if asked || of(place) >= host.limit(self.rules.per_host) {
                return None;
            }
            let job = if host.queue.is_empty() {
                host.again.keys().map(|(at, _)| *at).min()?
            } else {
                now
            };
            let pace = host.pace.as_ref().and_then(|pace| pace.next());
            [Some(job), pace, host.rests_until].into_iter().flatten().max()
        };
        let can: Vec<usize> = hosts()
            .filter(|(place, host)| {
                (may_be_silent || !host.silent) && due(*place).is_some_and(|at| at <= now)
            })
            .map(|(place, _)| place)
            .collect();
        let Some(fewest) = can.iter().map(|place| of(*place)).min() else {
            let later = hosts().filter_map(|(place, _)| due(place));
            return Err(later.filter(|at| *at > now).min());
        };
        let first: Vec<usize> = can.into_iter().filter(|place| of(*place) == fewest).collect();
        let served = |place: usize| self.begun.iter().rposition(|(_, of)| *of == place);
        // Those that were never served are equals.
        let longest = first.iter().map(|place| served(*place)).min().unwrap();
        Ok(first
            .into_iter()
            .filter(|place| served(*place) == longest)
            .collect())
    }

    fn end(&mut self) {
        let chosen = self.dice.below(self.flying.len());
        let (place, job) = self.flying.swap_remove(chosen);
        let now = self.desk.now;
        let Some(job) = job else {
            let file = self.dice.one_of(&["", "User-agent: *\nCrawl-delay: 0.01"]);
            for job in self.desk.book.settled(place, permission(file), now) {
                self.desk.book.add(place, job, now);
            }
            return;
        };
        let says = self.dice.one_of(&[
            Says::Answers,
            Says::Answers,
            Says::Nothing,
            Says::Silence,
            Says::Rest(None),
            Says::Rest(Some(20 * MILLISECOND)),
        ]);
        let again = match self.dice.below(4) {
            0 => Some((job, now + Duration::from_millis(self.dice.below(100) as u64))),
            _ => None,
        };
        if again.is_none() {
            self.open.remove(&job);
        }
        self.desk.book.ended(place, now, ending(says), again);
    }

    fn check(&self) {
        let book = &self.desk.book;
        assert_eq!(book.in_flight(), self.flying.len());
        let asked = self.flying.iter().filter(|(_, job)| job.is_none()).count();
        assert_eq!(book.waiting(), self.open.len() + asked - self.flying.len());
        assert_eq!(book.is_idle(), self.open.is_empty() && self.flying.is_empty());
        let places: Vec<usize> = self.flying.iter().map(|(place, _)| *place).collect();
        let counts = count(&places);
        let mut silent = 0;
        for (place, host) in book.places.iter().enumerate() {
            let Some(host) = host else { continue };
            let flying = counts.get(&place).copied().unwrap_or(0);
            assert_eq!(host.in_flight, flying);
            silent += flying * usize::from(host.silent);
            assert!(self.rules.per_host.is_none_or(|most| flying <= most));
        }
        assert_eq!(book.silent_in_flight, silent);
        if let Some(most) = self.rules.concurrency {
            assert!(self.flying.len() <= most);
        }
    }

    /// No window has more than the pace allows in it and in 10 ms more.
    fn check_paces(&self) {
        let within = |times: &[Instant], interval: Option<Duration>| {
            let Some(interval) = interval else { return };
            for (first, begin) in times.iter().enumerate() {
                for (number, end) in times.iter().skip(first).enumerate().skip(1).take(200) {
                    let time = *end - *begin + 10 * MILLISECOND;
                    assert!(number as u128 <= time.as_nanos() / interval.as_nanos() + 1);
                }
            }
        };
        let all: Vec<Instant> = self.begun.iter().map(|(at, _)| *at).collect();
        within(&all, self.rules.interval);
        for host in 0..12 {
            let of = self.begun.iter().filter(|(_, place)| *place == host);
            let times: Vec<Instant> = of.map(|(at, _)| *at).collect();
            within(&times, self.rules.host_interval);
        }
    }

    /// All that was brought gets done.
    fn drain(&mut self) {
        for _ in 0..100_000 {
            if self.desk.book.is_idle() {
                return;
            }
            let before = self.flying.len();
            self.begin();
            self.check();
            if self.flying.len() > before {
                continue;
            }
            match self.flying.is_empty() {
                false => self.end(),
                true => match self.expected() {
                    Err(Some(at)) => self.desk.now = at,
                    other => panic!("{} wait, and {other:?}", self.desk.book.waiting()),
                },
            }
        }
        panic!("{} wait still", self.desk.book.waiting());
    }
}

#[test]
fn the_book_does_what_one_does_that_recomputes_everything() {
    for seed in 0..30 {
        let mut model = Model::new(seed);
        for _ in 0..400 {
            model.step();
        }
        model.drain();
        model.check_paces();
    }
}
