//! Whom `NO_PROXY` excepts from the proxies of the environment.
//!
//! There is no standard. This is what curl does, and what Python and Go do beyond it: names stand for
//! their subdomains too, with or without a dot before them; addresses may be networks; a port may follow;
//! `*` is everything. Names are not resolved for this. What is nothing of that excepts nobody.

use std::net::IpAddr;

use url::{Host, Url};

use super::route::bare;

#[derive(Debug)]
pub struct Exceptions(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    whom: Whom,
    port: Option<u16>,
}

#[derive(Debug)]
enum Whom {
    All,
    /// As it stands in a URL, without a dot before or after it.
    Domain(String),
    /// An address, and how many of its bits count.
    Network(IpAddr, u32),
}

impl Exceptions {
    /// Reads a list, separated by commas or spaces.
    pub fn parse(list: &str) -> Self {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace());
        Self(entries.filter_map(Rule::parse).collect())
    }

    pub fn include(&self, url: &Url) -> bool {
        let Some(host) = url.host() else {
            return false;
        };
        let port = url.port_or_known_default();
        let mut rules = self.0.iter();
        rules.any(|rule| (rule.port.is_none() || rule.port == port) && rule.whom.includes(&host))
    }
}

impl Rule {
    fn parse(entry: &str) -> Option<Self> {
        if let Ok(address) = entry.parse() {
            return Some(Self::of(Whom::network(address, None)?, None));
        }
        if let Some((address, bits)) = entry.split_once('/') {
            let (address, bits) = (bare(address).parse().ok()?, bits.parse().ok()?);
            return Some(Self::of(Whom::network(address, Some(bits))?, None));
        }
        let (host, port) = match entry.rsplit_once(':') {
            // A colon within brackets is no port's.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (entry, None),
        };
        let whom = match bare(host).parse() {
            Ok(address) => Whom::network(address, None)?,
            Err(_) if host == "*" => Whom::All,
            Err(_) => Whom::domain(host)?,
        };
        Some(Self::of(whom, port))
    }

    fn of(whom: Whom, port: Option<u16>) -> Self {
        Self { whom, port }
    }
}

impl Whom {
    fn network(address: IpAddr, bits: Option<u32>) -> Option<Self> {
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(all);
        (bits <= all).then_some(Self::Network(address, bits))
    }

    fn domain(name: &str) -> Option<Self> {
        let name = name.strip_prefix('*').unwrap_or(name);
        let name = name.trim_matches('.').to_lowercase();
        let name = match Host::parse(&name) {
            Ok(Host::Domain(encoded)) => encoded,
            _ => name,
        };
        (!name.is_empty()).then_some(Self::Domain(name))
    }

    fn includes(&self, host: &Host<&str>) -> bool {
        match (self, host) {
            (Self::All, _) => true,
            (Self::Domain(domain), Host::Domain(host)) => {
                let host = host.strip_suffix('.').unwrap_or(host);
                host.strip_suffix(domain.as_str())
                    .is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }
            (Self::Network(IpAddr::V4(network), bits), Host::Ipv4(address)) => {
                let differ = network.to_bits() ^ address.to_bits();
                differ.checked_shr(32 - bits).unwrap_or(0) == 0
            }
            (Self::Network(IpAddr::V6(network), bits), Host::Ipv6(address)) => {
                let differ = network.to_bits() ^ address.to_bits();
                differ.checked_shr(128 - bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_rule_excepts_nobody() {
        let url = Url::parse("http://127.0.0.1/").unwrap();
        for list in [
            "",
            ".",
            "*.",
            ":",
            ":80",
            "127.0.0.0/33",
            "127.0.0.1:x",
            "[::1",
            "/8",
            "127.0.0.1/",
        ] {
            assert!(!Exceptions::parse(list).include(&url), "{list}");
        }
    }

    #[test]
    fn bits_count_to_the_last() {
        let include = |list: &str, url: &str| Exceptions::parse(list).include(&Url::parse(url).unwrap());
        assert!(include("10.0.0.4/30", "http://10.0.0.7/"));
        assert!(!include("10.0.0.4/30", "http://10.0.0.8/"));
        assert!(include("fe80::/10", "http://[febf::1]/"));
        assert!(!include("fe80::/10", "http://[fec0::1]/"));
        assert!(include("::/0", "http://[fec0::1]/"));
        assert!(include("1.2.3.4/32", "http://1.2.3.4/"));
    }
}
