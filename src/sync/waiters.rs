//! The one wait queue under every primitive: who waits, in which order, and who has been let through.
//!
//! A waiter joins at the end of the line and gets a [`Ticket`]. Somebody with something to give lets the
//! first in line through: [`Waiters::grant_first`] takes it out of the line, marks it, and hands its waker
//! out, to be woken once no lock is held. The waiter then finds on its next poll that it has passed, and
//! turns the ticket in: [`Waiters::turn_in`]. A waiter that gives up turns it in as well, with
//! [`Waiters::leave`], and is told whether it had been let through by then: what it was given is then for the next in line, and passing it on is the business of the
//! primitive, which alone knows what that is.
//!
//! Invariants:
//! - What is granted belongs to a ticket until that ticket is turned in: nobody else can take it, so there is
//!   no barging, and nothing is lost whichever of a grant and a cancel comes first.
//! - The line holds exactly those that still wait, in the order they came.
//!
//! A waker is replaced or dropped while the primitive's lock is held, so dropping one must not lead back to the same
//! primitive: a waker must not be what keeps a future alive that waits there. Ours and tokio's are not.
//!
//! There is no lock in here, and nothing of Python: each primitive keeps its line beside its counts, under one
//! lock. `tests/model` checks the two together with loom.

use std::task::{Poll, Waker, ready};

use slab::Slab;
use smallvec::SmallVec;

/// A place in the line. Turned in exactly once.
#[derive(Debug)]
pub struct Ticket(usize);

/// How it stands with a waiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Waiting,
    /// What it waited for is its own.
    Granted,
    /// It waits in vain: what it waited for will not come.
    Dismissed,
}

/// One who does not, or not any more, stand in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It has only come.
    New,
    /// What it waited for is its own.
    Granted,
    /// It has waited in vain.
    Dismissed,
}

/// Those who got their turn. To be woken when no lock is held.
#[must_use = "who is not woken waits for ever"]
#[derive(Debug, Default)]
pub struct Woken(SmallVec<[Waker; 1]>);

impl Woken {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Wakes them, in the order they stood in line.
    pub fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }

    pub fn add(&mut self, waker: Option<Waker>) {
        self.0.extend(waker);
    }

    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

#[derive(Debug)]
struct Node {
    want: usize,
    standing: Standing,
    waker: Option<Waker>,
    before: Option<usize>,
    after: Option<usize>,
}

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Waiters {
    nodes: Slab<Node>,
    first: Option<usize>,
    last: Option<usize>,
    waiting: usize,
    /// Let through, and not come yet to turn the ticket in.
    expected: usize,
}

impl Waiters {
    pub fn new() -> Self {
        Self::default()
    }

    /// How many are in line.
    pub fn len(&self) -> usize {
        self.waiting
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Whether nobody is in line, nor has been let through and is still to come: then whoever comes now is next.
    pub fn is_quiet(&self) -> bool {
        self.first.is_none() && self.expected == 0
    }

    /// What the first in line asks for.
    pub fn first_want(&self) -> Option<usize> {
        self.nodes.get(self.first?).map(|node| node.want)
    }

    /// Takes the last place in line, asking for `want` of whatever there is.
    pub fn join(&mut self, want: usize, waker: &Waker) -> Ticket {
        let key = self.nodes.insert(Node {
            want,
            standing: Standing::Waiting,
            waker: Some(waker.clone()),
            before: self.last,
            after: None,
        });
        match self.last.and_then(|last| self.nodes.get_mut(last)) {
            Some(last) => last.after = Some(key),
            None => self.first = Some(key),
        }
        self.last = Some(key);
        self.waiting += 1;
        Ticket(key)
    }

    /// Lets the first in line through.
    pub fn grant_first(&mut self) -> Option<Waker> {
        self.send_first(Standing::Granted)
    }

    /// Lets everybody through.
    pub fn grant_all(&mut self) -> Woken {
        self.send_all(Standing::Granted)
    }

    /// Tells everybody that it waits in vain.
    pub fn dismiss_all(&mut self) -> Woken {
        self.send_all(Standing::Dismissed)
    }

    /// The waker of the first in line, who stays there: it has to look at something anew.
    pub fn nudge_first(&self) -> Option<Waker> {
        self.nodes.get(self.first?)?.waker.clone()
    }

    pub fn is_first(&self, ticket: &Ticket) -> bool {
        self.first == Some(ticket.0)
    }

    /// Where one who comes, with a ticket or without, stands. Pending: it is in line, keeps its ticket, and is
    /// woken by `waker` from now on. Otherwise the ticket has been turned in, and there is none.
    pub fn turn_in(&mut self, ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<Arrival> {
        let Some(held) = ticket else {
            return Poll::Ready(Arrival::New);
        };
        if let Some(node) = self.nodes.get_mut(held.0)
            && node.standing == Standing::Waiting
        {
            match &mut node.waker {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
            return Poll::Pending;
        }
        let standing = ticket.take().map(|held| self.leave(held));
        Poll::Ready(match standing {
            Some(Standing::Granted) => Arrival::Granted,
            _ => Arrival::Dismissed,
        })
    }

    /// For those who want nothing but to go on: passes if the gate is `open` when one comes, or once it has been
    /// let through or sent away; until then it stands in line.
    pub fn pass_if(&mut self, open: bool, ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<()> {
        if ready!(self.turn_in(ticket, waker)) == Arrival::New && !open {
            *ticket = Some(self.join(0, waker));
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Gives a place up, and says how it stood with it.
    pub fn leave(&mut self, ticket: Ticket) -> Standing {
        let standing = self
            .nodes
            .get(ticket.0)
            .map_or(Standing::Dismissed, |node| node.standing);
        match standing {
            Standing::Waiting => self.unlink(ticket.0),
            Standing::Granted => self.expected -= 1,
            Standing::Dismissed => {}
        }
        self.nodes.try_remove(ticket.0);
        standing
    }

    fn send_first(&mut self, standing: Standing) -> Option<Waker> {
        let first = self.first?;
        self.unlink(first);
        let node = self.nodes.get_mut(first)?;
        node.standing = standing;
        let waker = node.waker.take();
        self.expected += usize::from(standing == Standing::Granted);
        waker
    }

    fn send_all(&mut self, standing: Standing) -> Woken {
        let mut woken = Woken::default();
        while self.first.is_some() {
            woken.add(self.send_first(standing));
        }
        woken
    }

    fn unlink(&mut self, key: usize) {
        let Some(node) = self.nodes.get(key) else {
            return;
        };
        let (before, after) = (node.before, node.after);
        match before.and_then(|before| self.nodes.get_mut(before)) {
            Some(node) => node.after = after,
            None => self.first = after,
        }
        match after.and_then(|after| self.nodes.get_mut(after)) {
            Some(node) => node.before = before,
            None => self.last = before,
        }
        self.waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn_in(waiters: &mut Waiters, ticket: &mut Option<Ticket>) -> Poll<Arrival> {
        waiters.turn_in(ticket, Waker::noop())
    }

    fn line(wants: &[usize]) -> (Waiters, Vec<Ticket>) {
        let mut waiters = Waiters::new();
        let tickets = wants
            .iter()
            .map(|want| waiters.join(*want, Waker::noop()))
            .collect();
        (waiters, tickets)
    }

    #[test]
    fn they_are_let_through_in_the_order_they_came() {
        let (mut waiters, tickets) = line(&[1, 2, 3]);
        for (ticket, want) in tickets.into_iter().zip(1..) {
            assert_eq!(waiters.first_want(), Some(want));
            assert!(waiters.is_first(&ticket));
            let mut held = Some(ticket);
            assert!(turn_in(&mut waiters, &mut held).is_pending());
            assert!(held.is_some());
            assert!(waiters.grant_first().is_some());
            assert!(!waiters.is_quiet());
            assert_eq!(turn_in(&mut waiters, &mut held), Poll::Ready(Arrival::Granted));
            assert!(held.is_none());
            assert_eq!(turn_in(&mut waiters, &mut held), Poll::Ready(Arrival::New));
        }
        assert!(waiters.is_quiet());
        assert!(waiters.grant_first().is_none());
    }

    #[test]
    fn one_can_leave_from_anywhere_in_line() {
        for leaves in 0..3 {
            let (mut waiters, mut tickets) = line(&[0, 1, 2]);
            assert_eq!(waiters.leave(tickets.remove(leaves)), Standing::Waiting);
            assert_eq!(waiters.len(), 2);
            let mut left = Vec::new();
            while let Some(want) = waiters.first_want() {
                left.push(want);
                drop(waiters.grant_first());
            }
            assert_eq!(left, (0..3).filter(|want| *want != leaves).collect::<Vec<_>>());
            assert_eq!(waiters.len(), 0);
        }
    }

    #[test]
    fn the_dismissed_know_it_and_the_line_is_empty() {
        let (mut waiters, mut tickets) = line(&[1, 1]);
        assert!(!waiters.dismiss_all().is_empty());
        assert!(waiters.is_quiet());
        assert_eq!(
            turn_in(&mut waiters, &mut tickets.pop()),
            Poll::Ready(Arrival::Dismissed)
        );
        assert_eq!(waiters.leave(tickets.remove(0)), Standing::Dismissed);
    }

    #[test]
    fn an_open_gate_lets_those_pass_who_come_and_not_those_who_wait() {
        let mut waiters = Waiters::new();
        let mut pass_if = |open, ticket: &mut _| waiters.pass_if(open, ticket, Waker::noop());
        assert!(pass_if(true, &mut None).is_ready());
        let mut ticket = None;
        assert!(pass_if(false, &mut ticket).is_pending());
        assert!(pass_if(true, &mut ticket).is_pending());
        assert!(!waiters.grant_all().is_empty());
        assert!(waiters.pass_if(false, &mut ticket, Waker::noop()).is_ready());
    }
}
