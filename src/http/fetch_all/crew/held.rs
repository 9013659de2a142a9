//! What a worker holds while it waits, so that a panic there leaves nobody waiting for ever.

use super::super::attempt::{self, Done};
use super::super::robots_asked::Permission;
use super::Shared;

/// What makes up for an attempt that panics: whoever waits for its result gets an error.
pub struct Held<'a> {
    pub shared: &'a Shared,
    pub place: usize,
    /// None once it has ended as it should.
    pub lost: Option<Done>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let Some(done) = self.lost.take() else { return };
        let place = self.place;
        self.shared.change(false, |state, now| {
            if !state.stopped {
                state.finish(place, done, 0);
                state.book.ended(place, now, attempt::LOST, None);
            }
        });
    }
}

/// The same for the question what a host permits: nobody is to wait for its answer for ever.
pub struct HeldHost<'a> {
    pub shared: &'a Shared,
    pub place: usize,
    pub lost: bool,
}

impl Drop for HeldHost<'_> {
    fn drop(&mut self) {
        if self.lost {
            let permission = Permission::nothing("aioxide has a bug".to_owned());
            self.shared
                .change(false, |state, now| state.settle(self.place, permission, now));
        }
    }
}
