//! A bar for the bytes of one file. No Python in it: any thread may move it.

use std::io::{self, Write as _};
use std::mem;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{MOST_DRAWINGS, TICK, shown, write_time};
use crate::error::{Error, Result};
use crate::runtime;

const WITH_TOTAL: &str =
    "{wide_bar:.cyan/dim} {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {time}";
const WITHOUT_TOTAL: &str = "{spinner:.cyan} {decimal_bytes}  {decimal_bytes_per_sec}  {time}";

/// Drawn on standard error if that is a terminal, and left there when it is dropped.
#[derive(Debug)]
pub struct ByteBar {
    /// Taken only when dropped.
    bar: Option<ProgressBar>,
    epoch: u32,
}

impl ByteBar {
    /// RuntimeError if the bar cannot be had.
    pub fn new() -> Result<Self> {
        let target = ProgressDrawTarget::stderr_with_hz(MOST_DRAWINGS);
        let bar = ProgressBar::with_draw_target(None, target).with_style(style(None)?);
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        Ok(Self {
            bar: Some(bar),
            epoch: runtime::epoch(),
        })
    }

    /// So many bytes of so many are here. They say nothing about the speed.
    pub fn start(&self, done: u64, total: Option<u64>) {
        let Some(bar) = &self.bar else { return };
        if let Ok(style) = style(total) {
            bar.set_style(style);
        }
        match total {
            Some(total) => bar.set_length(total),
            None => bar.unset_length(),
        }
        bar.set_position(done);
        bar.reset_eta();
    }

    pub fn set(&self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }
}

impl Drop for ByteBar {
    fn drop(&mut self) {
        let Some(bar) = self.bar.take() else { return };
        if self.epoch != runtime::epoch() {
            // Dropping it joins its thread, which the fork left behind.
            mem::forget(bar);
            return;
        }
        bar.abandon();
        bar.disable_steady_tick();
        if !bar.is_hidden() {
            // indicatif leaves the cursor behind the bar. A terminal that is gone needs no line.
            let _ = io::stderr().write_all(b"\n");
        }
    }
}

fn style(total: Option<u64>) -> Result<ProgressStyle> {
    let template = total.map_or(WITHOUT_TOTAL, |_| WITH_TOTAL);
    let style = ProgressStyle::with_template(template)
        .map_err(|error| Error::runtime(format!("the progress bar cannot be drawn: {error}")))?;
    Ok(style.progress_chars("━╸─").with_key("time", shown(write_time)))
}
