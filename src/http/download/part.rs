//! The file that a download grows in, until it takes the place of the target. Blocking: for tokio's threads for
//! that.
//!
//! ```text
//! file.part       what has come, locked while somebody is at it
//! file.part.json  of what it is a part; none: nobody can go on from it
//! file            old or new, never half: the part is renamed when it is complete and on the disk
//! ```
//!
//! Invariant: who has a [`Part`] has the only one of its name, in this process and all others, and the lock goes
//! with the process.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bytes::Bytes;
use parking_lot::Mutex;

use super::note;
use super::paths::{OsFailure, Paths};
use super::validator::Validator;

type Result<T> = std::result::Result<T, OsFailure>;

/// How often a part is opened again that was taken away, or put in its place, between opening and locking.
const TRIES: u32 = 100;

#[derive(Debug)]
pub struct Part {
    paths: Paths,
    file: File,
    /// See [`note::origin`].
    origin: String,
    /// What is in the file; None: nobody can go on from it.
    validator: Mutex<Option<Validator>>,
    /// Whether a later call may go on from it.
    keep: bool,
    /// Whether what is in the file is of this call, or was taken over by it.
    ours: AtomicBool,
    /// It is in its place.
    placed: AtomicBool,
}

impl Part {
    /// Opens and locks it; gives the length of what it has of `origin` already, in bytes.
    ///
    /// WouldBlock if another download has it; AlreadyExists if the target is no file.
    pub fn open(paths: Paths, origin: String, keep: bool) -> Result<(Self, u64)> {
        check_target(&paths)?;
        let file = open(&paths)?;
        let at = || OsFailure::at(&paths.part);
        let there = file.metadata().map_err(at())?.len();
        let validator = match keep && there > 0 {
            true => note::read(&paths.note, &origin),
            false => None,
        };
        let length = if validator.is_some() { there } else { 0 };
        (&file).seek(SeekFrom::Start(length)).map_err(at())?;
        let part = Self {
            file,
            origin,
            keep,
            ours: AtomicBool::new(there == 0 || validator.is_some()),
            validator: Mutex::new(validator),
            placed: AtomicBool::new(false),
            paths,
        };
        Ok((part, length))
    }

    pub fn validator(&self) -> Option<Validator> {
        self.validator.lock().clone()
    }

    /// Empties it, for a file of which `validator` tells what it is.
    pub fn restart(&self, validator: Option<Validator>) -> Result<()> {
        *self.validator.lock() = None;
        self.ours.store(true, Relaxed);
        note::remove(&self.paths.note).map_err(OsFailure::at(&self.paths.note))?;
        let emptied = self.file.set_len(0).and_then(|()| (&self.file).rewind());
        emptied.map_err(OsFailure::at(&self.paths.part))?;
        if let Some(validator) = validator {
            if self.keep {
                note::write(&self.paths.note, &self.origin, &validator)
                    .map_err(OsFailure::at(&self.paths.note))?;
            }
            *self.validator.lock() = Some(validator);
        }
        Ok(())
    }

    /// Adds the pieces, none of which is empty.
    pub fn write(&self, pieces: &[Bytes]) -> Result<()> {
        write_all(&self.file, pieces).map_err(OsFailure::at(&self.paths.part))
    }

    /// Puts it in the place of the target, all of it on the disk.
    pub fn place(&self) -> Result<()> {
        self.file.sync_all().map_err(OsFailure::at(&self.paths.part))?;
        fs::rename(&self.paths.part, &self.paths.target).map_err(OsFailure::at(&self.paths.given))?;
        self.placed.store(true, Relaxed);
        sync_directory(&self.paths.target).map_err(OsFailure::at(&self.paths.given))?;
        // Without a part it says nothing.
        let _ = note::remove(&self.paths.note);
        Ok(())
    }

    /// Whether a later call could go on from it.
    fn is_of_use(&self) -> bool {
        let some = || self.file.metadata().is_ok_and(|data| data.len() > 0);
        self.keep && self.validator.lock().is_some() && some()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.placed.load(Relaxed) || !self.ours.load(Relaxed) || self.is_of_use() {
            return;
        }
        // Still locked, so it is nobody else's. There is nobody to hear of an error.
        let _ = fs::remove_file(&self.paths.part);
        let _ = note::remove(&self.paths.note);
    }
}

/// A rename would put a file in the place of a device, too.
fn check_target(paths: &Paths) -> Result<()> {
    let error = match fs::metadata(&paths.target) {
        Ok(data) if data.is_dir() => ErrorKind::IsADirectory.into(),
        Ok(data) if !data.is_file() => {
            io::Error::new(ErrorKind::AlreadyExists, "it exists, and is not a regular file")
        }
        Err(error) if error.kind() != ErrorKind::NotFound => error,
        _ => return Ok(()),
    };
    Err(OsFailure::at(&paths.given)(error))
}

fn open(paths: &Paths) -> Result<File> {
    let busy = |why| OsFailure::at(&paths.given)(io::Error::new(ErrorKind::WouldBlock, why));
    for _ in 0..TRIES {
        let file = match opened(&paths.part) {
            Ok(file) => file,
            Err(error) if is_locked(&error) => return Err(busy(TAKEN)),
            // It is the directory that is missing.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(OsFailure::at(&paths.given)(error));
            }
            Err(error) => return Err(OsFailure::at(&paths.part)(error)),
        };
        match lock(&file) {
            Ok(()) => {}
            Err(error) if is_locked(&error) => return Err(busy(TAKEN)),
            Err(error) => return Err(OsFailure::at(&paths.part)(error)),
        }
        if is_still_there(&file, &paths.part).map_err(OsFailure::at(&paths.part))? {
            return Ok(file);
        }
    }
    Err(busy("other downloads to it come and go"))
}

const TAKEN: &str = "another download to it is under way";

#[cfg(unix)]
fn opened(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    // Somebody else could have put a link there, in a directory for all. Of a pipe there is no waiting.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "it exists, and is not a regular file",
        )),
    }
}

#[cfg(not(unix))]
fn opened(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    // Nobody else may open it, but it can be renamed: FILE_SHARE_DELETE.
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 4);
    options.open(path)
}

#[cfg(unix)]
fn lock(file: &File) -> io::Result<()> {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;

    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        // A file system that has no locks: better than no download.
        Err(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK | Errno::INVAL) => Ok(()),
        outcome => Ok(outcome?),
    }
}

#[cfg(not(unix))]
fn lock(_file: &File) -> io::Result<()> {
    Ok(())
}

fn is_locked(error: &io::Error) -> bool {
    const SHARING_VIOLATION: i32 = 32;
    error.kind() == ErrorKind::WouldBlock
        || (cfg!(windows) && error.raw_os_error() == Some(SHARING_VIOLATION))
}

/// What was opened may have been renamed before it was locked: it is the complete file then.
#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_still_there(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

fn write_all(mut file: &File, pieces: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut left = slices.as_mut_slice();
    while !left.is_empty() {
        match file.write_vectored(left) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut left, count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// So that the name is on the disk as well. Some file systems have no such thing, and a directory need not be
/// readable to write to it.
#[cfg(unix)]
fn sync_directory(target: &Path) -> io::Result<()> {
    let Some(directory) = target.parent() else {
        return Ok(());
    };
    match File::open(directory).and_then(|directory| directory.sync_all()) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        outcome => outcome,
    }
}

#[cfg(not(unix))]
fn sync_directory(_target: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// Paths in a directory of their own.
    fn paths(name: &str) -> Paths {
        let folder = std::env::temp_dir().join(format!("aioxide-part-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Paths::of(folder.join("file")).unwrap()
    }

    fn open(paths: &Paths) -> Result<(Part, u64)> {
        Part::open(paths.clone(), "origin".into(), true)
    }

    fn tag() -> Option<Validator> {
        Some(Validator::Tag("\"x\"".into()))
    }

    #[test]
    fn there_is_one_at_a_time_and_the_next_goes_on_from_it() {
        let paths = paths("lock");
        let (part, length) = open(&paths).unwrap();
        assert_eq!(length, 0);
        part.restart(tag()).unwrap();
        part.write(&[Bytes::from("ab"), Bytes::from("c")]).unwrap();
        let error = open(&paths).unwrap_err().error;
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        drop(part);
        let (part, length) = open(&paths).unwrap();
        assert_eq!((length, part.validator()), (3, tag()));
        part.write(&[Bytes::from("d")]).unwrap();
        part.place().unwrap();
        assert_eq!(fs::read(&paths.target).unwrap(), b"abcd");
        // Though the part before is not closed, the name is free.
        let (other, length) = open(&paths).unwrap();
        assert_eq!(length, 0);
        drop((part, other));
        fs::remove_file(&paths.target).unwrap();
        fs::remove_dir(paths.target.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_part_that_was_put_in_its_place_meanwhile_is_not_taken_for_one() {
        let paths = paths("renamed");
        let file = opened(&paths.part).unwrap();
        assert!(is_still_there(&file, &paths.part).unwrap());
        fs::rename(&paths.part, &paths.target).unwrap();
        assert!(!is_still_there(&file, &paths.part).unwrap());
        fs::write(&paths.part, "another").unwrap();
        assert!(!is_still_there(&file, &paths.part).unwrap());
        fs::remove_dir_all(paths.target.parent().unwrap()).unwrap();
    }

    #[test]
    fn what_is_of_no_use_does_not_stay_and_what_is_not_ours_does() {
        let paths = paths("dropped");
        for (validator, pieces) in [(None, &[Bytes::from("abc")][..]), (tag(), &[])] {
            let (part, _) = open(&paths).unwrap();
            part.restart(validator).unwrap();
            part.write(pieces).unwrap();
            drop(part);
            assert!(!paths.part.exists() && !paths.note.exists());
        }
        fs::write(&paths.part, "of whatever").unwrap();
        let (part, length) = open(&paths).unwrap();
        assert_eq!(length, 0);
        drop(part);
        assert!(paths.part.exists());
        fs::remove_dir_all(paths.target.parent().unwrap()).unwrap();
    }
}
