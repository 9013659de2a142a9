//! `aioxide._core`: tokio behind asyncio.
//!
//! This file is a table of contents. The floors, each importing only from those below it:
//! `info > aiohttp | httpx > http | websocket | testing > tasks > timeouts | sync | net | progress | watchdog > bridge > runtime >
//! python > error`.

pub mod error;

#[allow(
    unsafe_code,
    reason = "C-level steps that PyO3 has no word for, each with its SAFETY line"
)]
pub mod python;

pub mod runtime;

pub mod bridge;

pub mod net;
pub mod progress;
pub mod sync;
pub mod timeouts;
pub mod watchdog;

pub mod tasks;

pub mod http;
pub mod testing;
pub mod websocket;

pub mod aiohttp;

pub mod httpx;

pub mod info;

use pyo3::prelude::*;

/// Most of what is allocated here is made on one thread and freed on another, which is dear with glibc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[pymodule(gil_used = true)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::aiohttp::{
        connections::Connections,
        head::{asked_url, raw_headers, written_headers},
        session::Session,
        tracing::Events,
    };
    #[pymodule_export]
    use crate::bridge::operation::Operation;
    #[pymodule_export]
    use crate::http::auth::{basic::BasicAuth, bearer::BearerAuth, digest::DigestAuth, netrc::NetRCAuth};
    #[pymodule_export]
    use crate::http::blocking_client::BlockingClient;
    #[pymodule_export]
    use crate::http::body_reader::{BodyPieces, BodyReader};
    #[pymodule_export]
    use crate::http::client::Client;
    #[pymodule_export]
    use crate::http::cookies::{
        mapping::{Cookies, cookies_as_aiohttp},
        record::Record,
    };
    #[pymodule_export]
    use crate::http::download::ended::Download;
    #[pymodule_export]
    use crate::http::fetch::fetch;
    #[pymodule_export]
    use crate::http::fetch_all::{
        face::{FetchAll, fetch_all},
        result::Result as FetchResult,
        run::FetchRun,
        statistics::{FetchStatistics, HostStatistics},
    };
    #[pymodule_export]
    use crate::http::headers::Headers;
    #[pymodule_export]
    use crate::http::limits::Limits;
    #[pymodule_export]
    use crate::http::preparation::{Preparation, TraceEvent};
    #[pymodule_export]
    use crate::http::proxy::Proxy;
    #[pymodule_export]
    use crate::http::reading::{AsyncPieces, Pieces};
    #[pymodule_export]
    use crate::http::request::Request;
    #[pymodule_export]
    use crate::http::response::Response;
    #[pymodule_export]
    use crate::http::retry::Retry;
    #[pymodule_export]
    use crate::http::statistics::ClientStatistics;
    #[pymodule_export]
    use crate::httpx::{CarriedBody, carrier::Carrier, network_stream::NetworkStream, tracer::Tracer};
    #[pymodule_export]
    use crate::info::build_info;
    #[pymodule_export]
    use crate::progress::Progress;
    #[pymodule_export]
    use crate::sync::barrier::Barrier;
    #[pymodule_export]
    use crate::sync::condition::Condition;
    #[pymodule_export]
    use crate::sync::event::Event;
    #[pymodule_export]
    use crate::sync::lock::Lock;
    #[pymodule_export]
    use crate::sync::queue::{LifoQueue, PriorityQueue, Queue};
    #[pymodule_export]
    use crate::sync::rate_limiter::RateLimiter;
    #[pymodule_export]
    use crate::sync::rlock::RLock;
    #[pymodule_export]
    use crate::sync::rwlock::RWLock;
    #[pymodule_export]
    use crate::sync::semaphore::{BoundedSemaphore, Semaphore};
    #[pymodule_export]
    use crate::tasks::amap::MapRun;
    #[pymodule_export]
    use crate::tasks::as_completed::as_completed;
    #[pymodule_export]
    use crate::tasks::gather::gather;
    #[pymodule_export]
    use crate::tasks::to_thread::to_thread;
    #[pymodule_export]
    use crate::testing::operations::{bridge_statistics, echo, noop, pending, pending_count};
    #[pymodule_export]
    use crate::testing::site::local_site::{LocalSite, SeenRequest, pattern};

    #[pymodule_export]
    use crate::timeouts::{
        move_on::{MoveOn, move_on_after},
        sleep::sleep,
        timeout::{Timeout, entered_timeout, timeout, timeout_at},
    };

    #[pymodule_export]
    use crate::watchdog::{
        dog::{Watchdog, watchdog},
        stall::Stall,
    };

    #[pymodule_export]
    use crate::websocket::{
        asking::HandshakeRequest, broadcast::broadcast, call::connect_ws, listener::WebSocketListener,
        socket::WebSocket,
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        crate::http::register(module)?;
        crate::python::lifecycle::register(
            module,
            crate::runtime::forget_after_fork,
            crate::tasks::to_thread::wait_for_threads,
            |py| {
                crate::watchdog::exit::stop_watching();
                crate::bridge::drain::stop_caller();
                // A daemon thread works on until the process ends, as with asyncio's own.
                if crate::python::lifecycle::is_alone(py).unwrap_or(true) {
                    crate::runtime::shutdown();
                }
            },
        )
    }
}
