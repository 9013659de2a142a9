//! Has the linker put the functions of `src/python/left_behind.rs` in the place of CPython's.

use std::env;
use std::error::Error;
use std::fs;

const WRAPPERS: &str = "src/python/left_behind.rs";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={WRAPPERS}");
    println!("cargo::rustc-check-cfg=cfg(left_behind)");
    pyo3_build_config::use_pyo3_cfgs();
    let unwinds = env::var("CARGO_CFG_TARGET_OS")? == "linux" && env::var("CARGO_CFG_TARGET_ENV")? == "gnu";
    let python = pyo3_build_config::get().version();
    if unwinds && (python.major, python.minor) < (3, 14) {
        println!("cargo::rustc-cfg=left_behind");
        for name in names(&fs::read_to_string(WRAPPERS)?) {
            println!("cargo::rustc-link-arg=-Wl,--wrap={name}");
        }
    }
    Ok(())
}

/// Of the functions that are declared there as `fn Py...`, and of the one that stands apart.
fn names(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter_map(|line| {
        let line = line.trim_start();
        let name = line
            .strip_prefix("fn ")
            .or_else(|| line.strip_prefix("#[link_name = \"__real_"))?;
        let end = name.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')?;
        name.get(..end)
            .filter(|name| name.trim_start_matches('_').starts_with("Py"))
    })
}
