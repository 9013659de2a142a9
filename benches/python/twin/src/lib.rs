//! The same no-op that crosses to tokio, over pyo3-async-runtimes.

use pyo3::prelude::*;

#[pymodule]
mod aioxide_bench_twin {
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        // As many workers as aioxide has, so that only the bridges differ.
        let workers = std::env::var("AIOXIDE_WORKERS").ok().and_then(|count| count.parse().ok()).unwrap_or(2);
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(workers).enable_all();
        pyo3_async_runtimes::tokio::init(builder);
        Ok(())
    }

    #[pyfunction]
    fn noop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        pyo3_async_runtimes::tokio::future_into_py(py, async { Ok(()) })
    }
}
