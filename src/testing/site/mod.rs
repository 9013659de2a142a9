//! A web site on this machine, on threads of its own: what tests, the demo and the benches fetch.
//!
//! ```text
//! LocalSite (Python) --> Server --> accept loop --> one task a connection --> hyper
//!                                                                              |  a request
//!        statistics, log, faults  <--counts itself in-- Exchange <-- routes <--+
//! ```
//!
//! - [`local_site`]: the Python class: settings, start, stop, what was seen.
//! - `server`: listening, accepting, serving; `tls`: the certificate and the handshake.
//! - `routes`: which path gets which answer; `delivery`, `file`, `reflection`, `coding`, `shop` and `mixed`
//!   make them.
//! - `content`: what a body is made of; `dice`: chance that repeats; `exchange`: one request from its first
//!   to its last byte.
//! - `statistics`, `log`, `faults`: what came of it all.
//!
//! Invariant: nothing fails silently. A request ends finished or aborted, whatever happens to its
//! connection; a failure that is not the client's doing is in `faults`, which `stop` raises.

mod coding;
mod content;
mod delivery;
mod dice;
mod exchange;
mod faults;
mod file;
pub mod local_site;
mod log;
mod mixed;
mod reflection;
mod reply;
mod routes;
mod server;
mod shop;
mod statistics;
mod tls;

use std::collections::HashMap;

use parking_lot::Mutex;

use faults::Faults;
use log::Log;
use shop::Shop;
use statistics::Statistics;

/// What the user chose.
#[derive(Debug, Clone)]
struct Settings {
    /// The address to listen on, or a name for it.
    host: String,
    /// 0 for any that is free.
    port: u16,
    tls: bool,
    /// Whether to speak HTTP/2 to those who do.
    http2: bool,
    /// How many threads serve.
    workers: usize,
    /// How many books the shop has.
    pages: u32,
    /// Whether requests are recorded and counted by path; off, a request allocates less.
    log: bool,
}

/// What all connections of one server share.
#[derive(Debug)]
struct Site {
    statistics: Statistics,
    /// `None` where nobody wants to read it.
    log: Option<Log>,
    faults: Faults,
    shop: Shop,
    /// How often each name of `/flaky/{name}/{n}` was asked for.
    flaky: Mutex<HashMap<String, u64>>,
}

impl Site {
    fn new(settings: &Settings) -> Self {
        Self {
            statistics: Statistics::default(),
            log: settings.log.then(Log::default),
            faults: Faults::default(),
            shop: Shop::new(settings.pages),
            flaky: Mutex::default(),
        }
    }
}
