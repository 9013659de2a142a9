//! A ping that is waited for.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::error::{closed, refused};
use super::socket::WebSocket;
use crate::bridge::{Native, Step, Turn, Work};
use crate::runtime::Job;

/// The work of `ping`. Dropping it leaves the ping on its way, and nobody waits for the pong.
#[derive(Debug)]
pub struct Pinging {
    socket: Py<WebSocket>,
    payload: Bytes,
    /// From the first step on.
    answer: Option<Job<Option<f64>>>,
}

impl Pinging {
    pub fn new(socket: Py<WebSocket>, payload: Bytes) -> Self {
        Self {
            socket,
            payload,
            answer: None,
        }
    }
}

impl Work for Pinging {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        let socket = self.socket.get();
        let answer = match &mut self.answer {
            Some(answer) => answer,
            none => match socket.begin_ping(std::mem::take(&mut self.payload)) {
                Ok((answer, driver)) => {
                    if let Some(driver) = driver {
                        driver.wake();
                    }
                    none.insert(answer)
                }
                Err(refusal) => return Step::Done(Err(refused(py, refusal))),
            },
        };
        let waker = turn.waker(py);
        let outcome = match Pin::new(answer).poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => return Step::Pending,
            Poll::Ready(outcome) => outcome,
        };
        let value = match outcome {
            Ok(Some(seconds)) => seconds
                .into_pyobject(py)
                .map(|seconds| seconds.into_any().unbind()),
            Ok(None) => {
                let end = socket.shared().open().map(|state| state.end.clone());
                return Step::Done(match end {
                    Ok(Some(end)) => Err(closed(py, &end)),
                    Ok(None) => Ok(py.None()),
                    Err(error) => Err(error.into()),
                });
            }
            Err(error) => return Step::Done(Err(error.into())),
        };
        Step::Done(value.map_err(Into::into))
    }

    fn detach(self: Box<Self>) -> Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.socket)
    }
}
