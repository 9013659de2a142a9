//! What happened to one request, and when: written down as it happens, on any thread.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

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
}

/// Nothing at all where nobody wants to know.
pub type Tracing = Option<Arc<Trace>>;

impl Trace {
    pub fn begin() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            events: Mutex::new(Vec::with_capacity(12)),
        })
    }

    pub fn events(&self) -> Vec<Event> {
        self.events.lock().clone()
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
    }
}
