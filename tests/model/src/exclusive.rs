//! Loom's lock under the interface of parking_lot's: each `lock` is a point where loom may switch threads.

use std::sync::PoisonError;

pub use loom::sync::MutexGuard;

#[derive(Debug)]
pub struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
