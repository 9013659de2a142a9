//! The watching threads end before the interpreter does.
//!
//! Up to 3.13 CPython ends a thread that wants the interpreter too late wherever it is, and above a frame of
//! ours it can only be stopped there (`python/left_behind.rs`): what it was about to tell would not be told.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::prelude::*;

use super::watch::Watch;

/// How long a callback may go on that is running.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What may have a watching thread. Locked with the interpreter held, and never given up under it, so
/// that no fork finds it locked.
static WATCHES: Mutex<Vec<Weak<Watch>>> = Mutex::new(Vec::new());

static EXITING: AtomicBool = AtomicBool::new(false);

/// False where nothing can be watched any more, since the interpreter exits.
pub fn register(watch: &Arc<Watch>) -> bool {
    let mut watches = WATCHES.lock();
    watches.retain(|watch| watch.strong_count() > 0);
    watches.push(Arc::downgrade(watch));
    !EXITING.load(Relaxed)
}

/// Called when the interpreter begins to exit. What is not said by then is said first.
pub fn stop_watching() {
    EXITING.store(true, Relaxed);
    let watches: Vec<_> = WATCHES.lock().iter().filter_map(Weak::upgrade).collect();
    Python::attach(|py| {
        py.detach(|| {
            for watch in &watches {
                watch.end();
            }
            for watch in &watches {
                watch.wait_left(PATIENCE);
                // A callback that goes on is Python's business: it is ended there.
                watch.wait_outside();
            }
        });
        drop(watches);
    });
}
