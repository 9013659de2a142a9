//! Whatever Python has for cookies: mappings, pairs, our own classes, those of httpx and requests, and those of
//! the standard library.

use std::borrow::Cow;
use std::sync::Arc;

use http::HeaderValue;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use url::Url;

use super::cookie::{Cookie, Origin, now};
use super::header::{Line, join};
use super::jar::Jar;
use super::mapping::Cookies;
use super::program::{self, Said};
use super::record::{Record, octets, seconds, value_of};
use super::set_cookie;
use crate::error::Error;
use crate::http::headers::text_of;
use crate::http::params::{items, pair};

/// One of what was given.
#[derive(Debug)]
pub enum Given {
    /// A name and a value, and nothing said of where to.
    Pair(Box<[u8]>, Box<[u8]>),
    Whole(Cookie),
}

impl Given {
    pub fn into_cookie(self) -> Cookie {
        match self {
            Self::Pair(name, value) => Cookie::for_every_host(&name, &value),
            Self::Whole(cookie) => cookie,
        }
    }
}

/// The jar of `Client(cookies=)`: that of a `Cookies`, which is then shared, or a new one with what was given.
pub fn jar_from_python(value: &Bound<'_, PyAny>) -> PyResult<Arc<Jar>> {
    if let Ok(cookies) = value.cast::<Cookies>() {
        return Ok(Arc::clone(cookies.get().jar()));
    }
    let jar = Jar::new();
    jar.set(read(value)?.into_iter().map(Given::into_cookie));
    Ok(Arc::new(jar))
}

/// The value of the `Cookie` header that `cookies=` of one request asks for; None if there are none.
///
/// Where a cookie says which domain it is for, that needs the URL: ValueError. See [`pairs_for`].
pub fn pairs_from_python(value: &Bound<'_, PyAny>) -> PyResult<Option<HeaderValue>> {
    let mut line = Line::default();
    for given in read(value)? {
        let cookie = given.into_cookie();
        if !cookie.domain.is_empty() {
            return Err(PyValueError::new_err(format!(
                "cookie '{}' is for {} and not for whatever a request goes to: \
                 give it to Client(cookies=), or its name and value here",
                text_of(&cookie.name).escape_debug(),
                cookie.domain
            )));
        }
        line.push(&cookie.name, &cookie.value);
    }
    Ok(line.into_value())
}

/// The same, for a request to `url`: of the cookies that say where they go, those that go there.
pub fn pairs_for(value: &Bound<'_, PyAny>, url: &Url) -> PyResult<Option<HeaderValue>> {
    if let Ok(cookies) = value.cast::<Cookies>() {
        return Ok(cookies.get().jar().header(url));
    }
    let mut line = Line::default();
    let jar = Jar::new();
    for given in read(value)? {
        match given {
            Given::Pair(name, value) => line.push(&name, &value),
            Given::Whole(cookie) => jar.set([cookie]),
        }
    }
    Ok(join(jar.header(url), line.into_value().as_ref()))
}

/// Everything in `given`; None has nothing.
pub fn read(given: &Bound<'_, PyAny>) -> PyResult<Vec<Given>> {
    if given.is_none() {
        return Ok(Vec::new());
    }
    if let Ok(cookies) = given.cast::<Cookies>() {
        let all = cookies.get().jar().all();
        return Ok(all.into_iter().map(Given::Whole).collect());
    }
    if let Ok(dict) = given.cast::<PyDict>() {
        let pairs = dict.iter();
        return pairs.map(|(name, value)| named(&name, &value)).collect();
    }
    if let Some(jar) = library_jar(given)? {
        return jar.try_iter()?.map(|item| one(&item?)).collect();
    }
    items(given, "cookies")?.map(|item| one(&item?)).collect()
}

/// An `http.cookiejar.CookieJar`, as requests' is, or the one in an `httpx.Cookies`.
fn library_jar<'py>(given: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = given.py();
    let is_jar = |object: &Bound<'py, PyAny>| object.hasattr(intern!(py, "extract_cookies"));
    let inner = given.getattr_opt(intern!(py, "jar"))?;
    if let Some(inner) = inner
        && is_jar(&inner)?
    {
        return Ok(Some(inner));
    }
    Ok(is_jar(given)?.then(|| given.clone()))
}

fn one(item: &Bound<'_, PyAny>) -> PyResult<Given> {
    if let Ok(record) = item.cast::<Record>() {
        return Ok(Given::Whole(record.get().cookie().clone()));
    }
    if item.hasattr(intern!(item.py(), "domain_specified"))? {
        return of_library(item).map(Given::Whole);
    }
    let (name, value) = pair(item, "cookies")?;
    named(&name, &value)
}

/// A value of a mapping, by its name.
pub fn named(name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<Given> {
    let name = octets(name, || "the name of a cookie".into())?;
    if let Some(write) = value.getattr_opt(intern!(value.py(), "OutputString"))? {
        return morsel(value, &write).map(Given::Whole);
    }
    let value = octets(value, || value_of(&name))?;
    program::check_own(&name, &value)?;
    Ok(Given::Pair((*name).into(), (*value).into()))
}

/// A `Morsel` of an `http.cookies.SimpleCookie`, by way of the header that it writes.
fn morsel(morsel: &Bound<'_, PyAny>, write: &Bound<'_, PyAny>) -> PyResult<Cookie> {
    let header: String = write.call0()?.extract()?;
    let domain: String = morsel.get_item(intern!(morsel.py(), "domain"))?.extract()?;
    let domain = program::domain(&domain)?;
    let origin = Origin {
        host: &domain,
        is_address: false,
        path: "/",
        secure: true,
    };
    let cookie = set_cookie::parse(header.as_bytes(), &origin, now());
    let mut cookie = cookie.ok_or_else(|| Error::value("a Morsel among the cookies is no valid cookie"))?;
    // Without a domain the header is not of any one host.
    cookie.host_only &= !cookie.domain.is_empty();
    Ok(cookie)
}

/// A `Cookie` of `http.cookiejar`.
fn of_library(cookie: &Bound<'_, PyAny>) -> PyResult<Cookie> {
    let py = cookie.py();
    let truth = |name: &str| cookie.getattr(name)?.is_truthy();
    let text = |name: &str| -> PyResult<String> {
        let value = cookie.getattr(name)?;
        if value.is_none() {
            return Ok(String::new());
        }
        value.extract()
    };
    let name = cookie.getattr(intern!(py, "name"))?;
    let name = octets(&name, || "the name of a cookie".into())?;
    let value = cookie.getattr(intern!(py, "value"))?;
    let (name, value): (&[u8], Cow<'_, [u8]>) = if value.is_none() {
        // What has no `=` is a name there, and a value in the RFC.
        (b"", Cow::Borrowed(&name))
    } else {
        (
            &name,
            Cow::Owned(octets(&value, || value_of(&name))?.into_owned()),
        )
    };
    let (domain, path) = (text("domain")?, text("path")?);
    // The name that CookieJar gives to localhost.
    let domain = match domain.as_str() {
        "localhost.local" => "localhost",
        other => other,
    };
    let http_only = cookie.call_method1(intern!(py, "has_nonstandard_attr"), ("HttpOnly",))?;
    let said = Said {
        domain,
        host_only: !domain.is_empty() && !truth("domain_specified")?,
        path: &path,
        expires: seconds(&cookie.getattr(intern!(py, "expires"))?)?,
        secure: truth("secure")?,
        http_only: http_only.is_truthy()?,
        same_site: None,
    };
    Ok(program::cookie(name, &value, &said)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn pairs(given: &Bound<'_, PyAny>, url: Option<&str>) -> PyResult<Option<String>> {
        let value = match url {
            Some(url) => pairs_for(given, &Url::parse(url).unwrap())?,
            None => pairs_from_python(given)?,
        };
        assert!(value.as_ref().is_none_or(HeaderValue::is_sensitive));
        Ok(value.map(|value| text_of(value.as_bytes()).into_owned()))
    }

    #[test]
    fn one_request_takes_what_it_is_given() {
        Python::initialize();
        Python::attach(|py| {
            let eval = |code: &CStr| py.eval(code, None, None).unwrap();
            for (code, header) in [
                (c"None", None),
                (c"{}", None),
                (c"{'a': '1', 'b': '\u{e4}'}", Some("a=1; b=\u{e4}")),
                (c"[('a', '1'), ['a', '2']]", Some("a=1; a=2")),
                (c"{'a': ''}", Some("a=")),
                (
                    c"__import__('http.cookies').cookies.SimpleCookie('a=1; b=2')",
                    Some("a=1; b=2"),
                ),
            ] {
                assert_eq!(pairs(&eval(code), None).unwrap().as_deref(), header);
                assert_eq!(pairs(&eval(code), Some("http://h/")).unwrap().as_deref(), header);
            }
            for code in [
                c"'a=b'",
                c"3",
                c"{'a': 1}",
                c"{'a': '1;'}",
                c"{'a': '1\\n'}",
                c"{'': '1'}",
            ] {
                assert!(pairs(&eval(code), None).is_err(), "{code:?}");
            }
        });
    }

    #[test]
    fn a_cookie_with_a_domain_needs_the_url() {
        Python::initialize();
        Python::attach(|py| {
            let jar = Arc::new(Jar::new());
            let wide = Cookie::for_every_host(b"b", b"2");
            jar.set([
                Cookie {
                    domain: "site.test".into(),
                    ..Cookie::for_every_host(b"a", b"hunter2")
                },
                wide,
            ]);
            let given = Bound::new(py, Cookies::from(Arc::clone(&jar)))
                .unwrap()
                .into_any();
            let refused = pairs(&given, None).unwrap_err();
            assert!(refused.is_instance_of::<PyValueError>(py));
            assert!(!refused.to_string().contains("hunter2"));
            assert_eq!(pairs(&given, Some("http://x.test/")).unwrap().unwrap(), "b=2");
            assert_eq!(
                pairs(&given, Some("http://site.test/")).unwrap().unwrap(),
                "a=hunter2; b=2"
            );
            assert!(Arc::ptr_eq(&jar_from_python(&given).unwrap(), &jar));
        });
    }
}
