//! A future that the thread which wants its end polls itself, as long as it has only a few steps.
//!
//! A task of tokio's costs two trips between threads: one to the worker that polls it, and one back with the end.
//! What is over in two or three steps, as a request on an open connection, is done sooner where it was begun.
//! What turns out to take long, or is about to do what would hold the thread up, goes [`away`] to tokio.
//!
//! Invariant: the future is polled within the runtime, so that timers and sockets work as in a task, and by one
//! thread at a time. In a forked child it is forgotten, as a [`Job`] is.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::job::{self, Job};
use super::{engine, epoch};
use crate::error::{Error, Result};

/// How often it is polled here: to begin, for the head of an answer, for its body, and twice for nothing.
const STEPS: u32 = 5;

/// See the head of this file. Dropping it stops the future.
pub struct Near<F: Future>(State<F>);

enum State<F: Future> {
    Here {
        future: Pin<Box<F>>,
        left: u32,
        epoch: u32,
    },
    Away(Job<F::Output>),
    Over,
}

impl<F: Future> fmt::Debug for Near<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Here { .. } => "Near(here)",
            State::Away(_) => "Near(away)",
            State::Over => "Near(over)",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// This thread polls no near future.
    No,
    Near,
    /// The near future that it polls wants to go on elsewhere.
    Leaving,
}

thread_local! {
    static STEP: Cell<Step> = const { Cell::new(Step::No) };
}

/// Whether what calls this is polled on the thread that waits for it.
pub fn is_near() -> bool {
    STEP.get() != Step::No
}

/// Goes on as a task of tokio's, if it is not one.
pub async fn away() {
    poll_fn(|_| {
        if is_near() {
            STEP.set(Step::Leaving);
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

impl<F> Near<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    pub fn new(future: F) -> Self {
        Self(State::Here {
            future: Box::pin(future),
            left: STEPS,
            epoch: epoch(),
        })
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<Result<F::Output>> {
        let State::Here { future, left, .. } = &mut self.0 else {
            return Poll::Ready(Err(Error::runtime("this work has already been taken")));
        };
        *left = left.saturating_sub(1);
        let last = *left == 0;
        let _within = engine()?.handle.enter();
        let before = STEP.replace(Step::Near);
        let outcome = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        let leaving = STEP.replace(before) == Step::Leaving;
        match outcome {
            Ok(Poll::Ready(value)) => {
                self.0 = State::Over;
                return Poll::Ready(Ok(value));
            }
            Ok(Poll::Pending) => {}
            Err(_) => {
                self.0 = State::Over;
                return Poll::Ready(Err(job::panicked()));
            }
        }
        if last || leaving {
            self.leave()?;
            return Pin::new(self).poll(cx);
        }
        Poll::Pending
    }

    fn leave(&mut self) -> Result<()> {
        if let State::Here { future, .. } = std::mem::replace(&mut self.0, State::Over) {
            self.0 = State::Away(super::spawn(future)?);
        }
        Ok(())
    }
}

impl<F> Future for Near<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Output = Result<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match &mut this.0 {
            State::Here { epoch: begun, .. } if *begun != epoch() => Poll::Ready(Err(job::forked())),
            State::Here { .. } => this.step(cx),
            State::Away(job) => Pin::new(job).poll(cx),
            State::Over => Poll::Ready(Err(Error::runtime("this operation has already been taken"))),
        }
    }
}

// The future is in a box of its own.
impl<F: Future> Unpin for Near<F> {}

impl<F: Future> Drop for Near<F> {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut self.0, State::Over);
        match state {
            State::Here { epoch: begun, .. } if begun != epoch() => std::mem::forget(state),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::sync::Arc;
    use std::thread::{self, ThreadId};
    use std::time::Duration;

    use super::*;

    fn here() -> ThreadId {
        thread::current().id()
    }

    fn wait<F>(near: Near<F>) -> Result<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        // Not a runtime's own: what waits must not need one.
        struct Unpark(thread::Thread);
        impl std::task::Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Arc::new(Unpark(thread::current())).into();
        let mut near = near;
        loop {
            match Pin::new(&mut near).poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(outcome) => return outcome,
                Poll::Pending => thread::park_timeout(Duration::from_secs(10)),
            }
        }
    }

    #[test]
    fn few_steps_are_taken_here() {
        let near = Near::new(async {
            assert!(is_near());
            tokio::time::sleep(Duration::from_millis(1)).await;
            here()
        });
        assert_eq!(wait(near).unwrap(), here());
        assert!(!is_near());
    }

    #[test]
    fn many_steps_are_taken_elsewhere() {
        let near = Near::new(async {
            for _ in 0..STEPS {
                tokio::task::yield_now().await;
            }
            (is_near(), here())
        });
        let (near, there) = wait(near).unwrap();
        assert!(!near);
        assert_ne!(there, here());
    }

    #[test]
    fn who_wants_to_leave_leaves_at_once() {
        let near = Near::new(async {
            let before = here();
            away().await;
            let after = here();
            away().await;
            (before, after, here())
        });
        let (before, after, last) = wait(near).unwrap();
        assert_eq!(before, here());
        assert_ne!(after, here());
        assert_ne!(last, here());
    }

    #[test]
    fn a_panic_is_an_error() {
        let near = Near::new(async {
            if is_near() {
                std::panic::resume_unwind(Box::new("on purpose"));
            }
        });
        let error = wait(near).unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
        assert!(!is_near());
    }

    #[test]
    fn one_that_is_dropped_stops() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let mut near = Near::new(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        assert!(
            Pin::new(&mut near)
                .poll(&mut Context::from_waker(std::task::Waker::noop()))
                .is_pending()
        );
        drop(near);
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}
