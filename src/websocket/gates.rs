//! What one waits for at a connection: a message, room for one, and the end. Each is a gate with its own line.

use std::ops::Deref;
use std::sync::Arc;
use std::task::{Poll, Waker, ready};

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::message::{End, Message};
use super::payload::Given;
use super::shared::Shared;
use super::socket::WebSocket;
use super::state::State;
use crate::bridge::spare::Spare;
use crate::error::Error;
use crate::sync::line::Gate;
use crate::sync::waiters::{Arrival, Ticket, Woken};
use crate::sync::waits::Door;

/// Why nothing comes of it.
#[derive(Debug)]
pub enum Refusal {
    Ended(Arc<End>),
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

#[derive(Debug)]
pub struct Receiving(pub Arc<Shared>);

/// Whether only texts and bytes are wanted; what else came is then passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Data,
    All,
}

impl Wanted {
    fn wants(self, message: &Message) -> bool {
        self == Self::All || message.is_data()
    }
}

type Received = (Result<Message, Refusal>, Woken);

/// What is here for one who has come anew.
fn received(state: &mut State, wanted: Wanted) -> Option<Received> {
    let mut woken = Woken::default();
    while let Some(message) = state.take_free() {
        state.resume_reading(&mut woken);
        if wanted.wants(&message) {
            return Some((Ok(message), woken));
        }
    }
    let end = Arc::clone(state.end.as_ref()?);
    Some((Err(Refusal::Ended(end)), woken))
}

impl Gate for Receiving {
    type Want = Wanted;
    type Pass = Result<Message, Refusal>;

    fn poll(&self, wanted: &mut Wanted, ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<Received> {
        let mut state = match self.0.open() {
            Ok(state) => state,
            Err(error) => return Poll::Ready((Err(error.into()), Woken::default())),
        };
        let mut woken = Woken::default();
        if ready!(state.receivers.turn_in(ticket, waker)) == Arrival::Granted
            && let Some(message) = state.take_granted()
        {
            state.resume_reading(&mut woken);
            if wanted.wants(&message) {
                return Poll::Ready((Ok(message), woken));
            }
        }
        if let Some((received, more)) = received(&mut state, *wanted) {
            woken.extend(more);
            return Poll::Ready((received, woken));
        }
        *ticket = Some(state.receivers.join(0, waker));
        drop(state);
        woken.wake();
        Poll::Pending
    }

    fn try_pass(&self, wanted: &mut Wanted) -> Option<Received> {
        match self.0.open() {
            Ok(mut state) => received(&mut state, *wanted),
            Err(error) => Some((Err(error.into()), Woken::default())),
        }
    }

    /// A message that was promised goes to the next, or waits for one to come.
    fn leave(&self, _wanted: &mut Wanted, ticket: Ticket) -> Woken {
        let Ok(mut state) = self.0.open() else {
            return Woken::default();
        };
        if state.receivers.leave(ticket) == crate::sync::waiters::Standing::Granted {
            state.granted = state.granted.saturating_sub(1);
        }
        state.settle_receivers()
    }
}

#[derive(Debug)]
pub struct Sending(pub Arc<Shared>);

impl Gate for Sending {
    /// The frame, until it is sent.
    type Want = Option<Given>;
    type Pass = Result<(), Refusal>;

    fn poll(
        &self,
        frame: &mut Option<Given>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Poll<(Self::Pass, Woken)> {
        let mut state = match self.0.open() {
            Ok(state) => state,
            Err(error) => return Poll::Ready((Err(error.into()), Woken::default())),
        };
        let arrival = ready!(state.senders.turn_in(ticket, waker));
        let weight = frame.as_ref().map_or(0, Given::weight);
        if arrival == Arrival::Granted {
            state.promised = state.promised.saturating_sub(weight);
        }
        if let Some(end) = state.refusal() {
            return Poll::Ready((Err(Refusal::Ended(end)), Woken::default()));
        }
        let has_room = state.has_room() && state.senders.is_quiet();
        if arrival != Arrival::Granted && !has_room {
            *ticket = Some(state.senders.join(weight, waker));
            return Poll::Pending;
        }
        let mut woken = Woken::default();
        if let Some(frame) = frame.take() {
            state.queue(frame.into_outgoing());
            woken.add(state.driver.clone());
        }
        Poll::Ready((Ok(()), woken))
    }

    fn try_pass(&self, frame: &mut Option<Given>) -> Option<(Self::Pass, Woken)> {
        if self.0.is_forked() {
            return self
                .0
                .open()
                .err()
                .map(|error| (Err(error.into()), Woken::default()));
        }
        let (sent, woken) = self.0.try_send(frame)?;
        Some((sent.map_err(Refusal::Ended), woken))
    }

    fn leave(&self, frame: &mut Option<Given>, ticket: Ticket) -> Woken {
        let Ok(mut state) = self.0.open() else {
            return Woken::default();
        };
        if state.senders.leave(ticket) == crate::sync::waiters::Standing::Granted {
            let weight = frame.as_ref().map_or(0, Given::weight);
            state.promised = state.promised.saturating_sub(weight);
        }
        state.settle_senders()
    }
}

#[derive(Debug)]
pub struct Closing(pub Arc<Shared>);

impl Gate for Closing {
    /// What the peer is told, until it is.
    type Want = Option<(u16, String)>;
    type Pass = Result<(), Refusal>;

    fn poll(
        &self,
        close: &mut Option<(u16, String)>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Poll<(Self::Pass, Woken)> {
        let mut state = match self.0.open() {
            Ok(state) => state,
            Err(error) => return Poll::Ready((Err(error.into()), Woken::default())),
        };
        let woken = close
            .take()
            .map_or_else(Woken::default, |(code, reason)| state.begin_close(code, &reason));
        let is_over = state.is_over();
        let passed = state.closers.pass_if(is_over, ticket, waker);
        drop(state);
        match passed {
            Poll::Ready(()) => Poll::Ready((Ok(()), woken)),
            Poll::Pending => {
                woken.wake();
                Poll::Pending
            }
        }
    }

    fn try_pass(&self, _close: &mut Option<(u16, String)>) -> Option<(Self::Pass, Woken)> {
        match self.0.open() {
            Ok(state) => state.is_over().then(|| (Ok(()), Woken::default())),
            Err(error) => Some((Err(error.into()), Woken::default())),
        }
    }

    fn leave(&self, _close: &mut Option<(u16, String)>, ticket: Ticket) -> Woken {
        let Ok(mut state) = self.0.open() else {
            return Woken::default();
        };
        state.closers.leave(ticket);
        let waits = !state.is_over() && state.closers.is_empty();
        drop(state);
        // Nobody wants the peer's answer any more: cancel means stop.
        match waits {
            true => self
                .0
                .abort("closing it was cancelled on this side")
                .unwrap_or_default(),
            false => Woken::default(),
        }
    }
}

/// A door to one of a connection's gates. It keeps the object, whose end is the connection's.
macro_rules! door {
    ($name:ident, $gate:ident, $field:ident, $want:ty) => {
        #[derive(Debug)]
        pub struct $name(pub Py<WebSocket>);

        impl Deref for $name {
            type Target = $gate;

            fn deref(&self) -> &$gate {
                &self.0.get().$field
            }
        }

        impl Door for $name {
            fn traverse(&self, _want: &$want, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
                visit.call(&self.0)
            }

            fn spare() -> Option<&'static Spare> {
                static SPARE: Spare = Spare::new();
                Some(&SPARE)
            }
        }
    };
}

door!(ToReceive, Receiving, receiving, Wanted);
door!(ToSend, Sending, sending, Option<Given>);
door!(ToClose, Closing, closing, Option<(u16, String)>);
