//! What happened to one request, and when: written down as it happens, on any thread.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub name: &'static str,
    /// Since the beginning of the request.
    pub at: Duration,
    /// An address, a status, a number of bytes; empty where the name says it all.
    pub detail: Cow<'static, str>,
}

/// The events of one request.
#[derive(Debug)]
pub struct Trace {
    start: Instant,
    events: Mutex<Vec<Event>>,
    /// Nobody wants to hear of more.
    over: AtomicBool,
    /// Woken by each event, and by the end; one listens.
    changed: Notify,
}

/// Nothing at all where nobody wants to know.
pub type Tracing = Option<Arc<Trace>>;

impl Trace {
    pub fn begin() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            events: Mutex::new(Vec::with_capacity(12)),
            over: AtomicBool::new(false),
            changed: Notify::new(),
        })
    }

    pub fn events(&self) -> Vec<Event> {
        self.events.lock().clone()
    }

    /// Waits for what comes behind the first `heard` events; nothing if it is over.
    pub async fn beyond(&self, heard: usize) -> Vec<Event> {
        loop {
            // Before the look, so that none is lost.
            let over = self.over.load(Ordering::Acquire);
            let new = self.events.lock().get(heard..).unwrap_or_default().to_vec();
            if over || !new.is_empty() {
                return new;
            }
            self.changed.notified().await;
        }
    }

    /// Who waits for more waits no longer.
    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
        self.changed.notify_one();
    }
}

/// Writes down that `name` happened.
pub fn note(tracing: &Tracing, name: &'static str) {
    note_with(tracing, name, || "".into());
}

/// The same with a detail, which is made only if somebody wants to know.
pub fn note_with(tracing: &Tracing, name: &'static str, detail: impl FnOnce() -> Cow<'static, str>) {
    if let Some(trace) = tracing {
        let at = trace.start.elapsed();
        let detail = detail();
        trace.events.lock().push(Event { name, at, detail });
        trace.changed.notify_one();
    }
}
