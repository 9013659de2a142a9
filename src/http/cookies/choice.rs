//! Which of a jar's cookies are meant, and how one is told from another of its name.

use super::cookie::Cookie;
use super::program;
use crate::error::Result;
use crate::http::headers::text_of;

/// What is None does not matter.
#[derive(Debug)]
pub struct Filter<'a> {
    pub name: Option<&'a str>,
    domain: Option<Box<str>>,
    path: Option<&'a str>,
}

impl<'a> Filter<'a> {
    pub fn new(name: Option<&'a str>, domain: Option<&str>, path: Option<&'a str>) -> Result<Self> {
        let domain = domain.map(program::domain).transpose()?;
        Ok(Self { name, domain, path })
    }

    pub fn named(name: &'a str) -> Self {
        Self {
            name: Some(name),
            domain: None,
            path: None,
        }
    }

    pub fn takes(&self, cookie: &Cookie) -> bool {
        self.name.is_none_or(|name| text_of(&cookie.name) == name)
            && self.domain.as_ref().is_none_or(|domain| cookie.domain == *domain)
            && self.path.is_none_or(|path| *cookie.path == *path)
    }
}

/// Where a cookie goes, to be shown.
pub fn place(cookie: &Cookie) -> String {
    let host = match &*cookie.domain {
        "" => "every host",
        domain => domain,
    };
    match &*cookie.path {
        "/" => host.to_owned(),
        path => format!("{host}{}", path.escape_debug()),
    }
}
