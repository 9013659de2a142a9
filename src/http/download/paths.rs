//! The names of a download: where it goes, and what stands beside that until it is complete.
//!
//! All in one directory, since only within one file system is a rename atomic. Absolute from the call on: the
//! process may go to another directory meanwhile.

use std::ffi::OsString;
use std::io;
use std::path::{self, Path, PathBuf};

/// An error of the system, and the path it is about.
#[derive(Debug)]
pub struct OsFailure {
    pub error: io::Error,
    pub path: PathBuf,
}

impl OsFailure {
    /// For `map_err`.
    pub fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |error| Self {
            error,
            path: path.to_owned(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Paths {
    /// As the caller wrote it, for the errors and the result.
    pub given: PathBuf,
    pub target: PathBuf,
    /// What has come so far.
    pub part: PathBuf,
    /// What the part is a part of; see [`note`](super::note).
    pub note: PathBuf,
}

impl Paths {
    pub fn of(given: PathBuf) -> Result<Self, OsFailure> {
        let target = match given.as_os_str().is_empty() {
            true => Err(io::ErrorKind::NotFound.into()),
            false => path::absolute(&given),
        }
        .map_err(OsFailure::at(&given))?;
        let ends_in_separator = given
            .as_os_str()
            .as_encoded_bytes()
            .last()
            .is_some_and(|byte| path::is_separator(char::from(*byte)));
        let name = match target.file_name() {
            Some(name) if !ends_in_separator => name,
            _ => return Err(OsFailure::at(&given)(io::ErrorKind::IsADirectory.into())),
        };
        let beside = |suffix: &str| {
            let mut name = OsString::from(name);
            name.push(suffix);
            target.with_file_name(name)
        };
        Ok(Self {
            part: beside(".part"),
            note: beside(".part.json"),
            given,
            target,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_part_stands_beside_the_target() {
        let paths = Paths::of("some/file.tar.gz".into()).unwrap();
        assert_eq!(paths.given, Path::new("some/file.tar.gz"));
        assert!(paths.target.is_absolute());
        assert_eq!(paths.part, paths.target.with_file_name("file.tar.gz.part"));
        assert_eq!(paths.note, paths.target.with_file_name("file.tar.gz.part.json"));
    }

    #[test]
    fn what_cannot_be_a_file_is_refused() {
        for (given, kind) in [
            ("", io::ErrorKind::NotFound),
            ("/", io::ErrorKind::IsADirectory),
            ("..", io::ErrorKind::IsADirectory),
            ("new/", io::ErrorKind::IsADirectory),
        ] {
            assert_eq!(
                Paths::of(given.into()).unwrap_err().error.kind(),
                kind,
                "{given:?}"
            );
        }
    }
}
