//! The jar: a store behind a lock, for a client and whoever shares it with that.
//!
//! Invariant: `count` is what the store has whenever the lock is free, so that an empty jar costs a load.
//! The lock is held for some microseconds, by threads with the interpreter and without; nothing is
//! waited for under it. It is one of the standard library's: those of parking_lot share a table of who waits,
//! which a fork could leave locked.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::cookie::{Cookie, Origin, now};
use super::customs::Customs;
use super::header::Line;
use super::set_cookie;
use super::store::Store;
use crate::runtime;

/// Who holds a lock for longer than this after a fork is a thread of the parent, which is not there.
const LONGEST_HELD: Duration = Duration::from_millis(200);

/// Cookies by RFC 6265bis, shared as an `Arc`.
pub struct Jar {
    store: Mutex<Store>,
    count: AtomicUsize,
    /// In which process, counted in forks, the lock was last known to be sound.
    epoch: AtomicU32,
    /// None: by the RFC.
    customs: Option<Customs>,
    /// What a forked child uses if the fork came while the parent held the lock: an empty store.
    anew: OnceLock<Mutex<Store>>,
}

impl Default for Jar {
    fn default() -> Self {
        Self::new()
    }
}

impl Jar {
    pub fn new() -> Self {
        Self {
            store: Mutex::default(),
            count: AtomicUsize::new(0),
            epoch: AtomicU32::new(runtime::epoch()),
            customs: None,
            anew: OnceLock::new(),
        }
    }

    /// A jar that does some things as aiohttp's.
    pub fn with_customs(customs: Customs) -> Self {
        Self {
            store: Mutex::new(Store::loose()),
            customs: Some(customs),
            ..Self::new()
        }
    }

    /// The value of the `Cookie` header of a request to `url`; None if no cookie is for it.
    pub fn header(&self, url: &Url) -> Option<HeaderValue> {
        if self.is_empty() {
            return None;
        }
        let mut origin = Origin::of(url)?;
        let Some(customs) = &self.customs else {
            return self.with(|store| {
                let mut line = Line::default();
                line.extend_with(&store.matching(&origin, now()));
                line.into_value()
            });
        };
        origin.secure = customs.is_secure(url);
        self.with(|store| {
            let mut line = Line::default();
            for (name, value) in customs.chosen(store.matching(&origin, now()), &origin) {
                line.push(name, &value);
            }
            line.into_value()
        })
    }

    /// Keeps the cookies that a response from `url` sets; what breaks a rule is passed over.
    pub fn store(&self, url: &Url, headers: &HeaderMap) {
        if headers.contains_key(SET_COOKIE) {
            let values = headers.get_all(SET_COOKIE);
            self.store_values(url, values.iter().map(HeaderValue::as_bytes));
        }
    }

    /// The same, of the values of the headers.
    pub fn store_values<'a>(&self, url: &Url, values: impl IntoIterator<Item = &'a [u8]>) {
        let Some(mut origin) = Origin::of(url) else {
            return;
        };
        let now = now();
        let values = values.into_iter();
        let cookies: Vec<Cookie> = match &self.customs {
            None => values
                .filter_map(|value| set_cookie::parse(value, &origin, now))
                .collect(),
            Some(customs) if customs.ignores(&origin) => return,
            Some(customs) => {
                origin.secure = customs.is_secure(url);
                values
                    .filter_map(|value| customs.parse(value, &origin, now))
                    .collect()
            }
        };
        if cookies.is_empty() {
            return;
        }
        self.with(|store| {
            for cookie in cookies {
                store.receive(cookie, &origin, now);
            }
        });
    }

    /// Whether there is none; true for sure only if nobody changes it meanwhile. An expired one may still count.
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Keeps cookies of the program, whose word is taken for all they say.
    pub fn set(&self, cookies: impl IntoIterator<Item = Cookie>) {
        let now = now();
        self.with(|store| {
            for cookie in cookies {
                store.set(cookie, now);
            }
        });
    }

    /// All of them, in the order in which they were first set.
    pub fn all(&self) -> Vec<Cookie> {
        self.select(|_| true)
    }

    /// Those that `is_wanted` says.
    pub fn select(&self, is_wanted: impl Fn(&Cookie) -> bool) -> Vec<Cookie> {
        if self.is_empty() {
            return Vec::new();
        }
        self.with(|store| {
            let all = store.all(now());
            all.into_iter()
                .filter(|cookie| is_wanted(cookie))
                .cloned()
                .collect()
        })
    }

    /// Removes those that `is_doomed` says; how many.
    pub fn remove(&self, is_doomed: impl Fn(&Cookie) -> bool) -> usize {
        self.with(|store| store.remove(is_doomed))
    }

    fn with<T>(&self, action: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = self.open();
        let outcome = action(&mut store);
        self.count.store(store.count(), Ordering::Release);
        outcome
    }

    fn anew_store(&self) -> Mutex<Store> {
        Mutex::new(match self.customs {
            None => Store::default(),
            Some(_) => Store::loose(),
        })
    }

    fn open(&self) -> MutexGuard<'_, Store> {
        let epoch = runtime::epoch();
        if self.epoch.load(Ordering::Relaxed) == epoch {
            return sound(self.store.lock());
        }
        if let Some(anew) = self.anew.get() {
            return sound(anew.lock());
        }
        let deadline = Instant::now() + LONGEST_HELD;
        loop {
            match self.store.try_lock() {
                Ok(store) => {
                    self.epoch.store(epoch, Ordering::Relaxed);
                    return store;
                }
                Err(TryLockError::Poisoned(poisoned)) => {
                    self.epoch.store(epoch, Ordering::Relaxed);
                    return poisoned.into_inner();
                }
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::yield_now(),
                Err(TryLockError::WouldBlock) => {
                    return sound(self.anew.get_or_init(|| self.anew_store()).lock());
                }
            }
        }
    }
}

/// Nothing panics under the lock; if it did, the cookies would still be cookies.
fn sound<'a, T>(locked: Result<MutexGuard<'a, T>, PoisonError<MutexGuard<'a, T>>>) -> MutexGuard<'a, T> {
    locked.unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jar({} cookies)", self.count.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// A jar that a forked child finds: it was sound in another process.
    fn inherited() -> Jar {
        let jar = Jar::new();
        jar.set([Cookie::for_every_host(b"a", b"1")]);
        jar.epoch
            .store(runtime::epoch().wrapping_sub(1), Ordering::Relaxed);
        jar
    }

    #[test]
    fn a_forked_child_has_the_cookies() {
        assert_eq!(inherited().all().len(), 1);
    }

    #[test]
    fn a_forked_child_does_not_wait_for_a_thread_of_its_parent() {
        let jar = inherited();
        let held = jar.store.lock().unwrap();
        assert!(jar.all().is_empty());
        jar.set([Cookie::for_every_host(b"b", b"2")]);
        let url = Url::parse("http://site.test/").unwrap();
        assert_eq!(jar.header(&url).unwrap(), "b=2");
        drop(held);
    }

    #[test]
    fn what_is_shown_of_a_header_is_not_its_value() {
        let url = Url::parse("http://site.test/").unwrap();
        let jar = inherited();
        assert!(jar.header(&url).unwrap().is_sensitive());
        assert!(!format!("{jar:?} {:?} {:?}", jar.all(), jar.header(&url)).contains('='));
    }
}
