//! Whether a loop turns, by asking it to: one question an interval, and the time of each answer.
//!
//! The loop is asked through its mailbox, so an idle one is woken and a busy one answers between two
//! callbacks. A question that is open for the threshold is a stall. It lasts until the answer, and its
//! length is counted from the question: what came before, up to an interval, is not known.
//!
//! Nothing here touches the interpreter. The locks are the standard library's, which unlike parking_lot's
//! share nothing in the process: in a forked child nobody takes them, and nothing else waits for them.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::runtime;

/// How often a loop is looked at, at most, that does not turn: for each look the interpreter is needed.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What the watching thread waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The loop owes an answer since the threshold.
    Stalled,
    /// It still does, some time after that: has it ceased to run?
    Lasting,
    /// A stall is over, which was so long.
    Over(Duration),
    /// Nobody wants to know any more.
    Ended,
}

/// One for each start of a watchdog, shared by its two threads.
#[derive(Debug)]
pub struct Watch {
    threshold: Duration,
    interval: Duration,
    /// Asks the loop to turn.
    waker: Waker,
    /// The process, counted in forks, that has the watching thread.
    epoch: u32,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// The last question.
    asked: Option<Instant>,
    /// Its answer.
    answered: Option<Instant>,
    /// Python's number of the thread that runs the loop.
    loop_thread: u64,
    /// [`Found::Stalled`] was given, and [`Found::Over`] was not yet.
    stalled: bool,
    /// The loop has been seen to run during that stall.
    confirmed: bool,
    /// The loop was not running when it was looked at last.
    resting: bool,
    ended: Option<Instant>,
    watcher: Option<ThreadId>,
    place: Place,
}

/// Where the watching thread is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In Python: before its first call, in a callback.
    Outside,
    Inside,
    /// It has ended, or is about to.
    Left,
}

impl State {
    fn owes(&self) -> bool {
        self.asked.is_some() && self.answered.is_none()
    }

    /// What there is to say without waiting.
    fn found(&mut self) -> Option<Found> {
        let until = self.answered.filter(|_| self.stalled).or(self.ended)?;
        match self.asked.filter(|_| self.stalled) {
            Some(asked) => {
                self.stalled = false;
                self.confirmed = false;
                Some(Found::Over(until.saturating_duration_since(asked)))
            }
            None => Some(Found::Ended),
        }
    }
}

impl Watch {
    pub fn new(threshold: Duration, interval: Duration, waker: Waker, loop_thread: u64) -> Self {
        Self {
            threshold,
            interval,
            waker,
            epoch: runtime::epoch(),
            state: Mutex::new(State {
                asked: None,
                answered: None,
                loop_thread,
                stalled: false,
                confirmed: false,
                resting: false,
                ended: None,
                watcher: None,
                place: Place::Outside,
            }),
            changed: Condvar::new(),
        }
    }

    /// None in a forked child: the watching thread is not there, and may have held the lock.
    fn lock(&self) -> Option<MutexGuard<'_, State>> {
        (self.epoch == runtime::epoch()).then(|| self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn wait_for_change<'a>(
        &self,
        state: MutexGuard<'a, State>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, State> {
        match until {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                let outcome = self.changed.wait_timeout(state, left);
                outcome.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    // ---- the loop's thread ----

    /// The loop has turned.
    pub fn answer(&self, loop_thread: u64) {
        let Some(mut state) = self.lock() else { return };
        if state.owes() {
            state.answered = Some(Instant::now());
        }
        state.loop_thread = loop_thread;
        // It has begun to run again.
        if mem::take(&mut state.resting) {
            state.stalled = false;
        }
        // The next question comes by the clock. Only who waits for the end of a stall is woken.
        if state.stalled {
            self.changed.notify_all();
        }
    }

    /// Nobody wants to know any more: a stall that goes on is over by this.
    pub fn end(&self) {
        let Some(mut state) = self.lock() else { return };
        state.ended.get_or_insert_with(Instant::now);
        self.changed.notify_all();
    }

    /// The loop is closed, so it was not running: what was not known for a stall before is none.
    pub fn close(&self) {
        if let Some(mut state) = self.lock() {
            state.stalled &= state.confirmed;
        }
        self.end();
    }

    pub fn is_over(&self) -> bool {
        self.lock().is_none_or(|state| state.ended.is_some())
    }

    /// Waits until the watching thread has said all that it has to say, at most for `patience`; not at all
    /// on that thread itself, and where there is none.
    pub fn wait_left(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let Some(mut state) = self.lock() else { return };
        if state.watcher == Some(thread::current().id()) {
            return;
        }
        while state.place != Place::Left && Instant::now() < until {
            state = self.wait_for_change(state, Some(until));
        }
    }

    /// Waits until the watching thread runs no code of ours; after [`end`](Self::end) it only has to get the
    /// interpreter for that.
    pub fn wait_outside(&self) {
        let Some(mut state) = self.lock() else { return };
        while state.place == Place::Inside {
            state = self.wait_for_change(state, None);
        }
    }

    // ---- the watching thread ----

    /// From here to the guard's end the watching thread runs code of ours.
    pub fn enter(self: &Arc<Self>) -> Inside {
        if let Some(mut state) = self.lock() {
            state.watcher = Some(thread::current().id());
        }
        self.move_to(Place::Inside);
        Inside(Arc::clone(self))
    }

    /// The watching thread calls nothing here any more.
    pub fn leave(&self) {
        self.move_to(Place::Left);
    }

    fn move_to(&self, place: Place) {
        if let Some(mut state) = self.lock()
            && state.place != Place::Left
        {
            state.place = place;
            self.changed.notify_all();
        }
    }

    /// What [`wait`](Self::wait) would give at once.
    pub fn found(&self) -> Option<Found> {
        self.lock().map_or(Some(Found::Ended), |mut state| state.found())
    }

    /// Asks the loop once an interval, until there is something to say.
    pub fn wait(&self) -> Found {
        let Some(mut state) = self.lock() else {
            return Found::Ended;
        };
        let mut look = None;
        // When this thread should be here again at the latest.
        let mut expected = Instant::now();
        loop {
            if let Some(found) = state.found() {
                return found;
            }
            let now = Instant::now();
            // It needs nothing but a processor. If it comes late by so much, wherever it was, the process was
            // stopped or the machine slept, and the loop with it.
            if state.owes() && !state.stalled && now > expected + self.threshold / 2 {
                state.asked = Some(now);
            }
            expected = now;
            if state.stalled {
                if *look.get_or_insert(now + LOOK_AGAIN.max(self.threshold)) <= now {
                    return Found::Lasting;
                }
                state = self.wait_for_change(state, look);
                continue;
            }
            let due = self.due(&state, now);
            if now < due {
                state = self.wait_for_change(state, Some(due));
                expected = due;
            } else if state.owes() {
                state.stalled = true;
                return Found::Stalled;
            } else {
                state.asked = Some(now);
                state.answered = None;
                drop(state);
                self.waker.wake_by_ref();
                match self.lock() {
                    Some(locked) => state = locked,
                    None => return Found::Ended,
                }
            }
        }
    }

    /// When to look again.
    fn due(&self, state: &State, now: Instant) -> Instant {
        let Some(asked) = state.asked else { return now };
        let next = asked + self.interval;
        if !state.owes() {
            return next;
        }
        let late = match state.resting {
            false => asked + self.threshold,
            true => asked + LOOK_AGAIN.max(self.threshold),
        };
        // One look for both, where the answer came as it should.
        if now < next.min(late) {
            next.min(late)
        } else {
            late
        }
    }

    /// How long the stall has lasted that [`Found::Stalled`] told of, and the loop's thread; None if it is
    /// over meanwhile.
    pub fn lasting(&self) -> Option<(Duration, u64)> {
        let state = self.lock()?;
        let asked = state.asked.filter(|_| state.owes() && state.ended.is_none())?;
        Some((asked.elapsed(), state.loop_thread))
    }

    /// Python's number of the thread that runs the loop; 0 in a forked child.
    pub fn loop_thread(&self) -> u64 {
        self.lock().map_or(0, |state| state.loop_thread)
    }

    /// Says whether the loop was found to run, and with that, whether it was a stall after all.
    ///
    /// A loop that is between two runs owes nothing; and one that was a moment ago has only just begun.
    pub fn is_stall(&self, running: bool) -> bool {
        let Some(mut state) = self.lock() else {
            return false;
        };
        let rested = mem::replace(&mut state.resting, !running);
        state.confirmed = running && !rested;
        if state.confirmed {
            return true;
        }
        state.stalled = false;
        if state.owes() {
            state.asked = Some(Instant::now());
        }
        false
    }

    /// The loop has ceased to run without another turn: that is the end of a stall.
    pub fn rest(&self) {
        if let Some(mut state) = self.lock()
            && state.owes()
        {
            state.answered = Some(Instant::now());
        }
    }
}

/// See [`Watch::enter`].
#[derive(Debug)]
pub struct Inside(Arc<Watch>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.move_to(Place::Outside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::task::Wake;

    const SHORT: Duration = Duration::from_millis(2);
    /// Nothing comes to this in a test.
    const LONG: Duration = Duration::from_secs(600);

    fn unheard(threshold: Duration) -> Watch {
        Watch::new(threshold, SHORT, Waker::noop().clone(), 7)
    }

    fn over(watch: &Watch) -> Duration {
        match watch.found() {
            Some(Found::Over(length)) => length,
            found => unreachable!("{found:?}"),
        }
    }

    /// A loop that answers at once, and closes after ten turns.
    #[derive(Default)]
    struct Turning {
        watch: OnceLock<Arc<Watch>>,
        turns: AtomicU32,
    }

    impl Wake for Turning {
        fn wake(self: Arc<Self>) {
            let Some(watch) = self.watch.get() else { return };
            watch.answer(8);
            if self.turns.fetch_add(1, Relaxed) == 9 {
                watch.close();
            }
        }
    }

    #[test]
    fn a_loop_that_answers_is_asked_again_and_again() {
        let turning = Arc::new(Turning::default());
        let waker = Waker::from(Arc::clone(&turning));
        let watch = Arc::new(Watch::new(LONG, SHORT, waker, 7));
        assert!(turning.watch.set(Arc::clone(&watch)).is_ok());
        let begin = Instant::now();
        assert_eq!(watch.wait(), Found::Ended);
        assert_eq!(turning.turns.load(Relaxed), 10);
        assert!(begin.elapsed() >= 9 * SHORT);
        assert_eq!(watch.loop_thread(), 8);
        assert!(watch.is_over());
    }

    #[test]
    fn a_question_left_open_is_a_stall_until_the_answer() {
        let watch = unheard(SHORT);
        assert_eq!(watch.wait(), Found::Stalled);
        assert!(
            watch
                .lasting()
                .is_some_and(|(length, thread)| length >= SHORT && thread == 7)
        );
        assert!(watch.is_stall(true));
        assert_eq!(watch.found(), None);
        assert_eq!(watch.wait(), Found::Lasting);
        watch.answer(7);
        assert_eq!(watch.lasting(), None);
        assert!(over(&watch) >= SHORT);
        assert_eq!(watch.found(), None);
    }

    #[test]
    fn the_end_is_the_end_of_a_stall() {
        for end in [Watch::end, Watch::close] {
            let watch = unheard(SHORT);
            assert_eq!(watch.wait(), Found::Stalled);
            assert!(watch.is_stall(true));
            end(&watch);
            assert!(over(&watch) >= SHORT);
            assert_eq!(watch.wait(), Found::Ended);
        }
    }

    #[test]
    fn a_loop_that_ceases_to_run_is_stuck_no_more() {
        let watch = unheard(SHORT);
        assert_eq!(watch.wait(), Found::Stalled);
        assert!(watch.is_stall(true));
        watch.rest();
        assert!(over(&watch) >= SHORT);
        assert_eq!(watch.wait(), Found::Stalled);
        assert!(!watch.is_stall(false));
    }

    #[test]
    fn a_loop_that_was_closed_before_it_was_looked_at_had_no_stall() {
        let watch = unheard(SHORT);
        assert_eq!(watch.wait(), Found::Stalled);
        watch.close();
        assert_eq!(watch.wait(), Found::Ended);
    }

    #[test]
    fn a_loop_that_does_not_run_owes_nothing() {
        let watch = unheard(SHORT);
        for running in [false, false, true] {
            assert_eq!(watch.wait(), Found::Stalled);
            assert!(!watch.is_stall(running));
        }
        assert_eq!(watch.wait(), Found::Stalled);
        assert!(watch.is_stall(true));
    }

    #[test]
    fn a_loop_that_begins_to_run_again_was_not_stuck() {
        let watch = unheard(SHORT);
        assert_eq!(watch.wait(), Found::Stalled);
        assert!(!watch.is_stall(false));
        assert_eq!(watch.wait(), Found::Stalled);
        watch.answer(7);
        assert_eq!(watch.found(), None);
    }

    /// The process is stopped while the loop is asked.
    struct Stopped(Duration);

    impl Wake for Stopped {
        fn wake(self: Arc<Self>) {
            thread::sleep(self.0);
        }
    }

    #[test]
    fn a_stop_between_the_question_and_the_wait_is_no_stall() {
        let threshold = Duration::from_secs(1);
        let waker = Waker::from(Arc::new(Stopped(threshold * 2)));
        let watch = Arc::new(Watch::new(threshold, threshold / 10, waker, 1));
        let watching = thread::spawn({
            let watch = Arc::clone(&watch);
            move || watch.wait()
        });
        thread::sleep(threshold * 2 + threshold / 2);
        watch.end();
        assert!(watching.join().is_ok_and(|found| found == Found::Ended));
    }
}
