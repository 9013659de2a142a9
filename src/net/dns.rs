//! From names to addresses: the system's resolver, asked once per name and time.
//!
//! The system answers for both families at once, so a host that has no IPv6 address costs no question of
//! its own. It tells no lifetimes; answers are kept for a time that the client sets, failures for a
//! second, so that a thousand requests to a dead name do not each wait for the resolver.
//!
//! Invariant: of those who want a name at the same time one asks and the others wait for it. If that one
//! is cancelled, the next asks.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::known::Known;
use super::trace::{Tracing, note};

/// For how long a failure is kept.
const FAILURE: Duration = Duration::from_secs(1);

/// How many names are kept; when there are more, those that are over are dropped, then all.
const MOST: usize = 10_000;

/// What the system said.
type Answer = Result<Arc<[IpAddr]>, Arc<io::Error>>;

#[derive(Debug)]
pub struct Resolver {
    /// For how long an answer is kept; zero: not at all.
    ttl: Duration,
    /// Names that are not asked for.
    known: Known,
    answers: Mutex<HashMap<Box<str>, Arc<Entry>>>,
    told: Mutex<Told>,
}

/// A host and a port, as a URL has them.
type Place = (Box<str>, u16);

/// Where somebody else has found hosts to be: the last ones that were told.
#[derive(Debug, Default)]
struct Told {
    places: HashMap<Place, Arc<[SocketAddr]>>,
    /// The first is the oldest.
    order: VecDeque<Place>,
}

#[derive(Debug, Default)]
struct Entry {
    cell: OnceCell<(Instant, Answer)>,
}

impl Entry {
    fn is_over(&self, ttl: Duration) -> bool {
        // What is being asked for is not over.
        self.cell.get().is_some_and(|(since, answer)| {
            let kept = if answer.is_ok() { ttl } else { FAILURE.min(ttl) };
            since.elapsed() >= kept
        })
    }
}

impl Resolver {
    pub fn new(ttl: Duration, known: Known) -> Self {
        Self {
            ttl,
            known,
            answers: Mutex::new(HashMap::new()),
            told: Mutex::default(),
        }
    }

    /// The addresses of `host`, never none. True if the system was not asked for this.
    pub async fn resolve(&self, host: &str, tracing: &Tracing) -> (Answer, bool) {
        if let Ok(address) = host.parse::<IpAddr>() {
            return (Ok(Arc::new([address])), true);
        }
        if let Some(addresses) = self.known.get(host) {
            return (Ok(Arc::clone(addresses)), true);
        }
        if self.ttl.is_zero() {
            note(tracing, "dns.ask");
            return (ask(host).await, false);
        }
        let entry = self.entry(host);
        let mut asked = false;
        let (_, answer) = entry
            .cell
            .get_or_init(|| async {
                asked = true;
                note(tracing, "dns.ask");
                let answer = ask(host).await;
                // Its time begins when it is here, however long it took.
                (Instant::now(), answer)
            })
            .await;
        (answer.clone(), !asked)
    }

    /// Keeps what somebody else has found: where to connect to for a host and a port.
    pub fn tell(&self, host: &str, port: u16, addresses: Arc<[SocketAddr]>) {
        let place: Place = (host.into(), port);
        let mut told = self.told.lock();
        if told.places.insert(place.clone(), addresses).is_none() {
            told.order.push_back(place);
            if told.order.len() > MOST
                && let Some(oldest) = told.order.pop_front()
            {
                told.places.remove(&oldest);
            }
        }
    }

    /// What was told of a host and a port.
    pub fn told(&self, host: &str, port: u16) -> Option<Arc<[SocketAddr]>> {
        let told = self.told.lock();
        if told.places.is_empty() {
            return None;
        }
        told.places.get(&(host.into(), port)).cloned()
    }

    /// Forgets what is known of `host`, or of all; who waits for an answer gets it.
    pub fn forget(&self, host: Option<&str>) {
        let mut answers = self.answers.lock();
        match host {
            Some(host) => drop(answers.remove(host)),
            None => answers.clear(),
        }
    }

    fn entry(&self, host: &str) -> Arc<Entry> {
        let mut answers = self.answers.lock();
        if let Some(entry) = answers.get(host)
            && !entry.is_over(self.ttl)
        {
            return Arc::clone(entry);
        }
        if answers.len() >= MOST {
            answers.retain(|_, entry| !entry.is_over(self.ttl));
            if answers.len() >= MOST {
                answers.clear();
            }
        }
        let entry = Arc::new(Entry::default());
        answers.insert(host.into(), Arc::clone(&entry));
        entry
    }
}

async fn ask(host: &str) -> Answer {
    let addresses = tokio::net::lookup_host((host, 0)).await.map_err(Arc::new)?;
    let addresses: Arc<[IpAddr]> = addresses.map(|address| address.ip()).collect();
    if addresses.is_empty() {
        let none = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        return Err(Arc::new(none));
    }
    Ok(addresses)
}

/// In the order in which to try them, RFC 8305, section 4: the families by turns, the first one's first.
pub fn interleave(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .iter()
        .map(|address| SocketAddr::new(*address, port))
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut order = Vec::with_capacity(addresses.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        match (first.next(), second.next()) {
            (None, None) => return order,
            (one, other) => order.extend(one.into_iter().chain(other)),
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let addresses = ["::1", "::2", "::3", "1.1.1.1"].map(|text| text.parse().unwrap());
        let order = interleave(&addresses, 80);
        let order: Vec<_> = order.iter().map(ToString::to_string).collect();
        assert_eq!(order, ["[::1]:80", "1.1.1.1:80", "[::2]:80", "[::3]:80"]);
    }

    #[tokio::test]
    async fn what_is_known_is_not_asked_for() {
        let address: IpAddr = "127.0.0.9".parse().unwrap();
        let known = HashMap::from([("example.test".into(), [address].into())]);
        let resolver = Resolver::new(Duration::from_secs(60), known);
        let (answer, cached) = resolver.resolve("example.test", &None).await;
        assert_eq!((&*answer.unwrap(), cached), (&[address][..], true));
        let (answer, cached) = resolver.resolve("::1", &None).await;
        assert!(answer.unwrap().iter().all(IpAddr::is_ipv6) && cached);
    }

    #[test]
    fn what_is_told_is_of_a_port_and_the_oldest_goes() {
        let resolver = Resolver::new(Duration::ZERO, HashMap::new());
        let at = |port| -> Arc<[SocketAddr]> { [SocketAddr::from(([127, 0, 0, 1], port))].into() };
        resolver.tell("a.test", 80, at(1));
        resolver.tell("a.test", 443, at(2));
        resolver.tell("a.test", 80, at(3));
        assert_eq!(resolver.told("a.test", 80), Some(at(3)));
        assert_eq!(resolver.told("a.test", 443), Some(at(2)));
        assert_eq!(resolver.told("b.test", 80), None);
        for number in 0..MOST {
            resolver.tell(&format!("{number}.test"), 80, at(4));
        }
        assert_eq!(resolver.told("a.test", 443), None);
        assert_eq!(resolver.told("0.test", 80), Some(at(4)));
        assert_eq!(resolver.told.lock().order.len(), MOST);
    }

    #[tokio::test]
    async fn an_answer_is_kept_for_its_time() {
        let resolver = Resolver::new(Duration::from_secs(60), HashMap::new());
        assert!(!resolver.resolve("localhost", &None).await.1);
        assert!(resolver.resolve("localhost", &None).await.1);
        let resolver = Resolver::new(Duration::ZERO, HashMap::new());
        resolver.resolve("localhost", &None).await.0.unwrap();
        assert!(!resolver.resolve("localhost", &None).await.1);
    }

    #[tokio::test]
    async fn of_a_thousand_who_want_a_dead_name_one_asks() {
        let resolver = Resolver::new(Duration::from_secs(60), HashMap::new());
        let all = (0..1000).map(|_| resolver.resolve("dead.invalid", &None));
        let all = futures_util::future::join_all(all).await;
        assert_eq!(all.iter().filter(|(_, cached)| !cached).count(), 1);
        let errors = all.into_iter().map(|(answer, _)| answer.unwrap_err());
        let errors: Vec<_> = errors.collect();
        // It is one and the same.
        assert!(errors.iter().all(|error| Arc::ptr_eq(error, &errors[0])));
    }

    #[tokio::test]
    async fn who_is_cancelled_asks_for_nobody() {
        let resolver = Resolver::new(Duration::from_secs(60), HashMap::new());
        {
            let first = std::pin::pin!(resolver.resolve("localhost", &None));
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(first.poll(&mut cx).is_pending());
        }
        let (answer, cached) = resolver.resolve("localhost", &None).await;
        assert!(answer.is_ok() && !cached);
    }
}
