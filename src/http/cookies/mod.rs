//! Cookies by RFC 6265bis, with the public suffix list compiled in.
//!
//! ```text
//! Set-Cookie -> set_cookie, date -> Cookie -> Jar (a lock) -> Store     pure Rust, on any thread
//! Cookie     <- header <- matching <-------------------------- Store
//! aioxide.Cookies                                          a thin class over an Arc<Jar>
//!   <- given      whatever Python has for cookies
//!   <-> file      cookies.txt
//! Customs                  what aiohttp does in other ways, for the jars of its drop-in
//! ```
//!
//! The crates there are for this leave out what matters to a client (limits, order, prefixes, who may
//! overwrite what), so only the list comes from one: `psl`.

mod choice;
mod cookie;
pub mod customs;
mod date;
mod file;
mod given;
mod header;
mod jar;
pub mod mapping;
mod program;
pub mod record;
mod set_cookie;
mod store;

pub use given::{jar_from_python, pairs_for, pairs_from_python};
pub use header::{join, put};
pub use jar::Jar;
pub use mapping::Cookies;
