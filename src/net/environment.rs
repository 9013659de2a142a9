//! The proxies that the environment names.
//!
//! `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in either case, as curl and Python read them. A
//! CGI program does not take `HTTP_PROXY` at its word, since a client's `Proxy:` header ends up there.

use std::env;
use std::sync::Arc;

use url::Url;

use super::exceptions::Exceptions;
use super::proxy::Proxy;
use crate::error::{Error, Result};

#[derive(Debug)]
pub struct Environment {
    http: Option<Arc<Proxy>>,
    https: Option<Arc<Proxy>>,
    /// Who is reached without a proxy.
    exceptions: Exceptions,
}

impl Environment {
    /// None if it names no proxy; ValueError if it names one that is none.
    pub fn read() -> Result<Option<Self>> {
        let all = proxy("all_proxy")?;
        let cgi = env::var_os("REQUEST_METHOD").is_some();
        let http = if cgi { None } else { proxy("http_proxy")? }.or_else(|| all.clone());
        let https = proxy("https_proxy")?.or(all);
        if http.is_none() && https.is_none() {
            return Ok(None);
        }
        let list = variable("no_proxy").map_or_else(String::new, |(_, value)| value);
        Ok(Some(Self {
            http,
            https,
            exceptions: Exceptions::parse(&list),
        }))
    }

    /// The proxy for `url`, if it is to have one.
    pub fn proxy(&self, url: &Url) -> Option<Arc<Proxy>> {
        let proxy = match url.scheme() {
            "https" => &self.https,
            _ => &self.http,
        };
        let proxy = proxy.as_ref()?;
        (!self.exceptions.include(url)).then(|| Arc::clone(proxy))
    }
}

fn proxy(name: &str) -> Result<Option<Arc<Proxy>>> {
    let Some((name, value)) = variable(name) else {
        return Ok(None);
    };
    let named = |error: Error| Error::value(format!("{name}: {error}"));
    Ok(Some(Arc::new(Proxy::parse(&value).map_err(named)?)))
}

/// A variable that is set and not empty, and its name: in lower case first, as curl has it.
fn variable(name: &str) -> Option<(String, String)> {
    [name.to_owned(), name.to_ascii_uppercase()]
        .into_iter()
        .filter_map(|name| Some((env::var(&name).ok()?, name)))
        .find(|(value, _)| !value.trim().is_empty())
        .map(|(value, name)| (name, value.trim().to_owned()))
}
