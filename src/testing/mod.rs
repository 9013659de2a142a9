//! What tests, the demo and the benches stand on: operations with known ends, and a local site.

pub mod operations;
pub mod site;
