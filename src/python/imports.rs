//! Every Python object that this crate asks for by name, each imported once.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

/// Declares functions that import one attribute of one module, once for the process.
macro_rules! imported {
    ($($(#[$doc:meta])* $name:ident = $module:literal . $attribute:literal;)*) => {$(
        $(#[$doc])*
        pub fn $name(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
            static OBJECT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            OBJECT.import(py, $module, $attribute)
        }
    )*};
}

imported! {
    /// Raises RuntimeError where no loop runs.
    get_running_loop = "asyncio"."get_running_loop";
    running_loop_or_none = "asyncio"."_get_running_loop";
    /// The running loop, or the one set for this thread, or RuntimeError.
    get_event_loop = "asyncio"."get_event_loop";
    base_event_loop = "asyncio"."BaseEventLoop";
    current_task = "asyncio"."current_task";
    isfuture = "asyncio"."isfuture";
    iscoroutine = "asyncio"."iscoroutine";
    isawaitable = "inspect"."isawaitable";
    iscoroutinefunction = "inspect"."iscoroutinefunction";
    coroutine_type = "types"."CoroutineType";
    task = "asyncio"."Task";
    ensure_future = "asyncio"."ensure_future";
    cancelled_error = "asyncio"."CancelledError";
    incomplete_read_error = "asyncio"."IncompleteReadError";
    copy_context = "contextvars"."copy_context";
    generic_alias = "types"."GenericAlias";
    register_at_fork = "os"."register_at_fork";
    register_at_exit = "atexit"."register";
    /// Calls what it is given when the main thread has ended, before Python waits for other threads.
    register_at_threads_end = "threading"."_register_atexit";
    active_count = "threading"."active_count";
    current_thread = "threading"."current_thread";
    thread_ident = "threading"."get_ident";
    /// The threads that Python knows of, by ident.
    known_threads = "threading"."_active";
    future_cancelled_error = "concurrent.futures"."CancelledError";
    is_finalizing = "sys"."is_finalizing";
    current_frames = "sys"."_current_frames";
    get_ident = "threading"."get_ident";
    stack_summary = "traceback"."StackSummary";
    fspath = "os"."fspath";
    default_ssl_context = "ssl"."create_default_context";
    mapping_abc = "collections.abc"."Mapping";
    mutable_mapping_abc = "collections.abc"."MutableMapping";
    keys_view = "collections.abc"."KeysView";
    values_view = "collections.abc"."ValuesView";
    items_view = "collections.abc"."ItemsView";
    codecs_lookup = "codecs"."lookup";
    json_encoder = "json"."JSONEncoder";
    json_loads = "json"."loads";
    timedelta = "datetime"."timedelta";
    object = "builtins"."object";
    monotonic = "time"."monotonic";
    main_thread = "threading"."main_thread";
    /// The class that exceptions carry; by name, since it lives floors above.
    request = "aioxide._core"."Request";
    /// `aioxide.tasks.GatheringFuture`: an `asyncio.Future` whose `cancel` reaches the children.
    gathering_future = "aioxide.tasks"."GatheringFuture";
    urandom = "os"."urandom";
    /// `aioxide.hooks.Asking`: a request that calls Python in its course.
    asking = "aioxide.hooks"."Asking";
    /// `aioxide.hooks.ask_blocking`: the same for a plain thread.
    asking_blocking = "aioxide.hooks"."ask_blocking";
    /// `aioxide.uploads.recognise`: what a body may be that is not bytes, as a source.
    recognise_upload = "aioxide.uploads"."recognise";
    /// `aioxide.uploads.reading`: a file as a source that is read by calling it.
    read_upload = "aioxide.uploads"."reading";
    /// `aioxide.uploads.feed`: a coroutine that puts a source's chunks into a pipe.
    feed_upload = "aioxide.uploads"."feed";
    /// `aioxide.uploads.feed_blocking`: the same for a plain thread.
    feed_upload_blocking = "aioxide.uploads"."feed_blocking";
    /// `aioxide.uploads.name_of`: the name of a file that is sent, without its folders.
    upload_name = "aioxide.uploads"."name_of";
    /// `aioxide.uploads.type_of`: the media type that a file of that name has.
    upload_type = "aioxide.uploads"."type_of";
    /// `aioxide.fetching.source`: an iterator, plain or asynchronous, over what `fetch_all` was given.
    fetching_source = "aioxide.fetching"."source";
    /// `aioxide.fetching.feed`: starts the task that brings a run the items of an asynchronous iterator.
    feed_fetching = "aioxide.fetching"."feed";
    /// `aioxide.fetching.bar`: a progress bar, as a callable.
    fetching_bar = "aioxide.fetching"."bar";
    /// `aioxide.fetching.Batches`: results in lists.
    fetched_batches = "aioxide.fetching"."Batches";
    /// `aioxide.fetching.collect`: a coroutine for all results.
    collect_fetched = "aioxide.fetching"."collect";
    /// `aioxide.fetching.ParsedElsewhere`: an asynchronous iterator over results parsed by an executor.
    parsed_elsewhere = "aioxide.fetching"."ParsedElsewhere";
    /// `aioxide.journal.Asked`: what the requests of one `fetch_all` have in common that a journal knows them by.
    asked_of_journal = "aioxide.journal"."Asked";
    /// `aioxide.journal.open_journal`: the journal at a path, or what is one already.
    open_journal = "aioxide.journal"."open_journal";
    /// `aioxide.outputs.save`: a coroutine that writes results to files.
    save_fetched = "aioxide.outputs"."save";
    /// `aioxide.aiohttp._failures.failure`: what aiohttp raises where we raise that.
    aiohttp_failure = "aioxide.aiohttp._failures"."failure";
    /// `aioxide.aiohttp._contexts.RequestContextManager`: what a session's request gives that is a coroutine of Python's.
    aiohttp_in_context = "aioxide.aiohttp._contexts"."RequestContextManager";
    /// `aioxide.aiohttp._failures.too_many`: the exception for a response that is one redirect too many.
    aiohttp_too_many = "aioxide.aiohttp._failures"."too_many";
    /// `aioxide.aiohttp.header_names.KNOWN`: the names of headers that aiohttp knows, as it writes them.
    aiohttp_known_headers = "aioxide.aiohttp.header_names"."KNOWN";
    /// `yarl.URL`: aiohttp's URLs.
    yarl_url = "yarl"."URL";
    /// `aioxide.watching.watch_from_thread`: starts the thread that a `Watcher` serves.
    watch_from_thread = "aioxide.watching"."watch_from_thread";
}

/// `json.dumps` as requests want it: compact, UTF-8, and ValueError for NaN and infinities.
pub fn json_encode(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static ENCODE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let encode = ENCODE.get_or_try_init(py, || {
        let settings = PyDict::new(py);
        settings.set_item("ensure_ascii", false)?;
        settings.set_item("allow_nan", false)?;
        settings.set_item("separators", (",", ":"))?;
        let encoder = json_encoder(py)?.call((), Some(&settings))?;
        encoder.getattr("encode").map(Bound::unbind)
    })?;
    Ok(encode.bind(py))
}

/// The class of that name in `aioxide.exceptions`.
pub fn exception<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    static MODULE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || {
        py.import("aioxide.exceptions").map(|m| m.into_any().unbind())
    })?;
    Ok(module.bind(py).getattr(name)?.cast_into()?)
}
