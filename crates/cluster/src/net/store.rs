//! The folder in which a controller keeps its run.
//!
//! What is appended is with the operating system when the call returns, so it outlives the process. It is on the disk, and
//! outlives the machine, at once where that is asked for, and within about a second otherwise: a thread of its own sees
//! to that, as a disk may take longer than a lease.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::time::{Duration, Instant};

use crate::controller::JournalError;

const RUN: &str = "run.journal";
const NEXT: &str = "run.journal.next";
const LOCK: &str = "lock";
/// How long what was written may not be on the disk.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The system says no.
    #[error("{path}: {error}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// Two controllers on one run would be a catastrophe.
    #[error("{path} is in use by another controller, which is still running")]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// What is in it cannot be gone on with.
    #[error("{path} cannot be used: {reason}; give another folder for a new run")]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: JournalError,
    },
    /// Its run is over.
    #[error(
        "{path} cannot be used: its run has ended, with exit code {code}; give another folder for a new run"
    )]
    Ended {
        /// The folder.
        path: PathBuf,
        /// How it ended.
        code: String,
    },
}

/// See the module's description.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    file: Arc<File>,
    synced: Instant,
    syncer: SyncSender<Arc<File>>,
    /// Held for as long as this lives.
    _lock: File,
}

/// A folder that is locked, and what is in it.
#[derive(Debug)]
pub(super) struct Opened {
    folder: PathBuf,
    lock: File,
    /// The journal of an earlier process.
    pub(super) content: Option<Vec<u8>>,
}

impl Opened {
    /// Makes the folder if need be, locks it and reads it.
    pub(super) fn new(folder: &Path) -> Result<Self, StateError> {
        let failed = |error| StateError::Io { path: folder.to_owned(), error };
        // Setup data may be secret.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let lock = private().create(true).append(true).open(folder.join(LOCK)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Locked { path: folder.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let content = match std::fs::read(folder.join(RUN)) {
            Ok(content) => Some(content),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        Ok(Self { folder: folder.to_owned(), lock, content })
    }

    /// The folder's name, for messages.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Begins to write, with this.
    pub(super) fn begin(self, content: &[u8]) -> Result<Store, StateError> {
        let failed = |error| StateError::Io { path: self.folder.clone(), error };
        let file = Arc::new(replace(&self.folder, content).map_err(failed)?);
        let (syncer, files) = mpsc::sync_channel::<Arc<File>>(1);
        std::thread::Builder::new()
            .name("throng-state".to_owned())
            .spawn(move || {
                for file in files {
                    // The next write says what is wrong with the disk.
                    let _ = file.sync_data();
                }
            })
            .map_err(failed)?;
        Ok(Store { folder: self.folder, file, synced: Instant::now(), syncer, _lock: self.lock })
    }
}

impl Store {
    /// Adds to the journal.
    pub(super) fn append(&mut self, bytes: &[u8], sync: bool) -> io::Result<()> {
        (&*self.file).write_all(bytes)?;
        if sync {
            self.file.sync_data()?;
            self.synced = Instant::now();
        } else if self.synced.elapsed() >= SYNC_EVERY && self.syncer.try_send(self.file.clone()).is_ok() {
            self.synced = Instant::now();
        }
        Ok(())
    }

    /// Makes this the whole journal.
    pub(super) fn replace(&mut self, content: &[u8]) -> io::Result<()> {
        self.file = Arc::new(replace(&self.folder, content)?);
        self.synced = Instant::now();
        Ok(())
    }

    /// Nobody shall go on from what is there.
    pub(super) fn spoil(&self) {
        let _ = self.file.set_len(0);
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Either the old or the new content is there whatever happens.
fn replace(folder: &Path, content: &[u8]) -> io::Result<File> {
    let next = folder.join(NEXT);
    let mut file = private().create(true).write(true).truncate(true).open(&next)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&next, folder.join(RUN))?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("throng-store-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn what_is_written_is_there_and_nobody_else_can_read_it() {
        let path = folder("written");
        let opened = Opened::new(&path).unwrap();
        assert_eq!(opened.content, None);
        let mut store = opened.begin(b"one").unwrap();
        store.append(b"two", false).unwrap();
        store.append(b"three", true).unwrap();
        assert!(matches!(Opened::new(&path), Err(StateError::Locked { .. })));
        drop(store);
        let opened = Opened::new(&path).unwrap();
        assert_eq!(opened.content.as_deref(), Some(&b"onetwothree"[..]));
        assert_eq!(std::fs::metadata(path.join(RUN)).unwrap().permissions().mode() & 0o777, 0o600);
        let mut store = opened.begin(b"four").unwrap();
        store.replace(b"five").unwrap();
        store.append(b"six", false).unwrap();
        drop(store);
        assert_eq!(Opened::new(&path).unwrap().content.as_deref(), Some(&b"fivesix"[..]));
        std::fs::remove_dir_all(path).unwrap();
    }
}
