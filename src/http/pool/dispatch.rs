//! Who gets what there is, and what is closed to make room: the rules of the [`Book`].

use std::ops::Bound;
use std::time::Instant;

use super::book::{Book, Given, Host, Speaks, Todo};

impl<C, S: Clone, W> Book<C, S, W> {
    /// Keeps the host's entry in `ready` right.
    pub(super) fn refresh(&mut self, number: usize) {
        let Some(host) = self.hosts.get_mut(number) else {
            return;
        };
        let can = !host.idle.is_empty() || host.may_dial(self.limits.per_host);
        let first = host.waiting.keys().next().copied().filter(|_| can);
        if first != host.ready {
            if let Some(before) = host.ready.take() {
                self.ready.remove(&(before, number));
            }
            host.ready = first;
            if let Some(first) = first {
                self.ready.insert((first, number));
            }
        }
    }

    /// Gives what there is to those who wait, the first first.
    pub(super) fn dispatch(&mut self, todo: &mut Vec<Todo<C, S, W>>) {
        if self.closed {
            return;
        }
        // Beyond what there is room for, only those can be served whose host has an idle connection.
        let mut after = None;
        // So many wait for a place that is being made for them.
        let mut promised = 0;
        loop {
            let next = match after {
                None => self.ready.first().copied(),
                Some(after) => {
                    let rest = (Bound::Excluded(after), Bound::Unbounded);
                    self.ready.range(rest).next().copied()
                }
            };
            let Some((stamp, number)) = next else {
                return;
            };
            if let Some(given) = self.give(number) {
                let waiting = self
                    .hosts
                    .get_mut(number)
                    .and_then(|host| host.waiting.remove(&stamp));
                self.refresh(number);
                if let Some(to) = waiting {
                    todo.push(Todo::Give {
                        host: number,
                        to,
                        given,
                    });
                }
                continue;
            }
            promised += 1;
            if promised > self.closing.len() {
                if self.idle.is_empty() {
                    return;
                }
                self.close_oldest(todo);
            }
            after = Some((stamp, number));
        }
    }

    fn give(&mut self, number: usize) -> Option<Given<C, S>> {
        if let Some(idle) = self.hosts.get_mut(number).and_then(|host| host.idle.pop_back()) {
            self.idle.remove(&idle.stamp);
            return Some(Given::Reuse(idle.connection));
        }
        self.open(number)
    }

    /// Closes what is idle for too long; when to look again.
    pub fn expire(&mut self, now: Instant, todo: &mut Vec<Todo<C, S, W>>) -> Option<Instant> {
        let expiry = self.limits.expiry?;
        while let Some(since) = self.oldest() {
            let due = since + expiry;
            if due > now {
                return Some(due);
            }
            self.close_oldest(todo);
        }
        None
    }

    fn oldest(&self) -> Option<Instant> {
        let (stamp, number) = self.idle.first_key_value()?;
        let host = self.hosts.get(*number)?;
        match host.idle.iter().find(|idle| idle.stamp == *stamp) {
            Some(idle) => Some(idle.since),
            None => host.shared.as_ref()?.idle.map(|(_, since)| since),
        }
    }

    pub(super) fn close_oldest(&mut self, todo: &mut Vec<Todo<C, S, W>>) {
        let Some((stamp, number)) = self.idle.pop_first() else {
            return;
        };
        let Some(host) = self.hosts.get_mut(number) else {
            return;
        };
        // It is the first: so are they kept.
        let at = host.idle.iter().position(|idle| idle.stamp == stamp);
        if let Some(idle) = at.and_then(|at| host.idle.remove(at)) {
            self.closing.insert(idle.id);
            todo.push(Todo::Close(idle.connection));
        } else if let Some(sharing) = host.shared.take() {
            self.closing.insert(sharing.id);
            todo.push(Todo::CloseShared(sharing.connection));
        }
        self.refresh(number);
    }
}

impl<C, S, W> Host<C, S, W> {
    pub(super) fn may_dial(&self, per_host: usize) -> bool {
        self.places.len() < per_host && !self.is_one_for_all()
    }

    pub(super) fn is_one_for_all(&self) -> bool {
        self.speaks != Speaks::Http1 && self.dialing > 0
    }
}
