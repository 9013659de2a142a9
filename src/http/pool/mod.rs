//! The connections of a client.
//!
//! - [`book`]: who has which, and who is next, by the rules of [`dispatch`]. No sockets in it.
//! - [`place`]: what is counted: from the decision to dial until the socket is closed.
//! - [`lease`]: a connection for one request.
//! - [`driver`]: what lets it work.
//!
//! A connection is dialled in the future of the request that got the place. If that is dropped, the next
//! in the line gets the place. What no request has is closed when it gets old, by a task of the pool's.

pub mod book;
mod chunks;
mod dispatch;
pub mod driver;
pub mod heard;
pub mod lease;
#[cfg(test)]
mod model;
pub mod place;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use parking_lot::Mutex;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, mpsc, oneshot};

use self::book::{Book, Counts, Given, Limits, Speaks, Todo};
use self::lease::{Lease, Multiple, Returning, Single};
use self::place::{Place, Wire};
use crate::error;
use crate::net::route::Route;
use crate::runtime::{self, Job};

/// What somebody gets who asks for a connection.
#[derive(Debug)]
pub enum Grant {
    Ready(Lease),
    Dial(Place),
}

type Waiter = oneshot::Sender<Grant>;

type Todos = Vec<Todo<Single, Multiple, Waiter>>;

#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    /// Dropped with the pool, and with it the connections that are on their way back.
    _keeper: Job<()>,
}

#[derive(Debug)]
pub struct Shared {
    book: Mutex<Book<Single, Multiple, Waiter>>,
    wire: Wire,
    /// The keeper waits for something that is idle, or was when it looked last, to get too old.
    watched: AtomicBool,
    /// To the keeper: a connection on its way back, or that something became idle.
    keeper: mpsc::UnboundedSender<Option<Returning>>,
    /// It has turned out of a host that connections to it cannot be shared.
    unshared: Notify,
    /// The client is closed: connections end, whoever has them.
    ending: Arc<Notify>,
    opened: AtomicU64,
    reused: AtomicU64,
}

impl Pool {
    pub fn new(limits: Limits, wire: Wire) -> error::Result<Self> {
        let (keeper, inbox) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            book: Mutex::new(Book::new(limits)),
            wire,
            watched: AtomicBool::new(false),
            keeper,
            unshared: Notify::new(),
            ending: Arc::new(Notify::new()),
            opened: AtomicU64::new(0),
            reused: AtomicU64::new(0),
        });
        let keeper = runtime::spawn(keep(Arc::downgrade(&shared), inbox))?;
        Ok(Self {
            shared,
            _keeper: keeper,
        })
    }

    /// A connection, or the right to dial one, or a place in the line. `speaks`: what is known of such a host.
    pub fn take(&self, route: &Arc<Route>, speaks: Speaks) -> Result<Grant, Waiting<'_>> {
        let mut todo = Vec::new();
        let mut book = self.shared.book.lock();
        match book.take(route, speaks, Instant::now(), &mut todo) {
            Ok((host, given)) => {
                drop(book);
                self.shared.perform(todo);
                Ok(self.shared.grant(host, given))
            }
            Err(host) => {
                let (sender, receiver) = oneshot::channel();
                let stamp = book.wait(host, sender, &mut todo);
                drop(book);
                self.shared.perform(todo);
                Err(Waiting {
                    shared: &self.shared,
                    host,
                    stamp,
                    receiver,
                })
            }
        }
    }

    /// Closes what is idle at this route: its server is not what it was.
    pub fn distrust(&self, route: &Arc<Route>) {
        let mut todo = Vec::new();
        self.shared.book.lock().remove_all_idle(route, &mut todo);
        self.shared.perform(todo);
    }

    /// Closes all connections, those too whose answers somebody is reading, or has forgotten to read.
    pub fn close(&self) {
        let mut todo = Vec::new();
        self.shared.book.lock().close(&mut todo);
        self.shared.perform(todo);
        self.shared.ending.notify_waiters();
    }

    /// Allows for so many connections, if it did not before.
    pub fn widen(&self, connections: usize) {
        self.shared.book.lock().widen(connections);
    }

    pub fn counts(&self) -> Counts {
        self.shared.book.lock().counts()
    }

    /// How many connections were opened, and how often one was used again.
    pub fn totals(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.shared.opened), read(&self.shared.reused))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

/// A place in the line.
#[derive(Debug)]
pub struct Waiting<'a> {
    shared: &'a Shared,
    host: usize,
    stamp: u64,
    receiver: oneshot::Receiver<Grant>,
}

impl<'a> Waiting<'a> {
    /// Whether somebody else dials what this one may be able to share.
    pub fn is_for_a_dial(&self) -> bool {
        self.shared.book.lock().is_one_for_all(self.host)
    }

    /// Ends when [`is_for_a_dial`](Self::is_for_a_dial) may have become false, after this call.
    pub fn dialled_for_one(&self) -> Notified<'a> {
        self.shared.unshared.notified()
    }

    /// Waits for its turn; None if the pool is gone.
    pub async fn granted(&mut self) -> Option<Grant> {
        (&mut self.receiver).await.ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // What was granted meanwhile goes back by its own destructor.
        self.shared.book.lock().leave(self.host, self.stamp);
    }
}

impl Shared {
    fn grant(self: &Arc<Self>, host: usize, given: Given<Single, Multiple>) -> Grant {
        match given {
            Given::Open(id) => Grant::Dial(Place::new(self, host, id)),
            Given::Reuse(single) => {
                self.reused.fetch_add(1, Ordering::Relaxed);
                Grant::Ready(Lease::single(self, host, single))
            }
            Given::Share(multiple) => {
                self.reused.fetch_add(1, Ordering::Relaxed);
                Grant::Ready(Lease::multiple(self, host, multiple, true))
            }
        }
    }

    /// Does what the book says, without its lock: what is dropped here may take it.
    fn perform(self: &Arc<Self>, todo: Todos) {
        for todo in todo {
            match todo {
                Todo::Give { host, to, given } => {
                    // Nobody there any more: dropped, and with that given to the next.
                    let _unwanted = to.send(self.grant(host, given));
                }
                close => lease::close(close),
            }
        }
    }

    fn put_back(self: &Arc<Self>, host: usize, single: Single) {
        let mut todo = Vec::new();
        let mut book = self.book.lock();
        book.put_back(host, single.id, single, Instant::now(), &mut todo);
        let unwatched = self.is_unwatched(&book);
        drop(book);
        self.perform(todo);
        self.look_after(unwatched);
    }

    /// Whether something is idle, and the keeper does not know of anything that is. Asked under the book's lock, as
    /// the keeper says it there.
    fn is_unwatched(&self, book: &Book<Single, Multiple, Waiter>) -> bool {
        book.idle() > 0 && !self.watched.swap(true, Ordering::Relaxed)
    }

    /// Has the keeper look when the first that is idle gets too old.
    fn look_after(&self, unwatched: bool) {
        if unwatched {
            // The keeper may be gone, with the pool.
            let _gone = self.keeper.send(None);
        }
    }

    fn returning(&self, returning: Returning) {
        let _gone = self.keeper.send(Some(returning));
    }

    fn established(self: &Arc<Self>, host: usize, id: u64, shared: Option<Multiple>) {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let mut todo = Vec::new();
        let mut book = self.book.lock();
        let was_for_all = book.is_one_for_all(host);
        book.established(host, id, shared, &mut todo);
        drop(book);
        self.perform(todo);
        if was_for_all {
            self.unshared.notify_waiters();
        }
    }

    fn unshare(self: &Arc<Self>, host: usize, id: u64) {
        let mut todo = Vec::new();
        self.book.lock().unshare(host, id, &mut todo);
        self.perform(todo);
    }

    fn stream_ended(self: &Arc<Self>, host: usize, id: u64) {
        let mut todo = Vec::new();
        let mut book = self.book.lock();
        book.stream_ended(host, id, Instant::now(), &mut todo);
        let unwatched = self.is_unwatched(&book);
        drop(book);
        self.perform(todo);
        self.look_after(unwatched);
    }

    fn vacate(self: &Arc<Self>, host: usize, id: u64) {
        let mut todo = Vec::new();
        self.book.lock().vacate(host, id, &mut todo);
        self.perform(todo);
    }
}

/// Closes what is idle for too long, and takes back what is on its way.
async fn keep(shared: Weak<Shared>, mut inbox: mpsc::UnboundedReceiver<Option<Returning>>) {
    let mut returning = FuturesUnordered::new();
    let mut due: Option<Instant> = None;
    loop {
        tokio::select! {
            message = inbox.recv() => match message {
                Some(Some(one)) => returning.push(one),
                Some(None) => {}
                None => return,
            },
            Some(back) = returning.next(), if !returning.is_empty() => {
                if let (Some((host, single)), Some(shared)) = (back, shared.upgrade()) {
                    shared.put_back(host, single);
                }
            }
            () = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            } => {}
        }
        let Some(shared) = shared.upgrade() else { return };
        let mut todo = Vec::new();
        let mut book = shared.book.lock();
        due = book.expire(Instant::now(), &mut todo);
        shared.watched.store(due.is_some(), Ordering::Relaxed);
        drop(book);
        shared.perform(todo);
    }
}
