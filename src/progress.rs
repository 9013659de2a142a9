//! A progress bar on standard error, for jobs that take longer than a moment.
//!
//! The loop's thread only counts. A thread of indicatif's, which knows nothing of Python, draws what
//! was counted ten times a second: a slow terminal never holds the event loop up, and the clock
//! goes on while nothing finishes.
//!
//! Invariant: that thread runs only while a bar is on a terminal and not finished, and only in the
//! process that made the bar. In a forked child the bar counts and draws nothing, since a lock that
//! the thread held would never be given back there.

pub mod bytes;

use std::fmt;
use std::io::{self, Write as _};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, HumanFloatCount};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use pyo3::prelude::*;

use crate::error::{Error, Result};
use crate::runtime;

/// Between two drawings.
const TICK: Duration = Duration::from_millis(100);

/// Drawings a second that indicatif lets through: all of the ticks, and a few that are asked for.
const MOST_DRAWINGS: u8 = 20;

const WITH_TOTAL: &str = "{wide_bar:.cyan/dim} {count}  {rate}  {errors}  {size}  {time}";
const WITHOUT_TOTAL: &str = "{spinner:.cyan} {count}  {rate}  {errors}  {size}  {time}";

/// A progress bar on standard error; one that is not on a terminal counts and draws nothing.
///
/// It shows how many of `total` things are done, how many a second, errors, bytes, and the time gone
/// and left. Without `total`, which is a number of things, it shows what it can.
#[pyclass(frozen, module = "aioxide")]
#[derive(Debug)]
pub struct Progress {
    counts: Arc<Counts>,
    finished: AtomicBool,
    /// Taken only when dropped.
    bar: Option<ProgressBar>,
    epoch: u32,
}

/// What indicatif does not count itself.
#[derive(Debug, Default)]
struct Counts {
    failed: AtomicU64,
    bytes: AtomicU64,
}

#[pymethods]
impl Progress {
    /// Starts the clock. RuntimeError if the bar cannot be had.
    #[new]
    #[pyo3(signature = (total=None, *, hidden=false))]
    pub fn new(total: Option<u64>, hidden: bool) -> Result<Self> {
        let target = match hidden {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr_with_hz(MOST_DRAWINGS),
        };
        let counts = Arc::new(Counts::default());
        let bar = ProgressBar::with_draw_target(total, target).with_style(style(total, &counts)?);
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        Ok(Self {
            counts,
            finished: AtomicBool::new(false),
            bar: Some(bar),
            epoch: runtime::epoch(),
        })
    }

    /// Whether the bar is drawn: it was not hidden, and standard error is a terminal.
    #[getter]
    fn visible(&self) -> bool {
        self.alive().is_some_and(|bar| !bar.is_hidden())
    }

    /// How many things are done, the failed ones among them.
    #[getter]
    fn done(&self) -> u64 {
        self.bar.as_ref().map_or(0, ProgressBar::position)
    }

    /// How many of those failed.
    #[getter]
    fn failed(&self) -> u64 {
        self.counts.failed.load(Relaxed)
    }

    /// How many bytes they brought.
    #[getter]
    fn bytes(&self) -> u64 {
        self.counts.bytes.load(Relaxed)
    }

    /// Counts `n` more things as done, `failed` of them as failed, and the `bytes` they brought.
    ///
    /// OverflowError for a negative number. Once the bar is finished, nothing is counted.
    #[pyo3(signature = (n=1, failed=0, bytes=0))]
    pub fn advance(&self, n: u64, failed: u64, bytes: u64) {
        let Some(bar) = self.alive() else { return };
        self.counts.failed.fetch_add(failed, Relaxed);
        self.counts.bytes.fetch_add(bytes, Relaxed);
        bar.inc(n);
    }

    /// Writes `data` to standard output above the bar, for when both are on one terminal.
    ///
    /// OSError if it cannot.
    fn write_above(&self, py: Python<'_>, data: &[u8]) -> io::Result<()> {
        let write = || {
            let mut output = io::stdout().lock();
            output.write_all(data).and_then(|()| output.flush())
        };
        py.detach(|| match self.alive() {
            Some(bar) => bar.suspend(write),
            None => write(),
        })
    }

    /// Stops the clock and leaves the bar as it is, on a line of its own. A second time does nothing.
    pub fn finish(&self, py: Python<'_>) {
        let Some(bar) = self.alive() else { return };
        self.finished.store(true, Relaxed);
        // Without the interpreter: the terminal may be slow.
        py.detach(|| {
            bar.abandon();
            bar.disable_steady_tick();
            if !bar.is_hidden() {
                // indicatif leaves the cursor behind the bar. A terminal that is gone needs no line.
                let _ = io::stderr().write_all(b"\n");
            }
        });
    }

    fn __repr__(&self) -> String {
        let total = self.bar.as_ref().and_then(ProgressBar::length);
        let total = total.map_or_else(|| "?".to_owned(), |total| total.to_string());
        format!("<Progress {}/{total}, {} failed>", self.done(), self.failed())
    }
}

impl Progress {
    /// The bar, unless it is finished or belongs to the parent process.
    fn alive(&self) -> Option<&ProgressBar> {
        match self.epoch == runtime::epoch() && !self.finished.load(Relaxed) {
            true => self.bar.as_ref(),
            false => None,
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.epoch != runtime::epoch() {
            // Dropping it joins its thread, which the fork left behind.
            mem::forget(self.bar.take());
        }
    }
}

fn style(total: Option<u64>, counts: &Arc<Counts>) -> Result<ProgressStyle> {
    let template = total.map_or(WITHOUT_TOTAL, |_| WITH_TOTAL);
    let style = ProgressStyle::with_template(template)
        .map_err(|error| Error::runtime(format!("the progress bar cannot be drawn: {error}")))?;
    let (errors, size) = (Arc::clone(counts), Arc::clone(counts));
    Ok(style
        .progress_chars("━╸─")
        .with_key("count", shown(write_count))
        .with_key("rate", shown(write_rate))
        .with_key("time", shown(write_time))
        .with_key(
            "errors",
            shown(move |_, out| match errors.failed.load(Relaxed) {
                1 => out.write_str("1 error"),
                count => write!(out, "{} errors", HumanCount(count)),
            }),
        )
        .with_key(
            "size",
            shown(move |_, out| write!(out, "{}", HumanBytes(size.bytes.load(Relaxed)))),
        ))
}

/// A piece of the bar. indicatif writes into memory, so that no piece can fail.
fn shown(
    write: impl Fn(&ProgressState, &mut dyn fmt::Write) -> fmt::Result + Clone + Send + Sync + 'static,
) -> impl Fn(&ProgressState, &mut dyn fmt::Write) + Clone + Send + Sync + 'static {
    move |state, out| {
        let _ = write(state, out);
    }
}

fn write_count(state: &ProgressState, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(out, "{}", HumanCount(state.pos()))?;
    match state.len() {
        Some(total) => write!(out, "/{}", HumanCount(total)),
        None => Ok(()),
    }
}

fn write_rate(state: &ProgressState, out: &mut dyn fmt::Write) -> fmt::Result {
    match rate(state) {
        rate if rate < 10.0 => write!(out, "{:.1}/s", HumanFloatCount(rate)),
        rate => write!(out, "{:.0}/s", HumanFloatCount(rate)),
    }
}

/// The time gone, and while there is something to wait for, the time left.
fn write_time(state: &ProgressState, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(out, "{}", Clock(state.elapsed()))?;
    if state.len().is_none() || state.is_finished() {
        return Ok(());
    }
    match rate(state) > 0.0 {
        true => write!(out, ", {} left", Clock(state.eta())),
        false => out.write_str(", -:-- left"),
    }
}

/// Things a second, lately; 0 before the first one, where indicatif divides by zero.
fn rate(state: &ProgressState) -> f64 {
    let rate = state.per_sec();
    if rate.is_finite() { rate } else { 0.0 }
}

/// A duration as people read it from a clock: `0:07`, `12:34`, `1:02:03`.
struct Clock(Duration);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        match hours {
            0 => write!(f, "{minutes}:{seconds:02}"),
            _ => write!(f, "{hours}:{minutes:02}:{seconds:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_grows_hours_when_it_needs_them() {
        for (seconds, text) in [(7, "0:07"), (754, "12:34"), (3723, "1:02:03")] {
            assert_eq!(Clock(Duration::from_secs(seconds)).to_string(), text);
        }
    }
}
