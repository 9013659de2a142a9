//! A body that is not in memory as a whole: sources, sent one after the other.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::body;
use super::file::Stretch;
use super::pipe::Pipe;
use crate::error::{Error, Kind, Result};

/// Where a part of a body comes from.
#[derive(Debug, Clone)]
pub enum Source {
    Bytes(Bytes),
    File(Stretch),
    /// An iterator's chunks, put in by whoever feeds it.
    Pipe(Arc<Pipe>),
}

impl Source {
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::File(stretch) => Some(stretch.length()),
            Self::Pipe(_) => None,
        }
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct Streamed {
    /// None once it was closed.
    sources: Mutex<Option<Arc<[Source]>>>,
    length: Option<u64>,
    /// Why a body of it had no end.
    failure: Mutex<Option<Error>>,
}

impl Streamed {
    pub fn new(sources: Vec<Source>) -> Self {
        let length = sources
            .iter()
            .try_fold(0u64, |sum, source| sum.checked_add(source.length()?));
        Self {
            sources: Mutex::new(Some(sources.into())),
            length,
            failure: Mutex::new(None),
        }
    }

    /// The same sources with a length; here there are none any more.
    pub(super) fn declared(&self, length: u64) -> Self {
        Self {
            sources: Mutex::new(self.sources.lock().take()),
            length: Some(length),
            failure: Mutex::new(None),
        }
    }

    pub fn length(&self) -> Option<u64> {
        self.length
    }

    pub fn failure(&self) -> Option<Error> {
        self.failure.lock().clone()
    }

    pub(super) fn failed(&self, error: &body::Error) {
        *self.failure.lock() = Some(error.into());
    }

    fn sources(&self) -> Option<Arc<[Source]>> {
        self.sources.lock().clone()
    }

    pub fn is_replayable(&self) -> bool {
        self.sources().is_some_and(|sources| {
            let untouched = |source: &Source| match source {
                Source::Pipe(pipe) => pipe.is_untouched(),
                Source::Bytes(_) | Source::File(_) => true,
            };
            sources.iter().all(untouched)
        })
    }

    /// The sources for one attempt, which releases the pipes among them when it is over.
    pub(super) fn open(&self) -> Result<Arc<[Source]>> {
        let sources = self
            .sources()
            .ok_or_else(|| Error::runtime("the body of a finished request cannot be sent again"))?;
        for (index, source) in sources.iter().enumerate() {
            if let Source::Pipe(pipe) = source
                && !pipe.open()
            {
                release(sources.iter().take(index));
                return Err(Error::new(
                    Kind::LocalProtocol,
                    "the body came from an iterator and was sent, at least in part: it cannot be sent again",
                ));
            }
        }
        Ok(sources)
    }

    pub(super) fn close(&self) {
        let sources = self.sources.lock().take();
        for source in sources.iter().flat_map(|sources| sources.iter()) {
            if let Source::Pipe(pipe) = source {
                pipe.stop();
            }
        }
    }
}

/// Nobody can open it any more: who feeds it hears of that.
impl Drop for Streamed {
    fn drop(&mut self) {
        self.close();
    }
}

pub(super) fn release<'a>(sources: impl Iterator<Item = &'a Source>) {
    for source in sources {
        if let Source::Pipe(pipe) = source {
            pipe.release();
        }
    }
}
