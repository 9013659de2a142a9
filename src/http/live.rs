//! The part of a client that lives in a process: its connections, and whether it was closed.
//!
//! Invariant: connections belong to the process that opened them. After a fork both have the sockets,
//! so the child must neither use nor close what it did not open: it forgets it and starts anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use url::Url;

use super::error::Failure;
use super::load::Load;
use super::plan::{Plan, Via};
use super::pool::Pool;
use super::pool::book::Speaks;
use super::pool::place::Wire;
use super::settings::Settings;
use crate::error::Result;
use crate::net::dial::Dialer;
use crate::net::dns::Resolver;
use crate::net::route::{Route, SameTls};
use crate::net::tls::Tls;
use crate::runtime;

#[derive(Debug)]
pub struct Live {
    pub settings: Arc<Settings>,
    /// None only while it is dropped.
    engine: Option<Engine>,
    epoch: u32,
    closed: AtomicBool,
    closing: Notify,
    load: Load,
}

/// What connections are made with.
#[derive(Debug)]
pub struct Engine {
    pub pool: Pool,
    pub dialer: Dialer,
    tls: Arc<Tls>,
    settings: Arc<Settings>,
}

impl Engine {
    fn start(settings: &Arc<Settings>) -> Result<Self> {
        let wire = Wire {
            only_http2: !settings.http1,
            most_headers: settings.most_headers,
            longest_head: settings.longest_head,
            as_written: settings.as_written,
        };
        Ok(Self {
            pool: Pool::new(settings.connections, wire)?,
            dialer: Dialer {
                resolver: Resolver::new(settings.dns_ttl, settings.resolve.clone()),
                local: settings.local_address,
            },
            tls: Arc::new(Tls::new(&settings.tls, settings.protocols())?),
            settings: Arc::clone(settings),
        })
    }

    /// The way to the server of `url`.
    pub fn route(&self, url: &Url, plan: &Plan) -> Result<Arc<Route>, Failure> {
        let socket = self.settings.socket.clone();
        let proxy = match &plan.via {
            _ if socket.is_some() => None,
            Via::Direct => None,
            Via::Proxy(proxy) => Some(Arc::clone(proxy)),
            Via::Environment => self.settings.environment.as_ref().and_then(|env| env.proxy(url)),
        };
        Ok(Arc::new(Route {
            secure: url.scheme() == "https",
            host: url.host_str().unwrap_or("").into(),
            port: url.port_or_known_default().ok_or(Failure::Unsendable)?,
            proxy,
            socket,
            server_name: plan.server_name.clone(),
            tls: SameTls(Arc::clone(&self.tls)),
        }))
    }

    /// What is known of a server before the first connection to it.
    pub fn speaks(&self, route: &Route) -> Speaks {
        match (self.settings.http1, self.settings.http2) {
            (false, _) => Speaks::Http2,
            (true, true) if route.secure => Speaks::Unknown,
            _ => Speaks::Http1,
        }
    }
}

impl Live {
    pub fn start(settings: &Arc<Settings>) -> Result<Self> {
        Ok(Self {
            settings: Arc::clone(settings),
            engine: Some(Engine::start(settings)?),
            epoch: runtime::epoch(),
            closed: AtomicBool::new(false),
            closing: Notify::new(),
            load: Load::default(),
        })
    }

    /// Whether it was started in this process.
    pub fn is_ours(&self) -> bool {
        self.epoch == runtime::epoch()
    }

    /// None in a forked child.
    pub fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref().filter(|_| self.is_ours())
    }

    /// How busy the client is.
    pub fn load(&self) -> &Load {
        &self.load
    }

    /// Allows for so many connections, unless the user has said how many there may be.
    pub fn make_room(&self, connections: usize) {
        if let Some(engine) = self.engine()
            && !self.settings.limits_given
        {
            engine.pool.widen(connections);
        }
    }

    /// Stops what is in flight.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        if let Some(engine) = self.engine() {
            // First, so that nobody who waits gets what the others leave.
            engine.pool.close();
            self.closing.notify_waiters();
        }
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Ends when the client is closed.
    pub async fn closed(&self) {
        // Made before the flag is read: `notify_waiters` wakes what was made before it.
        let closing = self.closing.notified();
        if !self.closed.load(Ordering::SeqCst) {
            closing.await;
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if !self.is_ours() {
            std::mem::forget(self.engine.take());
        }
    }
}
