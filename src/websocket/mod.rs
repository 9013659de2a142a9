//! WebSockets: client and server, RFC 6455, with permessage-deflate, RFC 7692.
//!
//! ```text
//! connect_ws   -> connect    dials, asks, checks the answer      \
//!                                                                 -> opening -> WebSocket
//! serve_ws     -> listener   accepts; welcome checks and answers  /
//!
//! WebSocket.receive <- inbox  <- driver <- incoming <- stream
//! WebSocket.send    -> outbox -> driver -> wire     -> stream
//! ```
//!
//! - [`state`]: what the Python side and the driver share; [`shared`]: that, and the wire.
//! - [`driver`]: the one task of a connection. [`keepalive`]: its clock.
//! - [`incoming`], [`wire`]: frames read and written. [`mask`], [`deflate`]: what is done to their payloads.
//! - [`payload`]: what is given to be sent.
//! - [`socket`]: the Python class; [`gates`]: what its operations wait for.

pub mod asking;
pub mod broadcast;
pub mod call;
mod connect;
mod deflate;
mod driver;
mod error;
mod extensions;
mod gates;
mod head;
mod incoming;
mod keepalive;
pub mod listener;
mod mask;
mod message;
mod opening;
mod options;
mod payload;
mod pinging;
mod refusal;
mod shared;
pub mod socket;
mod state;
mod welcome;
mod wire;
