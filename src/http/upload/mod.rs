//! The body of a request, from what the caller has to the frames that hyper sends.
//!
//! ```text
//! content=, data=, json=, files=     given: which of them, and as what type
//!   -> content, multipart            what each may be; a Payload, and the Feeds of its iterators
//! Payload                            plain data: bytes, or a Streamed of bytes, files and pipes
//!   -> Body                          one attempt's frames; dropped, the rest is not sent
//! Feeds                              the Python half: iterators, each with the pipe that it fills
//!   -> Fed                           an operation's work, with the tasks that feed it
//! ```
//!
//! Nothing of Python is in a payload, so that it may live and die on tokio.

mod body;
mod boundary;
pub mod content;
pub mod fed;
pub mod feeding;
mod file;
mod frames;
pub mod framing;
pub mod given;
pub mod left;
mod multipart;
mod pace;
mod part;
mod payload;
mod pipe;
mod room;
pub mod streamed;

pub use body::{Body, Error};
pub use frames::Frames;
pub use pace::Pace;
pub use payload::Payload;
pub use streamed::Streamed;
