//! Pieces on their way to the disk: gathered, and written on tokio's blocking threads, one write at a time.
//!
//! Invariants: there are never more than two batches in memory, the one that is being written and the one that
//! is being gathered, and no more is read from the network meanwhile; and the file has no gap, since nothing is
//! written after a write that failed. Dropping a future of it loses nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};

use super::ended::Failed;
use super::part::Part;
use super::paths::OsFailure;
use super::validator::Validator;
use crate::error::Error;

/// How much is gathered for a write, in bytes.
const BATCH: usize = 512 * 1024;

/// For so long a piece may wait for others: if the process dies, that is what is lost.
const PATIENCE: Duration = Duration::from_millis(500);

type Result<T> = std::result::Result<T, Failed>;

#[derive(Debug)]
pub struct Writer {
    part: Arc<Part>,
    /// How long the file is, with all that waits, in bytes.
    length: u64,
    waiting: Vec<Bytes>,
    gathered: usize,
    /// When what waits is written, even if it is little.
    due: Option<Instant>,
    writing: Option<JoinHandle<std::result::Result<(), OsFailure>>>,
    /// A write failed.
    broken: bool,
}

impl Writer {
    /// Goes on where a part ends that is so long.
    pub fn new(part: Part, length: u64) -> Self {
        Self {
            part: Arc::new(part),
            length,
            waiting: Vec::new(),
            gathered: 0,
            due: None,
            writing: None,
            broken: false,
        }
    }

    /// How much there is, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// From where to go on, and what of; None: from the beginning.
    pub fn resumable(&self) -> Option<(u64, Validator)> {
        let validator = self.part.validator().filter(|_| self.length > 0)?;
        Some((self.length, validator))
    }

    /// Waits while a batch is being written and the next is complete.
    pub async fn add(&mut self, piece: Bytes) -> Result<()> {
        self.length += piece.len() as u64;
        self.gathered += piece.len();
        if !piece.is_empty() {
            self.waiting.push(piece);
            self.due.get_or_insert_with(|| Instant::now() + PATIENCE);
        }
        match self.gathered >= BATCH {
            true => self.write_out().await,
            false => Ok(()),
        }
    }

    /// Ends when something has waited for long enough; [`write_out`](Self::write_out) is due then.
    pub async fn is_due(&self) {
        match self.due {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Begins to write what waits, when the write before is over.
    pub async fn write_out(&mut self) -> Result<()> {
        self.settle().await?;
        self.due = None;
        self.gathered = 0;
        let pieces = std::mem::take(&mut self.waiting);
        if !pieces.is_empty() && !self.broken {
            let part = Arc::clone(&self.part);
            self.writing = Some(spawn_blocking(move || part.write(&pieces)));
        }
        Ok(())
    }

    /// Writes all of it.
    pub async fn flush(&mut self) -> Result<()> {
        self.write_out().await?;
        self.settle().await
    }

    async fn settle(&mut self) -> Result<()> {
        let Some(writing) = &mut self.writing else {
            return Ok(());
        };
        let outcome = writing.await;
        self.writing = None;
        let outcome = done(outcome);
        if outcome.is_err() {
            self.broken = true;
            self.waiting = Vec::new();
        }
        outcome
    }

    /// Begins anew, with a file of which `validator` tells what it is.
    pub async fn restart(&mut self, validator: Option<Validator>) -> Result<()> {
        self.flush().await?;
        self.length = 0;
        self.on_disk(move |part| part.restart(validator)).await
    }

    /// Writes all of it and puts it in its place.
    pub async fn place(&mut self) -> Result<()> {
        self.flush().await?;
        self.on_disk(Part::place).await
    }

    /// Writes what it has, for a later call, and lets go of the file. That it fails matters no more.
    pub async fn leave(mut self) {
        let _ = self.flush().await;
        let _ = spawn_blocking(move || drop(self)).await;
    }

    /// As a write, so that whoever lets go of the file waits for it.
    async fn on_disk(
        &mut self,
        action: impl FnOnce(&Part) -> std::result::Result<(), OsFailure> + Send + 'static,
    ) -> Result<()> {
        let part = Arc::clone(&self.part);
        self.writing = Some(spawn_blocking(move || action(&part)));
        self.settle().await
    }
}

fn done(
    outcome: std::result::Result<std::result::Result<(), OsFailure>, tokio::task::JoinError>,
) -> Result<()> {
    match outcome {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(Error::runtime("the runtime ended before the file was written").into()),
    }
}
