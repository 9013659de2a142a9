//! Whoever waits is woken, by the waker that it came with last.
