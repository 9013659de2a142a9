//! What Rust knows of Python: the names it imports, and the few C-level steps PyO3 has no word for.
//!
//! The only floor that imports a Python object by name. `unsafe` is allowed here and in `bridge/`.

pub mod attached;
pub mod bytes;
pub mod context;
pub mod descriptor;
pub mod drive;
pub mod exceptions;
pub mod finish;
pub mod foreign;
pub mod frame;
pub mod given;
pub mod imports;
#[cfg(left_behind)]
mod left_behind;
pub mod lifecycle;
pub mod paths;
pub mod warn;
