//! What a robots.txt lets a crawler fetch (RFC 9309).
//!
//! ```text
//! bytes -> line      records: who is spoken to, what they may not, how slowly
//!       -> pattern   a path with * and $, in the form that it is compared in
//!       -> Rules     those of one agent, the most specific first: the first that matches decides
//! URL   -> target    path and query, in that form
//! ```
//!
//! Invariant: whoever wrote the file, and whoever the URL, parsing is linear (and sorts), memory is a small
//! multiple of 500 KiB, and checking a URL is one look at each octet of both, and no more than [`WORK`] steps.
//!
//! Why no crate: robotxt 0.7 needs a newer Rust than we ask for (66 ms for a URL, with a file made for it);
//! texting_robots 0.2 makes a regex of each rule with a `$` (0.8 s to parse such a file, and one rule too
//! complex fails it all); robotstxt 0.3 reads UTF-8 only and parses anew for every URL. All of them fail the
//! RFC's own examples of percent-encoding (`%2A`, `%24`, a URL in a query), and none bounds the work.

mod form;
mod line;
mod pattern;
mod target;

use std::cmp::Reverse;
use std::time::Duration;

use url::{Position, Url};

use line::Line;
use pattern::Pattern;
use target::Target;

/// Steps of matching for one URL, over all rules: about a millisecond. No honest file comes near, since
/// nearly all rules with a `*` fail at [`Target::has_pairs`]. Past it the answer is no: a file that nobody
/// can afford to read allows nothing.
const WORK: usize = 1 << 20;

/// What one robots.txt says to one agent.
#[derive(Debug)]
pub struct Rules {
    /// The most specific first; `allow` before `disallow`, which wins the ties (section 2.2.2).
    rules: Box<[Rule]>,
    crawl_delay: Option<Duration>,
}

#[derive(Debug, PartialEq, Eq)]
struct Rule {
    pattern: Pattern,
    allow: bool,
}

impl Rules {
    /// What a robots.txt says to `agent`, a product token.
    ///
    /// `file`: the bytes as they came. Beyond 500 KiB nothing is read (section 2.5), nor a line cut there.
    /// Never fails: what cannot be read is skipped.
    pub fn parse(file: &[u8], agent: &str) -> Self {
        let agent = product_token(agent);
        let mut named = Group::default();
        let mut any = Group::default();
        let mut naming = false;
        for line in line::lines(file) {
            match line {
                Line::Agent(value) => {
                    if !naming {
                        named.addressed = false;
                        any.addressed = false;
                        naming = true;
                    }
                    if line::is_any(value) {
                        any.address();
                    } else if agent
                        .is_some_and(|agent| line::token(value).eq_ignore_ascii_case(agent.as_bytes()))
                    {
                        named.address();
                    }
                }
                Line::Rule { allow, path } => {
                    naming = false;
                    named.rule(allow, path);
                    any.rule(allow, path);
                }
                // No record of the RFC, so it must not end the naming of agents (section 2.2.4). It holds for
                // those named above it, and not for those below.
                Line::CrawlDelay(seconds) => {
                    named.delay(seconds);
                    any.delay(seconds);
                }
            }
        }
        // A group of one's own counts even if it has no rules; only without one is it that of `*`.
        let group = if named.exists { named } else { any };
        group.into_rules()
    }

    /// Everything may be fetched: the file is "unavailable", a 4xx (section 2.3.1.3).
    pub fn allow_all() -> Self {
        Group::default().into_rules()
    }

    /// Nothing may be fetched: the file is "unreachable", a 5xx or an error (section 2.3.1.4).
    pub fn disallow_all() -> Self {
        let mut group = Group::default();
        group.address();
        group.rule(false, b"*");
        group.into_rules()
    }

    /// Whether that URL may be fetched: path and query are what counts. `/robots.txt` itself always may.
    pub fn allows(&self, url: &Url) -> bool {
        let target = Target::new(&url[Position::BeforePath..Position::AfterQuery]);
        if self.rules.is_empty() || target.is_robots_txt() {
            return true;
        }
        let mut work = WORK;
        for rule in &self.rules {
            match rule.pattern.matches(&target, &mut work) {
                Some(true) => return rule.allow,
                Some(false) => {}
                None => return false,
            }
        }
        true
    }

    /// Crawl-delay, which is no part of the RFC: the longest of those that are for this agent. None without
    /// one; what is no number of seconds from 0 up does not count. No upper limit.
    pub fn crawl_delay(&self) -> Option<Duration> {
        self.crawl_delay
    }
}

/// All that is for one agent: groups that name it more than once are one (section 2.2.1).
#[derive(Default)]
struct Group {
    rules: Vec<Rule>,
    crawl_delay: Option<Duration>,
    exists: bool,
    /// Whether the lines that come next are for this agent.
    addressed: bool,
}

impl Group {
    fn address(&mut self) {
        self.exists = true;
        self.addressed = true;
    }

    /// A rule without a path says nothing: `Disallow:` allows all that no other rule disallows.
    fn rule(&mut self, allow: bool, path: &[u8]) {
        if self.addressed && !path.is_empty() {
            let pattern = Pattern::new(path);
            self.rules.push(Rule { pattern, allow });
        }
    }

    fn delay(&mut self, seconds: &[u8]) {
        if self.addressed {
            self.crawl_delay = self.crawl_delay.max(delay(seconds));
        }
    }

    fn into_rules(mut self) -> Rules {
        self.rules.sort_unstable_by(|one, other| {
            let specific = |rule: &Rule| (Reverse(rule.pattern.octets()), Reverse(rule.allow));
            let same = || one.pattern.cmp(&other.pattern);
            specific(one).cmp(&specific(other)).then_with(same)
        });
        self.rules.dedup();
        Rules {
            rules: self.rules.into_boxed_slice(),
            crawl_delay: self.crawl_delay,
        }
    }
}

/// None for a number below 0, for what is no number, and for one without an end.
fn delay(seconds: &[u8]) -> Option<Duration> {
    let seconds: f64 = std::str::from_utf8(seconds).ok()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The product token of a User-Agent header: `mybot` of `mybot/1.2 (+https://example.org)`. None if it has
/// none. Digits and what else HTTP has in a token are taken too, for there is `MJ12bot`; the RFC asks
/// crawlers for letters, `-` and `_` (section 2.2.1).
pub fn product_token(user_agent: &str) -> Option<&str> {
    let user_agent = user_agent.trim_ascii();
    let token = user_agent.get(..line::token(user_agent.as_bytes()).len())?;
    (!token.is_empty()).then_some(token)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
