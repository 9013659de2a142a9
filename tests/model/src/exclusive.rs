//! Loom's lock under the interface of parking_lot's: each `lock` is a point where loom may switch threads.

use std::ops::{Deref, DerefMut};
use std::sync::{self, TryLockError};
use std::thread;

use loom::sync::{Mutex as Turn, MutexGuard as InTurn};

#[derive(Debug)]
pub struct Mutex<T> {
    turn: Turn<()>,
    /// Never contended: who has the turn has this.
    value: sync::Mutex<T>,
}

#[derive(Debug)]
pub struct Guard<'a, T> {
    // Dropped in this order.
    value: sync::MutexGuard<'a, T>,
    _turn: Option<InTurn<'a, ()>>,
}

impl<T> Mutex<T> {
    pub fn new(value: T) -> Self {
        Self {
            turn: Turn::new(()),
            value: sync::Mutex::new(value),
        }
    }

    /// Without loom where a model has failed: its threads are taken down then, and what they drop comes here.
    pub fn lock(&self) -> Guard<'_, T> {
        let turn = (!thread::panicking()).then(|| self.turn.lock().expect("loom's locks are not poisoned"));
        let value = match self.value.try_lock() {
            Ok(value) => value,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => panic!("two have the lock"),
        };
        Guard { value, _turn: turn }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}
