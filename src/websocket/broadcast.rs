//! One message to many: its bytes are taken over once, and no connection waits for another.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::message::Outgoing;
use super::payload;
use super::socket::WebSocket;
use crate::sync::waiters::Woken;
use crate::sync::waits::wake;

/// What becomes of a connection that does not take what is sent as fast as it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slow {
    /// Its messages are kept, however many.
    Buffer,
    /// It does without this message.
    Skip,
    /// It is closed.
    Close,
}

/// "Try again later", of the registry that RFC 6455 begins.
const TRY_AGAIN: u16 = 1013;

/// Sends `message` to each of `connections` and waits for none; says to how many.
#[pyfunction]
#[pyo3(signature = (connections, message, *, slow="buffer"))]
pub fn broadcast(
    py: Python<'_>,
    connections: &Bound<'_, PyAny>,
    message: &Bound<'_, PyAny>,
    slow: &str,
) -> PyResult<usize> {
    let slow = match slow {
        "buffer" => Slow::Buffer,
        "skip" => Slow::Skip,
        "close" => Slow::Close,
        other => {
            return Err(PyValueError::new_err(format!(
                "slow must be 'buffer', 'skip' or 'close', not '{}'",
                other.escape_debug()
            )));
        }
    };
    let (opcode, payload) = payload::message(message)?;
    let frame = Outgoing {
        opcode,
        last: true,
        payload: payload.into_bytes(),
        compress: true,
    };
    let mut woken = Woken::default();
    let mut count = 0;
    for one in connections.try_iter()? {
        let one = one?;
        let socket = one.cast::<WebSocket>()?;
        let mut state = socket.get().shared().open()?;
        if state.refusal().is_some() {
            continue;
        }
        if slow != Slow::Buffer && !state.has_room() {
            if slow == Slow::Close {
                // What it has not taken by now it need not take any more.
                state.outbox.clear();
                state.queued = 0;
                woken.extend(state.begin_close(TRY_AGAIN, "too slow"));
            }
            continue;
        }
        state.queue(frame.clone());
        woken.add(state.driver.clone());
        count += 1;
    }
    wake(py, woken)?;
    Ok(count)
}
