//! `fetch_all`: many requests, a few at a time, wholly on tokio.
//!
//! ```text
//! loop thread                                      | tokio
//! face        what the user holds: starts a run    |
//! run         hands out results; taking: who waits |
//!   pulling   takes in URLs                        |
//!   recipe    a URL and the options -> Work -------+-> crew      lead and workers
//!                                                  |     book    which is next: hosts, paces, limits
//!                                                  |       host, adapt
//!                                                  |     robots_asked
//!                                                  |     attempt one exchange, and what comes of it
//!   result  <- Done  ------------------------------+--   outbox, tally
//! ```
//!
//! URLs are pulled by whoever asks for the next result, as long as fewer wait than can be made soon, so a source
//! of any length takes the memory of those few; and who is slow to take results holds it all back.

mod adapt;
mod attempt;
mod book;
mod crew;
mod desk;
pub mod face;
mod host;
mod outbox;
mod pulling;
mod recipe;
pub mod result;
mod robots_asked;
pub mod run;
pub mod statistics;
mod taking;
mod tally;
