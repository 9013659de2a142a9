//! Who has which connection, and who is next: the pool's bookkeeping, with no sockets and no waiting in it.
//!
//! ```text
//!            a place: from the moment somebody may dial until the socket is closed
//!   ask -> [ready, by time of asking] -> Reuse an idle one | Share HTTP/2 | Open: dial, with a place
//!                                          no place left: the oldest idle one is closed for it
//! ```
//!
//! Invariants: places taken never exceed the limits, in all and for each host. Who asked first gets first,
//! among those who can get something at all: a host at its limit holds up only those who want that host.
//! A host that has an idle connection, or one to share, has nobody waiting. While it is not known whether a host speaks
//! HTTP/2, one dials for all.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use slab::Slab;

use crate::net::route::Route;

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    pub connections: usize,
    pub per_host: usize,
    pub idle: usize,
    /// How long an idle connection is kept.
    pub expiry: Option<Duration>,
}

/// What a host speaks, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// The first connection will show it.
    Unknown,
    Http1,
    Http2,
}

/// What somebody gets who asked.
#[derive(Debug)]
pub enum Given<C, S> {
    Reuse(C),
    Share(S),
    /// The place of this id: dial, and then say [`Book::established`], and at last [`Book::vacate`].
    Open(u64),
}

/// What is to be done once the lock is given up.
#[derive(Debug)]
pub enum Todo<C, S, W> {
    Give { host: usize, to: W, given: Given<C, S> },
    Close(C),
    CloseShared(S),
}

/// `C`: an HTTP/1 connection nobody uses. `S`: an HTTP/2 connection, for any number. `W`: who waits.
#[derive(Debug)]
pub struct Book<C, S, W> {
    pub(super) limits: Limits,
    pub(super) hosts: Slab<Host<C, S, W>>,
    by_route: HashMap<Arc<Route>, usize>,
    /// Places taken.
    pub(super) open: usize,
    /// Of those, what was idle and is closed on our side; the socket is about to go.
    pub(super) closing: HashSet<u64>,
    /// Connections that nobody uses, the oldest first.
    pub(super) idle: BTreeMap<u64, usize>,
    /// The first of each host that could be given something, were there room.
    pub(super) ready: BTreeSet<(u64, usize)>,
    next: u64,
    pub(super) closed: bool,
}

#[derive(Debug)]
pub(super) struct Host<C, S, W> {
    pub(super) route: Arc<Route>,
    pub(super) speaks: Speaks,
    /// The places taken, and whether somebody dials in them. No id is ever used again, unlike a host's number.
    pub(super) places: BTreeMap<u64, bool>,
    pub(super) dialing: usize,
    /// The newest last: it is the one to use, so that the others grow old.
    pub(super) idle: VecDeque<Idle<C>>,
    pub(super) shared: Option<Sharing<S>>,
    pub(super) waiting: BTreeMap<u64, W>,
    /// Its entry in [`Book::ready`].
    pub(super) ready: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Idle<C> {
    pub(super) id: u64,
    pub(super) stamp: u64,
    pub(super) since: Instant,
    pub(super) connection: C,
}

#[derive(Debug)]
pub(super) struct Sharing<S> {
    pub(super) id: u64,
    pub(super) connection: S,
    pub(super) streams: usize,
    /// While there are no streams.
    pub(super) idle: Option<(u64, Instant)>,
}

/// How many there are of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub open: usize,
    pub idle: usize,
    pub waiting: usize,
    pub hosts: usize,
}

impl<C, S: Clone, W> Book<C, S, W> {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            hosts: Slab::new(),
            by_route: HashMap::new(),
            open: 0,
            closing: HashSet::new(),
            idle: BTreeMap::new(),
            ready: BTreeSet::new(),
            next: 0,
            closed: false,
        }
    }

    /// At least so many places. Who waits already gets one when something else comes back.
    pub fn widen(&mut self, connections: usize) {
        self.limits.connections = self.limits.connections.max(connections);
    }

    fn stamp(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The host's number, for as long as something of it is here.
    fn host(&mut self, route: &Arc<Route>, speaks: Speaks) -> usize {
        if let Some(host) = self.by_route.get(route) {
            return *host;
        }
        let host = self.hosts.insert(Host {
            route: Arc::clone(route),
            speaks,
            places: BTreeMap::new(),
            dialing: 0,
            idle: VecDeque::new(),
            shared: None,
            waiting: BTreeMap::new(),
            ready: None,
        });
        self.by_route.insert(Arc::clone(route), host);
        host
    }

    /// What can be had at once without taking it from somebody who asked before, or else the host's number,
    /// to [`wait`](Self::wait) for it. `speaks` is for a host that is not known here. Connections that are
    /// too old for use come back to be closed.
    pub fn take(
        &mut self,
        route: &Arc<Route>,
        speaks: Speaks,
        now: Instant,
        too_old: &mut Vec<Todo<C, S, W>>,
    ) -> Result<(usize, Given<C, S>), usize> {
        let number = self.host(route, speaks);
        if self.closed {
            return Err(number);
        }
        let expiry = self.limits.expiry;
        let is_over = |since| expiry.is_some_and(|expiry| now.duration_since(since) >= expiry);
        while let Some(idle) = self.hosts.get_mut(number).and_then(|host| host.idle.pop_back()) {
            self.idle.remove(&idle.stamp);
            if is_over(idle.since) {
                self.closing.insert(idle.id);
                too_old.push(Todo::Close(idle.connection));
                continue;
            }
            return Ok((number, Given::Reuse(idle.connection)));
        }
        let over = |sharing: &mut Sharing<S>| sharing.idle.is_some_and(|(_, since)| is_over(since));
        if let Some(sharing) = self
            .hosts
            .get_mut(number)
            .and_then(|host| host.shared.take_if(over))
        {
            if let Some((stamp, _)) = sharing.idle {
                self.idle.remove(&stamp);
            }
            self.closing.insert(sharing.id);
            too_old.push(Todo::CloseShared(sharing.connection));
        }
        if let Some(shared) = self.share(number) {
            return Ok((number, Given::Share(shared)));
        }
        let free = |host: &Host<C, S, W>| host.waiting.is_empty() && host.may_dial(self.limits.per_host);
        if self.ready.is_empty()
            && self.hosts.get(number).is_some_and(free)
            && let Some(open) = self.open(number)
        {
            return Ok((number, open));
        }
        Err(number)
    }

    /// A place at this host, if there is one left.
    pub(super) fn open(&mut self, number: usize) -> Option<Given<C, S>> {
        if self.open >= self.limits.connections {
            return None;
        }
        let id = self.stamp();
        let host = self.hosts.get_mut(number)?;
        host.places.insert(id, true);
        host.dialing += 1;
        self.open += 1;
        Some(Given::Open(id))
    }

    pub(super) fn share(&mut self, number: usize) -> Option<S> {
        let sharing = self.hosts.get_mut(number)?.shared.as_mut()?;
        sharing.streams += 1;
        if let Some((stamp, _)) = sharing.idle.take() {
            self.idle.remove(&stamp);
        }
        Some(sharing.connection.clone())
    }

    /// Puts somebody in the line; the number is for [`leave`](Self::leave).
    pub fn wait(&mut self, number: usize, who: W, todo: &mut Vec<Todo<C, S, W>>) -> u64 {
        let stamp = self.stamp();
        if let Some(host) = self.hosts.get_mut(number) {
            host.waiting.insert(stamp, who);
        }
        self.refresh(number);
        self.dispatch(todo);
        stamp
    }

    /// Whether somebody dials at this host for all who want it.
    pub fn is_one_for_all(&self, number: usize) -> bool {
        self.hosts.get(number).is_some_and(Host::is_one_for_all)
    }

    /// Somebody waits no more.
    pub fn leave(&mut self, number: usize, stamp: u64) {
        if let Some(host) = self.hosts.get_mut(number) {
            host.waiting.remove(&stamp);
        }
        self.refresh(number);
        self.forget(number);
    }

    /// In the place `id` there is a connection, which whoever dialled uses. `shared`: it is HTTP/2.
    pub fn established(&mut self, number: usize, id: u64, shared: Option<S>, todo: &mut Vec<Todo<C, S, W>>) {
        let Some(host) = self.hosts.get_mut(number) else {
            return;
        };
        // It may have been closed by the server a moment ago.
        let Some(dialing) = host.places.get_mut(&id) else {
            return;
        };
        if std::mem::take(dialing) {
            host.dialing = host.dialing.saturating_sub(1);
        }
        host.speaks = match shared {
            Some(_) => Speaks::Http2,
            None => Speaks::Http1,
        };
        if let Some(connection) = shared {
            let before = host.shared.replace(Sharing {
                id,
                connection,
                streams: 1,
                idle: None,
            });
            // Two may dial where a host spoke HTTP/1 before. With streams it closes after the last of them.
            if let Some(before) = before
                && let Some((stamp, _)) = before.idle
            {
                self.idle.remove(&stamp);
                self.closing.insert(before.id);
                todo.push(Todo::CloseShared(before.connection));
            }
            if !self.closed {
                self.share_with_all(number, todo);
            }
        }
        self.refresh(number);
        self.dispatch(todo);
    }

    /// Those who wait for the host need no place any more, so none of them waits for his turn to get one.
    fn share_with_all(&mut self, number: usize, todo: &mut Vec<Todo<C, S, W>>) {
        let waiting = self.hosts.get_mut(number).map(|host| &mut host.waiting);
        for to in waiting
            .map(std::mem::take)
            .into_iter()
            .flat_map(BTreeMap::into_values)
        {
            if let Some(shared) = self.share(number) {
                todo.push(Todo::Give {
                    host: number,
                    to,
                    given: Given::Share(shared),
                });
            }
        }
    }

    /// A place is free again: the socket is closed, or was never opened.
    pub fn vacate(&mut self, number: usize, id: u64, todo: &mut Vec<Todo<C, S, W>>) {
        self.open = self.open.saturating_sub(1);
        self.closing.remove(&id);
        if let Some(host) = self.hosts.get_mut(number) {
            if host.places.remove(&id) == Some(true) {
                host.dialing = host.dialing.saturating_sub(1);
            }
            let at = host.idle.iter().position(|idle| idle.id == id);
            if let Some(idle) = at.and_then(|at| host.idle.remove(at)) {
                self.idle.remove(&idle.stamp);
                todo.push(Todo::Close(idle.connection));
            }
        }
        self.unshare(number, id, todo);
        self.refresh(number);
        self.dispatch(todo);
        self.forget(number);
    }

    /// The HTTP/1 connection in the place `id` is free for the next.
    pub fn put_back(
        &mut self,
        number: usize,
        id: u64,
        connection: C,
        now: Instant,
        todo: &mut Vec<Todo<C, S, W>>,
    ) {
        let stamp = self.stamp();
        match self.hosts.get_mut(number) {
            // It may have been closed by the server a moment ago.
            Some(host) if host.places.contains_key(&id) && !self.closed => {
                host.idle.push_back(Idle {
                    id,
                    stamp,
                    since: now,
                    connection,
                });
                self.idle.insert(stamp, number);
            }
            _ => {
                todo.push(Todo::Close(connection));
                return;
            }
        }
        self.refresh(number);
        self.dispatch(todo);
        while self.idle.len() > self.limits.idle {
            self.close_oldest(todo);
        }
    }

    /// All that is idle of a host: its server is not what it was.
    pub fn remove_all_idle(&mut self, route: &Arc<Route>, todo: &mut Vec<Todo<C, S, W>>) {
        let host = self
            .by_route
            .get(route)
            .and_then(|number| self.hosts.get_mut(*number));
        for idle in host.into_iter().flat_map(|host| host.idle.drain(..)) {
            self.idle.remove(&idle.stamp);
            self.closing.insert(idle.id);
            todo.push(Todo::Close(idle.connection));
        }
    }

    /// A stream of a shared connection has ended.
    pub fn stream_ended(&mut self, number: usize, id: u64, now: Instant, todo: &mut Vec<Todo<C, S, W>>) {
        let stamp = self.stamp();
        let Some(sharing) = self.hosts.get_mut(number).and_then(|host| host.shared.as_mut()) else {
            return;
        };
        if sharing.id != id {
            return;
        }
        sharing.streams = sharing.streams.saturating_sub(1);
        if sharing.streams == 0 && sharing.idle.is_none() {
            sharing.idle = Some((stamp, now));
            self.idle.insert(stamp, number);
            self.dispatch(todo);
            let most = if self.closed { 0 } else { self.limits.idle };
            while self.idle.len() > most {
                self.close_oldest(todo);
            }
        }
    }

    /// Nobody else is to get this shared connection: it is going away.
    pub fn unshare(&mut self, number: usize, id: u64, todo: &mut Vec<Todo<C, S, W>>) {
        if let Some(host) = self.hosts.get_mut(number)
            && let Some(sharing) = host.shared.take_if(|sharing| sharing.id == id)
        {
            if let Some((stamp, _)) = sharing.idle {
                self.idle.remove(&stamp);
            }
            self.refresh(number);
            self.dispatch(todo);
        }
    }

    /// Nothing is kept and nobody gets anything any more. Who waits is told by others.
    pub fn close(&mut self, todo: &mut Vec<Todo<C, S, W>>) {
        self.closed = true;
        while !self.idle.is_empty() {
            self.close_oldest(todo);
        }
    }

    pub fn idle(&self) -> usize {
        self.idle.len()
    }

    pub fn counts(&self) -> Counts {
        Counts {
            open: self.open,
            idle: self.idle.len(),
            waiting: self.hosts.iter().map(|(_, host)| host.waiting.len()).sum(),
            hosts: self.hosts.len(),
        }
    }

    fn forget(&mut self, number: usize) {
        let unused = |host: &Host<C, S, W>| {
            host.places.is_empty() && host.waiting.is_empty() && host.idle.is_empty() && host.shared.is_none()
        };
        if self.hosts.get(number).is_some_and(unused) {
            let host = self.hosts.remove(number);
            self.by_route.remove(&host.route);
        }
    }
}
