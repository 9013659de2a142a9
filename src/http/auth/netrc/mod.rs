//! Names and passwords from a netrc file, by host; sent as basic authentication, without being asked for.
//!
//! The file is read once, on the thread that makes the settings. A user who asks for it is told what is
//! wrong with it; where it is merely looked for, as the environment's part of the settings, a file that
//! cannot be used is as good as none.

mod file;

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use self::file::Entry;
use super::Auth;
use super::asked::{Asked, Sent};
use super::basic::Basic;
use crate::error::Error;
use crate::http::params::type_name;
use crate::python::imports;

/// The file's name in a home directory; on Windows, where a name did not begin with a dot, also another.
const NAMES: &[&str] = if cfg!(windows) {
    &[".netrc", "_netrc"]
} else {
    &[".netrc"]
};

/// What a netrc file says.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct NetRc {
    entries: Vec<Entry>,
}

/// Why a file cannot be used.
#[derive(Debug)]
enum Unusable {
    Unreadable(io::Error),
    Wrong(file::Fault),
}

impl NetRc {
    fn read(path: &Path) -> Result<Self, Unusable> {
        let text = std::fs::read(path).map_err(Unusable::Unreadable)?;
        let entries = file::parse(&text).map_err(Unusable::Wrong)?;
        Ok(Self { entries })
    }

    /// The file of `NETRC`, or the one at home; None if there is none that can be used.
    pub fn from_environment() -> Option<Arc<Self>> {
        Self::read(&find()?).ok().map(Arc::new)
    }

    /// What is said of a host; the first entry of that name, else that for all others.
    fn find(&self, host: &str) -> Option<&Arc<Basic>> {
        let host = file::canonical(host.as_bytes());
        let named = |entry: &&Entry| entry.host.as_ref() == Some(&host);
        let mut entries = self.entries.iter();
        let found = entries.clone().find(named);
        found
            .or_else(|| entries.find(|entry| entry.host.is_none()))?
            .basic
            .as_ref()
    }
}

/// What the user's netrc file has for a host, for which there may be none. Reads the file.
pub fn for_host(host: &str) -> Option<Arc<dyn Auth>> {
    let netrc = NetRc::from_environment()?;
    Some(Arc::clone(netrc.find(host)?) as Arc<dyn Auth>)
}

impl Auth for NetRc {
    fn authorize(&self, asked: &Asked<'_>) -> Option<Sent> {
        self.find(asked.url.host_str()?)?.authorize(asked)
    }

    fn chooses_by_host(&self) -> bool {
        true
    }
}

/// Where the file is: None if `NETRC` names none, and none is at home.
fn find() -> Option<PathBuf> {
    if let Some(named) = env::var_os("NETRC").filter(|name| !name.is_empty()) {
        return Some(named.into());
    }
    let home = env::home_dir()?;
    let mut places = NAMES.iter().map(|name| home.join(name));
    places.find(|place| place.is_file())
}

/// Authenticates with the user name and the password that a netrc file has for the host.
#[pyclass(frozen, eq, hash, module = "aioxide")]
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct NetRCAuth {
    /// As given; None for the user's own.
    file: Option<PathBuf>,
    netrc: Arc<NetRc>,
}

impl NetRCAuth {
    pub fn shared(&self) -> Arc<dyn Auth> {
        Arc::clone(&self.netrc) as Arc<dyn Auth>
    }
}

#[pymethods]
impl NetRCAuth {
    #[new]
    #[pyo3(signature = (file=None))]
    fn new(file: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let file = file.map(path).transpose()?;
        let Some(place) = file.clone().or_else(find) else {
            let why = "there is no netrc file: NETRC is not set, and the home directory has none";
            return Err(io::Error::new(io::ErrorKind::NotFound, why).into());
        };
        let netrc = NetRc::read(&place).map_err(|unusable| unusable.of(&place))?;
        Ok(Self {
            file,
            netrc: Arc::new(netrc),
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let Some(file) = &self.file else {
            return Ok("<NetRCAuth>".into());
        };
        let shown = PyString::new(py, &file.to_string_lossy()).repr()?;
        Ok(format!("<NetRCAuth {}>", shown.to_str()?))
    }

    // The place and not the content: a pickle has no passwords, and reads the file where it is unpickled.
    fn __getnewargs__(&self) -> (Option<&Path>,) {
        (self.file.as_deref(),)
    }
}

fn path(file: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    let text = imports::fspath(file.py())?.call1((file,));
    text.and_then(|text| text.extract()).map_err(|_| {
        PyTypeError::new_err(format!(
            "file must be the path of a netrc file or None, not {}",
            type_name(file)
        ))
    })
}

impl Unusable {
    /// The exception that names the file, and the line.
    fn of(self, file: &Path) -> PyErr {
        let file = file.display();
        match self {
            Self::Unreadable(error) => io::Error::new(error.kind(), format!("{file}: {error}")).into(),
            Self::Wrong(fault) => Error::value(format!("{file}, line {}: {}", fault.line, fault.what)).into(),
        }
    }
}
