//! What is native of `aioxide.aiohttp`: the client that is shaped like aiohttp's.
//!
//! ```text
//! Session.get(url, ...)     on the loop thread
//!   -> call                 what most programs say is read here; the rest is left to `_request`, in Python
//! Operation                 for `await` and `async with`, both
//!   -> opening              up to the head, and what came with it of the body
//! ClientResponse            Python's, around the native response
//! ```
//!
//! - [`connections`]: what a connector owns: the pool, with no header of its own.
//! - [`call`]: the keyword arguments of a request, as far as they need no Python.
//! - [`head`]: the head of an answer, in aiohttp's form.
//! - [`opening`]: the work of a request.
//! - [`tracing`]: what happens to a request, while it happens.
//! - [`session`]: the class under `ClientSession`.

mod call;
pub mod connections;
pub mod head;
mod opening;
pub mod session;
pub mod tracing;
