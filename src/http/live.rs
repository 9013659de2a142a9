//! The part of a client that lives in a process: its connections, and whether it was closed.
//!
//! Invariant: connections belong to the process that opened them. After a fork both have the sockets,
//! so the child must neither use nor close what it did not open: it forgets it and starts anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::settings::Settings;
use crate::error::Result;
use crate::runtime;

#[derive(Debug)]
pub struct Live {
    pub settings: Arc<Settings>,
    /// None only while it is dropped.
    client: Option<reqwest::Client>,
    epoch: u32,
    closed: AtomicBool,
    closing: Notify,
}

impl Live {
    pub fn start(settings: &Arc<Settings>) -> Result<Self> {
        Ok(Self {
            settings: Arc::clone(settings),
            client: Some(runtime::within(|| settings.build())??),
            epoch: runtime::epoch(),
            closed: AtomicBool::new(false),
            closing: Notify::new(),
        })
    }

    /// Whether it was started in this process.
    pub fn is_ours(&self) -> bool {
        self.epoch == runtime::epoch()
    }

    /// None in a forked child.
    pub fn client(&self) -> Option<&reqwest::Client> {
        self.client.as_ref().filter(|_| self.is_ours())
    }

    /// Stops what is in flight.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        if self.is_ours() {
            self.closing.notify_waiters();
        }
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
            std::mem::forget(self.client.take());
        }
    }
}
