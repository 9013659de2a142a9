//! How a mailbox gets its loop's attention.
//!
//! On Unix that is an fd which the loop watches with `add_reader`: an eventfd on Linux, a pipe
//! elsewhere. A loop that cannot watch one (Windows' Proactor) is called by a thread of ours, the one
//! thread that attaches to the interpreter: once per burst, to call `call_soon_threadsafe`.

use std::sync::mpsc::Sender;

#[cfg(unix)]
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// See the head of this file.
#[derive(Debug)]
pub enum Bell {
    /// `write` makes `read` readable; for an eventfd they are one and `write` is None.
    #[cfg(unix)]
    Fd { read: OwnedFd, write: Option<OwnedFd> },
    /// The calling thread gets the number of the hub to call.
    Caller { hub: u64, caller: Sender<u64> },
    /// Rings are counted by the mailbox and otherwise unheard: for tests and benches without a loop.
    Silent,
}

impl Bell {
    /// A bell whose fd a loop can watch. Non-blocking, and closed in a program that is executed.
    #[cfg(target_os = "linux")]
    pub fn fd() -> std::io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        let read = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self::Fd { read, write: None })
    }

    /// A bell whose fd a loop can watch. Non-blocking, and closed in a program that is executed.
    #[cfg(all(unix, not(target_os = "linux")))]
    pub fn fd() -> std::io::Result<Self> {
        use rustix::fs::{OFlags, fcntl_setfl};
        use rustix::io::{FdFlags, fcntl_setfd};
        let (read, write) = rustix::pipe::pipe()?;
        for end in [&read, &write] {
            fcntl_setfd(end, FdFlags::CLOEXEC)?;
            fcntl_setfl(end, OFlags::NONBLOCK)?;
        }
        Ok(Self::Fd {
            read,
            write: Some(write),
        })
    }

    pub fn caller(hub: u64, caller: Sender<u64>) -> Self {
        Self::Caller { hub, caller }
    }

    pub fn silent() -> Self {
        Self::Silent
    }

    /// The fd to watch for reading, where the bell has one.
    #[cfg(unix)]
    pub fn watched(&self) -> Option<RawFd> {
        match self {
            Self::Fd { read, .. } => Some(read.as_raw_fd()),
            _ => None,
        }
    }

    /// From any thread. A full pipe or counter means that the loop is called already.
    pub fn ring(&self) {
        match self {
            #[cfg(unix)]
            Self::Fd { read, write } => {
                let one = 1_u64.to_ne_bytes();
                // The one failure is EAGAIN, and then the fd is readable, which is all that is wanted.
                let _full = rustix::io::write(write.as_ref().unwrap_or(read), &one);
            }
            Self::Caller { hub, caller } => {
                // The thread ends only with the process.
                let _gone = caller.send(*hub);
            }
            Self::Silent => {}
        }
    }

    /// Makes the fd unreadable again.
    pub fn silence(&self) {
        #[cfg(unix)]
        if let Self::Fd { read, .. } = self {
            let mut buffer = [0_u8; 64];
            // An eventfd is emptied by one read. A pipe may hold more than fits only if the loop slept
            // through eight rings; it is then called once more.
            let _empty = rustix::io::read(read, &mut buffer);
        }
    }
}
