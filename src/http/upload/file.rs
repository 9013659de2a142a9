//! A stretch of a regular file as a source: read on tokio's blocking threads, one block ahead.
//!
//! By position, on a descriptor of our own: the Python file may be closed or read meanwhile, and its
//! position stays where it is. Invariant: a stretch gives exactly the length it had at the call, or fails.

use std::fs::File;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use super::body::Error;

/// How much is read at once, in bytes.
const BLOCK: u64 = 256 * 1024;

/// From here to there of a file.
#[derive(Debug, Clone)]
pub struct Stretch {
    file: Arc<File>,
    start: u64,
    length: u64,
}

impl Stretch {
    /// From `start` to the end that a regular file has now. None for any other file, and for one that has
    /// no length though it has contents, as those of `/proc`.
    pub fn to_end(file: File, start: u64) -> io::Result<Option<Self>> {
        let data = file.metadata()?;
        if !data.is_file() {
            return Ok(None);
        }
        let length = data.len().saturating_sub(start);
        if length == 0 && read_at(&file, &mut [0], start)? > 0 {
            return Ok(None);
        }
        let file = Arc::new(file);
        Ok(Some(Self { file, start, length }))
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn reader(&self) -> Reader {
        Reader {
            file: Arc::clone(&self.file),
            at: self.start,
            left: self.length,
            block: Bytes::new(),
            ahead: None,
        }
    }
}

/// Reads one stretch once.
#[derive(Debug)]
pub struct Reader {
    file: Arc<File>,
    at: u64,
    /// What no read was begun for.
    left: u64,
    block: Bytes,
    ahead: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Reader {
    /// The next piece, of at most `most` bytes. Inside the runtime.
    pub fn poll_take(&mut self, most: usize, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if self.block.is_empty() {
            self.read_ahead();
            let Some(ahead) = &mut self.ahead else {
                return Poll::Ready(None);
            };
            let read = ready!(Pin::new(ahead).poll(cx));
            self.ahead = None;
            match read.map_err(io::Error::other).and_then(|read| read) {
                Ok(block) => self.block = block,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Poll::Ready(Some(Err(Error::Shrunk)));
                }
                Err(error) => return Poll::Ready(Some(Err(Error::Reading(error)))),
            }
            self.read_ahead();
        }
        let length = self.block.len().min(most);
        Poll::Ready(Some(Ok(self.block.split_to(length))))
    }

    fn read_ahead(&mut self) {
        if self.ahead.is_some() || self.left == 0 {
            return;
        }
        let (file, at, length) = (Arc::clone(&self.file), self.at, self.left.min(BLOCK));
        self.at += length;
        self.left -= length;
        self.ahead = Some(spawn_blocking(move || read_exactly(&file, at, length)));
    }
}

fn read_exactly(file: &File, mut at: u64, length: u64) -> io::Result<Bytes> {
    let mut block = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    let mut rest = block.as_mut_slice();
    while !rest.is_empty() {
        match read_at(file, rest, at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                at += count as u64;
                rest = rest.get_mut(count..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(block.into())
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, at)
}

#[cfg(not(unix))]
fn read_at(_file: &File, _into: &mut [u8], _at: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
