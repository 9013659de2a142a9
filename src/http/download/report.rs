//! How far a download is, on its way from tokio to whoever wants to know.
//!
//! Invariant: whoever listens is woken at most [`EVERY`] so often, however many pieces come, and not at all
//! while nothing does. Without a listener nothing is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::{Instant, sleep_until};

use crate::error::Result;
use crate::progress::bytes::ByteBar;

const EVERY: Duration = Duration::from_millis(100);

/// In [`Report::total`]: not known.
const UNKNOWN: u64 = u64::MAX;

/// The last that was told.
#[derive(Debug)]
pub struct Report {
    done: AtomicU64,
    total: AtomicU64,
    /// Nobody has taken it yet.
    fresh: AtomicBool,
    listener: AtomicWaker,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            done: AtomicU64::new(0),
            total: AtomicU64::new(UNKNOWN),
            fresh: AtomicBool::new(false),
            listener: AtomicWaker::new(),
        }
    }
}

impl Report {
    /// Has `waker` woken when there is news.
    pub fn listen(&self, waker: &Waker) {
        self.listener.register(waker);
    }

    /// The news, if there are any: how much has come of how much, in bytes.
    pub fn take(&self) -> Option<(u64, Option<u64>)> {
        let fresh = self.fresh.swap(false, Ordering::Acquire);
        let total = self.total.load(Ordering::Relaxed);
        fresh.then(|| {
            (
                self.done.load(Ordering::Relaxed),
                Some(total).filter(|total| *total != UNKNOWN),
            )
        })
    }

    fn tell(&self, done: u64, total: Option<u64>) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total.unwrap_or(UNKNOWN), Ordering::Relaxed);
        self.fresh.store(true, Ordering::Release);
        self.listener.wake();
    }
}

/// Who wants to know.
#[derive(Debug, Clone)]
pub enum Listener {
    Nobody,
    Bar,
    Report(Arc<Report>),
}

/// Tells it, on tokio.
#[derive(Debug)]
pub enum Teller {
    Nobody,
    Bar(ByteBar),
    Report {
        report: Arc<Report>,
        /// Not before.
        next: Instant,
        untold: Option<(u64, Option<u64>)>,
    },
}

impl Teller {
    /// RuntimeError if there is to be a bar, and cannot be one.
    pub fn begin(listener: Listener) -> Result<Self> {
        Ok(match listener {
            Listener::Nobody => Self::Nobody,
            Listener::Bar => Self::Bar(ByteBar::new()?),
            Listener::Report(report) => Self::Report {
                report,
                next: Instant::now(),
                untold: None,
            },
        })
    }

    /// So much is here, and what comes is counted from now on.
    pub fn start(&mut self, done: u64, total: Option<u64>) {
        match self {
            Self::Bar(bar) => bar.start(done, total),
            _ => self.moved(done, total),
        }
    }

    pub fn moved(&mut self, done: u64, total: Option<u64>) {
        match self {
            Self::Nobody => {}
            Self::Bar(bar) => bar.set(done),
            Self::Report { next, untold, .. } => {
                *untold = Some((done, total));
                if *next <= Instant::now() {
                    self.tell();
                }
            }
        }
    }

    /// Ends when there is something to tell, and it is time; [`tell`](Self::tell) is due then.
    pub async fn is_due(&self) {
        match self {
            Self::Report {
                next,
                untold: Some(_),
                ..
            } => sleep_until(*next).await,
            _ => std::future::pending().await,
        }
    }

    pub fn tell(&mut self) {
        if let Self::Report { report, next, untold } = self
            && let Some((done, total)) = untold.take()
        {
            *next = Instant::now() + EVERY;
            report.tell(done, total);
        }
    }
}
