//! The Rust peer of the comparison: reqwest, and no Python.
//!
//! `reqwest_peer TURN` makes the requests of a turn, as `load.py` does, and prints the same line of JSON.
//! A task per request would be slower: as many tasks as may be in flight take the next in turn.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench: what goes wrong ends it, with a message"
)]

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use reqwest::{Client, Version};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// As in `load.py`: how long a batch has to take to tell the speed, the least requests of one, and where the
/// numbers of the mixed pages begin that only warm up.
const PROBE: Duration = Duration::from_millis(100);
const LEAST: u64 = 50;
const AWAY: u64 = 1_000_000_000;

/// `turn.py` says what each is.
struct Turn {
    client: Client,
    url: String,
    size: u64,
    hosts: u64,
    limit: u64,
    requests: u64,
    seconds: f64,
    version: Version,
}

/// What came of the requests for mixed pages.
#[derive(Default)]
struct Counts {
    pages: AtomicU64,
    bytes: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

fn main() {
    let given: Value = serde_json::from_str(&std::env::args().nth(1).unwrap()).unwrap();
    let number = |name: &str| given[name].as_u64().unwrap();
    let turn = Arc::new(Turn {
        client: client(&given),
        url: given["url"].as_str().unwrap().to_owned(),
        size: number("size"),
        hosts: number("hosts"),
        limit: number("limit"),
        requests: number("requests"),
        seconds: given["seconds"].as_f64().unwrap(),
        version: match given["http2"].as_bool().unwrap() {
            true => Version::HTTP_2,
            false => Version::HTTP_11,
        },
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(number("workers") as usize)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let requests = warm_up(&turn).await;
        let (wall, cpu) = (Instant::now(), cpu_time());
        let counts = run(&turn, 0..requests).await;
        println!(
            "{}",
            json!({
                "requests": requests,
                "wall": wall.elapsed().as_secs_f64(),
                "cpu": (cpu_time() - cpu).as_secs_f64(),
                "peak": peak(),
                "counts": if turn.size == 0 { counts.to_json() } else { json!({}) },
            })
        );
    });
}

/// Trusts the authority of the turn, and no other.
fn client(given: &Value) -> Client {
    match given["authority"].as_str() {
        Some(path) => {
            let authority = reqwest::Certificate::from_pem(&std::fs::read(path).unwrap()).unwrap();
            let client = Client::builder().tls_certs_only([authority]);
            client.build().unwrap()
        }
        None => Client::new(),
    }
}

/// Opens the connections, and finds out how many requests the turn has.
async fn warm_up(turn: &Arc<Turn>) -> u64 {
    let least = turn.limit.max(LEAST);
    run(turn, AWAY..AWAY + least).await;
    if turn.requests > 0 {
        return turn.requests;
    }
    let (mut batch, seconds) = (least, Duration::from_secs_f64(turn.seconds));
    loop {
        let started = Instant::now();
        run(turn, 0..batch).await;
        let took = started.elapsed();
        if took >= seconds || (took >= PROBE && batch > least) {
            return ((batch as f64 / took.as_secs_f64() * turn.seconds) as u64).max(least);
        }
        batch *= 4;
    }
}

/// Makes the requests of these numbers, `limit` at a time.
async fn run(turn: &Arc<Turn>, numbers: Range<u64>) -> Arc<Counts> {
    let next = Arc::new(AtomicU64::new(numbers.start));
    let counts = Arc::new(Counts::default());
    let mut fetchers = tokio::task::JoinSet::new();
    for _ in 0..turn.limit {
        let (turn, next, counts) = (turn.clone(), next.clone(), counts.clone());
        fetchers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Relaxed);
                if number >= numbers.end {
                    return;
                }
                match turn.size {
                    0 => turn.scrape(number, &counts).await,
                    size => turn.fetch(size).await,
                }
            }
        });
    }
    while let Some(ended) = fetchers.join_next().await {
        ended.unwrap();
    }
    counts
}

impl Turn {
    async fn fetch(&self, size: u64) {
        let url = format!("{}/bytes/{size}", self.url);
        let response = self.client.get(&url).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.version()),
            (200, self.version)
        );
        assert_eq!(response.bytes().await.unwrap().len() as u64, size);
    }

    async fn scrape(&self, number: u64, counts: &Counts) {
        let (scheme, port) = (
            self.url.split(':').next().unwrap(),
            self.url.rsplit(':').next().unwrap(),
        );
        let url = format!(
            "{scheme}://127.0.0.{}:{port}/mixed/{number}",
            1 + number % self.hosts
        );
        let answer = async {
            let response = self.client.get(&url).send().await?;
            Ok::<_, reqwest::Error>((response.status(), response.bytes().await?))
        };
        match answer.await {
            Ok((status, body)) if status == 200 => {
                assert!(body.ends_with(b"</html>\n"));
                counts.pages.fetch_add(1, Relaxed);
                counts.bytes.fetch_add(body.len() as u64, Relaxed);
            }
            Ok((status, _)) => {
                assert_eq!(status, 503);
                counts.refused.fetch_add(1, Relaxed);
            }
            Err(_) => drop(counts.failed.fetch_add(1, Relaxed)),
        }
    }
}

impl Counts {
    fn to_json(&self) -> Value {
        json!({
            "200": self.pages.load(Relaxed),
            "503": self.refused.load(Relaxed),
            "failed": self.failed.load(Relaxed),
            "bytes": self.bytes.load(Relaxed),
        })
    }
}

/// What this process has had of the CPU, user and system, in all its threads.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The most memory that this process has had, in bytes; 0 where the system has no /proc.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or(0, |line| {
        1024 * line.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    })
}
