//! The cookies of a jar, found by host, and limited in number.
//!
//! Structure: a sorted map from a domain, its labels turned round (`com.example.www`), to its cookies. The domains
//! that a host is below are then beginnings of its own name, and the domains below one lie side by side.
//!
//! Invariant: `count` is the number of cookies in all lists; no list is empty; no two cookies in one replace each
//! other. Time is given by the caller, so that nothing here waits for it.

use std::collections::BTreeMap;

use super::cookie::{Cookie, Origin, is_address, is_subdomain, path_matches};

/// How many cookies servers may leave for one domain, and how many are left when they have left more. As Chrome.
const MOST_OF_DOMAIN: (usize, usize) = (180, 150);
/// The same for all domains together.
const MOST: (usize, usize) = (10_000, 9_000);
/// A domain with more than this is the first to lose some when there are too many in all.
const CROWD: usize = 50;

#[derive(Debug, Default)]
pub struct Store {
    domains: BTreeMap<Box<str>, Vec<Entry>>,
    count: usize,
    /// Goes up with each change and each use; the time that orders cookies.
    clock: u64,
    /// Whether cookies replace each other as aiohttp has it.
    is_loose: bool,
}

#[derive(Debug)]
struct Entry {
    cookie: Cookie,
    /// When it was first set; it stays when the cookie is set anew. No two are alike.
    created: u64,
    used: u64,
}

impl Store {
    /// One in which `Cookie::replaces_loosely` is the rule.
    pub fn loose() -> Self {
        Self {
            is_loose: true,
            ..Self::default()
        }
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// The cookies for a request, longer paths first, then older ones (RFC 6265bis, section 5.8.3); in a loose one
    /// longer domains last, then longer paths, then younger ones.
    pub fn matching(&mut self, origin: &Origin<'_>, now: i64) -> Vec<&Cookie> {
        self.clock += 1;
        let key = key(origin.host);
        let lists: Vec<&str> = ancestors(&key).collect();
        for list in &lists {
            self.forget_expired(list, now);
            for entry in self.domains.get_mut(*list).into_iter().flatten() {
                if entry.cookie.is_for(origin) {
                    entry.used = self.clock;
                }
            }
        }
        let lists = lists.iter().filter_map(|list| self.domains.get(*list));
        let mut found: Vec<&Entry> = lists
            .flatten()
            .filter(|entry| entry.cookie.is_for(origin))
            .collect();
        if self.is_loose {
            found.sort_by_key(|entry| {
                let path = entry.cookie.path.trim_end_matches('/');
                (entry.cookie.domain.len(), path.len(), entry.created)
            });
            return found.into_iter().map(|entry| &entry.cookie).collect();
        }
        found.sort_by(|a, b| {
            let longer = b.cookie.path.len().cmp(&a.cookie.path.len());
            longer.then(a.created.cmp(&b.created))
        });
        found.into_iter().map(|entry| &entry.cookie).collect()
    }

    /// Keeps what a response from `origin` set, unless it would hide a cookie that is safe from it.
    pub fn receive(&mut self, cookie: Cookie, origin: &Origin<'_>, now: i64) {
        if !origin.secure && self.has_secure(&cookie, now) {
            return;
        }
        let key = key(&cookie.domain);
        self.set(cookie, now);
        self.limit_domain(&key);
        self.limit(now);
    }

    /// Keeps a cookie in place of the one it replaces; one that is expired only removes that.
    pub fn set(&mut self, cookie: Cookie, now: i64) {
        let key = key(&cookie.domain);
        self.forget_expired(&key, now);
        self.clock += 1;
        let clock = self.clock;
        let replaces = if self.is_loose {
            Cookie::replaces_loosely
        } else {
            Cookie::replaces
        };
        if cookie.is_expired(now) {
            self.retain_in(&key, |entry| !replaces(&cookie, &entry.cookie));
            return;
        }
        let list = self.domains.entry(key).or_default();
        match list.iter_mut().find(|entry| replaces(&cookie, &entry.cookie)) {
            Some(entry) => {
                entry.cookie = cookie;
                entry.used = clock;
            }
            None => {
                list.push(Entry {
                    cookie,
                    created: clock,
                    used: clock,
                });
                self.count += 1;
            }
        }
    }

    /// All that are not expired, in the order in which they were first set.
    pub fn all(&self, now: i64) -> Vec<&Cookie> {
        let mut all: Vec<&Entry> = self.domains.values().flatten().collect();
        all.retain(|entry| !entry.cookie.is_expired(now));
        all.sort_by_key(|entry| entry.created);
        all.into_iter().map(|entry| &entry.cookie).collect()
    }

    /// Removes those that `is_doomed` says; how many.
    pub fn remove(&mut self, is_doomed: impl Fn(&Cookie) -> bool) -> usize {
        self.retain(|entry| !is_doomed(&entry.cookie))
    }

    /// Step 16 of section 5.7: whether there is a secure cookie of that name where the new one would go with it.
    fn has_secure(&self, new: &Cookie, now: i64) -> bool {
        let key = key(&new.domain);
        let above = ancestors(&key).filter_map(|list| self.domains.get(list));
        // `/` comes right after `.`.
        let below = (format!("{key}.").into(), format!("{key}/").into());
        let below = self.domains.range::<Box<str>, _>(&below.0..&below.1);
        above
            .chain(below.map(|(_, list)| list))
            .flatten()
            .map(|entry| &entry.cookie)
            .any(|old| {
                let hosts_meet = old.domain == new.domain
                    || is_subdomain(&old.domain, &new.domain)
                    || is_subdomain(&new.domain, &old.domain);
                old.secure
                    && old.name == new.name
                    && hosts_meet
                    && path_matches(&new.path, &old.path)
                    && !old.is_expired(now)
            })
    }

    /// Of a domain, those go first that are not secure, then those that were not used for longest.
    fn limit_domain(&mut self, key: &str) {
        let Some(list) = self.domains.get_mut(key) else {
            return;
        };
        let (most, left) = MOST_OF_DOMAIN;
        if list.len() > most && !key.is_empty() {
            list.sort_by_key(|entry| (!entry.cookie.secure, u64::MAX - entry.used));
            self.count -= list.drain(left..).len();
        }
    }

    /// Section 5.7, at its end: which go first. What the program set for every host stays.
    fn limit(&mut self, now: i64) {
        let (most, left) = MOST;
        if self.count <= most {
            return;
        }
        self.retain(|entry| !entry.cookie.is_expired(now));
        let mut order: Vec<_> = self
            .domains
            .iter()
            .flat_map(|(key, list)| {
                let crowd = list.len() > CROWD;
                let of_servers = list.iter().filter(|_| !key.is_empty());
                of_servers
                    .map(move |entry| (!crowd || entry.cookie.secure, !crowd, entry.used, entry.created))
            })
            .collect();
        let doomed = self.count.saturating_sub(left).min(order.len());
        order.sort_unstable();
        let mut doomed: Vec<u64> = order
            .into_iter()
            .take(doomed)
            .map(|(.., created)| created)
            .collect();
        doomed.sort_unstable();
        self.retain(|entry| doomed.binary_search(&entry.created).is_err());
    }

    fn forget_expired(&mut self, key: &str, now: i64) {
        self.retain_in(key, |entry| !entry.cookie.is_expired(now));
    }

    fn retain_in(&mut self, key: &str, stays: impl Fn(&Entry) -> bool) {
        if let Some(list) = self.domains.get_mut(key) {
            let before = list.len();
            list.retain(stays);
            self.count -= before - list.len();
            if list.is_empty() {
                self.domains.remove(key);
            }
        }
    }

    fn retain(&mut self, stays: impl Fn(&Entry) -> bool) -> usize {
        let before = self.count;
        self.domains.retain(|_, list| {
            list.retain(&stays);
            !list.is_empty()
        });
        self.count = self.domains.values().map(Vec::len).sum();
        before - self.count
    }
}

/// The domain with its labels turned round. An address has none.
fn key(domain: &str) -> Box<str> {
    if is_address(domain) {
        return domain.into();
    }
    let labels: Vec<&str> = domain.rsplit('.').collect();
    labels.join(".").into()
}

/// The key itself, those of the domains above it, and the empty one, which is above all.
fn ancestors(key: &str) -> impl Iterator<Item = &str> {
    let above = key.match_indices('.').filter_map(|(dot, _)| key.get(..dot));
    std::iter::once("").chain(above.chain([key]).filter(|key| !key.is_empty()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const HERE: Origin<'_> = Origin {
        host: "x.site.test",
        is_address: false,
        path: "/",
        secure: false,
    };

    fn cookie(name: &str, domain: &str, expires: Option<i64>) -> Cookie {
        Cookie {
            domain: domain.into(),
            expires,
            ..Cookie::for_every_host(name.as_bytes(), b"1")
        }
    }

    #[test]
    fn a_cookie_ends_at_the_second_it_says() {
        let mut store = Store::default();
        store.set(cookie("a", "site.test", Some(100)), 50);
        store.set(cookie("b", "", Some(200)), 50);
        assert_eq!(store.matching(&HERE, 99).len(), 2);
        assert_eq!((store.all(100).len(), store.count()), (1, 2));
        // Whoever looks removes it.
        assert_eq!(store.matching(&HERE, 100).len(), 1);
        assert_eq!(store.count(), 1);
        assert!(store.matching(&HERE, 200).is_empty());
        assert!(store.domains.is_empty());
    }

    #[test]
    fn a_cookie_set_anew_after_its_end_is_a_new_one() {
        let mut store = Store::default();
        store.set(cookie("a", "site.test", Some(100)), 50);
        store.set(cookie("b", "site.test", None), 50);
        store.set(cookie("a", "site.test", Some(300)), 150);
        let names: Vec<_> = store
            .matching(&HERE, 150)
            .iter()
            .map(|one| one.name.clone())
            .collect();
        assert_eq!(names, [b"b"[..].into(), b"a"[..].into()] as [Box<[u8]>; 2]);
    }

    #[test]
    fn each_domain_is_found_once_from_the_hosts_below_it() {
        assert_eq!(&*key("www.example.com"), "com.example.www");
        assert_eq!(&*key("127.0.0.1"), "127.0.0.1");
        assert_eq!(&*key("[::1]"), "[::1]");
        let lists = |host| ancestors(&key(host)).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            lists("www.example.com"),
            ["", "com", "com.example", "com.example.www"]
        );
        assert_eq!(lists("example.com."), ["", ".com", ".com.example"]);
        assert_eq!(lists(""), [""]);
    }
}
