//! How many threads the runtime has.

use std::env;
use std::thread;

use crate::error::{Error, Result};

/// The environment variable that overrides the number of worker threads.
const WORKERS: &str = "AIOXIDE_WORKERS";

/// The environment variable that overrides how many functions `to_thread` runs at a time.
const THREADS: &str = "AIOXIDE_THREADS";

/// More would be a mistyped number: each is a thread that competes with the loop's.
const MOST: usize = 512;

/// Two workers keep up with one interpreter on every machine measured (docs/design/bridge.md), and
/// further ones take the core that Python's half of an operation needs. One core gets one.
const DEFAULT_WORKERS: usize = 2;

/// What asyncio's own pool has: this many above the number of cores, and no more than that in all.
const EXTRA_THREADS: usize = 4;
const MOST_DEFAULT_THREADS: usize = 32;

fn cores() -> usize {
    thread::available_parallelism().map_or(1, Into::into)
}

/// The number of worker threads: `AIOXIDE_WORKERS`, or the measured default.
pub(super) fn workers() -> Result<usize> {
    number(WORKERS, || DEFAULT_WORKERS.min(cores()))
}

/// How many blocking functions run at a time: `AIOXIDE_THREADS`, or as many as with asyncio.
pub fn threads() -> Result<usize> {
    number(THREADS, || MOST_DEFAULT_THREADS.min(cores() + EXTRA_THREADS))
}

fn number(variable: &str, default: impl FnOnce() -> usize) -> Result<usize> {
    match env::var_os(variable) {
        None => Ok(default()),
        Some(text) => parse(variable, &text.to_string_lossy()),
    }
}

fn parse(variable: &str, text: &str) -> Result<usize> {
    match text.trim().parse() {
        Ok(count) if (1..=MOST).contains(&count) => Ok(count),
        _ => Err(Error::value(format!(
            "{variable} must be a whole number from 1 to {MOST}, not {text:?}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn whole_numbers_within_bounds_are_taken() {
        for (text, count) in [("1", 1), (" 4 ", 4), ("512", 512)] {
            assert_eq!(parse(WORKERS, text).ok(), Some(count));
        }
    }

    #[test]
    fn everything_else_is_a_value_error_that_names_the_variable() {
        for text in ["", "0", "-1", "513", "two", "1.5"] {
            let error = parse(WORKERS, text)
                .err()
                .map(|error| (error.kind(), error.to_string()));
            assert!(
                matches!(&error, Some((Kind::Value, message)) if message.contains(WORKERS)),
                "{text:?} gave {error:?}"
            );
        }
    }
}
