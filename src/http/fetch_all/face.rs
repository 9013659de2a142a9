//! `fetch_all`: what is called, and what the user holds.
//!
//! Everything that can be wrong with the call is found in it. Nothing is done before somebody asks for a result.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use parking_lot::Mutex;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyIterator, PyString, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::book::Rules;
use super::crew::Handle;
use super::recipe::Recipe;
use super::robots_asked::Asking;
use super::run::{Callables, FetchRun};
use super::statistics::FetchStatistics;
use crate::bridge::ready::Ready;
use crate::bridge::{InOneGo, Operation};
use crate::error::Error;
use crate::http::agent::Agent;
use crate::http::client::Client;
use crate::http::limits::count;
use crate::http::options::flag;
use crate::http::params::type_name;
use crate::http::request;
use crate::python::imports;

/// With `concurrency="auto"`, the most that there may be.
const MOST_AUTO: usize = 1000;

/// With `ordered`, so many may be outstanding, or four times as many as are in flight.
const WINDOW: usize = 1024;

/// What the user said of the whole, and not of each request.
#[derive(Debug)]
struct Order {
    rules: Rules,
    ordered: bool,
    dedupe: bool,
    /// `Some(None)`: the product token of the User-Agent.
    robots: Option<Option<String>>,
    parse: Option<Py<PyAny>>,
    executor: Option<Py<PyAny>>,
    progress: Option<Py<PyAny>>,
    journal: Option<Py<PyAny>>,
    /// What its requests are known by; `None` only while this is made.
    asked: Option<Py<PyAny>>,
}

impl Order {
    const NAMES: [&str; 11] = [
        "concurrency",
        "per_host",
        "rate",
        "per_host_rate",
        "ordered",
        "dedupe",
        "robots",
        "parse",
        "executor",
        "progress",
        "journal",
    ];

    /// Takes what is its own out of the keyword arguments.
    fn from_python(py: Python<'_>, kwargs: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut order = Self {
            rules: Rules {
                concurrency: Some(100),
                ..Rules::default()
            },
            ordered: false,
            dedupe: false,
            robots: None,
            parse: None,
            executor: None,
            progress: None,
            journal: None,
            asked: None,
        };
        for name in Self::NAMES {
            let Some(value) = kwargs.get_item(name)? else {
                continue;
            };
            kwargs.del_item(name)?;
            if value.is_none() {
                continue;
            }
            match name {
                "concurrency" => order.rules.concurrency = concurrency(&value)?,
                "per_host" => order.rules.per_host = Some(count(&value, name, 1)?),
                "rate" => order.rules.interval = Some(interval(&value, name)?),
                "per_host_rate" => order.rules.host_interval = Some(interval(&value, name)?),
                "ordered" => order.ordered = flag(&value, name)?,
                "dedupe" => order.dedupe = flag(&value, name)?,
                "robots" => order.robots = robots(&value)?,
                "parse" => order.parse = Some(called(&value, name)?),
                "executor" => order.executor = Some(executor(&value)?),
                "progress" if value.is_instance_of::<PyBool>() => {
                    if flag(&value, name)? {
                        order.progress = Some(imports::fetching_bar(py)?.clone().unbind());
                    }
                }
                "progress" => order.progress = Some(called(&value, name)?),
                _ => order.journal = Some(imports::open_journal(py)?.call1((value,))?.unbind()),
            }
        }
        order.rules.robots = order.robots.is_some();
        if order.executor.is_some() && order.parse.is_none() {
            return Err(PyTypeError::new_err(
                "executor is where parse is called, and there is no parse",
            ));
        }
        Ok(order)
    }

    /// What a journal knows these requests by: their method and body go with the URL.
    fn know(&mut self, py: Python<'_>, method: &Method, options: &Bound<'_, PyDict>) -> PyResult<()> {
        let asked = imports::asked_of_journal(py)?.call1((method.as_str(), options))?;
        if let Some(journal) = self.journal.take() {
            self.journal = Some(asked.call_method1(intern!(py, "told"), (journal,))?.unbind());
        }
        self.asked = Some(asked.unbind());
        Ok(())
    }
}

/// A `fetch_all` that was called for: iterate or await it, once.
#[pyclass(frozen, weakref, module = "aioxide")]
#[derive(Debug)]
pub struct FetchAll {
    order: Mutex<Option<(Order, Recipe, Py<PyAny>)>>,
    /// Once it was begun.
    handle: Mutex<Option<Arc<Handle>>>,
    /// How many URLs there are, where that is known.
    total: Option<usize>,
}

impl FetchAll {
    /// TypeError, ValueError for options that make no sense. `agent` is asked for with the most that are in flight.
    pub fn begin(
        function: &'static str,
        urls: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
        agent: impl FnOnce(usize) -> PyResult<Arc<Agent>>,
    ) -> PyResult<Self> {
        let py = urls.py();
        if urls.is_instance_of::<PyString>() || urls.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err(format!(
                "{function}() takes an iterable of URLs, not a single {}",
                type_name(urls)
            )));
        }
        let options = match kwargs {
            Some(kwargs) => kwargs.copy()?,
            None => PyDict::new(py),
        };
        let mut order = Order::from_python(py, &options)?;
        let method = match options.get_item("method")? {
            Some(method) => {
                options.del_item("method")?;
                request::method(&method)?
            }
            None => Method::GET,
        };
        order.know(py, &method, &options)?;
        let agent = agent(order.rules.concurrency.unwrap_or(MOST_AUTO))?;
        let recipe = Recipe::new(function, &agent, method, Some(&options))?;
        let source = imports::fetching_source(py)?.call1((urls,))?;
        Ok(Self {
            order: Mutex::new(Some((order, recipe, source.unbind()))),
            handle: Mutex::new(None),
            total: urls.len().ok(),
        })
    }

    /// Begins it, in the running loop; what gives the results.
    fn start(slf: &Bound<'_, Self>) -> PyResult<(Py<FetchRun>, Option<Py<PyAny>>)> {
        let py = slf.py();
        imports::get_running_loop(py)?.call0()?;
        let taken = slf.get().order.lock().take();
        let Some((order, recipe, source)) = taken else {
            return Err(Error::runtime("this fetch_all has been begun or closed already").into());
        };
        let live = recipe.agent().live()?;
        let most = order.rules.concurrency.unwrap_or(MOST_AUTO);
        live.make_room(most);
        let asking = order.robots.map(|agent| {
            let all = &recipe.agent().settings.headers;
            Asking::new(agent.as_deref(), all, &recipe)
        });
        let (results, window) = match order.ordered {
            true => (usize::MAX, WINDOW.max(most.saturating_mul(4))),
            false => (most.max(64), usize::MAX),
        };
        let handle = Arc::new(Handle::start(live, order.rules, asking, results, window)?);
        *slf.get().handle.lock() = Some(Arc::clone(&handle));
        let source = source.bind(py);
        let iterator = source.cast::<PyIterator>().ok();
        let (parse, elsewhere) = match (order.parse, order.executor) {
            (Some(parse), Some(executor)) => (None, Some((parse, executor))),
            (parse, _) => (parse, None),
        };
        let progress = match &order.progress {
            Some(progress) if progress.is(imports::fetching_bar(py)?) => {
                Some(progress.call1(py, (slf.get().total,))?)
            }
            Some(progress) => Some(progress.clone_ref(py)),
            None => None,
        };
        let callables = Callables {
            parse,
            progress,
            journal: order.journal,
        };
        let pulled = iterator.map(|iterator| iterator.clone().unbind());
        let run = FetchRun::new(handle, recipe, pulled, callables, order.ordered, order.dedupe);
        let run = Bound::new(py, run)?;
        if iterator.is_none() {
            imports::feed_fetching(py)?.call1((&run, source))?;
        }
        let elsewhere = match elsewhere {
            Some((parse, executor)) => {
                let parsed = imports::parsed_elsewhere(py)?;
                Some(parsed.call1((&run, parse, executor))?.unbind())
            }
            None => None,
        };
        Ok((run.unbind(), elsewhere))
    }

    fn stop(&self) {
        let handle = self.handle.lock().clone();
        if let Some(handle) = handle {
            handle.stop();
        }
        let order = self.order.lock().take();
        drop(order);
    }
}

#[pymethods]
impl FetchAll {
    fn __aiter__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let (run, elsewhere) = Self::start(slf)?;
        Ok(elsewhere.unwrap_or_else(|| run.into_any()))
    }

    /// All results, as a list in the order of the URLs.
    fn __await__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let (run, elsewhere) = Self::start(slf)?;
        let all = match elsewhere {
            Some(elsewhere) => imports::collect_fetched(py)?.call1((elsewhere,))?,
            None => run.bind(py).call_method0(intern!(py, "all"))?,
        };
        all.call_method0(intern!(py, "__await__"))
    }

    /// Lists of `size` results, the last one maybe shorter; each no later than `within` seconds after it was asked
    /// for, if there is a result by then.
    #[pyo3(signature = (size, *, within=None))]
    fn batches<'py>(
        slf: &Bound<'py, Self>,
        size: &Bound<'py, PyAny>,
        within: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let size = count(size, "size", 1)?;
        let seconds = |within: &Bound<'py, PyAny>| match within.is_instance_of::<PyBool>() {
            true => Err(PyTypeError::new_err(
                "within must be a number of seconds or None, not bool",
            )),
            false => within.extract::<f64>(),
        };
        let within = within.map(seconds).transpose()?;
        if within.is_some_and(|within| within.is_nan() || within < 0.0) {
            return Err(PyValueError::new_err(
                "within must be zero seconds or more, or None",
            ));
        }
        imports::fetched_batches(py)?.call1((slf, size, within))
    }

    /// Writes the results to `path` as they come.
    #[pyo3(signature = (path, **options), text_signature = "($self, path, *, resume=False, retry_failed=False, body=None)")]
    fn save<'py>(
        slf: &Bound<'py, Self>,
        path: &Bound<'py, PyAny>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        imports::save_fetched(slf.py())?.call((slf, path), options)
    }

    /// What gives the results: for `batches`.
    fn _start(slf: &Bound<'_, Self>) -> PyResult<(Py<FetchRun>, Option<Py<PyAny>>)> {
        Self::start(slf)
    }

    /// For `save`: has what `journal` says was done left out; what its requests are known by. ValueError if there
    /// is a journal already.
    fn _leave_out(&self, py: Python<'_>, journal: Py<PyAny>) -> PyResult<Option<Py<PyAny>>> {
        let mut order = self.order.lock();
        let Some((order, ..)) = order.as_mut() else {
            return Err(Error::runtime("this fetch_all has been begun or closed already").into());
        };
        if order.journal.is_some() {
            return Err(PyValueError::new_err(
                "save() writes down itself what is done, and takes no journal beside it",
            ));
        }
        order.journal = Some(journal);
        Ok(order.asked.as_ref().map(|asked| asked.clone_ref(py)))
    }

    /// How far it is; all zeros before it has begun. RuntimeError in a forked child.
    fn statistics(&self) -> PyResult<FetchStatistics> {
        let handle = self.handle.lock().clone();
        let Some(handle) = handle else {
            return Ok(FetchStatistics::default());
        };
        handle.check()?;
        Ok(handle.look(|state| FetchStatistics::of(state)))
    }

    /// Stops what is in flight. A second time does nothing.
    fn aclose(slf: Py<Self>) -> Operation {
        let close = move |py: Python<'_>| {
            slf.get().stop();
            Ok(py.None())
        };
        Operation::new("FetchAll.aclose", InOneGo::new(close))
    }

    fn __aenter__(slf: &Bound<'_, Self>) -> PyResult<Py<Ready>> {
        Ready::with(slf.py(), slf.clone().into_any().unbind())
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<Py<Ready>> {
        self.stop();
        Ready::none(py)
    }

    fn __repr__(&self) -> String {
        if self.handle.lock().is_none() {
            return "<FetchAll [not begun]>".to_owned();
        }
        match self.statistics() {
            Ok(statistics) => format!("<FetchAll {}>", statistics.summary()),
            Err(_) => "<FetchAll [of the parent process]>".to_owned(),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Some(order) = self.order.try_lock() else {
            return Ok(());
        };
        if let Some((order, recipe, source)) = &*order {
            recipe.traverse(&visit)?;
            for object in [&order.parse, &order.executor, &order.progress] {
                visit.call(object)?;
            }
            visit.call(&order.journal)?;
            visit.call(&order.asked)?;
            visit.call(source)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let order = self.order.lock().take();
        drop(order);
    }
}

/// Many requests, a few at a time, on a client of their own.
#[pyfunction]
#[pyo3(
    signature = (urls, **kwargs),
    text_signature = "(urls, *, concurrency=100, per_host=None, rate=None, per_host_rate=None, retries=..., ordered=False, dedupe=False, robots=False, parse=None, executor=None, progress=None, journal=None, method='GET', params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, max_body=None, extensions=None)"
)]
pub fn fetch_all(urls: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<FetchAll> {
    FetchAll::begin("fetch_all", urls, kwargs, |most| Client::alone(urls.py(), most))
}

/// `"auto"` or how many.
fn concurrency(value: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    if let Ok(text) = value.cast::<PyString>() {
        return match text.to_str()? {
            "auto" => Ok(None),
            other => Err(PyValueError::new_err(format!(
                "concurrency must be a whole number or 'auto', not {other:?}"
            ))),
        };
    }
    count(value, "concurrency", 1).map(Some)
}

/// The time between two, for so many a second.
fn interval(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Duration> {
    let rate: f64 = match value.is_instance_of::<PyBool>() {
        true => f64::NAN,
        false => value.extract().map_err(|_| {
            PyTypeError::new_err(format!(
                "{what} must be a number of requests a second, not {}",
                type_name(value)
            ))
        })?,
    };
    let interval = Duration::try_from_secs_f64(1.0 / rate);
    match interval {
        Ok(interval) if rate > 0.0 && rate.is_finite() => Ok(interval),
        _ => Err(PyValueError::new_err(format!(
            "{what} must be a number of requests a second above zero, not {rate}"
        ))),
    }
}

/// Whether to ask for robots.txt files, and as whom.
fn robots(value: &Bound<'_, PyAny>) -> PyResult<Option<Option<String>>> {
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(flag.is_true().then_some(None));
    }
    let Ok(token) = value.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!(
            "robots must be True, False or a product token, not {}",
            type_name(value)
        )));
    };
    let token = token.to_str()?;
    // RFC 9309, section 2.2.1.
    let good = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '-';
    if token.is_empty() || !token.chars().all(good) {
        return Err(PyValueError::new_err(format!(
            "robots must be a product token, of letters, '_' and '-', not {token:?}"
        )));
    }
    Ok(Some(Some(token.to_owned())))
}

/// Where `parse` is called: a `concurrent.futures.Executor`, or what is used as one.
fn executor(value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let submit = value.getattr_opt(intern!(value.py(), "submit"))?;
    match submit.is_some_and(|submit| submit.is_callable()) && !value.is_instance_of::<PyType>() {
        true => Ok(value.clone().unbind()),
        false => Err(PyTypeError::new_err(format!(
            "executor must be a concurrent.futures.Executor, not {}",
            type_name(value)
        ))),
    }
}

fn called(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Py<PyAny>> {
    let py = value.py();
    let is_coroutine = |function: &Bound<'_, PyAny>| -> PyResult<bool> {
        imports::iscoroutinefunction(py)?.call1((function,))?.is_truthy()
    };
    // Of an object that is called it is the method that counts.
    let call = value.get_type().getattr_opt(intern!(py, "__call__"))?;
    if is_coroutine(value)? || call.is_some_and(|call| is_coroutine(&call).unwrap_or(false)) {
        return Err(PyTypeError::new_err(format!(
            "{what} must be a plain function, not a coroutine function: nobody awaits what it returns"
        )));
    }
    match value.is_callable() && !value.is_instance_of::<PyInt>() {
        true => Ok(value.clone().unbind()),
        false => Err(PyTypeError::new_err(format!(
            "{what} must be callable, not {}",
            type_name(value)
        ))),
    }
}
