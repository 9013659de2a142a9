//! What the connections of a client are doing.

use pyo3::prelude::*;

use super::agent::Agent;

/// A moment in the life of a client's connections.
#[pyclass(frozen, eq, module = "aioxide")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientStatistics {
    /// Connections that are open or being opened.
    #[pyo3(get)]
    connections: usize,
    /// Of those, how many no request has.
    #[pyo3(get)]
    idle: usize,
    /// Requests that wait for one.
    #[pyo3(get)]
    waiting: usize,
    /// Hosts that any of these are about.
    #[pyo3(get)]
    hosts: usize,
    /// Connections opened so far, in this process.
    #[pyo3(get)]
    opened: u64,
    /// How often a request got one that had been there.
    #[pyo3(get)]
    reused: u64,
}

impl ClientStatistics {
    pub fn of(agent: &Agent) -> Self {
        let Some(live) = agent.begun() else {
            return Self::default();
        };
        let Some(engine) = live.engine() else {
            return Self::default();
        };
        let counts = engine.pool.counts();
        let (opened, reused) = engine.pool.totals();
        Self {
            connections: counts.open,
            idle: counts.idle,
            waiting: counts.waiting,
            hosts: counts.hosts,
            opened,
            reused,
        }
    }
}

#[pymethods]
impl ClientStatistics {
    fn __repr__(&self) -> String {
        let Self {
            connections,
            idle,
            waiting,
            hosts,
            opened,
            reused,
        } = self;
        format!(
            "ClientStatistics(connections={connections}, idle={idle}, waiting={waiting}, hosts={hosts}, \
             opened={opened}, reused={reused})"
        )
    }
}
