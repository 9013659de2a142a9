//! The Rust peer of the comparison: reqwest, and no Python.
//!
//! `reqwest_peer SCENARIO URL SIZE REQUESTS LIMIT WORKERS` makes the requests of `load.py`'s scenario and
//! prints the same line of JSON. A task per request would be slower: `LIMIT` tasks take the next in turn.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a bench: what goes wrong ends it, with a message"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use reqwest::Client;
use rustix::time::{ClockId, clock_gettime};

/// Requests before the clock runs, as in `load.py`.
const WARM_UP: usize = 500;

/// What to fetch, with what, and how long each body has to be.
struct Load {
    client: Client,
    url: String,
    size: usize,
    limit: usize,
}

fn main() {
    let [scenario, url, size, requests, limit, workers]: [String; 6] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().unwrap();
    let [size, requests, limit, workers] = [size, requests, limit, workers].map(|text| text.parse().unwrap());
    let load = Arc::new(Load {
        client: client(),
        url: format!("{url}/bytes/{size}"),
        size,
        limit: if scenario == "sequential" { 1 } else { limit },
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        run(&load, requests.min(WARM_UP)).await;
        let (wall, cpu) = (Instant::now(), cpu_time());
        run(&load, requests).await;
        println!(
            "{}",
            serde_json::json!({
                "requests": requests,
                "wall": wall.elapsed().as_secs_f64(),
                "cpu": (cpu_time() - cpu).as_secs_f64(),
            })
        );
    });
}

/// Trusts the authority that the environment names, as `load.py` has it.
fn client() -> Client {
    match std::env::var("COMPARE_AUTHORITY") {
        Ok(path) => {
            let authority = reqwest::Certificate::from_pem(&std::fs::read(path).unwrap()).unwrap();
            let client = Client::builder().tls_certs_only([authority]);
            client.build().unwrap()
        }
        Err(_) => Client::new(),
    }
}

/// Makes so many requests, `limit` at a time.
async fn run(load: &Arc<Load>, requests: usize) {
    let taken = Arc::new(AtomicUsize::new(0));
    let mut fetchers = tokio::task::JoinSet::new();
    for _ in 0..load.limit {
        let (load, taken) = (load.clone(), taken.clone());
        fetchers.spawn(async move {
            while taken.fetch_add(1, Relaxed) < requests {
                let response = load.client.get(&load.url).send().await.unwrap();
                assert_eq!(response.status(), 200);
                assert_eq!(response.bytes().await.unwrap().len(), load.size);
            }
        });
    }
    while let Some(ended) = fetchers.join_next().await {
        ended.unwrap();
    }
}

/// What this process has had of the CPU, user and system, in all its threads.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
