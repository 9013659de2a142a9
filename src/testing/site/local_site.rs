//! The Python face of a site: settings, start and stop, and what the site saw.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::content::pieces;
use super::log::{Log, Seen};
use super::reflection::latin1_pairs;
use super::server::Server;
use super::statistics::Goal;
use super::tls::CertificateFile;
use super::{Settings, Site};
use crate::bridge::Operation;
use crate::bridge::ready::Ready;
use crate::python::warn;

/// A web site on this machine, on threads of its own; `aioxide.testing` says what it has to offer.
///
/// `host`: the address to listen on. `port`: 0 for any that is free. `tls`: serve https, with a
/// certificate made at each start. `http2`: speak it to those who ask (ALPN, or prior knowledge without
/// TLS). `workers`: threads that serve. `pages`: books in the shop. `log`: keep what `requests()` and the
/// `paths` of `statistics()` give; without it a request costs less.
///
/// Used with `with` or `async with`, or started and stopped by hand. ValueError for no workers or pages.
#[pyclass(frozen, module = "aioxide.testing")]
#[derive(Debug)]
pub struct LocalSite {
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What was counted and seen since the last start.
    site: Arc<Site>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    server: Server,
    /// Written when somebody asks for it.
    file: Option<CertificateFile>,
}

/// One request, as the site saw it.
#[pyclass(frozen, get_all, module = "aioxide.testing")]
#[derive(Debug)]
pub struct SeenRequest {
    method: String,
    /// What stood in the request line; in HTTP/2, path and query.
    target: String,
    /// The Host header, or HTTP/2's `:authority`.
    authority: String,
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`.
    version: String,
    /// In their order, the names in lower case, the values as Latin-1.
    headers: Vec<(String, String)>,
    /// Bytes; None if the body was not read to its end.
    body_length: Option<u64>,
}

#[pymethods]
impl SeenRequest {
    fn __repr__(&self) -> String {
        format!("<SeenRequest {} {} {}>", self.method, self.target, self.version)
    }
}

impl From<&Seen> for SeenRequest {
    fn from(seen: &Seen) -> Self {
        Self {
            method: seen.method.to_string(),
            target: seen.target.clone(),
            authority: seen.authority.clone(),
            version: format!("{:?}", seen.version),
            headers: latin1_pairs(&seen.headers),
            body_length: seen.body_length(),
        }
    }
}

/// The body of `/bytes/{length}`, and of every other route that answers so many bytes.
#[pyfunction]
pub fn pattern(py: Python<'_>, length: usize) -> PyResult<Bound<'_, PyBytes>> {
    PyBytes::new_with(py, length, |mut bytes| {
        for piece in pieces(length as u64) {
            let (head, tail) = bytes.split_at_mut(piece.len());
            head.copy_from_slice(&piece);
            bytes = tail;
        }
        Ok(())
    })
}

impl LocalSite {
    fn site(&self) -> Arc<Site> {
        self.state.lock().site.clone()
    }

    /// Looks at the running server.
    fn running<T>(&self, look: impl FnOnce(&mut Running) -> PyResult<T>) -> PyResult<T> {
        match &mut self.state.lock().running {
            Some(running) => look(running),
            None => Err(PyRuntimeError::new_err("the site is not running")),
        }
    }

    /// Stops; what failed since the start, if anything.
    fn end(&self, py: Python<'_>) -> Option<String> {
        let (running, site) = {
            let mut state = self.state.lock();
            (state.running.take(), state.site.clone())
        };
        // Without the interpreter: the last operations of other threads may need it to end.
        py.detach(|| {
            if let Some(running) = running
                && let Err(error) = running.server.stop()
            {
                site.faults.record(error.to_string());
            }
            site.faults.take()
        })
    }

    fn wait(&self, qualname: &'static str, goal: Goal) -> Operation {
        let site = self.site();
        Operation::remote(qualname, async move { site.statistics.reach(goal).await })
    }
}

#[pymethods]
impl LocalSite {
    #[new]
    #[pyo3(signature = (*, host="127.0.0.1", port=0, tls=false, http2=true, workers=1, pages=5000, log=true))]
    fn new(
        host: &str,
        port: u16,
        tls: bool,
        http2: bool,
        workers: usize,
        pages: u32,
        log: bool,
    ) -> PyResult<Self> {
        if workers == 0 || pages == 0 {
            return Err(PyValueError::new_err(
                "a site has at least one worker and one page",
            ));
        }
        let settings = Settings {
            host: host.to_owned(),
            port,
            tls,
            http2,
            workers,
            pages,
            log,
        };
        let site = Arc::new(Site::new(&settings));
        Ok(Self {
            settings,
            state: Mutex::new(State { site, running: None }),
        })
    }

    /// Listens, and serves from now on; counts begin at zero. Does nothing if it runs already.
    ///
    /// OSError if the address cannot be had.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| {
            let mut state = self.state.lock();
            if state.running.is_none() {
                let site = Arc::new(Site::new(&self.settings));
                let server = Server::start(&self.settings, site.clone())?;
                *state = State {
                    site,
                    running: Some(Running { server, file: None }),
                };
            }
            Ok(())
        })
    }

    /// Drops every connection, frees the port, and returns when that is done; what was counted stays.
    ///
    /// RuntimeError, with a list, if anything failed that was not the clients' doing.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        self.end(py)
            .map_or(Ok(()), |fault| Err(PyRuntimeError::new_err(fault)))
    }

    fn __enter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Self>> {
        slf.get().start(py)?;
        Ok(slf)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _class: &Bound<'_, PyAny>,
        exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        match self.end(py) {
            // The block's own exception is likelier to be the cause: it goes on, with a note.
            Some(fault) if !exception.is_none() => exception.call_method1("add_note", (fault,)).map(drop),
            Some(fault) => Err(PyRuntimeError::new_err(fault)),
            None => Ok(()),
        }
    }

    fn __aenter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Ready>> {
        let entered = Self::__enter__(slf, py)?;
        Ready::with(py, entered.into_any())
    }

    fn __aexit__(
        &self,
        py: Python<'_>,
        class: &Bound<'_, PyAny>,
        exception: &Bound<'_, PyAny>,
        traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<Ready>> {
        self.__exit__(py, class, exception, traceback)?;
        Ready::none(py)
    }

    /// The address it listens on. Like the following four: RuntimeError unless it runs.
    #[getter]
    fn host(&self) -> PyResult<String> {
        self.running(|running| Ok(running.server.address.ip().to_string()))
    }

    #[getter]
    fn port(&self) -> PyResult<u16> {
        self.running(|running| Ok(running.server.address.port()))
    }

    /// Without a slash at its end. With TLS it names localhost, as the certificate does.
    #[getter]
    fn url(&self) -> PyResult<String> {
        self.running(|running| {
            let address = running.server.address;
            Ok(match running.server.certificate {
                Some(_) => format!("https://localhost:{}", address.port()),
                None => format!("http://{address}"),
            })
        })
    }

    /// The authority that a client has to trust, in PEM; None without TLS.
    #[getter]
    fn certificate(&self) -> PyResult<Option<String>> {
        self.running(|running| Ok(running.server.certificate.clone()))
    }

    /// The same in a file, which is there until the site stops.
    #[getter]
    fn certificate_path(&self) -> PyResult<Option<String>> {
        self.running(|running| {
            let Some(pem) = &running.server.certificate else {
                return Ok(None);
            };
            let file = match running.file.take() {
                Some(file) => file,
                None => CertificateFile::write(pem, running.server.address.port())?,
            };
            Ok(Some(running.file.insert(file).path.display().to_string()))
        })
    }

    /// What was counted since the start, by name; `paths` says how often each was asked for.
    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let site = self.site();
        let counts = PyDict::new(py);
        for (name, count) in site.statistics.counts() {
            counts.set_item(name, count)?;
        }
        let paths: HashMap<String, u64> = site.log.as_ref().map(Log::paths).unwrap_or_default();
        counts.set_item("paths", paths)?;
        Ok(counts)
    }

    /// The last 10,000 requests, the oldest first. RuntimeError if the site keeps no log.
    fn requests(&self) -> PyResult<Vec<SeenRequest>> {
        match &self.site().log {
            Some(log) => Ok(log.recent().iter().map(|seen| seen.as_ref().into()).collect()),
            None => Err(PyRuntimeError::new_err("the site keeps no log (log=False)")),
        }
    }

    /// Waits until at least `count` requests have begun: their heads were read.
    ///
    /// Like the following three: RuntimeError if the site stops before that.
    fn wait_begun(&self, count: u64) -> Operation {
        self.wait("LocalSite.wait_begun", Goal::Begun(count))
    }

    /// Waits until at least `count` requests were answered to the last byte.
    fn wait_finished(&self, count: u64) -> Operation {
        self.wait("LocalSite.wait_finished", Goal::Finished(count))
    }

    /// Waits until at least `count` requests were given up by their clients.
    fn wait_aborted(&self, count: u64) -> Operation {
        self.wait("LocalSite.wait_aborted", Goal::Aborted(count))
    }

    /// Waits until exactly `count` connections are open.
    fn wait_open(&self, count: u64) -> Operation {
        self.wait("LocalSite.wait_open", Goal::Open(count))
    }

    fn __repr__(&self) -> String {
        match self.url() {
            Ok(url) => format!("<LocalSite {url}>"),
            Err(_) => "<LocalSite, not running>".to_owned(),
        }
    }
}

impl Drop for LocalSite {
    fn drop(&mut self) {
        if self.state.get_mut().running.is_some() {
            // Attached already: CPython drops objects on attached threads only.
            Python::attach(|py| warn::never_stopped(py, "LocalSite"));
        }
    }
}
