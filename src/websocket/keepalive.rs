//! When to ask the peer whether it is still there, and when to give it up.
//!
//! Whatever comes is a sign of life, not only a pong: behind a long message a pong may be late. While this side
//! does not read, because nobody receives, it hears nothing, and holds that against nobody.

use std::time::{Duration, Instant};

#[derive(Debug)]
pub struct Keepalive {
    interval: Option<Duration>,
    timeout: Option<Duration>,
    /// When the next ping is due.
    next: Option<Instant>,
    /// Since when nothing has come after a ping.
    asked: Option<Instant>,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    Nothing,
    Ping,
    /// The peer has not answered in time.
    GiveUp,
}

impl Keepalive {
    pub fn new(interval: Option<Duration>, timeout: Option<Duration>, now: Instant) -> Self {
        Self {
            interval,
            timeout,
            next: interval.and_then(|interval| now.checked_add(interval)),
            asked: None,
        }
    }

    /// Something came, or this side has stopped reading.
    pub fn heard(&mut self) {
        self.asked = None;
    }

    pub fn look(&mut self, now: Instant) -> Due {
        if self.gives_up_at().is_some_and(|when| when <= now) {
            return Due::GiveUp;
        }
        if self.next.is_none_or(|next| next > now) {
            return Due::Nothing;
        }
        self.next = self.interval.and_then(|interval| now.checked_add(interval));
        self.asked.get_or_insert(now);
        Due::Ping
    }

    /// When to look again.
    pub fn when(&self) -> Option<Instant> {
        [self.gives_up_at(), self.next].into_iter().flatten().min()
    }

    fn gives_up_at(&self) -> Option<Instant> {
        self.asked?.checked_add(self.timeout?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_peer_is_asked_and_then_given_up() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut keepalive = Keepalive::new(
            Some(Duration::from_secs(20)),
            Some(Duration::from_secs(30)),
            start,
        );
        assert_eq!(keepalive.when(), Some(at(20)));
        assert_eq!(keepalive.look(at(19)), Due::Nothing);
        assert_eq!(keepalive.look(at(20)), Due::Ping);
        assert_eq!(keepalive.look(at(40)), Due::Ping);
        assert_eq!(keepalive.when(), Some(at(50)));
        assert_eq!(keepalive.look(at(50)), Due::GiveUp);
        keepalive.heard();
        assert_eq!(keepalive.look(at(50)), Due::Nothing);
        assert_eq!(keepalive.look(at(60)), Due::Ping);
    }

    #[test]
    fn without_a_limit_it_only_asks() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(Some(Duration::from_secs(1)), None, start);
        for second in 1..100 {
            assert_eq!(keepalive.look(start + Duration::from_secs(second)), Due::Ping);
        }
        assert_eq!(Keepalive::new(None, None, start).when(), None);
    }
}
