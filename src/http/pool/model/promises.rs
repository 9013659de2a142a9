//! The rules that the head of the book promises, by the world's own account.

use std::collections::BTreeSet;

use super::{Holds, World};
use crate::http::pool::book::Speaks;

impl World {
    /// Whether one dials for all who want it.
    fn is_one_for_all(&self, host: usize) -> bool {
        let speaks = self.learned[host].unwrap_or(self.known[host]);
        speaks != Speaks::Http1 && self.of_host(host, |holds| holds == Holds::Dial) > 0
    }

    pub(super) fn may_dial(&self, host: usize) -> bool {
        self.of_host(host, |_| true) < self.limits.per_host && !self.is_one_for_all(host)
    }

    /// The hosts of which somebody waits who lacks nothing but a place among all.
    pub(super) fn lack_a_place(&self) -> BTreeSet<usize> {
        let hosts = self.waiting.values().map(|(host, _)| *host);
        hosts.filter(|host| self.may_dial(*host)).collect()
    }

    pub(super) fn check(&mut self, closing_before: usize) {
        let open = self.seats.len();
        assert!(open <= self.limits.connections, "too many places");
        for host in 0..self.routes.len() {
            assert!(
                self.of_host(host, |_| true) <= self.limits.per_host,
                "too many of {host}"
            );
            if self.known[host] != Speaks::Http1 && self.is_http2[host] {
                assert!(
                    self.of_host(host, |holds| holds == Holds::Dial) <= 1,
                    "two dial for all"
                );
            }
        }
        let idle = |holds: Holds| matches!(holds, Holds::Idle | Holds::Shared(0));
        let idle = self.count(idle);
        assert!(idle <= self.limits.idle, "too many idle");
        let seated = self.seats.values().map(|seat| seat.host);
        let waiting = self.waiting.values().map(|(host, _)| *host);
        let hosts: BTreeSet<_> = seated.chain(waiting).collect();
        let counts = self.book.counts();
        assert_eq!(
            (counts.open, counts.idle, counts.waiting, counts.hosts),
            (open, idle, self.waiting.len(), hosts.len())
        );
        for host in 0..self.routes.len() {
            if !hosts.contains(&host) {
                self.learned[host] = None;
            }
        }
        if self.closed {
            return;
        }
        // Nobody waits for what is free.
        for (host, _) in self.waiting.values() {
            let had = self.of_host(*host, |holds| matches!(holds, Holds::Idle | Holds::Shared(_)));
            assert_eq!(
                had, 0,
                "somebody waits for {host}, which has a connection that is free"
            );
            assert!(
                open >= self.limits.connections || !self.may_dial(*host),
                "somebody waits for {host} who may dial"
            );
        }
        // Room is made for those who lack it, and not more than that.
        let wanted = self.lack_a_place().len();
        let closing = self.count(|holds| holds == Holds::Closing);
        assert_eq!(self.book.closing.len(), closing);
        assert!(
            closing >= wanted || idle == 0,
            "{wanted} wait, {closing} are closed for them"
        );
        let only_for_others = self.limits.idle == usize::MAX && self.limits.expiry.is_none();
        if only_for_others && closing > closing_before {
            assert!(closing <= wanted, "{closing} were closed for {wanted}");
        }
    }
}
